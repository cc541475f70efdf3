//! Stage two: from the clearing account into the streamers' wallets, off the path of the
//! acknowledgement. A wallet is exact at any moment as what is posted plus what is not yet.

use super::entry::{Post, post};
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::row::{Columns, json};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::settlement::{Account, Line, Side};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::Earned;
use sqlx::{SqliteConnection, SqliteExecutor};
use std::collections::BTreeMap;

/// A UTC day.
pub(in crate::store::sqlite) const DAY: Millis = Millis(86_400_000);

statements! {
    /// Where the roll-up stands, and where this turn of it ends.
    SPAN = "SELECT rolled, min(rolled + ?2, coalesce((SELECT max(row) FROM settle_event), 0))
        FROM writer WHERE id = ?1";
    SUMS = "SELECT streamer_id, currency, sum(price - fee) AS earn, sum(kind = 'play') AS plays,
          sum(kind = 'click') AS clicks, count(*) AS events
        FROM settle_event WHERE row > ?1 AND row <= ?2
        GROUP BY streamer_id, currency ORDER BY streamer_id, currency";
    ADVANCE = "UPDATE writer SET rolled = ?3 WHERE id = ?1 AND rolled = ?2";
    COUNT = "INSERT INTO streamer_wallet (streamer_id, currency, plays, clicks)
        SELECT value ->> 0, value ->> 1, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET plays = plays + excluded.plays, clicks = clicks + excluded.clicks";
    ADD_DAY = "INSERT INTO streamer_day (streamer_id, currency, day, amount)
        SELECT value ->> 0, value ->> 1, ?2, value ->> 2 FROM json_each(?1) WHERE value ->> 2 > 0
        ON CONFLICT DO UPDATE SET amount = amount + excluded.amount";
    EARNED = "SELECT currency, sum(earn) AS earn, sum(plays) AS plays FROM (
          SELECT currency, credits AS earn, 0 AS plays FROM ledger_account
            WHERE owner_kind = 'streamer' AND owner_id = ?1 AND code = 'pending'
          UNION ALL
          SELECT currency, 0, plays FROM streamer_wallet WHERE streamer_id = ?1
          UNION ALL
          SELECT currency, sum(price - fee), sum(kind = 'play') FROM settle_event
            WHERE row > (SELECT rolled FROM writer WHERE id = ?2) AND streamer_id = ?1 GROUP BY currency)
        GROUP BY currency ORDER BY earn DESC, currency LIMIT 1";
}

/// Events in one roll-up at most: it shares the writer with the settlement, and a batch should not
/// wait longer than for a few others of its kind.
const EVENTS_MAX: i64 = 5000;

/// Posts the oldest events that are not in a wallet yet, up to `EVENTS_MAX`; their number.
pub(super) async fn roll_up(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<u64> {
    let (from, to): (i64, i64) =
        sqlx::query_as(SPAN).bind(WRITER).bind(EVENTS_MAX).fetch_one(&mut *connection).await?;
    if to <= from {
        return Ok(0);
    }
    let (mut credits, mut rows, mut events) = (Vec::new(), Vec::new(), 0_u64);
    for row in sqlx::query(SUMS).bind(from).bind(to).fetch_all(&mut *connection).await? {
        let (streamer, currency) = (StreamerId(row.number("streamer_id")?), row.currency("currency")?);
        let earn = row.micros("earn")?;
        events = events.saturating_add(row.number("events")?);
        credits.push((streamer, currency, earn));
        let (plays, clicks): (i64, i64) = (row.number("plays")?, row.number("clicks")?);
        rows.push((streamer.0, currency.to_string(), earn.0, plays, clicks));
    }
    let lines = lines(&credits)?;
    post(connection, &Post { kind: "roll_up", key: None, reference: "", lines: &lines, now }).await?;
    let rows = json(&rows)?;
    sqlx::query(COUNT).bind(&rows).execute(&mut *connection).await?;
    sqlx::query(ADD_DAY).bind(&rows).bind(now.0.div_euclid(DAY.0)).execute(&mut *connection).await?;
    let moved = sqlx::query(ADVANCE).bind(WRITER).bind(from).bind(to).execute(connection).await?;
    expect_rows("writer", 1, moved.rows_affected())?;
    Ok(events)
}

/// One debit of the clearing account per currency, one credit per wallet.
fn lines(credits: &[(StreamerId, Currency, Micros)]) -> Attempt<Vec<Line>> {
    let mut totals: BTreeMap<Currency, Micros> = BTreeMap::new();
    let mut lines = Vec::with_capacity(credits.len() + 1);
    for (streamer, currency, amount) in credits.iter().filter(|credit| credit.2.is_positive()) {
        let total = totals.entry(*currency).or_default();
        *total = total.checked_add(*amount).ok_or_else(|| Failure::refused("the sum does not fit"))?;
        let account = Account::StreamerPending(*streamer);
        lines.push(Line { account, currency: *currency, side: Side::Credit, amount: *amount });
    }
    for (currency, amount) in totals {
        lines.push(Line { account: Account::AccrualClearing, currency, side: Side::Debit, amount });
    }
    Ok(lines)
}

/// What a streamer earned, posted or not. Of several currencies the one that earned most; rupees
/// when nothing was earned.
pub(super) async fn earned(executor: impl SqliteExecutor<'_>, streamer: StreamerId) -> Attempt<Earned> {
    match sqlx::query(EARNED).bind(streamer.0).bind(WRITER).fetch_optional(executor).await? {
        Some(row) => Ok(Earned {
            currency: row.currency("currency")?,
            settled: row.micros("earn")?,
            plays: row.number("plays")?,
        }),
        None => Ok(Earned { currency: Currency::INR, settled: Micros::ZERO, plays: 0 }),
    }
}
