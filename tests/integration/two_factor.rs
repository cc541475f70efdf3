//! The second factor over real HTTP: operators can do nothing without it, and no code works twice.

use crate::support::TestApp;
use crate::support::http::{Request, Response};
use gametriggers::identity::totp;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Response {
    app.send(Request::new("POST", path).key(key).json(body)).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

async fn sign_in(app: &TestApp, code: Option<&str>) -> Response {
    let body = json!({ "email": "eve@ops.example", "password": PASSWORD, "code": code });
    post(app, "/api/auth/sign-in", "", &body).await
}

/// An operator who signs in with a password, and the access token of that.
async fn eve(app: &TestApp) -> String {
    let eve = json!({ "email": "eve@ops.example", "name": "Eve", "password": PASSWORD, "admin": true });
    post(app, "/api/admin/users", &app.admin_key().await, &eve).await.ok(201);
    text(&sign_in(app, None).await.ok(200), "access_token")
}

/// What the app of a user has, out of base 32.
pub(crate) fn secret(view: &Value) -> Vec<u8> {
    let text = text(view, "secret");
    let bits = text
        .chars()
        .map(|letter| u8::try_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap()).unwrap());
    let bits: Vec<u8> = bits.flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value * 2 + bit)).collect()
}

/// The code of a step from now: each works once, so a test takes the next one instead of waiting.
fn code(app: &TestApp, secret: &[u8], steps: i64) -> String {
    totp::code_at(secret, UnixMillis(app.engine().now().0) + Millis(steps * 30_000))
}

async fn users(app: &TestApp, token: &str) -> Response {
    app.send(Request::get("/api/admin/users").key(token)).await
}

#[actix_rt::test]
async fn an_operator_can_do_nothing_before_the_second_factor_and_everything_with_it() {
    let app = TestApp::start().await;
    let access = eve(&app).await;
    users(&app, &access).await.problem(403, "forbidden");
    let other = sign_in(&app, None).await.ok(200);
    assert_eq!(other["user"]["scopes"], json!([]));
    let setup = post(&app, "/api/auth/two-factor", &access, &json!({})).await.ok(200);
    assert!(text(&setup, "otpauth_url").contains(&text(&setup, "secret")));
    let secret = secret(&setup);
    let confirm = async |code: &str| {
        post(&app, "/api/auth/two-factor/confirm", &access, &json!({ "code": code })).await
    };
    confirm("000000").await.problem(401, "wrong-code");
    let first = code(&app, &secret, 0);
    let confirmed = confirm(&first).await.ok(200);
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    users(&app, &text(&confirmed, "access_token")).await.ok(200);
    // Who knew the password only, and signed in before, does not get in by waiting.
    let body = json!({ "refresh_token": other["refresh_token"] });
    post(&app, "/api/auth/refresh", "", &body).await.problem(401, "session-over");
    confirm(&first).await.problem(409, "second-factor-in-force");
    post(&app, "/api/auth/two-factor", &access, &json!({})).await.problem(409, "second-factor-in-force");
    sign_in(&app, None).await.problem(401, "second-factor-needed");
    sign_in(&app, Some("000000")).await.problem(401, "wrong-code");
    sign_in(&app, Some(&first)).await.problem(401, "wrong-code");
    let next = code(&app, &secret, 1);
    let tokens = sign_in(&app, Some(&next)).await.ok(200);
    users(&app, &text(&tokens, "access_token")).await.ok(200);
    sign_in(&app, Some(&next)).await.problem(401, "wrong-code");
    app.finish().await;
}

#[actix_rt::test]
async fn a_recovery_code_works_once_and_an_operator_resets_what_is_lost() {
    let app = TestApp::start().await;
    let access = eve(&app).await;
    let setup = post(&app, "/api/auth/two-factor", &access, &json!({})).await.ok(200);
    let secret = secret(&setup);
    let body = json!({ "code": code(&app, &secret, 0) });
    let confirmed = post(&app, "/api/auth/two-factor/confirm", &access, &body).await.ok(200);
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap();
    let tokens = sign_in(&app, Some(&codes[0].to_uppercase())).await.ok(200);
    sign_in(&app, Some(&codes[0])).await.problem(401, "wrong-code");
    let access = text(&tokens, "access_token");
    let renew = json!({ "code": codes[1] });
    let renewed = post(&app, "/api/auth/two-factor/recovery-codes", &access, &renew).await.ok(200);
    sign_in(&app, Some(&codes[2])).await.problem(401, "wrong-code");
    let give_up = json!({ "code": renewed["recovery_codes"][0] });
    post(&app, "/api/auth/two-factor/disable", &access, &give_up).await.problem(403, "forbidden");
    let me = app.send(Request::get("/api/auth/me").key(&access)).await.ok(200);
    assert_eq!(me["two_factor"], true);
    let key = app.admin_key().await;
    let reset = json!({ "reset_two_factor": true, "reason": "her phone is gone" });
    let path = format!("/api/admin/users/{}", me["user_id"]);
    let after = app.send(Request::new("PATCH", path).key(&key).json(&reset)).await.ok(200);
    assert_eq!(after["two_factor"], false);
    users(&app, &access).await.problem(401, "unauthorized");
    let tokens = sign_in(&app, None).await.ok(200);
    users(&app, &text(&tokens, "access_token")).await.problem(403, "forbidden");
    app.finish().await;
}

#[actix_rt::test]
async fn codes_can_not_be_tried_out() {
    let app = TestApp::with(&[("AUTH__ATTEMPTS_PER_ACCOUNT", "4")]).await;
    let access = eve(&app).await;
    let setup = post(&app, "/api/auth/two-factor", &access, &json!({})).await.ok(200);
    let secret = secret(&setup);
    let body = json!({ "code": code(&app, &secret, 0) });
    post(&app, "/api/auth/two-factor/confirm", &access, &body).await.ok(200);
    for _ in 0..4 {
        sign_in(&app, Some("000000")).await.problem(401, "wrong-code");
    }
    sign_in(&app, Some(&code(&app, &secret, 1))).await.problem(429, "too-many-attempts");
    app.finish().await;
}

#[actix_rt::test]
async fn anybody_may_have_a_second_factor_and_give_it_up() {
    let app = TestApp::start().await;
    let body = json!({ "email": "eve@ops.example", "password": PASSWORD, "name": "Volt", "type": "brand" });
    let access = text(&post(&app, "/api/auth/sign-up", "", &body).await.ok(201), "access_token");
    let confirm = json!({ "code": "123456" });
    let nothing = post(&app, "/api/auth/two-factor/confirm", &access, &confirm).await;
    nothing.problem(409, "no-second-factor");
    let setup = post(&app, "/api/auth/two-factor", &access, &json!({})).await.ok(200);
    let secret = secret(&setup);
    let body = json!({ "code": code(&app, &secret, 0) });
    post(&app, "/api/auth/two-factor/confirm", &access, &body).await.ok(200);
    sign_in(&app, None).await.problem(401, "second-factor-needed");
    let body = json!({ "code": code(&app, &secret, 1) });
    post(&app, "/api/auth/two-factor/disable", &access, &body).await.ok(200);
    sign_in(&app, None).await.ok(200);
    app.finish().await;
}
