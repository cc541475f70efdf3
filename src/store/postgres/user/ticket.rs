//! Tickets that were used, so that none is used twice.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::statements;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sqlx::PgConnection;

statements! {
    PRUNE = "SELECT used_ticket_prune($1)";
    USE = "INSERT INTO used_ticket (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
}

/// A dead ticket is remembered for longer than the clocks of two nodes may differ.
const KEPT: Millis = Millis::minutes(10);

/// Uses one up, and forgets some that are long dead; false when it was used before.
pub(super) async fn spend(
    connection: &mut PgConnection,
    id: [u8; 16],
    expires: UnixMillis,
    now: UnixMillis,
) -> Attempt<bool> {
    sqlx::query_scalar::<_, i64>(PRUNE).bind((now - KEPT).0).fetch_one(&mut *connection).await?;
    let used = sqlx::query(USE).bind(id.to_vec()).bind(expires.0).execute(connection).await?;
    Ok(used.rows_affected() == 1)
}
