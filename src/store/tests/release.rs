//! A budget that is raised to a total, and one that gives back what it does not need.

use super::*;
use gametriggers_actors::ports::{Owner, StoreError};

async fn a_budget_is_raised_to_a_total(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 400).await;
    let once = key("once");
    let (wallet, budget) = bench.store.fund_to(campaign, Micros(700), &once, NOW).await.unwrap();
    assert_eq!(
        (wallet.owner, wallet.available, wallet.reserved),
        (Owner::Brand(brand), Micros(300), Micros(700))
    );
    assert_eq!(budget.funded, Micros(700));
    bench.lease(campaign, 50).await;
    // Again: the first answer. With another key: there is nothing left to do.
    assert_eq!(bench.store.fund_to(campaign, Micros(700), &once, NOW).await.unwrap(), (wallet, budget));
    let (same, budget) = bench.store.fund_to(campaign, Micros(700), &key("same"), NOW).await.unwrap();
    assert_eq!((same, budget.leased), (wallet, Micros(50)));
    let other = Idempotency { fingerprint: [9; 32], ..once.clone() };
    let conflict = bench.store.fund_to(campaign, Micros(800), &other, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    let lower = bench.store.fund_to(campaign, Micros(699), &key("lower"), NOW).await;
    assert!(matches!(lower, Err(StoreError::Constraint(_))), "{lower:?}");
    let short = bench.store.fund_to(campaign, Micros(1_001), &key("short"), NOW).await;
    assert!(matches!(short, Err(StoreError::InsufficientFunds { available: Micros(300) })), "{short:?}");
    assert_eq!(bench.database.numbers("SELECT count(*) FROM ledger_tx WHERE kind = 'fund'").await, [2]);
    bench.end(campaign).await;
    let ended = bench.store.fund_to(campaign, Micros(800), &key("ended"), NOW).await;
    assert!(matches!(ended, Err(StoreError::Constraint(_))), "{ended:?}");
    bench.reconciles().await;
}

async fn only_what_is_neither_spent_nor_leased_is_released(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 1_000, 1_000).await;
    let lease = bench.lease(campaign, 500).await;
    bench.settle(&[ok(debit(1, lease, campaign, 200))]).await;
    let short = bench.store.release(campaign, Micros(501), &key("a"), NOW).await;
    assert!(matches!(short, Err(StoreError::InsufficientFunds { available: Micros(500) })), "{short:?}");
    for amount in [0, -1, i64::MIN] {
        let refused = bench.store.release(campaign, Micros(amount), &key("b"), NOW).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    }
    let first = bench.store.release(campaign, Micros(400), &key("c"), NOW).await.unwrap();
    let (wallet, budget) = first;
    assert_eq!((wallet.available, wallet.reserved), (Micros(400), Micros(400)));
    assert_eq!((budget.funded, budget.spent, budget.leased), (Micros(600), Micros(200), Micros(300)));
    // What was released can not be granted any more, and the rest can.
    assert_eq!(bench.store.grant(campaign, Micros(900), NOW).await.unwrap().unwrap().granted, Micros(100));
    assert_eq!(bench.store.release(campaign, Micros(400), &key("c"), NOW).await.unwrap(), first);
    let empty = bench.store.release(campaign, Micros(1), &key("d"), NOW).await;
    assert!(matches!(empty, Err(StoreError::InsufficientFunds { available: Micros(0) })), "{empty:?}");
    bench.reconciles().await;
    // Released, then ended: only the rest is returned.
    bench.store.give_back(lease, Micros(400)).await.unwrap();
    bench.end(campaign).await;
    bench.store.close_due(NOW).await.unwrap();
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.funded, budget.leased), (Micros(200), Micros(0)));
    bench.reconciles().await;
}

on_each! {
    a_budget_is_raised_to_a_total;
    only_what_is_neither_spent_nor_leased_is_released;
}
