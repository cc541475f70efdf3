//! What a campaign counted by the minute, over the API.

use crate::support::http::{Request, Response};
use crate::support::page::{Stage, assert_rejected, evidence};
use crate::support::{EARN, PRICE, TestApp, campaign_body, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ONE: i64 = 1;

async fn metrics(app: &TestApp, key: &str, id: CampaignId, query: &str) -> Response {
    app.send(Request::get(format!("/api/campaigns/{id}/metrics{query}")).key(key)).await
}

/// A whole number somewhere in an answer.
fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or_else(|| panic!("{path} in {value}"))
}

const COUNTS: [&str; 9] = [
    "/plays",
    "/impressions",
    "/viewer_impressions",
    "/clicks/link",
    "/clicks/qr",
    "/clicks/chat",
    "/lost",
    "/spend/amount_micros",
    "/earnings/amount_micros",
];

/// The totals, which have to be the sum of the points.
fn totals(series: &Value) -> &Value {
    let points = series["points"].as_array().unwrap();
    for path in COUNTS {
        let sum: i64 = points.iter().map(|point| number(point, path)).sum();
        assert_eq!(sum, number(series, &format!("/totals{path}")), "{path}");
    }
    let mut rejects: BTreeMap<&str, i64> = BTreeMap::new();
    for (reason, times) in points.iter().flat_map(|point| point["rejects"].as_object().unwrap()) {
        *rejects.entry(reason).or_default() += times.as_i64().unwrap();
    }
    assert_eq!(json!(rejects), series["totals"]["rejects"]);
    &series["totals"]
}

