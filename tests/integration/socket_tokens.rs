//! Sockets that are opened with access tokens and tickets: how long they live, what keeps them open, and what
//! ends them.

use crate::keys::{shared_streamer, two_nodes};
use crate::support::http::{Request, Response};
use crate::support::socket::Socket;
use crate::support::{PRICE, TestApp, sleep_ms};
use gametriggers::identity::keys::AuthKeys;
use gametriggers::identity::token::{Pass, Tokens};
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::domain::token::SigningKey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery";
const URL: &str = "https://ads.example";
const SECOND: Duration = Duration::from_secs(1);

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Response {
    app.send(Request::new("POST", path).key(key).json(body)).await
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

/// A server whose secret this test knows.
async fn start() -> TestApp {
    let auth = format!("[\"1:{}\"]", "6d".repeat(32));
    TestApp::with(&[("SERVER__PUBLIC_URL", URL), ("SECRETS__AUTH_KEYS", &auth)]).await
}

/// Makes tokens as the server does, of any life: those of the server live for a minute at least.
struct Mint(Arc<AuthKeys>);

impl Mint {
    fn new() -> Self {
        Self(Arc::new(AuthKeys::new(&SigningKey { kid: 1, secret: [0x6d; 32] }, &[]).unwrap()))
    }

    fn tokens(&self, life: Millis) -> Tokens {
        Tokens::new(Arc::clone(&self.0), URL.to_owned(), "gametriggers".to_owned(), life)
    }

    fn read(&self, app: &TestApp, token: &str) -> Pass {
        self.tokens(Millis(0)).read(token, app.engine().now()).unwrap()
    }

    /// The same as another token, but for its life and its scopes.
    fn like(&self, app: &TestApp, token: &str, (seconds, scopes): (i64, Option<Scopes>)) -> String {
        let pass = self.read(app, token);
        let pass = Pass { scopes: scopes.unwrap_or(pass.scopes), ..pass };
        self.tokens(Millis::seconds(seconds)).issue(&pass, [seconds.to_be_bytes()[7]; 16], app.engine().now())
    }
}

/// A user who acts for a streamer, or a brand of their own.
async fn signed_up(app: &TestApp, name: &str, kind: &str) -> Value {
    let mut body = json!({
        "email": format!("{name}@stream.example"), "password": PASSWORD, "name": name, "type": kind,
    });
    if kind == "streamer" {
        let profile = json!({ "category": "gaming", "language": "en", "country": "IN" });
        body.as_object_mut().unwrap().extend(profile.as_object().unwrap().clone());
    }
    post(app, "/api/auth/sign-up", "", &body).await.ok(201)
}

async fn greeted(app: &TestApp, path: &str, token: &str) -> (Socket, Value) {
    let mut socket = app.open(path).await;
    socket.greet(token).await;
    let welcome = socket.expect("welcome").await;
    (socket, welcome)
}

async fn refused(app: &TestApp, path: &str, token: &str, (code, reason): (u16, &str)) {
    let mut socket = app.open(path).await;
    socket.greet(token).await;
    assert_eq!(socket.closed().await, (code, reason.to_owned()), "{path}");
}

async fn ticket(app: &TestApp, key: &str, purpose: &str, id: i64) -> Response {
    post(app, "/api/auth/tickets", key, &json!({ "for": purpose, "id": id })).await
}

const DASHBOARD: &str = "/ws/dashboard";
const WRONG: (u16, &str) = (3500, "unauthorized");

#[actix_rt::test]
async fn a_socket_lives_as_long_as_its_token_and_a_new_one_keeps_it_open() {
    let (app, mint) = (start().await, Mint::new());
    let access = text(&signed_up(&app, "bo", "streamer").await, "access_token");
    let short = |seconds| mint.like(&app, &access, (seconds, None));
    let (mut left, welcome) = greeted(&app, DASHBOARD, &short(2)).await;
    assert_eq!(welcome["until_ms"], mint.read(&app, &short(2)).expires.0);
    let (mut kept, _) = greeted(&app, DASHBOARD, &short(2)).await;
    kept.say(&json!({ "type": "auth", "token": short(30) })).await;
    let until = kept.expect("authorized").await["until_ms"].as_i64().unwrap();
    assert!(until > app.engine().now().0 + 20_000);
    assert_eq!(left.closed_in(4 * SECOND).await, (3008, "token_over".to_owned()));
    sleep_ms(1200).await;
    kept.say(&json!({ "type": "command", "id": "1", "command": { "name": "pause" } })).await;
    assert_eq!(kept.expect("result").await["ok"], true, "past the first token's life");
    // A dead one opens nothing, and renews nothing.
    let dead = short(0);
    refused(&app, DASHBOARD, &dead, WRONG).await;
    kept.say(&json!({ "type": "auth", "token": dead })).await;
    assert_eq!(kept.closed_in(SECOND).await, (3500, "unauthorized".to_owned()));
    app.finish().await;
}

#[actix_rt::test]
async fn a_token_of_somebody_else_renews_nothing() {
    let (app, mint) = (start().await, Mint::new());
    let (bo, kim) = (signed_up(&app, "bo", "streamer").await, signed_up(&app, "kim", "streamer").await);
    let (own, other) = (text(&bo, "access_token"), text(&kim, "access_token"));
    let key = text(&bo, "dashboard_url").rsplit_once("#k=").unwrap().1.to_owned();
    // One who acts for the same streamer and is another user; the own one with a key instead; a ticket.
    let twin = Pass { user: mint.read(&app, &other).user, ..mint.read(&app, &own) };
    let twin = mint.tokens(Millis::seconds(60)).issue(&twin, [9; 16], app.engine().now());
    let id = bo["user"]["streamer_id"].as_i64().unwrap();
    let ticket = text(&ticket(&app, &own, "dashboard", id).await.ok(201), "ticket");
    for strange in [&other, &twin, &key, &ticket, &"gt_streamer_0".to_owned(), &String::new()] {
        let (mut socket, _) = greeted(&app, DASHBOARD, &own).await;
        socket.say(&json!({ "type": "auth", "token": strange })).await;
        assert_eq!(socket.closed_in(SECOND).await, (3500, "unauthorized".to_owned()), "{strange}");
    }
    let (mut socket, _) = greeted(&app, DASHBOARD, &key).await;
    let rival = app.streamer("Rival").await;
    socket.say(&json!({ "type": "auth", "token": rival.key })).await;
    assert_eq!(socket.closed_in(SECOND).await, (3500, "unauthorized".to_owned()));
    // Before the greeting there is nothing to renew.
    let mut early = app.open(DASHBOARD).await;
    early.say(&json!({ "type": "auth", "token": own })).await;
    assert_eq!(early.closed().await, (3506, "out_of_order".to_owned()));
    app.finish().await;
}

#[actix_rt::test]
async fn scopes_say_what_a_socket_may() {
    let (app, mint) = (start().await, Mint::new());
    let access = text(&signed_up(&app, "bo", "streamer").await, "access_token");
    let with = |scopes: &[Scope]| mint.like(&app, &access, (60, Some(Scopes::of(scopes))));
    let no = (3508, "out_of_scope");
    refused(&app, DASHBOARD, &with(&[Scope::StreamerWrite, Scope::CampaignsRead]), no).await;
    let (mut socket, _) = greeted(&app, DASHBOARD, &with(&[Scope::StreamerRead])).await;
    let pause = json!({ "type": "command", "id": "7", "command": { "name": "pause" } });
    socket.say(&pause).await;
    let result = socket.expect("result").await;
    assert_eq!((&result["ok"], &result["id"]), (&json!(false), &json!("7")));
    socket.say(&json!({ "type": "auth", "token": access })).await;
    socket.expect("authorized").await;
    socket.say(&pause).await;
    assert_eq!(socket.expect("result").await["ok"], true);
    socket.say(&json!({ "type": "auth", "token": with(&[Scope::WalletRead]) })).await;
    assert_eq!(socket.closed().await, (3508, "out_of_scope".to_owned()));
    // A brand's key that may not see campaigns.
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let body = json!({ "name": "x", "scopes": ["wallet:read"] });
    let key =
        text(&post(&app, &format!("/api/brands/{}/keys", brand.id), &brand.key, &body).await.ok(201), "key");
    refused(&app, &format!("/ws/campaigns/{campaign}"), &key, no).await;
    ticket(&app, &key, "campaign", campaign.0).await.problem(403, "forbidden");
    app.finish().await;
}

#[actix_rt::test]
async fn who_signs_out_or_is_disabled_has_no_socket_a_second_later() {
    let app = start().await;
    let tokens = signed_up(&app, "bo", "streamer").await;
    let access = text(&tokens, "access_token");
    let sign_in = async || {
        let body = json!({ "email": "bo@stream.example", "password": PASSWORD });
        text(&post(&app, "/api/auth/sign-in", "", &body).await.ok(200), "access_token")
    };
    let second = sign_in().await;
    let (mut one, _) = greeted(&app, DASHBOARD, &access).await;
    let (mut other, _) = greeted(&app, DASHBOARD, &second).await;
    let id = tokens["user"]["streamer_id"].as_i64().unwrap();
    let by_ticket = text(&ticket(&app, &access, "dashboard", id).await.ok(201), "ticket");
    let unused = text(&ticket(&app, &access, "dashboard", id).await.ok(201), "ticket");
    let (mut ticketed, _) = greeted(&app, DASHBOARD, &by_ticket).await;
    assert_eq!(app.send(Request::new("POST", "/api/auth/sign-out").key(&access)).await.status, 204);
    let revoked = (3501, "revoked".to_owned());
    assert_eq!(one.closed_in(SECOND).await, revoked);
    assert_eq!(ticketed.closed_in(SECOND).await, revoked);
    refused(&app, DASHBOARD, &unused, (3501, "revoked")).await;
    other.say(&json!({ "type": "heartbeat" })).await;
    // A new password: the session that set it goes on, with a new token.
    let third = sign_in().await;
    let (mut same, _) = greeted(&app, DASHBOARD, &third).await;
    let body = json!({ "current_password": PASSWORD, "new_password": "another good one" });
    post(&app, "/api/auth/password", &third, &body).await.ok(200);
    assert_eq!(same.closed_in(SECOND).await, (3008, "token_over".to_owned()));
    assert_eq!(other.closed_in(SECOND).await, revoked);
    let body = json!({ "email": "bo@stream.example", "password": "another good one" });
    let access = text(&post(&app, "/api/auth/sign-in", "", &body).await.ok(200), "access_token");
    let (mut last, _) = greeted(&app, DASHBOARD, &access).await;
    let path = format!("/api/admin/users/{}", tokens["user"]["user_id"]);
    let disable = Request::new("PATCH", path).key(&app.admin_key().await).json(&json!({ "disabled": true }));
    app.send(disable).await.ok(200);
    assert_eq!(last.closed_in(SECOND).await, revoked);
    app.finish().await;
}

#[actix_rt::test]
async fn a_ticket_opens_the_socket_that_it_is_for_and_only_once() {
    let (app, mint) = (start().await, Mint::new());
    let bo = signed_up(&app, "bo", "streamer").await;
    let (access, id) = (text(&bo, "access_token"), bo["user"]["streamer_id"].as_i64().unwrap());
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let (watch, other) = (format!("/ws/campaigns/{campaign}"), app.campaign(&brand, "Other", 10).await);
    let short = mint.like(&app, &access, (3, None));
    let view = ticket(&app, &short, "dashboard", id).await;
    assert_eq!(view.header("cache-control"), "no-store");
    let first = text(&view.ok(201), "ticket");
    assert!(text(&view.json(), "expires_at").ends_with('Z'));
    // Not another socket, not another stream's, and no request.
    refused(&app, &watch, &first, WRONG).await;
    app.send(Request::get(format!("/api/streamers/{id}/settings")).key(&first))
        .await
        .problem(401, "unauthorized");
    let (mut socket, welcome) = greeted(&app, DASHBOARD, &first).await;
    socket.expect("state").await;
    assert_eq!(
        welcome["until_ms"],
        mint.read(&app, &short).expires.0,
        "as long as what it was asked for with"
    );
    refused(&app, DASHBOARD, &first, WRONG).await;
    assert_eq!(socket.closed_in(5 * SECOND).await, (3008, "token_over".to_owned()));
    // The brand's, asked for with a key.
    let made = text(&ticket(&app, &brand.key, "campaign", campaign.0).await.ok(201), "ticket");
    refused(&app, DASHBOARD, &made, WRONG).await;
    refused(&app, &format!("/ws/campaigns/{other}"), &made, WRONG).await;
    let (mut live, welcome) = greeted(&app, &watch, &made).await;
    assert!(welcome.get("until_ms").is_none());
    live.expect("live").await;
    let keys = format!("/api/brands/{}/keys", brand.id);
    let key_id = text(&app.send(Request::get(&keys).key(&brand.key)).await.ok(200)["items"][0], "key_id");
    app.send(Request::new("DELETE", format!("{keys}/{key_id}")).key(&brand.key)).await;
    assert_eq!(live.closed_in(SECOND).await, (3501, "revoked".to_owned()));
    for (key, purpose, id, status, name) in [
        (&access, "dashboard", id + 1, 404, "not-found"),
        (&access, "campaign", campaign.0, 404, "not-found"),
        (&access, "overlay", id, 422, "invalid"),
        (&app.admin_key().await, "dashboard", id, 403, "forbidden"),
        (&app.admin_key().await, "campaign", 4711, 404, "not-found"),
        (&String::new(), "dashboard", id, 401, "unauthorized"),
    ] {
        ticket(&app, key, purpose, id).await.problem(status, name);
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_ticket_of_one_node_is_good_on_another_and_used_up_on_both() {
    let (one, other) = two_nodes().await;
    let streamer = shared_streamer(&one, &other).await;
    let ask = async || text(&ticket(&one, &streamer.key, "dashboard", streamer.id.0).await.ok(201), "ticket");
    let (first, second) = (ask().await, ask().await);
    let (_socket, _) = greeted(&other, DASHBOARD, &first).await;
    refused(&one, DASHBOARD, &first, WRONG).await;
    refused(&other, DASHBOARD, &first, WRONG).await;
    // Both at once: one of them.
    let (mut left, mut right) = (one.open(DASHBOARD).await, other.open(DASHBOARD).await);
    tokio::join!(left.greet(&second), right.greet(&second));
    let opened = async |socket: &mut Socket| match socket.next().await {
        crate::support::socket::Frame::Text(frame) => {
            assert_eq!(frame["type"], "welcome");
            true
        }
        end => {
            assert_eq!(end, crate::support::socket::Frame::Close(3500, "unauthorized".to_owned()));
            false
        }
    };
    assert!(opened(&mut left).await != opened(&mut right).await);
}

#[actix_rt::test]
async fn another_node_closes_the_sockets_of_who_signs_out() {
    let (one, other) = two_nodes().await;
    let bo = signed_up(&one, "bo", "streamer").await;
    let access = text(&bo, "access_token");
    let id = gametriggers_actors::domain::id::StreamerId(bo["user"]["streamer_id"].as_i64().unwrap());
    crate::support::eventually("the other node knows the streamer", async || {
        other.engine().streamers.contains_key(&id)
    })
    .await;
    let (mut far, _) = greeted(&other, DASHBOARD, &access).await;
    assert_eq!(one.send(Request::new("POST", "/api/auth/sign-out").key(&access)).await.status, 204);
    assert_eq!(far.closed_in(SECOND).await, (3501, "revoked".to_owned()));
}
