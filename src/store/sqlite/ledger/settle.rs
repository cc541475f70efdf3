//! Writing a batch of claims.
//!
//! The domain decides (`plan`), this module reads what it has to know and writes what it decided,
//! in one transaction. When a constraint refuses what the plan allowed, some row is not what it
//! should be: the batch is cut in halves until the claims in question stand alone, these are
//! refused, and the rest is written. A batch may be cut anywhere without changing an answer; a
//! property of the plan says so.

use super::entry::{Post, post};
#[cfg(feature = "proof")]
use crate::store::plant::plan;
use crate::store::sqlite::bulk::Bulk;
use crate::store::sqlite::failure::{Attempt, expect_rows};
use crate::store::sqlite::row::{count, hex, json, play_id};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::{CampaignId, LeaseId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::pacing::utc_day;
use gametriggers_actors::domain::reason::Reason;
#[cfg(not(feature = "proof"))]
use gametriggers_actors::domain::settlement::plan;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Known, LeaseRow, Outcome, Posting};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::proof::{self, Plant, planted};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::collections::BTreeSet;
use std::sync::LazyLock;

statements! {
    /// The ids come as one value, sixteen bytes each.
    KNOWN_EVENTS = "WITH RECURSIVE
          id(at) AS (SELECT 1 UNION ALL SELECT at + 16 FROM id WHERE at + 16 < length(?1))
        SELECT e.event_id FROM id CROSS JOIN settle_event AS e ON e.event_id = substr(?1, at, 16)";
    KNOWN_REJECTS = "WITH RECURSIVE
          id(at) AS (SELECT 1 UNION ALL SELECT at + 16 FROM id WHERE at + 16 < length(?1))
        SELECT r.event_id, r.reason FROM id CROSS JOIN settle_reject AS r ON r.event_id = substr(?1, at, 16)";
    KNOWN_LEASES = "SELECT l.lease_id, l.campaign_id, l.granted, l.settled, l.state <> 'closed'
        FROM json_each(?1) AS j CROSS JOIN budget_lease AS l ON l.lease_id = j.value";
    INSERT_REJECTS = "INSERT INTO settle_reject
        (event_id, reason, kind, play_id, lease_id, campaign_id, streamer_id, price, occurred_at, rejected_at)
        SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), value ->> 4, value ->> 5,
          value ->> 6, value ->> 7, value ->> 8, ?2
        FROM json_each(?1)";
    MOVE_LEASES = "UPDATE budget_lease SET settled = settled + taken.price
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS price FROM json_each(?1)) AS taken
        WHERE lease_id = taken.id AND settled + taken.price <= granted AND state IN ('open', 'closing')";
    /// A planted bug: whatever the lease has left.
    MOVE_UNCHECKED = "UPDATE budget_lease SET settled = settled + taken.price
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS price FROM json_each(?1)) AS taken
        WHERE lease_id = taken.id";
    MOVE_BUDGETS = "UPDATE campaign_budget SET spent = spent + moved.price, leased = leased - moved.price,
          version = version + 1, plays = plays + moved.shown, viewers = viewers + moved.seen,
          clicks = clicks + moved.clicked,
          rejected = rejected + moved.refused, day = max(day, ?2),
          spent_before = CASE WHEN day < ?2 THEN spent ELSE spent_before END
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS price, value ->> 2 AS shown, value ->> 3 AS seen,
                value ->> 4 AS clicked, value ->> 5 AS refused FROM json_each(?1)) AS moved
        WHERE campaign_id = moved.id";
}

static EVENTS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO settle_event (writer, seq, event_id, kind, lease_id, campaign_id, streamer_id,
           creative_id, currency, price, fee, viewers, occurred_at)",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    )
});

static CLICKS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO settle_click (event_id, play_id)", "(?, ?)", ""));

/// The statements that are made in several sizes, for the test that prepares them.
#[cfg(test)]
pub(super) fn bulks() -> Vec<String> {
    EVENTS.statements().chain(CLICKS.statements()).map(str::to_owned).collect()
}

/// Writes a batch; one outcome for each claim, in their order.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    claims: Vec<Claim>,
    now: UnixMillis,
) -> Attempt<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(claims.len());
    let mut parts = vec![claims];
    while let Some(mut part) = parts.pop() {
        match write_part(connection, &part, now).await {
            Ok(written) => outcomes.extend(written),
            Err(failure) if !failure.is_constraint() => return Err(failure),
            Err(failure) => match part.as_mut_slice() {
                [] => return Err(failure),
                [alone] if alone.verdict.is_err() => return Err(failure),
                [alone] => {
                    alone.verdict = Err(Reason::LeaseExhausted);
                    parts.push(part);
                }
                _ => {
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
            },
        }
    }
    Ok(outcomes)
}

/// Writes a part of a batch, all of it or nothing.
async fn write_part(
    connection: &mut SqliteConnection,
    claims: &[Claim],
    now: UnixMillis,
) -> Attempt<Vec<Outcome>> {
    let mut savepoint = connection.begin().await?;
    match write(&mut savepoint, claims, now).await {
        Ok(outcomes) => {
            savepoint.commit().await?;
            Ok(outcomes)
        }
        Err(failure) => {
            savepoint.rollback().await?;
            Err(failure)
        }
    }
}

async fn write(
    connection: &mut SqliteConnection,
    claims: &[Claim],
    now: UnixMillis,
) -> Attempt<Vec<Outcome>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let known = read_known(connection, claims).await?;
    let posting = plan(claims, &known);
    if !posting.events.is_empty() {
        // A batch that costs nothing has a number as well: its events name it.
        let tx = Post { kind: "settle", key: None, reference: "", lines: &posting.lines, now };
        let seq = post(connection, &tx).await?;
        insert_events(connection, &posting.events, seq).await?;
        proof::reach("settle.after_events");
        move_leases(connection, &posting).await?;
    }
    if !posting.rejects.is_empty() {
        insert_rejects(connection, &posting.rejects, now).await?;
    }
    move_budgets(connection, &posting, now).await?;
    Ok(posting.outcomes)
}

