//! Wallets: what brands pay in and streamers are paid out of.

mod budget;
mod mature;
mod operator;
mod read;
mod statement;

pub(super) use self::budget::{fund_to, funds, kept_funds, recall_funds, recalled_funds};
pub(super) use self::operator::{Deed, record};
use super::PostgresStore;
use super::ledger::Request;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    ByHand, Funds, Idempotency, Owner, Position, StatementLine, StoreResult, Wallet, WalletStore,
};

#[async_trait]
impl WalletStore for PostgresStore {
    async fn wallet(&self, owner: Owner, currency: Currency) -> StoreResult<Wallet> {
        self.read(async { read::wallet(&mut *self.snapshot().await?, owner, currency).await }).await
    }

    async fn wallets(&self, owner: Owner) -> StoreResult<Vec<Wallet>> {
        self.read(async { read::wallets(&mut *self.snapshot().await?, owner).await }).await
    }

    async fn confirm_deposit(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order =
            operator::Order::deposit(brand, money).by(hand, Request::new("confirm_deposit", key, now));
        self.write(move |c| Box::pin(order.obey(c))).await
    }

    async fn refund(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = operator::Order::refund(brand, money).by(hand, Request::new("refund", key, now));
        self.write(move |c| Box::pin(order.obey(c))).await
    }

    async fn fund(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let request = Request::new("fund", key, now);
        self.write(move |c| Box::pin(async move { budget::fund(c, campaign, amount, &request).await })).await
    }

    async fn fund_to(
        &self,
        campaign: CampaignId,
        total: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let request = Request::new("fund_to", key, now);
        self.write(move |c| Box::pin(async move { budget::fund_to(c, campaign, total, &request).await }))
            .await
    }

    async fn release(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let request = Request::new("release", key, now);
        self.write(move |c| Box::pin(async move { budget::release(c, campaign, amount, &request).await }))
            .await
    }

    async fn adjust(
        &self,
        owner: Owner,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = operator::Order::adjust(owner, money).by(hand, Request::new("adjust", key, now));
        self.write(move |c| Box::pin(order.obey(c))).await
    }

    async fn set_credit_limit(
        &self,
        brand: BrandId,
        limit: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet> {
        let order = operator::Order::limit(brand, limit).by(hand, Request::new("credit_limit", key, now));
        self.write(move |c| Box::pin(order.obey(c))).await
    }

    /// In as many transactions as it takes: settlement should not wait for all wallets at once.
    async fn mature(&self, now: UnixMillis, hold: Millis) -> StoreResult<u64> {
        let mut days = 0_u64;
        loop {
            match self.write_in_epoch(move |c| Box::pin(mature::mature(c, now, hold))).await? {
                0 => return Ok(days),
                more => days = days.saturating_add(more),
            }
        }
    }

    async fn statement(
        &self,
        owner: Owner,
        currency: Currency,
        before: Option<Position>,
        limit: u32,
    ) -> StoreResult<Vec<StatementLine>> {
        self.read(async {
            let mut snapshot = self.snapshot().await?;
            statement::lines(&mut snapshot, (owner, currency), before, limit).await
        })
        .await
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [budget::STATEMENTS, operator::STATEMENTS, mature::STATEMENTS, read::STATEMENTS, statement::STATEMENTS]
        .concat()
}
