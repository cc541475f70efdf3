//! Lists of campaigns: filters, orders, pages, and what a streamer is shown.

use crate::support::http::Request;
use crate::support::{Brand, PRICE, TestApp, campaign_body, days_from_now, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};

async fn names(app: &TestApp, key: &str, query: &str) -> Vec<String> {
    let page = app.list_campaigns(key, query).await.ok(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn make(app: &TestApp, brand: &Brand, change: Value) -> CampaignId {
    let mut body = campaign_body("", 1);
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let name = body["name"].as_str().unwrap().to_owned();
    let made = app.create_campaign(&brand.key, &name, &body).await.ok(201);
    CampaignId(made["id"].as_i64().unwrap())
}

#[actix_rt::test]
async fn a_brand_finds_its_campaigns_by_what_they_are() {
    let app = TestApp::start().await;
    let (brand, other) = (app.brand("Crisp", 100 * PRICE).await, app.brand("Soggy", 10 * PRICE).await);
    let admin = app.admin_key().await;
    make(&app, &brand, json!({ "name": "beta" })).await;
    make(&app, &brand, json!({ "name": "Alpha", "category": "drinks" })).await;
    let over = make(&app, &brand, json!({ "name": "gamma" })).await;
    make(&app, &other, json!({ "name": "theirs" })).await;
    let draft = json!({ "draft": true, "name": "delta" });
    app.create_campaign(&brand.key, "", &draft).await.ok(201);
    let list = async |query: &str| names(&app, &brand.key, query).await;
    assert_eq!(list("").await, ["beta", "Alpha", "gamma", "delta"]);
    assert_eq!(list("?sort=-id&limit=2").await, ["delta", "gamma"]);
    assert_eq!(list("?sort=name").await, ["Alpha", "beta", "delta", "gamma"]);
    assert_eq!(list("?status=draft,active&category=drinks").await, ["Alpha"]);
    assert_eq!(list("?status=draft").await, ["delta"]);
    assert_eq!(list("?q=ALP").await, ["Alpha"]);
    app.change_campaign(&brand.key, over, "", &json!({ "status": "ended" })).await.ok(200);
    assert_eq!(list("?status=completed").await, ["gamma"]);
    assert_eq!(list("?status=ended").await, ["gamma"], "the older name");
    let archive = Request::new("POST", format!("/api/campaigns/{over}/archive")).key(&brand.key);
    app.send(archive).await.ok(200);
    assert_eq!(list("").await, ["beta", "Alpha", "delta"]);
    assert_eq!(list("?status=completed").await, [""; 0]);
    assert_eq!(list("?status=archived").await, ["gamma"]);
    assert_eq!(list("?status=active&include_archived=true").await, ["beta", "Alpha", "gamma"]);
    assert_eq!(list("?include_archived=true").await.len(), 4);
    assert_eq!(list(&format!("?starts_before={}", days_from_now(-2))).await, [""; 0]);
    assert_eq!(list(&format!("?created_after={}", days_from_now(-1))).await.len(), 3);
    assert_eq!(names(&app, &admin, &format!("?brand_id={}", other.id)).await, ["theirs"]);
    assert_eq!(names(&app, &admin, "").await.len(), 4);
    app.list_campaigns(&brand.key, &format!("?brand_id={}", other.id)).await.problem(403, "forbidden");
    for (query, status, name) in [
        ("?state=active", 400, "malformed"),
        ("?status=busy", 422, "invalid"),
        ("?status=", 422, "invalid"),
        ("?sort=rate", 422, "invalid"),
        ("?sort=--id", 422, "invalid"),
        ("?q=", 422, "invalid"),
        ("?category=Food", 422, "invalid"),
        ("?created_after=today", 422, "invalid"),
        ("?after=zzz", 422, "invalid"),
        ("?after=1&sort=name", 422, "invalid"),
    ] {
        app.list_campaigns(&brand.key, query).await.problem(status, name);
    }
    let next = app.list_campaigns(&brand.key, "?sort=name&limit=1").await.ok(200)["next"].clone();
    let next = next.as_str().unwrap();
    assert_eq!(list(&format!("?sort=name&limit=1&after={next}")).await, ["beta"]);
    for sort in ["-name", "starts_at", "id"] {
        let refused = app.list_campaigns(&brand.key, &format!("?sort={sort}&after={next}")).await;
        assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], "after");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_streamer_sees_what_they_may_apply_for_and_nothing_of_the_money() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let (nova, zed) = (app.streamer("Nova").await, app.streamer("Zed").await);
    let asked = json!({ "text": "Be on camera", "lines": ["Twice a week"] });
    let shown = make(&app, &brand, json!({ "name": "shown", "requirements": asked })).await;
    let blocks = json!({ "name": "not nova", "targeting": { "blocked_streamers": [nova.id.0] } });
    let blocking = make(&app, &brand, blocks).await;
    let paused = make(&app, &brand, json!({ "name": "paused" })).await;
    app.change_campaign(&brand.key, paused, "", &json!({ "status": "paused" })).await.ok(200);
    app.create_campaign(&brand.key, "", &json!({ "draft": true, "name": "draft" })).await.ok(201);
    eventually("the engine knows them", async || {
        let catalogue = app.engine().catalogue.load();
        catalogue.entries().len() == 3 && catalogue.entry(paused).unwrap().campaign.status.code() == "paused"
    })
    .await;
    assert_eq!(names(&app, &nova.key, "").await, ["shown"]);
    assert_eq!(names(&app, &zed.key, "?sort=-name").await, ["shown", "not nova"]);
    assert_eq!(names(&app, &zed.key, "?q=not").await, ["not nova"]);
    for id in [blocking, paused] {
        app.show_campaign(&nova.key, id).await.problem(404, "not-found");
    }
    let view = app.show_campaign(&nova.key, shown).await.ok(200);
    assert_eq!((&view["requirements"], &view["brand"]), (&asked, &json!("Crisp")));
    assert_eq!(view["formats"], json!([{ "kind": "text", "placement": "corner" }]));
    let pays = json!({ "type": "flat", "rate": { "amount_micros": PRICE * 4 / 5, "currency": "INR" } });
    assert_eq!(view["pays"], pays, "what is left of the price after the fee");
    for hidden in ["budget", "pricing", "daily_cap", "landing_url", "creatives", "version", "status"] {
        assert_eq!(view[hidden], Value::Null, "{hidden}");
    }
    assert_eq!(view["targeting"]["blocked_streamers"], Value::Null);
    let block = json!({ "blocked_streamers": [nova.id.0] });
    let path = format!("/api/brands/{}/blocklist", brand.id);
    app.send(Request::new("PUT", path).key(&brand.key).json(&block)).await.ok(200);
    eventually("the brand blocks them for all", async || names(&app, &nova.key, "").await.is_empty()).await;
    assert_eq!(names(&app, &zed.key, "").await.len(), 2);
    app.finish().await;
}
