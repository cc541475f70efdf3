//! What operators do by hand: once, on record, and never more than there is.

use super::*;
use gametriggers_actors::ports::{NewStreamer, Owner, StoreError, Wallet};

pub(super) fn by_hand(reason: &str) -> ByHand {
    ByHand { actor: "0badcafe".to_owned(), reason: reason.to_owned() }
}

impl Bench {
    /// A streamer that has a row.
    pub(super) async fn streamer(&self, n: u8) -> StreamerId {
        let new = NewStreamer {
            profile: catalogue::profile(),
            settings: Default::default(),
            key: [n; 32],
            overlay_key: [n + 100; 32],
        };
        self.store.add_streamers(&[new], NOW).await.unwrap()[0]
    }

    pub(super) async fn wallet(&self, owner: Owner) -> Wallet {
        self.store.wallet(owner, Currency::INR).await.unwrap()
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Constraint(_))), "{result:?}");
}

fn short<T: std::fmt::Debug>(result: Result<T, StoreError>, there_is: i64) {
    assert!(
        matches!(result, Err(StoreError::InsufficientFunds { available }) if available.0 == there_is),
        "{result:?}"
    );
}

async fn a_confirmed_deposit_is_made_once_and_on_record(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.store.add_brand("Volt", NOW).await.unwrap().id;
    let (hand, once) = (by_hand("bank 7781"), key("once"));
    let first = bench.store.confirm_deposit(brand, inr(500), &hand, &once, NOW).await.unwrap();
    let zero = Micros::ZERO;
    let wanted = Wallet {
        owner: Owner::Brand(brand),
        currency: Currency::INR,
        available: Micros(500),
        reserved: zero,
        pending: zero,
        credit_limit: zero,
    };
    assert_eq!(first, wanted);
    bench.store.confirm_deposit(brand, inr(1), &by_hand("bank 7782"), &key("more"), NOW).await.unwrap();
    // The same request again: the first answer, and nothing else happens.
    assert_eq!(bench.store.confirm_deposit(brand, inr(500), &hand, &once, NOW).await.unwrap(), first);
    assert_eq!(bench.wallet(Owner::Brand(brand)).await.available, Micros(501));
    let other = Idempotency { fingerprint: [9; 32], ..once.clone() };
    let conflict = bench.store.confirm_deposit(brand, inr(500), &hand, &other, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    let conflict = bench.store.refund(brand, inr(500), &hand, &once, NOW).await;
    assert!(matches!(conflict, Err(StoreError::IdempotencyConflict)));
    let sql = format!(
        "SELECT seq FROM admin_action WHERE actor = '0badcafe' AND action = 'deposit'
         AND subject = 'brand:{brand}' AND reason = 'bank 7781' AND detail = 'INR 500' AND at = {}",
        NOW.0
    );
    assert_eq!(bench.database.numbers(&sql).await, [1]);
    let sql = "SELECT seq FROM ledger_tx WHERE kind = 'deposit' ORDER BY seq";
    assert_eq!(bench.database.numbers(sql).await, [1, 2]);
    let sql = "SELECT count(*) FROM ledger_tx WHERE reference = 'bank 7781'";
    assert_eq!(bench.database.numbers(sql).await, [1]);
    bench.reconciles().await;
}

async fn who_acts_by_hand_says_who_and_why(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(100).await;
    let nobody = ByHand { actor: " ".to_owned(), reason: "why".to_owned() };
    for hand in [by_hand(""), by_hand(" \n"), nobody] {
        refused(bench.store.confirm_deposit(brand, inr(5), &hand, &key("a"), NOW).await);
        refused(bench.store.refund(brand, inr(5), &hand, &key("b"), NOW).await);
        refused(bench.store.adjust(Owner::Brand(brand), inr(5), &hand, &key("c"), NOW).await);
        refused(bench.store.set_credit_limit(brand, inr(5), &hand, &key("d"), NOW).await);
    }
    assert_eq!(bench.database.numbers("SELECT count(*) FROM admin_action").await, [0]);
    bench.reconciles().await;
}

async fn an_owner_that_does_not_exist_has_nothing(on: On) {
    let bench = Bench::new(on).await;
    let missing = |result: Result<Wallet, StoreError>| {
        assert!(matches!(result, Err(StoreError::NotFound)), "{result:?}");
    };
    let (brand, hand) = (BrandId(99), by_hand("x"));
    for owner in [Owner::Brand(brand), Owner::Streamer(StreamerId(99))] {
        missing(bench.store.wallet(owner, Currency::INR).await);
        missing(bench.store.adjust(owner, inr(5), &hand, &key("a"), NOW).await);
        assert!(matches!(bench.store.wallets(owner).await, Err(StoreError::NotFound)));
        let lines = bench.store.statement(owner, Currency::INR, None, 5).await;
        assert!(matches!(lines, Err(StoreError::NotFound)));
    }
    missing(bench.store.confirm_deposit(brand, inr(5), &hand, &key("b"), NOW).await);
    missing(bench.store.refund(brand, inr(5), &hand, &key("c"), NOW).await);
    missing(bench.store.set_credit_limit(brand, inr(5), &hand, &key("d"), NOW).await);
    let fund = bench.store.fund_to(CampaignId(99), Micros(5), &key("e"), NOW).await;
    assert!(matches!(fund, Err(StoreError::NotFound)));
    let release = bench.store.release(CampaignId(99), Micros(5), &key("f"), NOW).await;
    assert!(matches!(release, Err(StoreError::NotFound)));
}

async fn a_refund_takes_what_is_available_and_no_more(on: On) {
    let (bench, brand, _) = Bench::funded(on, 1_000, 400).await;
    let hand = by_hand("asked for it");
    short(bench.store.refund(brand, inr(601), &hand, &key("a"), NOW).await, 600);
    for amount in [0, -1, i64::MIN] {
        refused(bench.store.refund(brand, inr(amount), &hand, &key("b"), NOW).await);
    }
    for _ in 0..2 {
        let after = bench.store.refund(brand, inr(250), &hand, &key("c"), NOW).await.unwrap();
        assert_eq!((after.available, after.reserved), (Micros(350), Micros(400)));
    }
    bench.store.refund(brand, inr(350), &hand, &key("d"), NOW).await.unwrap();
    short(bench.store.refund(brand, inr(1), &hand, &key("e"), NOW).await, 0);
    // What may be owed is for campaigns, not for going out.
    bench.store.set_credit_limit(brand, inr(100), &hand, &key("f"), NOW).await.unwrap();
    short(bench.store.refund(brand, inr(1), &hand, &key("g"), NOW).await, 0);
    bench.reconciles().await;
}

async fn an_adjustment_gives_or_takes_against_the_platform(on: On) {
    let bench = Bench::new(on).await;
    let (brand, streamer) = (bench.brand(100).await, bench.streamer(1).await);
    for (owner, had) in [(Owner::Brand(brand), 100), (Owner::Streamer(streamer), 0)] {
        let key = |text: &str| key(&format!("{owner:?} {text}"));
        for _ in 0..2 {
            let hand = by_hand("a mistake of ours");
            let after = bench.store.adjust(owner, inr(70), &hand, &key("up"), NOW).await.unwrap();
            assert_eq!(after.available, Micros(had + 70));
        }
        let hand = by_hand("too much");
        short(bench.store.adjust(owner, inr(-had - 71), &hand, &key("a"), NOW).await, had + 70);
        let after = bench.store.adjust(owner, inr(-had - 70), &hand, &key("down"), NOW).await.unwrap();
        assert_eq!(after.available, Micros::ZERO);
        for amount in [0, i64::MIN] {
            refused(bench.store.adjust(owner, inr(amount), &hand, &key("b"), NOW).await);
        }
        bench.reconciles().await;
    }
    let platform = "SELECT credits - debits FROM ledger_account WHERE code = 'adjustment'";
    assert_eq!(bench.database.numbers(platform).await, [100]);
    let sql = "SELECT seq FROM admin_action WHERE action = 'adjust' ORDER BY seq";
    assert_eq!(bench.database.numbers(sql).await, [1, 2, 3, 4]);
}

async fn a_brand_may_owe_up_to_its_credit_limit(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 1_000).await;
    let hand = by_hand("a good customer");
    let set = async |limit: i64, name: &str| {
        bench.store.set_credit_limit(brand, inr(limit), &hand, &key(name), NOW).await
    };
    short(bench.store.fund(campaign, Micros(1), &key("a"), NOW).await, 0);
    for _ in 0..2 {
        assert_eq!(set(300, "limit").await.unwrap().credit_limit, Micros(300));
    }
    // What is short is told with what may be owed.
    short(bench.store.fund(campaign, Micros(301), &key("b"), NOW).await, 300);
    bench.store.fund(campaign, Micros(200), &key("c"), NOW).await.unwrap();
    let (wallet, budget) = bench.store.fund_to(campaign, Micros(1_300), &key("d"), NOW).await.unwrap();
    assert_eq!(
        (wallet.available, wallet.credit_limit, wallet.reserved),
        (Micros(-300), Micros(300), Micros(1_300))
    );
    assert_eq!(budget.funded, Micros(1_300));
    short(bench.store.fund(campaign, Micros(1), &key("e"), NOW).await, 0);
    assert_eq!(bench.store.available(brand, Currency::INR).await.unwrap(), Micros(-300));
    refused(set(299, "lower").await);
    refused(set(-1, "negative").await);
    bench.reconciles().await;
    // Money that comes in pays the debt first; then the limit may fall.
    bench.store.deposit(brand, inr(50), &key("f"), NOW).await.unwrap();
    assert_eq!(set(250, "lower").await.unwrap().available, Micros(-250));
    assert!(
        bench
            .database
            .try_sql("UPDATE ledger_account SET debits = debits + 1 WHERE credit_limit = 250")
            .await
            .is_err()
    );
    // The first answer stays the answer.
    assert_eq!(set(300, "limit").await.unwrap().available, Micros::ZERO);
    assert_eq!(bench.wallet(Owner::Brand(brand)).await.credit_limit, Micros(250));
    bench.reconciles().await;
    bench.tamper("UPDATE ledger_account SET credit_limit = 249 WHERE credit_limit = 250").await;
    let found = wrong(bench.store.reconcile(true).await.unwrap());
    assert_eq!(found.iter().map(|check| (check.id, check.drift_micros)).collect::<Vec<_>>(), [("R6", 1)]);
}

