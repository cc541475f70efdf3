//! The log of plays through a connection of its own: its counts are added, so that a transaction that is
//! written twice, or not at all, shows.

use super::proxy::{Fault, Proxy};
use super::*;
use crate::store::tests::{NOW, debit, ok};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Batch, LedgerStore, MinuteCounts, MinuteKey, PlayLog, StoreError, StoreResult,
};

const MINUTE: UnixMillis = UnixMillis(NOW.0 - NOW.0 % 60_000);

/// Counts one play, and three refusals.
async fn count(store: &PostgresStore) -> StoreResult<()> {
    let key = MinuteKey { minute: MINUTE, campaign: CampaignId(1), streamer: StreamerId(1) };
    let counts = MinuteCounts { plays: 1, ..MinuteCounts::default() };
    store
        .append(&Batch {
            minutes: vec![(key, counts)],
            rejects: vec![(key, Reason::TooShort, 3)],
            ..Batch::default()
        })
        .await
}

/// The plays and the refusals that are counted.
async fn counted(store: &PostgresStore) -> (u64, u64) {
    let (end, step) = (MINUTE + Millis::minutes(1), Millis::minutes(1));
    let series = store.series(CampaignId(1), MINUTE, end, step).await.unwrap();
    assert_eq!(series.len(), 1);
    (series[0].counts.plays, series[0].rejects[0].1)
}

/// A flush whose COMMIT meets the fault, and the same again when it failed, as its caller does.
async fn flushed(fault: Fault) -> StoreResult<()> {
    let database = PostgresDatabase::new().await;
    let proxy = Proxy::to(&database.url).await;
    let target = Target { url: proxy.url(&database.url), ..database.target() };
    let store = PostgresStore::open(&target).await.unwrap();
    count(&store).await.unwrap();
    proxy.break_at_commit(fault);
    let first = count(&store).await;
    assert!(proxy.is_broken());
    if first.is_err() {
        count(&store).await.unwrap();
    }
    assert_eq!(counted(&store).await, (2, 6));
    first
}

#[tokio::test]
async fn counts_whose_commit_was_not_answered_are_found() {
    assert!(flushed(Fault::AnswerLost).await.is_ok());
}

#[tokio::test]
async fn counts_whose_commit_never_arrived_are_not_taken_for_written() {
    let first = flushed(Fault::NeverSent).await;
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
}

#[tokio::test]
async fn a_log_that_waits_holds_up_no_money() {
    let (database, store) = opened().await;
    let (mut other, mut eye) = (database.connect().await, database.connect().await);
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(1_000, 500).await;
    let lease = bench.lease(campaign, 100).await;
    count(&store).await.unwrap();
    run(&mut other, "BEGIN; LOCK TABLE metric_minute").await;
    let flush = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { count(&store).await })
    };
    wait_for_waiters(&mut eye, "gametriggers writer -1", 1, &flush).await;
    assert_eq!(bench.settle(&[ok(debit(1, lease, campaign, 10))]).await, [Outcome::Settled]);
    assert_eq!(store.budget(campaign).await.unwrap().plays, 1);
    assert!(!flush.is_finished());
    run(&mut other, "ROLLBACK").await;
    flush.await.unwrap().unwrap();
    assert_eq!(counted(&store).await, (2, 6));
}
