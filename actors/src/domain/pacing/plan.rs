//! How much of a budget may be spent by when.

use super::week::Week;
use super::{ONE, utc_day};
use crate::domain::campaign::{Flight, PacingMode};
use crate::domain::time::{Millis, UnixMillis};
use std::sync::Arc;

/// Length of a step of the plan.
pub const STEP: Millis = Millis::minutes(15);
/// Steps of the longest plan: ninety days. A longer flight has longer steps.
#[cfg(test)]
const STEPS_MAX: i64 = 8640;

/// The share of a campaign's supply that has passed by a moment of its flight: a curve of straight lines,
/// from 0 at the start to `ONE` at the end, that never falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    flight: Flight,
    curve: Curve,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Curve {
    /// Step by step.
    Steps {
        /// Where the first step begins: no later than the flight.
        first: UnixMillis,
        step: Millis,
        /// The share at the end of each step, in Q20.
        knots: Arc<[u32]>,
    },
    /// Week by week: however long the flight is, a plan is no larger than one week, and many may share it.
    Weeks {
        week: Arc<Week>,
        /// What the week gave before the flight, and gives in it, in its own unit.
        before: i64,
        whole: i64,
    },
}

impl Plan {
    /// As much in any minute of the flight as in any other.
    #[must_use]
    pub fn uniform(flight: Flight) -> Self {
        let step = Millis((flight.ends - flight.starts).0.max(1));
        let curve = Curve::Steps { first: flight.starts, step, knots: Arc::new([Q20]) };
        Self { flight, curve }
    }

    /// In proportion to a week that repeats. Uniform when the week gives nothing during the flight, or the
    /// flight is longer than centuries.
    #[must_use]
    pub fn weekly(flight: Flight, week: Arc<Week>) -> Self {
        let given = |at| week.given(flight.starts, at);
        let (Some(before), Some(by_end)) = (given(flight.starts), given(flight.ends)) else {
            return Self::uniform(flight);
        };
        if by_end <= before {
            return Self::uniform(flight);
        }
        Self { flight, curve: Curve::Weeks { week, before, whole: by_end - before } }
    }

    /// In proportion to the supply that is expected, which `weight` says for a step that begins at a moment;
    /// a step that the flight cuts counts for the part inside. Uniform when nothing is expected at all.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn of(flight: Flight, weight: impl Fn(UnixMillis) -> u64) -> Self {
        let length = (flight.ends - flight.starts).0;
        let step = STEP.0.max(length.div_euclid(STEPS_MAX));
        // Steps stand on the clock, whatever the moment of the start, so that a day's curve fits.
        let first = flight.starts.0.div_euclid(step) * step;
        let mut sums: Vec<u128> = Vec::new();
        let (mut sum, mut begin) = (0_u128, first);
        while begin < flight.ends.0 {
            let inside = (begin + step).min(flight.ends.0) - begin.max(flight.starts.0);
            sum += u128::from(weight(UnixMillis(begin))) * u128::from(inside.unsigned_abs());
            sums.push(sum);
            begin += step;
        }
        if sum == 0 {
            return Self::uniform(flight);
        }
        let knot = |part: &u128| u32::try_from(part * u128::from(Q20) / sum).unwrap_or(Q20);
        let knots = sums.iter().map(knot).collect();
        Self { flight, curve: Curve::Steps { first: UnixMillis(first), step: Millis(step), knots } }
    }

    /// A plan whose shares are known, in parts per million at the end of each step.
    #[must_use]
    pub fn known(flight: Flight, (first, step): (UnixMillis, Millis), parts_per_million: &[u32]) -> Self {
        let knot = |part: &u32| u32::try_from(u64::from(*part) * u64::from(Q20) / 1_000_000).unwrap_or(Q20);
        let knots = parts_per_million.iter().map(knot).collect();
        Self { flight, curve: Curve::Steps { first, step, knots } }
    }

    /// The share that may be spent by `now`, in Q20.
    #[must_use]
    pub fn share(&self, mode: PacingMode, now: UnixMillis) -> i64 {
        let even = self.passed(now);
        match mode {
            PacingMode::Even => even,
            PacingMode::Asap => ONE,
            // 2t - t^2: twice as fast at first, and no faster than it has to be at the end.
            PacingMode::FrontLoaded => 2 * even - ((even * even) >> 20),
        }
    }

    /// The share of the UTC day that has passed, as the plan spreads it; of a day for which it plans
    /// nothing, by the clock.
    #[must_use]
    pub fn day_share(&self, now: UnixMillis) -> i64 {
        let begin = UnixMillis(utc_day(now) * DAY);
        let (from, to) = (self.passed(begin), self.passed(begin + Millis(DAY)));
        if to > from { (self.passed(now) - from) * ONE / (to - from) } else { (now - begin).0 * ONE / DAY }
    }

    fn passed(&self, now: UnixMillis) -> i64 {
        if now <= self.flight.starts {
            return 0;
        }
        if now >= self.flight.ends {
            return ONE;
        }
        match &self.curve {
            Curve::Steps { first, step, knots } => self.drawn((*first, *step), knots, now),
            Curve::Weeks { week, before, whole } => {
                let given = week.given(self.flight.starts, now).unwrap_or(*before) - before;
                // As many digits as a product with `ONE` has room for.
                let spare = (i64::BITS - whole.leading_zeros()).saturating_sub(42);
                ((given >> spare) * ONE / (whole >> spare).max(1)).clamp(0, ONE)
            }
        }
    }

    fn drawn(&self, (first, step): (UnixMillis, Millis), knots: &[u32], now: UnixMillis) -> i64 {
        let step = step.0.max(1);
        let index = (now - first).0.div_euclid(step);
        let at = |index: i64| {
            let knot = usize::try_from(index).ok().map(|index| knots.get(index).copied().unwrap_or(Q20));
            i64::from(knot.unwrap_or(0))
        };
        let (before, after) = (at(index - 1), at(index));
        // The flight may cut the first and the last step.
        let begin = (first.0 + index * step).max(self.flight.starts.0);
        let end = (first.0 + (index + 1) * step).min(self.flight.ends.0);
        before + (after - before) * (now.0 - begin) / (end - begin).max(1)
    }
}

