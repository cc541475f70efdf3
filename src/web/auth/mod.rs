//! `/api/auth`: opening an account, signing in and out, and going on with a session.

pub(super) mod body;
pub(super) mod factor;
mod grant;
pub(super) mod provider;
pub(super) mod service;
pub(super) mod ticket;
pub(super) mod user;

use self::body::{
    PasswordBody, RefreshBody, SignInBody, SignOutBody, SignUpBody, TokensView, UserView, ValidView,
    ValidateBody,
};
use self::grant::{begin, carry_on, changed, tell};
use super::Shared;
use super::account::fresh;
use super::caller::{SignedIn, pass};
use super::problem::Problem;
use crate::identity::attempts::TooMany;
use crate::identity::password::Busy;
use crate::identity::refresh::Kind;
use crate::identity::signer::Jwk;
use crate::identity::token::named;
use crate::session::address::{client, household};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::try_join;
use gametriggers_actors::domain::streamer::{Profile, Settings};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{EndedWhy, Event, KeyHash, NewOwner, NewStreamer, NewUser, Principal, User};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

impl From<TooMany> for Problem {
    fn from(TooMany(after): TooMany) -> Self {
        Self::too_many(after)
    }
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        Self::unavailable()
    }
}

/// Counts what became of an attempt. Both words are from closed sets.
fn count(kind: &'static str, result: &'static str) {
    metrics::counter!("gametriggers_auth_total", "kind" => kind, "result" => result).increment(1);
}

/// The address that attempts and requests are counted by.
pub(super) fn address(shared: &Shared, request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |addr| addr.ip());
    household(client(peer, request.headers(), &shared.trusted_proxies))
}

/// Counts an attempt of an address, and one on an account if it is about one.
fn attempt(
    shared: &Shared,
    kind: &'static str,
    request: &HttpRequest,
    account: Option<&str>,
) -> Result<(), Problem> {
    let (attempts, now) = (&shared.identity.attempts, shared.engine.now());
    let mut counted = attempts.from(address(shared, request), now);
    if let (Ok(()), Some(account)) = (counted, account) {
        counted = attempts.on(account, now);
    }
    counted.map_err(|too_many| {
        count(kind, "limited");
        too_many.into()
    })
}

/// Random bytes.
fn random<const N: usize>(engine: &Engine) -> [u8; N] {
    let mut bytes = [0; N];
    engine.ports.entropy.fill(&mut bytes);
    bytes
}

/// An answer that nobody keeps.
fn private(status: &mut actix_web::HttpResponseBuilder, body: impl serde::Serialize) -> HttpResponse {
    status.insert_header(("cache-control", "no-store")).json(body)
}

/// Keys that a new streamer gets.
struct StreamerKeys {
    key: (String, KeyHash),
    overlay: (String, KeyHash),
}

/// A new streamer with keys of their own.
fn streamer(shared: &Shared, profile: Profile) -> (NewStreamer, StreamerKeys) {
    let (key, overlay) = (fresh(shared, "streamer"), fresh(shared, "overlay"));
    let new = NewStreamer { profile, settings: Settings::default(), key: key.1, overlay_key: overlay.1 };
    (new, StreamerKeys { key, overlay })
}

/// A user who was just made is known on this node at once, and with them for whom they act.
async fn welcome(shared: &Shared, user: &User, keys: Option<&StreamerKeys>) -> Result<(), Problem> {
    let engine = &shared.engine;
    if let (Principal::Streamer(id), Some(keys)) = (user.acts_for, keys) {
        engine.streamers.insert(id, engine.ports.accounts.streamer(id).await?);
        engine.keyring.add([(keys.key.1, user.acts_for), (keys.overlay.1, Principal::Overlay(id))]);
    }
    engine.ports.bus.publish(Event::AccountsChanged);
    Ok(())
}

pub(super) async fn sign_up(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<SignUpBody>,
) -> Result<HttpResponse, Problem> {
    if !shared.identity.rules.sign_up {
        return Err(Problem::forbidden("accounts are opened by operators here"));
    }
    attempt(&shared, "sign_up", &request, None)?;
    let asked = body.read()?;
    let password = shared.identity.passwords.hash(&asked.password, random(&shared.engine)).await?;
    let (owner, keys) = match asked.profile {
        None => (NewOwner::Brand(asked.name.clone()), None),
        Some(profile) => {
            let (new, keys) = streamer(&shared, profile);
            (NewOwner::Streamer(Box::new(new)), Some(keys))
        }
    };
    let new = NewUser { email: asked.email, name: asked.name, owner, password: Some(password), link: None };
    let engine = &shared.engine;
    let made = engine.ports.users.add_user(&new, None, engine.now()).await?;
    let Some(user) = made else {
        count("sign_up", "taken");
        return Err(Problem::conflict("email-taken", "somebody signs in with this address; is it you?"));
    };
    welcome(&shared, &user, keys.as_ref()).await?;
    let tokens = begin(&shared, &user).await?;
    count("sign_up", "ok");
    let pages = keys.map(|keys| (keys.key.0, keys.overlay.0));
    let view = TokensView::of(&tokens, &user).with_pages(&shared.public_url, pages);
    Ok(private(&mut HttpResponse::Created(), view))
}

