//! Every check finds the corruption that it is there for.

use super::*;

/// A database with something of everything.
async fn sound(on: On) -> Bench {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let other = bench.campaign(brand, 1_000).await;
    let (lease, second) = (bench.lease(campaign, 1_000).await, bench.lease(other, 500).await);
    let claims: Vec<_> = (0..6).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    bench.settle(&claims).await;
    bench.store.roll_up(NOW).await.unwrap();
    bench.settle(&[ok(debit(10, second, other, 50)), ok(debit(11, second, other, 30))]).await;
    bench
}

async fn a_sound_database_shows_no_drift_and_every_check_looks_at_rows(on: On) {
    let bench = sound(on).await;
    let checks = bench.store.reconcile(true).await.unwrap();
    assert!(checks.iter().all(|check| check.rows > 0), "{checks:?}");
    let mut ids: Vec<_> = checks.iter().map(|check| check.id).collect();
    ids.dedup();
    assert_eq!(ids, ["R1", "R2", "R3", "R4", "R5", "R6"]);
    bench.reconciles().await;
}

async fn what_came_since_the_last_look_is_checked_with_what_was_before(on: On) {
    let bench = sound(on).await;
    let (brand, more) = (BrandId(1), [ok(debit(20, LeaseId(1), CampaignId(1), 100))]);
    for round in 0..3 {
        let checks = bench.store.reconcile(false).await.unwrap();
        assert_eq!(wrong(checks), [], "round {round}");
        bench.store.deposit(brand, inr(5), &key(&format!("round {round}")), NOW).await.unwrap();
        bench.settle(&more).await;
        bench.store.roll_up(NOW).await.unwrap();
        let rows = |checks: Vec<Check>| checks.iter().find(|check| check.id == "R1").map(|check| check.rows);
        let part = rows(bench.store.reconcile(false).await.unwrap());
        let all = rows(bench.store.reconcile(true).await.unwrap());
        assert!(part > Some(0) && part < all, "{part:?} of {all:?}");
    }
    // A new row that does not fit the old ones is found, and found again until it is put right.
    bench.tamper("UPDATE campaign_budget SET spent = spent + 7 WHERE campaign_id = 1").await;
    for _ in 0..2 {
        let found = wrong(bench.store.reconcile(false).await.unwrap());
        assert!(found.iter().any(|check| check.name.contains("spent what") && check.drift_micros == 7));
    }
    bench.tamper("UPDATE campaign_budget SET spent = spent - 7 WHERE campaign_id = 1").await;
    assert_eq!(wrong(bench.store.reconcile(false).await.unwrap()), []);
    bench.settle(&[ok(debit(21, LeaseId(1), CampaignId(1), 100))]).await;
    let sql = "UPDATE ledger_entry SET amount = amount + 1
        WHERE seq = (SELECT max(seq) FROM ledger_entry) AND line = 1";
    bench.tamper(sql).await;
    for _ in 0..2 {
        let found = wrong(bench.store.reconcile(false).await.unwrap());
        assert!(found.iter().any(|check| check.id == "R1" && check.drift_micros == 1), "{found:?}");
        assert!(found.iter().any(|check| check.id == "R2" && check.drift_micros == 1), "{found:?}");
    }
}

async fn planted_corruption_is_found_by_the_check_for_it(on: On) {
    // What is done, the check that has to speak, and a word of its name.
    let cases = [
        ("UPDATE ledger_entry SET amount = amount + 1 WHERE seq = 3 AND line = 1", "R1", "debits"),
        ("UPDATE ledger_entry SET is_debit = NOT is_debit WHERE seq = 1 AND line = 1", "R1", "debits"),
        ("DELETE FROM ledger_entry WHERE seq = 2 AND line = 2", "R1", "debits"),
        ("DELETE FROM ledger_tx WHERE seq = 2", "R1", "number"),
        ("UPDATE writer SET seq = seq + 1", "R1", "number"),
        ("UPDATE ledger_account SET credits = credits + 5, debits = debits + 5 WHERE id = 1", "R2", "sum"),
        ("DELETE FROM ledger_entry WHERE account_id = 2", "R2", "sum"),
        ("UPDATE settle_event SET price = price + 1, fee = fee + 1 WHERE lease_id = 1", "R3", "prices"),
        ("UPDATE settle_event SET campaign_id = 2 WHERE lease_id = 1", "R3", "prices"),
        ("UPDATE settle_event SET fee = fee + 1 WHERE lease_id = 2", "R3", "fees"),
        ("UPDATE settle_event SET streamer_id = 9 WHERE streamer_id = 1", "R3", "wallet"),
        ("UPDATE budget_lease SET settled = settled + 1 WHERE lease_id = 1", "R4", "lease settled"),
        ("DELETE FROM settle_event WHERE lease_id = 2", "R4", "lease settled"),
        ("UPDATE budget_lease SET granted = granted + 7 WHERE lease_id = 1", "R4", "leased"),
        ("UPDATE campaign_budget SET leased = leased - 1 WHERE campaign_id = 2", "R4", "leased"),
        ("UPDATE campaign_budget SET spent = spent - 1 WHERE campaign_id = 2", "R4", "spent what"),
        ("UPDATE campaign_budget SET plays = plays + 1 WHERE campaign_id = 1", "R4", "counts"),
        ("UPDATE campaign_budget SET funded = funded + 1 WHERE campaign_id = 1", "R4", "account holds"),
        ("UPDATE writer SET rolled = rolled + 2", "R5", "clearing"),
        ("UPDATE ledger_account SET credits = credits + 1 WHERE code = 'accrual_clearing'", "R5", "clearing"),
        ("UPDATE streamer_wallet SET plays = plays + 1 WHERE streamer_id = 1", "R5", "counts"),
        ("UPDATE streamer_day SET amount = amount + 1 WHERE streamer_id = 1", "R5", "pending"),
        ("UPDATE ledger_account SET debits = credits + 1 WHERE code = 'available'", "R6", "account"),
        ("UPDATE campaign_budget SET funded = spent + leased - 1 WHERE campaign_id = 1", "R6", "budget"),
        ("UPDATE budget_lease SET granted = settled - 1 WHERE lease_id = 1", "R6", "lease"),
    ];
    for (sql, id, word) in cases {
        let bench = sound(on).await;
        bench.tamper(sql).await;
        let spoke = wrong(bench.store.reconcile(true).await.unwrap());
        assert!(
            spoke.iter().any(|check| check.id == id && check.name.contains(word) && check.mismatches > 0),
            "{sql}: {spoke:?}"
        );
    }
}

on_each! {
    a_sound_database_shows_no_drift_and_every_check_looks_at_rows;
    what_came_since_the_last_look_is_checked_with_what_was_before;
    planted_corruption_is_found_by_the_check_for_it;
}
