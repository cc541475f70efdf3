//! One-time codes by time (RFC 6238), as authenticator apps make them: SHA-1, six digits, thirty seconds.

use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::KeyHash;
use ring::hmac;
use sha2::Digest;
use subtle::ConstantTimeEq;

/// Bytes of a secret: RFC 4226 recommends 160 bits.
pub const SECRET: usize = 20;
/// Recovery codes that a user gets.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: enough that a fast hash of it gives nothing away.
const RECOVERY: usize = 10;
const DIGITS: u32 = 6;
const STEP_S: i64 = 30;
/// Steps that a clock may be off, each way.
const DRIFT: i64 = 1;

/// The letters of RFC 4648.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a step.
fn code(secret: &[u8], step: i64, digits: u32) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = bytes.last().map_or(0, |last| usize::from(last & 0xf));
    let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).unwrap_or_default();
    (u32::from_be_bytes(part) & 0x7fff_ffff) % 10_u32.pow(digits)
}

/// The step that a code belongs to; none when it is the code of no step near now. Looks at all of them,
/// whichever it is.
#[must_use]
pub fn step_of(secret: &[u8], shown: &str, now: UnixMillis) -> Option<i64> {
    let step = now.0.div_euclid(1000 * STEP_S);
    let mut found = None;
    for step in step - DRIFT..=step + DRIFT {
        let good = format!("{:06}", code(secret, step, DIGITS));
        if bool::from(good.as_bytes().ct_eq(shown.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// The code of a moment, as an app shows it.
#[must_use]
pub fn code_at(secret: &[u8], now: UnixMillis) -> String {
    format!("{:06}", code(secret, now.0.div_euclid(1000 * STEP_S), DIGITS))
}

/// Whether a text has the form of a code by time; everything else can only be a recovery code.
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Bytes in base 32, without padding: how an app wants its secret.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let letter = |start: usize| (start..start + 5).fold(0, |value, at| value * 2 + bit(at));
    let letters = (0..(bytes.len() * 8).div_ceil(5)).map(|n| ALPHABET.get(letter(n * 5)).copied());
    letters.flatten().map(char::from).collect()
}

/// What an app reads as a QR code.
#[must_use]
pub fn address(email: &str, secret: &[u8]) -> String {
    let mut url = String::from("otpauth://totp/Gametriggers:");
    url.extend(url::form_urlencoded::byte_serialize(email.as_bytes()));
    format!("{url}?secret={}&issuer=Gametriggers&algorithm=SHA1&digits=6&period=30", base32(secret))
}

/// A recovery code out of random bytes, for people: four groups of four.
#[must_use]
pub fn recovery_code(random: [u8; RECOVERY]) -> String {
    let letters: Vec<char> = base32(&random).to_lowercase().chars().collect();
    letters.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-")
}

/// Hash of a recovery code, as it is kept. Blanks, dashes and capitals make no difference.
#[must_use]
pub fn recovery_hash(user: UserId, code: &str) -> KeyHash {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let about = format!("recovery code of user {user}: {}", letters.to_ascii_lowercase());
    sha2::Sha256::digest(about.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix B of RFC 6238, SHA-1.
    #[test]
    fn the_vectors_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (second, expected) in [
            (59_i64, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(code(secret, second / STEP_S, 8), expected, "second {second}");
        }
        // Appendix D of RFC 4226.
        let counted: Vec<u32> = (0..3).map(|step| code(secret, step, 6)).collect();
        assert_eq!(counted, [755_224, 287_082, 359_152]);
    }

    #[test]
    fn a_clock_may_be_off_by_a_step_and_no_more() {
        let (secret, now) = (b"12345678901234567890", UnixMillis(1_700_000_000_000));
        let step = now.0 / 30_000;
        for (off, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let shown = format!("{:06}", code(secret, step + off, 6));
            assert_eq!(step_of(secret, &shown, now), good.then_some(step + off), "{off}");
        }
        assert_eq!(code_at(secret, now), format!("{:06}", code(secret, step, 6)));
        for odd in ["", "12345", "1234567", "abcdef", "é1234"] {
            assert_eq!(step_of(secret, odd, now), None);
        }
    }

    #[test]
    fn base_32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way_and_is_one_users_own() {
        let code = recovery_code([0x5a; RECOVERY]);
        assert_eq!((code.len(), is_code(&code)), (19, false));
        let hash = recovery_hash(UserId(1), &code);
        assert_eq!(recovery_hash(UserId(1), &code.to_uppercase().replace('-', " ")), hash);
        assert_ne!(recovery_hash(UserId(2), &code), hash);
    }
}
