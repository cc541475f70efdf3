//! Campaigns from the draft to the archive, with and without review, on both databases.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::{Brand, PRICE, TestApp, campaign_body, days_from_now, eventually, postgres};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};

/// What can be done to a campaign.
struct Desk<'a> {
    app: &'a TestApp,
    key: &'a str,
}

impl Desk<'_> {
    async fn send(&self, method: &'static str, path: &str, once: &str, body: &Value) -> Response {
        let request = Request::new(method, format!("/api/{path}")).key(self.key).idempotent(once);
        self.app.send(if body.is_null() { request } else { request.json(body) }).await
    }

    async fn make(&self, once: &str, body: &Value) -> Response {
        self.send("POST", "campaigns", once, body).await
    }

    async fn draft(&self, body: &Value) -> i64 {
        let mut body = body.clone();
        body["draft"] = json!(true);
        let made = self.make("", &body).await;
        assert_eq!(made.header("etag"), "\"1\"");
        let view = made.ok(201);
        assert_eq!(made.header("location"), format!("/api/campaigns/{}", view["id"]));
        assert_eq!((view["status"].as_str(), view["version"].as_i64()), (Some("draft"), Some(1)));
        view["id"].as_i64().unwrap()
    }

    async fn show(&self, id: i64) -> Response {
        self.app.send(Request::get(format!("/api/campaigns/{id}")).key(self.key)).await
    }

    async fn patch(&self, id: i64, body: Value) -> Response {
        self.send("PATCH", &format!("campaigns/{id}"), "", &body).await
    }

    async fn post(&self, id: i64, what: &str, once: &str) -> Response {
        self.send("POST", &format!("campaigns/{id}/{what}"), once, &Value::Null).await
    }

    /// A change that is meant for one version.
    async fn at(&self, version: i64, method: &'static str, path: &str, body: &Value) -> Response {
        let request = Request::new(method, format!("/api/campaigns/{path}")).key(self.key);
        let request = request.header("if-match", format!("\"{version}\"")).idempotent("at-one-version");
        self.app.send(if body.is_null() { request } else { request.json(body) }).await
    }
}

/// A server on each database.
async fn each() -> [TestApp; 2] {
    each_with(&[]).await
}

async fn each_with(more: &[(&str, &str)]) -> [TestApp; 2] {
    let url = postgres::database().await;
    let on_postgres: Vec<_> =
        [("DATABASE__URL", url.as_str())].into_iter().chain(more.iter().copied()).collect();
    [TestApp::with(more).await, TestApp::with(&on_postgres).await]
}

/// The end of a test on any database: the money agrees with itself.
async fn finish(app: TestApp) {
    for check in app.engine().ports.ledger.reconcile(true).await.unwrap() {
        assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
    }
    if app.database().exists() {
        app.finish().await;
    }
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().filter_map(|error| error["field"].as_str()).collect()
}

