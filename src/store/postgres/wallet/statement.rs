//! The lines of a wallet.

use super::read;
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Owner, Position, StatementLine};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    /// Balances are counted back from the account's own, so that a page costs what it and the pages
    /// before it have. Each writer is asked for its newest lines: in the order of its numbers is in the
    /// order of time.
    LINES = "WITH mine AS (SELECT id, code, credits - debits AS balance FROM ledger_account
          WHERE owner_kind = $1 AND owner_id = $2 AND currency = $3 AND code IN ('available', 'pending')),
        newer AS (SELECT m.id, sum(CASE WHEN e.is_debit THEN -e.amount ELSE e.amount END) AS amount
          FROM mine AS m JOIN ledger_entry AS e ON e.account_id = m.id
          JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
          WHERE $4 < 9223372036854775807 AND (t.created_at, t.writer, e.seq, e.line) >= ($4, $5, $6, $7)
          GROUP BY m.id),
        page AS (SELECT m.id, m.code, m.balance, l.* FROM mine AS m CROSS JOIN writer AS w
          CROSS JOIN LATERAL (SELECT t.created_at AS at, t.writer, e.seq, e.line, t.kind, t.reference,
              CASE WHEN e.is_debit THEN -e.amount ELSE e.amount END AS amount
            FROM ledger_entry AS e JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
            WHERE e.account_id = m.id AND e.writer = w.id
              AND (t.created_at, t.writer, e.seq, e.line) < ($4, $5, $6, $7)
            ORDER BY e.seq DESC, e.line DESC LIMIT $8) AS l
          ORDER BY at DESC, writer DESC, seq DESC, line DESC LIMIT $8)
        SELECT p.at, p.writer, p.seq, p.line::bigint AS line, p.kind, p.code, p.reference, p.amount,
          (p.balance - coalesce(n.amount, 0) - coalesce(sum(p.amount) OVER (PARTITION BY p.id
            ORDER BY p.at DESC, p.writer DESC, p.seq DESC, p.line DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance,
          CASE WHEN p.kind IN ('fund', 'release', 'return') THEN (SELECT o.owner_id FROM ledger_entry AS x
            JOIN ledger_account AS o ON o.id = x.account_id AND o.owner_kind = 'campaign'
            WHERE x.writer = p.writer AND x.seq = p.seq LIMIT 1) END AS campaign
        FROM page AS p LEFT JOIN newer AS n ON n.id = p.id
        ORDER BY p.at DESC, p.writer DESC, p.seq DESC, p.line DESC";
}

/// After the newest line.
const END: Position = Position { at: UnixMillis(i64::MAX), writer: i64::MAX, seq: i64::MAX, line: i64::MAX };

/// Lines of a wallet, newest first, before `before`.
pub(super) async fn lines(
    connection: &mut PgConnection,
    (owner, currency): (Owner, Currency),
    before: Option<Position>,
    limit: u32,
) -> Attempt<Vec<StatementLine>> {
    read::expect_owner(connection, owner).await?;
    let (kind, id) = read::of(owner);
    let before = before.unwrap_or(END);
    let rows = sqlx::query(LINES)
        .bind(kind)
        .bind(id)
        .bind(currency.as_str())
        .bind(before.at.0)
        .bind(before.writer)
        .bind(before.seq)
        .bind(before.line)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(line).collect()
}

fn line(row: &PgRow) -> Attempt<StatementLine> {
    Ok(StatementLine {
        position: Position {
            at: row.moment("at")?,
            writer: row.number("writer")?,
            seq: row.number("seq")?,
            line: row.number("line")?,
        },
        kind: row.text("kind")?,
        account: row.text("code")?,
        amount: row.micros("amount")?,
        balance: row.micros("balance")?,
        campaign: row.optional("campaign")?.map(CampaignId),
        reference: row.text("reference")?,
    })
}
