//! `/api/webhooks/{id}/deliveries`: what an endpoint was told, what it answered, and telling it again.

use super::Shared;
use super::caller::Caller;
use super::fields::Fields;
use super::json::Json;
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{Id, Moment, OneOf};
use super::webhook::own;
use super::wire::{PageBody, moment, refused, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::DeliveryId;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{AttemptRecord, Delivery, DeliveryState, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesQuery {
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    before: Option<i64>,
    /// Deliveries on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// Only those.
    #[schemars(with = "Option<OneOf<DeliveryState>>")]
    state: Option<String>,
}

/// What is to be sent again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// What was made since then and failed.
    #[schemars(with = "Moment", example = &"2026-11-24T00:00:00Z")]
    since: String,
}

/// What will be sent again.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReplayedView {
    /// How many.
    #[schemars(example = 17)]
    replayed: u64,
}

/// An event for an endpoint, and how far it came.
#[derive(Serialize, JsonSchema)]
pub(super) struct DeliveryView {
    /// Its number.
    #[schemars(with = "Id")]
    id: i64,
    /// The webhook-id, the same in every attempt.
    #[schemars(example = &"msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    message_id: String,
    /// What happened.
    #[schemars(with = "OneOf<EventType>", example = &"play.settled")]
    event: &'static str,
    /// How far it came.
    #[schemars(with = "OneOf<DeliveryState>", example = &"delivered")]
    state: &'static str,
    /// Attempts since it was made, or replayed.
    #[schemars(example = 1)]
    attempts: u32,
    /// When the next one is made, if there is one.
    #[schemars(with = "Option<Moment>")]
    next_attempt_at: Option<String>,
    /// When the event happened.
    #[schemars(with = "Moment")]
    created_at: String,
    /// The last attempt, if there was one.
    last_attempt: Option<AttemptView>,
    /// All that are kept, newest first, when it is read alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<AttemptView>,
}

/// An attempt to deliver.
#[derive(Serialize, JsonSchema)]
struct AttemptView {
    /// When it began.
    #[schemars(with = "Moment")]
    at: String,
    /// How long it took, in milliseconds.
    #[schemars(range(min = 0), example = 84)]
    duration_ms: i64,
    /// The status of the answer, if one came.
    #[schemars(range(min = 100, max = 599), example = 204)]
    status: Option<u16>,
    /// Why it is no success.
    failure: Option<String>,
    /// How the answer begins.
    #[schemars(example = &"")]
    answer: String,
}

impl AttemptView {
    fn of(record: &AttemptRecord) -> Self {
        Self {
            at: rfc3339(record.at),
            duration_ms: record.took.0,
            status: record.status,
            failure: record.failure.clone(),
            answer: record.answer.clone(),
        }
    }
}

impl DeliveryView {
    fn of(delivery: &Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id.0,
            message_id: delivery.message.clone(),
            event: delivery.event.code(),
            state: delivery.state.code(),
            attempts: delivery.attempts,
            next_attempt_at: waits.then(|| rfc3339(delivery.due)),
            created_at: rfc3339(delivery.created),
            last_attempt: delivery.log.first().map(AttemptView::of),
            log: Vec::new(),
        }
    }

    fn with_log(self, delivery: &Delivery) -> Self {
        Self { log: delivery.log.iter().map(AttemptView::of).collect(), ..self }
    }
}

fn answer(view: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view)
}

fn disabled(error: StoreError) -> Problem {
    match error {
        StoreError::Constraint(_) => {
            Problem::conflict("webhook-disabled", "a disabled endpoint is told nothing; enable it first")
        }
        other => other.into(),
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<DeliveriesQuery>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&shared, caller, *id).await?;
    let state = query.state.as_deref().map(|state| {
        DeliveryState::from_code(state).ok_or_else(|| refused("state", "waiting, delivered or failed"))
    });
    let (state, before) = (state.transpose()?, query.before.map(DeliveryId));
    let limit = limit(query.limit)?;
    let page = shared.engine.ports.webhooks.deliveries(endpoint.id, state, before, limit).await?;
    let full = is_full(&page, limit);
    let next = page.last().filter(|_| full).map(|delivery| delivery.id.to_string());
    let items: Vec<_> = page.iter().map(DeliveryView::of).collect();
    Ok(answer(PageBody { items, next }))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    ids: Path<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    let (id, delivery) = ids.into_inner();
    let endpoint = own(&shared, caller, id).await?;
    let delivery = shared.engine.ports.webhooks.delivery(endpoint.id, DeliveryId(delivery)).await?;
    Ok(answer(DeliveryView::of(&delivery).with_log(&delivery)))
}

pub(super) async fn replay(
    shared: Data<Shared>,
    caller: Caller,
    ids: Path<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    let (id, delivery) = ids.into_inner();
    let (endpoint, engine) = (own(&shared, caller, id).await?, &shared.engine);
    let replayed = engine.ports.webhooks.replay(endpoint.id, DeliveryId(delivery), engine.now()).await;
    Ok(answer(DeliveryView::of(&replayed.map_err(disabled)?)))
}

pub(super) async fn replay_failed(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ReplayBody>,
) -> Result<HttpResponse, Problem> {
    let (endpoint, engine) = (own(&shared, caller, *id).await?, &shared.engine);
    let mut fields = Fields::default();
    let since = fields.need("since", moment(&body.since), "a time of RFC 3339");
    fields.end()?;
    let since = since.ok_or_else(|| Problem::malformed("since is missing"))?;
    let replayed = engine.ports.webhooks.replay_failed(endpoint.id, since, engine.now()).await;
    Ok(answer(ReplayedView { replayed: replayed.map_err(disabled)? }))
}
