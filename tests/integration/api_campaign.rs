//! Campaigns over the API, and the money that moves with them.

use crate::support::http::Request;
use crate::support::page::Stage;
use crate::support::{Brand, EARN, PRICE, TestApp, campaign_body, days_from_now, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};

fn id(view: &Value) -> CampaignId {
    CampaignId(view["id"].as_i64().unwrap())
}

/// The ids on all pages of this size, first to last.
async fn ids(app: &TestApp, brand: &Brand, limit: usize) -> Vec<i64> {
    let (mut all, mut query) = (Vec::new(), format!("?limit={limit}"));
    loop {
        let page = app.list_campaigns(&brand.key, &query).await.ok(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => query = format!("?limit={limit}&after={next}"),
            None => return all,
        }
    }
}

#[actix_rt::test]
async fn a_campaign_comes_back_as_it_was_made_and_takes_its_budget_from_the_wallet() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let body = campaign_body("Crunch time", 4);
    let made = app.create_campaign(&brand.key, "make one", &body).await;
    let mut view = made.ok(201);
    let money = |view: &Value, part: &str, field: &str| view[part][field]["amount_micros"].as_i64();
    let (wallet, budget) = (money(&view, "wallet", "available"), money(&view, "budget", "funded"));
    assert_eq!((wallet, budget), (Some(6 * PRICE), Some(4 * PRICE)));
    let renamed = json!({ "name": "Crunch time" });
    let changed = app.change_campaign(&brand.key, id(&view), "", &renamed).await.ok(200);
    assert_eq!(changed["wallet"], view["wallet"]);
    for field in ["version", "updated_at"] {
        assert_ne!(changed[field], view[field], "{field}");
        view[field] = changed[field].clone();
    }
    view.as_object_mut()
        .unwrap()
        .retain(|name, _| !["wallet", "budget", "warnings"].contains(&name.as_str()));
    assert_eq!(made.header("location"), format!("/api/campaigns/{}", id(&view)));
    for field in ["name", "category", "pricing", "pacing", "landing_url"] {
        assert_eq!(view[field], body[field], "{field}");
    }
    assert_eq!((view["status"].as_str(), view["open"].as_bool()), (Some("active"), Some(true)));
    assert_eq!(view["creatives"][0]["headline"], "Crisp");
    assert_eq!(app.show_campaign(&brand.key, id(&view)).await.ok(200), view);
    assert_eq!(app.show_campaign(&app.admin_key().await, id(&view)).await.ok(200), view);
    assert_eq!(app.available(&brand).await, 6 * PRICE);
    let live = app.live(&brand.key, id(&view)).await.ok(200);
    assert_eq!((live["funded_micros"].as_i64(), live["spent_micros"].as_i64()), (Some(4 * PRICE), Some(0)));
    for number in 0..4 {
        let mut small = campaign_body(&format!("More {number}"), 1);
        small["budget"]["amount_micros"] = json!(PRICE / 2);
        app.create_campaign(&brand.key, &format!("more {number}"), &small).await.ok(201);
    }
    let whole = ids(&app, &brand, 200).await;
    assert_eq!((whole.len(), whole.is_sorted()), (5, true));
    assert_eq!((ids(&app, &brand, 2).await, ids(&app, &brand, 5).await), (whole.clone(), whole));
    app.list_campaigns(&brand.key, "?limit=many").await.problem(400, "malformed");
    app.finish().await;
}

#[actix_rt::test]
async fn a_request_that_is_sent_twice_funds_once() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let body = campaign_body("Crunch time", 4);
    let first = app.create_campaign(&brand.key, "the same", &body).await.ok(201);
    // At once and again: the same campaign each time.
    let (second, third) = tokio::join!(
        app.create_campaign(&brand.key, "the same", &body),
        app.create_campaign(&brand.key, "the same", &body)
    );
    assert_eq!((second.ok(201), third.ok(201)), (first.clone(), first.clone()));
    assert_eq!(app.available(&brand).await, 6 * PRICE);
    let other = campaign_body("Another", 4);
    app.create_campaign(&brand.key, "the same", &other).await.problem(409, "idempotency-conflict");
    // The key is the brand's own: another brand may use the same.
    let neighbour = app.brand("Soggy", 10 * PRICE).await;
    let theirs = app.create_campaign(&neighbour.key, "the same", &body).await.ok(201);
    assert_ne!(theirs["id"], first["id"]);
    assert_eq!((app.available(&brand).await, app.available(&neighbour).await), (6 * PRICE, 6 * PRICE));
    app.finish().await;
}

