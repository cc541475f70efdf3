//! Signing in with an account elsewhere, against a provider on loopback that misbehaves when it is told to.

use crate::support::TestApp;
use crate::support::http::{Request, Response};
use crate::support::provider::FakeProvider;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// A browser that went to a provider: what it carries, and where it was sent.
struct Away {
    cookie: String,
    url: String,
}

async fn with(provider: &FakeProvider, more: &[(&str, &str)]) -> TestApp {
    let settings = provider.settings();
    let all: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(more.iter().copied())
        .collect();
    TestApp::with(&all).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

fn cookie(answer: &Response) -> String {
    let line = answer.header("set-cookie");
    assert!(line.contains("; HttpOnly; SameSite=Lax") && line.contains("Path=/api/auth/"), "{line}");
    line.split(';').next().unwrap().to_owned()
}

async fn leave(app: &TestApp, name: &str, query: &str) -> Away {
    let answer = app.send(Request::get(format!("/api/auth/{name}{query}"))).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    Away { cookie: cookie(&answer), url: answer.header("location").to_owned() }
}

/// The browser comes back to an address, with what it carries.
async fn back(app: &TestApp, url: &str, cookie: &str) -> Response {
    let path = &url[url.find("/api/").unwrap()..];
    app.send(Request::get(path).header("cookie", format!("a=b; {cookie}"))).await
}

/// There and back.
async fn visit(app: &TestApp, provider: &FakeProvider, name: &str, how: &str) -> Response {
    let away = leave(app, name, "?type=brand").await;
    let url = provider.agree(&away.url, how).await;
    back(app, &url, &away.cookie).await
}

fn code(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let url = answer.header("location");
    assert!(!url.contains("token") && answer.header("cache-control") == "no-store", "{url}");
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    url.split_once("/#code=").unwrap().1.to_owned()
}

async fn exchange(app: &TestApp, code: &str) -> Response {
    app.send(Request::new("POST", "/api/auth/exchange").json(&json!({ "code": code }))).await
}

#[actix_rt::test]
async fn somebody_with_an_account_elsewhere_signs_in_and_is_the_same_user_the_next_time() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    for name in ["twitch", "google"] {
        let first = code(&visit(&app, &provider, name, name).await);
        let tokens = exchange(&app, &first).await.ok(200);
        assert_eq!(
            (&tokens["user"]["email"], &tokens["user"]["type"]),
            (&json!(format!("{name}@provider.example")), &json!("brand"))
        );
        let me = Request::get("/api/auth/me").key(&text(&tokens, "access_token"));
        let me = app.send(me).await.ok(200);
        assert_eq!((&me["providers"], &me["has_password"]), (&json!([name]), &json!(false)));
        // The same account, without saying what is wanted if it were new.
        let away = leave(&app, name, "").await;
        let again = code(&back(&app, &provider.agree(&away.url, name).await, &away.cookie).await);
        let again = exchange(&app, &again).await.ok(200);
        assert_eq!(again["user"]["user_id"], tokens["user"]["user_id"]);
        let refresh = json!({ "refresh_token": again["refresh_token"] });
        app.send(Request::new("POST", "/api/auth/refresh").json(&refresh)).await.ok(200);
        // A code is good once, and whoever has a copy ends the session.
        exchange(&app, &first).await.problem(401, "session-over");
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        app.send(Request::new("POST", "/api/auth/refresh").json(&refresh)).await.problem(401, "session-over");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_streamer_comes_with_what_targeting_looks_at() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    let missing = app.send(Request::get("/api/auth/twitch?type=streamer&language=en")).await;
    let problem = missing.problem(422, "invalid");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
    app.send(Request::get("/api/auth/twitch?type=admin")).await.problem(422, "invalid");
    let away = leave(&app, "twitch", "?type=streamer&category=gaming&language=en&country=IN").await;
    let answer = back(&app, &provider.agree(&away.url, "nova").await, &away.cookie).await;
    let tokens = exchange(&app, &code(&answer)).await.ok(200);
    let id = tokens["user"]["streamer_id"].as_i64().unwrap();
    let settings = Request::get(format!("/api/streamers/{id}/settings"));
    app.send(settings.key(&text(&tokens, "access_token"))).await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn who_did_not_begin_here_does_not_end_here() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    let (mine, theirs) =
        (leave(&app, "twitch", "?type=brand").await, leave(&app, "twitch", "?type=brand").await);
    let url = provider.agree(&mine.url, "nova").await;
    let wrong_state = url.replace("state=", "state=x");
    for (url, cookie) in [
        (url.as_str(), ""),
        (url.as_str(), "gt_sign_in="),
        (url.as_str(), "gt_sign_in=AAAA"),
        (url.as_str(), theirs.cookie.as_str()),
        (wrong_state.as_str(), mine.cookie.as_str()),
        ("/api/auth/twitch/callback", mine.cookie.as_str()),
        (&url.replace("/twitch/", "/google/"), mine.cookie.as_str()),
    ] {
        back(&app, url, cookie).await.problem(401, "wrong-state");
    }
    // A code of another browser's sign-in does not fit the verifier of this one.
    let code = provider.agree(&theirs.url, "nova").await;
    let code = code.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let own = url.split("code=").nth(1).unwrap().split('&').next().unwrap();
    back(&app, &url.replace(own, code), &mine.cookie).await.problem(401, "provider-refused");
    let state = url.split("state=").nth(1).unwrap();
    let refused = format!("/api/auth/twitch/callback?error=access_denied&state={state}");
    back(&app, &refused, &mine.cookie).await.problem(401, "provider-refused");
    assert!(app.engine().ports.users.user_page(None, 9).await.unwrap().is_empty());
    code_of(&app, &url, &mine.cookie).await;
    app.finish().await;
}

async fn code_of(app: &TestApp, url: &str, cookie: &str) {
    exchange(app, &code(&back(app, url, cookie).await)).await.ok(200);
}

#[actix_rt::test]
async fn a_provider_that_misbehaves_signs_nobody_in_and_holds_nobody_up() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    for (name, how, status, problem) in [
        ("google", "wrong-nonce", 401, "provider-forged"),
        ("google", "wrong-audience", 401, "provider-forged"),
        ("google", "wrong-issuer", 401, "provider-forged"),
        ("google", "stale", 401, "provider-forged"),
        ("google", "forged", 401, "provider-forged"),
        ("google", "unknown-key", 401, "provider-forged"),
        ("google", "none", 401, "provider-forged"),
        ("google", "unverified", 401, "no-email"),
        ("twitch", "unverified", 401, "no-email"),
        ("twitch", "expired", 401, "provider-refused"),
        ("twitch", "huge", 502, "provider-failed"),
        ("twitch", "broken", 502, "provider-failed"),
        ("twitch", "down", 502, "provider-failed"),
        ("twitch", "elsewhere", 502, "provider-failed"),
    ] {
        visit(&app, &provider, name, how).await.problem(status, problem);
    }
    let slow = async {
        let start = Instant::now();
        visit(&app, &provider, "twitch", "slow").await.problem(502, "provider-failed");
        start.elapsed()
    };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let start = Instant::now();
        app.send(Request::get("/.well-known/jwks.json")).await.ok(200);
        start.elapsed()
    };
    let (slow, meanwhile) = futures_util::future::join(slow, meanwhile).await;
    assert!(slow < Duration::from_secs(8) && meanwhile < Duration::from_secs(1), "{slow:?} {meanwhile:?}");
    assert!(app.engine().ports.users.user_page(None, 9).await.unwrap().is_empty());
    app.finish().await;
}

