//! A database that can not be written for a while.

use crate::support::page::{Stage, claim_on, open_page};
use crate::support::socket::SOON;
use crate::support::{PRICE, TestApp, campaign_body, eventually};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Another process's transaction that does not end.
async fn lock(database: &Path) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

async fn unlock(mut connection: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[actix_rt::test]
async fn a_locked_database_holds_acks_back_and_loses_nothing() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let failed = app.watch("gametriggers_settlement_batches_failed_total", "").await;
    assert_eq!(app.ready().await.ok(200)["status"], "ready");
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    let lock = lock(&app.database()).await;
    stage.page.say(&shown.claim()).await;
    assert!(stage.page.is_without(Duration::from_secs(6), "ack").await, "an ack before its commit");
    let asked = Instant::now();
    let ready = app.ready().await.ok(503);
    assert_eq!(
        (ready["status"].as_str(), ready["claims"].as_str()),
        (Some("degraded"), Some("waiting for the database"))
    );
    assert!(asked.elapsed() < Duration::from_secs(1), "the answer took {:?}", asked.elapsed());
    let refused = app.create_campaign(&brand.key, "while locked", &campaign_body("Second", 1)).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    app.show_campaign(&brand.key, campaign).await.ok(200);
    app.assert_unspent(campaign).await;
    failed.grows(&app, 1).await;
    unlock(lock).await;
    assert_eq!(stage.page.expect_in(SOON, "ack").await["result"], "settled");
    eventually("it is ready again", async || app.ready().await.status == 200).await;
    app.create_campaign(&brand.key, "while locked", &campaign_body("Second", 1)).await.ok(201);
    app.assert_paid(campaign, &streamer, 1).await;
    assert_eq!(app.available(&brand).await, 89 * PRICE, "the second campaign was funded once");
    app.finish().await;
}

#[actix_rt::test]
async fn a_claim_sent_again_on_a_new_socket_is_acked_there() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    let lock = lock(&app.database()).await;
    stage.page.say(&shown.claim()).await;
    stage.state(|state| state["earnings"]["in_flight_micros"] != 0).await;
    drop(stage.page);
    let mut page = open_page(&app, &streamer, "instance-1").await;
    page.say(&shown.claim()).await;
    assert!(page.is_without(Duration::from_millis(300), "ack").await);
    unlock(lock).await;
    assert_eq!(page.expect_in(SOON, "ack").await["result"], "settled");
    assert_eq!(claim_on(&mut page, &shown.claim()).await["result"], "duplicate");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}
