//! Rules that operators keep over the API: what is refused, what reaches the streams, and what is counted.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::postgres;
use crate::support::redis::{prefix, shared_url};
use crate::support::{Brand, PRICE, Streamer, TestApp, World, campaign_body, eventually};
use gametriggers_actors::domain::id::{CampaignId, CreativeId, PlayId, RuleId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::streamer::live::Market;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::{Batch, PlayOutcome, PlayRecord};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const RULES: &str = "/api/conflict-rules";

/// Snacks keep apart for an hour.
fn apart() -> Value {
    json!({
        "name": "Snacks keep apart", "type": "category_exclusivity", "severity": "blocking", "priority": 9,
        "config": { "categories": ["snacks"], "span_s": 3600 },
    })
}

/// The same with some fields replaced.
fn with(mut body: Value, more: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    more.as_object()
        .unwrap()
        .iter()
        .for_each(|(name, value)| drop(fields.insert(name.clone(), value.clone())));
    body
}

async fn post(app: &TestApp, key: &str, path: &str, body: &Value) -> Response {
    app.send(Request::new("POST", format!("{RULES}{path}")).key(key).json(body)).await
}

async fn get(app: &TestApp, key: &str, path: &str) -> Response {
    app.send(Request::get(format!("{RULES}{path}")).key(key)).await
}

async fn patch(app: &TestApp, key: &str, id: &Value, body: &Value) -> Response {
    app.send(Request::new("PATCH", format!("{RULES}/{id}")).key(key).json(body)).await
}

async fn delete(app: &TestApp, key: &str, path: &str) -> Response {
    app.send(Request::new("DELETE", format!("{RULES}{path}")).key(key)).await
}

/// The fields that an answer refuses.
fn refused(answer: &Response) -> Vec<String> {
    let problem = answer.problem(422, "invalid");
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// How far back the rules look that are in force, in milliseconds.
fn in_force(app: &TestApp) -> i64 {
    app.engine().catalogue.load().guide().rules.longest().0
}

#[actix_rt::test]
async fn rules_are_made_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let made = post(&app, &admin, "", &apart()).await;
    let rule = made.ok(201);
    let id = &rule["id"];
    assert_eq!(made.header("location"), format!("{RULES}/{id}"));
    assert_eq!(rule["config"], apart()["config"]);
    assert_eq!((&rule["is_active"], &rule["times_triggered"]), (&json!(true), &json!(0)));
    assert_eq!(rule["created_by"].as_str().unwrap().len(), 8);
    assert_eq!(get(&app, &admin, &format!("/{id}")).await.ok(200), rule);
    // What is shown can be sent back.
    let again = json!({ "config": rule["config"], "name": rule["name"], "severity": "warning" });
    let changed = patch(&app, &admin, id, &again).await.ok(200);
    assert_eq!((&changed["severity"], &changed["config"]), (&json!("warning"), &rule["config"]));
    let week = with(
        apart(),
        json!({
            "name": "Brands cool down", "type": "cooldown_period",
            "config": { "scope": "brand", "cooldown_days": 7 }, "reason": "asked for",
        }),
    );
    let week = post(&app, &admin, "", &week).await.ok(201);
    assert_eq!(week["config"], json!({ "scope": "brand", "span_s": 604_800 }));
    let page = get(&app, &admin, "?limit=1").await.ok(200);
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!(id.to_string())));
    let rest = get(&app, &admin, &format!("?after={id}")).await.ok(200);
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&week["id"], &Value::Null));
    let off = patch(&app, &admin, &week["id"], &json!({ "is_active": false })).await.ok(200);
    assert_eq!(off["is_active"], false);
    eventually("only the first looks back", async || in_force(&app) == 3_600_000).await;
    assert_eq!(delete(&app, &admin, &format!("/{id}?reason=done")).await.status, 204);
    eventually("no rule is in force", async || in_force(&app) == 0).await;
    delete(&app, &admin, &format!("/{id}")).await.problem(404, "not-found");
    get(&app, &admin, &format!("/{id}")).await.problem(404, "not-found");
    patch(&app, &admin, id, &json!({})).await.problem(404, "not-found");
    let audit = &app.engine().ports.audit;
    audit.seal(app.engine().now()).await.unwrap();
    let chain = audit.verify().await.unwrap();
    assert_eq!((chain.actions, chain.first_bad), (5, None), "two made, two changed, one deleted");
    app.finish().await;
}

