//! A database that is taken over, callers that go away, and rows that stay.

use super::*;
use futures_util::FutureExt;
use gametriggers_actors::ports::StoreError;

async fn a_process_that_lost_its_epoch_writes_no_money(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.tamper("UPDATE writer SET epoch = epoch + 1").await;
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
    fenced(store.complete(campaign, UnixMillis(i64::MAX), NOW).await.is_err_and(is));
    bench.reconciles().await;
}

async fn a_process_without_an_epoch_delivers_nothing(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let campaign = bench.campaign(brand, 500).await;
    let grant = bench.store.grant(campaign, Micros(1), NOW).await;
    assert!(matches!(grant, Err(StoreError::Fenced)));
}

async fn a_caller_that_goes_away_leaves_a_whole_transaction(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let claims = [ok(debit(1, lease, campaign, 100))];
    let mut call = Box::pin(bench.store.settle(&claims, NOW));
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    assert_eq!(bench.settle(&claims).await, [Outcome::Duplicate]);
    assert_eq!(bench.budget(campaign).await.spent, Micros(100));
    bench.reconciles().await;
}

async fn what_is_written_stays_as_it_is(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
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
        "UPDATE settle_event SET fee = price + 1",
        "DELETE FROM settle_event",
        "UPDATE budget_lease SET granted = settled - 1",
        "UPDATE campaign_budget SET spent = funded + 1",
        "UPDATE ledger_account SET debits = credits + 1 WHERE no_overdraft",
    ] {
        let result = bench.database.try_sql(sql).await;
        assert!(result.is_err(), "{sql}: {result:?}");
    }
    bench.reconciles().await;
}

on_each! {
    a_process_that_lost_its_epoch_writes_no_money;
    a_process_without_an_epoch_delivers_nothing;
    a_caller_that_goes_away_leaves_a_whole_transaction;
    what_is_written_stays_as_it_is;
}
