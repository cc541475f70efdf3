//! Front ends that keep sessions of their own, and renew them with the refresh token of a provider.

use crate::support::TestApp;
use crate::support::http::{Request, Response};
use crate::support::provider::FakeProvider;
use gametriggers::identity::totp;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::{Link, Provider};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

const SERVICE: &str = "a service key of thirty-two characters";
const PASSWORD: &str = "correct horse battery";

/// A server with an internal listener, a service key and both providers.
async fn with(provider: &FakeProvider, more: &[(&str, &str)]) -> TestApp {
    let settings = provider.settings();
    let own = [("SERVER__INTERNAL_BIND", "127.0.0.1:0"), ("SECRETS__SERVICE_KEY", SERVICE)];
    let all: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(own)
        .chain(more.iter().copied())
        .collect();
    TestApp::with(&all).await
}

async fn post(addr: SocketAddr, path: &str, key: &str, body: &Value) -> Response {
    Request::new("POST", path).key(key).json(body).send(addr).await
}

/// A front end on the internal listener shows a token.
async fn shows(app: &TestApp, token: &str) -> Response {
    post(app.internal_addr(), "/auth/refresh", "", &json!({ "refreshToken": token })).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

/// A brand's user who signs in with accounts at both providers: id and tokens.
async fn brand(app: &TestApp, name: &str) -> (UserId, Value) {
    let email = format!("{name}@volt.example");
    let body = json!({ "email": email, "password": PASSWORD, "name": name, "type": "brand" });
    let tokens = post(app.addr, "/api/auth/sign-up", "", &body).await.ok(201);
    let user = UserId(tokens["user"]["user_id"].as_i64().unwrap());
    link(app, user, name).await;
    (user, tokens)
}

async fn link(app: &TestApp, user: UserId, name: &str) {
    for provider in [Provider::Twitch, Provider::Google] {
        let link = Link { provider, subject: format!("id-{name}") };
        assert!(app.engine().ports.users.add_link(user, &link, app.engine().now()).await.unwrap());
    }
}

fn shown(places: &[(&str, &str)]) -> Vec<(String, String)> {
    places.iter().map(|(at, token)| ((*at).to_owned(), (*token).to_owned())).collect()
}

#[actix_rt::test]
async fn a_service_shows_a_provider_s_token_once_and_goes_on_with_ours() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    let (user, _) = brand(&app, "ada").await;
    for (token, asked) in [
        ("rt-ada", vec![("twitch", "rt-ada")]),
        ("1//ada", vec![("google", "1//ada")]),
        ("old-google-ada", vec![("twitch", "old-google-ada"), ("google", "old-google-ada")]),
    ] {
        let tokens = shows(&app, token).await.ok(200);
        assert_eq!(provider.renewed(), shown(&asked), "{token}");
        assert_eq!((&tokens["expires_in"], &tokens["user"]["user_id"]), (&json!(600), &json!(user.0)));
        let me = Request::get("/api/auth/me").key(&text(&tokens, "access_token"));
        assert_eq!(app.send(me).await.ok(200)["email"], "ada@volt.example");
        let ours = text(&tokens, "refresh_token");
        assert!(ours.starts_with("gt_refresh_"), "{ours}");
        let next = shows(&app, &ours).await.ok(200);
        // Ours are good wherever refresh tokens are, and are shown to no provider, not even dead ones.
        let body = json!({ "refresh_token": next["refresh_token"] });
        post(app.addr, "/api/auth/refresh", "", &body).await.ok(200);
        shows(&app, "gt_refresh_AAAA").await.problem(401, "session-over");
        assert_eq!(provider.renewed(), shown(&[]));
    }
    let named = json!({ "refresh_token": "old-google-ada2", "provider": "google" });
    link(&app, user, "ada2").await;
    let with_key = post(app.addr, "/auth/refresh", SERVICE, &named).await;
    assert_eq!(with_key.ok(200)["user"]["user_id"], user.0);
    assert_eq!(with_key.header("cache-control"), "no-store");
    assert_eq!(provider.renewed(), shown(&[("google", "old-google-ada2")]));
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_else_does() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    let (_, tokens) = brand(&app, "ada").await;
    let (access, body) = (text(&tokens, "access_token"), json!({ "refreshToken": "rt-ada" }));
    for (path, key) in [
        ("/auth/refresh", ""),
        ("/auth/refresh", access.as_str()),
        ("/auth/refresh", "a service key of thirty-two charactert"),
        ("/api/auth/refresh", ""),
        ("/api/auth/refresh", SERVICE),
        ("/api/auth/refresh", access.as_str()),
    ] {
        post(app.addr, path, key, &body).await.problem(401, "session-over");
    }
    let named = json!({ "refresh_token": "rt-ada", "provider": "twitch" });
    post(app.addr, "/auth/refresh", "", &named).await.problem(401, "session-over");
    post(app.addr, "/api/auth/refresh", SERVICE, &named).await.problem(400, "malformed");
    assert_eq!(provider.renewed(), shown(&[]));
    app.finish().await;
    // And where no provider is set up, no token of one is good.
    let app = TestApp::with(&[("SECRETS__SERVICE_KEY", SERVICE)]).await;
    post(app.addr, "/auth/refresh", SERVICE, &body).await.problem(401, "session-over");
    app.finish().await;
}

