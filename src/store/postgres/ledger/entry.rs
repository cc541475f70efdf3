//! Posting a ledger transaction.

use crate::store::postgres::failure::{Attempt, Failure, Kind};
use crate::store::postgres::statements;
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::domain::settlement::{Account, Line, Side, is_balanced};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::StoreError;
use sqlx::PgConnection;

statements! {
    /// Its time is never before that of the last one: a statement in the order of the numbers is one in
    /// the order of time. `$2` without a key makes one from the number.
    INSERT_TX = "WITH own AS (UPDATE writer SET seq = seq + 1 WHERE id = own_writer() RETURNING id, seq)
        INSERT INTO ledger_tx (writer, seq, kind, idem_key, reference, created_at)
        SELECT own.id, own.seq, $1, coalesce($2, $1 || ':' || own.id || ':' || own.seq), $3, greatest($4,
          (SELECT created_at FROM ledger_tx AS last WHERE last.writer = own.id AND last.seq = own.seq - 1))
        FROM own ON CONFLICT (idem_key) DO NOTHING RETURNING seq";
    /// Accounts exist before lines name them. Most of them do already, so they are looked for first: a
    /// conflict would use a number up.
    ENSURE_ACCOUNTS = "INSERT INTO ledger_account
        (owner_kind, owner_id, code, shard, currency, credit_normal, no_overdraft)
        SELECT kind, owner, code, CASE WHEN own THEN own_writer() ELSE 0 END, currency, normal, bounded
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bool[], $5::text[], $6::bool[], $7::bool[])
          AS w (kind, owner, code, own, currency, normal, bounded)
        WHERE NOT EXISTS (SELECT FROM ledger_account AS a WHERE a.owner_kind = w.kind AND a.owner_id = w.owner
          AND a.code = w.code AND a.shard = CASE WHEN w.own THEN own_writer() ELSE 0 END
          AND a.currency = w.currency)
        ON CONFLICT DO NOTHING";
    /// In the order asked for.
    ACCOUNT_IDS = "SELECT a.id FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bool[], $5::text[])
          WITH ORDINALITY AS w (kind, owner, code, own, currency, place)
        JOIN ledger_account AS a ON a.owner_kind = w.kind AND a.owner_id = w.owner AND a.code = w.code
          AND a.shard = CASE WHEN w.own THEN own_writer() ELSE 0 END AND a.currency = w.currency
        ORDER BY place";
    /// The lines, and debit and credit of an account in one update: a check sees each row by itself.
    INSERT_ENTRIES = "WITH line AS (
          INSERT INTO ledger_entry (writer, seq, line, account_id, currency, is_debit, amount)
          SELECT own_writer(), $1, row_number() OVER (ORDER BY place), account, currency, debit, amount
          FROM unnest($2::bigint[], $3::text[], $4::bool[], $5::bigint[])
            WITH ORDINALITY AS l (account, currency, debit, amount, place)
          RETURNING account_id, is_debit, amount),
        moved AS (UPDATE ledger_account SET debits = debits + m.debit, credits = credits + m.credit
          FROM (SELECT account_id, coalesce(sum(amount) FILTER (WHERE is_debit), 0)::bigint AS debit,
                  coalesce(sum(amount) FILTER (WHERE NOT is_debit), 0)::bigint AS credit
                FROM line GROUP BY account_id ORDER BY account_id) AS m
          WHERE id = m.account_id RETURNING id)
        SELECT (SELECT count(*) FROM line), (SELECT count(DISTINCT account_id) FROM line),
          (SELECT count(*) FROM moved)";
}

/// A ledger transaction to be written.
pub(in crate::store::postgres) struct Post<'a> {
    /// What happens: `deposit`, `fund`, `settle` and so on.
    pub(in crate::store::postgres) kind: &'static str,
    /// Unique: the same transaction is never written twice. None makes one from the number.
    pub(in crate::store::postgres) key: Option<&'a str>,
    /// What it says of itself; empty for nothing.
    pub(in crate::store::postgres) reference: &'a str,
    /// Balanced; none for a batch that moves no money.
    pub(in crate::store::postgres) lines: &'a [Line],
    /// When.
    pub(in crate::store::postgres) now: UnixMillis,
}

