//! What a streamer does on the dashboard.

use crate::support::page::{Stage, assert_rejected};
use crate::support::{PRICE, TestApp, eventually, sleep_ms};
use gametriggers_actors::domain::streamer::Settings;
use gametriggers_actors::messages::Sweep;
use serde_json::json;
use std::sync::Arc;

#[actix_rt::test]
async fn a_skipped_play_is_not_paid_and_its_price_comes_back() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let skipped = app.watch("gametriggers_claims_rejected_total", "skipped_by_streamer").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.play().await;
    stage.page.say(&json!({ "type": "started", "play_id": shown.play_id })).await;
    stage.state(|state| state["current"]["phase"] == "on_screen").await;
    assert_eq!(app.live(&brand.key, campaign).await.ok(200)["reserved_micros"], PRICE);
    assert_eq!(stage.command(json!({ "name": "skip" })).await["ok"], true);
    assert_eq!(stage.page.expect("stop").await["play_id"], shown.play_id.as_str());
    eventually("the price is back", async || {
        let live = app.live(&brand.key, campaign).await.ok(200);
        live["reserved_micros"] == 0 && live["rejected"] == 1 && live["in_flight"] == 0
    })
    .await;
    sleep_ms(600).await;
    assert_rejected(&stage.claim(&shown.claim()).await, "skipped_by_streamer");
    skipped.grows(&app, 1).await;
    app.assert_unspent(campaign).await;
    let plays = app.plays(&streamer.key, streamer.id, "").await.ok(200);
    assert_eq!(plays["items"][0]["reason"], "skipped_by_streamer");
    assert_eq!(stage.command(json!({ "name": "skip" })).await["reason"], "unknown_play", "nothing in hand");
    app.finish().await;
}

#[actix_rt::test]
async fn a_pause_takes_the_ad_off_and_holds_until_resume() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.play().await;
    assert_eq!(stage.command(json!({ "name": "pause" })).await["ok"], true);
    assert_eq!(stage.page.expect("stop").await["play_id"], shown.play_id.as_str());
    assert_eq!(stage.play_next().await["reason"], "paused");
    stage.state(|state| state["paused"] == true && state["blocked_by"] == "paused").await;
    assert_eq!(stage.command(json!({ "name": "resume" })).await["ok"], true);
    assert_eq!(stage.command(json!({ "name": "snooze", "minutes": 5 })).await["ok"], true);
    assert_eq!(stage.play_next().await["reason"], "snoozed");
    assert_eq!(stage.command(json!({ "name": "resume" })).await["ok"], true);
    app.assert_unspent(campaign).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_test_ad_is_labelled_and_costs_nobody_anything() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    loop {
        let answer = stage.command(json!({ "name": "test" })).await;
        if answer["ok"] == true {
            break;
        }
        assert_eq!(answer["reason"], "draining", "the log is still being read");
        sleep_ms(20).await;
    }
    let prepare = stage.page.expect("prepare").await;
    assert_eq!(prepare["creative"]["label"], "Test");
    stage.page.say(&json!({ "type": "prepared", "play_id": prepare["play_id"] })).await;
    assert!(stage.page.expect("play").await.get("token").is_none(), "nothing to claim");
    stage.page.say(&json!({ "type": "started", "play_id": prepare["play_id"] })).await;
    let tested = stage.dashboard.expect("tested").await;
    assert_eq!((tested["host"].as_str(), tested["width"].as_u64()), (Some("obs"), Some(1920)));
    assert_eq!(app.earned(&streamer).await, 0);
    app.finish().await;
}

#[actix_rt::test]
async fn a_command_that_is_none_closes_the_dashboard() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "malformed").await;
    let long = "x".repeat(65);
    for message in [
        json!({ "type": "command", "id": "1", "command": { "name": "refund" } }),
        json!({ "type": "command", "id": "1", "command": { "name": "snooze", "minutes": 0 } }),
        json!({ "type": "command", "id": "1", "command": { "name": "snooze", "minutes": 241 } }),
        json!({ "type": "command", "id": long, "command": { "name": "skip" } }),
        json!({ "type": "command", "id": "1", "command": { "name": "skip", "play": 1 } }),
    ] {
        let mut dashboard = app.dashboard(&streamer).await;
        dashboard.say(&message).await;
        assert_eq!(dashboard.closed().await, (3502, "malformed".to_owned()), "{message}");
    }
    closed.grows(&app, 5).await;
    app.finish().await;
}

#[actix_rt::test]
async fn without_a_page_there_is_no_slot() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let answer = stage.play_next().await;
    assert_eq!((answer["ok"].as_bool(), answer["reason"].as_str()), (Some(false), Some("no_candidate")));
    stage.page.say(&json!({ "type": "status", "active": "inactive", "visible": true })).await;
    stage.state(|state| state["overlays"][0]["active"] == "inactive").await;
    assert_eq!(stage.play_next().await["reason"], "overlay_inactive");
    stage.page.say(&json!({ "type": "status", "active": "active", "visible": false })).await;
    stage.state(|state| state["overlays"][0]["visible"] == false).await;
    assert_eq!(stage.play_next().await["reason"], "overlay_hidden");
    stage
        .page
        .say(&json!({ "type": "status", "active": "active", "visible": true, "streaming": false }))
        .await;
    stage.state(|state| state["overlays"][0]["streaming"] == false).await;
    assert_eq!(stage.play_next().await["reason"], "not_streaming");
    app.finish().await;
}

#[actix_rt::test]
async fn the_hourly_limit_outlives_the_streamer_s_actor() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let engine = app.engine();
    let mut row = engine.streamers.get(&streamer.id).unwrap().clone();
    row.settings = Arc::new(Settings { hourly_max: 1, ..(*row.settings).clone() });
    engine.streamers.insert(streamer.id, row);
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    assert_eq!(stage.play_next().await["reason"], "hourly_limit");
    eventually("the log has it", async || {
        app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"][0]["outcome"] == "settled"
    })
    .await;
    let actor = engine.directory.live_streamer(streamer.id).unwrap();
    drop(stage);
    eventually("the actor is gone", async || {
        let _ = actor.send(Sweep).await;
        !actor.connected()
    })
    .await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "hourly_limit");
    app.finish().await;
}
