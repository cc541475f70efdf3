//! `/api/webhooks`: who wants to be told of events over HTTP. A brand hears of its campaigns, a streamer of
//! their participations, and an endpoint of the platform of everything; an operator keeps all of them.
//!
//! Events are signed as Standard Webhooks has it, and come at least once, with an id that stays the same.

use super::Shared;
use super::caller::Caller;
use super::etag::{IfMatch, versioned};
use super::json::Json;
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::Id;
use super::webhook_body::{ChangeBody, EndpointBody, EndpointView};
use super::wire::PageBody;
use crate::web::courier::secret;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::EndpointId;
use gametriggers_actors::ports::{ENDPOINTS_MAX, Endpoint, Listener, Principal, Secret, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    after: Option<i64>,
    /// Endpoints on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

fn answer(status: &mut actix_web::HttpResponseBuilder, view: impl serde::Serialize) -> HttpResponse {
    status.insert_header(("cache-control", "no-store")).json(view)
}

/// A new secret.
fn fresh(shared: &Shared) -> Secret {
    let mut random = [0; 32];
    shared.engine.ports.entropy.fill(&mut random);
    secret(random)
}

/// Whose endpoints a caller sees; all for an operator.
const fn scope(caller: Caller) -> Option<Listener> {
    match caller.0 {
        Principal::Brand(id) => Some(Listener::Brand(id)),
        Principal::Streamer(id) | Principal::Overlay(id) => Some(Listener::Streamer(id)),
        Principal::Admin => None,
    }
}

/// An endpoint that the caller may see and change; somebody else's is not there.
pub(super) async fn own(shared: &Shared, caller: Caller, id: i64) -> Result<Endpoint, Problem> {
    let endpoint = shared.engine.ports.webhooks.endpoint(EndpointId(id)).await?;
    let fits = scope(caller).is_none_or(|owner| owner == endpoint.owner);
    if fits { Ok(endpoint) } else { Err(Problem::not_found()) }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(query.limit)?;
    let webhooks = &shared.engine.ports.webhooks;
    let endpoints = webhooks.endpoints(scope(caller), query.after.map(EndpointId), limit).await?;
    let full = is_full(&endpoints, limit);
    let next = endpoints.last().filter(|_| full).map(|endpoint| endpoint.id.to_string());
    let items: Vec<_> = endpoints.iter().map(EndpointView::of).collect();
    Ok(answer(&mut HttpResponse::Ok(), PageBody { items, next }))
}

pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<EndpointBody>,
) -> Result<HttpResponse, Problem> {
    let owner = body.owner(caller.0)?;
    let secret = fresh(&shared);
    let new = body.read(owner, &shared.endpoints, secret.clone())?;
    let engine = &shared.engine;
    let added =
        engine.ports.webhooks.add_endpoint(&new, engine.now()).await.map_err(|error| match error {
            StoreError::Constraint(_) => Problem::conflict(
                "too-many-webhooks",
                format!("an owner has at most {ENDPOINTS_MAX} endpoints; delete one that is not used"),
            ),
            other => other.into(),
        })?;
    let mut status = HttpResponse::Created();
    status.insert_header(("location", format!("/api/webhooks/{}", added.id)));
    Ok(answer(&mut status, EndpointView::of(&added).with_secret(secret)))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&shared, caller, *id).await?;
    Ok(versioned(&mut HttpResponse::Ok(), endpoint.version).json(EndpointView::of(&endpoint)))
}

pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<ChangeBody>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&shared, caller, *id).await?;
    let change = body.read(&shared.endpoints)?;
    let engine = &shared.engine;
    let changed =
        engine.ports.webhooks.change_endpoint((endpoint.id, if_match.0), &change, engine.now()).await?;
    Ok(versioned(&mut HttpResponse::Ok(), changed.version).json(EndpointView::of(&changed)))
}

pub(super) async fn delete(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&shared, caller, *id).await?;
    let engine = &shared.engine;
    engine.ports.webhooks.delete_endpoint(endpoint.id, engine.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Another secret; for a day both sign, so that a receiver can change over in between.
pub(super) async fn rotate(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&shared, caller, *id).await?;
    let (engine, secret) = (&shared.engine, fresh(&shared));
    let rotated = engine.ports.webhooks.rotate_secret(endpoint.id, &secret, engine.now()).await?;
    Ok(answer(&mut HttpResponse::Ok(), EndpointView::of(&rotated).with_secret(secret)))
}
