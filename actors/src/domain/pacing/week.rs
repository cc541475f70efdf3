//! What a week gives, that every week is expected to give again.

use super::STEP;
use crate::domain::time::UnixMillis;

/// Steps of a week.
pub const WEEK_STEPS: usize = 672;
const STEPS: i64 = 672;
/// What a whole week gives. Small enough that centuries of it, by the millisecond, are a number.
const WHOLE: i64 = 1 << 28;
/// Weeks that can be counted.
const WEEKS_MAX: i64 = 1 << 14;

/// How supply is spread over a week of UTC, which begins as time did, on a Thursday at midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// What was given by the end of each step, in parts of `WHOLE`.
    sums: Box<[u32]>,
}

impl Week {
    /// A week in which each step weighs so much; none when nothing weighs anything. Steps that are missing at
    /// the end weigh nothing.
    #[must_use]
    pub fn new(weights: &[u64]) -> Option<Self> {
        let weights = || weights.iter().take(WEEK_STEPS).map(|weight| u128::from(*weight));
        let all: u128 = weights().sum();
        let sums = weights().scan(0, |sum: &mut u128, weight| {
            *sum += weight;
            u32::try_from(*sum * u128::from(WHOLE.unsigned_abs()) / all).ok()
        });
        (all > 0).then(|| Self { sums: sums.collect() })
    }

    /// What was given by `at` since the week began in which `since` is, in parts of `WHOLE` times the
    /// milliseconds of a step; none when that is too long ago. Never less for a later moment.
    pub(super) fn given(&self, since: UnixMillis, at: UnixMillis) -> Option<i64> {
        let length = STEPS * STEP.0;
        let weeks = at.0.div_euclid(length) - since.0.div_euclid(length);
        let within = at.0.rem_euclid(length);
        let step = usize::try_from(within / STEP.0).ok()?;
        let sum = |step: Option<usize>| {
            step.map_or(0, |step| self.sums.get(step).map_or(WHOLE, |sum| i64::from(*sum)))
        };
        let (before, after) = (sum(step.checked_sub(1)), sum(Some(step)));
        let inside = before * STEP.0 + (after - before) * (within % STEP.0);
        (0..WEEKS_MAX).contains(&weeks).then(|| weeks * WHOLE * STEP.0 + inside)
    }
}
