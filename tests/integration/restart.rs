//! What outlives a server: the claims of plays that another process started.

use crate::support::http::Request;
use crate::support::page::{Shown, Stage, assert_rejected, claim_on, evidence, open_page, open_page_at};
use crate::support::{PRICE, Streamer, TestApp, World, campaign_body, eventually, free_addr};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::Micros;
use serde_json::json;
use tokio::process::Command;

#[actix_rt::test]
async fn a_claim_outlives_an_orderly_restart() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let paid = stage.show().await;
    assert_eq!(stage.claim(&paid.claim()).await["result"], "settled");
    let refused = stage.show().await;
    assert_rejected(&stage.claim(&refused.claim_with(&evidence(400))).await, "too_short");
    let open = stage.show().await;
    let addr = app.addr;
    let next = app.stop().await.start(Some(addr)).await;
    let mut page = open_page(&next, &streamer, "instance-1").await;
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "settled");
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "duplicate");
    assert_eq!(claim_on(&mut page, &paid.claim()).await["result"], "duplicate");
    assert_rejected(&claim_on(&mut page, &refused.claim()).await, "too_short");
    next.assert_paid(campaign, &streamer, 2).await;
    next.finish().await;
}

#[actix_rt::test]
async fn an_orderly_stop_gives_back_what_nobody_holds() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let _held = stage.play().await;
    let world = app.stop().await;
    // Between the two servers: the next one takes a lease of its own for its first play.
    assert_eq!(world.budget(campaign).await.leased, Micros(PRICE));
    let next = world.start(None).await;
    let mut stage = Stage::open(&next, &streamer).await;
    let shown = stage.show().await;
    eventually("a new lease beside the held price", async || next.budget(campaign).await.leased.0 > PRICE)
        .await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    next.assert_paid(campaign, &streamer, 1).await;
    next.finish().await;
}

/// A play comes on screen and is skipped before its end.
async fn skipped_on_screen(stage: &mut Stage) {
    let shown = stage.play().await;
    stage.page.say(&json!({ "type": "started", "play_id": shown.play_id })).await;
    stage.state(|state| state["current"]["phase"] == "on_screen").await;
    assert_eq!(stage.command(json!({ "name": "skip" })).await["ok"], true);
    assert_eq!(stage.page.expect("stop").await["play_id"], shown.play_id.as_str());
}

/// One server skips a play on screen, the next one begins with what the log says.
async fn after_a_skip_and_a_restart(app: TestApp, campaign: CampaignId, streamer: &Streamer) -> TestApp {
    let mut stage = Stage::open(&app, streamer).await;
    skipped_on_screen(&mut stage).await;
    eventually("the log has the end of it", async || {
        app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"][0]["outcome"] == "skipped"
    })
    .await;
    let app = app.stop().await.start(None).await;
    app.wait_for_campaign(campaign).await;
    app
}

#[actix_rt::test]
async fn a_cap_holds_after_a_restart_though_the_play_was_skipped() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let streamer = app.streamer("Nova").await;
    let mut body = campaign_body("Once an hour", 10);
    body["frequency_cap"] = json!({ "per_hour": 1 });
    let made = app.create_campaign(&brand.key, "once an hour", &body).await.ok(201);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let app = after_a_skip_and_a_restart(app, campaign, &streamer).await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "frequency_cap");
    app.finish().await;
}

#[actix_rt::test]
async fn a_rule_holds_after_a_restart_though_the_play_was_skipped() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let (one, two) = (app.brand("Crisp", 100 * PRICE).await, app.brand("Rival", 100 * PRICE).await);
    let streamer = app.streamer("Nova").await;
    let first = app.campaign(&one, "Crunch time", 10).await;
    let rule = json!({ "name": "apart", "type": "category_exclusivity", "severity": "blocking", "priority": 1,
        "config": { "categories": ["snacks"], "span_s": 3600 } });
    app.send(Request::new("POST", "/api/conflict-rules").key(&admin).json(&rule)).await.ok(201);
    let app = after_a_skip_and_a_restart(app, first, &streamer).await;
    app.change_campaign(&one.key, first, "", &json!({ "status": "ended" })).await.ok(200);
    app.campaign(&two, "Crackle", 10).await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "category_exclusivity");
    app.finish().await;
}

#[actix_rt::test]
async fn two_servers_do_not_share_a_database() {
    let app = TestApp::start().await;
    let binary = env!("CARGO_BIN_EXE_gametriggers");
    let url = format!("sqlite:{}", app.database().display());
    let mut second = Command::new(binary);
    second
        .arg("serve")
        .env("GAMETRIGGERS__DATABASE__URL", url)
        .env("GAMETRIGGERS__SERVER__BIND", "127.0.0.1:0");
    let ended = second.kill_on_drop(true).output().await.unwrap();
    assert!(!ended.status.success());
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(words.contains("another"), "{words}");
    app.finish().await;
}

/// A folder with a funded campaign and a streamer, and no server on it.
async fn provisioned() -> (World, CampaignId, Streamer) {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    (app.stop().await, campaign, streamer)
}

#[actix_rt::test]
async fn a_server_that_is_killed_loses_no_claim_and_pays_none_twice() {
    let (world, campaign, streamer) = provisioned().await;
    let addr = free_addr();
    let mut child = world.serve(addr).await;
    let mut stage = Stage::at(addr, &streamer).await;
    let acked = stage.show().await;
    assert_eq!(stage.claim(&acked.claim()).await["result"], "settled");
    let silent = stage.show().await;
    let in_doubt: Shown = stage.show().await;
    // Written, being written or never read: the page was not told.
    stage.page.say(&in_doubt.claim()).await;
    child.kill().await.unwrap();
    world.assert_money().await;
    // A second process takes the first one's place and is killed as well.
    let mut child = world.serve(addr).await;
    let mut page = open_page_at(addr, &streamer, "instance-1").await;
    assert_eq!(claim_on(&mut page, &silent.claim()).await["result"], "settled");
    child.kill().await.unwrap();
    let app = world.start(Some(addr)).await;
    let mut page = open_page(&app, &streamer, "instance-1").await;
    for shown in [&acked, &silent] {
        assert_eq!(claim_on(&mut page, &shown.claim()).await["result"], "duplicate");
    }
    let ack = claim_on(&mut page, &in_doubt.claim()).await;
    assert!(ack["result"] == "settled" || ack["result"] == "duplicate", "{ack}");
    assert_eq!(claim_on(&mut page, &in_doubt.claim()).await["result"], "duplicate");
    app.assert_paid(campaign, &streamer, 3).await;
    let budget = app.budget(campaign).await;
    assert!(budget.spent.0 + budget.leased.0 <= budget.funded.0, "{budget:?}");
    app.finish().await;
}
