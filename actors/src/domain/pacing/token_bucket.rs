//! Token-bucket pacing with the MSVV trade-off and a tilt towards fairness.
//!
//! A campaign earns tokens as its plan passes and spends them on plays. The fuller its bucket, the more a
//! slot is worth to it, with the weight of Mehta, Saberi, Vazirani and Vazirani. A streamer who earned more
//! than their share needs spare tokens, one who earned less may borrow some. Without a plan (as soon as
//! possible) the bucket is the whole budget, which is exactly the MSVV rule and keeps its guarantee of 1 -
//! 1/e.
//!
//! Whole numbers only: shares, weights and standings are Q20, money is micros, products are 128 bits wide.

use super::weights::weight;
use super::{Ask, ONE, Pacing, affordable};
use crate::domain::campaign::PacingMode;
use crate::domain::money::Micros;
use crate::domain::reason::Reason;

/// Less than this, a thousandth, no campaign that may play weighs.
const WEIGHT_MIN: i64 = 1049;
/// In the last tenth of the plan fairness fades: budgets are to end spent.
const FADE: i64 = 10;

/// The rule with its constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    /// The bucket holds this part of the budget, and two prices at least.
    pub depth_divisor: i64,
    /// Whether the bucket shrinks in the last tenth of the plan: what it holds at the end is never spent.
    pub shrinks: bool,
    /// A streamer who earned nothing yet may borrow the bucket shifted right by this.
    pub fairness_shift: u32,
    /// The plan runs ahead by this part of what has passed, so that the last plays find a slot; zero is not.
    pub lead_divisor: i64,
    /// Whether the streamer's coming slots are looked at.
    pub looks_ahead: bool,
    /// Whether bucket and lead are parts of a day's money, when the flight is longer than a day.
    pub is_daily: bool,
    /// Tokens beyond this part of a bucket are spread over the rest of the plan; zero keeps all.
    pub spare_divisor: i64,
}

impl TokenBucket {
    /// The rule as it was published.
    pub const PUBLISHED: Self = Self {
        depth_divisor: 50,
        shrinks: false,
        fairness_shift: 2,
        lead_divisor: 0,
        looks_ahead: false,
        is_daily: false,
        spare_divisor: 0,
    };
}

/// What runs: a deeper bucket, so that one play moves a weight less, that shrinks at the end; a plan that
/// is one percent early; and a look at the streamer's next two slots. After an outage a third of a bucket
/// is made good at once, a thirty-sixth of the budget: of a flight of a day, whenever it was down, less
/// than half of what the plan gives in an hour.
pub static TUNED: TokenBucket = TokenBucket {
    depth_divisor: 12,
    shrinks: true,
    fairness_shift: 4,
    lead_divisor: 100,
    looks_ahead: true,
    is_daily: true,
    spare_divisor: 3,
};

/// A bucket: how full it is and how much has to be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// What may be committed and is not: K.
    pub tokens: i64,
    /// What it holds: D.
    pub depth: i64,
    /// What has to be left in it: F; negative when the streamer may borrow.
    pub floor: i64,
    /// How full it is, in Q20.
    pub filled: i64,
}

impl TokenBucket {
    /// The bucket of a campaign whose plan has passed by `share`.
    pub(super) fn bucket(&self, ask: &Ask) -> Bucket {
        self.of((ask.budget.tokens(ask.share).0, ask.budget.funded.0), (ask.share, ask.days), ask)
    }

    fn of(&self, (tokens, budget): (i64, i64), (share, days): (i64, i64), ask: &Ask) -> Bucket {
        let fade = ONE.min(FADE * (ONE - share));
        let (depth, floor) = if ask.mode == PacingMode::Asap {
            (budget.max(1), 0)
        } else {
            let depth = self.deep(budget, (ask.price, days), fade);
            let floor = i128::from(depth) * i128::from(ask.standing) * i128::from(fade);
            (depth, i64::try_from(floor >> (40 + self.fairness_shift)).unwrap_or(i64::MAX))
        };
        let filled = i128::from(tokens.clamp(0, depth)) * i128::from(ONE) / i128::from(depth);
        Bucket { tokens, depth, floor, filled: i64::try_from(filled).unwrap_or(ONE) }
    }

    fn deep(&self, budget: i64, (price, days): (Micros, i64), fade: i64) -> i64 {
        let days = if self.is_daily { days.max(1) } else { 1 };
        let part = budget / self.depth_divisor.max(1).saturating_mul(days);
        let part = if self.shrinks { (i128::from(part) * i128::from(fade)) >> 20 } else { i128::from(part) };
        i64::try_from(part).unwrap_or(i64::MAX).max(price.0.saturating_mul(2)).max(1)
    }

    /// The bucket of a cap of the day, which is a budget of its own.
    fn day(&self, ask: &Ask) -> Option<Bucket> {
        let day = ask.budget.day?;
        let share = if ask.mode == PacingMode::Asap { ONE } else { ask.day_share };
        let earned = (i128::from(share) * i128::from(day.cap.0)) >> 20;
        let tokens = i64::try_from(earned).unwrap_or(i64::MAX).saturating_sub(day.committed.0);
        Some(self.of((tokens, day.cap.0), (share, 1), ask))
    }
}

impl Pacing for TokenBucket {
    fn weigh(&self, ask: &Ask) -> Result<i64, Reason> {
        affordable(ask)?;
        let whole = self.bucket(ask);
        let day = self.day(ask);
        let behind = |bucket: &Bucket| bucket.tokens >= bucket.floor;
        if !behind(&whole) || day.is_some_and(|day| !behind(&day)) {
            return Err(Reason::Pacing);
        }
        let filled = day.map_or(whole.filled, |day| day.filled.min(whole.filled));
        Ok(weight(filled).max(WEIGHT_MIN))
    }

    fn most(&self) -> i64 {
        weight(ONE)
    }

    fn lead(&self, share: i64, days: i64) -> i64 {
        let part = self.lead_divisor.saturating_mul(if self.is_daily { days.max(1) } else { 1 });
        let lead = if part > 0 { share / part } else { 0 };
        (share + lead).min(ONE)
    }

    fn looks_ahead(&self) -> bool {
        self.looks_ahead
    }

    fn depth(&self, budget: Micros, price: Micros, days: i64) -> Option<Micros> {
        let part = || self.deep(budget.0, (price, days), ONE) / self.spare_divisor.max(1);
        (self.spare_divisor > 0).then(|| Micros(part().max(price.0.saturating_mul(2))))
    }
}
