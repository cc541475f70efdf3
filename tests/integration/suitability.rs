//! Which ad suits which stream: targeting, what streamers and brands block, lengths, rotation, and what the
//! platforms allow.

use crate::support::http::Request;
use crate::support::page::Stage;
use crate::support::{Brand, PRICE, Streamer, TestApp, campaign_body, eventually};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::ports::Batch;
use serde_json::{Value, json};

/// A video that the demo shows, and the same with a sound track in it.
const LOUD: &[u8] = include_bytes!("../../media/src/samples/spot.webm");
const VIDEO: &[u8] = include_bytes!("../../config/demo/voltade-loop.webm");

async fn settings(app: &TestApp, streamer: &Streamer, body: &Value) -> Value {
    let path = format!("/api/streamers/{}/settings", streamer.id);
    let view = app.send(Request::new("PATCH", path).key(&streamer.key).json(body)).await.ok(200);
    known(app, streamer).await;
    view
}

async fn profile(app: &TestApp, admin: &str, streamer: &Streamer, body: &Value) -> Value {
    let path = format!("/api/admin/streamers/{}", streamer.id);
    let view = app.send(Request::new("PATCH", path).key(admin).json(body)).await.ok(200);
    known(app, streamer).await;
    view
}

/// Waits until the engine has the streamer's row as it is.
async fn known(app: &TestApp, streamer: &Streamer) {
    let row = app.engine().ports.accounts.streamer(streamer.id).await.unwrap();
    eventually("the engine knows", async || {
        app.engine().streamers.get(&streamer.id).is_some_and(|known| *known == row)
    })
    .await;
}

/// Changes a campaign, and waits until the engine has it.
async fn aim(app: &TestApp, brand: &Brand, campaign: CampaignId, body: &Value) {
    let before = app.engine().catalogue.load().entry(campaign).unwrap().campaign.clone();
    app.change_campaign(&brand.key, campaign, "", body).await.ok(200);
    eventually("the engine knows", async || {
        app.engine().catalogue.load().entry(campaign).is_none_or(|entry| entry.campaign != before)
    })
    .await;
}

async fn refused(stage: &mut Stage, reason: &str) {
    let answer = stage.play_next().await;
    assert_eq!((answer["ok"].as_bool(), answer["reason"].as_str()), (Some(false), Some(reason)));
}

#[actix_rt::test]
async fn a_slot_that_nothing_suits_says_why() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 100 * PRICE).await, app.admin_key().await);
    let campaign = app.campaign(&brand, "Crunch time", 20).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let opposite = json!([{ "days": ["mon"], "from": "00:00", "to": "00:01" }]);
    // Whatever the hour is, a minute of Monday a long way off is not now.
    let now = app.engine().now().0.rem_euclid(7 * 86_400_000) / 3_600_000;
    let offset = if (90..114).contains(&now) { 600 } else { 0 };
    for (targeting, back, reason) in [
        (json!({ "followers_min": 10 }), json!({ "followers_min": 0 }), "followers"),
        (json!({ "platforms": ["twitch", "kick"] }), json!({ "platforms": [] }), "platform"),
        (json!({ "mature": "only" }), json!({ "mature": "any" }), "mature"),
        (
            json!({ "blocked_streamers": [streamer.id.0] }),
            json!({ "blocked_streamers": [] }),
            "brand_blocklist",
        ),
        (json!({ "dayparts": opposite, "utc_offset_minutes": offset }), json!({ "dayparts": [] }), "daypart"),
        // Nobody looks at a campaign that wants no such stream.
        (json!({ "categories": ["music"] }), json!({ "categories": [] }), "targeting"),
    ] {
        aim(&app, &brand, campaign, &json!({ "targeting": targeting })).await;
        refused(&mut stage, reason).await;
        aim(&app, &brand, campaign, &json!({ "targeting": back })).await;
    }
    settings(&app, &streamer, &json!({ "length_max_ms": { "text": 0 }, "blocked_formats": ["text"] })).await;
    refused(&mut stage, "creative").await;
    settings(&app, &streamer, &json!({ "length_max_ms": { "text": 3_000 }, "blocked_formats": [] })).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled", "just short enough");
    let mut long = campaign_body("Long story", 5);
    long["creatives"][0]["duration_ms"] = json!(3_001);
    aim(&app, &brand, campaign, &json!({ "status": "ended" })).await;
    let made = app.create_campaign(&brand.key, "long story", &long).await.ok(201);
    app.wait_for_campaign(CampaignId(made["id"].as_i64().unwrap())).await;
    refused(&mut stage, "length").await;
    // What an operator says of the stream counts at once.
    let id = CampaignId(made["id"].as_i64().unwrap());
    settings(&app, &streamer, &json!({ "length_max_ms": { "text": 0 } })).await;
    aim(&app, &brand, id, &json!({ "targeting": { "platforms": ["youtube"], "followers_max": 5 } })).await;
    refused(&mut stage, "platform").await;
    let view = profile(&app, &admin, &streamer, &json!({ "platform": "youtube", "followers": 6 })).await;
    assert_eq!((view["platform"].as_str(), view["followers"].as_u64()), (Some("youtube"), Some(6)));
    refused(&mut stage, "followers").await;
    profile(&app, &admin, &streamer, &json!({ "followers": 5 })).await;
    refused(&mut stage, "policy").await;
    settings(&app, &streamer, &json!({ "policy_opt_in": { "policy": "youtube" } })).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.finish().await;
}

