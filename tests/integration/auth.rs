//! Signing in over real HTTP: accounts, access tokens, refresh tokens, and the contract of the seeds' front
//! ends.

use crate::support::http::{Request, Response};
use crate::support::postgres;
use crate::support::redis::{prefix, shared_url};
use crate::support::{TestApp, World, eventually};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

const PASSWORD: &str = "correct horse battery";

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Response {
    app.send(Request::new("POST", path).key(key).json(body)).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

/// A brand's user who signed up: their tokens.
async fn ada(app: &TestApp) -> Value {
    let body = json!({ "email": "Ada@Volt.example", "password": PASSWORD, "name": "Volt", "type": "brand" });
    post(app, "/api/auth/sign-up", "", &body).await.ok(201)
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Response {
    post(app, "/api/auth/sign-in", "", &json!({ "email": email, "password": password })).await
}

async fn refresh(app: &TestApp, token: &str) -> Response {
    post(app, "/api/auth/refresh", "", &json!({ "refresh_token": token })).await
}

async fn me(app: &TestApp, token: &str) -> Response {
    app.send(Request::get("/api/auth/me").key(token)).await
}

#[actix_rt::test]
async fn a_brand_signs_up_and_reaches_what_is_its_own() {
    let app = TestApp::start().await;
    let tokens = ada(&app).await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    let (access, brand) = (text(&tokens, "access_token"), tokens["user"]["brand_id"].as_i64().unwrap());
    let wallet = |brand: i64| Request::get(format!("/api/brands/{brand}/wallet"));
    app.send(wallet(brand).key(&access)).await.ok(200);
    let other = app.brand("Rival", 0).await;
    app.send(wallet(other.id.0).key(&access)).await.problem(404, "not-found");
    app.send(Request::get("/api/admin/users").key(&access)).await.problem(403, "forbidden");
    let own = me(&app, &access).await.ok(200);
    assert_eq!((&own["email"], &own["type"]), (&json!("ada@volt.example"), &json!("brand")));
    assert!(own["scopes"].as_array().unwrap().contains(&json!("campaigns:write")), "{own}");
    // An API key is good for the same brand, and is no user.
    let key = me(&app, &other.key).await;
    key.problem(403, "forbidden");
    app.send(wallet(brand).key("")).await.problem(401, "unauthorized");
    app.finish().await;
}

#[actix_rt::test]
async fn a_streamer_signs_up_and_gets_the_address_for_obs() {
    let app = TestApp::start().await;
    let body = json!({
        "email": "bo@stream.example", "password": PASSWORD, "name": "Bo", "type": "streamer",
        "category": "gaming", "language": "en", "country": "IN", "platform": "twitch",
    });
    let tokens = post(&app, "/api/auth/sign-up", "", &body).await.ok(201);
    let id = tokens["user"]["streamer_id"].as_i64().unwrap();
    let settings = format!("/api/streamers/{id}/settings");
    app.send(Request::get(&settings).key(&text(&tokens, "access_token"))).await.ok(200);
    let overlay = text(&tokens, "overlay_url");
    let key = overlay.rsplit_once("#k=").unwrap().1;
    assert!(app.engine().keyring.holder(key, app.engine().now()).is_some(), "{overlay}");
    let dashboard = text(&tokens, "dashboard_url");
    app.send(Request::get(&settings).key(dashboard.rsplit_once("#k=").unwrap().1)).await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn what_is_wrong_with_a_sign_up_is_named_and_opens_nothing() {
    let app = TestApp::start().await;
    ada(&app).await;
    let good = json!({ "email": "bo@stream.example", "password": PASSWORD, "name": "Bo", "type": "brand" });
    for (field, value) in [
        ("email", json!("bo")),
        ("password", json!("short")),
        ("password", json!("bo@stream.example")),
        ("name", json!("")),
        ("type", json!("admin")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = post(&app, "/api/auth/sign-up", "", &body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let mut streamer = good.clone();
    streamer["type"] = json!("streamer");
    let problem = post(&app, "/api/auth/sign-up", "", &streamer).await.problem(422, "invalid");
    let named: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(named, ["category", "language", "country"]);
    let mut taken = good.clone();
    taken["email"] = json!("ADA@volt.example");
    post(&app, "/api/auth/sign-up", "", &taken).await.problem(409, "email-taken");
    let mut more = good;
    more["scope"] = json!("admin");
    post(&app, "/api/auth/sign-up", "", &more).await.problem(400, "malformed");
    assert_eq!(app.engine().ports.users.user_page(None, 9).await.unwrap().len(), 1);
    app.finish().await;
    let app = TestApp::with(&[("AUTH__SIGN_UP", "false")]).await;
    post(
        &app,
        "/api/auth/sign-up",
        "",
        &json!({ "email": "a@b.example", "password": PASSWORD, "name": "Volt",
        "type": "brand" }),
    )
    .await
    .problem(403, "forbidden");
    app.finish().await;
}

#[actix_rt::test]
async fn only_address_and_password_together_sign_in_and_both_failures_take_as_long() {
    let app = TestApp::start().await;
    ada(&app).await;
    sign_in(&app, " ADA@volt.example", PASSWORD).await.ok(200);
    let timed = async |email: &str| {
        let start = Instant::now();
        sign_in(&app, email, "not the password").await.problem(401, "wrong-credentials");
        start.elapsed()
    };
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..4 {
        known = known.min(timed("ada@volt.example").await);
        unknown = unknown.min(timed("nobody@volt.example").await);
    }
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
    let start = Instant::now();
    sign_in(&app, "nobody", "x").await.problem(422, "invalid");
    assert!(start.elapsed() < unknown, "what is no address is not looked for");
    app.finish().await;
}

#[actix_rt::test]
async fn so_many_attempts_and_then_one_has_to_wait() {
    let app =
        TestApp::with(&[("AUTH__ATTEMPTS_PER_ACCOUNT", "3"), ("AUTH__ATTEMPTS_PER_ADDRESS", "8")]).await;
    ada(&app).await;
    for _ in 0..3 {
        sign_in(&app, "ada@volt.example", "not the password").await.problem(401, "wrong-credentials");
    }
    let limited = sign_in(&app, "ada@volt.example", PASSWORD).await;
    let problem = limited.problem(429, "too-many-attempts");
    let after: i64 = limited.header("retry-after").parse().unwrap();
    assert!((500..=601).contains(&after) && problem["retry_after_s"] == after, "{problem}");
    // Somebody else still gets in from there, until the address has had its share.
    for n in 0..3 {
        sign_in(&app, &format!("bo{n}@volt.example"), PASSWORD).await.problem(401, "wrong-credentials");
    }
    sign_in(&app, "cy@volt.example", PASSWORD).await.problem(429, "too-many-attempts");
    app.finish().await;
}

#[actix_rt::test]
async fn refresh_tokens_rotate_a_lost_answer_comes_again_and_a_copy_ends_the_session() {
    let app = TestApp::with(&[("AUTH__REFRESH_GRACE_MS", "1500")]).await;
    let first = text(&ada(&app).await, "refresh_token");
    let answer = refresh(&app, &first).await.ok(200);
    let second = text(&answer, "refresh_token");
    assert_ne!(first, second);
    // The answer was lost: the same token, and an access token that is as good.
    let again = refresh(&app, &first).await.ok(200);
    assert_eq!(text(&again, "refresh_token"), second);
    me(&app, &text(&again, "access_token")).await.ok(200);
    let both = futures_util::future::join(refresh(&app, &second), refresh(&app, &second)).await;
    let third = text(&both.0.ok(200), "refresh_token");
    assert_eq!(text(&both.1.ok(200), "refresh_token"), third, "two at once are one");
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let access = text(&refresh(&app, &third).await.ok(200), "access_token");
    refresh(&app, &second).await.problem(401, "session-over");
    // The family is dead, with its newest token and its access tokens; another sign-in is not.
    me(&app, &access).await.problem(401, "unauthorized");
    refresh(&app, &third).await.problem(401, "session-over");
    let users = app.engine().ports.users.clone();
    let user = users.user_by_email("ada@volt.example").await.unwrap().unwrap();
    let now = app.engine().now();
    let ended =
        users.ended_since(Some(user.id), now - gametriggers_actors::domain::time::Millis::minutes(1)).await;
    let [(session, _)] = ended.unwrap()[..] else { panic!("one session has ended") };
    let why = users.session(session).await.unwrap().unwrap().ended.unwrap().1;
    assert_eq!(why, gametriggers_actors::ports::EndedWhy::Reused, "it is on record");
    sign_in(&app, "ada@volt.example", PASSWORD).await.ok(200);
    for odd in ["", "gt_refresh_", &third[..third.len() - 1], "gt_code_AAAA", &"x".repeat(9000)] {
        refresh(&app, odd).await.problem(401, "session-over");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn who_signs_out_has_no_token_left_here_or_everywhere() {
    let app = TestApp::start().await;
    let (one, other) = (ada(&app).await, sign_in(&app, "ada@volt.example", PASSWORD).await.ok(200));
    let access = [text(&one, "access_token"), text(&other, "access_token")];
    assert_eq!(app.send(Request::new("POST", "/api/auth/sign-out").key(&access[0])).await.status, 204);
    me(&app, &access[0]).await.problem(401, "unauthorized");
    refresh(&app, &text(&one, "refresh_token")).await.problem(401, "session-over");
    me(&app, &access[1]).await.ok(200);
    let third = sign_in(&app, "ada@volt.example", PASSWORD).await.ok(200);
    let all = post(&app, "/api/auth/sign-out", &access[1], &json!({ "everywhere": true })).await;
    assert_eq!(all.status, 204);
    for tokens in [&other, &third] {
        me(&app, &text(tokens, "access_token")).await.problem(401, "unauthorized");
        refresh(&app, &text(tokens, "refresh_token")).await.problem(401, "session-over");
    }
    // A restart forgets nothing of it.
    let app = app.stop().await.start(None).await;
    me(&app, &text(&third, "access_token")).await.problem(401, "unauthorized");
    sign_in(&app, "ada@volt.example", PASSWORD).await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let (one, other) = (ada(&app).await, sign_in(&app, "ada@volt.example", PASSWORD).await.ok(200));
    let change = async |token: &str, old: &str, new: &str| {
        let body = json!({ "current_password": old, "new_password": new });
        post(&app, "/api/auth/password", token, &body).await
    };
    let access = text(&one, "access_token");
    change(&access, "not it", "another good one").await.problem(401, "wrong-credentials");
    change(&access, PASSWORD, "short").await.problem(422, "invalid");
    let new = change(&access, PASSWORD, "another good one").await.ok(200);
    assert!(new["refresh_token"].is_null(), "this session keeps the one it has");
    me(&app, &text(&new, "access_token")).await.ok(200);
    for dead in [&access, &text(&other, "access_token")] {
        me(&app, dead).await.problem(401, "unauthorized");
    }
    refresh(&app, &text(&other, "refresh_token")).await.problem(401, "session-over");
    refresh(&app, &text(&one, "refresh_token")).await.ok(200);
    sign_in(&app, "ada@volt.example", PASSWORD).await.problem(401, "wrong-credentials");
    sign_in(&app, "ada@volt.example", "another good one").await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn operators_make_and_change_users_and_every_change_ends_their_sessions() {
    let app = TestApp::with(&[("AUTH__ADMIN_TWO_FACTOR", "false")]).await;
    let (key, brand) = (app.admin_key().await, app.brand("Crisp", 0).await);
    let add = async |key: &str, body: &Value| post(&app, "/api/admin/users", key, body).await;
    let eve = json!({ "email": "eve@ops.example", "name": "Eve", "password": PASSWORD, "admin": true });
    add(&brand.key, &eve).await.problem(403, "forbidden");
    let made = add(&key, &eve).await.ok(201);
    let id = made["user_id"].as_i64().unwrap();
    add(&key, &eve).await.problem(409, "email-taken");
    for (owner, field) in [
        (json!({}), "admin"),
        (json!({ "admin": true, "brand_id": 1 }), "admin"),
        (json!({ "brand_id": 99 }), "brand_id or streamer_id"),
    ] {
        let mut body = json!({ "email": "x@ops.example", "name": "X" });
        body.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        let problem = add(&key, &body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let tokens = sign_in(&app, "eve@ops.example", PASSWORD).await.ok(200);
    let access = text(&tokens, "access_token");
    let page = app.send(Request::get("/api/admin/users?limit=1").key(&access)).await.ok(200);
    assert_eq!((&page["items"][0]["user_id"], &page["next"]), (&json!(id), &json!(id.to_string())));
    // What she does stands under her number in the record.
    let body = json!({ "name": "Nova", "category": "gaming", "language": "en", "country": "IN" });
    post(&app, "/api/admin/streamers", &access, &body).await.ok(201);
    let path = format!("/api/admin/users/{id}");
    let change = async |body: Value| app.send(Request::new("PATCH", &path).key(&key).json(&body)).await;
    change(json!({})).await.problem(400, "malformed");
    change(json!({ "brand_id": 99 })).await.problem(422, "invalid");
    let moved = change(json!({ "brand_id": brand.id.0, "reason": "she changed sides" })).await.ok(200);
    assert_eq!((&moved["type"], &moved["brand_id"]), (&json!("brand"), &json!(brand.id.0)));
    app.send(Request::get("/api/admin/users").key(&access)).await.problem(401, "unauthorized");
    refresh(&app, &text(&tokens, "refresh_token")).await.problem(401, "session-over");
    let tokens = sign_in(&app, "eve@ops.example", PASSWORD).await.ok(200);
    app.send(Request::get("/api/admin/users").key(&text(&tokens, "access_token")))
        .await
        .problem(403, "forbidden");
    change(json!({ "disabled": true })).await.ok(200);
    me(&app, &text(&tokens, "access_token")).await.problem(401, "unauthorized");
    sign_in(&app, "eve@ops.example", PASSWORD).await.problem(401, "wrong-credentials");
    change(json!({ "disabled": false })).await.ok(200);
    sign_in(&app, "eve@ops.example", PASSWORD).await.ok(200);
    let missing = Request::new("PATCH", "/api/admin/users/99").key(&key).json(&json!({ "disabled": true }));
    app.send(missing).await.problem(404, "not-found");
    app.finish().await;
}

async fn at(addr: SocketAddr, path: &str, key: &str, body: &Value) -> Response {
    Request::new("POST", path).key(key).json(body).send(addr).await
}

/// As `fetchUserDetails`, `refreshAccessToken` and `validateJwt` of the seeds ask, word for word.
#[actix_rt::test]
async fn the_front_ends_of_the_seeds_are_answered_where_they_may_ask() {
    let service = "a service key of thirty-two characters";
    let more = [("SERVER__INTERNAL_BIND", "127.0.0.1:0"), ("SECRETS__SERVICE_KEY", service)];
    let app = TestApp::with(&more).await;
    let internal = app.internal_addr();
    let tokens = ada(&app).await;
    let id = tokens["user"]["user_id"].as_i64().unwrap();
    let users = &app.engine().ports.users;
    let link = gametriggers_actors::ports::Link {
        provider: gametriggers_actors::ports::Provider::Twitch,
        subject: "4711".to_owned(),
    };
    assert!(
        users.add_link(gametriggers_actors::domain::id::UserId(id), &link, app.engine().now()).await.unwrap()
    );
    let body = json!({ "provider": "twitch", "providerAccountId": "4711" });
    let snake = json!({ "provider": "twitch", "provider_account_id": "4711" });
    for (addr, key, body) in [(internal, "", &body), (internal, "", &snake), (app.addr, service, &body)] {
        let details = at(addr, "/users/oauth", key, body).await.ok(200);
        assert_eq!((&details["id"], &details["type"]), (&json!(id.to_string()), &json!("brand")));
        assert_eq!(details["permissions"][0], "campaigns:read");
        me(&app, &text(&details, "access_token")).await.ok(200);
    }
    for key in ["", "a service key of thirty-two charactert", &text(&tokens, "access_token"), "a"] {
        at(app.addr, "/users/oauth", key, &body).await.problem(401, "unauthorized");
    }
    let unknown = json!({ "provider": "twitch", "providerAccountId": "4712" });
    at(internal, "/users/oauth", "", &unknown).await.problem(404, "not-found");
    let nowhere = json!({ "provider": "myspace", "providerAccountId": "" });
    at(internal, "/users/oauth", "", &nowhere).await.problem(422, "invalid");
    let mut token = text(&tokens, "refresh_token");
    for addr in [internal, app.addr] {
        let refreshed = at(addr, "/auth/refresh", "", &json!({ "refreshToken": token })).await.ok(200);
        assert!(refreshed["expires_in"].as_i64().is_some_and(|seconds| seconds == 600), "{refreshed}");
        token = text(&refreshed, "refresh_token");
        let good = json!({ "token": refreshed["access_token"] });
        let valid = at(addr, "/auth/validate", "", &good).await.ok(200);
        assert_eq!((&valid["id"], &valid["type"]), (&json!(id.to_string()), &json!("brand")));
        let bad = json!({ "token": format!("{}x", text(&refreshed, "access_token")) });
        at(addr, "/auth/validate", "", &bad).await.problem(401, "invalid-token");
    }
    // Nothing else is there.
    Request::get("/api/campaigns").send(internal).await.problem(404, "not-found");
    app.finish().await;
    let app = TestApp::start().await;
    at(app.addr, "/users/oauth", "", &body).await.problem(401, "unauthorized");
    app.finish().await;
}

#[actix_rt::test]
async fn the_keys_that_verify_tokens_are_there_for_everybody() {
    let app = TestApp::start().await;
    let answer = app.send(Request::get("/.well-known/jwks.json")).await;
    let keys = answer.ok(200);
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key["d"].is_null() && answer.header("cache-control").contains("max-age"), "{key}");
    // A verifier that knows nothing but this page.
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let token = text(&ada(&app).await, "access_token");
    let (body, signature) = token.rsplit_once('.').unwrap();
    let public = decode(key["x"].as_str().unwrap());
    let verifier = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
    verifier.verify(body.as_bytes(), &decode(signature)).unwrap();
    let head: Value = serde_json::from_slice(&decode(body.split('.').next().unwrap())).unwrap();
    assert_eq!(head["kid"], key["kid"]);
    app.finish().await;
}

#[actix_rt::test]
async fn another_node_takes_a_token_and_hears_of_its_end_within_a_second() {
    let (database, redis, prefix) = (postgres::database().await, shared_url(), prefix());
    let key = |byte: &str| format!("[\"1:{}\"]", byte.repeat(32));
    let (tokens, auth) = (key("5c"), key("6d"));
    let node = async |writer: &str| {
        let more = [
            ("DATABASE__URL", database.as_str()),
            ("DATABASE__WRITER", writer),
            ("REDIS__URL", redis.as_str()),
            ("REDIS__PREFIX", prefix.as_str()),
            ("SERVER__PUBLIC_URL", "https://ads.example"),
            ("SECRETS__TOKEN_KEYS", tokens.as_str()),
            ("SECRETS__AUTH_KEYS", auth.as_str()),
        ];
        World::new(&more).start(None).await
    };
    let (one, other) = (node("1").await, node("2").await);
    eventually("both hear each other", async || {
        one.engine().ports.bus.is_up() && other.engine().ports.bus.is_up()
    })
    .await;
    let tokens = ada(&one).await;
    let access = text(&tokens, "access_token");
    me(&other, &access).await.ok(200);
    let refreshed = refresh(&other, &text(&tokens, "refresh_token")).await.ok(200);
    let newer = text(&refreshed, "access_token");
    me(&one, &newer).await.ok(200);
    let start = Instant::now();
    assert_eq!(one.send(Request::new("POST", "/api/auth/sign-out").key(&access)).await.status, 204);
    eventually("the other node has heard", async || me(&other, &newer).await.status == 401).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    refresh(&other, &text(&refreshed, "refresh_token")).await.problem(401, "session-over");
}