async fn play(app: &TestApp, brand: &Brand, id: i64) {
    app.wait_for_campaign(CampaignId(id)).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(app, &streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(CampaignId(id), &streamer, 1).await;
    let _ = brand;
}

/// A draft has no money and no numbers, and no streamer finds it.
async fn is_nowhere_yet(app: &TestApp, brand: &Brand, id: i64) {
    let desk = Desk { app, key: &brand.key };
    assert_eq!(app.available(brand).await, 10 * PRICE);
    assert!(app.engine().catalogue.load().entries().is_empty());
    for path in ["live", "metrics", "why", "participations"] {
        let answer = app.send(Request::get(format!("/api/campaigns/{id}/{path}")).key(&brand.key)).await;
        answer.problem(409, "campaign-not-launched");
    }
    let money = json!({ "amount": { "amount_micros": PRICE, "currency": "INR" } });
    let reserve =
        desk.send("POST", &format!("campaigns/{id}/budget/reservations"), "reserve-some", &money).await;
    reserve.problem(409, "campaign-not-launched");
    let streamer = app.streamer("Zed").await;
    let apply = Request::new("POST", format!("/api/campaigns/{id}/participations")).key(&streamer.key);
    app.send(apply).await.problem(404, "not-found");
}

#[actix_rt::test]
async fn a_draft_grows_until_it_is_whole_and_then_runs() {
    for app in each().await {
        let brand = app.brand("Crisp", 10 * PRICE).await;
        let desk = Desk { app: &app, key: &brand.key };
        let id = desk.draft(&json!({})).await;
        let empty = desk.show(id).await.ok(200);
        assert_eq!(
            (&empty["name"], &empty["budget"], &empty["brand_id"]),
            (&Value::Null, &Value::Null, &json!(brand.id.0))
        );
        let missing = desk.post(id, "submit", "too-early").await.problem(422, "invalid");
        let needed = ["name", "category", "pricing.rate", "budget", "landing_url", "creatives"];
        assert_eq!(fields(&missing), needed);
        // What is there is checked.
        let wrong = json!({ "name": "",
            "pricing": { "type": "cpm", "rate": { "amount_micros": 1, "currency": "INR" } },
            "requirements": { "text": "x".repeat(2001), "lines": [""] }, "status": "active" });
        let refused = desk.patch(id, wrong.clone()).await.problem(422, "invalid");
        assert_eq!(fields(&refused), ["status"]);
        let mut wrong = wrong;
        wrong.as_object_mut().unwrap().remove("status");
        let refused = desk.patch(id, wrong).await.problem(422, "invalid");
        assert_eq!(fields(&refused), ["name", "pricing", "requirements.text", "requirements.lines"]);
        assert_eq!(desk.show(id).await.ok(200), empty);
        let mut body = campaign_body("Crunch time", 4);
        let creatives = body.as_object_mut().unwrap().remove("creatives").unwrap();
        let whole = desk.send("PUT", &format!("campaigns/{id}"), "", &body).await.ok(200);
        assert_eq!((whole["name"].as_str(), whole["version"].as_i64()), (Some("Crunch time"), Some(2)));
        let asked = json!({ "text": "Say it\naloud", "lines": ["On camera"] });
        let more =
            json!({ "creatives": creatives, "targeting": { "viewers_min": 3 }, "requirements": asked });
        desk.patch(id, more).await.ok(200);
        let view = desk.patch(id, json!({ "targeting": { "viewers_max": 90000 } })).await.ok(200);
        assert_eq!(view["targeting"]["viewers_min"], 3, "what is left out of it stays");
        assert_eq!(
            desk.patch(id, json!({ "requirements": null })).await.ok(200)["requirements"],
            Value::Null
        );
        desk.patch(id, json!({ "requirements": asked, "targeting": { "viewers_min": 0, "viewers_max": 0 } }))
            .await
            .ok(200);
        is_nowhere_yet(&app, &brand, id).await;
        let before = desk.show(id).await.ok(200);
        let launched = desk.post(id, "submit", "submit-it").await;
        let view = launched.ok(200);
        assert_eq!((view["id"].as_i64(), view["status"].as_str()), (Some(id), Some("active")));
        assert_eq!(view["version"].as_i64(), before["version"].as_i64().map(|version| version + 1));
        assert_eq!(launched.header("etag"), format!("\"{}\"", view["version"]));
        assert_eq!(view["budget"]["funded"]["amount_micros"], 4 * PRICE);
        for field in ["name", "category", "pricing", "landing_url", "requirements", "created_at"] {
            assert_eq!(view[field], before[field], "{field}");
        }
        play(&app, &brand, id).await;
        desk.patch(id, json!({ "landing_url": "https://other.example/" })).await.problem(422, "invalid");
        desk.send("PUT", &format!("campaigns/{id}"), "", &body).await.problem(409, "campaign-launched");
        finish(app).await;
    }
}

#[actix_rt::test]
async fn a_submission_that_is_sent_twice_sets_aside_once() {
    for app in each().await {
        let brand = app.brand("Crisp", 3 * PRICE).await;
        let desk = Desk { app: &app, key: &brand.key };
        let id = desk.draft(&campaign_body("Crunch time", 4)).await;
        desk.post(id, "submit", "").await.problem(400, "malformed");
        desk.post(id, "submit", "submit-it").await.problem(409, "insufficient-funds");
        assert_eq!(desk.show(id).await.ok(200)["status"], "draft");
        let smaller = json!({ "budget": { "amount_micros": 2 * PRICE, "currency": "INR" } });
        desk.patch(id, smaller).await.ok(200);
        let (one, two) =
            tokio::join!(desk.post(id, "submit", "submit-it"), desk.post(id, "submit", "submit-it"));
        let view = one.ok(200);
        assert_eq!(two.ok(200), view);
        assert_eq!(desk.post(id, "submit", "submit-it").await.ok(200), view);
        desk.post(id, "submit", "submit-again").await.problem(409, "campaign-launched");
        assert_eq!(
            (app.available(&brand).await, app.budget(CampaignId(id)).await.funded.0),
            (PRICE, 2 * PRICE)
        );
        // A draft with a key is made once.
        let body = json!({ "draft": true, "name": "Later" });
        let made = desk.make("draft-once", &body).await.ok(201);
        assert_eq!(desk.make("draft-once", &body).await.ok(201), made);
        desk.make("draft-once", &json!({ "draft": true })).await.problem(409, "idempotency-conflict");
        finish(app).await;
    }
}

#[actix_rt::test]
async fn with_review_nothing_of_a_brand_runs_before_an_operator_says_so() {
    for app in each_with(&[("CAMPAIGNS__REVIEW", "true")]).await {
        let (brand, admin) = (app.brand("Crisp", 5 * PRICE).await, app.admin_key().await);
        let (desk, office) = (Desk { app: &app, key: &brand.key }, Desk { app: &app, key: &admin });
        let body = campaign_body("Crunch time", 4);
        let made = desk.make("make-it-now", &body).await;
        let view = made.ok(202);
        let id = view["id"].as_i64().unwrap();
        assert_eq!(
            (view["status"].as_str(), made.header("location")),
            (Some("review"), format!("/api/campaigns/{id}").as_str())
        );
        assert_eq!(desk.make("make-it-now", &body).await.ok(202), view, "once for a key");
        assert_eq!(desk.post(id, "submit", "submit-it").await.ok(202), view, "it waits already");
        for change in [json!({ "name": "Sneaky" }), json!({ "status": "active" })] {
            desk.patch(id, change).await.problem(409, "campaign-in-review");
        }
        desk.send("PUT", &format!("campaigns/{id}"), "", &body).await.problem(409, "campaign-in-review");
        desk.post(id, "archive", "").await.problem(409, "campaign-not-over");
        let approve = format!("admin/campaigns/{id}/approve");
        let reject = format!("admin/campaigns/{id}/reject");
        desk.send("POST", &approve, "yes-of-course", &json!({})).await.problem(403, "forbidden");
        desk.send("POST", &reject, "", &json!({ "reason": "x" })).await.problem(403, "forbidden");
        office.send("POST", &reject, "", &json!({ "reason": "" })).await.problem(422, "invalid");
        let back = office.send("POST", &reject, "", &json!({ "reason": "Too loud" })).await.ok(200);
        assert_eq!((back["status"].as_str(), back["rejection"].as_str()), (Some("draft"), Some("Too loud")));
        assert_eq!(desk.show(id).await.ok(200)["rejection"], "Too loud");
        office.send("POST", &approve, "approve-it", &json!({})).await.problem(409, "campaign-not-in-review");
        desk.post(id, "withdraw-submission", "").await.problem(409, "campaign-not-in-review");
        desk.patch(id, json!({ "budget": { "amount_micros": 9 * PRICE, "currency": "INR" } })).await.ok(200);
        assert_eq!(desk.post(id, "submit", "submit-it").await.ok(202)["status"], "review");
        assert_eq!(desk.post(id, "withdraw-submission", "").await.ok(200)["status"], "draft");
        assert_eq!(desk.post(id, "submit", "submit-it").await.ok(202)["rejection"], Value::Null);
        office.send("POST", &approve, "approve-it", &json!({})).await.problem(409, "insufficient-funds");
        assert_eq!(desk.show(id).await.ok(200)["status"], "review");
        assert_eq!(app.available(&brand).await, 5 * PRICE);
        desk.post(id, "withdraw-submission", "").await.ok(200);
        desk.patch(id, json!({ "budget": body["budget"] })).await.ok(200);
        let version = desk.post(id, "submit", "submit-it").await.ok(202)["version"].as_i64().unwrap();
        let stale = office.at(version - 1, "POST", &format!("../{approve}"), &json!({})).await;
        assert_ne!(stale.status, 200);
        let view = office.send("POST", &approve, "approve-it", &json!({ "reason": "Fine" })).await.ok(200);
        assert_eq!(office.send("POST", &approve, "approve-it", &json!({})).await.ok(200), view);
        assert_eq!((view["status"].as_str(), app.available(&brand).await), (Some("active"), PRICE));
        play(&app, &brand, id).await;
        // A creative of a brand waits as well.
        let creative = json!({ "kind": "text", "placement": "corner", "duration_ms": 3000,
            "accent": "#d9ff3d", "headline": "Sneaky", "body": "" });
        let creatives = format!("campaigns/{id}/creatives");
        let made = desk.send("POST", &creatives, "", &creative).await.ok(201);
        assert_eq!(made["status"], "review");
        let one = format!("{creatives}/{}", made["id"]);
        for status in ["active", "paused"] {
            let sneaky = desk.send("PATCH", &one, "", &json!({ "status": status })).await;
            sneaky.problem(409, "creative-in-review");
        }
        assert_eq!(app.engine().catalogue.load().entry(CampaignId(id)).unwrap().campaign.creatives.len(), 1);
        office.send("PATCH", &one, "", &json!({ "status": "active" })).await.ok(200);
        eventually("the engine knows it", async || {
            app.engine().catalogue.load().entry(CampaignId(id)).unwrap().campaign.creatives.len() == 2
        })
        .await;
        // What operators make runs at once.
        let mut direct = campaign_body("House ad", 1);
        direct["brand_id"] = json!(brand.id.0);
        assert_eq!(office.make("house-ad-now", &direct).await.ok(201)["status"], "active");
        finish(app).await;
    }
}

#[actix_rt::test]
async fn a_change_is_made_to_the_version_that_was_read_or_not_at_all() {
    for app in each().await {
        let brand = app.brand("Crisp", 10 * PRICE).await;
        let desk = Desk { app: &app, key: &brand.key };
        let draft = desk.draft(&campaign_body("Crunch time", 1)).await;
        let running = app.campaign(&brand, "Runs", 1).await.0;
        for id in [draft, running] {
            let shown = desk.show(id).await;
            assert_eq!(shown.header("etag"), "\"1\"");
            let again =
                Request::get(format!("/api/campaigns/{id}")).key(&brand.key).header("if-none-match", "\"1\"");
            let again = app.send(again).await;
            assert_eq!((again.status, again.body.len()), (304, 0));
            for version in 1..4 {
                let (a, b) = (json!({ "name": "A" }), json!({ "name": "B" }));
                let path = id.to_string();
                let (one, two) =
                    tokio::join!(desk.at(version, "PATCH", &path, &a), desk.at(version, "PATCH", &path, &b));
                let mut statuses = [one.status, two.status];
                statuses.sort_unstable();
                assert_eq!(statuses, [200, 412], "{} {}", one.text(), two.text());
                let won = if one.status == 200 { &one } else { &two };
                assert_eq!(won.header("etag"), format!("\"{}\"", version + 1));
                assert_eq!(desk.show(id).await.ok(200)["name"], won.json()["name"]);
            }
            desk.at(1, "POST", &format!("{id}/archive"), &Value::Null).await;
        }
        desk.at(1, "PUT", &draft.to_string(), &campaign_body("Other", 1)).await.problem(412, "changed");
        desk.at(1, "POST", &format!("{draft}/submit"), &Value::Null).await.problem(412, "changed");
        desk.at(1, "POST", &format!("{draft}/archive"), &Value::Null).await.problem(412, "changed");
        // Money and the rest of a change go together.
        let body = json!({ "name": "Grown", "budget": { "amount_micros": 3 * PRICE, "currency": "INR" } });
        desk.at(1, "PATCH", &running.to_string(), &body).await.problem(412, "changed");
        assert_eq!(app.available(&brand).await, 9 * PRICE);
        let version = desk.show(running).await.ok(200)["version"].as_i64().unwrap();
        let grown = desk.at(version, "PATCH", &running.to_string(), &body).await.ok(200);
        assert_eq!(
            desk.at(version, "PATCH", &running.to_string(), &body).await.ok(200),
            grown,
            "the same key"
        );
        assert_eq!(app.available(&brand).await, 7 * PRICE);
        finish(app).await;
    }
}

#[actix_rt::test]
async fn another_brand_sees_and_changes_nothing_of_it() {
    for app in each().await {
        let (brand, other) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Soggy", 10 * PRICE).await);
        let streamer = app.streamer("Nova").await;
        let desk = Desk { app: &app, key: &brand.key };
        let draft = desk.draft(&campaign_body("Crunch time", 1)).await;
        let running = app.campaign(&brand, "Runs", 1).await.0;
        let creative = desk.show(running).await.ok(200)["creatives"][0]["id"].clone();
        for key in [&other.key, &streamer.key] {
            let stranger = Desk { app: &app, key };
            for id in [draft, running, 99] {
                if *key != streamer.key || id != running {
                    stranger.show(id).await.closed();
                }
                stranger.patch(id, json!({ "name": "Mine" })).await.closed();
                let put = stranger.send("PUT", &format!("campaigns/{id}"), "", &json!({})).await;
                put.closed();
                for what in ["submit", "withdraw-submission", "archive"] {
                    stranger.post(id, what, "not-mine-at-all").await.closed();
                }
                let one = json!({ "kind": "text", "placement": "corner", "duration_ms": 3000,
                    "accent": "#d9ff3d" });
                let path = format!("campaigns/{id}/creatives");
                stranger.send("POST", &path, "", &one).await.closed();
                let change = json!({ "status": "paused" });
                let path = format!("{path}/{creative}");
                stranger.send("PATCH", &path, "", &change).await.closed();
                let path = format!("admin/campaigns/{id}/approve");
                stranger.send("POST", &path, "not-mine-at-all", &json!({})).await.problem(403, "forbidden");
            }
        }
        assert_eq!(desk.show(draft).await.ok(200)["version"], 1);
        finish(app).await;
    }
}

#[actix_rt::test]
async fn creatives_come_and_go_while_a_campaign_runs() {
    for app in each().await {
        let brand = app.brand("Crisp", 10 * PRICE).await;
        let desk = Desk { app: &app, key: &brand.key };
        let id = app.campaign(&brand, "Crunch time", 4).await;
        let creatives = format!("campaigns/{id}/creatives");
        let first = desk.show(id.0).await.ok(200)["creatives"][0]["id"].clone();
        let set = async |creative: &Value, change: Value| {
            desk.send("PATCH", &format!("{creatives}/{creative}"), "", &change).await
        };
        for status in ["paused", "archived"] {
            set(&first, json!({ "status": status })).await.problem(409, "last-creative");
        }
        set(&first, json!({ "status": "review" })).await.problem(422, "invalid");
        set(&first, json!({ "weight": 0 })).await.problem(422, "invalid");
        set(&json!(99), json!({ "weight": 2 })).await.problem(404, "not-found");
        let wrong = json!({ "kind": "image", "placement": "sky", "duration_ms": 1, "accent": "red" });
        let refused = desk.send("POST", &creatives, "", &wrong).await.problem(422, "invalid");
        assert_eq!(fields(&refused), ["kind", "placement", "duration_ms", "accent"]);
        let new = json!({ "kind": "text", "placement": "corner", "duration_ms": 3000, "accent": "#d9ff3d",
            "headline": "Second", "weight": 3 });
        let made = desk.send("POST", &creatives, "", &new).await;
        assert_eq!(made.header("etag"), "\"2\"");
        let second = made.ok(201);
        assert_eq!((second["status"].as_str(), second["weight"].as_i64()), (Some("active"), Some(3)));
        assert_eq!(set(&first, json!({ "status": "paused", "weight": 7 })).await.ok(200)["weight"], 7);
        eventually("only the second is left to the engine", async || {
            let catalogue = app.engine().catalogue.load();
            let creatives = &catalogue.entry(id).unwrap().campaign.creatives;
            creatives.iter().map(|one| json!(one.id.0)).eq([second["id"].clone()])
        })
        .await;
        let streamer = app.streamer("Nova").await;
        let mut stage = Stage::open(&app, &streamer).await;
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        set(&first, json!({ "status": "archived" })).await.ok(200);
        set(&first, json!({ "status": "active" })).await.problem(409, "creative-archived");
        desk.patch(id.0, json!({ "status": "completed" })).await.ok(200);
        desk.send("POST", &creatives, "", &new).await.problem(409, "campaign-ended");
        assert_eq!(desk.show(id.0).await.ok(200)["status"], "completed");
        let archived = desk.post(id.0, "archive", "").await.ok(200);
        assert_eq!(archived["status"], "archived");
        // Counts of what was shown come when they come, and are no change.
        let again = desk.post(id.0, "archive", "").await.ok(200);
        let fields = ["status", "version", "updated_at", "archived_at"];
        assert_eq!(fields.map(|field| &again[field]), fields.map(|field| &archived[field]));
        desk.patch(id.0, json!({ "name": "Again" })).await.problem(409, "campaign-ended");
        eventually("the rest is back", async || app.available(&brand).await == 9 * PRICE).await;
        let _ = days_from_now(0);
        finish(app).await;
    }
}