#[actix_rt::test]
async fn the_provider_s_word_is_one_factor_about_an_account_that_is_tied_to_a_user() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    shows(&app, "rt-nobody").await.problem(401, "no-such-user");
    assert!(app.engine().ports.users.user_page(None, 9).await.unwrap().is_empty(), "nobody was made");
    let admin = app.admin_key().await;
    // An operator, who needs a second factor.
    let eve = json!({ "email": "eve@ops.example", "name": "Eve", "password": PASSWORD, "admin": true });
    let eve = post(app.addr, "/api/admin/users", &admin, &eve).await.ok(201);
    link(&app, UserId(eve["user_id"].as_i64().unwrap()), "eve").await;
    shows(&app, "rt-eve").await.problem(401, "second-factor-needed");
    // A brand that chose one.
    let (_, tokens) = brand(&app, "ada").await;
    let access = text(&tokens, "access_token");
    shows(&app, "rt-ada").await.ok(200);
    let setup = post(app.addr, "/api/auth/two-factor", &access, &json!({})).await.ok(200);
    let secret = crate::two_factor::secret(&setup);
    let code = json!({ "code": totp::code_at(&secret, app.engine().now()) });
    post(app.addr, "/api/auth/two-factor/confirm", &access, &code).await.ok(200);
    shows(&app, "rt-ada").await.problem(401, "second-factor-needed");
    // Somebody whom an operator has locked out.
    let (bo, _) = brand(&app, "bo").await;
    shows(&app, "1//bo").await.ok(200);
    let off = Request::new("PATCH", format!("/api/admin/users/{bo}")).key(&admin);
    app.send(off.json(&json!({ "disabled": true }))).await.ok(200);
    shows(&app, "1//bo").await.problem(401, "no-such-user");
    app.finish().await;
}

#[actix_rt::test]
async fn what_is_no_token_or_comes_from_a_provider_that_misbehaves_opens_nothing() {
    let provider = FakeProvider::start().await;
    let app = with(&provider, &[]).await;
    for name in ["stale", "forged", "wrong-audience", "wrong-issuer", "unknown-key", "none", "down", "broken"]
    {
        brand(&app, name).await;
    }
    for (token, status, problem) in [
        ("1//wrong-audience", 401, "provider-forged"),
        ("1//wrong-issuer", 401, "provider-forged"),
        ("1//stale", 401, "provider-forged"),
        ("1//forged", 401, "provider-forged"),
        ("1//unknown-key", 401, "provider-forged"),
        ("1//none", 401, "provider-forged"),
        ("rt-expired", 401, "session-over"),
        ("of-no-provider", 401, "session-over"),
        ("rt-huge", 502, "provider-failed"),
        ("rt-broken", 502, "provider-failed"),
        ("rt-down", 502, "provider-failed"),
        ("rt-elsewhere", 502, "provider-failed"),
    ] {
        shows(&app, token).await.problem(status, problem);
    }
    let down = provider.renewed().into_iter().filter(|(_, token)| token == "rt-down").count();
    assert_eq!(down, 1, "it may be Twitch's: it is not shown to Google");
    for odd in ["", " ", "rt-a b", "rt-\u{e9}", "rt-a\nb", &"r".repeat(2049)] {
        shows(&app, odd).await.problem(401, "session-over");
    }
    for (body, status, problem) in [
        (json!({}), 400, "malformed"),
        (json!({ "refreshToken": null }), 400, "malformed"),
        (json!({ "refreshToken": "rt-ada", "user": 1 }), 400, "malformed"),
        (json!({ "refreshToken": "rt-ada", "provider": "myspace" }), 422, "invalid"),
    ] {
        post(app.internal_addr(), "/auth/refresh", "", &body).await.problem(status, problem);
    }
    assert_eq!(provider.renewed(), shown(&[]), "no provider saw any of these");
    app.finish().await;
}

#[actix_rt::test]
async fn a_token_is_shown_to_its_provider_once_in_a_while() {
    let provider = FakeProvider::start().await;
    let more = [("AUTH__REFRESH_GRACE_MS", "1000"), ("AUTH__ATTEMPTS_PER_ACCOUNT", "3")];
    let app = with(&provider, &more).await;
    brand(&app, "ada").await;
    // Two pages at once, and one whose answer was lost.
    let both = futures_util::future::join(shows(&app, "rt-ada"), shows(&app, "rt-ada")).await;
    let all = [both.0.ok(200), both.1.ok(200), shows(&app, "rt-ada").await.ok(200)];
    assert_eq!(provider.renewed(), shown(&[("twitch", "rt-ada")]));
    let mut sessions: Vec<_> = all.iter().map(|tokens| text(tokens, "refresh_token")).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 3, "each has a session of its own");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    shows(&app, "rt-ada").await.ok(200);
    assert_eq!(provider.renewed().len(), 1);
    // A dead one: the front end asks with each page that is looked at.
    for _ in 0..3 {
        shows(&app, "rt-expired").await.problem(401, "session-over");
    }
    let limited = shows(&app, "rt-expired").await;
    limited.problem(429, "too-many-attempts");
    let after: i64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=Millis::minutes(10).0 / 1000 + 1).contains(&after), "{after}");
    assert_eq!(provider.renewed().len(), 6, "three times, at both");
    shows(&app, "rt-ada").await.ok(200);
    app.finish().await;
}
