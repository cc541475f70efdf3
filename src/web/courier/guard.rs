//! Which addresses the server calls on a stranger's word: public ones, and what the configuration allows.

use crate::config::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// Of an address no more is kept than this.
pub const URL_MAX: usize = 500;

/// What the configuration allows beyond public addresses.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Networks that may be called though they are not public.
    pub networks: Vec<Network>,
    /// Hosts that may be called without TLS.
    pub http_hosts: Vec<String>,
}

impl Allowed {
    /// Whether an address may be called.
    #[must_use]
    pub fn is_open(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address)) || is_public(address)
    }

    /// An address of an endpoint, as it is kept; or what is wrong with it.
    ///
    /// # Errors
    /// What people have to know.
    pub fn endpoint(&self, text: &str) -> Result<Url, &'static str> {
        let url = Url::parse(text).map_err(|_| "an https address")?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("an https address with a host")?;
        let plain = url.scheme() == "http" && self.http_hosts.iter().any(|known| known == host);
        if url.scheme() != "https" && !plain {
            return Err("an https address");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("an https address without credentials and without a fragment");
        }
        if url.as_str().len() > URL_MAX {
            return Err("an https address of at most 500 characters");
        }
        match literal(&url) {
            Some(address) if !self.is_open(address) => Err("an address that is reached over the internet"),
            _ => Ok(url),
        }
    }
}

/// The address that stands in the place of a name.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain(_) => None,
    }
}

/// Whether it is an address of somebody on the internet, and of nothing around the server.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, _, _) => true,
        // Shared by a provider's customers.
        (100, 64..=127, _) => true,
        // Link-local: metadata services of clouds, for one.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, and relays to IPv6.
        (192, 0, 0) | (192, 88, 99) => true,
        // Documentation.
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => true,
        // Benchmarks.
        (198, 18..=19, _) => true,
        _ => false,
    };
    !special
}

/// Of IPv6 only what is given out as public; so neither mapped IPv4 nor NAT64, unique local, link-local,
/// site-local or multicast.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let given_out = a & 0xe000 == 0x2000;
    let special = match (a, b) {
        // Protocol assignments, with Teredo, benchmarks and ORCHID in it.
        (0x2001, 0..=0x01ff) => true,
        // Documentation.
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => true,
        // 6to4: any IPv4 address may be inside.
        (0x2002, _) => true,
        _ => false,
    };
    given_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around the server, or of nobody.
    const CLOSED: &str = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 \
         127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 \
         192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 \
         224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 \
         ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 \
         2001::1 2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 \
         2002:808:808::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1";
    const OPEN: &str = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.1.1.1 \
         128.0.0.1 169.253.1.1 169.255.1.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.1.1 192.169.1.1 \
         198.17.1.1 198.20.0.1 223.255.255.255 2001:4860:4860::8888 2001:200::1 2003::1 \
         2606:4700::1111 2a00:1450::1";

    #[test]
    fn only_public_addresses_are_called() {
        let (closed, open): (Vec<_>, Vec<_>) = (CLOSED.split(' ').collect(), OPEN.split(' ').collect());
        assert!(closed.len() > 45 && open.len() > 20, "{} {}", closed.len(), open.len());
        for address in closed {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in open {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_is_called_and_nothing_beside_it() {
        let networks = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let allowed = Allowed { networks, http_hosts: Vec::new() };
        for (address, open) in [
            ("10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd12::1", true),
            ("fc00::1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(allowed.is_open(address.parse().unwrap()), open, "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_an_https_address_of_somebody_else() {
        let http_hosts = vec!["127.0.0.1".to_owned()];
        let allowed = Allowed { networks: vec!["127.0.0.1".parse().unwrap()], http_hosts };
        for good in [
            "https://brand.example/hooks?a=b",
            "https://brand.example:8443",
            "https://8.8.8.8/",
            "http://127.0.0.1:8080/hook",
            "https://[2606:4700::1111]/",
        ] {
            assert!(allowed.endpoint(good).is_ok(), "{good}");
        }
        let long = format!("https://brand.example/{}", "a".repeat(URL_MAX));
        for bad in [
            "",
            "brand.example",
            "http://brand.example/",
            "ftp://brand.example/",
            "file:///etc/passwd",
            "https://",
            "https://user@brand.example/",
            "https://user:word@brand.example/",
            "https://brand.example/#part",
            "https://127.0.0.2/",
            "https://0x7f.2/",
            "https://2130706434/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            &long,
        ] {
            assert!(allowed.endpoint(bad).is_err(), "{bad}");
        }
    }
}