#[actix_rt::test]
async fn a_contradiction_changes_nothing_and_strangers_are_turned_away() {
    let app = TestApp::start().await;
    let (admin, brand, streamer) =
        (app.admin_key().await, app.brand("Crisp", 0).await, app.streamer("Nova").await);
    let bad = |more| post_body(&app, &admin, with(apart(), more));
    assert_eq!(refused(&bad(json!({ "type": "exclusivity" })).await), ["type"]);
    assert_eq!(refused(&bad(json!({ "config": {} })).await), ["config.span_s"]);
    let limit = json!({ "type": "simultaneous_limit", "config": { "campaigns_max": 0, "span_s": 60 } });
    assert_eq!(refused(&bad(limit).await), ["config.campaigns_max"]);
    let foreign = json!({ "name": " ", "config": { "competitors": [1], "span_s": 60 } });
    assert_eq!(refused(&bad(foreign).await), ["name", "config.competitors"]);
    let many: Vec<String> = (0..101).map(|n| format!("c{n}")).collect();
    let long = json!({ "config": { "categories": many, "span_s": 60 } });
    assert_eq!(refused(&bad(long).await), ["config.categories"]);
    bad(json!({ "is_actve": true })).await.problem(400, "malformed");
    bad(json!({ "config": { "spans": 5 } })).await.problem(400, "malformed");
    bad(json!({ "priority": "high" })).await.problem(400, "malformed");
    bad(json!({ "reason": 7 })).await.problem(400, "malformed");
    post(&app, &admin, "", &json!([1])).await.problem(400, "malformed");
    assert_eq!(get(&app, &admin, "").await.ok(200)["items"], json!([]));
    let paths = [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/1"),
        ("PATCH", "/1"),
        ("DELETE", "/1"),
        ("POST", "/dry-run"),
        ("GET", "/overrides"),
        ("POST", "/overrides"),
        ("DELETE", "/overrides/1"),
        ("GET", "/violations"),
    ];
    let over = json!({ "campaign_id": 1, "reason": "x", "expires_at": "2026-01-01T00:00:00Z" });
    for (method, path) in paths {
        let body = if path == "/overrides" { over.clone() } else { json!({}) };
        let request = || Request::new(method, format!("{RULES}{path}")).json(&body);
        app.send(request()).await.problem(401, "unauthorized");
        app.send(request().key(&streamer.overlay_key)).await.problem(401, "unauthorized");
        for key in [&brand.key, &streamer.key] {
            app.send(request().key(key)).await.problem(403, "forbidden");
        }
    }
    app.finish().await;
}

async fn post_body(app: &TestApp, key: &str, body: Value) -> Response {
    post(app, key, "", &body).await
}

/// A streamer whose last ad was of one brand, and a dearer campaign of its rival in the same category.
struct Rivals {
    streamer: Streamer,
    stage: Stage,
    brand: Brand,
    first: CampaignId,
    second: CampaignId,
}

impl Rivals {
    async fn meet(app: &TestApp) -> Self {
        let (crisp, brand) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Rival", 100 * PRICE).await);
        let streamer = app.streamer("Nova").await;
        let mut stage = Stage::open(app, &streamer).await;
        let first = app.campaign(&crisp, "Crunch time", 10).await;
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        app.change_campaign(&crisp.key, first, "", &json!({ "status": "ended" })).await.ok(200);
        eventually("the first has ended", async || app.engine().catalogue.load().entry(first).is_none())
            .await;
        let dearer = json!({ "type": "flat", "rate": { "amount_micros": 2 * PRICE, "currency": "INR" } });
        let body = with(campaign_body("Crackle", 40), json!({ "pricing": dearer }));
        let made = app.create_campaign(&brand.key, "Crackle", &body).await.ok(201);
        let second = CampaignId(made["id"].as_i64().unwrap());
        app.wait_for_campaign(second).await;
        Self { streamer, stage, brand, first, second }
    }

    /// The reason why an ad that is asked for does not come.
    async fn blocked(&mut self) -> Value {
        self.stage.play_next().await["reason"].clone()
    }
}

