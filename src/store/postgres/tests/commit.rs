//! Transactions whose end the store does not hear of.

use super::proxy::{Fault, Proxy};
use super::*;
use crate::store::tests::{NOW, debit, ok};
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::ports::{LedgerStore, StoreError};

/// A batch whose COMMIT meets the fault: what the store answers, and what becomes of the same batch again.
async fn broken(fault: Fault) -> (Result<Vec<Outcome>, StoreError>, Vec<Outcome>) {
    let database = PostgresDatabase::new().await;
    let proxy = Proxy::to(&database.url).await;
    let target = Target { url: proxy.url(&database.url), ..database.target() };
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    // The accounts are known from here on: the batch below is one statement.
    bench.settle(&[ok(debit(9, lease, campaign, 10))]).await;
    let claims: Vec<_> = (0..5).map(|n| ok(debit(n, lease, campaign, 10))).collect();
    proxy.break_at_commit(fault);
    let first = store.settle(&claims, NOW).await;
    assert!(proxy.is_broken());
    let again = bench.settle(&claims).await;
    assert_eq!(bench.budget(campaign).await.plays, 6);
    bench.reconciles().await;
    // The lock and the epoch are still this store's.
    assert_eq!(store.open_epoch(NOW, crate::store::tests::TOKEN_LIFE).await.unwrap(), 2);
    (first, again)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found() {
    let (first, again) = broken(Fault::AnswerLost).await;
    assert_eq!(first.unwrap(), [Outcome::Settled; 5]);
    assert_eq!(again, [Outcome::Duplicate; 5]);
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_not_taken_for_one() {
    // The server process of the lost connection still has the lock, and its rows: it is ended first.
    let (first, again) = broken(Fault::NeverSent).await;
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
    assert_eq!(again, [Outcome::Settled; 5]);
}

#[tokio::test]
async fn a_wire_on_which_nothing_comes_back_is_given_up_and_the_commit_is_found() {
    let (first, again) = broken(Fault::AnswerStalls).await;
    assert_eq!(first.unwrap(), [Outcome::Settled; 5]);
    assert_eq!(again, [Outcome::Duplicate; 5]);
}

#[tokio::test]
async fn a_wire_that_stalls_before_the_commit_arrives_leaves_nothing_behind() {
    let (first, again) = broken(Fault::Stalls).await;
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
    assert_eq!(again, [Outcome::Settled; 5]);
}

#[tokio::test]
async fn a_server_process_that_is_killed_between_two_transactions_is_not_noticed() {
    let (database, store) = opened().await;
    let mut other = database.connect().await;
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    for n in 0..3 {
        kill(&mut other).await;
        assert_eq!(bench.settle(&[ok(debit(n, lease, campaign, 10))]).await, [Outcome::Settled]);
    }
    bench.reconciles().await;
}

#[tokio::test]
async fn a_server_process_that_is_killed_in_a_transaction_undoes_it_and_the_batch_is_written_once() {
    let (database, store) = opened().await;
    let (mut other, mut killer) = (database.connect().await, database.connect().await);
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    // Somebody has the row of the budget: the batch waits in the middle of its statement.
    run(&mut other, "BEGIN; SELECT FROM campaign_budget FOR UPDATE").await;
    let batch = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.settle(&[ok(debit(1, lease, campaign, 10))], NOW).await })
    };
    wait_for_waiters(&mut killer, "gametriggers writer 1", 1, &batch).await;
    kill(&mut killer).await;
    run(&mut other, "ROLLBACK").await;
    assert_eq!(batch.await.unwrap().unwrap(), [Outcome::Settled]);
    assert_eq!(bench.budget(campaign).await.plays, 1);
    bench.reconciles().await;
}

#[tokio::test]
async fn a_closed_store_stops_looking_for_a_server_that_is_gone() {
    let database = PostgresDatabase::new().await;
    let proxy = Proxy::to(&database.url).await;
    let target = Target { url: proxy.url(&database.url), ..database.target() };
    let store = PostgresStore::open(&target).await.unwrap();
    let (address, name) = database.url.rsplit_once('/').unwrap();
    let (name, server) = (name.to_owned(), format!("{address}/postgres"));
    let mut server = <PgConnection as sqlx::Connection>::connect(&server).await.unwrap();
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.settle(&[ok(debit(9, lease, campaign, 10))]).await;
    // Nobody may connect any more, so the lost COMMIT can not be looked up.
    run(&mut server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    proxy.break_at_commit(Fault::AnswerLost);
    let batch = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.settle(&[ok(debit(1, lease, campaign, 10))], NOW).await })
    };
    while !proxy.is_broken() {
        tokio::task::yield_now().await;
    }
    store.close().await;
    assert!(matches!(batch.await.unwrap(), Err(StoreError::Unavailable(_))));
}

/// Ends the server process of the store's writer.
async fn kill(connection: &mut PgConnection) {
    let sql = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE application_name = 'gametriggers writer 1' AND datname = current_database()) AS ended";
    let ended: i64 = sqlx::query_scalar(sql).fetch_one(connection).await.unwrap();
    assert_eq!(ended, 1);
}