#[actix_rt::test]
async fn a_wallet_gives_no_more_than_it_has() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 3 * PRICE).await;
    let counted = app.watch("gametriggers_http_problems_total", "409").await;
    app.create_campaign(&brand.key, "too much", &campaign_body("Dream", 4))
        .await
        .problem(409, "insufficient-funds");
    assert_eq!(app.list_campaigns(&brand.key, "").await.ok(200)["items"], json!([]));
    // What was refused may be tried again under the same key once there is money for it.
    let made = app.create_campaign(&brand.key, "too much", &campaign_body("Dream", 3)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let grow = json!({ "budget": { "amount_micros": 4 * PRICE, "currency": "INR" } });
    let refused = app.change_campaign(&brand.key, id(&made.json()), "grow-too-much", &grow).await;
    refused.problem(409, "insufficient-funds");
    assert_eq!(app.available(&brand).await, 0);
    counted.grows(&app, 2).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_budget_grows_once_per_key_and_never_shrinks() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    let budget =
        |amount: i64, currency: &str| json!({ "budget": { "amount_micros": amount, "currency": currency } });
    let change = async |key: &str, body: Value| app.change_campaign(&brand.key, campaign, key, &body).await;
    change("", budget(5 * PRICE, "INR")).await.problem(400, "malformed");
    let grown = change("grow-to-five", budget(5 * PRICE, "INR")).await.ok(200);
    assert_eq!(grown["wallet"]["available"]["amount_micros"], 5 * PRICE);
    assert_eq!(grown["budget"]["funded"]["amount_micros"], 5 * PRICE);
    assert_eq!(change("grow-to-five", budget(5 * PRICE, "INR")).await.ok(200), grown);
    assert_eq!(app.available(&brand).await, 5 * PRICE);
    eventually("the engine sees it", async || {
        app.live(&brand.key, campaign).await.ok(200)["funded_micros"] == 5 * PRICE
    })
    .await;
    change("shrink-it-now", budget(4 * PRICE, "INR")).await.problem(409, "budget-shrinks");
    change("other-currency", budget(6 * PRICE, "USD")).await.problem(422, "invalid");
    change("grow-to-five", budget(6 * PRICE, "INR")).await.problem(409, "idempotency-conflict");
    assert_eq!((app.available(&brand).await, app.budget(campaign).await.funded.0), (5 * PRICE, 5 * PRICE));
    app.finish().await;
}

