//! Who is at the other end: the client's address, also behind proxies that are known.

use crate::config::Network;
use actix_http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The client's address. Proxies write theirs behind what they were told, so the last one that is not a
/// trusted proxy is the client; what stands before it anybody may have written. When two headers
/// contradict each other one of them is forged, and the peer is all that is known.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_proxy(peer) {
        return peer;
    }
    let named = |header: HeaderName, read: fn(&str) -> Option<IpAddr>| {
        let mut last = None;
        for hop in hops(headers, &header).rev() {
            // What can not be read can not be believed, nor what stands before it.
            let Some(address) = read(hop) else { break };
            last = Some(address);
            if !is_proxy(address) {
                break;
            }
        }
        last
    };
    match (named(X_FORWARDED_FOR, address), named(FORWARDED, forwarded_for)) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// The part of an address that one household has: all of IPv4, the first half of IPv6.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
        v4 => v4,
    }
}

fn hops<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a str> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("?")).collect();
    lines.into_iter().flat_map(|line| line.split(',').collect::<Vec<_>>())
}

/// `for=` of a hop of RFC 7239.
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    hop.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") { address(value.trim_matches('"')) } else { None }
    })
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_http::header::HeaderValue;

    fn seen(peer: &str, lines: &[(&str, &str)]) -> String {
        let trusted: Vec<Network> =
            ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let forged = [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=198.51.100.9")];
        assert_eq!(seen("203.0.113.5", &forged), "203.0.113.5");
        assert_eq!(seen("127.0.0.1", &forged), "198.51.100.9");
        assert_eq!(seen("::ffff:127.0.0.1", &forged), "198.51.100.9");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        for (line, client) in [
            ("198.51.100.9", "198.51.100.9"),
            ("1.1.1.1, 198.51.100.9", "198.51.100.9"),
            ("1.1.1.1, 198.51.100.9, 10.1.2.3", "198.51.100.9"),
            ("198.51.100.9:4711", "198.51.100.9"),
            ("[2001:db8::7]:4711,10.0.0.1", "2001:db8::7"),
            ("::ffff:198.51.100.9", "198.51.100.9"),
            ("10.0.0.9, 10.0.0.1", "10.0.0.9"),
            // Not an address: what stands before it is nobody's word.
            ("1.1.1.1, unknown, 10.0.0.1", "10.0.0.1"),
            ("unknown", "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", &[("x-forwarded-for", line)]), client, "{line}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.9")];
        assert_eq!(seen("127.0.0.1", &lines), "198.51.100.9");
        for (line, client) in [
            ("for=1.1.1.1, for=198.51.100.9;proto=https", "198.51.100.9"),
            ("proto=https; For=\"[2001:db8::7]:80\"", "2001:db8::7"),
            ("for=_hidden", "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", &[("forwarded", line)]), client, "{line}");
        }
        let contradiction = [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(seen("127.0.0.1", &contradiction), "127.0.0.1");
    }

    #[test]
    fn a_household_has_many_addresses_of_ipv6_and_one_of_ipv4() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
