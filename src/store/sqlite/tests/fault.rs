//! A database that is locked or full, and transactions that do not end.

use super::*;
use crate::store::sqlite::failure::Failure;
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::ports::{LedgerStore, StoreError, StoreResult};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::sync::atomic::Ordering;

fn unavailable<T>(result: StoreResult<T>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_then_works_again() {
    let Local { bench, path, .. } = Local::new().await;
    let (brand, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let before = bench.budget(campaign).await;
    let claims = [ok(debit(1, lease, campaign, 100))];
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert!(unavailable(bench.store.settle(&claims, NOW).await));
    assert!(unavailable(bench.store.deposit(brand, inr(1), &key("l"), NOW).await));
    assert!(unavailable(bench.store.probe().await));
    assert_eq!(bench.budget(campaign).await, before, "reads go on");
    lock.rollback().await.unwrap();
    bench.store.probe().await.unwrap();
    assert_eq!(bench.settle(&claims).await, [Outcome::Settled]);
    bench.reconciles().await;
}

#[tokio::test]
async fn a_full_database_is_unavailable_and_then_works_again() {
    let Local { bench, store, .. } = Local::new().await;
    let (_, campaign) = bench.fund(1_000_000, 500_000).await;
    let lease = bench.lease(campaign, 400_000).await;
    let before = bench.budget(campaign).await;
    let claims: Vec<_> = (0..2_000).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    let pages = &store.writer().unwrap().pages_max;
    pages.store(1, Ordering::Release); // SQLite takes the present size for the least.
    for _ in 0..2 {
        assert!(unavailable(bench.store.settle(&claims, NOW).await));
        assert!(unavailable(bench.store.probe().await));
        assert_eq!(bench.budget(campaign).await, before);
        bench.reconciles().await;
    }
    pages.store(1_000_000, Ordering::Release);
    bench.store.probe().await.unwrap();
    assert_eq!(bench.settle(&claims).await, vec![Outcome::Settled; 2_000]);
    bench.reconciles().await;
}

#[tokio::test]
async fn a_transaction_that_panics_is_rolled_back() {
    let Local { bench, store, .. } = Local::new().await;
    let brand = bench.brand(1_000).await;
    let result: StoreResult<()> = store
        .write(|c| {
            Box::pin(async move {
                sqlx::query("UPDATE writer SET seq = 77").execute(c).await?;
                panic!("a bug");
            })
        })
        .await;
    assert!(unavailable(result));
    store.deposit(brand, inr(1), &key("after"), NOW).await.unwrap();
    bench.reconciles().await;
}

#[tokio::test]
async fn a_transaction_that_fails_is_rolled_back() {
    let Local { bench, store, .. } = Local::new().await;
    let result: StoreResult<()> = store
        .write(|c| {
            Box::pin(async move {
                sqlx::query("UPDATE writer SET seq = 77").execute(c).await?;
                Err(Failure::refused("no"))
            })
        })
        .await;
    assert!(matches!(result, Err(StoreError::Constraint(_))));
    bench.reconciles().await;
}

#[tokio::test]
async fn neither_a_replacement_nor_a_fraction_is_taken() {
    let Local { bench, .. } = Local::new().await;
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 200).await;
    bench.settle(&[ok(debit(1, lease, campaign, 100))]).await;
    for sql in [
        "INSERT OR REPLACE INTO settle_event SELECT * FROM settle_event",
        "UPDATE campaign_budget SET spent = 1.5",
    ] {
        let result = bench.database.try_sql(sql).await;
        assert!(result.is_err(), "{sql}: {result:?}");
    }
    bench.reconciles().await;
}
