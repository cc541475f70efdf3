//! Deposits, funding, and requests that come twice.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::ports::StoreError;

async fn available(bench: &Bench, brand: BrandId) -> Micros {
    bench.store.available(brand, Currency::INR).await.unwrap()
}

async fn a_deposit_that_comes_twice_is_made_once(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    assert_eq!(bench.store.deposit(brand, inr(500), &key("again"), NOW).await.unwrap(), Micros(1_500));
    bench.store.deposit(brand, inr(1), &key("other"), NOW).await.unwrap();
    assert_eq!(bench.store.deposit(brand, inr(500), &key("again"), NOW).await.unwrap(), Micros(1_500));
    assert_eq!(available(&bench, brand).await, Micros(1_501));
    bench.reconciles().await;
}

async fn a_key_of_another_request_is_a_conflict(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let used = key("used");
    bench.store.deposit(brand, inr(10), &used, NOW).await.unwrap();
    let other = Idempotency { fingerprint: [7; 32], ..used.clone() };
    let conflict = bench.store.deposit(brand, inr(20), &other, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    let conflict = bench.store.fund(campaign, Micros(10), &used, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    let conflict = bench.store.create(&new_campaign(brand, 10), &used, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    assert_eq!(available(&bench, brand).await, Micros(910));
}

async fn only_an_amount_above_zero_moves(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    for amount in [0, -1, i64::MIN] {
        let deposit = bench.store.deposit(brand, inr(amount), &key("a"), NOW).await;
        assert!(matches!(deposit, Err(StoreError::Constraint(_))), "{deposit:?}");
        let fund = bench.store.fund(campaign, Micros(amount), &key("b"), NOW).await;
        assert!(matches!(fund, Err(StoreError::Constraint(_))), "{fund:?}");
    }
    let negative = bench.store.create(&new_campaign(brand, -1), &key("c"), NOW).await;
    assert!(matches!(negative, Err(StoreError::Constraint(_))));
    // More than the account can hold is refused as well, and leaves no trace.
    let flood = bench.store.deposit(brand, inr(i64::MAX), &key("d"), NOW).await;
    assert!(flood.is_err(), "{flood:?}");
    assert_eq!(available(&bench, brand).await, Micros(900));
    bench.reconciles().await;
}

async fn a_brand_that_does_not_exist_has_no_wallet(on: On) {
    let bench = Bench::new(on).await;
    let nobody = BrandId(5);
    assert!(matches!(bench.store.available(nobody, Currency::INR).await, Err(StoreError::NotFound)));
    let deposit = bench.store.deposit(nobody, inr(5), &key("a"), NOW).await;
    assert!(matches!(deposit, Err(StoreError::NotFound)));
    let create = bench.store.create(&new_campaign(nobody, 0), &key("b"), NOW).await;
    assert!(matches!(create, Err(StoreError::NotFound)));
    assert!(matches!(bench.store.budget(CampaignId(1)).await, Err(StoreError::NotFound)));
}

async fn funding_moves_money_once_and_only_what_there_is(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let first = bench.store.fund(campaign, Micros(300), &key("f"), NOW).await.unwrap();
    assert_eq!(
        (first.0.available, first.0.reserved, first.1.funded),
        (Micros(600), Micros(400), Micros(400))
    );
    bench.lease(campaign, 50).await;
    bench.store.confirm_deposit(brand, inr(1), &by_hand("bank"), &key("d"), NOW).await.unwrap();
    // Whatever has happened since: the first answer, both sides of it.
    assert_eq!(bench.store.fund(campaign, Micros(300), &key("f"), NOW).await.unwrap(), first);
    assert_eq!(available(&bench, brand).await, Micros(601));
    let short = bench.store.fund(campaign, Micros(602), &key("g"), NOW).await;
    assert!(matches!(short, Err(StoreError::InsufficientFunds { available: Micros(601) })));
    // The key of a request that failed is free.
    assert!(bench.store.fund(campaign, Micros(600), &key("g"), NOW).await.is_ok());
    bench.reconciles().await;
}

async fn a_campaign_that_can_not_be_funded_is_not_made(on: On) {
    let bench = Bench::new(on).await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    let brand = bench.brand(1_000).await;
    let short = bench.store.create(&new_campaign(brand, 1_001), &key("c"), NOW).await;
    assert!(matches!(short, Err(StoreError::InsufficientFunds { available: Micros(1_000) })));
    assert!(bench.campaigns_after(None, None, 10).await.is_empty());
    let bare = NewCampaign { creatives: Vec::new(), ..new_campaign(brand, 10) };
    assert!(matches!(bench.store.create(&bare, &key("c"), NOW).await, Err(StoreError::Constraint(_))));
    let made = bench.store.create(&new_campaign(brand, 1_000), &key("c"), NOW).await.unwrap();
    let (campaign, (wallet, budget)) = &made;
    assert_eq!((wallet.available, wallet.reserved), (Micros(0), Micros(1_000)));
    assert_eq!(*budget, bench.budget(campaign.id).await);
    bench.lease(campaign.id, 50).await;
    assert_eq!(bench.store.create(&new_campaign(brand, 1_000), &key("c"), NOW).await.unwrap(), made);
    assert_eq!(bench.campaigns_after(None, None, 10).await, std::slice::from_ref(campaign));
    assert_eq!(available(&bench, brand).await, Micros(0));
    bench.reconciles().await;
}

on_each! {
    a_deposit_that_comes_twice_is_made_once;
    a_key_of_another_request_is_a_conflict;
    only_an_amount_above_zero_moves;
    a_brand_that_does_not_exist_has_no_wallet;
    funding_moves_money_once_and_only_what_there_is;
    a_campaign_that_can_not_be_funded_is_not_made;
}
