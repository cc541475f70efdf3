//! Random bytes as text: the codes of click links, and nonces.

use crate::domain::id::CreativeId;
use std::fmt::Write;
use std::sync::Arc;

/// The creative in base 36, a dash, and forty random bits: short enough for a small QR code, and
/// the link still finds its landing page when the play is forgotten.
pub(super) fn click_code(creative: CreativeId, random: [u8; 8]) -> Arc<str> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut code = base36(u64::try_from(creative.0).unwrap_or(0));
    code.push('-');
    for byte in random {
        let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
        code.push(char::from(letter));
    }
    code.into()
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
