//! Wallets as they are.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::ports::{Owner, Wallet};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    BRAND = "SELECT id FROM brand WHERE id = $1";
    STREAMER = "SELECT id FROM streamer WHERE id = $1";
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

/// All wallets of an owner, by currency.
pub(super) async fn all(connection: &mut PgConnection, owner: Owner) -> Attempt<Vec<Wallet>> {
    exists(connection, owner).await?;
    let (wallets, id) = match owner {
        Owner::Brand(brand) => (OF_BRAND, brand.0),
        Owner::Streamer(streamer) => (OF_STREAMER, streamer.0),
    };
    let rows = sqlx::query(wallets).bind(id).fetch_all(connection).await?;
    rows.iter().map(|row| wallet(row, owner)).collect()
}

/// Whether there is such an owner, else `NotFound`.
pub(super) async fn exists(connection: &mut PgConnection, owner: Owner) -> Attempt<()> {
    let (sql, id) = match owner {
        Owner::Brand(brand) => (BRAND, brand.0),
        Owner::Streamer(streamer) => (STREAMER, streamer.0),
    };
    sqlx::query(sql).bind(id).fetch_one(connection).await?;
    Ok(())
}

/// One wallet; all zeros when nothing ever moved.
pub(super) async fn one(connection: &mut PgConnection, owner: Owner, currency: Currency) -> Attempt<Wallet> {
    let zero = Micros::ZERO;
    let (available, reserved, pending, credit_limit) = (zero, zero, zero, zero);
    let empty = Wallet { owner, currency, available, reserved, pending, credit_limit };
    let mut wallets = all(connection, owner).await?.into_iter();
    Ok(wallets.find(|wallet| wallet.currency == currency).unwrap_or(empty))
}

fn wallet(row: &PgRow, owner: Owner) -> Attempt<Wallet> {
    Ok(Wallet {
        owner,
        currency: row.currency("currency")?,
        available: row.micros("available")?,
        reserved: row.micros("reserved")?,
        pending: row.micros("pending")?,
        credit_limit: row.micros("credit_limit")?,
    })
}
