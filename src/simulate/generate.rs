//! Days made from a seed.

use clap::ValueEnum;
use gametriggers_actors::sim::generate::day::{Size, day};
use gametriggers_actors::sim::generate::worst::{trap, triangle};
use gametriggers_actors::sim::trace::Trace;

/// The kind of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// An ordinary day.
    T1,
    /// The upper triangle: no policy without a forecast can promise more than 1 - 1/e of it.
    T2,
    /// The greedy trap: who takes the highest charge gets half.
    T2b,
    /// An ordinary day with a surge that nobody expected.
    T3,
    /// An hour of an evening with 100 000 streamers and 1000 campaigns: throughput only.
    T6,
}

/// A ratio in hundredths.
pub(super) fn hundredths(text: &str) -> Result<i64, String> {
    let wrong = || "a number from 0.01 to 10, with two digits after the point at most".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > 2 || whole.len() > 2 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let found = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    if (1..=1000).contains(&found) { Ok(found) } else { Err(wrong()) }
}

/// Makes a day. The same kind, seed and ratio (in hundredths) give the same day on every machine.
#[must_use]
pub fn generate(kind: Kind, seed: u64, ratio_percent: i64) -> Trace {
    let ratio = format!("{}.{:02}", ratio_percent / 100, ratio_percent % 100);
    match kind {
        Kind::T1 => day(format!("t1-made-s{seed}-r{ratio}"), seed, Size::published(ratio_percent)),
        Kind::T2 => triangle(format!("t2-made-s{seed}"), seed),
        Kind::T2b => trap("t2b-made".to_owned()),
        Kind::T3 => {
            let size = Size { surge: true, ..Size::published(ratio_percent) };
            day(format!("t3-made-s{seed}-r{ratio}"), seed, size)
        }
        Kind::T6 => day(format!("t6-made-s{seed}"), seed, Size { ratio_percent, ..Size::scale() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_two_digits_at_most() {
        assert_eq!(["0.5", "1", "0.25", "10.00"].map(hundredths), [Ok(50), Ok(100), Ok(25), Ok(1000)]);
        for bad in ["", "0", "0.001", "10.01", "-1", "1e1", ".", "+1"] {
            assert!(hundredths(bad).is_err(), "{bad}");
        }
    }
}
