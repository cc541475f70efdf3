//! Accounts and keys that an operator opens and revokes while the server runs.

use crate::support::http::Request;
use crate::support::page::{open_dashboard, open_page};
use crate::support::{Streamer, TestApp, eventually};
use gametriggers::world::new_key;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Event, Principal};
use serde_json::{Value, json};
use std::time::Duration;

async fn open(app: &TestApp, key: &str, what: &str, body: &Value) -> Value {
    app.send(Request::new("POST", format!("/api/admin/{what}")).key(key).json(body)).await.ok(201)
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

fn nova() -> Value {
    json!({ "name": "Nova", "category": "gaming", "language": "en", "country": "IN" })
}

#[actix_rt::test]
async fn a_brand_and_a_streamer_work_as_soon_as_they_are_opened() {
    let app = TestApp::start().await;
    let admin = app.admin_key().await;
    let brand = open(&app, &admin, "brands", &json!({ "name": "Crisp" })).await;
    assert_eq!(brand["kind"], "brand");
    let wallet = format!("/api/brands/{}/wallet", brand["brand_id"]);
    app.send(Request::get(&wallet).key(&text(&brand, "key"))).await.ok(200);
    let made = open(&app, &admin, "streamers", &nova()).await;
    let streamer = Streamer {
        id: StreamerId(made["streamer_id"].as_i64().unwrap()),
        key: text(&made, "key"),
        overlay_key: text(&made, "overlay_key"),
    };
    assert!(text(&made, "overlay_url").ends_with(&streamer.overlay_key));
    open_dashboard(app.addr, &streamer).await;
    open_page(&app, &streamer, "instance-1").await;
    // As production wants it, not as a demo does.
    let settings = app.engine().streamers.get(&streamer.id).unwrap().settings.clone();
    assert_eq!((settings.hourly_max, settings.first_ad_delay.0), (6, 300_000));
    let second = open(&app, &admin, "admins", &json!({ "reason": "she is new" })).await;
    let brand = open(&app, &text(&second, "key"), "brands", &json!({ "name": "Rival" })).await;
    let further = open(&app, &admin, "keys", &json!({ "brand_id": brand["brand_id"] })).await;
    let wallet = format!("/api/brands/{}/wallet", brand["brand_id"]);
    app.send(Request::get(&wallet).key(&text(&further, "key"))).await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn a_revoked_key_is_dead_at_once_and_its_sockets_within_a_second() {
    let app = TestApp::start().await;
    let (admin, streamer) = (app.admin_key().await, app.streamer("Nova").await);
    let mut dashboard = open_dashboard(app.addr, &streamer).await;
    let list = app.send(Request::get("/api/admin/keys").key(&admin)).await.ok(200);
    let all = list["items"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    assert!(!list.to_string().contains(&streamer.key), "nobody can show a key again");
    let own = |item: &&Value| item["kind"] == "streamer";
    let id = text(all.iter().find(own).unwrap(), "key_id");
    let path = format!("/api/admin/keys/{id}?reason=leaked");
    for _ in 0..2 {
        assert_eq!(app.send(Request::new("DELETE", &path).key(&admin)).await.status, 204);
    }
    assert_eq!(dashboard.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    let wallet = format!("/api/streamers/{}/wallet", streamer.id);
    app.send(Request::get(&wallet).key(&streamer.key)).await.problem(401, "unauthorized");
    let page = app.send(Request::get("/api/admin/keys?limit=2").key(&admin)).await.ok(200);
    let next = format!("/api/admin/keys?limit=2&after={}", text(&page, "next"));
    let rest = app.send(Request::get(next).key(&admin)).await.ok(200);
    let pages = [&page, &rest].map(|page| page["items"].as_array().unwrap().clone()).concat();
    assert_eq!(pages.len(), 3);
    assert!(pages.iter().all(|key| own(&key) != key["revoked_at"].is_null()), "{pages:?}");
    let app = app.stop().await.start(None).await;
    app.send(Request::get(&wallet).key(&streamer.key)).await.problem(401, "unauthorized");
    app.finish().await;
}

#[actix_rt::test]
async fn accounts_are_an_operators_and_their_words_are_looked_at() {
    let app = TestApp::start().await;
    let (admin, brand) = (app.admin_key().await, app.brand("Crisp", 0).await);
    for (method, path) in [
        ("POST", "/api/admin/brands"),
        ("POST", "/api/admin/admins"),
        ("GET", "/api/admin/keys"),
        ("DELETE", "/api/admin/keys/0123456789abcdef"),
    ] {
        let ask = |key: &str| app.send(Request::new(method, path).key(key).json(&json!({ "name": "x" })));
        ask("gt_admin_nobody").await.problem(401, "unauthorized");
        if path != "/api/admin/admins" {
            ask(&brand.key).await.problem(403, "forbidden");
        }
    }
    let ask = |path: &str, body: Value| {
        app.send(Request::new("POST", format!("/api/admin/{path}")).key(&admin).json(&body))
    };
    ask("brands", json!({ "name": " " })).await.problem(422, "invalid");
    ask("brands", json!({ "name": "x", "deposit": 1 })).await.problem(400, "malformed");
    for (field, value) in [("language", "English"), ("country", "in"), ("category", "Just chatting")] {
        let mut body = nova();
        body[field] = json!(value);
        let problem = ask("streamers", body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    ask("keys", json!({ "brand_id": 1, "streamer_id": 1 })).await.problem(422, "invalid");
    ask("keys", json!({ "brand_id": 4711 })).await.problem(404, "not-found");
    for id in ["0123456789abcdef", "0123", "xyz"] {
        let path = format!("/api/admin/keys/{id}");
        app.send(Request::new("DELETE", path).key(&admin)).await.problem(404, "not-found");
    }
    app.send(Request::new("PUT", "/api/admin/brands").key(&admin)).await.problem(405, "method-not-allowed");
    app.finish().await;
}

#[actix_rt::test]
async fn a_node_that_hears_of_new_accounts_reads_them() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let key = new_key("brand");
    let accounts = &app.engine().ports.accounts;
    accounts
        .add_key(Keyring::hash(&key), Principal::Brand(brand.id), "elsewhere", app.engine().now())
        .await
        .unwrap();
    assert!(app.engine().keyring.holder(&key, app.engine().now()).is_none());
    app.engine().ports.bus.publish(Event::AccountsChanged);
    eventually("the key is known", async || app.engine().keyring.holder(&key, app.engine().now()).is_some())
        .await;
    app.finish().await;
}
