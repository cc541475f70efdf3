//! Who calls which endpoint, and what came of it.

use super::endpoint::{disable, owner};
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::{EventType, FAILING_MAX};
use gametriggers_actors::ports::{
    Attempted, DeliveryState, DisabledReason, Due, ROUND, Round, RoundEnd, Secret,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};

/// A process, by its writer and its epoch.
pub(super) type Holder = (i64, i64);

statements! {
    /// A lease of an earlier epoch of this process is of nobody any more.
    IS_DUE = "SELECT EXISTS (SELECT 1 FROM webhook_endpoint AS e
        WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL AND e.held_until <= $1
          AND (e.leased_until <= $1 OR (e.lease_writer = $2 AND e.lease_epoch < $3))
          AND EXISTS (SELECT 1 FROM webhook_delivery AS d
            WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.due_at <= $1))";
    /// Who has waited longest comes first.
    TAKE = "UPDATE webhook_endpoint SET lease_writer = $2, lease_epoch = $3, leased_until = $4
        WHERE id IN (SELECT e.id FROM webhook_endpoint AS e CROSS JOIN LATERAL
            (SELECT d.due_at FROM webhook_delivery AS d WHERE d.endpoint_id = e.id AND d.state = 'waiting'
              AND d.due_at <= $1 ORDER BY d.due_at LIMIT 1) AS first
          WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL AND e.held_until <= $1
            AND (e.leased_until <= $1 OR (e.lease_writer = $2 AND e.lease_epoch < $3))
          ORDER BY first.due_at, e.id LIMIT $5 FOR NO KEY UPDATE OF e SKIP LOCKED)
        RETURNING id, url, secret, CASE WHEN old_until > $1 THEN old_secret END AS old_secret";
    DUE = "SELECT d.id, d.attempts, v.message, v.type, v.data, v.created_at
        FROM webhook_delivery AS d JOIN webhook_event AS v ON v.id = d.event_id
        WHERE d.endpoint_id = $1 AND d.state = 'waiting' AND d.due_at <= $2
        ORDER BY d.due_at, d.id LIMIT $3";
    LOG = "INSERT INTO webhook_attempt (delivery_id, number, at, duration, status, failure, answer)
        SELECT $1::bigint, coalesce(max(number), 0) + 1, $2::bigint, $3::bigint, $4::bigint, $5::text,
          $6::text FROM webhook_attempt WHERE delivery_id = $1";
    /// What was given up meanwhile stays so, unless it was taken after all.
    STEP = "UPDATE webhook_delivery SET state = CASE WHEN $2::text = 'delivered' OR state = 'waiting' THEN $2
            ELSE state END, attempts = attempts + 1, due_at = $3, updated_at = $4
        WHERE id = $1";
    END = "UPDATE webhook_endpoint SET
          failing_since = CASE WHEN $4::boolean THEN NULL ELSE coalesce(failing_since, $5::bigint) END,
          held_until = greatest(held_until, $6),
          leased_until = CASE WHEN lease_writer = $2 AND lease_epoch = $3 THEN 0 ELSE leased_until END
        WHERE id = $1 RETURNING owner_kind, owner_id, failing_since";
}

/// Whether there is an endpoint to call.
pub(super) async fn is_due(
    executor: impl PgExecutor<'_>,
    (writer, epoch): Holder,
    now: UnixMillis,
) -> Attempt<bool> {
    let query = sqlx::query_scalar(IS_DUE).bind(now.0).bind(writer).bind(epoch);
    Ok(query.fetch_one(executor).await?)
}

/// Takes endpoints, each with the first of what is due.
pub(super) async fn take(
    connection: &mut PgConnection,
    (writer, epoch): Holder,
    limit: u32,
    (now, until): (UnixMillis, UnixMillis),
) -> Attempt<Vec<Round>> {
    let taken = sqlx::query(TAKE)
        .bind(now.0)
        .bind(writer)
        .bind(epoch)
        .bind(until.0)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
    let mut rounds = Vec::with_capacity(taken.len());
    for row in taken {
        let endpoint = EndpointId(row.number("id")?);
        let due = sqlx::query(DUE).bind(endpoint.0).bind(now.0).bind(i64::from(ROUND));
        let due = due.fetch_all(&mut *connection).await?;
        let old = row.optional_text("old_secret")?.map(|old| Secret(old.to_string()));
        rounds.push(Round {
            endpoint,
            url: row.shared("url")?,
            secrets: [Secret(row.text("secret")?)].into_iter().chain(old).collect(),
            due: due.iter().map(one_due).collect::<Attempt<_>>()?,
        });
    }
    Ok(rounds)
}

fn one_due(row: &PgRow) -> Attempt<Due> {
    Ok(Due {
        id: DeliveryId(row.number("id")?),
        attempts: row.number("attempts")?,
        message: row.text("message")?,
        event: row.code("type", EventType::from_code)?,
        at: row.moment("created_at")?,
        data: row.text("data")?,
    })
}

/// Writes what came of rounds, and lets their endpoints go. Those that are disabled by it.
pub(super) async fn end(
    connection: &mut PgConnection,
    holder: Holder,
    ends: &[RoundEnd],
    now: UnixMillis,
) -> Attempt<Vec<EndpointId>> {
    let mut disabled = Vec::new();
    for one in ends {
        if end_one(connection, holder, one, now).await? {
            disabled.push(one.endpoint);
        }
    }
    Ok(disabled)
}

async fn end_one(
    connection: &mut PgConnection,
    (writer, epoch): Holder,
    end: &RoundEnd,
    now: UnixMillis,
) -> Attempt<bool> {
    for attempted in &end.attempted {
        write(connection, attempted, now).await?;
    }
    let worked = end.attempted.iter().any(|attempted| attempted.state == DeliveryState::Delivered);
    let first = end.attempted.iter().map(|attempted| attempted.record.at).min().unwrap_or(now);
    let row = sqlx::query(END)
        .bind(end.endpoint.0)
        .bind(writer)
        .bind(epoch)
        .bind(worked)
        .bind(first.0)
        .bind(end.held_until.map_or(0, |until| until.0))
        .fetch_one(&mut *connection)
        .await?;
    let failing = row.optional::<i64>("failing_since")?.map(UnixMillis);
    let why = match failing {
        _ if end.gone => DisabledReason::Gone,
        Some(since) if now - since >= FAILING_MAX => DisabledReason::Failing,
        _ => return Ok(false),
    };
    disable(connection, (end.endpoint, owner(&row)?), why, now).await
}

async fn write(connection: &mut PgConnection, attempted: &Attempted, now: UnixMillis) -> Attempt<()> {
    let record = &attempted.record;
    sqlx::query(LOG)
        .bind(attempted.id.0)
        .bind(record.at.0)
        .bind(record.took.0)
        .bind(record.status.map(i64::from))
        .bind(record.failure.as_deref())
        .bind(&record.answer)
        .execute(&mut *connection)
        .await?;
    sqlx::query(STEP)
        .bind(attempted.id.0)
        .bind(attempted.state.code())
        .bind(attempted.due.0)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}
