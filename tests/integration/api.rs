//! The API says no: one problem of RFC 9457 for each kind of error, and nothing happens.

use crate::support::http::Request;
use crate::support::{PRICE, TestApp, campaign_body, days_from_now};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use serde_json::{Value, json};

#[actix_rt::test]
async fn without_a_key_there_is_nothing_to_see() {
    let app = TestApp::start().await;
    let counted = app.watch("gametriggers_http_problems_total", "401").await;
    for key in ["", "gt_brand_00", "x y"] {
        let answer = app.list_campaigns(key, "").await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        app.create_campaign(key, "no key", &campaign_body("Free lunch", 1))
            .await
            .problem(401, "unauthorized");
        app.add_asset(key, b"\x89PNG\r\n\x1a\n").await.problem(401, "unauthorized");
        app.live(key, CampaignId(1)).await.problem(401, "unauthorized");
        app.plays(key, StreamerId(1), "").await.problem(401, "unauthorized");
    }
    for scheme in ["Basic", "Token"] {
        let brand = app.brand("Crisp", 0).await;
        let request =
            Request::get("/api/campaigns").header("authorization", format!("{scheme} {}", brand.key));
        app.send(request).await.problem(401, "unauthorized");
    }
    counted.grows(&app, 17).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_key_for_something_else_is_told_so() {
    let app = TestApp::start().await;
    let (brand, other) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Soggy", 10 * PRICE).await);
    let streamer = app.streamer("Nova").await;
    app.list_campaigns(&streamer.key, "?status=draft").await.problem(403, "forbidden");
    app.create_campaign(&streamer.key, "streamer", &campaign_body("Mine", 1)).await.problem(403, "forbidden");
    app.add_asset(&streamer.key, b"x").await.problem(403, "forbidden");
    let mut body = campaign_body("Yours", 1);
    body["brand_id"] = json!(other.id.0);
    app.create_campaign(&brand.key, "other brand", &body).await.problem(403, "forbidden");
    assert_eq!(app.available(&other).await, 10 * PRICE);
    app.finish().await;
}

#[actix_rt::test]
async fn another_brand_s_campaign_looks_like_none() {
    let app = TestApp::start().await;
    let (brand, other) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Soggy", 10 * PRICE).await);
    let (nova, zed) = (app.streamer("Nova").await, app.streamer("Zed").await);
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    app.show_campaign(&brand.key, campaign).await.ok(200);
    for (key, id) in [(&other.key, campaign), (&nova.key, campaign), (&brand.key, CampaignId(99))] {
        let answer = app.show_campaign(key, id).await;
        // A streamer, who may apply for it, sees what concerns them.
        if *key == nova.key {
            assert_eq!(answer.ok(200)["landing_url"], Value::Null);
        } else {
            assert!(!answer.text().contains("Crunch"));
            answer.problem(404, "not-found");
        }
        app.live(key, id).await.closed();
        app.change_campaign(key, id, "", &json!({ "status": "ended" })).await.closed();
    }
    assert_eq!(app.list_campaigns(&other.key, "").await.ok(200)["items"], json!([]));
    app.plays(&zed.key, nova.id, "").await.closed();
    app.plays(&brand.key, nova.id, "").await.closed();
    for path in
        ["/api", "/api/", "/api/nothing", "/api/campaigns/one", "/api/campaigns/1/none", "/nothing", "/a/b/c"]
    {
        app.send(Request::get(path).key(&brand.key)).await.closed();
    }
    assert_eq!(app.show_campaign(&brand.key, campaign).await.ok(200)["status"], "active");
    app.finish().await;
}

#[actix_rt::test]
async fn a_resource_that_has_no_such_method_says_so() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let id = app.campaign(&brand, "Crunch time", 2).await;
    for (method, path) in [
        ("DELETE", "/api/campaigns".to_owned()),
        ("DELETE", format!("/api/campaigns/{id}")),
        ("POST", format!("/api/campaigns/{id}/live")),
        ("POST", "/api/streamers/1/plays".to_owned()),
        ("PUT", "/api/assets".to_owned()),
    ] {
        app.send(Request::new(method, path).key(&brand.key)).await.problem(405, "method-not-allowed");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_body_that_can_not_be_read_changes_nothing() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let post = || Request::new("POST", "/api/campaigns").key(&brand.key).idempotent("unreadable-1");
    let json = "application/json";
    app.send(post().header("content-type", json).bytes("{")).await.problem(400, "malformed");
    app.send(post().header("content-type", json)).await.problem(400, "malformed");
    app.send(post().header("content-type", "text/plain").bytes("{}"))
        .await
        .problem(415, "unsupported-media-type");
    let mut long = campaign_body("Long", 1);
    long["name"] = json!("x".repeat(70_000));
    app.send(post().json(&long)).await.problem(413, "too-large");
    let mut surprise = campaign_body("Surprise", 1);
    surprise["surprise"] = json!(1);
    let said = app.send(post().json(&surprise)).await.problem(400, "malformed");
    assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("surprise")), "{said}");
    for key in ["short", &"x".repeat(129)] {
        let request = Request::new("POST", "/api/campaigns").key(&brand.key).idempotent(key);
        app.send(request.json(&campaign_body("No key", 1))).await.problem(400, "malformed");
    }
    // A draft needs none, so it is the campaign that is refused without one.
    let request = Request::new("POST", "/api/campaigns").key(&brand.key);
    let said = app.send(request.json(&campaign_body("No key", 1))).await.problem(422, "invalid");
    assert_eq!(said["errors"][0]["field"], "Idempotency-Key");
    let admin = app.admin_key().await;
    app.create_campaign(&admin, "no brand", &campaign_body("Whose", 1)).await.problem(422, "invalid");
    assert_eq!(app.list_campaigns(&brand.key, "").await.ok(200)["items"], json!([]));
    assert_eq!(app.available(&brand).await, 10 * PRICE);
    app.finish().await;
}

