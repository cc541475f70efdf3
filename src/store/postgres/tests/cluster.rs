//! Several writers on one database.

use super::*;
use crate::store::tests::{NOW, TOKEN_LIFE, debit, key, ok};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::ports::LedgerStore;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

#[tokio::test]
async fn two_writers_pay_from_one_campaign_and_an_event_only_once() {
    let (database, one) = opened().await;
    let two = PostgresStore::open(&Target { writer: 2, ..database.target() }).await.unwrap();
    let bench = bench(database, &one);
    let (brand, campaign) = bench.fund(10_000, 5_000).await;
    two.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    let mine = bench.lease(campaign, 2_000).await;
    let yours = two.grant(campaign, Micros(2_000), NOW).await.unwrap().unwrap().lease;
    assert_ne!(mine, yours);
    let mut settled = 0;
    for round in 0..10 {
        let claims: Vec<_> = (round * 10..round * 10 + 10)
            .flat_map(|n| [ok(debit(n, mine, campaign, 10)), ok(debit(1_000 + n, yours, campaign, 10))])
            .collect();
        let (a, b) = tokio::join!(one.settle(&claims, NOW), two.settle(&claims, NOW));
        for (a, b) in a.unwrap().into_iter().zip(b.unwrap()) {
            assert!(
                matches!(
                    (a, b),
                    (Outcome::Settled, Outcome::Duplicate) | (Outcome::Duplicate, Outcome::Settled)
                ),
                "{a:?} {b:?}"
            );
            settled += 1;
        }
        let (a, b) = tokio::join!(one.roll_up(NOW), two.roll_up(NOW));
        a.unwrap();
        b.unwrap();
    }
    assert_eq!((settled, bench.budget(campaign).await.plays), (200, 200));
    let earned = one.earned(StreamerId(1)).await.unwrap();
    assert_eq!(earned, two.earned(StreamerId(1)).await.unwrap());
    // The same request on both at once is carried out once.
    let same = key("same");
    let amount = crate::store::tests::inr(100);
    let (a, b) = tokio::join!(one.deposit(brand, amount, &same, NOW), two.deposit(brand, amount, &same, NOW));
    assert_eq!((a.unwrap(), b.unwrap()), (Micros(5_100), Micros(5_100)));
    bench.reconciles().await;
    let parts: Vec<_> = two.reconcile(false).await.unwrap();
    assert!(parts.iter().all(|check| check.mismatches == 0 && check.drift_micros == 0), "{parts:?}");
}

#[tokio::test]
async fn a_deadlock_is_undone_and_tried_again() {
    let (database, store) = opened().await;
    let (mut other, mut eye) = (database.connect().await, database.connect().await);
    let bench = bench(database, &store);
    let (brand, one) = bench.fund(10_000, 1_000).await;
    let two = bench.campaign(brand, 1_000).await;
    let (tries, circle) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let take = |id: i64| format!("UPDATE campaign_budget SET version = version + 1 WHERE campaign_id = {id}");
    // Whoever looks for a circle and finds one is sent back: that is the store.
    run(&mut other, &format!("SET deadlock_timeout = '10min'; BEGIN; {}", take(two.0))).await;
    let other_id: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut other).await.unwrap();
    let (first, second) = (take(one.0), take(two.0));
    let (counted, closes) = (Arc::clone(&tries), Arc::clone(&circle));
    let write = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .write(move |c| {
                    Box::pin(async move {
                        sqlx::raw_sql(AssertSqlSafe(first)).execute(&mut *c).await?;
                        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                            closes.notified().await;
                        }
                        sqlx::raw_sql(AssertSqlSafe(second)).execute(c).await?;
                        Ok(())
                    })
                })
                .await
        })
    };
    while tries.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let closing = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits).bind(other_id).fetch_one(&mut eye).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        circle.notify_one();
    };
    // The store may be so fast to try again that it makes another circle.
    let last = take(one.0);
    tokio::join!(run(&mut other, &last), closing);
    run(&mut other, "COMMIT").await;
    write.await.unwrap().unwrap();
    assert!(tries.load(Ordering::Relaxed) > 1);
}
