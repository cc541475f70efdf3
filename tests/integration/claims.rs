//! The life of a play, and claims that are not what they say.

use crate::support::page::{Shown, Stage, assert_rejected, claim_on, evidence, open_page};
use crate::support::{EARN, PRICE, Streamer, TestApp, eventually, sleep_ms};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};

/// A server with one funded campaign and one streamer on stage.
async fn scene() -> (TestApp, CampaignId, Streamer, Stage) {
    scene_with(&[]).await
}

async fn scene_with(more: &[(&str, &str)]) -> (TestApp, CampaignId, Streamer, Stage) {
    let app = TestApp::with(more).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let stage = Stage::open(&app, &streamer).await;
    (app, campaign, streamer, stage)
}

/// Whatever was in hand is over, and nothing was paid for it.
async fn assert_nothing_paid(app: TestApp, campaign: CampaignId, streamer: &Streamer) {
    app.assert_unspent(campaign).await;
    assert_eq!(app.earned(streamer).await, 0);
    app.finish().await;
}

#[actix_rt::test]
async fn a_play_lives_from_prepare_to_ack_and_is_paid_once() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let settled = app.watch("gametriggers_claims_total", "settled").await;
    let duplicate = app.watch("gametriggers_claims_total", "duplicate").await;
    let shown_before = app.watch("gametriggers_plays_total", "shown").await;
    let prepare = stage.prepare().await;
    assert_eq!(prepare["creative"]["label"], "Ad", "the disclosure label");
    assert_eq!(prepare["creative"]["brand"], "Crisp");
    assert_eq!(
        prepare["creative"]["content"],
        json!({ "kind": "text", "headline": "Crisp", "body": "Very crisp" })
    );
    assert!(prepare["not_after_ms"].as_i64().is_some());
    let play_id = prepare["play_id"].as_str().unwrap().to_owned();
    stage.page.say(&json!({ "type": "prepared", "play_id": play_id })).await;
    let play = stage.page.expect("play").await;
    let text = |name: &str| play[name].as_str().unwrap().to_owned();
    let shown = Shown { play_id: text("play_id"), token: text("token"), nonce: text("nonce") };
    assert_eq!(shown.play_id, play_id);
    app.assert_unspent(campaign).await;
    stage.page.say(&json!({ "type": "started", "play_id": play_id })).await;
    stage.state(|state| state["current"]["phase"] == "on_screen").await;
    for beat in 1..=2 {
        sleep_ms(300).await;
        let (painted, frames) = (beat * 300, beat * 18);
        let progress =
            json!({ "type": "progress", "play_id": play_id, "painted_ms": painted, "frames": frames });
        stage.page.say(&progress).await;
    }
    stage.page.say(&json!({ "type": "ended", "play_id": play_id })).await;
    let ack = stage.claim(&shown.claim()).await;
    assert_eq!((ack["result"].as_str(), &ack["reason"]), (Some("settled"), &Value::Null));
    let state = stage.state(|state| state["plays"][0]["outcome"] == "settled").await;
    assert_eq!(state["plays"][0]["earn_micros"], EARN);
    shown_before.grows(&app, 1).await;
    settled.grows(&app, 1).await;
    app.assert_paid(campaign, &streamer, 1).await;
    for _ in 0..3 {
        assert_eq!(stage.claim(&shown.claim()).await["result"], "duplicate");
    }
    let mut again = open_page(&app, &streamer, "instance-2").await;
    assert_eq!(claim_on(&mut again, &shown.claim()).await["result"], "duplicate");
    duplicate.grows(&app, 4).await;
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn many_plays_in_a_row_are_each_paid_once() {
    let (app, campaign, streamer, mut stage) = scene().await;
    for _ in 0..3 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    }
    app.assert_paid(campaign, &streamer, 3).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_token_of_somebody_else_is_refused_and_stays_good_for_its_owner() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let refused = app.watch("gametriggers_claims_rejected_total", "foreign_token").await;
    let thief = app.streamer("Magpie").await;
    let mut other = open_page(&app, &thief, "instance-9").await;
    let shown = stage.show().await;
    assert_rejected(&claim_on(&mut other, &shown.claim()).await, "foreign_token");
    refused.grows(&app, 1).await;
    app.assert_unspent(campaign).await;
    assert_eq!(app.earned(&thief).await, 0);
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_forged_token_is_refused_and_the_real_one_stays_good() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let refused = app.watch("gametriggers_claims_rejected_total", "bad_token").await;
    let shown = stage.show().await;
    let changed = |at: usize| {
        let mut token = shown.token.clone().into_bytes();
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(token).unwrap()
    };
    let last = shown.token.len() - 2;
    let forgeries = [
        changed(0),
        changed(9),
        changed(60),
        changed(last),
        String::new(),
        "no base64!".to_owned(),
        shown.token[..40].to_owned(),
    ];
    for token in &forgeries {
        assert_rejected(
            &stage.claim(&Shown { token: token.clone(), ..shown.clone() }.claim()).await,
            "bad_token",
        );
    }
    refused.grows(&app, 7).await;
    app.assert_unspent(campaign).await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_wrong_nonce_and_a_wrong_play_are_refused() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let nonce = app.watch("gametriggers_claims_rejected_total", "bad_nonce").await;
    let unknown = app.watch("gametriggers_claims_rejected_total", "unknown_play").await;
    let shown = stage.show().await;
    let with_nonce = Shown { nonce: "0".repeat(32), ..shown.clone() };
    assert_rejected(&stage.claim(&with_nonce.claim()).await, "bad_nonce");
    let never = Shown { play_id: "0190163d-8694-739b-aea5-966c26f8ad91".to_owned(), ..shown.clone() };
    assert_rejected(&stage.claim(&never.claim()).await, "unknown_play");
    nonce.grows(&app, 1).await;
    unknown.grows(&app, 1).await;
    assert_nothing_paid(app, campaign, &streamer).await;
}

