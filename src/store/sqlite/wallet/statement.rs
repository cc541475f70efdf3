//! Lines of a wallet, newest first.

use super::read;
use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::row::Columns;
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::ports::{Owner, Position, StatementLine};
use sqlx::SqliteConnection;

statements! {
    ACCOUNTS = "SELECT id, code FROM ledger_account WHERE owner_kind = ?1 AND owner_id = ?2 AND shard = 0
        AND code IN ('available', 'pending') AND currency = ?3";
    /// The balance before a line: that of now without everything from the line on.
    BALANCE = "SELECT credits - debits - coalesce((
          SELECT sum(iif(is_debit, -amount, amount)) FROM ledger_entry
          WHERE account_id = ?1 AND (writer, seq, line) >= (?2, ?3, ?4)), 0)
        FROM ledger_account WHERE id = ?1";
    /// The numbers of a writer's transactions are in the order of their times.
    LINES = "SELECT t.created_at, e.seq, e.line, t.kind, t.reference,
          iif(e.is_debit, -e.amount, e.amount) AS amount,
          (SELECT c.owner_id FROM ledger_entry AS o JOIN ledger_account AS c ON c.id = o.account_id
            WHERE o.writer = e.writer AND o.seq = e.seq AND c.owner_kind = 'campaign'
              AND t.kind IN ('fund', 'release', 'return') LIMIT 1) AS campaign
        FROM ledger_entry AS e JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
        WHERE e.account_id = ?1 AND e.writer = ?2 AND (e.seq, e.line) < (?3, ?4)
        ORDER BY e.seq DESC, e.line DESC LIMIT ?5";
}

/// The lines before `before`, at most `limit`.
pub(super) async fn lines(
    connection: &mut SqliteConnection,
    (owner, currency): (Owner, Currency),
    before: Option<Position>,
    limit: u32,
) -> Attempt<Vec<StatementLine>> {
    read::expect_owner(connection, owner).await?;
    let (kind, id) = read::of(owner);
    let accounts: Vec<(i64, String)> = sqlx::query_as(ACCOUNTS)
        .bind(kind)
        .bind(id)
        .bind(currency.to_string())
        .fetch_all(&mut *connection)
        .await?;
    let end = before.map_or((i64::MAX, i64::MAX), |before| (before.seq, before.line));
    let mut lines = Vec::new();
    for (account, code) in accounts {
        lines.extend(of_account(connection, (account, &code), end, limit).await?);
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.position));
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(lines)
}

async fn of_account(
    connection: &mut SqliteConnection,
    (account, code): (i64, &str),
    (seq, line): (i64, i64),
    limit: u32,
) -> Attempt<Vec<StatementLine>> {
    let balance: i64 = sqlx::query_scalar(BALANCE)
        .bind(account)
        .bind(WRITER)
        .bind(seq)
        .bind(line)
        .fetch_one(&mut *connection)
        .await?;
    let rows = sqlx::query(LINES)
        .bind(account)
        .bind(WRITER)
        .bind(seq)
        .bind(line)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let mut balance = Micros(balance);
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let (seq, line) = (row.number("seq")?, row.number("line")?);
        let amount = row.micros("amount")?;
        lines.push(StatementLine {
            position: Position { at: row.moment("created_at")?, writer: WRITER, seq, line },
            kind: row.text("kind")?,
            account: code.to_owned(),
            amount,
            balance,
            campaign: row.optional("campaign")?.map(CampaignId),
            reference: row.text("reference")?,
        });
        balance = balance.checked_sub(amount).ok_or_else(|| Failure::refused("the balance does not fit"))?;
    }
    Ok(lines)
}
