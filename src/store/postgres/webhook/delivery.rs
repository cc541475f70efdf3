//! Deliveries and their attempts as rows.

use super::endpoint;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{AttemptRecord, Delivery, DeliveryState, WAITING_MAX};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};

statements! {
    PAGE = "SELECT d.*, v.message, v.type, a.at, a.duration, a.status, a.failure, a.answer
        FROM webhook_delivery AS d JOIN webhook_event AS v ON v.id = d.event_id
        LEFT JOIN webhook_attempt AS a ON a.delivery_id = d.id
          AND a.number = (SELECT max(number) FROM webhook_attempt WHERE delivery_id = d.id)
        WHERE d.endpoint_id = $1 AND d.id < $2 AND ($3::text IS NULL OR d.state = $3)
        ORDER BY d.id DESC LIMIT $4";
    ONE = "SELECT d.*, v.message, v.type FROM webhook_delivery AS d
        JOIN webhook_event AS v ON v.id = d.event_id WHERE d.endpoint_id = $1 AND d.id = $2";
    ATTEMPTS = "SELECT * FROM webhook_attempt WHERE delivery_id = $1 ORDER BY number DESC LIMIT 100";
    REPLAY = "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = $3, updated_at = $3
        WHERE endpoint_id = $1 AND id = $2";
    REPLAY_FAILED = "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = $3, updated_at = $3
        WHERE id IN (SELECT id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'failed'
          AND created_at >= $2 ORDER BY id LIMIT $4)";
    PRUNE = "SELECT webhook_prune($1)";
}

/// A page of an endpoint's deliveries, newest first, each with its last attempt.
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    endpoint: EndpointId,
    state: Option<DeliveryState>,
    (before, limit): (Option<DeliveryId>, u32),
) -> Attempt<Vec<Delivery>> {
    let rows = sqlx::query(PAGE)
        .bind(endpoint.0)
        .bind(before.map_or(i64::MAX, |id| id.0))
        .bind(state.map(DeliveryState::code))
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await?;
    let with_last = |row: &PgRow| {
        let tried = row.optional::<i64>("at")?.is_some();
        let last = tried.then(|| attempt(row)).transpose()?;
        Ok(Delivery { log: last.into_iter().collect(), ..delivery(row)? })
    };
    rows.iter().map(with_last).collect()
}

/// One of them, with all its attempts.
pub(super) async fn one(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    id: DeliveryId,
) -> Attempt<Delivery> {
    let row = sqlx::query(ONE).bind(endpoint.0).bind(id.0).fetch_one(&mut *connection).await?;
    let log = sqlx::query(ATTEMPTS).bind(id.0).fetch_all(connection).await?;
    Ok(Delivery { log: log.iter().map(attempt).collect::<Attempt<_>>()?, ..delivery(&row)? })
}

async fn expect_enabled(connection: &mut PgConnection, id: EndpointId) -> Attempt<()> {
    let disabled = endpoint::one(&mut *connection, id).await?.disabled;
    disabled.map_or(Ok(()), |_| Err(Failure::refused("the endpoint is disabled")))
}

/// Makes one due again.
pub(super) async fn replay(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    id: DeliveryId,
    now: UnixMillis,
) -> Attempt<Delivery> {
    expect_enabled(connection, endpoint).await?;
    sqlx::query(REPLAY).bind(endpoint.0).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    one(connection, endpoint, id).await
}

/// Makes those due again that failed; their number.
pub(super) async fn replay_failed(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    since: UnixMillis,
    now: UnixMillis,
) -> Attempt<u64> {
    expect_enabled(connection, endpoint).await?;
    let query =
        sqlx::query(REPLAY_FAILED).bind(endpoint.0).bind(since.0).bind(now.0).bind(i64::from(WAITING_MAX));
    Ok(query.execute(connection).await?.rows_affected())
}

/// Forgets what was done with long ago, up to a thousand.
pub(super) async fn prune(connection: &mut PgConnection, before: UnixMillis) -> Attempt<u64> {
    let gone: i64 = sqlx::query_scalar(PRUNE).bind(before.0).fetch_one(connection).await?;
    Ok(u64::try_from(gone).unwrap_or(0))
}

fn delivery(row: &PgRow) -> Attempt<Delivery> {
    Ok(Delivery {
        id: DeliveryId(row.number("id")?),
        message: row.text("message")?,
        event: row.code("type", EventType::from_code)?,
        state: row.code("state", DeliveryState::from_code)?,
        attempts: row.number("attempts")?,
        due: row.moment("due_at")?,
        created: row.moment("created_at")?,
        log: Vec::new(),
    })
}

fn attempt(row: &PgRow) -> Attempt<AttemptRecord> {
    Ok(AttemptRecord {
        at: row.moment("at")?,
        took: row.span("duration")?,
        status: row.optional("status")?,
        failure: row.optional_text("failure")?.map(|failure| failure.to_string()),
        answer: row.text("answer")?,
    })
}
