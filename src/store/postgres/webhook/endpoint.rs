//! Endpoints as rows.

use super::record::tell;
use crate::store::fact::Fact;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{BrandId, EndpointId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::{EventType, OVERLAP};
use gametriggers_actors::ports::{
    DisabledReason, ENDPOINTS_MAX, Endpoint, EndpointChange, Listener, NewEndpoint, Secret, StoreError,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};

statements! {
    OWNER = "SELECT CASE $1::text WHEN 'brand' THEN EXISTS (SELECT 1 FROM brand WHERE id = $2)
          WHEN 'streamer' THEN EXISTS (SELECT 1 FROM streamer WHERE id = $2) ELSE true END";
    COUNT = "SELECT count(*) FROM webhook_endpoint
        WHERE owner_kind = $1 AND owner_id = $2 AND deleted_at IS NULL";
    INSERT = "INSERT INTO webhook_endpoint
        (owner_kind, owner_id, url, description, events, secret, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING id";
    ONE = "SELECT * FROM webhook_endpoint WHERE id = $1 AND deleted_at IS NULL";
    PAGE = "SELECT * FROM webhook_endpoint WHERE deleted_at IS NULL AND id > $1
          AND ($2::text IS NULL OR (owner_kind = $2 AND owner_id = $3)) ORDER BY id LIMIT $4";
    CHANGE = "UPDATE webhook_endpoint SET url = $2, description = $3, events = $4, updated_at = $5,
          version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND ($6::bigint IS NULL OR version = $6)";
    DISABLE = "UPDATE webhook_endpoint SET disabled_at = $2, disabled_reason = $3, updated_at = $2,
          version = version + 1
        WHERE id = $1 AND disabled_at IS NULL AND deleted_at IS NULL";
    ENABLE = "UPDATE webhook_endpoint SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL,
          held_until = 0, updated_at = $2, version = version + 1
        WHERE id = $1 AND disabled_at IS NOT NULL AND deleted_at IS NULL";
    ROTATE = "UPDATE webhook_endpoint SET old_secret = secret, old_until = $3, secret = $2, updated_at = $4,
          version = version + 1
        WHERE id = $1 AND deleted_at IS NULL";
    /// Two changes of one endpoint come one after the other.
    HOLD = "SELECT id FROM webhook_endpoint WHERE id = $1 FOR NO KEY UPDATE";
    /// The secrets are of no use any more, and are not kept.
    DELETE = "UPDATE webhook_endpoint SET deleted_at = $2, updated_at = $2, secret = '', old_secret = NULL,
          waiting = 0
        WHERE id = $1 AND deleted_at IS NULL";
    GIVE_UP = "UPDATE webhook_delivery SET state = 'failed', updated_at = $2
        WHERE endpoint_id = $1 AND state = 'waiting'";
    /// Campaigns that nobody was told of begin here: an endpoint hears of what comes, and not of what was.
    BASELINE = "INSERT INTO webhook_mark
          (campaign_id, at, plays, viewers, clicks, rejected, spent, budget, told)
        SELECT c.id, $4::bigint, b.plays, b.viewers, b.clicks, b.rejected, b.spent, b.funded,
          CASE WHEN b.funded <= 0 THEN 0 WHEN b.spent >= b.funded THEN 100
            WHEN b.funded - b.spent <= b.funded / 5 THEN 80
            WHEN b.funded - b.spent <= b.funded / 2 THEN 50 ELSE 0 END
        FROM campaign_budget AS b JOIN campaign AS c ON c.id = b.campaign_id
        WHERE ($2::text = 'platform' OR ($2 = 'brand' AND c.brand_id = $3)) AND NOT EXISTS (
          SELECT 1 FROM webhook_endpoint AS e WHERE e.id <> $1 AND e.disabled_at IS NULL
            AND e.deleted_at IS NULL
            AND (e.owner_kind = 'platform' OR (e.owner_kind = 'brand' AND e.owner_id = c.brand_id))
            AND e.events && ARRAY['play.settled', 'budget.threshold'])
        ON CONFLICT (campaign_id) DO UPDATE SET at = excluded.at, plays = excluded.plays,
          viewers = excluded.viewers, clicks = excluded.clicks, rejected = excluded.rejected,
          spent = excluded.spent,
          budget = excluded.budget, told = excluded.told";
}

/// An owner as the database names it.
const fn of(owner: Listener) -> (&'static str, i64) {
    match owner {
        Listener::Brand(id) => ("brand", id.0),
        Listener::Streamer(id) => ("streamer", id.0),
        Listener::Platform => ("platform", 0),
    }
}

/// The owner of a row.
pub(super) fn owner(row: &PgRow) -> Attempt<Listener> {
    let id: i64 = row.number("owner_id")?;
    row.code("owner_kind", |kind| match kind {
        "brand" => Some(Listener::Brand(BrandId(id))),
        "streamer" => Some(Listener::Streamer(StreamerId(id))),
        "platform" => Some(Listener::Platform),
        _ => None,
    })
}

fn codes(events: &[EventType]) -> Vec<&'static str> {
    events.iter().map(|event| event.code()).collect()
}

fn sums(events: &[EventType]) -> bool {
    events.iter().any(|event| matches!(event, EventType::PlaySettled | EventType::BudgetThreshold))
}

async fn begin(
    connection: &mut PgConnection,
    id: EndpointId,
    owner: Listener,
    now: UnixMillis,
) -> Attempt<()> {
    let (kind, owner) = of(owner);
    sqlx::query(BASELINE).bind(id.0).bind(kind).bind(owner).bind(now.0).execute(connection).await?;
    Ok(())
}

/// Makes one.
pub(super) async fn add(
    connection: &mut PgConnection,
    new: &NewEndpoint,
    now: UnixMillis,
) -> Attempt<Endpoint> {
    let (kind, owner) = of(new.owner);
    let there: bool = sqlx::query_scalar(OWNER).bind(kind).bind(owner).fetch_one(&mut *connection).await?;
    if !there {
        return Err(StoreError::NotFound.into());
    }
    let count: i64 = sqlx::query_scalar(COUNT).bind(kind).bind(owner).fetch_one(&mut *connection).await?;
    if count >= i64::from(ENDPOINTS_MAX) {
        return Err(Failure::refused(format!("there are {ENDPOINTS_MAX} endpoints of this owner")));
    }
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(kind)
        .bind(owner)
        .bind(&new.url)
        .bind(&new.description)
        .bind(codes(&new.events))
        .bind(&new.secret.0)
        .bind(now.0)
        .fetch_one(&mut *connection)
        .await?;
    if sums(&new.events) {
        begin(connection, EndpointId(id), new.owner, now).await?;
    }
    one(connection, EndpointId(id)).await
}

/// A page of them, by ascending id.
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    owner: Option<Listener>,
    after: Option<EndpointId>,
    limit: u32,
) -> Attempt<Vec<Endpoint>> {
    let (kind, id) = owner.map(of).unzip();
    let query = sqlx::query(PAGE).bind(after.map_or(0, |id| id.0)).bind(kind).bind(id).bind(i64::from(limit));
    query.fetch_all(executor).await?.iter().map(read).collect()
}

