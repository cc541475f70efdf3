//! Why something did not run: what a brand is told, what a streamer is told, and what neither is.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::{Brand, PRICE, Streamer, TestApp, campaign_body, days_from_now, eventually};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::streamer::live::Market;
use serde_json::{Value, json};

async fn ask(app: &TestApp, key: &str, path: String) -> Response {
    app.send(Request::get(format!("/api/{path}")).key(key)).await
}

/// What a brand is told of its campaign on a stream.
async fn why(app: &TestApp, brand: &Brand, campaign: CampaignId, streamer: &Streamer) -> Value {
    let path = format!("campaigns/{campaign}/why?streamer={}", streamer.id);
    ask(app, &brand.key, path).await.ok(200)
}

/// Every check that fails, with its reason.
fn failed(why: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = why["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["passed"] == false);
    failed.map(|check| (text(&check["check"]), text(&check["reason"]["code"]))).collect()
}

/// Outcome, code of the reason, and its loss code.
fn verdict(why: &Value) -> (&str, &str, Option<u64>) {
    let reason = &why["reason"];
    (why["outcome"].as_str().unwrap(), reason["code"].as_str().unwrap_or(""), reason["loss_code"].as_u64())
}

async fn change(app: &TestApp, brand: &Brand, campaign: CampaignId, body: Value) {
    let before = app.engine().catalogue.load().entry(campaign).unwrap().campaign.clone();
    app.change_campaign(&brand.key, campaign, "", &body).await.ok(200);
    eventually("the engine knows", async || {
        app.engine().catalogue.load().entry(campaign).is_none_or(|entry| entry.campaign != before)
    })
    .await;
}

async fn settings(app: &TestApp, streamer: &Streamer, body: Value) {
    let path = format!("/api/streamers/{}/settings", streamer.id);
    app.send(Request::new("PATCH", path).key(&streamer.key).json(&body)).await.ok(200);
    let row = app.engine().ports.accounts.streamer(streamer.id).await.unwrap();
    eventually("the engine knows", async || {
        app.engine().streamers.get(&streamer.id).is_some_and(|known| *known == row)
    })
    .await;
}

async fn made(app: &TestApp, brand: &Brand, body: &Value) -> CampaignId {
    let name = body["name"].as_str().unwrap();
    let made = app.create_campaign(&brand.key, name, body).await.ok(201);
    let id = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(id).await;
    id
}

/// A campaign that pays twice as much as others.
fn dear(name: &str) -> Value {
    let mut body = campaign_body(name, 20);
    body["pricing"]["rate"]["amount_micros"] = json!(2 * PRICE);
    body["budget"]["amount_micros"] = json!(40 * PRICE);
    body
}

/// Nothing in an answer says who else there is, or what they pay.
fn assert_silent(answer: &Value, secrets: &[&str]) {
    let text = answer.to_string();
    for secret in secrets {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[actix_rt::test]
async fn a_brand_is_told_of_its_own_campaign_and_a_streamer_of_all_that_could_run() {
    let app = TestApp::start().await;
    let (crisp, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Zenith", 100 * PRICE).await);
    let (nova, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let cheap = app.campaign(&crisp, "Crunch time", 10).await;
    let best = made(&app, &rival, &dear("Peak season")).await;
    let mut stage = Stage::open(&app, &nova).await;
    let lost = why(&app, &crisp, cheap, &nova).await;
    assert_eq!(verdict(&lost), ("lost", "outbid", Some(102)));
    assert_eq!((failed(&lost), &lost["slot"]["usable"]), (vec![], &json!(true)));
    assert_eq!(lost["reason"]["text"], "Another campaign was worth more.");
    assert!(lost["slot"]["next_at"].is_string() && lost["slot"]["reason"].is_null());
    assert_eq!(lost["money"]["price"]["amount_micros"], PRICE);
    assert_eq!(lost["money"]["funded"]["amount_micros"], 10 * PRICE);
    assert_eq!((&lost["money"]["plan_ppm"], &lost["money"]["day"]), (&json!(1_000_000), &Value::Null));
    assert_silent(&lost, &["Zenith", "Peak", "score", &(2 * PRICE).to_string(), "viewers\":"]);
    assert_eq!(verdict(&why(&app, &rival, best, &nova).await), ("would_play", "", None));

    let path = format!("streamers/{}/why", nova.id);
    let seen = ask(&app, &nova.key, path.clone()).await.ok(200);
    let named = |at: usize| {
        let one = &seen["candidates"][at];
        (one["campaign"].clone(), one["brand"].clone(), one["rank"].clone(), one["reason"]["code"].clone())
    };
    assert_eq!(named(0), (json!("Peak season"), json!("Zenith"), json!(1), Value::Null));
    assert_eq!(named(1), (json!("Crunch time"), json!("Crisp"), json!(2), json!("outbid")));
    let counts = &seen["lost"][0];
    assert_eq!(
        (&counts["code"], &counts["count"], &counts["loss_code"]),
        (&json!("outbid"), &json!(1), &json!(102))
    );
    assert_eq!((&seen["candidates_total"], &seen["no_fill"]), (&json!(2), &Value::Null));
    assert_eq!(seen["winner"], best.0);
    assert_silent(&seen, &["score"]);
    assert!(ask(&app, &admin, path).await.ok(200)["candidates"][0]["score"].is_i64());

    // What is on its way says so, to whom it belongs.
    let outbid = app.watch("gametriggers_candidates_lost_total", "outbid").await;
    stage.prepare().await;
    outbid.grows(&app, 1).await;
    let playing = why(&app, &rival, best, &nova).await;
    assert_eq!((verdict(&playing), &playing["phase"]), (("playing", "", None), &json!("preparing")));
    let waits = why(&app, &crisp, cheap, &nova).await;
    assert_eq!(verdict(&waits), ("lost", "play_in_hand", Some(524)));
    assert_eq!(waits["slot"]["reason"]["no_bid_code"], 524);
    assert_silent(&waits, &["Zenith", "Peak", "preparing"]);
    let seen = ask(&app, &nova.key, format!("streamers/{}/why", nova.id)).await.ok(200);
    assert_eq!(seen["playing"]["campaign"]["campaign_id"], best.0);
    app.finish().await;
}

#[actix_rt::test]
async fn each_thing_that_is_against_a_campaign_is_named() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 200 * PRICE).await;
    let nova = app.streamer("Nova").await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let _stage = Stage::open(&app, &nova).await;
    for (body, back, check, code, loss) in [
        (json!({ "status": "paused" }), json!({ "status": "active" }), "status", "campaign_paused", 518),
        (
            // Not even a candidate: the index does not find it.
            json!({ "targeting": { "languages": ["fi"] } }),
            json!({ "targeting": { "languages": [] } }),
            "targeting",
            "targeting",
            516,
        ),
        (
            json!({ "targeting": { "viewers_min": 100_000 } }),
            json!({ "targeting": { "viewers_min": 0 } }),
            "viewers",
            "minimum_viewers",
            510,
        ),
        (
            json!({ "targeting": { "blocked_streamers": [nova.id.0] } }),
            json!({ "targeting": { "blocked_streamers": [] } }),
            "brand_blocklist",
            "brand_blocklist",
            519,
        ),
        (
            json!({ "daily_cap": { "amount_micros": PRICE - 1, "currency": "INR" } }),
            json!({ "daily_cap": null }),
            "daily_cap",
            "daily_cap",
            506,
        ),
    ] {
        change(&app, &brand, campaign, body).await;
        let told = why(&app, &brand, campaign, &nova).await;
        assert_eq!(verdict(&told), ("lost", code, Some(loss)));
        assert_eq!(failed(&told), [(check.to_owned(), code.to_owned())]);
        change(&app, &brand, campaign, back).await;
    }
    app.finish().await;
}

#[actix_rt::test]
async fn what_a_streamer_does_not_allow_and_how_long_a_cap_holds() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 200 * PRICE).await;
    let nova = app.streamer("Nova").await;
    let mut body = campaign_body("Crunch time", 10);
    body["creatives"][0]["duration_ms"] = json!(3_500);
    let campaign = made(&app, &brand, &body).await;
    let mut stage = Stage::open(&app, &nova).await;
    for (blocked, code, loss) in [
        (json!({ "blocked_brands": [brand.id.0], "blocked_categories": [] }), "streamer_blocklist", 205),
        (json!({ "blocked_brands": [], "blocked_categories": ["snacks"] }), "category_blocklist", 209),
        (json!({ "blocked_categories": [], "blocked_formats": ["text"] }), "creative", 211),
        (json!({ "blocked_formats": [], "length_max_ms": { "text": 3_000 } }), "length", 212),
    ] {
        settings(&app, &nova, blocked).await;
        let told = why(&app, &brand, campaign, &nova).await;
        assert_eq!(verdict(&told), ("lost", code, Some(loss)));
    }
    // Several at once, and the first leads.
    change(&app, &brand, campaign, json!({ "status": "paused" })).await;
    let told = why(&app, &brand, campaign, &nova).await;
    let both = [("status", "campaign_paused"), ("creative", "length")];
    assert_eq!(failed(&told), both.map(|(check, code)| (check.to_owned(), code.to_owned())));
    settings(&app, &nova, json!({ "length_max_ms": { "text": 0 } })).await;
    change(&app, &brand, campaign, json!({ "status": "active", "frequency_cap": { "per_hour": 1 } })).await;

    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let told = why(&app, &brand, campaign, &nova).await;
    assert_eq!(verdict(&told), ("lost", "frequency_cap", Some(507)));
    let checks = told["checks"].as_array().unwrap();
    let cap = checks.iter().find(|check| check["check"] == "frequency_cap").unwrap();
    let until: jiff::Timestamp = cap["until"].as_str().unwrap().parse().unwrap();
    let left = until - jiff::Timestamp::now();
    assert!((55.0..=60.0).contains(&left.total(jiff::Unit::Minute).unwrap()), "{until}");

    change(&app, &brand, campaign, json!({ "frequency_cap": { "per_hour": 0 } })).await;
    assert_eq!(verdict(&why(&app, &brand, campaign, &nova).await), ("would_play", "", None));
    stage.command(json!({ "name": "pause" })).await;
    let told = why(&app, &brand, campaign, &nova).await;
    assert_eq!(verdict(&told), ("lost", "paused", Some(508)));
    assert_eq!((failed(&told), &told["slot"]["reason"]["no_bid_code"]), (vec![], &json!(508)));
    change(&app, &brand, campaign, json!({ "status": "ended" })).await;
    let told = why(&app, &brand, campaign, &nova).await;
    assert_eq!(verdict(&told), ("lost", "campaign_ended", Some(518)));
    assert!(told["money"].is_null());
    app.finish().await;
}

#[actix_rt::test]
async fn who_takes_no_part_and_whose_time_has_not_come() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 200 * PRICE).await;
    let nova = app.streamer("Nova").await;
    let mut body = campaign_body("Members only", 5);
    body["open"] = json!(false);
    let closed = made(&app, &brand, &body).await;
    let mut body = campaign_body("Next week", 5);
    let starts = days_from_now(7);
    body["flight"]["starts_at"] = json!(starts);
    let later = made(&app, &brand, &body).await;
    let _stage = Stage::open(&app, &nova).await;
    let told = why(&app, &brand, closed, &nova).await;
    assert_eq!(verdict(&told), ("lost", "not_participating", Some(520)));
    let seen = ask(&app, &nova.key, format!("streamers/{}/why", nova.id)).await.ok(200);
    assert_silent(&seen, &["Members only"]);
    assert_eq!(seen["no_fill"]["code"], "flight", "the only candidate");
    let told = why(&app, &brand, later, &nova).await;
    assert_eq!(verdict(&told), ("lost", "flight", Some(517)));
    let flight = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "flight").unwrap();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(at(flight["until"].as_str().unwrap()), at(&starts));

    let path = format!("/api/campaigns/{closed}/participations");
    app.send(Request::new("POST", &path).key(&nova.key)).await.ok(201);
    let answer = Request::new("PATCH", format!("{path}/{}", nova.id)).key(&brand.key);
    app.send(answer.json(&json!({ "status": "approved" }))).await.ok(200);
    eventually("they take part", async || why(&app, &brand, closed, &nova).await["outcome"] == "would_play")
        .await;
    let seen = ask(&app, &nova.key, format!("streamers/{}/why", nova.id)).await.ok(200);
    assert_eq!(seen["candidates"][0]["campaign"], "Members only");
    app.finish().await;
}

