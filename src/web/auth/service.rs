//! The identity contract of front ends that keep their own sessions: `/users/oauth`, `/auth/refresh` and
//! `/auth/validate`. The first one believes whoever asks that a provider has vouched for the account, so it
//! answers on the internal listener, or to the service key, and to nobody else.

use super::body::TokensView;
use super::count;
use super::grant::{begin, scopes_for};
use crate::identity::token::named;
use crate::web::Shared;
use crate::web::caller::bearer;
use crate::web::fields::Fields;
use crate::web::problem::Problem;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::ports::{Link, Provider};
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
    provider: String,
    #[serde(alias = "providerAccountId")]
    provider_account_id: String,
}

/// Who that is. `id`, `type` and `permissions` are what the callbacks read; the tokens are for front ends
/// that want to call this API for their user, which the provider's own tokens do not open.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct DetailsView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    owner_id: Option<i64>,
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
    // A provider's word is one factor: who has a second one, or needs one, shows it here and not elsewhere.
    let scopes = scopes_for(&shared, &user);
    let whole = !user.has_second_factor() && !scopes.is_empty();
    let tokens = if whole { Some(TokensView::of(&begin(&shared, &user).await?, &user)) } else { None };
    let (kind, owner_id) = named(user.acts_for);
    count("service", "ok");
    let view = DetailsView {
        id: user.id.to_string(),
        kind,
        owner_id,
        permissions: if whole { scopes.codes() } else { Vec::new() },
        tokens,
    };
    Ok(super::private(&mut HttpResponse::Ok(), view))
}