#[actix_rt::test]
async fn a_policy_keeps_what_it_prohibits_off_its_platform_until_the_streamer_agrees_and_after() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 100 * PRICE).await, app.admin_key().await);
    let (streamer, other) = (app.streamer("Nova").await, app.streamer("Rival").await);
    profile(&app, &admin, &streamer, &json!({ "platform": "youtube" })).await;
    let mut body = campaign_body("Fresh ale", 5);
    body["category"] = json!("alcohol");
    let ale = app.create_campaign(&brand.key, "fresh ale", &body).await.ok(201);
    app.wait_for_campaign(CampaignId(ale["id"].as_i64().unwrap())).await;
    let mut stage = Stage::open(&app, &streamer).await;
    refused(&mut stage, "policy").await;
    let path = format!("/api/streamers/{}/policy", streamer.id);
    let policy = app.send(Request::get(&path).key(&streamer.key)).await.ok(200);
    assert_eq!(
        policy,
        json!({
            "platform": "youtube", "policy": "youtube", "version": 1, "enabled": true,
            "opt_in_required": true, "disclosure_required": true, "opted_in_at": null,
        })
    );
    app.send(Request::get(&path).key(&other.key)).await.problem(404, "not-found");
    app.send(Request::get(&path).key(&brand.key)).await.problem(403, "forbidden");
    let own = format!("/api/streamers/{}/settings", streamer.id);
    let wrong = json!({ "policy_opt_in": { "policy": "kick" }, "length_max_ms": { "qr": 1 } });
    let refusal = app.send(Request::new("PATCH", &own).key(&streamer.key).json(&wrong)).await;
    let named: Vec<Value> = refusal.problem(422, "invalid")["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    assert_eq!(named, ["length_max_ms", "policy_opt_in"]);
    let agreed = settings(&app, &streamer, &json!({ "policy_opt_in": { "policy": "youtube" } })).await;
    let policy = app.send(Request::get(&path).key(&streamer.key)).await.ok(200);
    assert_eq!(policy["opted_in_at"], agreed["policy_opt_in"]["at"]);
    assert!(policy["opted_in_at"].is_string());
    // Agreed, and still no stream for grown-ups.
    refused(&mut stage, "policy").await;
    profile(&app, &admin, &streamer, &json!({ "mature": true })).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.finish().await;
}

#[actix_rt::test]
async fn a_brand_is_told_where_its_campaign_can_never_run() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let warned = async |name: &str, body: &Value| {
        let made = app.create_campaign(&brand.key, name, body).await.ok(201);
        let warnings = made["warnings"].as_array().unwrap().clone();
        warnings.iter().map(|one| (one["platform"].clone(), one["message"].clone())).collect::<Vec<_>>()
    };
    let of = |platform: &str, message: &str| (json!(platform), json!(message));
    let large = of("twitch", "it takes more of the screen than is allowed there");
    assert_eq!(warned("plain", &campaign_body("Plain", 1)).await, [large]);
    let mut body = campaign_body("Weapons", 1);
    body["category"] = json!("weapons");
    let never = "its category is not shown there";
    assert_eq!(
        warned("weapons", &body).await,
        [of("twitch", never), of("youtube", never), of("other", never)]
    );
    let mut body = campaign_body("On Kick", 1);
    body["targeting"] = json!({ "platforms": ["kick", "other"] });
    assert_eq!(warned("on kick", &body).await, [of("kick", "no ads are shown there")]);
    body["creatives"][0]["placement"] = json!("ticker");
    body["targeting"] = json!({ "platforms": ["twitch"] });
    body["creatives"][0]["body"] = json!("");
    assert_eq!(warned("short ticker", &body).await, [], "a few words in a strip are small enough");
    app.finish().await;
}

