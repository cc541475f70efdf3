//! Planted bugs: safeguards of the settlement, left out. Only in a build for proofs.

use gametriggers_actors::domain::id::PlayId;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::settlement::{self, Account, Claim, Known, Posting, Side};
use gametriggers_actors::proof::{Plant, planted};
use sqlx::PgConnection;
use std::sync::OnceLock;

/// What the statement of a batch on Postgres asks of a lease.
const WITHIN_LEASE: &str = "AND l.settled + t.taken <= l.granted AND l.state IN ('open', 'closing')";

/// The same, as constraints of the tables.
const CONSTRAINTS: &str = "ALTER TABLE IF EXISTS budget_lease DROP CONSTRAINT IF EXISTS no_overdrawn_lease;
    ALTER TABLE IF EXISTS campaign_budget DROP CONSTRAINT IF EXISTS no_overspend,
      DROP CONSTRAINT IF EXISTS campaign_budget_leased_check";

/// The statement of a batch on Postgres, but for the safeguard that is left out.
pub(super) fn statement(sql: &'static str) -> &'static str {
    static UNCHECKED: OnceLock<&str> = OnceLock::new();
    if !planted(Plant::LeaseCheck) {
        return sql;
    }
    UNCHECKED.get_or_init(|| {
        assert!(sql.contains(WITHIN_LEASE), "the check of a lease is not where it was");
        String::leak(sql.replace(WITHIN_LEASE, ""))
    })
}

/// What the writer's connection to Postgres does without a safeguard.
pub(super) async fn spoil(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if planted(Plant::SyncFull) {
        sqlx::raw_sql("SET synchronous_commit = off").execute(&mut *connection).await?;
    }
    if planted(Plant::LeaseCheck) {
        sqlx::raw_sql(CONSTRAINTS).execute(connection).await?;
    }
    Ok(())
}

/// Decides a batch as `settlement::plan` does, but for the safeguard that is left out.
pub(super) fn plan(claims: &[Claim], known: &Known) -> Posting {
    let (claims, known) = blind(claims, known);
    let mut posting = settlement::plan(&claims, &known);
    bundle_fees(&mut posting);
    posting
}

/// What a settlement sees that does not look back, or not at its lease. A claim that is settled
/// already becomes an event of its own.
fn blind(claims: &[Claim], known: &Known) -> (Vec<Claim>, Known) {
    let mut claims = claims.to_vec();
    let (settled, rejected) = (known.settled.clone(), known.rejected.clone());
    let mut known = Known { settled, rejected, leases: known.leases.clone() };
    if planted(Plant::Dedupe) {
        for claim in claims.iter_mut().filter(|claim| known.settled.contains(&claim.debit.event)) {
            let PlayId(event) = claim.debit.event;
            claim.debit.event = PlayId(uuid::Uuid::from_u128(event.as_u128() ^ 1));
        }
    }
    if planted(Plant::LeaseCheck) {
        known.leases.values_mut().for_each(|lease| lease.granted = Micros(i64::MAX));
    }
    (claims, known)
}

/// Splits the sum of the batch instead of each price: the roundings of its events are lost.
fn bundle_fees(posting: &mut Posting) {
    if !planted(Plant::PerEventFee) {
        return;
    }
    let sum = |of: fn(&gametriggers_actors::domain::money::Split) -> Micros| {
        posting.events.iter().map(|event| i128::from(of(&event.split).0)).sum::<i128>()
    };
    let (price, fee) = (sum(|split| split.price), sum(|split| split.fee));
    // The rate, as the dearest event shows it, in basis points.
    let dearest = posting.events.iter().max_by_key(|event| event.split.price);
    let Some(split) = dearest.map(|event| event.split).filter(|split| split.price.is_positive()) else {
        return;
    };
    let (part, whole) = (i128::from(split.fee.0), i128::from(split.price.0));
    let rate = (part * 10_000 + whole / 2) / whole;
    let more = i64::try_from(price * rate / 10_000 - fee).unwrap_or(0);
    for line in posting.lines.iter_mut().filter(|line| line.side == Side::Credit) {
        match line.account {
            Account::PlatformFee => line.amount.0 += more,
            Account::AccrualClearing => line.amount.0 -= more,
            _ => {}
        }
    }
}
