//! The quick way and the careful way of writing a batch come to the same.

use super::*;
use crate::store::postgres::ledger;
use crate::store::tests::{NOW, debit, ok};
use gametriggers_actors::domain::id::LeaseId;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::{Claim, EventKind, Outcome};
use gametriggers_actors::ports::LedgerStore;

/// Batches with everything in them that may be in one.
fn batches(lease: LeaseId, campaign: gametriggers_actors::domain::id::CampaignId) -> Vec<Vec<Claim>> {
    let good = |range: std::ops::Range<u32>| range.map(|n| ok(debit(n, lease, campaign, 10)));
    let mut click = debit(50, lease, campaign, 20);
    (click.kind, click.event, click.play) =
        (EventKind::Click, debit(1, lease, campaign, 0).play.click(b"a"), {
            debit(1, lease, campaign, 0).play
        });
    let short = Claim { debit: debit(60, lease, campaign, 10), verdict: Err(Reason::TooShort) };
    let foreign = ok(debit(61, LeaseId(999), campaign, 10));
    vec![
        good(0..20).collect(),
        good(10..30).collect(),
        good(30..40).chain(good(35..40)).chain([ok(click), ok(debit(41, lease, campaign, 0))]).collect(),
        good(40..45).chain([short, foreign]).chain(good(44..46)).collect(),
        vec![short, foreign, ok(click)],
        // More than the lease has left.
        good(100..200).collect(),
        vec![ok(debit(300, lease, campaign, 0))],
    ]
}

#[tokio::test]
async fn the_careful_way_writes_what_the_quick_one_writes() {
    let mut found = Vec::new();
    for quick in [true, false] {
        let (database, store) = opened().await;
        let bench = bench(database, &store);
        let (_, campaign) = bench.fund(10_000, 5_000).await;
        let lease = bench.lease(campaign, 700).await;
        let mut outcomes = Vec::new();
        for claims in batches(lease, campaign) {
            outcomes.push(if quick {
                store.settle(&claims, NOW).await.unwrap()
            } else {
                store.write(move |c| Box::pin(ledger::settled(c, claims, NOW))).await.unwrap()
            });
        }
        bench.reconciles().await;
        store.roll_up(NOW).await.unwrap();
        bench.reconciles().await;
        let sums = "SELECT unnest(ARRAY[sum(debits)::bigint, sum(credits)::bigint,
            (SELECT count(*) FROM settle_event), (SELECT count(*) FROM settle_reject),
            (SELECT count(*) FROM settle_click), (SELECT count(*) FROM ledger_tx)]) FROM ledger_account";
        let numbers = bench.database.numbers(sums).await;
        found.push((outcomes, numbers, bench.budget(campaign).await));
    }
    assert_eq!(found[0], found[1]);
    let settled = found[0].0.iter().flatten().filter(|outcome| **outcome == Outcome::Settled).count();
    assert!(settled > 50 && found[0].2.spent == Micros(700), "{:?}", found[0]);
}

#[tokio::test]
async fn a_usual_batch_is_one_statement_between_begin_and_commit() {
    let (database, store) = opened().await;
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 5_000).await;
    bench.settle(&[ok(debit(0, lease, campaign, 10))]).await;
    let turns = "SELECT turn FROM writer WHERE id = 1";
    let before = bench.database.numbers(turns).await;
    let claims: Vec<_> = (1..401).map(|n| ok(debit(n, lease, campaign, 10))).collect();
    assert_eq!(bench.settle(&claims).await, vec![Outcome::Settled; 400]);
    let after = bench.database.numbers(turns).await;
    assert_eq!(after[0] - before[0], 1, "one transaction");
    let lines = "SELECT count(*) FROM ledger_entry AS e JOIN ledger_tx AS t USING (writer, seq)
        WHERE t.kind = 'settle' GROUP BY seq ORDER BY seq";
    assert_eq!(bench.database.numbers(lines).await, [3, 3]);
    bench.reconciles().await;
}

#[tokio::test]
async fn what_was_refused_once_is_refused_in_a_batch_that_is_new_otherwise() {
    let (database, store) = opened().await;
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 5).await;
    let exhausted = Outcome::Rejected(Reason::LeaseExhausted);
    assert_eq!(bench.settle(&[ok(debit(5, lease, campaign, 10))]).await, [exhausted]);
    bench.lease(campaign, 1_000).await;
    let claims: Vec<_> = (0..10).map(|n| ok(debit(n, lease, campaign, 10))).collect();
    let mut wanted = [Outcome::Settled; 10];
    wanted[5] = exhausted;
    assert_eq!(bench.settle(&claims).await, wanted);
    bench.reconciles().await;
}
