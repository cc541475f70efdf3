//! Wallets: what brands pay in and streamers are paid out of.

mod budget;
mod hand;
mod mature;
mod read;
mod statement;

use self::hand::Order;
use super::failure::Attempt;
use super::ledger::{Request, recall, remember};
use super::row::known;
use super::{PostgresStore, statements};
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Budget, ByHand, Idempotency, Owner, Position, StatementLine, StoreResult, Wallet, WalletStore,
};
use sqlx::PgConnection;

statements! {
    /// Waits for another writer that moves the same money.
    BALANCE = "SELECT credits - debits FROM ledger_account WHERE owner_kind = $1 AND owner_id = $2
        AND code = 'available' AND shard = 0 AND currency = $3 FOR UPDATE";
}

#[async_trait]
impl WalletStore for PostgresStore {
    async fn wallet(&self, owner: Owner, currency: Currency) -> StoreResult<Wallet> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::one(&mut snapshot, owner, currency).await?)
    }

    async fn wallets(&self, owner: Owner) -> StoreResult<Vec<Wallet>> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::all(&mut snapshot, owner).await?)
    }

    async fn confirm_deposit(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = order("confirm_deposit", Owner::Brand(brand), money, hand, (key, now));
        self.write(move |c| Box::pin(async move { hand::confirm_deposit(c, brand, &order).await })).await
    }

    async fn refund(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = order("refund", Owner::Brand(brand), money, hand, (key, now));
        self.write(move |c| Box::pin(async move { hand::refund(c, brand, &order).await })).await
    }

    async fn fund_to(
        &self,
        campaign: CampaignId,
        total: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Wallet, Budget)> {
        let request = Request::new("fund_to", key, now);
        self.write(move |c| Box::pin(async move { budget::fund_to(c, campaign, total, &request).await })).await
    }

    async fn release(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Wallet, Budget)> {
        let request = Request::new("release", key, now);
        self.write(move |c| Box::pin(async move { budget::release(c, campaign, amount, &request).await })).await
    }

    async fn adjust(
        &self,
        owner: Owner,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = order("adjust", owner, money, hand, (key, now));
        self.write(move |c| Box::pin(async move { hand::adjust(c, &order).await })).await
    }

    async fn set_credit_limit(
        &self,
        brand: BrandId,
        limit: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = order("set_credit_limit", Owner::Brand(brand), limit, hand, (key, now));
        self.write(move |c| Box::pin(async move { hand::set_credit_limit(c, brand, &order).await })).await
    }

    async fn mature(&self, now: UnixMillis, hold: Millis) -> StoreResult<u64> {
        self.write_in_epoch(move |c| Box::pin(mature::mature(c, now, hold))).await
    }

    async fn statement(
        &self,
        owner: Owner,
        currency: Currency,
        before: Option<Position>,
        limit: u32,
    ) -> StoreResult<Vec<StatementLine>> {
        let mut snapshot = self.snapshot().await?;
        Ok(statement::lines(&mut snapshot, (owner, currency), before, limit).await?)
    }
}

fn order(
    operation: &'static str,
    owner: Owner,
    money: Money,
    hand: &ByHand,
    (key, now): (&Idempotency, UnixMillis),
) -> Order {
    Order { owner, money, hand: hand.clone(), request: Request::new(operation, key, now) }
}

/// How an owner's accounts are kept.
fn owner_key(owner: Owner) -> (&'static str, i64) {
    match owner {
        Owner::Brand(brand) => ("brand", brand.0),
        Owner::Streamer(streamer) => ("streamer", streamer.0),
    }
}

/// What an owner has, without any credit; nobody else changes it before the transaction ends.
async fn balance(connection: &mut PgConnection, owner: Owner, currency: Currency) -> Attempt<Micros> {
    let (kind, id) = owner_key(owner);
    let query = sqlx::query_scalar(BALANCE).bind(kind).bind(id).bind(currency.as_str());
    let balance: Option<i64> = query.fetch_optional(connection).await?;
    Ok(Micros(balance.unwrap_or_default()))
}

/// The answer to an order that was carried out before.
async fn answered(connection: &mut PgConnection, order: &Order) -> Attempt<Option<Wallet>> {
    let Some(result) = recall(connection, &order.request).await? else { return Ok(None) };
    known("result", wallet_of(&result, order.owner, order.money.currency)).map(Some)
}

/// The answer to an order that is carried out now.
async fn answer(connection: &mut PgConnection, order: &Order) -> Attempt<Wallet> {
    let wallet = read::one(connection, order.owner, order.money.currency).await?;
    remember(connection, &order.request, &wallet_numbers(&wallet)).await?;
    Ok(wallet)
}

fn wallet_numbers(wallet: &Wallet) -> [i64; 4] {
    [wallet.available.0, wallet.reserved.0, wallet.pending.0, wallet.credit_limit.0]
}

fn wallet_of(numbers: &[i64], owner: Owner, currency: Currency) -> Option<Wallet> {
    let &[available, reserved, pending, credit_limit] = numbers else { return None };
    Some(Wallet {
        owner,
        currency,
        available: Micros(available),
        reserved: Micros(reserved),
        pending: Micros(pending),
        credit_limit: Micros(credit_limit),
    })
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [
        STATEMENTS,
        budget::STATEMENTS,
        hand::STATEMENTS,
        mature::STATEMENTS,
        read::STATEMENTS,
        statement::STATEMENTS,
    ]
    .concat()
}
