//! The chain of hashes over a database: what nobody touched is sound, and what was touched is named.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::ports::Chain;

impl Bench {
    async fn verify(&self) -> Chain {
        self.store.verify().await.unwrap()
    }
}

/// Three blocks over something of everything: transactions 1 to 3, 4 to 6 and 7, actions 1 and 2.
async fn sealed(on: On) -> Bench {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.store.confirm_deposit(brand, inr(50), &by_hand("bank 1"), &key("a"), NOW).await.unwrap();
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    bench.settle(&[ok(debit(1, lease, campaign, 100)), ok(debit(2, lease, campaign, 100))]).await;
    bench.store.roll_up(NOW).await.unwrap();
    bench.store.refund(brand, inr(7), &by_hand("asked"), &key("b"), NOW).await.unwrap();
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    bench.store.fund(campaign, Micros(5), &key("c"), NOW).await.unwrap();
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    bench
}

async fn what_is_sealed_is_found_again(on: On) {
    let mut bench = Bench::new(on).await;
    let chain = bench.verify().await;
    assert_eq!((chain.blocks, chain.first_bad), (0, None));
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 0, "nothing is no block");
    bench = sealed(on).await;
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 0);
    let chain = bench.verify().await;
    assert_eq!(chain.first_bad, None);
    assert_eq!((chain.blocks, chain.transactions, chain.actions), (3, 7, 2));
    let entries = bench.database.numbers("SELECT count(*) FROM ledger_entry").await;
    assert_eq!(entries, [i64::try_from(chain.entries).unwrap()]);
    bench.reopen().await;
    assert_eq!(bench.verify().await, chain);
    // What is not sealed yet is not looked at; a limit alone is an action without a transaction.
    bench.store.set_credit_limit(BrandId(1), inr(5), &by_hand("ok"), &key("d"), NOW).await.unwrap();
    assert_eq!(bench.verify().await, chain);
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    let longer = bench.verify().await;
    assert_eq!((longer.blocks, longer.transactions, longer.actions), (4, 7, 3));
    assert_eq!(longer.first_bad, None);
    assert_ne!(longer.heads, chain.heads);
    bench.reconciles().await;
}

async fn what_was_touched_is_named(on: On) {
    // What is done, and what is said of it.
    let cases = [
        ("UPDATE ledger_entry SET amount = amount + 1 WHERE seq = 4 AND line = 1", "ledger_tx 1:4 is not"),
        ("UPDATE ledger_entry SET account_id = 2 WHERE seq = 1 AND line = 1", "ledger_tx 1:1 is not"),
        ("UPDATE ledger_tx SET reference = 'bank 2' WHERE seq = 3", "ledger_tx 1:3 is not"),
        ("UPDATE ledger_tx SET created_at = created_at + 1 WHERE seq = 7", "ledger_tx 1:7 is not"),
        ("UPDATE ledger_tx SET idem_key = 'other' WHERE seq = 6", "ledger_tx 1:6 is not"),
        ("UPDATE admin_action SET reason = 'bank 2' WHERE seq = 1", "admin_action 1:1 is not"),
        ("UPDATE admin_action SET detail = 'INR 8' WHERE seq = 2", "admin_action 1:2 is not"),
        ("DELETE FROM ledger_tx WHERE seq = 5", "ledger_tx 1:5 is missing"),
        ("DELETE FROM ledger_tx WHERE seq = 7", "ledger_tx 1:7 is missing"),
        ("DELETE FROM ledger_entry WHERE seq = 4 AND line = 1", "ledger_entry 1:4:1 is missing"),
        ("DELETE FROM ledger_entry WHERE seq = 6", "ledger_tx 1:6 is not"),
        ("DELETE FROM admin_action WHERE seq = 1", "admin_action 1:1 is missing"),
        ("UPDATE ledger_account SET owner_id = 9 WHERE owner_kind = 'brand'", "ledger_tx 1:1 is not"),
        ("DELETE FROM audit_block WHERE block = 2", "block 2 of writer 1 is missing"),
        ("DELETE FROM audit_block WHERE block = 3", "block 3 of writer 1 is missing"),
        ("UPDATE audit_block SET sealed_at = sealed_at + 1 WHERE block = 2", "block 2 of writer 1 is not"),
        ("UPDATE audit_block SET prev_hash = hash WHERE block = 2", "block 2 of writer 1 does not follow"),
        (
            "UPDATE audit_block SET block = -1 WHERE block = 1;
             UPDATE audit_block SET block = 1 WHERE block = 2;
             UPDATE audit_block SET block = 2 WHERE block = -1",
            "block 1 of writer 1 does not follow block 0",
        ),
    ];
    for (sql, wanted) in cases {
        let bench = sealed(on).await;
        bench.tamper(sql).await;
        let found = bench.verify().await.first_bad.unwrap_or_default();
        assert!(found.starts_with(wanted), "{sql}: {found}");
    }
}

on_each! {
    what_is_sealed_is_found_again;
    what_was_touched_is_named;
}
