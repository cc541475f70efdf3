//! Overrides as rows.

use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, record};
use gametriggers_actors::domain::conflict::Override;
use gametriggers_actors::domain::id::{CampaignId, OverrideId, RuleId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{ByHand, NewOverride, OVERRIDES_MAX, OverrideRecord, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};

statements! {
    IN_FORCE = "SELECT * FROM rule_override WHERE revoked_at IS NULL AND expires_at > $1
        ORDER BY expires_at LIMIT $2";
    COUNT = "SELECT count(*) FROM rule_override WHERE revoked_at IS NULL AND expires_at > $1";
    PAGE = "SELECT * FROM rule_override WHERE id < $1 ORDER BY id DESC LIMIT $2";
    ONE = "SELECT * FROM rule_override WHERE id = $1";
    INSERT = "INSERT INTO rule_override
        (campaign_id, streamer_id, rule_id, reason, granted_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    REVOKE = "UPDATE rule_override SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// Overrides that are neither revoked nor expired.
pub(super) async fn in_force(executor: impl PgExecutor<'_>, now: UnixMillis) -> Attempt<Vec<Override>> {
    let query = sqlx::query(IN_FORCE).bind(now.0).bind(i64::from(OVERRIDES_MAX));
    query.fetch_all(executor).await?.iter().map(terms).collect()
}

/// All overrides, newest first, before `before`.
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    before: Option<OverrideId>,
    limit: u32,
) -> Attempt<Vec<OverrideRecord>> {
    let query = sqlx::query(PAGE).bind(before.map_or(i64::MAX, |id| id.0)).bind(i64::from(limit));
    query.fetch_all(executor).await?.iter().map(kept).collect()
}

/// Grants one.
pub(super) async fn add(
    connection: &mut PgConnection,
    new: &NewOverride,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<OverrideRecord> {
    let count: i64 = sqlx::query_scalar(COUNT).bind(now.0).fetch_one(&mut *connection).await?;
    if count >= i64::from(OVERRIDES_MAX) {
        return Err(Failure::refused(format!("there are {OVERRIDES_MAX} overrides in force")));
    }
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(new.campaign.0)
        .bind(new.streamer.map(|id| id.0))
        .bind(new.rule.map(|id| id.0))
        .bind(&hand.reason)
        .bind(&hand.actor)
        .bind(now.0)
        .bind(new.expires.0)
        .fetch_one(&mut *connection)
        .await?;
    let deed = Deed { action: "grant_override", subject: format!("override:{id}"), detail: new.summary() };
    record(connection, hand, &deed, now).await?;
    kept(&sqlx::query(ONE).bind(id).fetch_one(connection).await?)
}

/// Revokes one; one that is revoked already stays as it is, and is on record already.
pub(super) async fn revoke(
    connection: &mut PgConnection,
    id: OverrideId,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<()> {
    let row = sqlx::query(ONE).bind(id.0).fetch_optional(&mut *connection).await?;
    let before = kept(&row.ok_or(StoreError::NotFound)?)?;
    let revoked = sqlx::query(REVOKE).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    if revoked.rows_affected() == 0 {
        return Ok(());
    }
    let (subject, detail) = (format!("override:{id}"), before.summary());
    record(connection, hand, &Deed { action: "revoke_override", subject, detail }, now).await
}

fn terms(row: &PgRow) -> Attempt<Override> {
    Ok(Override {
        id: OverrideId(row.number("id")?),
        campaign: CampaignId(row.number("campaign_id")?),
        streamer: row.optional("streamer_id")?.map(StreamerId),
        rule: row.optional("rule_id")?.map(RuleId),
        expires: row.moment("expires_at")?,
    })
}

fn kept(row: &PgRow) -> Attempt<OverrideRecord> {
    Ok(OverrideRecord {
        terms: terms(row)?,
        reason: row.shared("reason")?,
        granted_by: row.shared("granted_by")?,
        created: row.moment("created_at")?,
        revoked: row.optional("revoked_at")?.map(UnixMillis),
        times_used: row.number("times_used")?,
    })
}
