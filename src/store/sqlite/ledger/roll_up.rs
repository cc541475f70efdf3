//! Stage two: from the clearing account into the streamers' wallets, off the path of the
//! acknowledgement. A wallet is exact at any moment as what is posted plus what is not yet.

use super::entry::{Post, post};
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::row::{Columns, count, json};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::settlement::{Account, Line, Side};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::Earned;
use sqlx::{SqliteConnection, SqliteExecutor};
use std::collections::BTreeMap;

statements! {
    SUMS = "SELECT streamer_id, currency, sum(earn) AS earn, sum(kind = 'play') AS plays, count(*) AS events
        FROM (SELECT streamer_id, currency, earn, kind FROM settle_event
              WHERE writer = ?1 AND rolled_seq IS NULL ORDER BY seq, event_id LIMIT ?2)
        GROUP BY streamer_id, currency ORDER BY streamer_id, currency";
    MARK = "UPDATE settle_event SET rolled_seq = ?3 WHERE event_id IN
        (SELECT event_id FROM settle_event
         WHERE writer = ?1 AND rolled_seq IS NULL ORDER BY seq, event_id LIMIT ?2)";
    COUNT_PLAYS = "INSERT INTO streamer_wallet (streamer_id, currency, plays)
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET plays = plays + excluded.plays";
    EARNED = "SELECT currency, sum(earn) AS earn, sum(plays) AS plays FROM (
          SELECT currency, credits AS earn, 0 AS plays FROM ledger_account
            WHERE owner_kind = 'streamer' AND owner_id = ?1 AND code = 'pending'
          UNION ALL
          SELECT currency, 0, plays FROM streamer_wallet WHERE streamer_id = ?1
          UNION ALL
          SELECT currency, sum(earn), sum(kind = 'play') FROM settle_event
            WHERE streamer_id = ?1 AND rolled_seq IS NULL GROUP BY currency)
        GROUP BY currency ORDER BY earn DESC, currency LIMIT 1";
}

/// Events in one roll-up at most: it shares the writer with the settlement, and a batch should not
/// wait longer than for a few others of its kind.
const EVENTS_MAX: i64 = 2000;

/// Posts the oldest events that are not in a wallet yet, up to `EVENTS_MAX`; their number.
pub(super) async fn roll_up(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<u64> {
    let (mut credits, mut plays, mut events) = (Vec::new(), Vec::new(), 0_u64);
    for row in sqlx::query(SUMS).bind(WRITER).bind(EVENTS_MAX).fetch_all(&mut *connection).await? {
        let (streamer, currency) = (StreamerId(row.number("streamer_id")?), row.currency("currency")?);
        events = events.saturating_add(row.number("events")?);
        credits.push((streamer, currency, row.micros("earn")?));
        plays.push((streamer.0, currency.to_string(), row.number::<i64>("plays")?));
    }
    if events == 0 {
        return Ok(0);
    }
    let lines = lines(&credits)?;
    let seq = post(connection, &Post { kind: "roll_up", key: None, lines: &lines, now }).await?;
    let marked = sqlx::query(MARK).bind(WRITER).bind(EVENTS_MAX).bind(seq).execute(&mut *connection).await?;
    let expected = usize::try_from(count(events)?).unwrap_or(usize::MAX);
    expect_rows("settle_event", expected, marked.rows_affected())?;
    sqlx::query(COUNT_PLAYS).bind(json(&plays)?).execute(connection).await?;
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
    match sqlx::query(EARNED).bind(streamer.0).fetch_optional(executor).await? {
        Some(row) => Ok(Earned {
            currency: row.currency("currency")?,
            settled: row.micros("earn")?,
            plays: row.number("plays")?,
        }),
        None => Ok(Earned { currency: Currency::INR, settled: Micros::ZERO, plays: 0 }),
    }
}
