//! What is on record, the plays of a campaign, and versions of what was there before.

use crate::support::http::Request;
use crate::support::store::{On, ask, get, named, on_each_store, walk};
use crate::support::{PRICE, TestApp};
use gametriggers_actors::domain::id::{CampaignId, CreativeId, PlayId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::ports::{Batch, PlayOutcome, PlayRecord};
use serde_json::{Value, json};

async fn operators_read_what_they_did_and_can_follow_the_chain(on: On) {
    let app = on.start().await;
    let (admin, brand) = (app.admin_key().await, app.brand("Crisp", 0).await);
    for name in ["one", "two", "three"] {
        ask(&app, ("POST", "/api/admin/brands"), &admin, &json!({ "name": name, "reason": "why" }))
            .await
            .ok(201);
    }
    app.engine().ports.audit.seal(app.engine().now()).await.unwrap();
    let path = "/api/admin/audit?limit=1";
    let add = async || {
        let body = json!({ "name": "later", "reason": "meanwhile" });
        ask(&app, ("POST", "/api/admin/brands"), &admin, &body).await.ok(201);
    };
    let before = walk(&app, (path, &admin), "id", async || {}).await;
    assert_eq!(before.len(), 3);
    assert_eq!(walk(&app, (path, &admin), "id", add).await, before, "newest first, whatever comes meanwhile");
    let page = get(&app, "/api/admin/audit?action=add_account&limit=200", &admin).await.ok(200);
    let items = page["items"].as_array().unwrap();
    let sealed: Vec<&Value> = items.iter().filter(|one| !one["block"].is_null()).collect();
    assert_eq!((items.len() > 3, sealed.len()), (true, 3));
    let chain = app.engine().ports.audit.verify().await.unwrap();
    let hex = |hash: &[u8]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let head = json!(hex(&chain.heads[0].1));
    assert!(
        sealed.iter().all(|one| one["block"]["hash"] == head && one["block"]["number"] == 1),
        "{sealed:?}"
    );
    let hashes: std::collections::HashSet<_> = items.iter().map(|one| one["hash"].to_string()).collect();
    assert_eq!(hashes.len(), items.len());
    assert_eq!((&sealed[0]["reason"], &sealed[0]["subject"]), (&json!("why"), &json!("brand:4")));
    let count = async |query: &str| {
        let page = get(&app, &format!("/api/admin/audit?limit=200&{query}"), &admin).await.ok(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("subject_kind=brand&subject_id=4").await, 1);
    assert_eq!(count("subject_kind=streamer").await, 0);
    assert_eq!(count("actor=nobody").await, 0);
    assert_eq!(count("until=2020-01-01T00:00:00Z").await, 0);
    assert_eq!(count("since=2020-01-01T00:00:00Z").await, items.len());
    for (query, field) in [
        ("subject_id=4", "subject_kind"),
        ("subject_kind=B%25", "subject_kind"),
        ("since=yesterday", "since"),
        ("after=1.2", "after"),
        ("actor=", "actor"),
    ] {
        let problem = get(&app, &format!("/api/admin/audit?{query}"), &admin).await.problem(422, "invalid");
        assert_eq!(named(&problem), [field]);
    }
    get(&app, "/api/admin/audit", &brand.key).await.problem(403, "forbidden");
    get(&app, "/api/admin/audit", "").await.problem(401, "unauthorized");
    on.finish(app).await;
}

async fn play(app: &TestApp, campaign: CampaignId, n: u8, outcome: PlayOutcome) {
    let at = app.engine().now();
    let record = PlayRecord {
        play: PlayId::mint(at, [n; 10]),
        at,
        streamer: gametriggers_actors::domain::id::StreamerId(1),
        campaign,
        creative: CreativeId(1),
        outcome,
        reason: (outcome == PlayOutcome::Rejected).then_some(Reason::TooShort),
        shown: Some(at),
        viewers: 4711,
        currency: Currency::INR,
        split: Split::of(Micros(PRICE), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: Some("secret".into()),
        clicks: None,
    };
    app.engine().ports.log.append(&Batch { plays: vec![record], ..Batch::default() }).await.unwrap();
}

async fn a_brand_reads_the_plays_of_its_campaign(on: On) {
    let app = on.start().await;
    let (brand, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Rival", 0).await);
    let streamer = app.streamer("Nova").await;
    let campaign = app.campaign(&brand, "Crunch", 5).await;
    let other = app.campaign(&brand, "Munch", 5).await;
    for (n, outcome) in
        [PlayOutcome::Settled, PlayOutcome::Rejected, PlayOutcome::Skipped].into_iter().enumerate()
    {
        play(&app, campaign, u8::try_from(n).unwrap(), outcome).await;
        play(&app, other, 100 + u8::try_from(n).unwrap(), outcome).await;
    }
    let path = format!("/api/campaigns/{campaign}/plays");
    let page = get(&app, &path, &brand.key).await.ok(200);
    let plays = page["items"].as_array().unwrap();
    let told: Vec<_> = plays.iter().map(|play| play["outcome"].as_str().unwrap()).collect();
    assert_eq!(told, ["skipped", "rejected", "settled"], "newest first");
    assert_eq!((&plays[1]["reason"], &plays[0]["reason"]), (&json!("too_short"), &Value::Null));
    assert_eq!((&plays[0]["streamer_id"], &plays[0]["streamer_name"]), (&json!(1), &json!("Nova")));
    assert!(!page.to_string().contains("4711") && !page.to_string().contains("secret"), "{page}");
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = get(&app, &format!("{path}?limit=1{next}"), &brand.key).await.ok(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|play| play["play_id"].clone()));
        let Some(last) = page["next"].as_str() else { break };
        next = format!("&before={last}");
        play(&app, campaign, 9, PlayOutcome::Shown).await;
    }
    assert_eq!(seen, plays.iter().map(|play| play["play_id"].clone()).collect::<Vec<_>>());
    let rejected = get(&app, &format!("{path}?outcome=rejected&reason=too_short"), &brand.key).await.ok(200);
    assert_eq!(rejected["items"].as_array().unwrap().len(), 1);
    let problem = get(&app, &format!("{path}?outcome=lost&reason=bad&before=x"), &brand.key).await;
    assert_eq!(named(&problem.problem(422, "invalid")), ["outcome", "reason", "before"]);
    for key in [&rival.key, &streamer.key] {
        get(&app, &path, key).await.problem(404, "not-found");
    }
    on.finish(app).await;
}

async fn settings_rules_and_endpoints_have_versions(on: On) {
    let app = on.start().await;
    let (admin, brand, nova) =
        (app.admin_key().await, app.brand("Crisp", 0).await, app.streamer("Nova").await);
    let rule = json!({ "name": "Apart", "type": "cooldown_period", "severity": "blocking", "priority": 5,
        "config": { "scope": "brand", "cooldown_days": 7 } });
    let made = ask(&app, ("POST", "/api/conflict-rules"), &admin, &rule).await;
    let endpoint = json!({ "url": "https://hooks.example/x", "events": ["campaign.created"] });
    let hook = ask(&app, ("POST", "/api/webhooks"), &brand.key, &endpoint).await;
    let settings = format!("/api/streamers/{}/settings", nova.id);
    let rule = format!("/api/conflict-rules/{}", made.ok(201)["id"]);
    let hook = format!("/api/webhooks/{}", hook.ok(201)["id"]);
    for (path, key, body) in [
        (&settings, &nova.key, json!({ "volume_percent": 40 })),
        (&rule, &admin, json!({ "priority": 6 })),
        (&hook, &brand.key, json!({ "description": "mine" })),
    ] {
        let read = get(&app, path, key).await;
        let version = read.header("etag").to_owned();
        assert_eq!((read.status, version.as_str()), (200, "\"1\""), "{path}");
        let change = |version: &str| {
            app.send(Request::new("PATCH", path).key(key).header("if-match", version).json(&body))
        };
        let after = change(&version).await;
        after.ok(200);
        assert_eq!(after.header("etag"), "\"2\"", "{path}");
        change(&version).await.problem(412, "changed");
        assert_eq!(get(&app, path, key).await.header("etag"), "\"2\"", "{path}");
        ask(&app, ("PATCH", path), key, &body).await.ok(200);
        change("\"3\"").await.ok(200);
    }
    let known = Request::get(&settings).key(&nova.key).header("if-none-match", "\"4\"");
    assert_eq!(app.send(known).await.status, 304);
    on.finish(app).await;
}

on_each_store! {
    operators_read_what_they_did_and_can_follow_the_chain;
    a_brand_reads_the_plays_of_its_campaign;
    settings_rules_and_endpoints_have_versions;
}
