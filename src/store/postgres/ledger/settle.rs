//! Stage one: a batch of claims in one transaction, on the path of the acknowledgement.
//!
//! Nearly every batch is new, fits its leases and is refused nowhere. So it is first planned as if that were
//! known, and written by one statement that checks it (`batch`). Whatever does not fit undoes that attempt,
//! and the batch goes the careful way: read what is known, decide, write; and when the database still refuses
//! it, halve it until the claim to blame stands alone.

use super::batch::{AccountIds, Batch, kind};
use super::entry::account_ids;
#[cfg(feature = "proof")]
use crate::store::plant::plan;
use crate::store::postgres::failure::{Attempt, Failure, Kind};
use crate::store::postgres::row::{count, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{CampaignId, LeaseId, PlayId};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::reason::Reason;
#[cfg(not(feature = "proof"))]
use gametriggers_actors::domain::settlement::plan;
use gametriggers_actors::domain::settlement::{Account, Claim, Debit, Known, LeaseRow, Outcome, Posting};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::StoreError;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use uuid::Uuid;

statements! {
    KNOWN_EVENTS = "SELECT event_id FROM settle_event WHERE event_id = ANY($1)";
    KNOWN_REJECTS = "SELECT event_id, reason FROM settle_reject WHERE event_id = ANY($1)";
    KNOWN_LEASES = "SELECT lease_id, campaign_id, granted, settled, state <> 'closed'
        FROM budget_lease WHERE lease_id = ANY($1)";
    /// The days that have a partition, out of its name.
    DAYS = "SELECT extract(epoch FROM to_date(right(c.relname, 8), 'YYYYMMDD'))::bigint / 86400
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'settle_event'::regclass";
    INSERT_REJECTS = "INSERT INTO settle_reject
        (event_id, play_id, lease_id, campaign_id, streamer_id, price, occurred_at, kind, reason, rejected_at)
        SELECT r.*, $10 FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[],
          $6::bigint[], $7::bigint[], $8::\"char\"[], $9::text[]) AS r ON CONFLICT DO NOTHING";
    COUNT_REFUSED = "UPDATE campaign_budget AS b
        SET rejected = b.rejected + m.rejected, version = b.version + 1
        FROM unnest($1::bigint[], $2::bigint[]) AS m (campaign_id, rejected)
        WHERE b.campaign_id = m.campaign_id";
}

/// A UTC day.
const DAY: Millis = Millis(86_400_000);

/// The posting of a batch as it nearly always is; none when a claim is refused before anything is read.
pub(super) fn guess(claims: &[Claim]) -> Option<Posting> {
    let trusted =
        |campaign| LeaseRow { campaign, granted: Micros(i64::MAX), settled: Micros::ZERO, accepts: true };
    let mut known = Known::default();
    for claim in claims {
        known.leases.entry(claim.debit.lease).or_insert_with(|| trusted(claim.debit.campaign));
    }
    let posting = plan(claims, &known);
    (posting.rejects.is_empty() && !posting.events.is_empty()).then_some(posting)
}

/// The accounts of a posting.
pub(super) fn accounts(posting: &Posting) -> Vec<(Account, Currency)> {
    posting.lines.iter().map(|line| (line.account, line.currency)).collect()
}

/// Writes a posting whose accounts are not all known yet; their numbers.
pub(super) async fn with_accounts(
    connection: &mut PgConnection,
    posting: Arc<Posting>,
    now: UnixMillis,
) -> Attempt<AccountIds> {
    let accounts = accounts(&posting);
    let ids = account_ids(connection, &accounts).await?;
    let ids: AccountIds = accounts.into_iter().zip(ids).collect();
    Batch::of(&posting, &ids)?.write(connection, now).await?;
    Ok(ids)
}

/// Writes a batch the careful way; one outcome for each claim, in their order.
pub(in crate::store::postgres) async fn settle(
    connection: &mut PgConnection,
    mut claims: Vec<Claim>,
    now: UnixMillis,
) -> Attempt<Vec<Outcome>> {
    refuse_expired(connection, &mut claims).await?;
    let mut outcomes = Vec::with_capacity(claims.len());
    let mut parts = vec![claims];
    while let Some(mut part) = parts.pop() {
        match write_part(connection, &part, now).await {
            Ok(written) => outcomes.extend(written),
            Err(failure) if !failure.is_constraint() || failure.kind == Kind::Conflict => {
                return Err(failure);
            }
            Err(failure) => match part.as_mut_slice() {
                [] => return Err(failure),
                [alone] if alone.verdict.is_err() => return Err(failure),
                [alone] => {
                    let expired = failure.kind == Kind::NoPartition;
                    let reason = if expired { Reason::TokenExpired } else { Reason::LeaseExhausted };
                    alone.verdict = Err(reason);
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

/// A claim on a day that has no partition (any more) is older than any token.
async fn refuse_expired(connection: &mut PgConnection, claims: &mut [Claim]) -> Attempt<()> {
    let days: Vec<i64> = sqlx::query_scalar(DAYS).fetch_all(connection).await?;
    let days: HashSet<i64> = days.into_iter().collect();
    for claim in claims.iter_mut().filter(|claim| claim.verdict.is_ok()) {
        // The first six bytes of an id are its time.
        let [a, b, c, d, e, f, ..] = claim.debit.event.bytes();
        let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        if !days.contains(&millis.div_euclid(DAY.0)) {
            claim.verdict = Err(Reason::TokenExpired);
        }
    }
    Ok(())
}

/// Writes a part of a batch, all of it or nothing.
async fn write_part(
    connection: &mut PgConnection,
    claims: &[Claim],
    now: UnixMillis,
) -> Attempt<Vec<Outcome>> {
    sqlx::raw_sql("SAVEPOINT part").execute(&mut *connection).await?;
    match write(connection, claims, now).await {
        Ok(outcomes) => {
            sqlx::raw_sql("RELEASE SAVEPOINT part").execute(connection).await?;
            Ok(outcomes)
        }
        Err(failure) => {
            if failure.kind != Kind::Lost {
                let undo = "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part";
                sqlx::raw_sql(undo).execute(connection).await?;
            }
            Err(failure)
        }
    }
}

async fn write(connection: &mut PgConnection, claims: &[Claim], now: UnixMillis) -> Attempt<Vec<Outcome>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let known = read_known(connection, claims).await?;
    let posting = Arc::new(plan(claims, &known));
    if !posting.events.is_empty() {
        with_accounts(connection, Arc::clone(&posting), now).await?;
    }
    if !posting.rejects.is_empty() {
        insert_rejects(connection, &posting.rejects, now).await?;
        count_refused(connection, &posting).await?;
    }
    Ok(posting.outcomes.clone())
}

async fn read_known(connection: &mut PgConnection, claims: &[Claim]) -> Attempt<Known> {
    let mut facts = Known::default();
    let events: BTreeSet<Uuid> = claims.iter().map(|claim| claim.debit.event.0).collect();
    let events: Vec<Uuid> = events.into_iter().collect();
    let settled: Vec<Uuid> =
        sqlx::query_scalar(KNOWN_EVENTS).bind(&events).fetch_all(&mut *connection).await?;
    facts.settled.extend(settled.into_iter().map(PlayId));
    let rejected: Vec<(Uuid, String)> =
        sqlx::query_as(KNOWN_REJECTS).bind(&events).fetch_all(&mut *connection).await?;
    for (id, reason) in rejected {
        // A reason of another version is still a refusal.
        facts.rejected.insert(PlayId(id), Reason::from_code(&reason).unwrap_or(Reason::BadToken));
    }
    let leases: BTreeSet<i64> = claims.iter().map(|claim| claim.debit.lease.0).collect();
    let leases: Vec<i64> = leases.into_iter().collect();
    let rows: Vec<(i64, i64, i64, i64, bool)> =
        sqlx::query_as(KNOWN_LEASES).bind(leases).fetch_all(connection).await?;
    for (id, campaign, granted, settled, accepts) in rows {
        let campaign = CampaignId(campaign);
        let row = LeaseRow { campaign, granted: Micros(granted), settled: Micros(settled), accepts };
        facts.leases.insert(LeaseId(id), row);
    }
    Ok(facts)
}

async fn insert_rejects(
    connection: &mut PgConnection,
    rejects: &[(Debit, Reason)],
    now: UnixMillis,
) -> Attempt<()> {
    let numbers = |of: fn(&Debit) -> i64| rejects.iter().map(|(debit, _)| of(debit)).collect::<Vec<i64>>();
    let inserted = sqlx::query(INSERT_REJECTS)
        .bind(rejects.iter().map(|(debit, _)| debit.event.0).collect::<Vec<_>>())
        .bind(rejects.iter().map(|(debit, _)| debit.play.0).collect::<Vec<_>>())
        .bind(numbers(|debit| debit.lease.0))
        .bind(numbers(|debit| debit.campaign.0))
        .bind(numbers(|debit| debit.streamer.0))
        .bind(numbers(|debit| debit.split.price.0))
        .bind(numbers(|debit| debit.occurred.0))
        .bind(rejects.iter().map(|(debit, _)| kind(debit.kind)).collect::<Vec<_>>())
        .bind(rejects.iter().map(|(_, reason)| reason.code()).collect::<Vec<_>>())
        .bind(now.0)
        .execute(connection)
        .await?;
    if known("count", usize::try_from(inserted.rows_affected()).ok())? == rejects.len() {
        return Ok(());
    }
    // Another writer refused one of them in this moment: the next try reads that.
    let error = StoreError::Constraint("a claim was refused at the same time".to_owned());
    Err(Failure { error, kind: Kind::Conflict })
}

/// Counts the refusals of campaigns that pay nothing in this batch. One that there is not counts nothing.
async fn count_refused(connection: &mut PgConnection, posting: &Posting) -> Attempt<()> {
    let (mut campaigns, mut rejected) = (Vec::new(), Vec::new());
    for (campaign, counted) in &posting.campaigns {
        if counted.plays == 0 && counted.clicks == 0 {
            campaigns.push(campaign.0);
            rejected.push(count(counted.rejected)?);
        }
    }
    if !campaigns.is_empty() {
        sqlx::query(COUNT_REFUSED).bind(campaigns).bind(rejected).execute(connection).await?;
    }
    Ok(())
}
