//! The identity contract of front ends that keep their own sessions: `/users/oauth`, `/auth/refresh` and
//! `/auth/validate`. The first one believes whoever asks that a provider has vouched for the account, so it
//! answers on the internal listener, or to the service key, and to nobody else. Such a front end has the
//! refresh token of the provider and none of ours, and asks with that: to it, and to nobody else, the account
//! that the token is of begins a session.

use super::body::{ServiceRefreshBody, TokensView, UserKind};
use super::grant::{begin, carry_on, over, scopes_for};
use super::{count, go_on};
use crate::identity::provider::Failed;
use crate::identity::refresh::Kind;
use crate::identity::token::named;
use crate::web::Shared;
use crate::web::caller::bearer;
use crate::web::fields::Fields;
use crate::web::json::Json;
use crate::web::problem::Problem;
use crate::web::schema::{Id, IdText, OneOf};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::ports::{Link, Provider, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use subtle::ConstantTimeEq;

/// That a request came over the internal listener.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Internal;

/// An account at a provider. The front ends of the seeds write its id as one word.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct AccountBody {
    /// Where the account is.
    #[schemars(with = "OneOf<Provider>")]
    provider: String,
    /// Its id there; `providerAccountId` is the same.
    #[serde(alias = "providerAccountId")]
    #[schemars(length(min = 1, max = 255), example = &"44322889")]
    provider_account_id: String,
}

/// Who that is. `id`, `type` and `permissions` are what the callbacks read; the tokens are for front ends
/// that want to call this API for their user, which the provider's own tokens do not open.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct DetailsView {
    /// The number of the user.
    #[schemars(with = "IdText", example = &"1")]
    id: String,
    /// What they are.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<UserKind>", example = &"streamer")]
    kind: &'static str,
    /// The number of the brand or the streamer; an operator has none.
    #[schemars(with = "Option<Id>")]
    owner_id: Option<i64>,
    /// What they may do; nothing as long as a second factor is to be shown.
    #[schemars(with = "Vec<OneOf<Scope>>", example = ["streamer:read", "streamer:write"])]
    permissions: Vec<&'static str>,
    #[serde(flatten)]
    tokens: Option<TokensView>,
}

/// Whether somebody may ask.
fn may_ask(shared: &Shared, request: &HttpRequest) -> bool {
    let is_internal = request.app_data::<Data<Internal>>().is_some();
    let shown = bearer(request).map(|key| <[u8; 32]>::from(sha2::Sha256::digest(key.as_bytes())));
    let has_key = shared.identity.service_key.zip(shown).is_some_and(|(key, shown)| key.ct_eq(&shown).into());
    is_internal || has_key
}

/// Whether a provider's word is enough. It is one factor: who has a second one, or needs one, shows it here
/// and not elsewhere.
fn is_whole(shared: &Shared, user: &User) -> bool {
    !user.has_second_factor() && !scopes_for(shared, user).is_empty()
}

pub(in crate::web) async fn account(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<AccountBody>,
) -> Result<HttpResponse, Problem> {
    if !may_ask(&shared, &request) {
        count("service", "refused");
        return Err(Problem::unauthorized());
    }
    let mut fields = Fields::default();
    let provider = fields.need("provider", Provider::from_code(&body.provider), "twitch or google");
    let subject = Some(body.provider_account_id.clone()).filter(|id| (1..=255).contains(&id.len()));
    let subject = fields.need("providerAccountId", subject, "1 to 255 bytes");
    fields.end()?;
    let link = provider.zip(subject).map(|(provider, subject)| Link { provider, subject });
    let link = link.ok_or_else(Problem::not_found)?;
    let found = shared.engine.ports.users.user_by_link(&link).await?;
    let Some(user) = found.filter(|user| user.disabled.is_none()) else {
        count("service", "unknown");
        return Err(Problem::not_found());
    };
    let whole = is_whole(&shared, &user);
    let tokens = if whole { Some(TokensView::of(&begin(&shared, &user).await?, &user)) } else { None };
    let (kind, owner_id) = named(user.acts_for);
    count("service", "ok");
    let view = DetailsView {
        id: user.id.to_string(),
        kind,
        owner_id,
        permissions: if whole { scopes_for(&shared, &user).codes() } else { Vec::new() },
        tokens,
    };
    Ok(super::private(&mut HttpResponse::Ok(), view))
}

/// Goes on with a session. A service may show a provider's refresh token instead, and gets ours.
pub(in crate::web) async fn refresh(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<ServiceRefreshBody>,
) -> Result<HttpResponse, Problem> {
    if !may_ask(&shared, &request) {
        return go_on(&shared, &request, &body.refresh_token).await;
    }
    let mut fields = Fields::default();
    let provider = body.provider.as_deref();
    let provider =
        provider.map(|code| fields.need("provider", Provider::from_code(code), "twitch or google"));
    fields.end()?;
    // One address asks for all users of a front end: attempts of an address say nothing here.
    let (tokens, user) = if body.refresh_token.starts_with("gt_") {
        carry_on(&shared, &body.refresh_token, Kind::Refresh).await?
    } else {
        let user = user_of_token(&shared, &body.refresh_token, provider.flatten()).await?;
        (begin(&shared, &user).await?, user)
    };
    Ok(super::private(&mut HttpResponse::Ok(), TokensView::of(&tokens, &user)))
}

/// The user whose account at a provider a refresh token of that provider is of.
async fn user_of_token(shared: &Shared, token: &str, provider: Option<Provider>) -> Result<User, Problem> {
    let refuse = |result| count("provider_refresh", result);
    let (identity, now) = (&shared.identity, shared.engine.now());
    // A front end asks again and again with a token that is dead; the provider is not told each time.
    let attempts = format!("refresh token of a provider {token}");
    identity.attempts.on(&attempts, now).inspect_err(|_| refuse("limited"))?;
    let link = match identity.providers.redeem(token, provider, (now, identity.lives.grace)).await {
        Err(Failed::Code) => {
            refuse("refused");
            return Err(over());
        }
        redeemed => redeemed?,
    };
    let found = shared.engine.ports.users.user_by_link(&link).await?;
    let Some(user) = found.filter(|user| user.disabled.is_none()) else {
        refuse("unknown");
        return Err(Problem::unproved("no-such-user", "nobody signs in with this account"));
    };
    if !is_whole(shared, &user) {
        refuse("second_factor");
        let detail = "this user needs a second factor, which a provider can not show; sign in here";
        return Err(Problem::unproved("second-factor-needed", detail));
    }
    identity.attempts.forgive(&attempts);
    count("provider_refresh", "ok");
    Ok(user)
}
