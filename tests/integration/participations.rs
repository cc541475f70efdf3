//! Taking part in a campaign: the gate of the conflict rules at an application and at an approval.

use crate::support::http::{Request, Response};
use crate::support::{Brand, PRICE, Streamer, TestApp, campaign_body, days_from_now, eventually};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::streamer::live::Market;
use serde_json::{Value, json};

async fn apply(app: &TestApp, streamer: &Streamer, campaign: CampaignId) -> Response {
    let path = format!("/api/campaigns/{campaign}/participations");
    app.send(Request::new("POST", path).key(&streamer.key)).await
}

async fn answer(
    app: &TestApp,
    key: &str,
    (campaign, streamer): (CampaignId, &Streamer),
    status: &str,
) -> Response {
    let path = format!("/api/campaigns/{campaign}/participations/{}", streamer.id);
    app.send(Request::new("PATCH", path).key(key).json(&json!({ "status": status }))).await
}

async fn rule(app: &TestApp, admin: &str, body: Value) -> Value {
    let made = app.send(Request::new("POST", "/api/conflict-rules").key(admin).json(&body)).await.ok(201);
    let id = made["id"].as_i64().unwrap();
    eventually("the rule is in force", async || {
        app.engine().catalogue.load().guide().rules.rules().iter().any(|rule| rule.id.0 == id)
    })
    .await;
    made["id"].clone()
}

/// A campaign for participants only.
async fn closed(app: &TestApp, brand: &Brand, name: &str) -> CampaignId {
    let mut body = campaign_body(name, 5);
    body["open"] = json!(false);
    let made = app.create_campaign(&brand.key, name, &body).await.ok(201);
    let id = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(id).await;
    id
}

fn candidates(app: &TestApp, streamer: &Streamer) -> Vec<CampaignId> {
    let known = app.engine().streamers.get(&streamer.id).unwrap().clone();
    app.engine().catalogue.load().candidates(&known, 100).iter().map(|c| c.campaign.id).collect()
}

