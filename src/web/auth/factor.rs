//! `/api/auth/two-factor`: setting up a second factor, recovery codes, and giving it up.

use super::body::TokensView;
use super::grant::{changed, scopes_for, tell};
use super::{attempt, count, private, random};
use crate::identity::totp;
use crate::web::Shared;
use crate::web::caller::SignedIn;
use crate::web::json::Json;
use crate::web::problem::Problem;
use crate::web::schema::{OneOf, Text};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::ports::{FactorChange, KeyHash, Principal, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A code of an app, or a recovery code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct CodeBody {
    /// Six digits of the app, or a recovery code.
    #[schemars(with = "Text<64>", example = &"123456")]
    code: String,
}

/// What was set up: the only time that the recovery codes are shown.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct ConfirmedView {
    /// Each works once, when the app is lost.
    #[schemars(length(min = 10, max = 10), example = recovery())]
    recovery_codes: Vec<String>,
    #[serde(flatten)]
    tokens: TokensView,
}

/// A secret for an app, which counts when a first code of it has come.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct EnrolledView {
    /// In Base32, to be typed.
    #[schemars(regex(pattern = "^[A-Z2-7]+$"), example = &"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// The same, to be shown as a QR code.
    #[schemars(example = &"otpauth://totp/Gametriggers:nova%40example.com?secret=JBSWY3DPEHPK3PXP")]
    otpauth_url: String,
}

/// New recovery codes: the only time that they are shown.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct RecoveryView {
    /// Each works once, when the app is lost.
    #[schemars(length(min = 10, max = 10), example = recovery())]
    recovery_codes: Vec<String>,
}

/// No second factor any more, and what is still allowed without one.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct GivenUpView {
    /// Always false.
    #[schemars(extend("const" = false))]
    two_factor: bool,
    /// What the user may do now.
    #[schemars(with = "Vec<OneOf<Scope>>", example = ["streamer:read", "streamer:write"])]
    scopes: Vec<&'static str>,
}

/// Recovery codes as they look.
fn recovery() -> Vec<String> {
    vec!["abcd-efgh-2345-67mn".to_owned(); 10]
}

/// What the secret of a user is sealed for.
fn about(user: UserId) -> String {
    format!("totp of user {user}")
}

fn secret(shared: &Shared, user: &User) -> Option<Vec<u8>> {
    shared.identity.keys.open(&about(user.id), &user.totp.as_ref()?.sealed)
}

fn wrong() -> Problem {
    count("second_factor", "wrong");
    Problem::unproved("wrong-code", "this code is not, or no longer, good")
}

/// Asks a user who has a second factor for a code of it, or for a recovery code. Each works once.
pub(super) async fn prove(shared: &Shared, user: &User, shown: Option<&str>) -> Result<(), Problem> {
    if !user.has_second_factor() {
        return Ok(());
    }
    let shown = shown.map(str::trim).filter(|shown| !shown.is_empty()).ok_or_else(|| {
        Problem::unproved("second-factor-needed", "send the code of your app, or a recovery code, as well")
    })?;
    let now = shared.engine.now();
    let change = if totp::is_code(shown) {
        let step = secret(shared, user).and_then(|secret| totp::step_of(&secret, shown, now));
        FactorChange::Use(step.ok_or_else(wrong)?)
    } else {
        FactorChange::Recover(totp::recovery_hash(user.id, shown))
    };
    if !shared.engine.ports.users.change_factor(user.id, &change, now).await? {
        return Err(wrong());
    }
    let by_recovery = matches!(change, FactorChange::Recover(_));
    count("second_factor", if by_recovery { "recovered" } else { "ok" });
    Ok(())
}

/// New recovery codes, and their hashes.
fn recovery_codes(shared: &Shared, user: UserId) -> (Vec<String>, Vec<KeyHash>) {
    let codes = (0..totp::RECOVERY_CODES).map(|_| totp::recovery_code(random(&shared.engine)));
    codes.map(|code| (code.clone(), totp::recovery_hash(user, &code))).unzip()
}

fn in_force() -> Problem {
    Problem::conflict("second-factor-in-force", "give the one up that is in force before you set up another")
}