#[actix_rt::test]
async fn a_series_adds_up_to_the_live_counters() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let (streamer, other) = (app.streamer("Nova").await, app.streamer("Iris").await);
    let mut stage = Stage::open(&app, &streamer).await;
    for _ in 0..2 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        // Told again: acked again, counted once.
        assert_eq!(stage.claim(&shown.claim()).await["result"], "duplicate");
    }
    let short = stage.show().await;
    for _ in 0..2 {
        assert_rejected(&stage.claim(&short.claim_with(&evidence(10))).await, "too_short");
    }
    // Skipped while it is on screen: the streamer and the ledger both say so, and it is one loss.
    let skipped = stage.play().await;
    stage.page.say(&json!({ "type": "started", "play_id": skipped.play_id })).await;
    stage.state(|state| state["current"]["phase"] == "on_screen").await;
    assert_eq!(stage.command(json!({ "name": "skip" })).await["ok"], true);
    let mut beside = Stage::open(&app, &other).await;
    let shown = beside.show().await;
    assert_eq!(beside.claim(&shown.claim()).await["result"], "settled");
    let series = async |query: &str| metrics(&app, &brand.key, campaign, query).await.ok(200);
    eventually("everything is counted", async || {
        let counts = series("").await["totals"].clone();
        number(&counts, "/impressions") == 3
            && number(&counts, "/lost") == 2
            && number(&counts, "/plays") == 5
    })
    .await;
    let series = series("").await;
    let sums = totals(&series);
    assert_eq!(sums["rejects"], json!({ "skipped_by_streamer": 1, "too_short": 1 }));
    assert_eq!(sums["clicks"], json!({ "link": 0, "qr": 0, "chat": 0 }));
    let live = app.live(&brand.key, campaign).await.ok(200);
    assert_eq!(sums["spend"], json!({ "amount_micros": 3 * PRICE, "currency": "INR" }));
    assert_eq!(sums["earnings"], json!({ "amount_micros": 3 * EARN, "currency": "INR" }));
    for (count, counter) in [
        ("/spend/amount_micros", "/spent_micros"),
        ("/impressions", "/plays"),
        ("/viewer_impressions", "/viewer_impressions"),
    ] {
        assert_eq!(number(sums, count), number(&live, counter), "{count}");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn steps_cut_the_same_counts_in_other_pieces() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let series = async |query: &str| metrics(&app, &brand.key, campaign, query).await.ok(200);
    eventually("it is counted", async || {
        let counts = series("").await["totals"].clone();
        (number(&counts, "/plays"), number(&counts, "/impressions")) == (ONE, ONE)
    })
    .await;
    let by_minute = series("").await;
    for (step, length, least) in
        [("1m", 60, 60), ("5m", 300, 12), ("15m", 900, 4), ("1h", 3600, 1), ("1d", 86_400, 1)]
    {
        let view = series(&format!("?step={step}")).await;
        assert_eq!(totals(&view), &by_minute["totals"], "{step}");
        assert_eq!(view["step"], step);
        let points = view["points"].as_array().unwrap();
        assert!((least..=least + 2).contains(&points.len()), "{step}: {}", points.len());
        let at =
            |point: &Value| point["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
        assert!(points.iter().all(|point| at(point) % length == 0), "{step}");
        assert!(points.windows(2).all(|pair| at(&pair[1]) - at(&pair[0]) == length), "{step}: a hole");
        assert_eq!(view["from"], points[0]["at"]);
    }
    let past = series("?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00%2B00:00&step=1h").await;
    assert_eq!(past["points"].as_array().unwrap().len(), 24);
    assert_eq!(number(totals(&past), "/plays"), 0);
    assert_eq!(
        (&past["from"], &past["to"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("2026-01-02T00:00:00Z"))
    );
    app.finish().await;
}

#[actix_rt::test]
async fn a_series_is_for_its_brand_and_says_what_it_can_not_show() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let neighbour = app.brand("Soggy", 0).await;
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    let streamer = app.streamer("Nova").await;
    metrics(&app, &app.admin_key().await, campaign, "").await.ok(200);
    metrics(&app, "", campaign, "").await.problem(401, "unauthorized");
    metrics(&app, &neighbour.key, campaign, "").await.problem(404, "not-found");
    metrics(&app, &streamer.key, campaign, "").await.problem(404, "not-found");
    metrics(&app, &brand.key, CampaignId(999), "").await.problem(404, "not-found");
    for (query, says) in [
        ("?from=yesterday", "from: a time"),
        ("?to=12:00", "to: a time"),
        ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from: before to"),
        ("?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "from: before to"),
        ("?step=2m", "step: 1m"),
        ("?step=60", "step: 1m"),
        ("?from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "2880 points; at most 1500"),
        ("?from=1971-01-01T00:00:00Z&step=1d", "at most 1500"),
    ] {
        let problem = metrics(&app, &brand.key, campaign, query).await.problem(422, "invalid");
        let text = |name: &str| problem["errors"][0][name].as_str().unwrap().to_owned();
        let said = format!("{}: {}", text("field"), text("message"));
        assert!(said.contains(says), "{query}: {problem}");
    }
    let unknown = "?until=2026-01-01T00:00:00Z";
    metrics(&app, &brand.key, campaign, unknown).await.problem(400, "malformed");
    let posted = app.send(Request::new("POST", format!("/api/campaigns/{campaign}/metrics")).key(&brand.key));
    posted.await.problem(405, "method-not-allowed");
    app.finish().await;
}

#[actix_rt::test]
async fn a_click_counts_by_the_way_it_came_and_once() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 1000 * PRICE).await;
    let mut body = campaign_body("Scan me", 1000);
    body["pricing"]["type"] = json!("cpc");
    body["creatives"][0]["kind"] = json!("qr");
    let made = app.create_campaign(&brand.key, "scan me", &body).await.ok(201);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let newest = async || app.plays(&streamer.key, streamer.id, "?limit=1").await.ok(200)["items"][0].clone();
    let mut code = String::new();
    for mark in ["", "?k=qr", "?k=chat", "?k=qr", "?k=pigeon"] {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        eventually("the play has its link", async || newest().await["play_id"] == shown.play_id.as_str())
            .await;
        newest().await["click_code"].as_str().unwrap().clone_into(&mut code);
        for _ in 0..2 {
            let click = Request::get(format!("/r/{code}{mark}")).header("user-agent", "Mozilla/5.0 Firefox");
            assert_eq!(app.send(click).await.status, 302, "{mark}");
        }
    }
    let series = async || metrics(&app, &brand.key, campaign, "").await.ok(200);
    eventually("all clicks are counted", async || {
        let counts = series().await["totals"].clone();
        ["link", "qr", "chat"].iter().map(|kind| number(&counts["clicks"], &format!("/{kind}"))).sum::<i64>()
            == 5
    })
    .await;
    let series = series().await;
    let sums = totals(&series);
    assert_eq!(sums["clicks"], json!({ "link": 2, "qr": 2, "chat": 1 }));
    assert_eq!(sums["spend"]["amount_micros"], 5 * PRICE);
    assert_eq!(sums["earnings"]["amount_micros"], 5 * EARN);
    let live = app.live(&brand.key, campaign).await.ok(200);
    assert_eq!((number(&live, "/clicks"), number(&live, "/spent_micros")), (5, 5 * PRICE));
    // The code that is drawn leads to the link with its mark.
    let drawn = app.send(Request::get(format!("/qr/{code}.svg"))).await.text();
    let link = format!("http://{}/r/{code}?k=qr", app.addr);
    let expected = qrcode::QrCode::with_error_correction_level(&link, qrcode::EcLevel::M).unwrap();
    let expected = expected.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build();
    assert_eq!(drawn, expected);
    app.finish().await;
}