#[actix_rt::test]
async fn an_address_alone_ties_nothing_together_and_a_user_ties_their_own_accounts() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    let body = json!({ "email": "nova@provider.example", "password": "correct horse battery", "name": "Volt",
        "type": "brand" });
    let tokens = app.send(Request::new("POST", "/api/auth/sign-up").json(&body)).await.ok(201);
    visit(&app, &provider, "twitch", "nova").await.problem(409, "email-taken");
    let link = Request::new("POST", "/api/auth/twitch/link").json(&json!({}));
    app.send(link.clone()).await.problem(401, "unauthorized");
    let answer = app.send(link.key(&text(&tokens, "access_token"))).await;
    let url = text(&answer.ok(200), "authorize_url");
    let back_at = provider.agree(&url, "nova").await;
    let signed_in = exchange(&app, &code(&back(&app, &back_at, &cookie(&answer)).await)).await.ok(200);
    assert_eq!(signed_in["user"]["user_id"], tokens["user"]["user_id"]);
    let again = exchange(&app, &code(&visit(&app, &provider, "twitch", "nova").await)).await.ok(200);
    assert_eq!(again["user"]["user_id"], tokens["user"]["user_id"]);
    // An account that is somebody's can not become another user's.
    let rival = exchange(&app, &code(&visit(&app, &provider, "google", "rival").await)).await.ok(200);
    let link = Request::new("POST", "/api/auth/twitch/link").json(&json!({}));
    let answer = app.send(link.key(&text(&rival, "access_token"))).await;
    let url = text(&answer.ok(200), "authorize_url");
    let back_at = provider.agree(&url, "nova").await;
    back(&app, &back_at, &cookie(&answer)).await.problem(409, "account-taken");
    app.finish().await;
}

#[actix_rt::test]
async fn only_known_providers_and_front_ends_are_gone_to() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[("AUTH__FRONT_ENDS", "[\"https://studio.example/in\"]")]).await;
    let away = leave(&app, "twitch", "?type=brand&redirect=https%3A%2F%2Fstudio.example%2Fin").await;
    let answer = back(&app, &provider.agree(&away.url, "nova").await, &away.cookie).await;
    assert!(answer.header("location").starts_with("https://studio.example/in#code=gt_code_"));
    for elsewhere in ["https://evil.example/", "https://studio.example/in/", "//evil.example"] {
        let query = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect::<String>();
        let answer = app.send(Request::get(format!("/api/auth/twitch?redirect={query}"))).await;
        answer.problem(422, "invalid");
    }
    app.send(Request::get("/api/auth/myspace")).await.problem(404, "not-found");
    app.finish().await;
    let app = TestApp::with(&[("AUTH__SIGN_UP", "false")]).await;
    app.send(Request::get("/api/auth/twitch")).await.problem(404, "not-found");
    app.finish().await;
}
