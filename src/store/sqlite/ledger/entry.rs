//! Posting a ledger transaction.

use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::row::json;
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::settlement::{Account, Line, Side, is_balanced};
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::SqliteConnection;

statements! {
    NEXT_SEQ = "UPDATE writer SET seq = seq + 1 WHERE id = ?1 RETURNING seq";
    /// Its time is never before that of the last one: a statement in the order of the numbers is one in
    /// the order of time.
    INSERT_TX = "INSERT INTO ledger_tx (writer, seq, kind, idem_key, reference, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, max(?6, coalesce(
          (SELECT created_at FROM ledger_tx WHERE writer = ?1 AND seq = ?2 - 1), ?6)))";
    // `WHERE true` tells the parser that ON CONFLICT is not the ON of a join.
    ENSURE_ACCOUNTS = "INSERT INTO ledger_account
        (owner_kind, owner_id, code, shard, currency, credit_normal, no_overdraft)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
        FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
    INSERT_ENTRIES = "INSERT INTO ledger_entry (writer, seq, line, account_id, currency, is_debit, amount)
        SELECT ?2, ?3, j.key + 1, a.id, a.currency, j.value ->> 7, j.value ->> 8
        FROM json_each(?1) AS j CROSS JOIN ledger_account AS a
        WHERE a.owner_kind = j.value ->> 0 AND a.owner_id = j.value ->> 1 AND a.code = j.value ->> 2
          AND a.shard = j.value ->> 3 AND a.currency = j.value ->> 4
        ON CONFLICT DO NOTHING";
    /// Debit and credit of an account in one update: a check sees each row update by itself.
    MOVE_ACCOUNTS = "UPDATE ledger_account SET debits = debits + moved.debit, credits = credits + moved.credit
        FROM (SELECT account_id, sum(iif(is_debit, amount, 0)) AS debit,
                     sum(iif(is_debit, 0, amount)) AS credit
              FROM ledger_entry WHERE writer = ?1 AND seq = ?2 GROUP BY account_id) AS moved
        WHERE id = moved.account_id";
}

/// A ledger transaction to be written.
pub(in crate::store::sqlite) struct Post<'a> {
    /// What happens: `deposit`, `fund`, `settle` and so on.
    pub(in crate::store::sqlite) kind: &'static str,
    /// Unique: the same transaction is never written twice. None makes one from the number.
    pub(in crate::store::sqlite) key: Option<&'a str>,
    /// What it says of itself; empty for nothing.
    pub(in crate::store::sqlite) reference: &'a str,
    /// Balanced; none for a batch that moves no money.
    pub(in crate::store::sqlite) lines: &'a [Line],
    /// When.
    pub(in crate::store::sqlite) now: UnixMillis,
}

/// How an account is kept in its row.
struct Description {
    owner_kind: &'static str,
    owner: i64,
    code: &'static str,
    /// Accounts of the platform exist once per writer, so that no two writers touch one row.
    shard: i64,
    credit_normal: bool,
    no_overdraft: bool,
}

fn describe(account: Account) -> Description {
    let of = |owner_kind, owner, code| Description {
        owner_kind,
        owner,
        code,
        shard: 0,
        credit_normal: true,
        no_overdraft: true,
    };
    match account {
        // What providers owe us: grows by debits, and only their report settles it.
        Account::ProviderClearing => {
            Description { credit_normal: false, no_overdraft: false, ..of("psp", 0, "clearing") }
        }
        Account::BrandAvailable(brand) => of("brand", brand.0, "available"),
        Account::CampaignReserved(campaign) => of("campaign", campaign.0, "reserved"),
        Account::AccrualClearing => Description { shard: WRITER, ..of("platform", 0, "accrual_clearing") },
        Account::StreamerPending(streamer) => of("streamer", streamer.0, "pending"),
        Account::StreamerAvailable(streamer) => of("streamer", streamer.0, "available"),
        Account::PlatformFee => Description { shard: WRITER, ..of("platform", 0, "fee") },
        Account::PlatformAdjustment => {
            Description { shard: WRITER, no_overdraft: false, ..of("platform", 0, "adjustment") }
        }
    }
}

/// Writes the transaction, its lines and what they move; the number of the transaction.
pub(in crate::store::sqlite) async fn post(
    connection: &mut SqliteConnection,
    post: &Post<'_>,
) -> Attempt<i64> {
    if !is_balanced(post.lines) {
        return Err(Failure::refused("the lines do not balance"));
    }
    let seq: i64 = sqlx::query_scalar(NEXT_SEQ).bind(WRITER).fetch_one(&mut *connection).await?;
    let key = post.key.map_or_else(|| format!("{}:{WRITER}:{seq}", post.kind), str::to_owned);
    sqlx::query(INSERT_TX)
        .bind(WRITER)
        .bind(seq)
        .bind(post.kind)
        .bind(key)
        .bind(post.reference)
        .bind(post.now.0)
        .execute(&mut *connection)
        .await?;
    if post.lines.is_empty() {
        return Ok(seq);
    }
    let rows = json(&post.lines.iter().map(row).collect::<Vec<_>>())?;
    let mut written = insert(connection, &rows, seq).await?;
    if usize::try_from(written).is_ok_and(|written| written < post.lines.len()) {
        // An account is made when it is first needed; its lines are the ones that are missing.
        sqlx::query(ENSURE_ACCOUNTS).bind(rows.clone()).execute(&mut *connection).await?;
        written = written.saturating_add(insert(connection, &rows, seq).await?);
    }
    expect_rows("ledger_entry", post.lines.len(), written)?;
    sqlx::query(MOVE_ACCOUNTS).bind(WRITER).bind(seq).execute(&mut *connection).await?;
    Ok(seq)
}

/// Writes the lines whose accounts exist and that are not written yet; their number.
async fn insert(connection: &mut SqliteConnection, rows: &str, seq: i64) -> Attempt<u64> {
    let done = sqlx::query(INSERT_ENTRIES).bind(rows).bind(WRITER).bind(seq).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Makes an account that may not be there yet.
pub(in crate::store::sqlite) async fn ensure(
    connection: &mut SqliteConnection,
    account: Account,
    currency: Currency,
) -> Attempt<()> {
    let line = Line { account, currency, side: Side::Debit, amount: Micros::ZERO };
    sqlx::query(ENSURE_ACCOUNTS).bind(json(&[row(&line)])?).execute(connection).await?;
    Ok(())
}

type Row = (&'static str, i64, &'static str, i64, String, i64, i64, i64, i64);

fn row(line: &Line) -> Row {
    let account = describe(line.account);
    (
        account.owner_kind,
        account.owner,
        account.code,
        account.shard,
        line.currency.to_string(),
        i64::from(account.credit_normal),
        i64::from(account.no_overdraft),
        i64::from(line.side == Side::Debit),
        line.amount.0,
    )
}