#[actix_rt::test]
async fn a_rule_and_an_override_reach_the_stream_and_are_counted() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let mut rivals = Rivals::meet(&app).await;
    let asked = Instant::now();
    let rule = post(&app, &admin, "", &apart()).await.ok(201)["id"].clone();
    eventually("the rule is in force", async || in_force(&app) == 3_600_000).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(rivals.blocked().await, "category_exclusivity", "it remembers a campaign that has ended");
    let body = json!({
        "campaign_id": rivals.second.0, "streamer_id": rivals.streamer.id.0, "rule_id": rule,
        "reason": "the final of the cup", "expires_at": after(Millis::seconds(4)),
    });
    let granted = post(&app, &admin, "/overrides", &body).await.ok(201);
    assert_eq!((&granted["in_force"], &granted["reason"]), (&json!(true), &body["reason"]));
    let mut prepared = rivals.stage.play_next().await;
    while prepared["ok"] != true {
        assert_eq!(prepared["reason"], "category_exclusivity");
        assert!(asked.elapsed() < Duration::from_secs(4), "the override does not come");
        prepared = rivals.stage.play_next().await;
    }
    let prepare = rivals.stage.page.expect("prepare").await;
    rivals
        .stage
        .page
        .say(&json!({
            "type": "failed", "play_id": prepare["play_id"], "reason": "load",
        }))
        .await;
    eventually("the override expires at its second", async || {
        let list = get(&app, &admin, "/overrides").await.ok(200);
        list["items"][0]["in_force"] == false
    })
    .await;
    assert_eq!(rivals.blocked().await, "category_exclusivity", "and nobody had to tell the stream");
    counted(&app, &admin, (&rivals, &rule)).await;
    app.finish().await;
}

/// What the API says of a rule that blocked at least twice and was overridden once.
async fn counted(app: &TestApp, admin: &str, (rivals, rule): (&Rivals, &Value)) {
    let sums =
        async |by: &str| get(app, admin, &format!("/violations?by={by}")).await.ok(200)["items"].clone();
    eventually("all is counted", async || {
        let sums = sums("rule").await;
        sums[0]["blocked"].as_u64() >= Some(2) && sums[0]["overridden"] == 1
    })
    .await;
    let by_rule = sums("rule").await;
    assert_eq!((&by_rule[0]["rule_id"], &by_rule[0]["name"]), (rule, &json!("Snacks keep apart")));
    let numbers = |sum: &Value| (sum["spoken"].clone(), sum["blocked"].clone(), sum["overridden"].clone());
    let blocked = by_rule[0]["blocked"].as_u64().unwrap();
    assert_eq!(numbers(&by_rule[0]), (json!(blocked + 1), json!(blocked), json!(1)));
    for (by, field, value) in [
        ("category", "category", json!("snacks")),
        ("brand", "brand_id", json!(rivals.brand.id.0)),
        ("streamer", "streamer_id", json!(rivals.streamer.id.0)),
    ] {
        let of = sums(by).await;
        assert_eq!((&of[0][field], numbers(&of[0])), (&value, numbers(&by_rule[0])), "{by}");
        assert_eq!(of.as_array().unwrap().len(), 1, "{by}");
    }
    let days = sums("day").await;
    let sum =
        |field: &str| days.as_array().unwrap().iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("blocked"), sum("overridden")), (blocked, 1));
    let shown = get(app, admin, &format!("/{rule}")).await.ok(200);
    assert_eq!(shown["times_triggered"], blocked + 1);
    assert_eq!(shown["conflicts_blocked"], blocked);
    assert_eq!(get(app, admin, "/overrides").await.ok(200)["items"][0]["times_used"], 1);
    get(app, admin, "/violations?by=planet").await.problem(422, "invalid");
    get(app, admin, "/violations?from=2020-01-01").await.problem(422, "invalid");
}

/// A moment of RFC 3339.
fn after(span: Millis) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(span.0)).to_string()
}

#[actix_rt::test]
async fn a_rule_outlives_a_restart_with_all_that_it_looks_back_on() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let Rivals { streamer, first, second, .. } = Rivals::meet(&app).await;
    post(&app, &admin, "", &apart()).await.ok(201);
    let app = app.stop().await.start(None).await;
    assert!(app.engine().catalogue.load().entry(first).is_none(), "it has ended");
    app.wait_for_campaign(second).await;
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "category_exclusivity");
    app.finish().await;
}