#[actix_rt::test]
async fn a_streamer_asks_and_the_brand_answers() {
    let app = TestApp::start().await;
    let (brand, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Rival", 10 * PRICE).await);
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let campaign = closed(&app, &brand, "Crunch").await;
    let applied = apply(&app, &nova, campaign).await.ok(201);
    assert_eq!((&applied["status"], &applied["rules"]), (&json!("applied"), &json!([])));
    assert_eq!(apply(&app, &nova, campaign).await.ok(200)["status"], "applied", "once is enough");
    assert_eq!(candidates(&app, &nova), []);
    // Nobody else sees or decides it.
    let of = (campaign, &nova);
    answer(&app, "", of, "approved").await.problem(401, "unauthorized");
    for key in [&rival.key, &vega.key] {
        answer(&app, key, of, "approved").await.problem(404, "not-found");
    }
    answer(&app, &nova.key, of, "approved").await.problem(409, "participation-status");
    answer(&app, &brand.key, (campaign, &vega), "approved").await.problem(404, "not-found");
    answer(&app, &brand.key, of, "ended").await.problem(422, "invalid");
    let path = format!("/api/campaigns/{campaign}/participations");
    app.send(Request::new("POST", &path)).await.problem(401, "unauthorized");
    app.send(Request::new("POST", &path).key(&nova.overlay_key)).await.problem(401, "unauthorized");
    app.send(Request::new("POST", &path).key(&brand.key)).await.problem(422, "invalid");
    apply(&app, &nova, CampaignId(4711)).await.problem(404, "not-found");
    assert_eq!(answer(&app, &brand.key, of, "approved").await.ok(200)["status"], "approved");
    eventually("the streamer may play it", async || candidates(&app, &nova) == [campaign]).await;
    assert_eq!(candidates(&app, &vega), []);
    let admin = app.admin_key().await;
    assert_eq!(answer(&app, &admin, of, "declined").await.ok(200)["status"], "declined");
    eventually("and no more", async || candidates(&app, &nova).is_empty()).await;
    app.change_campaign(&brand.key, campaign, "", &json!({ "status": "ended" })).await.ok(200);
    apply(&app, &vega, campaign).await.problem(409, "campaign-ended");
    answer(&app, &brand.key, of, "approved").await.problem(409, "campaign-ended");
    app.finish().await;
}

#[actix_rt::test]
async fn a_brand_invites_and_either_side_ends_it() {
    let app = TestApp::start().await;
    let (brand, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Rival", 10 * PRICE).await);
    let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
    let campaign = closed(&app, &brand, "Crunch").await;
    let of = (campaign, &nova);
    let path = format!("/api/campaigns/{campaign}/participations");
    let invite = async |key: &str, id: i64| {
        let body = json!({ "streamer_id": id });
        app.send(Request::new("POST", &path).key(key).json(&body)).await
    };
    invite(&rival.key, nova.id.0).await.problem(404, "not-found");
    invite(&brand.key, 4711).await.problem(404, "not-found");
    invite(&vega.key, nova.id.0).await.problem(403, "forbidden");
    assert_eq!(invite(&brand.key, nova.id.0).await.ok(201)["status"], "invited");
    assert_eq!(invite(&brand.key, nova.id.0).await.ok(200)["status"], "invited", "once is enough");
    answer(&app, &brand.key, of, "approved").await.problem(409, "participation-status");
    assert_eq!(candidates(&app, &nova), []);
    assert_eq!(answer(&app, &nova.key, of, "approved").await.ok(200)["status"], "approved");
    eventually("who was asked plays after their own yes", async || candidates(&app, &nova) == [campaign])
        .await;
    apply(&app, &vega, campaign).await.ok(201);
    // Both sides read the same, page by page.
    let list = async |path: String, key: &str| app.send(Request::get(path).key(key)).await;
    let all = list(path.clone(), &brand.key).await.ok(200);
    let statuses: Vec<_> = all["items"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!((statuses, &all["next"]), (vec![json!("approved"), json!("applied")], &Value::Null));
    let first = list(format!("{path}?limit=1"), &brand.key).await.ok(200);
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (1, &json!(nova.id.to_string())));
    let rest = list(format!("{path}?limit=1&after={}", nova.id), &brand.key).await.ok(200);
    assert_eq!(rest["items"][0]["streamer_id"], vega.id.0);
    let applied = list(format!("{path}?status=applied"), &brand.key).await.ok(200);
    assert_eq!(applied["items"].as_array().unwrap().len(), 1);
    list(format!("{path}?status=asleep"), &brand.key).await.problem(422, "invalid");
    list(path.clone(), &rival.key).await.problem(404, "not-found");
    list(path.clone(), &nova.key).await.problem(404, "not-found");
    let mine = format!("/api/streamers/{}/participations", nova.id);
    assert_eq!(list(mine.clone(), &nova.key).await.ok(200)["items"][0]["campaign_id"], campaign.0);
    list(mine.clone(), &vega.key).await.problem(404, "not-found");
    let one = format!("{path}/{}", nova.id);
    assert_eq!(list(one.clone(), &nova.key).await.ok(200)["status"], "approved");
    list(one, &vega.key).await.problem(404, "not-found");
    // The streamer goes away; the brand asks again, and says that it is done after the next yes.
    assert_eq!(answer(&app, &nova.key, of, "withdrawn").await.ok(200)["status"], "withdrawn");
    eventually("and plays no more", async || candidates(&app, &nova).is_empty()).await;
    assert_eq!(invite(&brand.key, nova.id.0).await.ok(201)["status"], "invited");
    answer(&app, &nova.key, of, "approved").await.ok(200);
    answer(&app, &nova.key, of, "completed").await.problem(409, "participation-status");
    assert_eq!(answer(&app, &brand.key, of, "completed").await.ok(200)["status"], "completed");
    assert_eq!(apply(&app, &nova, campaign).await.ok(200)["status"], "completed", "over is over");
    app.finish().await;
}

#[actix_rt::test]
async fn both_gates_name_every_rule_that_spoke_and_an_override_opens_them() {
    let app = TestApp::start().await;
    let (admin, nova) = (app.admin_key().await, app.streamer("Nova").await);
    let brand = app.brand("Crisp", 50 * PRICE).await;
    let (one, two) = (closed(&app, &brand, "Crunch").await, closed(&app, &brand, "Crackle").await);
    apply(&app, &nova, one).await.ok(201);
    apply(&app, &nova, two).await.ok(201);
    let limit = |name: &str, severity: &str, priority: i64, config: Value| {
        json!({ "name": name, "type": "simultaneous_limit", "severity": severity, "priority": priority,
            "config": config })
    };
    let all = json!({ "campaigns_max": 1, "span_s": 60 });
    let note = rule(&app, &admin, limit("Note", "advisory", 1, all.clone())).await;
    let block = rule(&app, &admin, limit("One at a time", "blocking", 5, all)).await;
    let snacks = json!({ "campaigns_max": 1, "categories": ["snacks"], "span_s": 120 });
    let warn = rule(&app, &admin, limit("One snack", "warning", 9, snacks)).await;
    answer(&app, &brand.key, (one, &nova), "approved").await.ok(200);
    let refused = answer(&app, &brand.key, (two, &nova), "approved").await.problem(409, "conflict-rules");
    let said = |rules: &Value| -> Vec<(Value, Value)> {
        rules.as_array().unwrap().iter().map(|r| (r["rule_id"].clone(), r["effect"].clone())).collect()
    };
    let expected = |blocked: &str| {
        vec![(warn.clone(), json!("noted")), (block.clone(), json!(blocked)), (note.clone(), json!("noted"))]
    };
    assert_eq!(said(&refused["rules"]), expected("blocked"), "also behind the one that blocks");
    assert_eq!(refused["rules"][1]["name"], "One at a time");
    assert_eq!(refused["rules"][1]["reason"], "simultaneous_limit");
    let three = closed(&app, &brand, "Crumble").await;
    let gate = apply(&app, &nova, three).await.problem(409, "conflict-rules");
    assert_eq!(said(&gate["rules"]), expected("blocked"));
    let granted = json!({
        "campaign_id": two.0, "streamer_id": nova.id.0, "rule_id": block,
        "reason": "both belong together", "expires_at": days_from_now(1),
    });
    let path = "/api/conflict-rules/overrides";
    app.send(Request::new("POST", path).key(&admin).json(&granted)).await.ok(201);
    let mut approved = None;
    for _ in 0..50 {
        let answer = answer(&app, &brand.key, (two, &nova), "approved").await;
        if answer.status == 200 {
            approved = Some(answer.json());
            break;
        }
        crate::support::sleep_ms(20).await;
    }
    let approved = approved.expect("the override opens the gate within a second");
    assert_eq!(approved["status"], "approved");
    assert_eq!(said(&approved["rules"]), expected("overridden"));
    assert!(approved["rules"][1]["override_id"].is_i64());
    apply(&app, &nova, three).await.problem(409, "conflict-rules");
    eventually("the gates count as well", async || {
        let shown = Request::get(format!("/api/conflict-rules/{block}")).key(&admin);
        let rule = app.send(shown).await.ok(200);
        rule["conflicts_blocked"].as_u64() >= Some(3)
            && rule["times_triggered"].as_u64().unwrap() == rule["conflicts_blocked"].as_u64().unwrap() + 1
    })
    .await;
    app.finish().await;
}
