//! Drift is found, said and answered by frozen payouts, and nothing else stops.

use crate::support::redis::{node, prefix, shared_url};
use crate::support::socket::SOON;
use crate::support::{PRICE, TestApp, eventually, page::Stage};
use gametriggers_actors::ports::CampaignTotals;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn ready(app: &TestApp) -> Value {
    app.ready().await.ok(200)
}

async fn is_frozen(app: &TestApp) -> bool {
    let ready = ready(app).await;
    let says = ready["status"] == "degraded" && ready["degraded"] == json!(["ledger drift"]);
    let health = &app.engine().health;
    let is = health.drift.load(Ordering::Relaxed) && health.payouts_frozen.load(Ordering::Relaxed);
    assert_eq!(is, ready["payouts"] == "frozen", "{ready}");
    says && is
}

/// Another program that writes to the database.
async fn tamper(app: &TestApp, sql: &str) {
    let mut connection = SqliteConnectOptions::new().filename(app.database()).connect().await.unwrap();
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
    tamper(&app, "UPDATE campaign_budget SET funded = funded + 7").await;
    eventually("drift freezes payouts", async || is_frozen(&app).await).await;
    assert!(app.counter("gametriggers_ledger_drift_micros", "R4").await >= 7.0);
    assert!(app.counter("gametriggers_ledger_mismatches", "R4").await >= 1.0);
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    tamper(&app, "UPDATE campaign_budget SET funded = funded - 7").await;
    eventually("a full run without drift ends it", async || ready(&app).await["status"] == "ready").await;
    assert_eq!(ready(&app).await["payouts"], "ok");
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
    other.live.publish(&[(campaign, false_totals)], &[]).await.unwrap();
    let wait = async {
        while !is_frozen(&app).await {
            tokio::time::sleep(Duration::from_millis(100)).await
        }
    };
    tokio::time::timeout(2 * SOON, wait).await.expect("nobody notices");
    let client = redis::Client::open(url).unwrap();
    let mut client = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("DEL").arg(format!("{prefix}:campaign:{campaign}")).exec_async(&mut client).await.unwrap();
    eventually("it is over", async || ready(&app).await["status"] == "ready").await;
    app.finish().await;
}