#[actix_rt::test]
async fn an_override_is_granted_with_reason_and_end_and_can_be_revoked() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let mut rivals = Rivals::meet(&app).await;
    post(&app, &admin, "", &apart()).await.ok(201);
    eventually("the rule is in force", async || in_force(&app) > 0).await;
    assert_eq!(rivals.blocked().await, "category_exclusivity");
    let good = json!({
        "campaign_id": rivals.second.0, "reason": "an emergency", "expires_at": after(Millis::minutes(60)),
    });
    let bad = |more| post_override(&app, &admin, with(good.clone(), more));
    assert_eq!(refused(&bad(json!({ "reason": " " })).await), ["reason"]);
    for expires in [after(Millis::seconds(-1)), after(Millis::minutes(60 * 24 * 31)), "soon".to_owned()] {
        assert_eq!(refused(&bad(json!({ "expires_at": expires })).await), ["expires_at"]);
    }
    for field in ["campaign_id", "streamer_id", "rule_id"] {
        assert_eq!(refused(&bad(json!({ field: 4711 })).await), [field]);
    }
    bad(json!({ "until": "then" })).await.problem(400, "malformed");
    let granted = bad(json!({})).await.ok(201);
    let stage = &mut rivals.stage;
    eventually("every rule lets it pass", async || {
        app.engine().ports.rules.overrides(app.engine().now()).await.unwrap().len() == 1
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let path = format!("/overrides/{}", granted["id"]);
    assert_eq!(delete(&app, &admin, &format!("{path}?reason=over")).await.status, 204);
    assert_eq!(delete(&app, &admin, &path).await.status, 204, "twice is once");
    delete(&app, &admin, "/overrides/4711").await.problem(404, "not-found");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rivals.blocked().await, "category_exclusivity");
    let item = get(&app, &admin, "/overrides").await.ok(200)["items"][0].clone();
    assert_eq!((&item["in_force"], item["revoked_at"].is_string()), (&json!(false), true));
    let audit = &app.engine().ports.audit;
    audit.seal(app.engine().now()).await.unwrap();
    let chain = audit.verify().await.unwrap();
    assert_eq!((chain.actions, chain.first_bad), (3, None), "a rule, a grant and its end");
    app.finish().await;
}

async fn post_override(app: &TestApp, key: &str, body: Value) -> Response {
    post(app, key, "/overrides", &body).await
}

#[actix_rt::test]
async fn a_dry_run_says_what_a_rule_would_have_blocked() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let (one, two) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Rival", 10 * PRICE).await);
    let (a, b) = (app.campaign(&one, "Crunch", 5).await, app.campaign(&two, "Crackle", 5).await);
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let engine = app.engine();
    let minutes_ago = |minutes: i64| engine.now() - Millis::minutes(minutes);
    let play = |n: u8, streamer: &Streamer, campaign, minutes| PlayRecord {
        play: PlayId::mint(minutes_ago(minutes), [n; 10]),
        at: minutes_ago(minutes),
        streamer: streamer.id,
        campaign,
        creative: CreativeId(1),
        outcome: PlayOutcome::Settled,
        reason: None,
        shown: Some(minutes_ago(minutes)),
        viewers: 1,
        currency: Currency::INR,
        split: Split::of(Micros(0), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    };
    let day = 24 * 60;
    let plays = [
        play(1, &nova, a, 2 * day + 90),
        // Before the window of two days: it keeps the next one out, and is not counted.
        play(2, &nova, a, 2 * day + 10),
        play(3, &nova, b, 2 * day - 20),
        // The one before was not shown in that world, so this one is free.
        play(4, &nova, a, 2 * day - 30),
        play(5, &nova, b, 300),
        play(6, &vega, a, 290),
        play(7, &nova, a, 280),
        play(8, &vega, a, 270),
        PlayRecord { outcome: PlayOutcome::Skipped, shown: None, ..play(9, &vega, b, 265) },
        play(10, &vega, b, 100),
    ];
    engine.ports.log.append(&Batch { plays: plays.to_vec(), ..Batch::default() }).await.unwrap();
    let dry = |more: Value| post_dry(&app, &admin, with(apart(), more));
    let found = dry(json!({ "days": 2 })).await.ok(200);
    assert_eq!((&found["plays"], &found["spoken"], &found["blocked"]), (&json!(7), &json!(2), &json!(2)));
    assert_eq!(found["complete"], true);
    let top = json!([{ "campaign_id": a.0, "plays": 1 }, { "campaign_id": b.0, "plays": 1 }]);
    assert_eq!(found["campaigns"], top);
    assert_eq!(found["streamers"], json!([{ "streamer_id": nova.id.0, "plays": 2 }]));
    let examples: Vec<_> =
        found["examples"].as_array().unwrap().iter().map(|e| e["play_id"].as_str().unwrap()).collect();
    assert_eq!(examples, [plays[2].play.to_string(), plays[6].play.to_string()]);
    let days = found["days"].as_array().unwrap();
    assert_eq!(days.iter().map(|day| day["plays"].as_u64().unwrap()).sum::<u64>(), 2);
    // A rule that only warns takes nothing out of the past.
    let warned = dry(json!({ "days": 2, "severity": "warning" })).await.ok(200);
    assert_eq!((&warned["spoken"], &warned["blocked"]), (&json!(3), &json!(0)));
    let short = dry(json!({ "days": 1 })).await.ok(200);
    assert_eq!((&short["plays"], &short["blocked"]), (&json!(5), &json!(1)));
    for days in [json!(0), json!(31)] {
        assert_eq!(refused(&dry(json!({ "days": days })).await), ["days"]);
    }
    let wrong = json!({ "days": 3, "config": { "span_s": 0 } });
    assert_eq!(refused(&dry(wrong).await), ["config.span_s"]);
    assert_eq!(get(&app, &admin, "").await.ok(200)["items"], json!([]), "nothing was made");
    app.finish().await;
}

