//! Stage two: from the clearing account into the streamers' wallets, off the path of the
//! acknowledgement. A wallet is exact at any moment as what is posted plus what is not yet.

use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::Earned;
use sqlx::{PgConnection, PgExecutor};
use std::time::Duration;
use tokio::time::Instant;

/// A UTC day.
pub(in crate::store::postgres) const DAY: Millis = Millis(86_400_000);

statements! {
    MARKS = "SELECT rolled, seq FROM writer WHERE id = $1";
    /// The events of each batch that is not rolled up.
    BATCHES = "SELECT seq, count(*) FROM settle_event
        WHERE writer = own_writer() AND seq > $1 AND seq <= $2 GROUP BY seq ORDER BY seq";
    /// Wallets that there are get their sum, the others begin with it; the clearing account pays all of it.
    /// Each account is looked up by its whole key: joined by a part of it, every one would meet every other.
    POST = "WITH sums AS MATERIALIZED (
          SELECT streamer_id, currency, sum(price - fee)::bigint AS earn, count(*) AS events,
            count(*) FILTER (WHERE kind = 'p') AS plays, count(*) FILTER (WHERE kind = 'c') AS clicks
          FROM settle_event WHERE writer = own_writer() AND seq > $1 AND seq <= $2
          GROUP BY streamer_id, currency),
        earner AS MATERIALIZED (SELECT streamer_id, currency, earn, (SELECT id FROM ledger_account AS a
            WHERE a.owner_kind = 'streamer' AND a.owner_id = s.streamer_id AND a.code = 'pending'
              AND a.shard = 0 AND a.currency = s.currency) AS account
          FROM sums AS s WHERE earn > 0 ORDER BY streamer_id, currency),
        own AS (UPDATE writer SET seq = seq + 1, rolled = CASE WHEN seq = $2 THEN seq + 1 ELSE $2 END
          WHERE id = own_writer() AND rolled = $1 RETURNING id, seq),
        tx AS (INSERT INTO ledger_tx (writer, seq, kind, idem_key, created_at)
          SELECT own.id, own.seq, 'roll_up', 'roll_up:' || own.id || ':' || own.seq,
            greatest($3, (SELECT created_at FROM ledger_tx AS last
              WHERE last.writer = own.id AND last.seq = own.seq - 1)) FROM own),
        paid AS (UPDATE ledger_account AS a SET credits = a.credits + e.earn FROM earner AS e
          WHERE a.id = e.account RETURNING a.id, a.currency, e.earn),
        made AS (INSERT INTO ledger_account
            (owner_kind, owner_id, code, currency, credit_normal, no_overdraft, credits)
          SELECT 'streamer', streamer_id, 'pending', currency, true, true, earn FROM earner
          WHERE account IS NULL RETURNING id, currency, credits AS earn),
        cleared AS (UPDATE ledger_account AS a SET debits = a.debits + c.earn
          FROM (SELECT currency, sum(earn)::bigint AS earn FROM earner GROUP BY currency) AS c
          WHERE a.owner_kind = 'platform' AND a.owner_id = 0 AND a.code = 'accrual_clearing'
            AND a.shard = own_writer() AND a.currency = c.currency RETURNING a.id, a.currency, c.earn),
        line AS (INSERT INTO ledger_entry (writer, seq, line, account_id, currency, is_debit, amount)
          SELECT own.id, own.seq, row_number() OVER (), l.id, l.currency, l.is_debit, l.earn
          FROM own CROSS JOIN (SELECT id, currency, earn, false AS is_debit FROM paid
            UNION ALL SELECT id, currency, earn, false FROM made
            UNION ALL SELECT id, currency, earn, true FROM cleared) AS l
          RETURNING CASE WHEN is_debit THEN amount ELSE -amount END AS signed),
        wallet AS (INSERT INTO streamer_wallet AS w (streamer_id, currency, plays, clicks)
          SELECT streamer_id, currency, plays, clicks FROM sums ORDER BY streamer_id, currency
          ON CONFLICT (streamer_id, currency)
          DO UPDATE SET plays = w.plays + excluded.plays, clicks = w.clicks + excluded.clicks),
        day AS (INSERT INTO streamer_day AS d (streamer_id, currency, day, amount)
          SELECT streamer_id, currency, $4, earn FROM earner
          ON CONFLICT (streamer_id, currency, day) DO UPDATE SET amount = d.amount + excluded.amount)
        SELECT coalesce((SELECT sum(events) FROM sums), 0)::bigint, (SELECT count(*) FROM own),
          coalesce((SELECT sum(signed) FROM line), 0)::bigint,
          (SELECT count(*) FROM line) - (SELECT count(*) FROM earner) - (SELECT count(*) FROM cleared)";
    SKIP = "UPDATE writer SET rolled = $2 WHERE id = own_writer() AND rolled = $1";
    /// The lowest number after which an event may not be rolled up. Asked for first: with a number in
    /// hand the database sees that few events are above it, and looks for them with the index.
    MARK = "SELECT coalesce(min(rolled), 9223372036854775807) FROM writer WHERE rolled < seq";
    /// Of all writers: each has its own mark.
    EARNED = "SELECT currency, sum(earn)::bigint AS earn, sum(plays)::bigint AS plays FROM (
          SELECT currency, credits AS earn, 0 AS plays FROM ledger_account
            WHERE owner_kind = 'streamer' AND owner_id = $1 AND code = 'pending' AND shard = 0
          UNION ALL
          SELECT currency, 0, plays FROM streamer_wallet WHERE streamer_id = $1
          UNION ALL
          SELECT e.currency, e.price - e.fee, CASE WHEN e.kind = 'p' THEN 1 ELSE 0 END
            FROM writer AS w JOIN settle_event AS e ON e.writer = w.id AND e.seq > w.rolled
            WHERE e.seq > $2 AND e.streamer_id = $1) AS part
        GROUP BY currency ORDER BY earn DESC, currency LIMIT 1";
}

