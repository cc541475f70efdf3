//! Leases: the slices of a budget that a process may spend without asking.

use super::not_positive;
use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{CampaignId, LeaseId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::pacing::utc_day;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Grant, StoreError};
use sqlx::PgConnection;

statements! {
    /// Waits for another writer that takes from the same budget.
    LEFT = "SELECT c.status, least(b.funded - b.spent - b.leased, coalesce(c.daily_cap - b.leased
          - CASE WHEN b.day = $2 THEN b.spent - b.spent_before ELSE 0 END, b.funded))
        FROM campaign_budget AS b
        JOIN campaign AS c ON c.id = b.campaign_id WHERE b.campaign_id = $1 FOR UPDATE OF b";
    TAKE = "UPDATE campaign_budget SET leased = leased + $2, version = version + 1
        WHERE campaign_id = $1 AND funded - spent - leased >= $2";
    TOP_UP = "UPDATE budget_lease SET granted = granted + $3
        WHERE campaign_id = $1 AND writer = own_writer() AND epoch = $2 AND state = 'open'
        RETURNING lease_id";
    OPEN = "INSERT INTO budget_lease (campaign_id, writer, epoch, granted, state)
        VALUES ($1, own_writer(), $2, $3, 'open') RETURNING lease_id";
    SHRINK = "UPDATE budget_lease SET granted = granted - $2
        WHERE lease_id = $1 AND state IN ('open', 'closing') AND granted - settled >= $2
        RETURNING campaign_id";
    EXISTS = "SELECT count(*) FROM budget_lease WHERE lease_id = $1";
    RETURN = "UPDATE campaign_budget SET leased = leased - $2, version = version + 1
        WHERE campaign_id = $1";
    CLOSE_DUE = "WITH closed AS (UPDATE budget_lease SET state = 'closed'
          WHERE state = 'closing' AND closes_at <= $1 RETURNING campaign_id, granted - settled AS rest),
        due AS (SELECT campaign_id, sum(rest)::bigint AS rest FROM closed GROUP BY campaign_id
          HAVING sum(rest) > 0),
        returned AS (UPDATE campaign_budget AS b SET leased = b.leased - due.rest, version = b.version + 1
          FROM due WHERE b.campaign_id = due.campaign_id RETURNING 1)
        SELECT (SELECT count(*) FROM closed), (SELECT count(*) FROM due), (SELECT count(*) FROM returned)";
}

/// Moves up to `wanted` into the epoch's lease of the campaign. What is in leases counts for today's cap:
/// all of it may be spent today.
pub(super) async fn grant(
    connection: &mut PgConnection,
    campaign: CampaignId,
    wanted: Micros,
    (epoch, now): (i64, UnixMillis),
) -> Attempt<Option<Grant>> {
    let (status, left): (String, i64) =
        sqlx::query_as(LEFT).bind(campaign.0).bind(utc_day(now)).fetch_one(&mut *connection).await?;
    let amount = wanted.0.min(left);
    // A paused campaign may be granted more: plays that were decided before the pause are shown.
    if status == "ended" || amount <= 0 {
        return Ok(None);
    }
    let taken = sqlx::query(TAKE).bind(campaign.0).bind(amount).execute(&mut *connection).await?;
    expect_rows("campaign_budget", 1, taken.rows_affected())?;
    let topped_up: Option<i64> = sqlx::query_scalar(TOP_UP)
        .bind(campaign.0)
        .bind(epoch)
        .bind(amount)
        .fetch_optional(&mut *connection)
        .await?;
    let lease = match topped_up {
        Some(lease) => lease,
        None => {
            sqlx::query_scalar(OPEN).bind(campaign.0).bind(epoch).bind(amount).fetch_one(connection).await?
        }
    };
    Ok(Some(Grant { lease: LeaseId(lease), granted: Micros(amount) }))
}

/// Moves `amount` out of a lease, back to the budget.
pub(super) async fn give_back(connection: &mut PgConnection, lease: LeaseId, amount: Micros) -> Attempt<()> {
    if amount == Micros::ZERO {
        return Ok(());
    }
    if !amount.is_positive() {
        return Err(not_positive().into());
    }
    let campaign: Option<i64> =
        sqlx::query_scalar(SHRINK).bind(lease.0).bind(amount.0).fetch_optional(&mut *connection).await?;
    let Some(campaign) = campaign else {
        let exists: i64 = sqlx::query_scalar(EXISTS).bind(lease.0).fetch_one(connection).await?;
        // What a closed lease did not settle went back when it closed.
        return Err(if exists == 0 {
            StoreError::NotFound.into()
        } else {
            Failure::refused("the lease is closed, or has less left")
        });
    };
    let returned = sqlx::query(RETURN).bind(campaign).bind(amount.0).execute(connection).await?;
    expect_rows("campaign_budget", 1, returned.rows_affected())
}

/// Closes the leases whose time has come, whoever held them; their number.
pub(super) async fn close_due(connection: &mut PgConnection, now: UnixMillis) -> Attempt<u64> {
    let (closed, due, returned): (i64, i64, i64) =
        sqlx::query_as(CLOSE_DUE).bind(now.0).fetch_one(connection).await?;
    if due != returned {
        return Err(Failure::refused(format!("leases of {due} campaigns closed, {returned} have a budget")));
    }
    known("count", u64::try_from(closed).ok())
}
