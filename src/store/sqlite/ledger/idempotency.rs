//! Requests that move money, and are safe to repeat.

use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::row::{json, known};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Idempotency, StoreError};
use sqlx::SqliteConnection;

statements! {
    RECALL = "SELECT operation, fingerprint, result FROM idempotency WHERE key = ?1";
    REMEMBER = "INSERT INTO idempotency (key, operation, fingerprint, result, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5)";
}

/// A request with its key.
pub(in crate::store::sqlite) struct Request {
    operation: &'static str,
    key: Idempotency,
    /// When it is made.
    pub(in crate::store::sqlite) now: UnixMillis,
}

impl Request {
    /// A request of an operation.
    pub(in crate::store::sqlite) fn new(operation: &'static str, key: &Idempotency, now: UnixMillis) -> Self {
        Self { operation, key: key.clone(), now }
    }

    /// The key of the ledger transaction that the request makes.
    pub(in crate::store::sqlite) fn ledger_key(&self) -> String {
        format!("{}:{}", self.operation, self.key.key)
    }
}

/// What the request resulted in when it was made before.
pub(in crate::store::sqlite) async fn recall(
    connection: &mut SqliteConnection,
    request: &Request,
) -> Attempt<Option<Vec<i64>>> {
    let row: Option<(String, Vec<u8>, String)> =
        sqlx::query_as(RECALL).bind(&request.key.key).fetch_optional(connection).await?;
    let Some((operation, fingerprint, result)) = row else { return Ok(None) };
    if operation != request.operation || fingerprint != request.key.fingerprint {
        return Err(Failure(StoreError::IdempotencyConflict));
    }
    known("result", serde_json::from_str(&result).ok()).map(Some)
}

/// Keeps the result, in the transaction that made it true.
pub(in crate::store::sqlite) async fn remember(
    connection: &mut SqliteConnection,
    request: &Request,
    result: &[i64],
) -> Attempt<()> {
    sqlx::query(REMEMBER)
        .bind(&request.key.key)
        .bind(request.operation)
        .bind(request.key.fingerprint.to_vec())
        .bind(json(result)?)
        .bind(request.now.0)
        .execute(connection)
        .await?;
    Ok(())
}
