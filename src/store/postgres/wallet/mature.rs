//! Earnings that have waited long enough are the streamer's for good.

use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::ledger::{DAY, Post, post};
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sqlx::PgConnection;

statements! {
    /// What another writer is about to make available is left to it.
    TAKE = "WITH due AS (SELECT streamer_id, currency, day, amount - matured AS rest FROM streamer_day
          WHERE is_open AND day < $1 ORDER BY day, streamer_id, currency LIMIT $2
          FOR UPDATE SKIP LOCKED),
        done AS (UPDATE streamer_day AS d SET matured = d.matured + due.rest FROM due
          WHERE d.streamer_id = due.streamer_id AND d.currency = due.currency AND d.day = due.day
          RETURNING d.streamer_id, d.currency, due.rest)
        SELECT streamer_id, currency, sum(rest)::bigint AS amount, count(*) AS days
        FROM done GROUP BY streamer_id, currency ORDER BY streamer_id, currency";
}

/// Wallet days in one transaction at most: it shares the writer with the settlement.
const DAYS_MAX: i64 = 2000;

/// Makes available what was earned on days that ended at least `hold` ago, up to `DAYS_MAX`; their number.
pub(super) async fn mature(connection: &mut PgConnection, now: UnixMillis, hold: Millis) -> Attempt<u64> {
    let before = now.0.saturating_sub(hold.0).div_euclid(DAY.0);
    let (mut lines, mut days) = (Vec::new(), 0_u64);
    for row in sqlx::query(TAKE).bind(before).bind(DAYS_MAX).fetch_all(&mut *connection).await? {
        let streamer = StreamerId(row.number("streamer_id")?);
        let (from, to) = (Account::StreamerPending(streamer), Account::StreamerAvailable(streamer));
        lines.extend(transfer(from, to, row.currency("currency")?, row.micros("amount")?));
        let more: u64 = row.number("days")?;
        days = days.checked_add(more).ok_or_else(|| Failure::refused("the number does not fit"))?;
    }
    if !lines.is_empty() {
        post(connection, &Post { kind: "mature", key: None, reference: "", lines: &lines, now }).await?;
    }
    Ok(days)
}
