//! Tickets that were used, so that none is used twice.

use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::statements;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sqlx::SqliteConnection;

statements! {
    PRUNE = "DELETE FROM used_ticket WHERE id IN (
        SELECT id FROM used_ticket WHERE expires_at < ?1 ORDER BY expires_at LIMIT 100)";
    USE = "INSERT INTO used_ticket (id, expires_at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
}

/// A dead ticket is remembered for longer than the clocks of two nodes may differ.
const KEPT: Millis = Millis::minutes(10);

/// Uses one up, and forgets some that are long dead; false when it was used before.
pub(super) async fn spend(
    connection: &mut SqliteConnection,
    id: [u8; 16],
    expires: UnixMillis,
    now: UnixMillis,
) -> Attempt<bool> {
    sqlx::query(PRUNE).bind((now - KEPT).0).execute(&mut *connection).await?;
    let used = sqlx::query(USE).bind(id.to_vec()).bind(expires.0).execute(connection).await?;
    Ok(used.rows_affected() == 1)
}