#[actix_rt::test]
async fn a_refusal_on_the_evidence_is_final() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let refused = app.watch("gametriggers_claims_rejected_total", "too_short").await;
    let shown = stage.show().await;
    assert_rejected(&stage.claim(&shown.claim_with(&evidence(400))).await, "too_short");
    refused.grows(&app, 1).await;
    for _ in 0..2 {
        assert_rejected(&stage.claim(&shown.claim()).await, "too_short");
    }
    assert_eq!(app.budget(campaign).await.rejected, 1);
    stage
        .state(|state| {
            state["plays"][0]["outcome"] == "rejected" && state["plays"][0]["reason"] == "too_short"
        })
        .await;
    assert_nothing_paid(app, campaign, &streamer).await;
}

#[actix_rt::test]
async fn evidence_that_can_not_be_is_refused_with_its_reason() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let refused = app.watch("gametriggers_claims_rejected_total", "faster_than_time").await;
    let cases: [(&str, Value, &str); 6] = [
        ("painted_ms", json!(60_000), "faster_than_time"),
        ("frames", json!(3), "not_painted"),
        ("in_view_percent", json!(49), "not_in_view"),
        ("area_ppm", json!(14_999), "too_small"),
        ("label_visible", json!(false), "label_hidden"),
        ("active", json!("unknown"), "not_in_program"),
    ];
    for (field, value, reason) in cases {
        let shown = stage.show().await;
        let mut evidence = evidence(1000);
        evidence[field] = value;
        if field == "painted_ms" {
            evidence["frames"] = json!(3600);
        }
        assert_rejected(&stage.claim(&shown.claim_with(&evidence)).await, reason);
    }
    refused.grows(&app, 1).await;
    assert_eq!(app.budget(campaign).await.rejected, 6);
    assert_nothing_paid(app, campaign, &streamer).await;
}

#[actix_rt::test]
async fn a_token_past_its_end_is_good_for_as_long_as_clocks_may_differ() {
    let (app, campaign, streamer, mut stage) = scene_with(&[("PLAY__TOKEN_LIFE_S", "1")]).await;
    let shown = stage.show().await;
    sleep_ms(1500).await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_page_that_says_it_failed_is_not_paid_and_the_money_comes_back() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let failed = app.watch("gametriggers_plays_total", "failed").await;
    let prepare = stage.prepare().await;
    stage.page.say(&json!({ "type": "failed", "play_id": prepare["play_id"], "reason": "decode" })).await;
    stage.state(|state| state["plays"][0]["reason"] == "decode").await;
    failed.grows(&app, 1).await;
    let key = app.admin_key().await;
    eventually("the price is back", async || app.live(&key, campaign).await.ok(200)["reserved_micros"] == 0)
        .await;
    // After the token left as well: the refusal is on record, and a claim hears of it.
    let shown = stage.play().await;
    stage.page.say(&json!({ "type": "failed", "play_id": shown.play_id, "reason": "not_painted" })).await;
    stage.state(|state| state["plays"][0]["reason"] == "not_painted").await;
    eventually("the price is back", async || app.live(&key, campaign).await.ok(200)["reserved_micros"] == 0)
        .await;
    sleep_ms(600).await;
    assert_rejected(&stage.claim(&shown.claim()).await, "not_painted");
    assert_nothing_paid(app, campaign, &streamer).await;
}

#[actix_rt::test]
async fn a_page_that_loses_its_socket_during_a_play_claims_it_on_the_next_one() {
    let (app, campaign, streamer, mut stage) = scene().await;
    let shown = stage.play().await;
    stage.page.say(&json!({ "type": "started", "play_id": shown.play_id })).await;
    stage.state(|state| state["current"]["phase"] == "on_screen").await;
    drop(stage.page);
    sleep_ms(600).await;
    let mut page = open_page(&app, &streamer, "instance-1").await;
    page.say(&json!({ "type": "ended", "play_id": shown.play_id })).await;
    assert_eq!(claim_on(&mut page, &shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}