/// How an account is kept in its row.
struct Description {
    owner_kind: &'static str,
    owner: i64,
    code: &'static str,
    /// Accounts of the platform exist once per writer, so that no two writers touch one row.
    own: bool,
    credit_normal: bool,
    no_overdraft: bool,
}

fn describe(account: Account) -> Description {
    let of = |owner_kind, owner, code| Description {
        owner_kind,
        owner,
        code,
        own: false,
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
        Account::AccrualClearing => Description { own: true, ..of("platform", 0, "accrual_clearing") },
        Account::StreamerPending(streamer) => of("streamer", streamer.0, "pending"),
        Account::StreamerAvailable(streamer) => of("streamer", streamer.0, "available"),
        Account::PlatformFee => Description { own: true, ..of("platform", 0, "fee") },
        Account::PlatformAdjustment => {
            Description { own: true, no_overdraft: false, ..of("platform", 0, "adjustment") }
        }
    }
}

/// The ids of accounts, in their order; those that there are not yet are made.
pub(in crate::store::postgres) async fn account_ids(
    connection: &mut PgConnection,
    accounts: &[(Account, Currency)],
) -> Attempt<Vec<i64>> {
    let rows: Vec<_> = accounts.iter().map(|(account, currency)| (describe(*account), currency)).collect();
    let kinds: Vec<_> = rows.iter().map(|(row, _)| row.owner_kind).collect();
    let owners: Vec<_> = rows.iter().map(|(row, _)| row.owner).collect();
    let codes: Vec<_> = rows.iter().map(|(row, _)| row.code).collect();
    let own: Vec<_> = rows.iter().map(|(row, _)| row.own).collect();
    let currencies: Vec<_> = rows.iter().map(|(_, currency)| currency.as_str()).collect();
    let find = || {
        let query = sqlx::query_scalar(ACCOUNT_IDS).bind(&kinds).bind(&owners).bind(&codes);
        query.bind(&own).bind(&currencies)
    };
    let ids: Vec<i64> = find().fetch_all(&mut *connection).await?;
    if ids.len() == accounts.len() {
        return Ok(ids);
    }
    let ensure = sqlx::query(ENSURE_ACCOUNTS).bind(&kinds).bind(&owners).bind(&codes).bind(&own);
    ensure
        .bind(&currencies)
        .bind(rows.iter().map(|(row, _)| row.credit_normal).collect::<Vec<_>>())
        .bind(rows.iter().map(|(row, _)| row.no_overdraft).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    let ids: Vec<i64> = find().fetch_all(connection).await?;
    if ids.len() == accounts.len() { Ok(ids) } else { Err(Failure::refused("an account is missing")) }
}

/// Writes the transaction, its lines and what they move; the number of the transaction.
pub(in crate::store::postgres) async fn post(connection: &mut PgConnection, post: &Post<'_>) -> Attempt<i64> {
    if !is_balanced(post.lines) {
        return Err(Failure::refused("the lines do not balance"));
    }
    let seq: Option<i64> = sqlx::query_scalar(INSERT_TX)
        .bind(post.kind)
        .bind(post.key)
        .bind(post.reference)
        .bind(post.now.0)
        .fetch_optional(&mut *connection)
        .await?;
    // Another writer was given the same request and was faster: the next try finds what it did.
    let twice = || Failure { error: StoreError::Constraint("the key is taken".into()), kind: Kind::Conflict };
    let seq = seq.ok_or_else(twice)?;
    if post.lines.is_empty() {
        return Ok(seq);
    }
    let accounts: Vec<_> = post.lines.iter().map(|line| (line.account, line.currency)).collect();
    let ids = account_ids(connection, &accounts).await?;
    let (lines, touched, moved): (i64, i64, i64) = sqlx::query_as(INSERT_ENTRIES)
        .bind(seq)
        .bind(ids)
        .bind(post.lines.iter().map(|line| line.currency.as_str()).collect::<Vec<_>>())
        .bind(post.lines.iter().map(|line| line.side == Side::Debit).collect::<Vec<_>>())
        .bind(post.lines.iter().map(|line| line.amount.0).collect::<Vec<_>>())
        .fetch_one(connection)
        .await?;
    if i64::try_from(post.lines.len()).is_ok_and(|wanted| wanted == lines) && touched == moved {
        return Ok(seq);
    }
    Err(Failure::refused(format!("{lines} lines moved {moved} of {touched} accounts")))
}