#[actix_rt::test]
async fn a_rule_is_named_with_the_moment_until_which_it_holds() {
    let app = TestApp::start().await;
    let (crisp, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Zenith", 100 * PRICE).await);
    let (nova, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let best = made(&app, &rival, &dear("Peak season")).await;
    let mut stage = Stage::open(&app, &nova).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let campaign = app.campaign(&crisp, "Crunch time", 10).await;
    let rule = json!({
        "name": "Snacks keep apart", "type": "category_exclusivity", "severity": "blocking", "priority": 9,
        "config": { "categories": ["snacks"], "span_s": 3600 },
    });
    app.send(Request::new("POST", "/api/conflict-rules").key(&admin).json(&rule)).await.ok(201);
    eventually("the rule is in force", async || {
        !app.engine().catalogue.load().guide().rules.rules().is_empty()
    })
    .await;
    let told = why(&app, &crisp, campaign, &nova).await;
    assert_eq!(verdict(&told), ("lost", "category_exclusivity", Some(501)));
    let rule = &told["rules"][0];
    assert_eq!((&rule["name"], &rule["effect"]), (&json!("Snacks keep apart"), &json!("blocked")));
    let until: jiff::Timestamp = rule["until"].as_str().unwrap().parse().unwrap();
    let left = (until - jiff::Timestamp::now()).total(jiff::Unit::Minute).unwrap();
    assert!((55.0..=60.0).contains(&left), "{until}");
    assert_silent(&told, &["Zenith", "Peak"]);
    // The one that was shown keeps its place.
    assert_eq!(verdict(&why(&app, &rival, best, &nova).await), ("would_play", "", None));
    app.finish().await;
}

#[actix_rt::test]
async fn who_is_not_there_is_answered_from_the_log_and_no_actor_starts() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 200 * PRICE).await;
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let mut body = campaign_body("Once an hour", 5);
    body["frequency_cap"] = json!({ "per_hour": 1 });
    let campaign = made(&app, &brand, &body).await;
    let mut stage = Stage::open(&app, &nova).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let survey =
        async |app: &TestApp| ask(app, &brand.key, format!("campaigns/{campaign}/why")).await.ok(200);
    let told = survey(&app).await["streamers"].clone();
    let number = |field: &str| told[field].as_u64().unwrap();
    assert_eq!((number("live"), number("asked"), number("answered")), (1, 1, 1));
    assert_eq!((number("playing"), number("would_play")), (0, 0));
    assert_eq!((&told["lost"][0]["code"], &told["lost"][0]["count"]), (&json!("frequency_cap"), &json!(1)));

    let app = app.stop().await.start(None).await;
    app.wait_for_campaign(campaign).await;
    let told = why(&app, &brand, campaign, &nova).await;
    assert_eq!(verdict(&told), ("lost", "frequency_cap", Some(507)), "as the log has it");
    assert_eq!(
        (&told["slot"]["reason"]["code"], &told["slot"]["next_at"]),
        (&json!("no_overlay"), &Value::Null)
    );
    assert_eq!(verdict(&why(&app, &brand, campaign, &vega).await), ("lost", "no_overlay", Some(521)));
    let seen = ask(&app, &nova.key, format!("streamers/{}/why", nova.id)).await.ok(200);
    assert_eq!(
        (&seen["slot"]["usable"], &seen["slot"]["reason"]["code"]),
        (&json!(false), &json!("no_overlay"))
    );
    assert_eq!(seen["recent"][0]["campaign"]["campaign_id"], campaign.0);
    assert_eq!(survey(&app).await["streamers"]["live"], 0);
    assert!(app.engine().directory.live_streamer(nova.id).is_none(), "no actor starts for a question");
    // Empty slots are remembered as long as somebody is there.
    let mut stage = Stage::open(&app, &vega).await;
    let lost = app.watch("gametriggers_candidates_lost_total", "campaign_paused").await;
    let empty = app.watch("gametriggers_slots_unfilled_total", "campaign_paused").await;
    change(&app, &brand, campaign, json!({ "status": "paused" })).await;
    assert_eq!(stage.play_next().await["reason"], "campaign_paused");
    lost.grows(&app, 1).await;
    empty.grows(&app, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn strangers_and_odd_questions_are_turned_away() {
    let app = TestApp::start().await;
    let (crisp, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Zenith", 0).await);
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let campaign = app.campaign(&crisp, "Crunch time", 10).await;
    let of_campaign = format!("campaigns/{campaign}/why");
    let on_nova = format!("{of_campaign}?streamer={}", nova.id);
    let of_streamer = format!("streamers/{}/why", nova.id);
    for path in [&of_campaign, &on_nova, &of_streamer] {
        ask(&app, "", path.clone()).await.problem(401, "unauthorized");
        ask(&app, &nova.overlay_key, path.clone()).await.problem(401, "unauthorized");
        ask(&app, &rival.key, path.clone()).await.closed();
        ask(&app, &vega.key, path.clone()).await.closed();
    }
    for path in [&of_campaign, &on_nova] {
        ask(&app, &nova.key, path.clone()).await.closed();
    }
    ask(&app, &crisp.key, of_streamer.clone()).await.closed();
    for odd in
        ["?streamer=nova", "?streamer=", "?stremer=1", "?streamer=99999999999999999999", "?streamer=1&x=2"]
    {
        ask(&app, &crisp.key, format!("{of_campaign}{odd}")).await.problem(400, "malformed");
    }
    ask(&app, &nova.key, format!("{of_streamer}?campaign=1")).await.problem(400, "malformed");
    ask(&app, &crisp.key, format!("{of_campaign}?streamer=4711")).await.problem(404, "not-found");
    ask(&app, &crisp.key, format!("{of_campaign}?streamer=-1")).await.problem(400, "malformed");
    ask(&app, &crisp.key, "campaigns/4711/why".to_owned()).await.problem(404, "not-found");
    let admin = app.admin_key().await;
    ask(&app, &admin, "streamers/4711/why".to_owned()).await.problem(404, "not-found");
    app.send(Request::new("POST", format!("/api/{of_streamer}")).key(&nova.key))
        .await
        .problem(405, "method-not-allowed");
    let told = ask(&app, &admin, on_nova).await.ok(200);
    assert_eq!(verdict(&told), ("lost", "no_overlay", Some(521)));
    app.finish().await;
}
