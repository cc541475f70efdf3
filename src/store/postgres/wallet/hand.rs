//! What operators do by hand: it stays on record, with their reason.

use super::{answer, answered, balance};
use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::ledger::{Post, Request, account_ids, not_positive, post};
use crate::store::postgres::statements;
use crate::store::postgres::wallet::read;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::settlement::{Account, transfer};
use gametriggers_actors::ports::{ByHand, Owner, StoreError, Wallet};
use sqlx::PgConnection;

statements! {
    RECORD = "WITH own AS (UPDATE writer SET action_seq = action_seq + 1 WHERE id = own_writer()
          RETURNING id, action_seq)
        INSERT INTO admin_action (writer, seq, at, actor, action, subject, reason, detail)
        SELECT own.id, own.action_seq, $1, $2, $3, $4, $5, $6 FROM own";
    SET_LIMIT = "UPDATE ledger_account SET credit_limit = $2 WHERE id = $1 AND credits - debits >= -$2";
}

/// An operator's request.
#[derive(Clone)]
pub(super) struct Order {
    /// Whose wallet.
    pub(super) owner: Owner,
    /// How much of what.
    pub(super) money: Money,
    /// Who wants it, and why.
    pub(super) hand: ByHand,
    /// Its key.
    pub(super) request: Request,
}

/// Money from outside.
pub(super) async fn confirm_deposit(
    connection: &mut PgConnection,
    brand: BrandId,
    order: &Order,
) -> Attempt<Wallet> {
    if let Some(wallet) = answered(connection, order).await? {
        return Ok(wallet);
    }
    let (from, to) = (Account::ProviderClearing, Account::BrandAvailable(brand));
    order.exists(connection).await?;
    order.transfer(connection, "deposit", (from, to), order.money.amount).await?;
    order.record(connection, "confirm_deposit").await?;
    answer(connection, order).await
}

/// Available money back to where it came from. What is on credit is not available for that.
pub(super) async fn refund(
    connection: &mut PgConnection,
    brand: BrandId,
    order: &Order,
) -> Attempt<Wallet> {
    if let Some(wallet) = answered(connection, order).await? {
        return Ok(wallet);
    }
    let (from, to) = (Account::BrandAvailable(brand), Account::ProviderClearing);
    order.exists(connection).await?;
    order.has(connection, order.money.amount).await?;
    order.transfer(connection, "refund", (from, to), order.money.amount).await?;
    order.record(connection, "refund").await?;
    answer(connection, order).await
}

/// A correction, against the platform's account for them.
pub(super) async fn adjust(connection: &mut PgConnection, order: &Order) -> Attempt<Wallet> {
    if let Some(wallet) = answered(connection, order).await? {
        return Ok(wallet);
    }
    let account = match order.owner {
        Owner::Brand(brand) => Account::BrandAvailable(brand),
        Owner::Streamer(streamer) => Account::StreamerAvailable(streamer),
    };
    order.exists(connection).await?;
    let amount = order.money.amount;
    if amount.is_positive() {
        let sides = (Account::PlatformAdjustment, account);
        order.transfer(connection, "adjust", sides, amount).await?;
    } else {
        let taken = Micros(amount.0.checked_neg().ok_or_else(not_positive)?);
        order.has(connection, taken).await?;
        order.transfer(connection, "adjust", (account, Account::PlatformAdjustment), taken).await?;
    }
    order.record(connection, "adjust").await?;
    answer(connection, order).await
}

/// How far a brand's wallet may go below zero.
pub(super) async fn set_credit_limit(
    connection: &mut PgConnection,
    brand: BrandId,
    order: &Order,
) -> Attempt<Wallet> {
    if let Some(wallet) = answered(connection, order).await? {
        return Ok(wallet);
    }
    let limit = order.money.amount.0;
    if limit < 0 {
        return Err(Failure::refused("a credit limit can not be below zero"));
    }
    order.exists(connection).await?;
    let account = [(Account::BrandAvailable(brand), order.money.currency)];
    for id in account_ids(connection, &account).await? {
        let set = sqlx::query(SET_LIMIT).bind(id).bind(limit).execute(&mut *connection).await?;
        if set.rows_affected() == 0 {
            return Err(Failure::refused("the wallet is further below zero already"));
        }
    }
    order.record(connection, "set_credit_limit").await?;
    answer(connection, order).await
}

impl Order {
    /// Finds out whether there is such an owner.
    async fn exists(&self, connection: &mut PgConnection) -> Attempt<()> {
        read::exists(connection, self.owner).await
    }

    /// Whether so much is available, without any credit.
    async fn has(&self, connection: &mut PgConnection, amount: Micros) -> Attempt<()> {
        let available = balance(connection, self.owner, self.money.currency).await?.max(Micros::ZERO);
        if available < amount {
            return Err(StoreError::InsufficientFunds { available }.into());
        }
        Ok(())
    }

    async fn transfer(
        &self,
        connection: &mut PgConnection,
        kind: &'static str,
        (from, to): (Account, Account),
        amount: Micros,
    ) -> Attempt<()> {
        if !amount.is_positive() {
            return Err(not_positive().into());
        }
        let lines = transfer(from, to, self.money.currency, amount);
        let (key, reference) = (self.request.ledger_key(), self.hand.reason.as_str());
        post(connection, &Post { kind, key: Some(&key), reference, lines: &lines, now: self.request.now })
            .await?;
        Ok(())
    }

    async fn record(&self, connection: &mut PgConnection, action: &'static str) -> Attempt<()> {
        let subject = match self.owner {
            Owner::Brand(brand) => format!("brand:{brand}"),
            Owner::Streamer(streamer) => format!("streamer:{streamer}"),
        };
        let written = sqlx::query(RECORD)
            .bind(self.request.now.0)
            .bind(&self.hand.actor)
            .bind(action)
            .bind(subject)
            .bind(&self.hand.reason)
            .bind(format!("{} {}", self.money.currency, self.money.amount.0))
            .execute(connection)
            .await?;
        expect_rows("admin_action", 1, written.rows_affected())
    }
}