pub(super) async fn sign_in(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<SignInBody>,
) -> Result<HttpResponse, Problem> {
    let (email, password, code) = body.read()?;
    attempt(&shared, "sign_in", &request, Some(&email))?;
    let found = shared.engine.ports.users.user_by_email(&email).await?;
    let kept = found.as_ref().and_then(|user| user.password.as_ref());
    let right = shared.identity.passwords.is(password, kept).await?;
    // Whether the address is unknown, the password wrong or the user disabled is nobody's business.
    let Some(user) = found.filter(|user| right && user.disabled.is_none()) else {
        count("sign_in", "wrong");
        return Err(Problem::unproved("wrong-credentials", "no user has this address and this password"));
    };
    self::factor::prove(&shared, &user, code).await?;
    shared.identity.attempts.succeeded(&email, address(&shared, &request));
    let tokens = begin(&shared, &user).await?;
    count("sign_in", "ok");
    Ok(private(&mut HttpResponse::Ok(), TokensView::of(&tokens, &user)))
}

/// Goes on with a session.
pub(super) async fn refresh(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    go_on(&shared, &request, &body.refresh_token).await
}

/// The same for whoever asks.
async fn go_on(shared: &Shared, request: &HttpRequest, token: &str) -> Result<HttpResponse, Problem> {
    attempt(shared, "refresh", request, None)?;
    let (tokens, user) = carry_on(shared, token, Kind::Refresh).await?;
    shared.identity.attempts.succeeded("", address(shared, request));
    Ok(private(&mut HttpResponse::Ok(), TokensView::of(&tokens, &user)))
}

pub(super) async fn sign_out(
    shared: Data<Shared>,
    signed_in: SignedIn,
    body: Option<Json<SignOutBody>>,
) -> Result<HttpResponse, Problem> {
    let (pass, now) = (signed_in.0, shared.engine.now());
    let users = &shared.engine.ports.users;
    if body.is_some_and(|body| body.everywhere) {
        users.end_sessions(pass.user, EndedWhy::SignedOut, now).await?;
    } else {
        users.end_session(pass.session, EndedWhy::SignedOut, now).await?;
    }
    changed(&shared, pass.user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether an access token is good now: also at `/auth/validate`, as the gateway of the seeds asks it.
pub(super) async fn validate(
    shared: Data<Shared>,
    body: Json<ValidateBody>,
) -> Result<HttpResponse, Problem> {
    let pass = pass(&shared, &body.token)
        .ok_or_else(|| Problem::unproved("invalid-token", "this token is not, or no longer, good"))?;
    let (kind, owner) = named(pass.acts_for);
    let view = ValidView {
        valid: true,
        id: pass.user.to_string(),
        kind,
        owner_id: owner,
        permissions: pass.scopes.codes(),
        exp: pass.expires.0.div_euclid(1000),
    };
    Ok(private(&mut HttpResponse::Ok(), view))
}

pub(super) async fn me(shared: Data<Shared>, signed_in: SignedIn) -> Result<HttpResponse, Problem> {
    let users = &shared.engine.ports.users;
    // Both at once: in a busy server each waits for its turn at the database.
    let (user, links) = try_join(users.user(signed_in.0.user), users.links(signed_in.0.user)).await?;
    let scopes = signed_in.0.scopes;
    Ok(private(&mut HttpResponse::Ok(), UserView::of(&user).with_links(&links).with_scopes(scopes)))
}

/// A new password ends every other session, and makes every access token worthless; the caller gets a new
/// one.
pub(super) async fn change_password(
    shared: Data<Shared>,
    request: HttpRequest,
    signed_in: SignedIn,
    body: Json<PasswordBody>,
) -> Result<HttpResponse, Problem> {
    let (pass, engine, passwords) = (signed_in.0, &shared.engine, &shared.identity.passwords);
    let user = engine.ports.users.user(pass.user).await?;
    body.check(&user)?;
    attempt(&shared, "password", &request, Some(&user.email))?;
    // Who signs in at a provider only has none yet, and sets a first one.
    if user.password.is_some() && !passwords.is(&body.current_password, user.password.as_ref()).await? {
        count("password", "wrong");
        return Err(Problem::unproved("wrong-credentials", "this is not the current password"));
    }
    shared.identity.attempts.succeeded(&user.email, address(&shared, &request));
    let hash = passwords.hash(&body.new_password, random(engine)).await?;
    let users = &engine.ports.users;
    let user = users.set_password(user.id, &hash, Some(pass.session), engine.now()).await?;
    changed(&shared, user.id).await?;
    count("password", "ok");
    let tokens = tell(&shared, &user, pass.session, None);
    Ok(private(&mut HttpResponse::Ok(), TokensView::of(&tokens, &user)))
}

/// A JWK set (RFC 7517).
#[derive(Serialize, JsonSchema)]
pub(super) struct KeySetView {
    /// The one that signs now comes first.
    keys: Vec<Jwk>,
}

/// The keys that verify access tokens. Verifiers may keep them for a few minutes.
pub(super) async fn keys(shared: Data<Shared>) -> HttpResponse {
    let keys = shared.identity.keys.public();
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(KeySetView { keys })
}