async fn read_known(connection: &mut SqliteConnection, claims: &[Claim]) -> Attempt<Known> {
    let mut known = Known::default();
    let events: Vec<u8> = claims.iter().flat_map(|claim| claim.debit.event.bytes()).collect();
    let settled: Vec<Vec<u8>> =
        sqlx::query_scalar(KNOWN_EVENTS).bind(events.clone()).fetch_all(&mut *connection).await?;
    for id in settled {
        known.settled.insert(play_id("event_id", &id)?);
    }
    let rejected: Vec<(Vec<u8>, String)> =
        sqlx::query_as(KNOWN_REJECTS).bind(events).fetch_all(&mut *connection).await?;
    for (id, reason) in rejected {
        // A reason of another version is still a refusal.
        let reason = Reason::from_code(&reason).unwrap_or(Reason::BadToken);
        known.rejected.insert(play_id("event_id", &id)?, reason);
    }
    let leases: BTreeSet<i64> = claims.iter().map(|claim| claim.debit.lease.0).collect();
    let rows: Vec<(i64, i64, i64, i64, bool)> =
        sqlx::query_as(KNOWN_LEASES).bind(json(&leases)?).fetch_all(connection).await?;
    for (id, campaign, granted, settled, accepts) in rows {
        let campaign = CampaignId(campaign);
        let row = LeaseRow { campaign, granted: Micros(granted), settled: Micros(settled), accepts };
        known.leases.insert(LeaseId(id), row);
    }
    Ok(known)
}

async fn insert_events(connection: &mut SqliteConnection, events: &[Debit], seq: i64) -> Attempt<()> {
    for (sql, piece) in EVENTS.cut(events) {
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for debit in piece {
            insert = insert
                .bind(WRITER)
                .bind(seq)
                .bind(debit.event.bytes().to_vec())
                .bind(debit.kind.code())
                .bind(debit.lease.0)
                .bind(debit.campaign.0)
                .bind(debit.streamer.0)
                .bind(debit.creative.0)
                .bind(debit.currency.to_string())
                .bind(debit.split.price.0)
                .bind(debit.split.fee.0)
                .bind(debit.viewers)
                .bind(debit.occurred.0);
        }
        let inserted = insert.execute(&mut *connection).await?;
        expect_rows("settle_event", piece.len(), inserted.rows_affected())?;
    }
    let clicks: Vec<&Debit> = events.iter().filter(|debit| debit.kind == EventKind::Click).collect();
    for (sql, piece) in CLICKS.cut(&clicks) {
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for debit in piece {
            insert = insert.bind(debit.event.bytes().to_vec()).bind(debit.play.bytes().to_vec());
        }
        let inserted = insert.execute(&mut *connection).await?;
        expect_rows("settle_click", piece.len(), inserted.rows_affected())?;
    }
    Ok(())
}

async fn insert_rejects(
    connection: &mut SqliteConnection,
    rejects: &[(Debit, Reason)],
    now: UnixMillis,
) -> Attempt<()> {
    let row = |(debit, reason): &(Debit, Reason)| {
        (
            hex(debit.event),
            reason.code(),
            debit.kind.code(),
            hex(debit.play),
            debit.lease.0,
            debit.campaign.0,
            debit.streamer.0,
            debit.split.price.0,
            debit.occurred.0,
        )
    };
    let rows = json(&rejects.iter().map(row).collect::<Vec<_>>())?;
    let inserted = sqlx::query(INSERT_REJECTS).bind(rows).bind(now.0).execute(&mut *connection).await?;
    expect_rows("settle_reject", rejects.len(), inserted.rows_affected())
}

async fn move_leases(connection: &mut SqliteConnection, posting: &Posting) -> Attempt<()> {
    let rows: Vec<(i64, i64)> = posting.leases.iter().map(|((lease, _), taken)| (lease.0, taken.0)).collect();
    let statement = if planted(Plant::LeaseCheck) { MOVE_UNCHECKED } else { MOVE_LEASES };
    let moved = sqlx::query(statement).bind(json(&rows)?).execute(connection).await?;
    expect_rows("budget_lease", rows.len(), moved.rows_affected())
}

async fn move_budgets(connection: &mut SqliteConnection, posting: &Posting, now: UnixMillis) -> Attempt<()> {
    let (mut paying, mut refused) = (Vec::new(), Vec::new());
    for (campaign, counted) in &posting.campaigns {
        let counters = [counted.plays, counted.viewers, counted.clicks, counted.rejected];
        let mut row = vec![campaign.0, counted.price.0];
        for counter in counters {
            row.push(count(counter)?);
        }
        let pays = counted.plays > 0 || counted.clicks > 0;
        if pays { paying.push(row) } else { refused.push(row) }
    }
    if !paying.is_empty() {
        let moved = sqlx::query(MOVE_BUDGETS)
            .bind(json(&paying)?)
            .bind(utc_day(now))
            .execute(&mut *connection)
            .await?;
        expect_rows("campaign_budget", paying.len(), moved.rows_affected())?;
    }
    if !refused.is_empty() {
        // A refused claim may name a campaign that there is not: nobody counts it.
        sqlx::query(MOVE_BUDGETS).bind(json(&refused)?).bind(utc_day(now)).execute(connection).await?;
    }
    Ok(())
}