#[actix_rt::test]
async fn a_paused_campaign_shows_nothing_until_it_goes_on() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    let streamer = app.streamer("Nova").await;
    let unfilled = app.watch("gametriggers_slots_unfilled_total", "").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let set = async |status: &str| {
        let view = app.change_campaign(&brand.key, campaign, "", &json!({ "status": status })).await.ok(200);
        assert_eq!(view["status"], status);
        eventually("the engine knows", async || {
            let catalogue = app.engine().catalogue.load();
            catalogue.entry(campaign).is_some_and(|entry| entry.campaign.status.code() == status)
        })
        .await;
    };
    set("paused").await;
    assert_eq!(stage.play_next().await["reason"], "campaign_paused");
    eventually("the live status", async || {
        app.live(&brand.key, campaign).await.ok(200)["status"] == "paused"
    })
    .await;
    set("active").await;
    eventually("the live status", async || {
        app.live(&brand.key, campaign).await.ok(200)["status"] == "active"
    })
    .await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let _ = unfilled;
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn an_ended_campaign_gives_the_rest_back_and_stays_ended() {
    let app = TestApp::with(&[("PLAY__TOKEN_LIFE_S", "1")]).await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let end = app.change_campaign(&brand.key, campaign, "", &json!({ "status": "ended" })).await.ok(200);
    assert_eq!(end["budget"]["spent"]["amount_micros"], PRICE);
    eventually("three prices are back in the wallet", async || app.available(&brand).await == 9 * PRICE)
        .await;
    assert_eq!(app.budget(campaign).await.funded.0, PRICE, "what was spent stays");
    assert_eq!(stage.play_next().await["ok"], false);
    for body in [json!({ "status": "active" }), json!({ "name": "Again" })] {
        let refused = app.change_campaign(&brand.key, campaign, "", &body).await;
        refused.problem(409, "campaign-ended");
    }
    assert_eq!(app.show_campaign(&brand.key, campaign).await.ok(200)["status"], "completed");
    assert_eq!(app.live(&brand.key, campaign).await.ok(200)["status"], "completed");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_change_names_everything_that_is_wrong_and_changes_nothing() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let before = app.show_campaign(&brand.key, campaign).await.ok(200);
    let wrong = json!({
        "name": "", "status": "stopped", "ends_at": days_from_now(-2), "pacing": "fast",
        "daily_cap": { "amount_micros": PRICE, "currency": "USD" },
        "frequency_cap": { "per_day": 501 }, "budget": { "amount_micros": 9 * PRICE, "currency": "INR" },
    });
    let problem =
        app.change_campaign(&brand.key, campaign, "all-wrong", &wrong).await.problem(422, "invalid");
    let named = problem["errors"].as_array().unwrap().iter().filter_map(|error| error["field"].as_str());
    assert_eq!(
        named.collect::<Vec<_>>(),
        ["name", "status", "ends_at", "pacing", "daily_cap", "frequency_cap"]
    );
    assert_eq!(app.show_campaign(&brand.key, campaign).await.ok(200), before);
    assert_eq!(app.available(&brand).await, 6 * PRICE);
    let right = json!({ "name": "Crunch on", "pacing": "even", "frequency_cap": { "per_day": 3 } });
    let view = app.change_campaign(&brand.key, campaign, "", &right).await.ok(200);
    assert_eq!((view["name"].as_str(), view["pacing"].as_str()), (Some("Crunch on"), Some("even")));
    assert_eq!(view["frequency_cap"], json!({ "per_hour": 0, "per_day": 3, "minimum_gap_s": 0 }));
    let cap = json!({ "amount_micros": PRICE, "currency": "INR" });
    let set = async |body: Value| app.change_campaign(&brand.key, campaign, "", &body).await.ok(200);
    let view = set(json!({ "pacing": "front_loaded", "daily_cap": cap })).await;
    assert_eq!((view["pacing"].as_str(), &view["daily_cap"]), (Some("front_loaded"), &cap));
    assert_eq!(set(json!({ "name": "Crunch on" })).await["daily_cap"], cap, "left out is left alone");
    assert_eq!(set(json!({ "daily_cap": null })).await["daily_cap"], Value::Null);
    let mut body = campaign_body("Crunch later", 1);
    body["pacing"] = json!("front_loaded");
    body["daily_cap"] = cap.clone();
    let made = app.create_campaign(&brand.key, "front-loaded", &body).await.ok(201);
    assert_eq!((made["pacing"].as_str(), &made["daily_cap"]), (Some("front_loaded"), &cap));
    for cap in [json!(5), json!({ "amount_micros": 0, "currency": "INR" })] {
        body["daily_cap"] = cap;
        let refused = app.create_campaign(&brand.key, "refused-cap", &body).await;
        assert!((400..500).contains(&refused.status), "{}", refused.text());
    }
    app.finish().await;
}

#[actix_rt::test]
async fn the_plays_of_a_streamer_come_in_pages_newest_first() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        expected.insert(0, shown.play_id);
    }
    let all = async || app.plays(&streamer.key, streamer.id, "").await.ok(200);
    eventually("all are written", async || {
        let items = all().await["items"].clone();
        items
            .as_array()
            .is_some_and(|items| items.len() == 3 && items.iter().all(|i| i["outcome"] == "settled"))
    })
    .await;
    let (mut found, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = app.plays(&streamer.key, streamer.id, &query).await.ok(200);
        for item in page["items"].as_array().unwrap() {
            assert_eq!(
                (item["campaign_id"].as_i64(), item["price"]["amount_micros"].as_i64()),
                (Some(campaign.0), Some(PRICE))
            );
            assert_eq!(item["earned"], json!({ "amount_micros": EARN, "currency": "INR" }));
            found.push(item["play_id"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=2&before={next}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
    app.plays(&streamer.key, streamer.id, "?before=yesterday").await.problem(400, "malformed");
    app.plays(&app.admin_key().await, streamer.id, "").await.ok(200);
    let metrics = app.send(Request::get("/metrics")).await;
    assert!(!metrics.text().contains(&expected[0]), "an id in a metric");
    app.assert_paid(campaign, &streamer, 3).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_budget_that_two_requests_raise_at_once_is_raised_once() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    for round in 3..13 {
        let body = json!({ "budget": { "amount_micros": round * PRICE, "currency": "INR" } });
        let (a, b) = (format!("first-tab-{round}"), format!("second-tab-{round}"));
        let (first, second) = tokio::join!(
            app.change_campaign(&brand.key, campaign, &a, &body),
            app.change_campaign(&brand.key, campaign, &b, &body)
        );
        assert_eq!((first.status, second.status), (200, 200));
        assert_eq!(app.budget(campaign).await.funded.0, round * PRICE, "round {round}");
    }
    assert_eq!(app.available(&brand).await, 88 * PRICE);
    app.finish().await;
}
