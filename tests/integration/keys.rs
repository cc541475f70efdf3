//! API keys in the hands of their owners: scopes, an end, rotation with an overlap, and who may do what.

use crate::support::http::{Request, Response};
use crate::support::page::open_dashboard;
use crate::support::redis::{prefix, shared_url};
use crate::support::{Streamer, TestApp, World, eventually, postgres, sleep_ms};
use gametriggers_actors::domain::time::Millis;
use serde_json::{Value, json};
use std::time::Duration;

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Response {
    app.send(Request::new("POST", path).key(key).json(body)).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

/// RFC 3339, in so many milliseconds.
fn in_ms(app: &TestApp, millis: i64) -> String {
    let at = app.engine().now() + Millis(millis);
    jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()
}

/// The owner's own list of keys.
async fn list(app: &TestApp, path: &str, key: &str) -> Vec<Value> {
    app.send(Request::get(path).key(key)).await.ok(200)["items"].as_array().unwrap().clone()
}

fn names(keys: &[Value]) -> Vec<&str> {
    keys.iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[actix_rt::test]
async fn an_owner_makes_names_and_revokes_keys() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let (keys, wallet) =
        (format!("/api/brands/{}/keys", brand.id), format!("/api/brands/{}/wallet", brand.id));
    let body = json!({ "name": " Reports ", "scopes": ["wallet:read", "campaigns:read"] });
    let answer = post(&app, &keys, &brand.key, &body).await;
    let made = answer.ok(201);
    let (key, one) = (text(&made, "key"), format!("{keys}/{}", text(&made, "key_id")));
    assert_eq!((answer.header("location"), answer.header("cache-control")), (one.as_str(), "no-store"));
    assert_eq!((&made["name"], &made["expires_at"]), (&json!("Reports"), &Value::Null));
    assert_eq!(made["scopes"], json!(["campaigns:read", "wallet:read"]));
    let shown = text(&made, "prefix");
    assert!(key.starts_with(&shown) && shown.starts_with("gt_brand_") && shown.len() == 15, "{shown}");
    app.send(Request::get(&wallet).key(&key)).await.ok(200);
    let renamed =
        app.send(Request::new("PATCH", &one).key(&brand.key).json(&json!({ "name": "Nightly" }))).await;
    assert_eq!(renamed.ok(200)["name"], "Nightly");
    let all = list(&app, &keys, &brand.key).await;
    assert_eq!(names(&all), ["test", "Nightly"]);
    assert_eq!(all[1], app.send(Request::get(&one).key(&brand.key)).await.ok(200));
    assert!(!json!(all).to_string().contains(&key), "a key is shown once");
    assert!(all[0]["scopes"].as_array().unwrap().contains(&json!("keys:write")), "an old key has all scopes");
    app.engine().tidy_keys().await.unwrap();
    assert!(app.send(Request::get(&one).key(&brand.key)).await.ok(200)["last_used_at"].is_string());
    assert_eq!(app.send(Request::new("DELETE", &one).key(&brand.key)).await.status, 204);
    app.send(Request::get(&wallet).key(&key)).await.problem(401, "unauthorized");
    app.send(Request::get(&one).key(&brand.key)).await.problem(404, "not-found");
    app.send(Request::new("DELETE", &one).key(&brand.key)).await.problem(404, "not-found");
    // A restart forgets nothing of it.
    let one = post(&app, &keys, &brand.key, &json!({ "name": "x", "scopes": ["rules:read"] })).await.ok(201);
    let app = app.stop().await.start(None).await;
    app.send(Request::get(&wallet).key(&key)).await.problem(401, "unauthorized");
    app.send(Request::get(&keys).key(&text(&one, "key"))).await.problem(403, "forbidden");
    app.finish().await;
}

#[actix_rt::test]
async fn a_key_does_what_its_scopes_say_and_gives_no_more_than_it_has() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let keys = format!("/api/brands/{}/keys", brand.id);
    let make = async |by: &str, body: Value| post(&app, &keys, by, &body).await;
    let reader =
        text(&make(&brand.key, json!({ "name": "r", "scopes": ["keys:read"] })).await.ok(201), "key");
    assert_eq!(list(&app, &keys, &reader).await.len(), 2);
    let refused = make(&reader, json!({ "name": "x", "scopes": ["keys:read"] })).await;
    refused.problem(403, "forbidden");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"keys:write\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
    let some = json!({ "name": "w", "scopes": ["keys:write", "keys:read", "wallet:read"] });
    let writer = text(&make(&brand.key, some).await.ok(201), "key");
    let beyond = make(&writer, json!({ "name": "x", "scopes": ["wallet:read", "wallet:write"] })).await;
    beyond.problem(403, "forbidden");
    assert!(beyond.header("www-authenticate").contains("scope=\"wallet:write\""));
    let same = make(&writer, json!({ "name": "same" })).await.ok(201);
    assert_eq!(same["scopes"], json!(["wallet:read", "keys:read", "keys:write"]), "what its maker has");
    // Rotation shows the successor: it is no way to more either.
    let whole = text(&list(&app, &keys, &brand.key).await[0], "key_id");
    let rotate = |id: &str| format!("{keys}/{id}/rotate");
    post(&app, &rotate(&whole), &writer, &json!({})).await.problem(403, "forbidden");
    post(&app, &rotate(&text(&same, "key_id")), &writer, &json!({})).await.ok(201);
    for (field, value) in [
        ("scopes", json!([])),
        ("scopes", json!(["everything"])),
        ("scopes", json!(["admin"])),
        ("scopes", json!(["streamer:write"])),
        ("name", json!("")),
        ("name", json!("x".repeat(81))),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("2999-01-01T00:00:00Z")),
    ] {
        let mut body = json!({ "name": "x" });
        body[field] = value;
        let problem = make(&brand.key, body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    make(&brand.key, json!({ "name": "x", "scope": "admin" })).await.problem(400, "malformed");
    let overlap = post(&app, &rotate(&whole), &brand.key, &json!({ "overlap_s": 604_801 })).await;
    assert_eq!(overlap.problem(422, "invalid")["errors"][0]["field"], "overlap_s");
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_else_sees_or_touches_an_owner_s_keys() {
    let app = TestApp::start().await;
    let (brand, rival) = (app.brand("Crisp", 0).await, app.brand("Rival", 0).await);
    let (streamer, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let keys = format!("/api/brands/{}/keys", brand.id);
    let made = post(&app, &keys, &brand.key, &json!({ "name": "x" })).await.ok(201);
    let id = text(&made, "key_id");
    for (key, own) in [
        (&rival.key, format!("/api/brands/{}/keys", rival.id)),
        (&streamer.key, format!("/api/streamers/{}/keys", streamer.id)),
    ] {
        for keys in [&keys, &own] {
            for (method, path, body) in [
                ("GET", format!("{keys}/{id}"), None),
                ("PATCH", format!("{keys}/{id}"), Some(json!({ "name": "mine" }))),
                ("DELETE", format!("{keys}/{id}"), None),
                ("POST", format!("{keys}/{id}/rotate"), Some(json!({}))),
            ] {
                let request = Request::new(method, path).key(key);
                let request = body.iter().fold(request, |request, body| request.json(body));
                app.send(request).await.problem(404, "not-found");
            }
        }
        app.send(Request::get(&keys).key(key)).await.problem(404, "not-found");
        post(&app, &keys, key, &json!({ "name": "x" })).await.problem(404, "not-found");
    }
    app.send(Request::get(&keys)).await.problem(401, "unauthorized");
    app.send(Request::get(&keys).key(&streamer.overlay_key)).await.problem(401, "unauthorized");
    // The key of an overlay is not among a streamer's API keys.
    let own = format!("/api/streamers/{}/keys", streamer.id);
    assert_eq!(names(&list(&app, &own, &streamer.key).await), ["first"]);
    // An operator may, and it is on record; what is not there is not made.
    post(&app, &keys, &admin, &json!({ "name": "help", "reason": "they asked" })).await.ok(201);
    let rename = Request::new("PATCH", format!("{keys}/{id}")).key(&admin);
    app.send(rename.json(&json!({ "name": "theirs" }))).await.ok(200);
    post(&app, "/api/brands/4711/keys", &admin, &json!({ "name": "x" })).await.problem(404, "not-found");
    app.send(Request::new("PUT", &keys).key(&brand.key)).await.problem(405, "method-not-allowed");
    app.finish().await;
}

#[actix_rt::test]
async fn an_owner_has_fifty_keys_at_most() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let keys = format!("/api/streamers/{}/keys", streamer.id);
    let make = async || post(&app, &keys, &streamer.key, &json!({ "name": "x" })).await;
    for _ in 1..50 {
        make().await.ok(201);
    }
    make().await.problem(409, "too-many-keys");
    let id = text(&list(&app, &keys, &streamer.key).await[7], "key_id");
    let rotate = async |overlap: u32| {
        let path = format!("{keys}/{id}/rotate");
        post(&app, &path, &streamer.key, &json!({ "overlap_s": overlap })).await
    };
    rotate(60).await.problem(409, "too-many-keys");
    rotate(0).await.ok(201);
    rotate(0).await.problem(404, "not-found");
    make().await.problem(409, "too-many-keys");
    app.finish().await;
}

#[actix_rt::test]
async fn an_expired_key_is_refused_and_its_socket_closed() {
    let app = TestApp::start().await;
    let mut streamer = app.streamer("Nova").await;
    let keys = format!("/api/streamers/{}/keys", streamer.id);
    let body = json!({ "name": "for a moment", "expires_at": in_ms(&app, 1500) });
    let made = post(&app, &keys, &streamer.key, &body).await.ok(201);
    streamer.key = text(&made, "key");
    let mut dashboard = open_dashboard(app.addr, &streamer).await;
    assert_eq!(list(&app, &keys, &streamer.key).await.len(), 2);
    assert_eq!(dashboard.closed_in(Duration::from_secs(3)).await, (3507, "expired".to_owned()));
    app.send(Request::get(&keys).key(&streamer.key)).await.problem(401, "unauthorized");
    let mut late = app.open("/ws/dashboard").await;
    late.greet(&streamer.key).await;
    assert_eq!(late.closed().await, (3500, "unauthorized".to_owned()));
    let app = app.stop().await.start(None).await;
    app.send(Request::get(&keys).key(&streamer.key)).await.problem(401, "unauthorized");
    app.finish().await;
}

#[actix_rt::test]
async fn a_rotated_key_lives_beside_its_successor_and_dies_by_itself() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let keys = format!("/api/streamers/{}/keys", streamer.id);
    let mut dashboard = open_dashboard(app.addr, &streamer).await;
    let mut renewed = open_dashboard(app.addr, &streamer).await;
    let old = list(&app, &keys, &streamer.key).await.remove(0);
    let path = format!("{keys}/{}/rotate", text(&old, "key_id"));
    let next = post(&app, &path, &streamer.key, &json!({ "overlap_s": 2 })).await.ok(201);
    assert_eq!((&next["name"], &next["scopes"]), (&old["name"], &old["scopes"]));
    let both = list(&app, &keys, &streamer.key).await;
    assert_eq!(both[0]["replaced_by"], next["key_id"]);
    assert!(both[0]["rotates_at"].is_string() && both[1]["rotates_at"].is_null(), "{both:?}");
    post(&app, &path, &streamer.key, &json!({})).await.problem(409, "key-replaced");
    // A socket goes on with the new key, without being opened anew.
    let key = text(&next, "key");
    renewed.say(&json!({ "type": "auth", "token": key })).await;
    assert!(renewed.expect("authorized").await["until_ms"].is_null());
    assert_eq!(dashboard.closed_in(Duration::from_secs(4)).await, (3501, "revoked".to_owned()));
    app.send(Request::get(&keys).key(&streamer.key)).await.problem(401, "unauthorized");
    assert_eq!(names(&list(&app, &keys, &key).await), ["first"]);
    sleep_ms(500).await;
    renewed.say(&json!({ "type": "command", "id": "1", "command": { "name": "pause" } })).await;
    assert_eq!(renewed.expect("result").await["ok"], true);
    app.finish().await;
}

#[actix_rt::test]
async fn operators_give_keys_with_scopes_and_an_end_too() {
    let app = TestApp::start().await;
    let (admin, brand) = (app.admin_key().await, app.brand("Crisp", 0).await);
    let body = json!({
        "brand_id": brand.id.0, "name": "audit", "scopes": ["wallet:read"], "expires_at": in_ms(&app, 60_000),
    });
    let made = post(&app, "/api/admin/keys", &admin, &body).await.ok(201);
    let key = text(&made, "key");
    app.send(Request::get(format!("/api/brands/{}/wallet", brand.id)).key(&key)).await.ok(200);
    app.send(Request::get(format!("/api/brands/{}/keys", brand.id)).key(&key))
        .await
        .problem(403, "forbidden");
    let all = app.send(Request::get("/api/admin/keys").key(&admin)).await.ok(200);
    let is_it = |item: &&Value| item["key_id"] == made["key_id"];
    let item = all["items"].as_array().unwrap().iter().find(is_it).unwrap().clone();
    assert_eq!(
        (&item["label"], &item["name"], &item["kind"]),
        (&json!("audit"), &json!("audit"), &json!("brand"))
    );
    assert_eq!(item["scopes"], json!(["wallet:read"]));
    assert!(item["expires_at"].is_string() && key.starts_with(&text(&item, "prefix")), "{item}");
    let wrong = json!({ "brand_id": brand.id.0, "scopes": ["admin"] });
    post(&app, "/api/admin/keys", &admin, &wrong).await.problem(422, "invalid");
    // An operator who may only look.
    let look = json!({ "name": "looks", "scopes": ["wallet:read", "rules:read"] });
    let looker = text(&post(&app, "/api/admin/admins", &admin, &look).await.ok(201), "key");
    app.send(Request::get(format!("/api/brands/{}/wallet", brand.id)).key(&looker)).await.ok(200);
    app.send(Request::get("/api/admin/keys").key(&looker)).await.problem(403, "forbidden");
    app.finish().await;
}

async fn node(database: &str, redis: &str, prefix: &str, writer: &str) -> TestApp {
    let key = |byte: &str| format!("[\"1:{}\"]", byte.repeat(32));
    let more = [
        ("DATABASE__URL", database),
        ("DATABASE__WRITER", writer),
        ("REDIS__URL", redis),
        ("REDIS__PREFIX", prefix),
        ("SERVER__PUBLIC_URL", "https://ads.example"),
        ("SECRETS__TOKEN_KEYS", &key("5c")),
        ("SECRETS__AUTH_KEYS", &key("6d")),
    ];
    World::new(&more).start(None).await
}

/// Two nodes of one installation that hear each other.
pub(crate) async fn two_nodes() -> (TestApp, TestApp) {
    let (database, redis, prefix) = (postgres::database().await, shared_url(), prefix());
    let one = node(&database, &redis, &prefix, "1").await;
    let other = node(&database, &redis, &prefix, "2").await;
    eventually("both hear each other", async || {
        one.engine().ports.bus.is_up() && other.engine().ports.bus.is_up()
    })
    .await;
    (one, other)
}

/// A streamer that both nodes know.
pub(crate) async fn shared_streamer(one: &TestApp, other: &TestApp) -> Streamer {
    let streamer = one.streamer("Nova").await;
    one.engine().ports.bus.publish(gametriggers_actors::ports::Event::AccountsChanged);
    let knows = async || {
        let ring = &other.engine().keyring;
        other.engine().streamers.contains_key(&streamer.id)
            && ring.holder(&streamer.key, other.engine().now()).is_some()
    };
    eventually("the other node knows the streamer", knows).await;
    streamer
}

#[actix_rt::test]
async fn another_node_takes_both_keys_of_a_rotation_and_lets_the_old_one_die_in_time() {
    let (one, other) = two_nodes().await;
    let streamer = shared_streamer(&one, &other).await;
    let keys = format!("/api/streamers/{}/keys", streamer.id);
    let mut far = open_dashboard(other.addr, &streamer).await;
    let id = text(&list(&one, &keys, &streamer.key).await[0], "key_id");
    let body = json!({ "overlap_s": 2 });
    let next = post(&one, &format!("{keys}/{id}/rotate"), &streamer.key, &body).await.ok(201);
    let (start, key) = (tokio::time::Instant::now(), text(&next, "key"));
    let status = async |key: &str| other.send(Request::get(&keys).key(key)).await.status;
    eventually("the other node takes the new key", async || status(&key).await == 200).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(status(&streamer.key).await, 200, "and the old one");
    assert_eq!(far.closed_in(Duration::from_secs(4)).await, (3501, "revoked".to_owned()));
    assert!(start.elapsed() > Duration::from_millis(1900), "{:?}", start.elapsed());
    assert_eq!((status(&streamer.key).await, status(&key).await), (401, 200));
    // Revoked on one node, dead on the other, with its sockets.
    let streamer = Streamer { key, ..streamer };
    let mut far = open_dashboard(other.addr, &streamer).await;
    let one_key = format!("{keys}/{}", text(&next, "key_id"));
    assert_eq!(one.send(Request::new("DELETE", &one_key).key(&streamer.key)).await.status, 204);
    assert_eq!(far.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    assert_eq!(status(&streamer.key).await, 401);
}
