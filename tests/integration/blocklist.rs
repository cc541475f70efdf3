//! Whom a brand wants on none of its campaigns.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::redis::{prefix, shared_url};
use crate::support::{Brand, PRICE, TestApp, World, eventually, postgres};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::Chain;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

async fn get(app: &TestApp, key: &str, brand: &Brand) -> Response {
    app.send(Request::get(format!("/api/brands/{}/blocklist", brand.id)).key(key)).await
}

async fn put(app: &TestApp, key: &str, brand: &Brand, body: &Value) -> Response {
    app.send(Request::new("PUT", format!("/api/brands/{}/blocklist", brand.id)).key(key).json(body)).await
}

/// Whether the catalogue that decisions read has the streamer blocked in a campaign.
fn blocks(app: &TestApp, campaign: CampaignId, streamer: StreamerId) -> bool {
    app.engine().catalogue.load().entry(campaign).is_some_and(|e| e.campaign.targeting.blocks(streamer))
}

/// Waits until it is so, which takes less than a second.
async fn within_a_second(since: Instant, so: impl AsyncFn() -> bool) {
    eventually("it is in force", so).await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[actix_rt::test]
async fn a_brand_blocks_a_streamer_for_all_its_campaigns_and_for_nobody_elses() {
    let app = TestApp::start().await;
    let (brand, rival) = (app.brand("Crisp", 100 * PRICE).await, app.brand("Rival", 100 * PRICE).await);
    let (one, two) = (app.campaign(&brand, "Crunch", 10).await, app.campaign(&brand, "Crackle", 10).await);
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let never = get(&app, &brand.key, &brand).await.ok(200);
    let empty = json!({ "brand_id": brand.id.0, "blocked_streamers": [], "updated_at": null });
    assert_eq!(never, empty);
    let mut stage = Stage::open(&app, &nova).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let asked = Instant::now();
    let list = json!({ "blocked_streamers": [nova.id.0, 77, nova.id.0] });
    let set = put(&app, &brand.key, &brand, &list).await.ok(200);
    assert_eq!(set["blocked_streamers"], json!([nova.id.0, 77]), "in order, and once");
    assert!(set["updated_at"].is_string());
    assert_eq!(get(&app, &brand.key, &brand).await.ok(200), set);
    within_a_second(asked, async || blocks(&app, one, nova.id) && blocks(&app, two, nova.id)).await;
    assert_eq!(stage.play_next().await["reason"], "brand_blocklist");
    for campaign in [one, two] {
        let why = async |streamer: StreamerId| {
            let path = format!("/api/campaigns/{campaign}/why?streamer={streamer}");
            let why = app.send(Request::get(path).key(&brand.key)).await.ok(200);
            let failed = |check: &&Value| check["passed"] == false;
            let failed: Vec<Value> =
                why["checks"].as_array().unwrap().iter().filter(failed).cloned().collect();
            failed.iter().map(|check| check["check"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(why(nova.id).await, ["brand_blocklist"]);
        assert_eq!(why(vega.id).await, Vec::<Value>::new());
        // The campaign itself blocks nobody, and says so.
        let view = app.show_campaign(&brand.key, campaign).await.ok(200);
        assert_eq!(view["targeting"]["blocked_streamers"], json!([]));
    }
    // Another brand may still pay them, and the list outlives the server.
    let theirs = app.campaign(&rival, "Rival", 10).await;
    assert!(!blocks(&app, theirs, nova.id));
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let app = app.stop().await.start(None).await;
    app.wait_for_campaign(two).await;
    assert!(blocks(&app, one, nova.id) && blocks(&app, two, nova.id) && !blocks(&app, theirs, nova.id));
    let asked = Instant::now();
    put(&app, &brand.key, &brand, &json!({ "blocked_streamers": [] })).await.ok(200);
    within_a_second(asked, async || !blocks(&app, one, nova.id) && !blocks(&app, two, nova.id)).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_blocklist_is_its_brands_and_the_operators_alone_and_what_is_wrong_changes_nothing() {
    let app = TestApp::start().await;
    let (brand, rival) = (app.brand("Crisp", 0).await, app.brand("Rival", 0).await);
    let (admin, nova) = (app.admin_key().await, app.streamer("Nova").await);
    let list = json!({ "blocked_streamers": [5] });
    for key in [&rival.key, &nova.key] {
        get(&app, key, &brand).await.closed();
        put(&app, key, &brand, &list).await.closed();
    }
    for key in ["", &nova.overlay_key] {
        put(&app, key, &brand, &list).await.problem(401, "unauthorized");
    }
    for (wrong, field) in [
        (json!({ "blocked_streamers": [0] }), "blocked_streamers"),
        (json!({ "blocked_streamers": [-1, 2] }), "blocked_streamers"),
        (json!({ "blocked_streamers": (1..=1001).collect::<Vec<i64>>() }), "blocked_streamers"),
        (json!({ "blocked_streamers": [5], "reason": "two\nlines" }), "reason"),
    ] {
        let problem = put(&app, &brand.key, &brand, &wrong).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    for wrong in [
        json!({}),
        json!({ "blocked_streamers": "5" }),
        json!({ "blocked_streamers": [1.5] }),
        json!({ "blocked_streamers": [5], "surprise": 1 }),
    ] {
        put(&app, &brand.key, &brand, &wrong).await.problem(400, "malformed");
    }
    let unset = get(&app, &brand.key, &brand).await.ok(200);
    assert_eq!((&unset["blocked_streamers"], &unset["updated_at"]), (&json!([]), &Value::Null));
    let most = json!({ "blocked_streamers": (1..=1000).collect::<Vec<i64>>() });
    put(&app, &brand.key, &brand, &most).await.ok(200);
    // What an operator does is on record, and in the chain.
    let actions = async || {
        app.engine().ports.audit.seal(app.engine().now()).await.unwrap();
        let Chain { actions, first_bad, .. } = app.engine().ports.audit.verify().await.unwrap();
        assert_eq!(first_bad, None);
        actions
    };
    let before = actions().await;
    let why = json!({ "blocked_streamers": [5], "reason": "asked by phone" });
    assert_eq!(put(&app, &admin, &brand, &why).await.ok(200)["blocked_streamers"], json!([5]));
    assert_eq!(get(&app, &admin, &brand).await.ok(200)["blocked_streamers"], json!([5]));
    assert_eq!(actions().await, before + 1);
    let nobody = Brand { id: gametriggers_actors::domain::id::BrandId(99), key: String::new() };
    get(&app, &admin, &nobody).await.problem(404, "not-found");
    put(&app, &admin, &nobody, &list).await.problem(404, "not-found");
    app.send(Request::new("DELETE", format!("/api/brands/{}/blocklist", brand.id)).key(&brand.key))
        .await
        .problem(405, "method-not-allowed");
    app.finish().await;
}

#[actix_rt::test]
async fn two_nodes_have_a_new_blocklist_in_force_within_a_second() {
    let (database, redis, prefix) = (postgres::database().await, shared_url(), prefix());
    let key = format!("[\"1:{}\"]", "5c".repeat(32));
    let node = async |writer: &str| {
        let more = [
            ("DATABASE__URL", database.as_str()),
            ("DATABASE__WRITER", writer),
            ("REDIS__URL", redis.as_str()),
            ("REDIS__PREFIX", prefix.as_str()),
            ("SECRETS__TOKEN_KEYS", key.as_str()),
        ];
        World::new(&more).start(None).await
    };
    let (one, other) = (node("1").await, node("2").await);
    eventually("both hear each other", async || {
        one.engine().ports.bus.is_up() && other.engine().ports.bus.is_up()
    })
    .await;
    let brand = one.brand("Crisp", 10 * PRICE).await;
    let campaign = one.campaign(&brand, "Crunch", 5).await;
    other.wait_for_campaign(campaign).await;
    for (list, blocked) in [(json!([5]), true), (json!([]), false)] {
        let asked = Instant::now();
        put(&one, &brand.key, &brand, &json!({ "blocked_streamers": list })).await.ok(200);
        within_a_second(asked, async || {
            [&one, &other].iter().all(|node| blocks(node, campaign, StreamerId(5)) == blocked)
        })
        .await;
    }
}