/// A body in which everything is wrong, and the fields that have to be named.
fn all_wrong() -> (Value, Vec<&'static str>) {
    let body = json!({
        "name": " ",
        "category": "Energy Drinks!",
        "pricing": { "type": "cpm", "rate": { "amount_micros": 1500, "currency": "INR" } },
        "budget": { "amount_micros": 100, "currency": "USD" },
        "flight": { "starts_at": "yesterday", "ends_at": days_from_now(-1) },
        "pacing": "fast",
        "frequency_cap": { "per_hour": 501 },
        "targeting": { "categories": [""] },
        "landing_url": "javascript:alert(1)",
        "creatives": [
            { "kind": "text", "placement": "middle", "duration_ms": 100, "accent": "red" },
            {
                "kind": "image", "placement": "corner", "duration_ms": 5000, "accent": "#ffffff",
                "asset": "../../etc/passwd",
            },
        ],
    });
    let fields = vec![
        "name",
        "category",
        "pricing",
        "budget.currency",
        "flight.starts_at",
        "pacing",
        "frequency_cap",
        "targeting.categories",
        "landing_url",
        "creatives[0].kind",
        "creatives[0].placement",
        "creatives[0].duration_ms",
        "creatives[0].accent",
        "creatives[1].kind",
        "creatives[1].asset",
    ];
    (body, fields)
}

#[actix_rt::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let counted = app.watch("gametriggers_http_problems_total", "422").await;
    let (body, fields) = all_wrong();
    let problem = app.create_campaign(&brand.key, "all wrong", &body).await.problem(422, "invalid");
    let errors = problem["errors"].as_array().unwrap();
    let named: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    assert_eq!(named, fields);
    assert!(errors.iter().all(|error| error["message"].as_str().is_some_and(|m| !m.is_empty())));
    for (field, value) in [
        ("landing_url", json!("https://user:secret@brand.example/")),
        ("landing_url", json!("/nowhere")),
        ("creatives", json!([])),
        ("name", json!("two\nlines")),
        ("flight", json!({ "starts_at": days_from_now(0), "ends_at": days_from_now(400) })),
        ("budget", json!({ "amount_micros": 0, "currency": "INR" })),
        ("budget", json!({ "amount_micros": -5, "currency": "INR" })),
    ] {
        let mut body = campaign_body("Nearly", 1);
        body[field] = value;
        let problem = app.create_campaign(&brand.key, "nearly right", &body).await.problem(422, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        assert!(
            errors.len() == 1 && errors[0]["field"].as_str().unwrap().starts_with(field),
            "{field}: {problem}"
        );
    }
    counted.grows(&app, 8).await;
    assert_eq!(app.available(&brand).await, 10 * PRICE);
    app.finish().await;
}
