//! The real clock, chance from the operating system, keys, and the simulated platform.

use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::streamer::Sample;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::token::SigningKey;
use gametriggers_actors::ports::{Clock, Entropy, Platform};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall clock at the start of the process, and from then on the monotonic one: a step of the
/// system's clock can not turn time back or make tokens expire early.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    wall: i64,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn default() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self { started: Instant::now(), wall: i64::try_from(wall).unwrap_or(i64::MAX) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        UnixMillis(self.wall.saturating_add(passed))
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random numbers, or nothing here is safe");
    }
}

/// 32 random bytes as 64 hex digits.
#[must_use]
pub fn random_hex() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key for `kind`, such as `gt_overlay_…`: recognisable, with 256 random bits.
#[must_use]
pub fn new_key(kind: &str) -> String {
    format!("gt_{kind}_{}", random_hex())
}

/// Reads `ID:64 hex digits`.
#[must_use]
pub fn token_key(text: &str) -> Option<SigningKey> {
    let (kid, digits) = text.split_once(':')?;
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(SigningKey { kid: kid.parse().ok()?, secret })
}

/// No platform is connected: nobody is known to be live.
#[derive(Clone, Copy, Debug)]
pub struct NoPlatform;

impl Platform for NoPlatform {
    fn sample(&self, _: StreamerId, _: UnixMillis) -> Option<Sample> {
        None
    }
}

/// Streams that are always live, with a viewer count that wanders. A function of the streamer and
/// the time, so that it costs no memory and every process says the same.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedPlatform;

impl Platform for SimulatedPlatform {
    fn sample(&self, streamer: StreamerId, now: UnixMillis) -> Option<Sample> {
        const PERIOD: i64 = 10_000;
        let turn = now.0.div_euclid(PERIOD);
        let base = 80 + streamer.0.wrapping_mul(7919).rem_euclid(320);
        // Three triangle waves of different lengths: between 70 % and 130 % of the base.
        let wave = |length: i64| (turn.wrapping_add(streamer.0 * 13)).rem_euclid(length * 2).abs_diff(length);
        let wander: u64 =
            [7_i64, 19, 53].into_iter().map(|length| wave(length) * 20 / length.unsigned_abs()).sum();
        let viewers = base * (70 + i64::try_from(wander).unwrap_or(30)) / 100;
        Some(Sample {
            live: true,
            viewers: u32::try_from(viewers).unwrap_or(1),
            sampled: UnixMillis(turn * PERIOD),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_audience_wanders_within_bounds() {
        let at = |n: i64| SimulatedPlatform.sample(StreamerId(1), UnixMillis(n * 10_000)).unwrap().viewers;
        let base = 80 + 7919 % 320;
        let all: Vec<u32> = (0..500).map(at).collect();
        assert!(all.iter().all(|v| (base * 7 / 10..=base * 13 / 10 + 1).contains(v)), "{all:?}");
        assert!(all.iter().collect::<std::collections::BTreeSet<_>>().len() > 10);
    }

    #[test]
    fn token_keys_read_only_what_they_should() {
        let good = format!("7:{}", "0f".repeat(32));
        assert_eq!(token_key(&good).map(|key| (key.kid, key.secret)), Some((7, [0x0f; 32])));
        for bad in ["", "7:", "x:00", &"0".repeat(66), &format!("7:{}", "é".repeat(32))] {
            assert!(token_key(bad).is_none(), "{bad}");
        }
    }
}
