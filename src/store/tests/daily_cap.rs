//! What is in leases and what was settled today never exceed the cap of a day of UTC.

use super::*;
use gametriggers_actors::domain::pacing::utc_day;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const DAY: i64 = 86_400_000;

async fn capped(on: On, cap: i64) -> (Bench, CampaignId, LeaseId) {
    let (bench, _, campaign) = Bench::funded(on, 100_000, 90_000).await;
    let change = CampaignChange { daily_cap: Some(Some(Micros(cap))), ..CampaignChange::default() };
    bench.store.change(campaign, &change, NOW).await.unwrap();
    let lease = bench.lease(campaign, 1).await;
    (bench, campaign, lease)
}

impl Bench {
    async fn grants(&self, campaign: CampaignId, wanted: i64, now: UnixMillis) -> i64 {
        let grant = self.store.grant(campaign, Micros(wanted), now).await.unwrap();
        grant.map_or(0, |grant| grant.granted.0)
    }
}

async fn a_grant_stops_at_the_cap_and_a_new_day_has_it_again(on: On) {
    let (bench, campaign, lease) = capped(on, 1_000).await;
    let midnight = UnixMillis((utc_day(NOW) + 1) * DAY);
    assert_eq!(bench.grants(campaign, 5_000, NOW).await, 999);
    assert_eq!(bench.grants(campaign, 1, NOW).await, 0);
    bench.settle(&[ok(debit(1, lease, campaign, 600))]).await;
    assert_eq!(bench.grants(campaign, 1, NOW).await, 0, "what is settled counts as what was leased");
    let last = midnight - Millis(1);
    assert_eq!(bench.grants(campaign, 5_000, last).await, 0);
    // The 400 that are in the lease may all be spent after midnight.
    assert_eq!(bench.grants(campaign, 5_000, midnight).await, 600);
    let late = [ok(debit(2, lease, campaign, 400)), ok(debit(3, lease, campaign, 600))];
    assert_eq!(bench.store.settle(&late, midnight).await.unwrap(), [Outcome::Settled, Outcome::Settled]);
    assert_eq!(bench.grants(campaign, 5_000, midnight).await, 0);
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.spent, budget.spent_today(midnight)), (Micros(1_600), Micros(1_000)));
    // A cap below what was spent grants nothing, and none at all grants the rest.
    let lower = CampaignChange { daily_cap: Some(Some(Micros(500))), ..CampaignChange::default() };
    bench.store.change(campaign, &lower, midnight).await.unwrap();
    assert_eq!(bench.grants(campaign, 5_000, midnight).await, 0);
    let none = CampaignChange { daily_cap: Some(None), ..CampaignChange::default() };
    bench.store.change(campaign, &none, midnight).await.unwrap();
    assert_eq!(bench.grants(campaign, 5_000, midnight).await, 5_000);
    bench.reconciles().await;
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Grant(i64),
    Settle(i64),
    GiveBack(i64),
    Pass(i64),
}

async fn whatever_is_granted_settled_and_given_back_the_cap_holds(on: On) {
    let step = prop_oneof![
        (1_i64..900).prop_map(Step::Grant),
        (1_i64..300).prop_map(Step::Settle),
        (1_i64..200).prop_map(Step::GiveBack),
        (1_i64..DAY / 4).prop_map(Step::Pass),
    ];
    let steps = proptest::collection::vec(step, 120).new_tree(&mut TestRunner::deterministic()).unwrap();
    let cap = 1_000;
    let (bench, campaign, lease) = capped(on, cap).await;
    let (mut now, mut free, mut today, mut days) = (NOW, 1, 0, 0);
    for (n, step) in (10_u32..).zip(steps.current()) {
        match step {
            Step::Grant(wanted) => free += bench.grants(campaign, wanted, now).await,
            Step::Settle(price) if price <= free => {
                let claim = [ok(debit(n, lease, campaign, price))];
                assert_eq!(bench.store.settle(&claim, now).await.unwrap(), [Outcome::Settled]);
                (free, today) = (free - price, today + price);
            }
            Step::GiveBack(amount) if amount <= free => {
                bench.store.give_back(lease, Micros(amount)).await.unwrap();
                free -= amount;
            }
            Step::Pass(span) => {
                let later = now + Millis(span);
                if utc_day(later) != utc_day(now) {
                    (today, days) = (0, days + 1);
                }
                now = later;
            }
            Step::Settle(_) | Step::GiveBack(_) => {}
        }
        let budget = bench.budget(campaign).await;
        assert_eq!((budget.leased.0, budget.spent_today(now).0), (free, today), "{step:?}");
        assert!(free + today <= cap, "{free} in the lease and {today} spent, after {step:?}");
    }
    assert!(days > 2, "{days}");
    bench.reconciles().await;
}

on_each! {
    a_grant_stops_at_the_cap_and_a_new_day_has_it_again;
    whatever_is_granted_settled_and_given_back_the_cap_holds;
}
