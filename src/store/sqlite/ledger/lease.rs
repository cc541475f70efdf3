//! Leases: the slices of a budget that a process may spend without asking.

use super::not_positive;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::{CampaignId, LeaseId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::pacing::utc_day;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Grant, StoreError};
use sqlx::SqliteConnection;

statements! {
    LEFT = "SELECT c.status, min(b.funded - b.spent - b.leased, coalesce(c.daily_cap - b.leased
          - CASE WHEN b.day = ?2 THEN b.spent - b.spent_before ELSE 0 END, b.funded))
        FROM campaign_budget AS b
        JOIN campaign AS c ON c.id = b.campaign_id WHERE b.campaign_id = ?1";
    TAKE = "UPDATE campaign_budget SET leased = leased + ?2, version = version + 1
        WHERE campaign_id = ?1 AND funded - spent - leased >= ?2";
    TOP_UP = "UPDATE budget_lease SET granted = granted + ?4
        WHERE campaign_id = ?1 AND writer = ?2 AND epoch = ?3 AND state = 'open' RETURNING lease_id";
    OPEN = "INSERT INTO budget_lease (campaign_id, writer, epoch, granted, state)
        VALUES (?1, ?2, ?3, ?4, 'open') RETURNING lease_id";
    SHRINK = "UPDATE budget_lease SET granted = granted - ?2
        WHERE lease_id = ?1 AND state IN ('open', 'closing') AND granted - settled >= ?2
        RETURNING campaign_id";
    EXISTS = "SELECT count(*) FROM budget_lease WHERE lease_id = ?1";
    RETURN = "UPDATE campaign_budget SET leased = leased - ?2, version = version + 1
        WHERE campaign_id = ?1";
    RETURN_DUE = "UPDATE campaign_budget SET leased = leased - due.rest, version = version + 1
        FROM (SELECT campaign_id AS id, sum(granted - settled) AS rest FROM budget_lease
              WHERE state = 'closing' AND closes_at <= ?1 GROUP BY campaign_id) AS due
        WHERE campaign_id = due.id";
    CLOSE_DUE = "UPDATE budget_lease SET state = 'closed' WHERE state = 'closing' AND closes_at <= ?1";
}

/// Moves up to `wanted` into the epoch's lease of the campaign. What is in leases counts for today's cap:
/// all of it may be spent today.
pub(super) async fn grant(
    connection: &mut SqliteConnection,
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
        .bind(WRITER)
        .bind(epoch)
        .bind(amount)
        .fetch_optional(&mut *connection)
        .await?;
    let lease = match topped_up {
        Some(lease) => lease,
        None => {
            sqlx::query_scalar(OPEN)
                .bind(campaign.0)
                .bind(WRITER)
                .bind(epoch)
                .bind(amount)
                .fetch_one(connection)
                .await?
        }
    };
    Ok(Some(Grant { lease: LeaseId(lease), granted: Micros(amount) }))
}

/// Moves `amount` out of a lease, back to the budget.
pub(super) async fn give_back(
    connection: &mut SqliteConnection,
    lease: LeaseId,
    amount: Micros,
) -> Attempt<()> {
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
            Failure(StoreError::NotFound)
        } else {
            Failure::refused("the lease is closed, or has less left")
        });
    };
    let returned = sqlx::query(RETURN).bind(campaign).bind(amount.0).execute(connection).await?;
    expect_rows("campaign_budget", 1, returned.rows_affected())
}

/// Closes the leases whose time has come; their number.
pub(super) async fn close_due(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<u64> {
    sqlx::query(RETURN_DUE).bind(now.0).execute(&mut *connection).await?;
    let closed = sqlx::query(CLOSE_DUE).bind(now.0).execute(connection).await?;
    Ok(closed.rows_affected())
}