/// One of them.
pub(super) async fn one(executor: impl PgExecutor<'_>, id: EndpointId) -> Attempt<Endpoint> {
    read(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// Changes one.
pub(super) async fn change(
    connection: &mut PgConnection,
    (id, version): (EndpointId, Option<i64>),
    change: &EndpointChange,
    now: UnixMillis,
) -> Attempt<Endpoint> {
    sqlx::query(HOLD).bind(id.0).fetch_optional(&mut *connection).await?;
    let before = one(&mut *connection, id).await?;
    let events = change.events.as_ref().unwrap_or(&before.events);
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(change.url.as_ref().unwrap_or(&before.url))
        .bind(change.description.as_ref().unwrap_or(&before.description))
        .bind(codes(events))
        .bind(now.0)
        .bind(version)
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(StoreError::Changed.into());
    }
    let was = before.disabled.is_none();
    let is = change.enabled.unwrap_or(was);
    if was && !is {
        disable(connection, (id, before.owner), DisabledReason::ByHand, now).await?;
    } else if is && !was {
        sqlx::query(ENABLE).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    }
    if is && sums(events) && !(was && sums(&before.events)) {
        begin(connection, id, before.owner, now).await?;
    }
    one(connection, id).await
}

/// Tells one nothing any more, and the others of its owner so. False when it was disabled or deleted already.
pub(super) async fn disable(
    connection: &mut PgConnection,
    (id, owner): (EndpointId, Listener),
    why: DisabledReason,
    now: UnixMillis,
) -> Attempt<bool> {
    let query = sqlx::query(DISABLE).bind(id.0).bind(now.0).bind(why.code());
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(GIVE_UP).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    tell(connection, &[Fact::disabled(id, owner, why, now)], now).await?;
    Ok(true)
}

/// Gives one another secret.
pub(super) async fn rotate(
    connection: &mut PgConnection,
    id: EndpointId,
    secret: &Secret,
    now: UnixMillis,
) -> Attempt<Endpoint> {
    let query = sqlx::query(ROTATE).bind(id.0).bind(&secret.0).bind((now + OVERLAP).0).bind(now.0);
    query.execute(&mut *connection).await?;
    one(connection, id).await
}

/// Takes one away.
pub(super) async fn delete(connection: &mut PgConnection, id: EndpointId, now: UnixMillis) -> Attempt<()> {
    let deleted = sqlx::query(DELETE).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    if deleted.rows_affected() == 0 {
        return Err(StoreError::NotFound.into());
    }
    sqlx::query(GIVE_UP).bind(id.0).bind(now.0).execute(connection).await?;
    Ok(())
}

fn read(row: &PgRow) -> Attempt<Endpoint> {
    let disabled = row.optional("disabled_at")?.map(UnixMillis);
    let reason = row.optional_text("disabled_reason")?;
    let reason =
        reason.map(|reason| known("disabled_reason", DisabledReason::from_code(&reason))).transpose()?;
    let events = row.texts("events")?;
    Ok(Endpoint {
        id: EndpointId(row.number("id")?),
        owner: owner(row)?,
        url: row.text("url")?,
        description: row.text("description")?,
        events: events
            .iter()
            .map(|event| known("events", EventType::from_code(event)))
            .collect::<Attempt<_>>()?,
        old_until: row.optional("old_until")?.map(UnixMillis),
        failing_since: row.optional("failing_since")?.map(UnixMillis),
        waiting: row.number("waiting")?,
        disabled: disabled.zip(reason),
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
        version: row.number("version")?,
    })
}