async fn post_dry(app: &TestApp, key: &str, body: Value) -> Response {
    post(app, key, "/dry-run", &body).await
}

#[actix_rt::test]
async fn the_rules_of_the_file_are_in_force_from_the_start_and_go_with_it() {
    const FILE: &str = concat!(
        r#"[{ name = "Of the file", type = "cooldown_period", severity = "blocking", "#,
        r#"config = { scope = "streamer", span_s = 7 } }]"#,
    );
    let app = TestApp::with(&[("CONFLICT_RULES", FILE)]).await;
    assert_eq!(in_force(&app), 7000);
    let admin = app.admin_key().await;
    let own = post(&app, &admin, "", &apart()).await.ok(201);
    let list = get(&app, &admin, "").await.ok(200)["items"].clone();
    let (id, rule) = (&list[0]["id"], &list[0]);
    assert_eq!((&rule["name"], &rule["created_by"]), (&json!("Of the file"), &json!("config")));
    for change in [json!({ "name": "Mine" }), json!({ "priority": 5 }), json!({ "config": { "span_s": 5 } })]
    {
        patch(&app, &admin, id, &change).await.problem(409, "configured-rule");
    }
    delete(&app, &admin, &format!("/{id}")).await.problem(409, "configured-rule");
    assert_eq!(patch(&app, &admin, id, &json!({ "is_active": false })).await.ok(200)["is_active"], false);
    let world = app.stop().await;
    let app = world.start(None).await;
    let active = async |app: &TestApp| get(app, &admin, &format!("/{id}")).await.ok(200)["is_active"].clone();
    assert_eq!(active(&app).await, true, "what the file says holds again");
    let world = app.stop().await;
    let app = world.without("CONFLICT_RULES").start(None).await;
    assert_eq!(active(&app).await, false, "it stands there no more");
    let kept = get(&app, &admin, &format!("/{}", own["id"])).await.ok(200);
    assert_eq!((&kept["is_active"], &kept["name"]), (&json!(true), &own["name"]));
    app.finish().await;
}

#[actix_rt::test]
async fn two_nodes_have_a_new_rule_and_an_override_in_force_within_a_second() {
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
    let admin = one.admin_key().await;
    let brand = one.brand("Crisp", 10 * PRICE).await;
    let campaign = one.campaign(&brand, "Crunch", 5).await;
    other.wait_for_campaign(campaign).await;
    let asked = Instant::now();
    let rule = post(&one, &admin, "", &apart()).await.ok(201);
    eventually("the other node has it", async || in_force(&other) == 3_600_000).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let override_of = |app: &TestApp| {
        use gametriggers_actors::domain::campaign::Category;
        use gametriggers_actors::domain::conflict::{Contender, Presence};
        use gametriggers_actors::domain::id::{BrandId, StreamerId};
        let (catalogue, now) = (app.engine().catalogue.load(), app.engine().now());
        let category = Category::new("snacks".into());
        let contender = Contender { campaign, brand: brand.id, category: &category, streamer: StreamerId(1) };
        let rival = Presence {
            campaign: CampaignId(4711),
            brand: BrandId(4711),
            category: category.clone(),
            last_shown: now,
        };
        let mut heard = Vec::new();
        catalogue.guide().rules.blocks(contender, &[rival], now, |hit| heard.push(hit));
        heard.first().map(|hit| (hit.rule, hit.overridden.is_some()))
    };
    let id = RuleId(rule["id"].as_i64().unwrap());
    assert_eq!(override_of(&other), Some((id, false)));
    let body = json!({
        "campaign_id": campaign.0, "reason": "for the other node", "expires_at": after(Millis::minutes(5)),
    });
    let asked = Instant::now();
    post(&one, &admin, "/overrides", &body).await.ok(201);
    eventually("the other node lets it pass", async || override_of(&other) == Some((id, true))).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}
