//! Who writes: a process takes an epoch, and every money transaction checks that it is still the
//! newest.

use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::StoreError;
use gametriggers_actors::proof::{Plant, planted};
use sqlx::{Connection, SqliteConnection};

statements! {
    NEXT_EPOCH = "UPDATE writer SET epoch = epoch + 1 WHERE id = ?1 RETURNING epoch";
    /// Tokens on them may still be out: they stay payable until the last one has expired.
    CLOSE_OLDER = "UPDATE budget_lease SET state = 'closing', closes_at = ?3
        WHERE writer = ?1 AND epoch < ?2 AND state = 'open'";
    EPOCH = "SELECT epoch FROM writer WHERE id = ?1";
    /// Large enough to need fresh pages, so that a full database is noticed.
    PROBE = "INSERT INTO write_probe (ballast) VALUES (zeroblob(65536))";
}

/// Takes the next epoch. Leases of older ones close at `closes_at`.
pub(super) async fn open(connection: &mut SqliteConnection, closes_at: UnixMillis) -> Attempt<i64> {
    let closes_at = if planted(Plant::LeaseEpoch) { UnixMillis(0) } else { closes_at };
    let epoch: i64 = sqlx::query_scalar(NEXT_EPOCH).bind(WRITER).fetch_one(&mut *connection).await?;
    sqlx::query(CLOSE_OLDER).bind(WRITER).bind(epoch).bind(closes_at.0).execute(connection).await?;
    Ok(epoch)
}

/// Refuses to go on when this process has no epoch, or another one has a newer.
pub(in crate::store::sqlite) async fn fence(connection: &mut SqliteConnection, epoch: i64) -> Attempt<()> {
    let newest: i64 = sqlx::query_scalar(EPOCH).bind(WRITER).fetch_one(connection).await?;
    if epoch == newest && epoch > 0 { Ok(()) } else { Err(Failure(StoreError::Fenced)) }
}

/// The same, for what a tool may do that owns the database without delivering ads.
pub(in crate::store::sqlite) async fn fence_if_taken(
    connection: &mut SqliteConnection,
    epoch: i64,
) -> Attempt<()> {
    if epoch == 0 { Ok(()) } else { fence(connection, epoch).await }
}

/// Writes, and rolls it back.
pub(super) async fn probe(connection: &mut SqliteConnection) -> Attempt<()> {
    let mut savepoint = connection.begin().await?;
    sqlx::query(PROBE).execute(&mut *savepoint).await?;
    Ok(savepoint.rollback().await?)
}
