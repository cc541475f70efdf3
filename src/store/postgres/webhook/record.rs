//! Events as rows, in the transaction of what they tell of, and a delivery for each endpoint that listens.

use crate::store::fact::Fact;
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::json;
use crate::store::postgres::statements;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{SUMMARIES_MAX, WAITING_MAX};
use sqlx::PgConnection;

statements! {
    TELL = "WITH fact AS MATERIALIZED (SELECT f.*, row_number() OVER () AS place
          FROM json_to_recordset($1::json) AS f (type text, brand bigint, streamer bigint, data text)),
        heard AS MATERIALIZED (SELECT f.place, e.id FROM fact AS f JOIN webhook_endpoint AS e
          ON e.disabled_at IS NULL AND e.deleted_at IS NULL AND f.type = ANY (e.events)
            AND CASE e.owner_kind WHEN 'brand' THEN e.owner_id = f.brand
              WHEN 'streamer' THEN e.owner_id = f.streamer ELSE true END
            AND e.waiting < CASE f.type WHEN 'play.settled' THEN $3::bigint ELSE $4::bigint END),
        numbered AS MATERIALIZED (SELECT f.*, nextval('webhook_event_id_seq') AS id
          FROM (SELECT * FROM fact WHERE place IN (SELECT place FROM heard) ORDER BY place) AS f),
        event AS (INSERT INTO webhook_event (id, type, brand_id, streamer_id, data, created_at)
          SELECT id, type, brand, streamer, data, $2 FROM numbered),
        delivery AS (INSERT INTO webhook_delivery (endpoint_id, event_id, due_at, created_at, updated_at)
          SELECT h.id, n.id, $2, $2, $2 FROM heard AS h JOIN numbered AS n ON n.place = h.place
          ORDER BY n.id, h.id)
        SELECT count(*) FROM numbered";
}

/// Records what happened for the endpoints that listen; nothing when nobody does. The number of events.
pub(in crate::store::postgres) async fn tell(
    connection: &mut PgConnection,
    facts: &[Fact],
    now: UnixMillis,
) -> Attempt<u64> {
    if facts.is_empty() {
        return Ok(0);
    }
    let events: i64 = sqlx::query_scalar(TELL)
        .bind(json(facts)?)
        .bind(now.0)
        .bind(i64::from(SUMMARIES_MAX))
        .bind(i64::from(WAITING_MAX))
        .fetch_one(connection)
        .await?;
    Ok(u64::try_from(events).unwrap_or(0))
}
