//! The published vectors, and what every rule of pacing has to keep.

use super::token_bucket::Bucket;
use super::*;
use proptest::prelude::*;

fn ask(funded: i64, committed: i64, price: i64) -> Ask {
    Ask {
        budget: BudgetView { funded: Micros(funded), committed: Micros(committed), ..BudgetView::default() },
        share: ONE / 2,
        mode: PacingMode::Even,
        days: 1,
        day_share: ONE / 2,
        price: Micros(price),
        value: Micros(price),
        standing: 0,
    }
}

const HUNDRED: i64 = 100_000_000;

#[test]
fn the_published_vectors() {
    let half = ONE / 2;
    let bucket = |tokens, depth, filled, floor| Bucket { tokens, depth, floor, filled };
    let rows = [
        (40_000_000, half, 0, bucket(10_000_000, 2_000_000, ONE, 0), Ok((662_826, 79_539_120_000))),
        (49_500_000, half, 0, bucket(500_000, 2_000_000, 262_144, 0), Ok((231_944, 27_833_280_000))),
        (50_100_000, half, -half, bucket(-100_000, 2_000_000, 0, -250_000), Ok((1049, 125_880_000))),
        (49_900_000, half, half, bucket(100_000, 2_000_000, 52_428, 250_000), Err(Reason::Pacing)),
    ];
    for (committed, share, standing, expected, verdict) in rows {
        let ask = Ask { share, standing, ..ask(HUNDRED, committed, 120_000) };
        assert_eq!(TokenBucket::PUBLISHED.bucket(&ask), expected);
        let weighed = TokenBucket::PUBLISHED.weigh(&ask);
        assert_eq!(weighed.map(|weight| (weight, score(ask.value, weight))), verdict);
    }
}

#[test]
fn the_published_vectors_at_the_ends_of_a_budget() {
    let late = Ask { share: ONE, standing: ONE, ..ask(HUNDRED, 98_900_000, 1_200_000) };
    let bucket = TokenBucket::PUBLISHED.bucket(&late);
    assert_eq!(bucket, Bucket { tokens: 1_100_000, depth: 2_400_000, floor: 0, filled: 480_597 });
    assert_eq!(weights::weight(bucket.filled), 385_522);
    assert_eq!(TokenBucket::PUBLISHED.weigh(&late), Err(Reason::Budget));
    for (price, filled, weight) in [(29_999, 182_038, 167_112), (30_001, 182_026, 167_102)] {
        let early = Ask { share: 10_922, ..ask(1_000_000, 0, price) };
        let bucket = TokenBucket::PUBLISHED.bucket(&early);
        assert_eq!((bucket.tokens, bucket.depth, bucket.filled), (10_416, 2 * price, filled));
        assert_eq!(TokenBucket::PUBLISHED.weigh(&early), Ok(weight));
    }
    assert_eq!(score(Micros(29_999), 167_112), 5_013_192_888);
    let asap = Ask { share: ONE, mode: PacingMode::Asap, ..ask(HUNDRED, 40_000_000, 120_000) };
    let bucket = TokenBucket::PUBLISHED.bucket(&asap);
    assert_eq!(bucket, Bucket { tokens: 60_000_000, depth: HUNDRED, floor: 0, filled: 629_145 });
    let weight = TokenBucket::PUBLISHED.weigh(&asap).unwrap();
    assert_eq!((weight, score(asap.value, weight)), (473_104, 56_772_480_000));
}

#[test]
fn a_top_up_is_no_burst() {
    let before = ask(HUNDRED, 50_000_000, 120_000);
    assert_eq!(before.budget.tokens(ONE / 2), Micros(0));
    let pace = before.budget.begin(before.budget.tokens(ONE / 2), ONE / 2);
    let after = BudgetView { funded: Micros(2 * HUNDRED), pace, ..before.budget };
    assert_eq!(after.tokens(ONE / 2), Micros(0), "the new money is for the rest of the flight");
    assert_eq!(after.tokens(ONE * 3 / 4), Micros(75_000_000));
    assert_eq!(after.tokens(ONE), Micros(150_000_000), "all of it by its end");
}

#[test]
fn the_cap_of_the_day_is_hard_and_paced() {
    let day = |committed| Some(DayView { cap: Micros(1_000_000), committed: Micros(committed), date: 0 });
    let capped = |committed, mode| {
        let mut ask = Ask { mode, share: ONE, ..ask(HUNDRED, 0, 10_000) };
        ask.budget.day = day(committed);
        TUNED.weigh(&ask)
    };
    assert!(capped(400_000, PacingMode::Even).is_ok());
    assert_eq!(capped(600_000, PacingMode::Even), Err(Reason::Pacing), "half of the day has passed");
    assert!(capped(600_000, PacingMode::Asap).is_ok());
    assert_eq!(capped(990_001, PacingMode::Asap), Err(Reason::DailyCap));
}

fn rules() -> [&'static dyn Pacing; 3] {
    [&TokenBucket::PUBLISHED, &TUNED, &Greedy]
}

proptest! {
    #[test]
    fn nothing_is_promised_beyond_the_budget_or_the_day(
        funded in 1_i64..1 << 40, part in 0_i64..1200, price in 1_i64..1 << 30, share in 0..=ONE,
        standing in -ONE..=ONE, cap in 1_i64..1 << 40, today in 0_i64..1200,
    ) {
        for mode in [PacingMode::Even, PacingMode::FrontLoaded, PacingMode::Asap] {
            let mut ask = Ask { share, standing, mode, ..ask(funded, funded / 1000 * part, price) };
            let committed = Micros(cap / 1000 * today);
            ask.budget.day = Some(DayView { cap: Micros(cap), committed, date: 0 });
            for rule in rules() {
                if let Ok(weight) = rule.weigh(&ask) {
                    prop_assert!(ask.budget.committed.0 + price <= funded);
                    prop_assert!(cap / 1000 * today + price <= cap);
                    prop_assert!((WEIGHT_LEAST..=ONE).contains(&weight));
                }
            }
        }
    }

    /// Spending stays near the plan: ahead of it by what a streamer may borrow and one price.
    #[test]
    fn even_spending_is_little_ahead_of_its_plan(
        prices in proptest::collection::vec(1_i64..30_000, 50..300), standing in -ONE..=ONE,
    ) {
        let funded = 1_000_000;
        for rule in [TokenBucket::PUBLISHED, TUNED] {
            let (mut committed, steps) = (0, i64::try_from(prices.len()).unwrap());
            for (step, price) in (0..).zip(&prices) {
                let share = ONE * step / steps;
                let ask = Ask { share, standing, ..ask(funded, committed, *price) };
                if rule.weigh(&ask).is_ok() {
                    committed += price;
                    let bucket = rule.bucket(&ask);
                    let plan = bucket.tokens + ask.budget.committed.0;
                    prop_assert!(committed <= plan + (bucket.depth >> rule.fairness_shift) + price + 1);
                }
            }
        }
    }

    #[test]
    fn more_tokens_never_weigh_less(a in 0_i64..HUNDRED, b in 0_i64..HUNDRED, price in 1_i64..1_000_000) {
        let weigh = |committed| TUNED.weigh(&ask(HUNDRED, committed, price)).unwrap_or(0);
        if a.max(b) + price <= HUNDRED {
            prop_assert!(weigh(a.max(b)) <= weigh(a.min(b)));
        }
    }
}

const WEIGHT_LEAST: i64 = 1049;