/// Events in one roll-up, nearly: it shares the writer with the settlement, and a batch should not wait long.
pub(in crate::store::postgres) const EVENTS_MAX: i64 = 2_000_000;

/// As few as that, when the server is too slow for more.
const EVENTS_LEAST: i64 = 10_000;

/// A roll-up that takes longer than this has many wallets to write. Tests ask for one after the other, on
/// disks that may be slow.
const LONG: Duration = Duration::from_millis(if cfg!(test) { 600_000 } else { 100 });

/// A long one is followed by so many times its length of rest: batches have nineteen parts of twenty.
const SHARE: u32 = 19;

/// How much a roll-up does, and when again. What one writes is a few rows for each streamer that earned,
/// however much they earned: with many of them it costs less to do it seldom, and what they see is exact
/// without it.
pub(in crate::store::postgres) struct Pace {
    rests_until: Option<Instant>,
    events_max: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rests_until: None, events_max: EVENTS_MAX }
    }
}

impl Pace {
    /// How many events the next one takes; none while the writer is left to the batches.
    pub(super) fn begin(&self) -> Option<i64> {
        let rests = self.rests_until.is_some_and(|until| Instant::now() < until);
        (!rests).then_some(self.events_max)
    }

    /// Takes in how one went. One that did not end in time takes fewer events the next time.
    pub(super) fn end(&mut self, took: Duration, done: bool) {
        self.events_max = if done {
            self.events_max.saturating_mul(2).min(EVENTS_MAX)
        } else {
            (self.events_max / 4).max(EVENTS_LEAST)
        };
        let rest = took.saturating_mul(SHARE).min(Duration::from_secs(60));
        self.rests_until = (took > LONG).then(|| Instant::now() + rest);
    }
}

/// Ledger transactions that one roll-up looks at.
const SEQS_MAX: i64 = 1024;

/// Whether a writer did anything since its last roll-up.
pub(super) async fn is_due(executor: impl PgExecutor<'_>, writer: i64) -> Attempt<bool> {
    let (rolled, seq): (i64, i64) = sqlx::query_as(MARKS).bind(writer).fetch_one(executor).await?;
    Ok(rolled < seq)
}

/// Posts the oldest batches that are not in a wallet yet, whole ones, up to `events_max` events or one batch;
/// the number of events.
pub(super) async fn roll_up(
    connection: &mut PgConnection,
    writer: i64,
    events_max: i64,
    now: UnixMillis,
) -> Attempt<u64> {
    let (from, newest): (i64, i64) = sqlx::query_as(MARKS).bind(writer).fetch_one(&mut *connection).await?;
    let newest = newest.min(from.saturating_add(SEQS_MAX));
    let batches: Vec<(i64, i64)> =
        sqlx::query_as(BATCHES).bind(from).bind(newest).fetch_all(&mut *connection).await?;
    let (mut to, mut events) = (newest, 0_i64);
    for (seq, size) in batches {
        if events > 0 && events.saturating_add(size) > events_max {
            to = seq.saturating_sub(1);
            break;
        }
        events = events.saturating_add(size);
    }
    if events == 0 {
        sqlx::query(SKIP).bind(from).bind(to).execute(connection).await?;
        return Ok(0);
    }
    let (events, own, off, missing): (i64, i64, i64, i64) = sqlx::query_as(POST)
        .bind(from)
        .bind(to)
        .bind(now.0)
        .bind(now.0.div_euclid(DAY.0))
        .fetch_one(connection)
        .await?;
    if own == 1 && off == 0 && missing == 0 {
        return known("count", u64::try_from(events).ok());
    }
    Err(Failure::refused(format!("the roll-up does not balance: {own} marks, {missing} lines, {off} micros")))
}

/// What a streamer earned, posted or not. Of several currencies the one that earned most; rupees
/// when nothing was earned.
pub(super) async fn earned(connection: &mut PgConnection, streamer: StreamerId) -> Attempt<Earned> {
    let mark = rolled_mark(&mut *connection).await?;
    match sqlx::query(EARNED).bind(streamer.0).bind(mark).fetch_optional(connection).await? {
        Some(row) => Ok(Earned {
            currency: row.currency("currency")?,
            settled: row.micros("earn")?,
            plays: row.number("plays")?,
        }),
        None => Ok(Earned { currency: Currency::INR, settled: Micros::ZERO, plays: 0 }),
    }
}

/// The number after which events may not be rolled up, whoever wrote them. It only grows, so that what is
/// read after it misses nothing.
pub(super) async fn rolled_mark(connection: &mut PgConnection) -> Attempt<i64> {
    Ok(sqlx::query_scalar(MARK).fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_roll_up_rests_and_a_failed_one_takes_less() {
        let mut pace = Pace::default();
        assert_eq!(pace.begin(), Some(EVENTS_MAX));
        pace.end(LONG, true);
        assert_eq!(pace.begin(), Some(EVENTS_MAX));
        pace.end(LONG, false);
        assert_eq!(pace.begin(), Some(EVENTS_MAX / 4));
        for _ in 0..9 {
            pace.end(LONG, false);
        }
        assert_eq!(pace.begin(), Some(EVENTS_LEAST));
        pace.end(LONG, true);
        assert_eq!(pace.begin(), Some(EVENTS_LEAST * 2));
        pace.end(LONG * 2, true);
        assert_eq!(pace.begin(), None);
    }
}
