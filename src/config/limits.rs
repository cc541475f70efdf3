//! How many requests are answered, and whose pages may send them.

use serde::{Deserialize, Serialize};
use std::net::Ipv6Addr;

/// The most that an allowance may be. 0 a minute is no limit.
const PER_MINUTE_MAX: u32 = 1_000_000;

/// How many requests are answered. 0 a minute is no limit.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests a minute of an API key.
    pub key_per_minute: u32,
    /// Of them at once.
    pub key_burst: u32,
    /// Requests a minute of a user.
    pub user_per_minute: u32,
    /// Of them at once.
    pub user_burst: u32,
    /// Requests a minute of an address, without a valid key or token.
    pub address_per_minute: u32,
    /// Of them at once.
    pub address_burst: u32,
    /// Changes a minute of a key or a user.
    pub write_per_minute: u32,
    /// Of them at once.
    pub write_burst: u32,
    /// Keys, users and addresses that are remembered, of each kind.
    pub remembered_max: usize,
}

impl Limits {
    /// Whether every allowance lets somebody in.
    pub(super) fn fit(&self) -> bool {
        let each = [
            (self.key_per_minute, self.key_burst),
            (self.user_per_minute, self.user_burst),
            (self.address_per_minute, self.address_burst),
            (self.write_per_minute, self.write_burst),
        ];
        each.iter().all(|(per_minute, burst)| {
            *per_minute == 0 || (*per_minute <= PER_MINUTE_MAX && (1..=PER_MINUTE_MAX).contains(burst))
        })
    }
}

/// Pages of other origins.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Whose pages may call the API.
    pub allowed_origins: Vec<String>,
}

impl Cors {
    /// Whether each is an origin as a browser writes it, or `*` stands alone.
    pub(super) fn fit(&self) -> bool {
        match self.allowed_origins.as_slice() {
            [one] if one == "*" => true,
            all => all.iter().all(|origin| is_origin(origin)),
        }
    }
}

/// Scheme, host and port, as browsers send them: small letters, no port that the scheme implies, nothing
/// behind. Any other text would never match.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let implied = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name = |host: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        !host.is_empty() && host.bytes().all(fits)
    };
    let is_host = v6.map_or_else(|| is_name(host), |v6| v6.parse::<Ipv6Addr>().is_ok());
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|number| number != implied && number.to_string() == port);
    is_host && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in [
            "https://studio.example.com",
            "http://localhost:5173",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://[2001:db8::1]",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "studio.example.com",
            "https://",
            "https://Studio.example.com",
            "https://studio.example.com/",
            "https://studio.example.com:443",
            "http://studio.example.com:080",
            "http://studio.example.com:99999",
            "https://user@studio.example.com",
            "https://*.example.com",
            "ftp://studio.example.com",
            "https://[::1",
            "https://a b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
        let of = |all: &[&str]| Cors { allowed_origins: all.iter().map(|&one| one.to_owned()).collect() };
        assert!(of(&[]).fit() && of(&["*"]).fit() && of(&["https://a.example", "https://b.example"]).fit());
        assert!(!of(&["*", "https://a.example"]).fit() && !of(&["*", "*"]).fit());
    }
}