/// A UTC day.
const DAY: i64 = 86_400_000;

/// `ONE`, as knots have it.
const Q20: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flight(starts: i64, ends: i64) -> Flight {
        Flight { starts: UnixMillis(starts), ends: UnixMillis(ends) }
    }

    #[test]
    fn nothing_before_the_flight_and_everything_after_it() {
        let plan = Plan::uniform(flight(1000, 5000));
        let share = |at| plan.share(PacingMode::Even, UnixMillis(at));
        assert_eq!([share(0), share(1000), share(3000), share(5000), share(9000)], [0, 0, ONE / 2, ONE, ONE]);
        assert_eq!(plan.share(PacingMode::FrontLoaded, UnixMillis(3000)), ONE * 3 / 4);
        assert_eq!(plan.share(PacingMode::Asap, UnixMillis(1000)), ONE);
    }

    #[test]
    fn a_known_plan_is_drawn_straight_between_its_knots() {
        let plan = Plan::known(flight(0, 300), (UnixMillis(0), Millis(100)), &[250_000, 250_000, 1_000_000]);
        let share = |at| plan.share(PacingMode::Even, UnixMillis(at));
        assert_eq!([share(50), share(100), share(150), share(250)], [ONE / 8, ONE / 4, ONE / 4, ONE * 5 / 8]);
    }

    #[test]
    fn supply_in_the_evening_alone_means_spending_in_the_evening_alone() {
        let evening = |at: UnixMillis| u64::from(at.0.rem_euclid(DAY) >= DAY / 4 * 3);
        let plan = Plan::of(flight(DAY / 2, DAY * 2), evening);
        let share = |at| plan.share(PacingMode::Even, UnixMillis(at));
        assert_eq!(share(DAY / 4 * 3), 0);
        assert_eq!(share(DAY), ONE / 2);
        assert_eq!(share(DAY + DAY / 2), ONE / 2);
        assert_eq!(share(DAY * 2), ONE);
    }

    proptest! {
        #[test]
        fn a_plan_never_falls_and_ends_whole(
            starts in 0_i64..10 * DAY, length in 1_i64..200 * DAY, seed in any::<u64>(),
            mut moments in proptest::collection::vec(0_i64..220 * DAY, 2..20),
        ) {
            let mixed = |at: i64| (at.unsigned_abs() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let noise = |at: UnixMillis| mixed(at.0) >> 40;
            moments.sort_unstable();
            let flight = flight(starts, starts + length);
            for plan in [Plan::of(flight, noise), Plan::uniform(flight)] {
                for mode in [PacingMode::Even, PacingMode::FrontLoaded] {
                    let shares: Vec<_> = moments.iter().map(|at| plan.share(mode, UnixMillis(*at))).collect();
                    prop_assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]));
                    prop_assert!(shares.iter().all(|share| (0..=ONE).contains(share)));
                    prop_assert_eq!(plan.share(mode, UnixMillis(starts)), 0);
                    prop_assert_eq!(plan.share(mode, UnixMillis(starts + length)), ONE);
                }
            }
        }
    }
}