#[actix_rt::test]
async fn a_streamer_who_wants_no_sound_gets_none() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let streamer = app.streamer("Nova").await;
    let mut names = Vec::new();
    for (bytes, sound) in [(VIDEO, false), (LOUD, true)] {
        let kept = app.add_asset(&brand.key, bytes).await.ok(201);
        assert_eq!(kept["sound"], sound);
        names.push(kept["name"].as_str().unwrap().to_owned());
    }
    let video = |name: &str| {
        let mut body = campaign_body("With a video", 5);
        body["creatives"] = json!([{
            "kind": "video", "placement": "corner", "duration_ms": 3000, "accent": "#ffffff", "asset": name,
        }]);
        body
    };
    let mut lies = video(&names[1]);
    lies["creatives"][0]["sound"] = json!(false);
    let refused_as = app.create_campaign(&brand.key, "a lie", &lies).await.problem(422, "invalid");
    assert_eq!(refused_as["errors"][0]["field"], "creatives[0].sound");
    let made = app.create_campaign(&brand.key, "loud", &video(&names[1])).await.ok(201);
    assert_eq!(made["creatives"][0]["sound"], true);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let mut stage = Stage::open(&app, &streamer).await;
    let set = settings(&app, &streamer, &json!({ "volume_percent": 80, "allow_sound": false })).await;
    assert_eq!((set["volume_percent"].as_i64(), set["allow_sound"].as_bool()), (Some(80), Some(false)));
    refused(&mut stage, "creative").await;
    // Nor anything else, whatever is in the file: the page is told to be silent.
    let again = settings(&app, &streamer, &json!({ "allow_sound": true })).await;
    assert_eq!(again["volume_percent"], 80);
    assert_eq!(stage.page.expect("settings").await["volume_percent"], 80);
    settings(&app, &streamer, &json!({ "allow_sound": false })).await;
    assert_eq!(stage.page.expect("settings").await["volume_percent"], 0);
    aim(&app, &brand, campaign, &json!({ "status": "ended" })).await;
    let silent = app.create_campaign(&brand.key, "silent", &video(&names[0])).await.ok(201);
    app.wait_for_campaign(CampaignId(silent["id"].as_i64().unwrap())).await;
    let shown = stage.show().await;
    assert!(!shown.token.is_empty());
    app.finish().await;
}

