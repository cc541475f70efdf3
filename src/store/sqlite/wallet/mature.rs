//! From pending to available, a day at a time.

use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::ledger::{DAY, Post, post};
use crate::store::sqlite::row::{Columns, json};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

statements! {
    DUE = "SELECT streamer_id, currency, day, amount - matured AS rest FROM streamer_day
        WHERE matured < amount AND day < ?1 ORDER BY day, streamer_id, currency LIMIT ?2";
    MATURE = "UPDATE streamer_day SET matured = matured + due.rest
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS code, value ->> 2 AS at, value ->> 3 AS rest
              FROM json_each(?1)) AS due
        WHERE streamer_id = due.id AND currency = due.code AND day = due.at";
}

/// Wallet days in one transaction at most.
const DAYS_MAX: i64 = 2000;

/// Makes the oldest days that are due available; their number.
pub(super) async fn mature(connection: &mut SqliteConnection, now: UnixMillis, hold: Millis) -> Attempt<u64> {
    // A day is due when its end, the beginning of the next one, is `hold` ago.
    let ended = now.0.saturating_sub(hold.0).div_euclid(DAY.0);
    let mut days: Vec<(i64, String, i64, i64)> = Vec::new();
    let mut wallets: BTreeMap<(StreamerId, Currency), Micros> = BTreeMap::new();
    for row in sqlx::query(DUE).bind(ended).bind(DAYS_MAX).fetch_all(&mut *connection).await? {
        let (streamer, currency) = (StreamerId(row.number("streamer_id")?), row.currency("currency")?);
        let rest = row.micros("rest")?;
        days.push((streamer.0, currency.to_string(), row.number("day")?, rest.0));
        let sum = wallets.entry((streamer, currency)).or_default();
        *sum = sum.checked_add(rest).ok_or_else(|| Failure::refused("the sum does not fit"))?;
    }
    if days.is_empty() {
        return Ok(0);
    }
    let lines: Vec<_> = wallets
        .into_iter()
        .flat_map(|((streamer, currency), amount)| {
            let (from, to) = (Account::StreamerPending(streamer), Account::StreamerAvailable(streamer));
            transfer(from, to, currency, amount)
        })
        .collect();
    post(connection, &Post { kind: "mature", key: None, reference: "", lines: &lines, now }).await?;
    let matured = sqlx::query(MATURE).bind(json(&days)?).execute(connection).await?;
    expect_rows("streamer_day", days.len(), matured.rows_affected())?;
    Ok(matured.rows_affected())
}