async fn a_wallet_shows_what_is_where(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 400).await;
    let streamer = bench.streamer(1).await;
    let lease = bench.lease(campaign, 300).await;
    let mut debit = debit(3, lease, campaign, 100);
    debit.streamer = streamer;
    bench.settle(&[ok(debit)]).await;
    let dollars = Money { amount: Micros(7), currency: "USD".parse().unwrap() };
    bench.store.confirm_deposit(brand, dollars, &by_hand("wire"), &key("usd"), NOW).await.unwrap();
    let wallets = bench.store.wallets(Owner::Brand(brand)).await.unwrap();
    let shown: Vec<_> =
        wallets.iter().map(|w| (w.currency.to_string(), w.available.0, w.reserved.0)).collect();
    assert_eq!(shown, [("INR".to_owned(), 600, 300), ("USD".to_owned(), 7, 0)]);
    for _ in 0..2 {
        let wallets = bench.store.wallets(Owner::Streamer(streamer)).await.unwrap();
        let shown: Vec<_> = wallets.iter().map(|w| (w.available.0, w.pending.0, w.reserved.0)).collect();
        assert_eq!(shown, [(0, 80, 0)]);
        bench.store.roll_up(NOW).await.unwrap();
    }
    let nothing = bench.store.wallet(Owner::Streamer(streamer), dollars.currency).await.unwrap();
    assert_eq!((nothing.available, nothing.pending), (Micros::ZERO, Micros::ZERO));
    let other = bench.streamer(2).await;
    assert_eq!(bench.store.wallets(Owner::Streamer(other)).await.unwrap(), []);
}

on_each! {
    a_confirmed_deposit_is_made_once_and_on_record;
    who_acts_by_hand_says_who_and_why;
    an_owner_that_does_not_exist_has_nothing;
    a_refund_takes_what_is_available_and_no_more;
    an_adjustment_gives_or_takes_against_the_platform;
    a_brand_may_owe_up_to_its_credit_limit;
    a_wallet_shows_what_is_where;
}
