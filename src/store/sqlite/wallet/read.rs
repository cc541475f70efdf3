//! What is in a wallet.

use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::row::{Columns, known};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::ports::{Owner, StoreError, Wallet};
use sqlx::SqliteConnection;

statements! {
    BRAND = "SELECT coalesce(a.credits - a.debits, 0) AS available,
          coalesce(a.credit_limit, 0) AS credit_limit, 0 AS pending,
          (SELECT coalesce(sum(b.funded - b.spent), 0) FROM campaign AS c
            JOIN campaign_budget AS b ON b.campaign_id = c.id
            WHERE c.brand_id = o.id AND b.currency = ?2) AS reserved
        FROM brand AS o LEFT JOIN ledger_account AS a ON a.owner_kind = 'brand' AND a.owner_id = o.id
          AND a.code = 'available' AND a.shard = 0 AND a.currency = ?2
        WHERE o.id = ?1";
    /// What is earned and not rolled up yet is pending as well.
    STREAMER = "SELECT coalesce(a.credits - a.debits, 0) AS available, 0 AS credit_limit, 0 AS reserved,
          coalesce(p.credits - p.debits, 0) + coalesce((SELECT sum(price - fee) FROM settle_event
            WHERE row > (SELECT rolled FROM writer WHERE id = ?3)
              AND streamer_id = o.id AND currency = ?2), 0) AS pending
        FROM streamer AS o
        LEFT JOIN ledger_account AS a ON a.owner_kind = 'streamer' AND a.owner_id = o.id
          AND a.code = 'available' AND a.shard = 0 AND a.currency = ?2
        LEFT JOIN ledger_account AS p ON p.owner_kind = 'streamer' AND p.owner_id = o.id
          AND p.code = 'pending' AND p.shard = 0 AND p.currency = ?2
        WHERE o.id = ?1";
    CURRENCIES = "SELECT currency FROM ledger_account WHERE owner_kind = ?1 AND owner_id = ?2
        UNION
        SELECT currency FROM settle_event WHERE ?1 = 'streamer' AND streamer_id = ?2
          AND row > (SELECT rolled FROM writer WHERE id = ?3)
        ORDER BY currency";
    EXISTS = "SELECT count(*) FROM (SELECT id FROM brand WHERE ?1 = 'brand' AND id = ?2
        UNION ALL SELECT id FROM streamer WHERE ?1 = 'streamer' AND id = ?2)";
}

/// An owner as the database names it.
pub(super) const fn of(owner: Owner) -> (&'static str, i64) {
    match owner {
        Owner::Brand(id) => ("brand", id.0),
        Owner::Streamer(id) => ("streamer", id.0),
    }
}

/// `NotFound` without such an owner.
pub(super) async fn expect_owner(connection: &mut SqliteConnection, owner: Owner) -> Attempt<()> {
    let (kind, id) = of(owner);
    let found: i64 = sqlx::query_scalar(EXISTS).bind(kind).bind(id).fetch_one(connection).await?;
    if found == 1 { Ok(()) } else { Err(Failure(StoreError::NotFound)) }
}

/// A wallet; zeros when nothing ever moved.
pub(super) async fn wallet(
    connection: &mut SqliteConnection,
    owner: Owner,
    currency: Currency,
) -> Attempt<Wallet> {
    let (kind, id) = of(owner);
    let sql = if kind == "brand" { BRAND } else { STREAMER };
    let row = sqlx::query(sql).bind(id).bind(currency.to_string()).bind(WRITER).fetch_one(connection).await?;
    Ok(Wallet {
        owner,
        currency,
        available: row.micros("available")?,
        reserved: row.micros("reserved")?,
        pending: row.micros("pending")?,
        credit_limit: row.micros("credit_limit")?,
    })
}

/// All wallets of an owner in which anything ever moved.
pub(super) async fn wallets(connection: &mut SqliteConnection, owner: Owner) -> Attempt<Vec<Wallet>> {
    expect_owner(connection, owner).await?;
    let (kind, id) = of(owner);
    let currencies: Vec<String> =
        sqlx::query_scalar(CURRENCIES).bind(kind).bind(id).bind(WRITER).fetch_all(&mut *connection).await?;
    let mut wallets = Vec::with_capacity(currencies.len());
    for currency in currencies {
        let currency = known("currency", currency.parse().ok())?;
        wallets.push(wallet(connection, owner, currency).await?);
    }
    Ok(wallets)
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
