//! Drift is found, said and answered by frozen payouts, and nothing else stops.

use crate::support::redis::{client, node, prefix, publish, shared_url};
use crate::support::socket::SOON;
use crate::support::{EARN, PRICE, TestApp, eventually, page::Stage, sleep_ms};
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::ports::{CampaignTotals, Owner};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn ready(app: &TestApp) -> Value {
    app.ready().await.ok(200)
}

async fn is_frozen(app: &TestApp) -> bool {
    let health = &app.engine().health;
    let flags = || (health.drift.load(Ordering::Relaxed), health.payouts_frozen.load(Ordering::Relaxed));
    let before = flags();
    let ready = ready(app).await;
    // The reconciler runs beside this: what it changed meanwhile can not be held against the answer.
    if flags() != before {
        return false;
    }
    assert_eq!(before.1, ready["payouts"] == "frozen", "{ready}");
    let says = ready["status"] == "degraded" && ready["degraded"] == json!(["ledger drift"]);
    says && before == (true, true)
}

/// Another program that writes to the database.
async fn tamper(database: &Path, sql: &str) {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[actix_rt::test]
async fn books_that_disagree_freeze_payouts_until_they_agree_and_plays_go_on() {
    let app = TestApp::with(&[("SETTLEMENT__RECONCILE_S", "1")]).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(ready(&app).await["payouts"], "ok");
    tamper(&app.database(), "UPDATE campaign_budget SET funded = funded + 7, version = version + 1").await;
    eventually("drift freezes payouts", async || is_frozen(&app).await).await;
    // Gauges of the process: the reconciler of another test's server sets them as well.
    for (gauge, least) in [("gametriggers_ledger_drift_micros", 7.0), ("gametriggers_ledger_mismatches", 1.0)]
    {
        eventually(gauge, async || app.counter(gauge, "R4").await >= least).await;
    }
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    tamper(&app.database(), "UPDATE campaign_budget SET funded = funded - 7, version = version + 1").await;
    eventually("a full run without drift ends it", async || ready(&app).await["status"] == "ready").await;
    assert_eq!(ready(&app).await["payouts"], "ok");
    app.finish().await;
}

#[actix_rt::test]
async fn an_old_row_that_was_altered_freezes_payouts_without_a_restart() {
    let app = TestApp::with(&[("SETTLEMENT__RECONCILE_S", "1"), ("SETTLEMENT__VERIFY_S", "1")]).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    app.campaign(&brand, "Crunch time", 10).await;
    let audit = &app.engine().ports.audit;
    eventually("it is sealed", async || {
        let _ = audit.seal(app.engine().now()).await;
        audit.verify().await.unwrap().transactions >= 2
    })
    .await;
    let checked = app.counter("gametriggers_ledger_checked_timestamp_seconds", "").await;
    assert!(checked > 1e9, "{checked}");
    tamper(&app.database(), "DROP TRIGGER ledger_tx_keeps").await;
    tamper(&app.database(), "UPDATE ledger_tx SET reference = 'x' || reference WHERE seq = 1").await;
    eventually("the chain does not fit", async || is_frozen(&app).await).await;
    assert!(app.counter("gametriggers_ledger_mismatches", "R9").await >= 1.0);
    tamper(&app.database(), "UPDATE ledger_tx SET reference = substr(reference, 2) WHERE seq = 1").await;
    eventually("it fits again", async || ready(&app).await["payouts"] == "ok").await;
    app.finish().await;
}

#[actix_rt::test]
async fn what_is_due_becomes_payable_when_the_books_agree_and_not_before() {
    let settings = [("SETTLEMENT__RECONCILE_S", "1"), ("SETTLEMENT__PAYABLE_AFTER_DAYS", "7")];
    let app = TestApp::with(&settings).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let wallet = async |app: &TestApp| {
        let wallets = &app.engine().ports.wallets;
        let wallet = wallets.wallet(Owner::Streamer(streamer.id), Currency::INR).await.unwrap();
        (wallet.available.0, wallet.pending.0)
    };
    eventually("it is in the wallet", async || wallet(&app).await == (0, EARN)).await;
    sleep_ms(1500).await;
    let world = app.stop().await;
    // Earned a month ago; and somebody laid a hand on the campaign.
    tamper(&world.database(), "UPDATE streamer_day SET day = day - 30").await;
    tamper(&world.database(), "UPDATE campaign_budget SET funded = funded + 7, version = version + 1").await;
    let app = world.start(None).await;
    eventually("drift freezes payouts", async || is_frozen(&app).await).await;
    sleep_ms(2500).await;
    assert_eq!(wallet(&app).await, (0, EARN), "nothing is payable while the books disagree");
    tamper(&app.database(), "UPDATE campaign_budget SET funded = funded - 7, version = version + 1").await;
    eventually("what is due is payable", async || wallet(&app).await == (EARN, 0)).await;
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn shared_counters_that_the_database_never_had_are_drift() {
    let (url, prefix) = (shared_url(), prefix());
    let settings =
        [("REDIS__URL", url.as_str()), ("REDIS__PREFIX", prefix.as_str()), ("SETTLEMENT__RECONCILE_S", "1")];
    let app = TestApp::with(&settings).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let other = node(&url, &prefix, 99).await;
    let false_totals = CampaignTotals { version: 1_000_000, ..CampaignTotals::default() };
    publish(&other, &[(campaign, false_totals)], &[]).await;
    let wait = async {
        while !is_frozen(&app).await {
            tokio::time::sleep(Duration::from_millis(100)).await
        }
    };
    tokio::time::timeout(2 * SOON, wait).await.expect("nobody notices");
    let mut client = client(&url).await.unwrap();
    redis::cmd("DEL").arg(format!("{prefix}:campaign:{campaign}")).exec_async(&mut client).await.unwrap();
    eventually("it is over", async || ready(&app).await["status"] == "ready").await;
    app.finish().await;
}
