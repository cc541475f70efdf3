//! Events as rows, in the transaction of what they tell of, and a delivery for each endpoint that listens.

use crate::store::fact::Fact;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::json;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{SUMMARIES_MAX, WAITING_MAX};
use sqlx::SqliteConnection;

statements! {
    LISTENED = "SELECT EXISTS (SELECT 1 FROM webhook_endpoint
        WHERE disabled_at IS NULL AND deleted_at IS NULL)";
    NEWEST = "SELECT coalesce(max(id), 0) FROM webhook_event";
    EVENTS = "INSERT INTO webhook_event (type, brand_id, streamer_id, data, created_at)
        SELECT f.value ->> 'type', f.value ->> 'brand', f.value ->> 'streamer', f.value ->> 'data', ?2
        FROM json_each(?1) AS f WHERE EXISTS (SELECT 1 FROM webhook_endpoint AS e
          WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL
            AND CASE e.owner_kind WHEN 'brand' THEN e.owner_id = f.value ->> 'brand'
              WHEN 'streamer' THEN e.owner_id = f.value ->> 'streamer' ELSE true END
            AND EXISTS (SELECT 1 FROM json_each(e.events) AS w WHERE w.value = f.value ->> 'type')
            AND e.waiting < CASE f.value ->> 'type' WHEN 'play.settled' THEN ?3 ELSE ?4 END)
        ORDER BY f.key";
    DELIVERIES = "INSERT INTO webhook_delivery (endpoint_id, event_id, due_at, created_at, updated_at)
        SELECT e.id, v.id, ?2, ?2, ?2 FROM webhook_event AS v JOIN webhook_endpoint AS e
          ON e.disabled_at IS NULL AND e.deleted_at IS NULL
            AND CASE e.owner_kind WHEN 'brand' THEN e.owner_id = v.brand_id
              WHEN 'streamer' THEN e.owner_id = v.streamer_id ELSE true END
            AND EXISTS (SELECT 1 FROM json_each(e.events) AS w WHERE w.value = v.type)
            AND e.waiting < CASE v.type WHEN 'play.settled' THEN ?3 ELSE ?4 END
        WHERE v.id > ?1 ORDER BY v.id, e.id";
}

/// Records what happened for the endpoints that listen; nothing when nobody does. The number of events.
pub(in crate::store::sqlite) async fn tell(
    connection: &mut SqliteConnection,
    facts: &[Fact],
    now: UnixMillis,
) -> Attempt<u64> {
    if facts.is_empty() {
        return Ok(0);
    }
    let listened: i64 = sqlx::query_scalar(LISTENED).fetch_one(&mut *connection).await?;
    if listened == 0 {
        return Ok(0);
    }
    let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut *connection).await?;
    let events = sqlx::query(EVENTS)
        .bind(json(facts)?)
        .bind(now.0)
        .bind(i64::from(SUMMARIES_MAX))
        .bind(i64::from(WAITING_MAX))
        .execute(&mut *connection)
        .await?;
    sqlx::query(DELIVERIES)
        .bind(newest)
        .bind(now.0)
        .bind(i64::from(SUMMARIES_MAX))
        .bind(i64::from(WAITING_MAX))
        .execute(connection)
        .await?;
    Ok(events.rows_affected())
}
