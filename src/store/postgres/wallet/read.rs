//! Wallets as they are.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::ports::{Owner, StoreError, Wallet};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    EXISTS = "SELECT count(*) FROM (SELECT id FROM brand WHERE $1 = 'brand' AND id = $2
        UNION ALL SELECT id FROM streamer WHERE $1 = 'streamer' AND id = $2) AS owner";
    OF_BRAND = "SELECT currency, sum(available)::bigint AS available, sum(reserved)::bigint AS reserved,
          0::bigint AS pending, sum(credit_limit)::bigint AS credit_limit
        FROM (
          SELECT currency, credits - debits AS available, 0::bigint AS reserved, credit_limit
            FROM ledger_account WHERE owner_kind = 'brand' AND owner_id = $1 AND code = 'available'
          UNION ALL
          SELECT b.currency, 0, b.funded - b.spent, 0 FROM campaign AS c
            JOIN campaign_budget AS b ON b.campaign_id = c.id WHERE c.brand_id = $1) AS part
        GROUP BY currency ORDER BY currency";
    /// What is settled and not rolled up yet is pending as well.
    OF_STREAMER = "SELECT currency, sum(available)::bigint AS available, 0::bigint AS reserved,
          sum(pending)::bigint AS pending, 0::bigint AS credit_limit
        FROM (
          SELECT currency, CASE code WHEN 'available' THEN credits - debits ELSE 0 END AS available,
              CASE code WHEN 'pending' THEN credits - debits ELSE 0 END AS pending
            FROM ledger_account WHERE owner_kind = 'streamer' AND owner_id = $1
          UNION ALL
          SELECT e.currency, 0, e.price - e.fee FROM writer AS w CROSS JOIN LATERAL
            (SELECT currency, price, fee FROM settle_event
             WHERE seq > w.rolled AND writer = w.id AND streamer_id = $1) AS e) AS part
        GROUP BY currency ORDER BY currency";
}

/// An owner as the database names it.
pub(super) const fn of(owner: Owner) -> (&'static str, i64) {
    match owner {
        Owner::Brand(id) => ("brand", id.0),
        Owner::Streamer(id) => ("streamer", id.0),
    }
}

/// `NotFound` without such an owner.
pub(super) async fn expect_owner(connection: &mut PgConnection, owner: Owner) -> Attempt<()> {
    let (kind, id) = of(owner);
    let found: i64 = sqlx::query_scalar(EXISTS).bind(kind).bind(id).fetch_one(connection).await?;
    if found == 1 { Ok(()) } else { Err(StoreError::NotFound.into()) }
}

/// All wallets of an owner in which anything ever moved, by currency.
pub(super) async fn wallets(connection: &mut PgConnection, owner: Owner) -> Attempt<Vec<Wallet>> {
    expect_owner(connection, owner).await?;
    let (kind, id) = of(owner);
    let sql = if kind == "brand" { OF_BRAND } else { OF_STREAMER };
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await?;
    rows.iter().map(|row| read(row, owner)).collect()
}

/// A wallet; zeros when nothing ever moved.
pub(super) async fn wallet(
    connection: &mut PgConnection,
    owner: Owner,
    currency: Currency,
) -> Attempt<Wallet> {
    let mut wallets = wallets(connection, owner).await?.into_iter();
    let empty = || recalled(owner, currency, &[0; 4]);
    known("wallet", wallets.find(|wallet| wallet.currency == currency).or_else(empty))
}

fn read(row: &PgRow, owner: Owner) -> Attempt<Wallet> {
    Ok(Wallet {
        owner,
        currency: row.currency("currency")?,
        available: row.micros("available")?,
        reserved: row.micros("reserved")?,
        pending: row.micros("pending")?,
        credit_limit: row.micros("credit_limit")?,
    })
}

/// A wallet as the numbers that a request is remembered by.
pub(super) const fn kept(wallet: &Wallet) -> [i64; 4] {
    [wallet.available.0, wallet.reserved.0, wallet.pending.0, wallet.credit_limit.0]
}

/// The wallet that a request answered with.
pub(super) fn recalled(owner: Owner, currency: Currency, kept: &[i64]) -> Option<Wallet> {
    let &[available, reserved, pending, credit_limit] = kept else { return None };
    Some(Wallet {
        owner,
        currency,
        available: Micros(available),
        reserved: Micros(reserved),
        pending: Micros(pending),
        credit_limit: Micros(credit_limit),
    })
}