/// A new secret, which is in force when a first code of it has come.
pub(in crate::web) async fn enrol(
    shared: Data<Shared>,
    signed_in: SignedIn,
) -> Result<HttpResponse, Problem> {
    let (engine, id) = (&shared.engine, signed_in.0.user);
    let user = engine.ports.users.user(id).await?;
    let secret: [u8; totp::SECRET] = random(engine);
    let sealed = shared.identity.keys.seal(&about(id), &secret, random(engine));
    let change = FactorChange::Enrol(sealed.ok_or_else(Problem::unavailable)?);
    if !engine.ports.users.change_factor(id, &change, engine.now()).await? {
        return Err(in_force());
    }
    let url = totp::address(&user.email, &secret);
    let view = EnrolledView { secret: totp::base32(&secret), otpauth_url: url };
    Ok(private(&mut HttpResponse::Ok(), view))
}

/// It is in force. Sessions that began without it end, but for this one.
pub(in crate::web) async fn confirm(
    shared: Data<Shared>,
    request: HttpRequest,
    signed_in: SignedIn,
    body: Json<CodeBody>,
) -> Result<HttpResponse, Problem> {
    let (engine, pass) = (&shared.engine, signed_in.0);
    let users = &engine.ports.users;
    let user = users.user(pass.user).await?;
    attempt(&shared, "second_factor", &request, Some(&user.email))?;
    if user.has_second_factor() {
        return Err(in_force());
    }
    let now = engine.now();
    let secret = secret(&shared, &user)
        .ok_or_else(|| Problem::conflict("no-second-factor", "begin with POST /api/auth/two-factor"))?;
    let step = totp::step_of(&secret, body.code.trim(), now).ok_or_else(wrong)?;
    let (recovery_codes, recovery) = recovery_codes(&shared, user.id);
    let change = FactorChange::Confirm { step, recovery, keep: pass.session };
    if !users.change_factor(user.id, &change, now).await? {
        return Err(wrong());
    }
    shared.identity.attempts.succeeded(&user.email, super::address(&shared, &request));
    changed(&shared, user.id).await?;
    count("second_factor", "ok");
    let user = users.user(user.id).await?;
    let tokens = TokensView::of(&tell(&shared, &user, pass.session, None), &user);
    Ok(private(&mut HttpResponse::Ok(), ConfirmedView { recovery_codes, tokens }))
}

/// A user who has shown a code of the second factor that is in force.
async fn proved(
    shared: &Shared,
    request: &HttpRequest,
    signed_in: SignedIn,
    code: &str,
) -> Result<User, Problem> {
    let user = shared.engine.ports.users.user(signed_in.0.user).await?;
    if !user.has_second_factor() {
        return Err(Problem::conflict("no-second-factor", "there is none to change"));
    }
    attempt(shared, "second_factor", request, Some(&user.email))?;
    prove(shared, &user, Some(code)).await?;
    shared.identity.attempts.succeeded(&user.email, super::address(shared, request));
    Ok(user)
}

/// New recovery codes in the place of all that are left.
pub(in crate::web) async fn renew(
    shared: Data<Shared>,
    request: HttpRequest,
    signed_in: SignedIn,
    body: Json<CodeBody>,
) -> Result<HttpResponse, Problem> {
    let user = proved(&shared, &request, signed_in, &body.code).await?;
    let (codes, hashes) = recovery_codes(&shared, user.id);
    let change = FactorChange::Replace(hashes);
    if !shared.engine.ports.users.change_factor(user.id, &change, shared.engine.now()).await? {
        return Err(Problem::conflict("no-second-factor", "there is none to change"));
    }
    Ok(private(&mut HttpResponse::Ok(), RecoveryView { recovery_codes: codes }))
}

/// Gives it up. Who has to have one sets up another with an operator's help only.
pub(in crate::web) async fn give_up(
    shared: Data<Shared>,
    request: HttpRequest,
    signed_in: SignedIn,
    body: Json<CodeBody>,
) -> Result<HttpResponse, Problem> {
    if signed_in.0.acts_for == Principal::Admin && shared.identity.rules.admin_two_factor {
        return Err(Problem::forbidden("operators need a second factor here; another operator can reset it"));
    }
    let user = proved(&shared, &request, signed_in, &body.code).await?;
    shared.engine.ports.users.change_factor(user.id, &FactorChange::Forget, shared.engine.now()).await?;
    let view = GivenUpView { two_factor: false, scopes: scopes_for(&shared, &user).codes() };
    Ok(private(&mut HttpResponse::Ok(), view))
}
