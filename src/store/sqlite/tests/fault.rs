//! A database that is locked, full or taken over, and callers that go away.

use super::*;
use crate::store::sqlite::failure::Failure;
use futures_util::FutureExt;
use gametriggers_actors::ports::{StoreError, StoreResult};
use sqlx::Connection;
use std::sync::atomic::Ordering;

fn unavailable<T>(result: StoreResult<T>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_then_works_again() {
    let (bench, brand, campaign) = Bench::funded(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let before = bench.budget(campaign).await;
    let claims = [ok(debit(1, lease, campaign, 100))];
    let mut other = bench.raw().await;
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
    let (bench, _, campaign) = Bench::funded(1_000_000, 500_000).await;
    let lease = bench.lease(campaign, 400_000).await;
    let before = bench.budget(campaign).await;
    let claims: Vec<_> = (0..2_000).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    let pages = &bench.store.writer().unwrap().pages_max;
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
async fn a_process_that_lost_its_epoch_writes_no_money() {
    let (bench, brand, campaign) = Bench::funded(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.raw_sql("UPDATE writer SET epoch = epoch + 1").await;
    let fenced = |failed: bool| assert!(failed, "a write of an old epoch went through");
    let store = &bench.store;
    let is = |error: StoreError| matches!(error, StoreError::Fenced);
    fenced(store.settle(&[ok(debit(1, lease, campaign, 1))], NOW).await.is_err_and(is));
    fenced(store.grant(campaign, Micros(1), NOW).await.is_err_and(is));
    fenced(store.give_back(lease, Micros(1)).await.is_err_and(is));
    fenced(store.roll_up(NOW).await.is_err_and(is));
    fenced(store.close_due(NOW).await.is_err_and(is));
    fenced(store.deposit(brand, inr(1), &key("f"), NOW).await.is_err_and(is));
    fenced(store.fund(campaign, Micros(1), &key("g"), NOW).await.is_err_and(is));
    fenced(store.create(&new_campaign(brand, 1), &key("h"), NOW).await.is_err_and(is));
    bench.reconciles().await;
}

#[tokio::test]
async fn a_process_without_an_epoch_delivers_nothing() {
    let bench = Bench::new().await;
    let brand = bench.brand(1_000).await;
    let campaign = bench.campaign(brand, 500).await;
    let grant = bench.store.grant(campaign, Micros(1), NOW).await;
    assert!(matches!(grant, Err(StoreError::Fenced)));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_transaction() {
    let (bench, _, campaign) = Bench::funded(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let claims = [ok(debit(1, lease, campaign, 100))];
    let mut call = Box::pin(bench.store.settle(&claims, NOW));
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    assert_eq!(bench.settle(&claims).await, [Outcome::Duplicate]);
    assert_eq!(bench.budget(campaign).await.spent, Micros(100));
    bench.reconciles().await;
}

#[tokio::test]
async fn a_transaction_that_panics_is_rolled_back() {
    let bench = Bench::new().await;
    let brand = bench.brand(1_000).await;
    let result: StoreResult<()> = bench
        .store
        .write(|c| {
            Box::pin(async move {
                sqlx::query("UPDATE writer SET seq = 77").execute(c).await?;
                panic!("a bug");
            })
        })
        .await;
    assert!(unavailable(result));
    bench.store.deposit(brand, inr(1), &key("after"), NOW).await.unwrap();
    bench.reconciles().await;
}

#[tokio::test]
async fn a_transaction_that_fails_is_rolled_back() {
    let bench = Bench::new().await;
    let result: StoreResult<()> = bench
        .store
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
async fn what_is_written_stays_as_it_is() {
    let (bench, _, campaign) = Bench::funded(10_000, 5_000).await;
    let lease = bench.lease(campaign, 200).await;
    bench.settle(&[ok(debit(1, lease, campaign, 100)), ok(debit(2, lease, campaign, 101))]).await;
    bench.store.roll_up(NOW).await.unwrap();
    for sql in [
        "UPDATE ledger_tx SET kind = 'fund'",
        "DELETE FROM ledger_tx",
        "UPDATE ledger_entry SET amount = amount + 1",
        "DELETE FROM ledger_entry",
        "UPDATE settle_reject SET reason = 'test'",
        "DELETE FROM settle_reject",
        "UPDATE settle_event SET price = price + 1",
        "UPDATE settle_event SET rolled_seq = NULL",
        "DELETE FROM settle_event",
        "INSERT OR REPLACE INTO settle_event SELECT * FROM settle_event",
        "UPDATE budget_lease SET granted = settled - 1",
        "UPDATE campaign_budget SET spent = funded + 1",
        "UPDATE ledger_account SET debits = credits + 1 WHERE no_overdraft",
        "UPDATE campaign_budget SET spent = 1.5",
    ] {
        let result: StoreResult<()> = bench
            .store
            .write(move |c| {
                Box::pin(async move {
                    sqlx::query(sql).execute(c).await?;
                    Ok(())
                })
            })
            .await;
        assert!(matches!(result, Err(StoreError::Constraint(_))), "{sql}: {result:?}");
    }
    bench.reconciles().await;
}
