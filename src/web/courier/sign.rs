//! Signatures of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, one for each secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gametriggers_actors::ports::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// A secret out of random bytes.
#[must_use]
pub fn secret(random: [u8; 32]) -> Secret {
    Secret(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// The signatures, one for each secret; those that are none are left out.
#[must_use]
pub(super) fn signatures(secrets: &[Secret], id: &str, seconds: i64, body: &str) -> String {
    let all: Vec<String> = secrets.iter().filter_map(|secret| signature(secret, id, seconds, body)).collect();
    all.join(" ")
}

fn signature(secret: &Secret, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.0.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_reproduced() {
        // Of the libraries of standardwebhooks.com.
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(std::slice::from_ref(&secret), id, at, body), good);
        let other = self::secret([7; 32]);
        let both = signatures(&[other, secret], id, at, body);
        assert!(both.starts_with("v1,") && both.ends_with(&format!(" {good}")), "{both}");
        assert_eq!(signatures(&[Secret("whsec_?".to_owned()), Secret(String::new())], id, at, body), "");
    }
}
