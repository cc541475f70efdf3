//! Deliveries and their attempts as rows.

use super::endpoint;
use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::row::Columns;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{AttemptRecord, Delivery, DeliveryState, WAITING_MAX};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    PAGE = "SELECT d.*, v.message, v.type, a.at, a.duration, a.status, a.failure, a.answer
        FROM webhook_delivery AS d JOIN webhook_event AS v ON v.id = d.event_id
        LEFT JOIN webhook_attempt AS a ON a.delivery_id = d.id
          AND a.number = (SELECT max(number) FROM webhook_attempt WHERE delivery_id = d.id)
        WHERE d.endpoint_id = ?1 AND d.id < ?2 AND (?3 IS NULL OR d.state = ?3)
        ORDER BY d.id DESC LIMIT ?4";
    ONE = "SELECT d.*, v.message, v.type FROM webhook_delivery AS d
        JOIN webhook_event AS v ON v.id = d.event_id WHERE d.endpoint_id = ?1 AND d.id = ?2";
    ATTEMPTS = "SELECT * FROM webhook_attempt WHERE delivery_id = ?1 ORDER BY number DESC LIMIT 100";
    REPLAY = "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = ?3, updated_at = ?3
        WHERE endpoint_id = ?1 AND id = ?2";
    REPLAY_FAILED = "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = ?3, updated_at = ?3
        WHERE id IN (SELECT id FROM webhook_delivery WHERE endpoint_id = ?1 AND state = 'failed'
          AND created_at >= ?2 ORDER BY id LIMIT ?4)";
    IS_OLD = "SELECT EXISTS (SELECT 1 FROM webhook_delivery WHERE state <> 'waiting' AND updated_at < ?1)";
    OLD = "SELECT json_group_array(id) FROM (SELECT id FROM webhook_delivery
        WHERE state <> 'waiting' AND updated_at < ?1 ORDER BY updated_at LIMIT 1000)";
    OLD_EVENTS = "SELECT json_group_array(DISTINCT event_id) FROM webhook_delivery
        WHERE id IN (SELECT value FROM json_each(?1))";
    PRUNE_ATTEMPTS = "DELETE FROM webhook_attempt WHERE delivery_id IN (SELECT value FROM json_each(?1))";
    PRUNE = "DELETE FROM webhook_delivery WHERE id IN (SELECT value FROM json_each(?1))";
    PRUNE_EVENTS = "DELETE FROM webhook_event WHERE id IN (SELECT value FROM json_each(?1))
        AND NOT EXISTS (SELECT 1 FROM webhook_delivery AS d WHERE d.event_id = webhook_event.id)";
}

/// A page of an endpoint's deliveries, newest first, each with its last attempt.
pub(super) async fn page(
    executor: impl SqliteExecutor<'_>,
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
    let with_last = |row: &SqliteRow| {
        let tried = row.optional::<i64>("at")?.is_some();
        let last = tried.then(|| attempt(row)).transpose()?;
        Ok(Delivery { log: last.into_iter().collect(), ..delivery(row)? })
    };
    rows.iter().map(with_last).collect()
}

/// One of them, with all its attempts.
pub(super) async fn one(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    id: DeliveryId,
) -> Attempt<Delivery> {
    let row = sqlx::query(ONE).bind(endpoint.0).bind(id.0).fetch_one(&mut *connection).await?;
    let log = sqlx::query(ATTEMPTS).bind(id.0).fetch_all(connection).await?;
    Ok(Delivery { log: log.iter().map(attempt).collect::<Attempt<_>>()?, ..delivery(&row)? })
}

async fn expect_enabled(connection: &mut SqliteConnection, id: EndpointId) -> Attempt<()> {
    let disabled = endpoint::one(connection, id).await?.disabled;
    disabled.map_or(Ok(()), |_| Err(Failure::refused("the endpoint is disabled")))
}

/// Makes one due again.
pub(super) async fn replay(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    since: UnixMillis,
    now: UnixMillis,
) -> Attempt<u64> {
    expect_enabled(connection, endpoint).await?;
    let query =
        sqlx::query(REPLAY_FAILED).bind(endpoint.0).bind(since.0).bind(now.0).bind(i64::from(WAITING_MAX));
    Ok(query.execute(connection).await?.rows_affected())
}

/// Whether there is something to forget.
pub(super) async fn is_old(executor: impl SqliteExecutor<'_>, before: UnixMillis) -> Attempt<bool> {
    let old: i64 = sqlx::query_scalar(IS_OLD).bind(before.0).fetch_one(executor).await?;
    Ok(old != 0)
}

/// Forgets what was done with long ago, up to a thousand.
pub(super) async fn prune(connection: &mut SqliteConnection, before: UnixMillis) -> Attempt<u64> {
    let old: String = sqlx::query_scalar(OLD).bind(before.0).fetch_one(&mut *connection).await?;
    let events: String = sqlx::query_scalar(OLD_EVENTS).bind(&old).fetch_one(&mut *connection).await?;
    sqlx::query(PRUNE_ATTEMPTS).bind(&old).execute(&mut *connection).await?;
    let gone = sqlx::query(PRUNE).bind(&old).execute(&mut *connection).await?.rows_affected();
    sqlx::query(PRUNE_EVENTS).bind(events).execute(connection).await?;
    Ok(gone)
}

fn delivery(row: &SqliteRow) -> Attempt<Delivery> {
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

fn attempt(row: &SqliteRow) -> Attempt<AttemptRecord> {
    Ok(AttemptRecord {
        at: row.moment("at")?,
        took: row.span("duration")?,
        status: row.optional("status")?,
        failure: row.optional_text("failure")?.map(|failure| failure.to_string()),
        answer: row.text("answer")?,
    })
}
