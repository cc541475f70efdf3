//! Requests that move money, and are safe to repeat.

use crate::store::postgres::failure::{Attempt, Failure, Kind};
use crate::store::postgres::row::{json, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Idempotency, StoreError};
use sqlx::PgConnection;

statements! {
    RECALL = "SELECT operation, fingerprint, result FROM idempotency WHERE key = $1";
    REMEMBER = "INSERT INTO idempotency (key, operation, fingerprint, result, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
}

/// A request with its key.
#[derive(Clone)]
pub(in crate::store::postgres) struct Request {
    operation: &'static str,
    key: Idempotency,
    /// When it is made.
    pub(in crate::store::postgres) now: UnixMillis,
}

impl Request {
    /// A request of an operation.
    pub(in crate::store::postgres) fn new(
        operation: &'static str,
        key: &Idempotency,
        now: UnixMillis,
    ) -> Self {
        Self { operation, key: key.clone(), now }
    }

    /// The key of the ledger transaction that the request makes.
    pub(in crate::store::postgres) fn ledger_key(&self) -> String {
        format!("{}:{}", self.operation, self.key.key)
    }
}

/// What the request resulted in when it was made before.
pub(in crate::store::postgres) async fn recall(
    connection: &mut PgConnection,
    request: &Request,
) -> Attempt<Option<Vec<i64>>> {
    let row: Option<(String, Vec<u8>, String)> =
        sqlx::query_as(RECALL).bind(&request.key.key).fetch_optional(connection).await?;
    let Some((operation, fingerprint, result)) = row else { return Ok(None) };
    if operation != request.operation || fingerprint != request.key.fingerprint {
        return Err(StoreError::IdempotencyConflict.into());
    }
    known("result", serde_json::from_str(&result).ok()).map(Some)
}

/// Keeps the result, in the transaction that made it true.
pub(in crate::store::postgres) async fn remember(
    connection: &mut PgConnection,
    request: &Request,
    result: &[i64],
) -> Attempt<()> {
    let kept = sqlx::query(REMEMBER)
        .bind(&request.key.key)
        .bind(request.operation)
        .bind(request.key.fingerprint.to_vec())
        .bind(json(result)?)
        .bind(request.now.0)
        .execute(connection)
        .await?;
    if kept.rows_affected() == 1 {
        return Ok(());
    }
    // Another writer was given the same request and was faster: the next try finds its result.
    Err(Failure { error: StoreError::Constraint("the key is taken".into()), kind: Kind::Conflict })
}
