//! Whether a campaign is ahead of its plan, and what a slot is worth to it.
//!
//! The interface is narrow on purpose: money, plan and price go in, a score or a reason comes out.
//! `TokenBucket` is what runs; `Greedy` stands beside it for comparison.

mod attainment;
mod plan;
mod token_bucket;
mod week;
mod weights;

pub use self::attainment::{Attainment, Attainments, Standing};
pub use self::plan::{Plan, STEP};
pub use self::token_bucket::{TUNED, TokenBucket};
pub use self::week::{WEEK_STEPS, Week};

use super::campaign::{Campaign, PacingMode};
use super::money::Micros;
use super::reason::Reason;
use super::time::UnixMillis;

/// Shares and weights are whole parts of this, 2^20: the form that fixed-point arithmetic calls Q20.
pub const ONE: i64 = 1 << 20;

/// A campaign's money as its actor last published it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetView {
    /// Given to the campaign.
    pub funded: Micros,
    /// Settled or set aside for plays that are decided.
    pub committed: Micros,
    /// Where its plan begins.
    pub pace: Pace,
    /// The cap of the UTC day and what was committed in it; none without a cap.
    pub day: Option<DayView>,
}

/// The UTC day of a moment.
#[must_use]
pub const fn utc_day(now: UnixMillis) -> i64 {
    now.0.div_euclid(86_400_000)
}

/// What a campaign may commit in a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayView {
    /// At most.
    pub cap: Micros,
    /// Committed on the day `date`; on a later one nothing is yet.
    pub committed: Micros,
    /// The UTC day that `committed` is of, in days since the Unix epoch.
    pub date: i64,
}

/// Where the plan begins: at the start of the flight, or at the moment when budget, flight or plan changed.
/// What was earned until then stays earned, and the rest is spread over the rest of the plan: a top-up, or
/// the end of an outage, is no burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Earned by then and not committed; below zero when ahead of the plan.
    pub tokens: Micros,
    /// Committed by then.
    pub committed: Micros,
    /// The share of the plan that had passed, in Q20.
    pub share: i64,
}

impl BudgetView {
    /// What the campaign may commit and has not, when `share` of its plan has passed: K in the literature.
    #[must_use]
    pub fn tokens(&self, share: i64) -> Micros {
        let Pace { tokens, committed, share: from } = self.pace;
        let rest = i128::from(self.funded.0) - i128::from(committed.0) - i128::from(tokens.0);
        let passed = i128::from((share - from).max(0));
        let left = i128::from((ONE - from).max(1));
        let since = i128::from(self.committed.0) - i128::from(committed.0);
        let earned = if left == i128::from(ONE) { (rest * passed) >> 20 } else { rest * passed / left };
        let now = i128::from(tokens.0) + earned - since;
        Micros(i64::try_from(now).unwrap_or(if now < 0 { i64::MIN } else { i64::MAX }))
    }

    /// As it is at `now`: a new day has its whole cap.
    #[must_use]
    pub fn on(mut self, now: UnixMillis) -> Self {
        if let Some(day) = &mut self.day
            && day.date != utc_day(now)
        {
            *day = DayView { cap: day.cap, committed: Micros::ZERO, date: utc_day(now) };
        }
        self
    }

    /// The plan begins anew here, with `tokens` in hand.
    #[must_use]
    pub const fn begin(&self, tokens: Micros, share: i64) -> Pace {
        Pace { tokens, committed: self.committed, share }
    }
}

/// Where a campaign's money is looked at.
pub trait Purse: std::fmt::Debug {
    /// The money of the campaign.
    fn view(&self, campaign: &Campaign, now: UnixMillis) -> BudgetView;
}

impl Purse for BudgetView {
    fn view(&self, _: &Campaign, _: UnixMillis) -> BudgetView {
        *self
    }
}

/// What a campaign asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Its money.
    pub budget: BudgetView,
    /// The share of its plan that counts as passed, in Q20.
    pub share: i64,
    /// How it is spread over the flight.
    pub mode: PacingMode,
    /// Days of the flight, begun ones as well: what is a part of the budget in a day's flight is a part of a
    /// day's money in a longer one.
    pub days: i64,
    /// The same of the UTC day, for a cap of the day.
    pub day_share: i64,
    /// What has to be set aside.
    pub price: Micros,
    /// What it is expected to cost.
    pub value: Micros,
    /// How the streamer stands among all, in Q20: from `-ONE`, earned nothing yet, over 0 to `ONE`, earned
    /// twice their share.
    pub standing: Standing,
}

/// A rule of pacing.
pub trait Pacing: Send + Sync {
    /// The weight of a play in Q20. A candidate's score is its value times its weight; the highest score gets
    /// the slot.
    ///
    /// # Errors
    /// `pacing` when the campaign is ahead of its plan, `budget` when it can not pay.
    fn weigh(&self, ask: &Ask) -> Result<i64, Reason>;

    /// No weight is above this.
    fn most(&self) -> i64 {
        ONE
    }

    /// The share that counts as passed when `share` of the plan has.
    /// `days` are those of the flight.
    fn lead(&self, share: i64, _days: i64) -> i64 {
        share
    }

    /// Whether a slot is given up for a better use of the streamer's next ones.
    fn looks_ahead(&self) -> bool {
        false
    }

    /// The most that may be in hand before the rest is spread anew, for a budget and a price.
    fn depth(&self, _budget: Micros, _price: Micros, _days: i64) -> Option<Micros> {
        None
    }
}

/// The score: value times weight.
#[must_use]
pub fn score(value: Micros, weight: i64) -> i64 {
    let product = i128::from(value.0.max(0)) * i128::from(weight);
    i64::try_from(product).unwrap_or(i64::MAX)
}

/// Whether the budget has the price left, and the day's cap as well.
///
/// # Errors
/// `budget`, or `daily_cap`.
pub(super) fn affordable(ask: &Ask) -> Result<(), Reason> {
    let fits = |committed: Micros, most: Micros| {
        i128::from(committed.0) + i128::from(ask.price.0) <= i128::from(most.0)
    };
    if !fits(ask.budget.committed, ask.budget.funded) {
        return Err(Reason::Budget);
    }
    match ask.budget.day {
        Some(day) if !fits(day.committed, day.cap) => Err(Reason::DailyCap),
        _ => Ok(()),
    }
}

/// The highest value first, as long as there is money: what pacing is measured against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greedy;

impl Pacing for Greedy {
    fn weigh(&self, ask: &Ask) -> Result<i64, Reason> {
        affordable(ask).map(|()| ONE)
    }
}

#[cfg(test)]
mod tests;
