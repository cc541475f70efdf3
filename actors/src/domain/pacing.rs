//! Whether a campaign is ahead of its plan, and what a slot is worth to it.
//!
//! The interface is narrow on purpose: money and plan go in, a score or a reason comes out. The
//! rule here is the plain one, spend in proportion to the time that has passed; a better one can
//! take its place without anybody noticing.

use super::campaign::{Flight, PacingMode};
use super::money::Micros;
use super::reason::Reason;
use super::time::UnixMillis;

/// A campaign's money as its actor last published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetView {
    /// Given to the campaign.
    pub funded: Micros,
    /// Settled or set aside for plays that are decided.
    pub committed: Micros,
}

/// A rule of pacing.
pub trait Pacing {
    /// The score of a play that sets `price` aside and is expected to earn `value`; the highest
    /// score gets the slot.
    ///
    /// # Errors
    /// `pacing` when the campaign is ahead of its plan, `budget` when it can not pay.
    fn score(&self, ask: &Ask, now: UnixMillis) -> Result<i64, Reason>;
}

/// What a campaign asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Its money.
    pub budget: BudgetView,
    /// When it runs.
    pub flight: Flight,
    /// How it is spread over the flight.
    pub mode: PacingMode,
    /// What has to be set aside.
    pub price: Micros,
    /// What it is expected to cost.
    pub value: Micros,
}

/// Spend in proportion to the time that has passed, and the highest value first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uniform;

impl Uniform {
    /// What may be committed by `now`: the budget times the share of the flight that has passed.
    fn plan(ask: &Ask, now: UnixMillis) -> i128 {
        let budget = i128::from(ask.budget.funded.0);
        if ask.mode == PacingMode::Asap {
            return budget;
        }
        let length = i128::from((ask.flight.ends - ask.flight.starts).0.max(1));
        let passed = i128::from((now - ask.flight.starts).0).clamp(0, length);
        budget * passed / length
    }
}

impl Pacing for Uniform {
    fn score(&self, ask: &Ask, now: UnixMillis) -> Result<i64, Reason> {
        let committed = i128::from(ask.budget.committed.0);
        if committed + i128::from(ask.price.0) > i128::from(ask.budget.funded.0) {
            return Err(Reason::Budget);
        }
        if committed > Self::plan(ask, now) {
            return Err(Reason::Pacing);
        }
        Ok(ask.value.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(committed: i64, price: i64, mode: PacingMode) -> Ask {
        Ask {
            budget: BudgetView { funded: Micros(1000), committed: Micros(committed) },
            flight: Flight { starts: UnixMillis(0), ends: UnixMillis(100) },
            mode,
            price: Micros(price),
            value: Micros(price),
        }
    }

    #[test]
    fn a_campaign_ahead_of_its_plan_waits() {
        assert_eq!(Uniform.score(&ask(500, 10, PacingMode::Even), UnixMillis(50)), Ok(10));
        assert_eq!(Uniform.score(&ask(501, 10, PacingMode::Even), UnixMillis(50)), Err(Reason::Pacing));
        assert_eq!(Uniform.score(&ask(501, 10, PacingMode::Asap), UnixMillis(50)), Ok(10));
        assert_eq!(
            Uniform.score(&ask(0, 10, PacingMode::Even), UnixMillis(0)),
            Ok(10),
            "the first play may start it"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_promised_beyond_the_budget(
            committed in 0_i64..1200,
            price in 0_i64..1200,
            now in -50_i64..200,
        ) {
            for mode in [PacingMode::Even, PacingMode::Asap] {
                if Uniform.score(&ask(committed, price, mode), UnixMillis(now)).is_ok() {
                    prop_assert!(committed + price <= 1000);
                }
            }
        }

        #[test]
        fn even_spending_is_never_more_than_one_price_ahead(
            prices in proptest::collection::vec(1_i64..50, 1..200),
        ) {
            let mut committed = 0;
            for (now, price) in (0_i64..).zip(prices) {
                if Uniform.score(&ask(committed, price, PacingMode::Even), UnixMillis(now)).is_ok() {
                    committed += price;
                }
                prop_assert!(committed <= 1000.min(10 * now.min(100)) + 50);
            }
        }
    }
}
