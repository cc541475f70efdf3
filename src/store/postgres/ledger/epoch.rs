//! Who writes: a process takes an epoch, and every transaction checks that it is still the newest, when it
//! raises the turn of the writer.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::statements;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::proof::{Plant, planted};
use sqlx::PgConnection;

statements! {
    NEXT_EPOCH = "UPDATE writer SET epoch = epoch + 1 WHERE id = own_writer() RETURNING epoch";
    /// Tokens on them may still be out: they stay payable until the last one has expired.
    CLOSE_OLDER = "UPDATE budget_lease SET state = 'closing', closes_at = $2
        WHERE writer = own_writer() AND epoch < $1 AND state = 'open'";
    DAYS = "SELECT settle_event_days($1)";
    /// Large enough to need fresh pages, so that a full disk is noticed.
    PROBE = "INSERT INTO write_probe (ballast) VALUES (decode(repeat('00', 65536), 'hex'))";
}

/// Takes the next epoch. Leases of older ones close at `closes_at`.
pub(super) async fn open(
    connection: &mut PgConnection,
    now: UnixMillis,
    closes_at: UnixMillis,
) -> Attempt<i64> {
    let closes_at = if planted(Plant::LeaseEpoch) { UnixMillis(0) } else { closes_at };
    let epoch: i64 = sqlx::query_scalar(NEXT_EPOCH).fetch_one(&mut *connection).await?;
    sqlx::query(CLOSE_OLDER).bind(epoch).bind(closes_at.0).execute(&mut *connection).await?;
    days(connection, now).await?;
    Ok(epoch)
}

/// Makes the partitions of the events that may come.
pub(super) async fn days(connection: &mut PgConnection, now: UnixMillis) -> Attempt<()> {
    sqlx::query(DAYS).bind(now.0).execute(connection).await?;
    Ok(())
}

/// Writes, and undoes it.
pub(super) async fn probe(connection: &mut PgConnection) -> Attempt<()> {
    sqlx::raw_sql("SAVEPOINT probe").execute(&mut *connection).await?;
    sqlx::query(PROBE).execute(&mut *connection).await?;
    sqlx::raw_sql("ROLLBACK TO SAVEPOINT probe").execute(connection).await?;
    Ok(())
}