#[actix_rt::test]
async fn creatives_take_turns_on_a_stream_and_go_on_after_a_restart() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let streamer = app.streamer("Nova").await;
    let mut body = campaign_body("Two faces", 20);
    let mut second = body["creatives"][0].clone();
    second["headline"] = json!("Crunchy");
    second["weight"] = json!(1000);
    body["creatives"].as_array_mut().unwrap().push(second);
    body["creatives"][0]["weight"] = json!(0);
    app.create_campaign(&brand.key, "two faces", &body).await.problem(422, "invalid");
    body["creatives"][0]["weight"] = json!(1);
    body["rotation"] = json!("by_mood");
    app.create_campaign(&brand.key, "two faces", &body).await.problem(422, "invalid");
    body["rotation"] = json!("even");
    let made = app.create_campaign(&brand.key, "two faces", &body).await.ok(201);
    assert_eq!(
        (made["rotation"].as_str(), made["creatives"][1]["weight"].as_u64()),
        (Some("even"), Some(1000))
    );
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let faces: Vec<Value> =
        made["creatives"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let mut stage = Stage::open(&app, &streamer).await;
    for _ in 0..3 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    }
    let order = async |app: &TestApp, plays: usize| {
        let all = async || app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"].clone();
        eventually("all are written", async || all().await.as_array().unwrap().len() == plays).await;
        let items = all().await;
        items.as_array().unwrap().iter().rev().map(|item| item["creative_id"].clone()).collect::<Vec<_>>()
    };
    let before = order(&app, 3).await;
    assert!(faces.contains(&before[0]) && before[0] != before[1] && before[0] == before[2], "{before:?}");
    let app = app.stop().await.start(None).await;
    app.wait_for_campaign(campaign).await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let after = order(&app, 4).await;
    assert_eq!(after[3], before[1], "it is the other one's turn");
    // What each achieved is counted, and what did best is shown most.
    let counted = async || app.engine().ports.campaigns.campaign(campaign).await.unwrap().creatives;
    eventually("all are counted", async || {
        counted().await.iter().map(|one| one.counts.impressions).sum::<u64>() == 4
    })
    .await;
    assert!(counted().await.iter().all(|one| one.counts.plays == 2 && one.counts.viewers > 0));
    // The brand reads the same.
    let shown = app.show_campaign(&brand.key, campaign).await.ok(200);
    for (view, one) in shown["creatives"].as_array().unwrap().iter().zip(counted().await) {
        let counts = one.counts;
        let same = json!({ "plays": 2, "impressions": 2, "viewers": counts.viewers, "clicks": 0 });
        assert_eq!((view["id"].as_i64(), &view["counts"]), (Some(one.id.0), &same));
    }
    let listed = app.list_campaigns(&brand.key, "").await.ok(200)["items"][0]["creatives"].clone();
    assert_eq!(listed, shown["creatives"]);
    aim(&app, &brand, campaign, &json!({ "rotation": "best" })).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_cap_by_the_day_holds_after_a_restart_however_much_was_shown_since() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 1_000 * PRICE).await;
    let streamer = app.streamer("Nova").await;
    let mut body = campaign_body("Once a day", 5);
    body["frequency_cap"] = json!({ "per_day": 1 });
    body["pricing"]["rate"]["amount_micros"] = json!(2 * PRICE);
    let made = app.create_campaign(&brand.key, "once a day", &body).await.ok(201);
    let once = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(once).await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    refused(&mut stage, "frequency_cap").await;
    // More plays came to nothing since than are read for the dashboard.
    let first = app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"][0].clone();
    let log = &app.engine().ports.log;
    let record = log.recent(streamer.id, None, 1).await.unwrap().remove(0);
    let lost: Vec<_> = (0..1_500_u16)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            let mut record = record.clone();
            let now = app.engine().now();
            record.play =
                gametriggers_actors::domain::id::PlayId::mint(now, [high, low, 0, 0, 0, 0, 0, 0, 0, 1]);
            record.outcome = gametriggers_actors::ports::PlayOutcome::Failed;
            (record.shown, record.click_code, record.clicks) = (None, None, None);
            record
        })
        .collect();
    log.append(&Batch { plays: lost.to_vec(), ..Batch::default() }).await.unwrap();
    assert_ne!(app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"][0], first);
    let app = app.stop().await.start(None).await;
    app.wait_for_campaign(once).await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "frequency_cap");
    app.finish().await;
}

#[actix_rt::test]
async fn only_an_operator_says_who_a_streamer_is() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 0).await, app.admin_key().await);
    let streamer = app.streamer("Nova").await;
    let path = format!("/api/admin/streamers/{}", streamer.id);
    let patch =
        async |key: &str, body: Value| app.send(Request::new("PATCH", &path).key(key).json(&body)).await;
    patch(&streamer.key, json!({ "followers": 1 })).await.problem(403, "forbidden");
    patch(&brand.key, json!({ "followers": 1 })).await.problem(403, "forbidden");
    let wrong = json!({ "name": "", "platform": "myspace", "country": "India", "reason": "" });
    let errors = patch(&admin, wrong).await.problem(422, "invalid")["errors"].clone();
    let named: Vec<_> = errors.as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(named, ["platform", "name", "country", "reason"]);
    patch(&admin, json!({ "followers": -1 })).await.problem(400, "malformed");
    let whole = json!({ "name": "Zed", "category": "music", "language": "hi", "country": "NP",
        "platform": "kick", "followers": 12, "mature": true });
    let view = patch(&admin, whole.clone()).await.ok(200);
    for (field, value) in whole.as_object().unwrap() {
        assert_eq!(&view[field], value, "{field}");
    }
    assert_eq!(patch(&admin, json!({})).await.ok(200), view);
    let nobody = Request::new("PATCH", "/api/admin/streamers/99").key(&admin).json(&json!({}));
    app.send(nobody).await.problem(404, "not-found");
    let mut new = json!({ "name": "Nova", "category": "gaming", "language": "en", "country": "IN",
        "platform": "orbit" });
    let post = async |body: &Value| {
        app.send(Request::new("POST", "/api/admin/streamers").key(&admin).json(body)).await
    };
    assert_eq!(post(&new).await.problem(422, "invalid")["errors"][0]["field"], "platform");
    new["platform"] = json!("twitch");
    new["followers"] = json!(7);
    let made = post(&new).await.ok(201);
    let id = gametriggers_actors::domain::id::StreamerId(made["streamer_id"].as_i64().unwrap());
    let profile = app.engine().streamers.get(&id).unwrap().profile.clone();
    assert_eq!((profile.platform.code(), profile.followers, profile.mature), ("twitch", 7, false));
    app.finish().await;
}
