//! Wallets: what is in them, and how money comes in and goes out of them.

mod budget;
mod mature;
mod operator;
mod read;
mod statement;

pub(super) use self::budget::{fund_to, funds, kept_funds, recall_funds, recalled_funds};
pub(super) use self::operator::{Deed, record};
use super::SqliteStore;
use super::ledger::{Request, fence, fence_if_taken};
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    ByHand, Funds, Idempotency, Owner, Position, StatementLine, StoreResult, Wallet, WalletStore,
};

#[async_trait]
impl WalletStore for SqliteStore {
    async fn wallet(&self, owner: Owner, currency: Currency) -> StoreResult<Wallet> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::wallet(&mut snapshot, owner, currency).await?)
    }

    async fn wallets(&self, owner: Owner) -> StoreResult<Vec<Wallet>> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::wallets(&mut snapshot, owner).await?)
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
        let epoch = self.writer()?.epoch();
        self.write(move |c| Box::pin(order.obey(c, epoch))).await
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
        let epoch = self.writer()?.epoch();
        self.write(move |c| Box::pin(order.obey(c, epoch))).await
    }

    async fn fund(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let epoch = self.writer()?.epoch();
        let request = Request::new("fund", key, now);
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                budget::fund(c, campaign, amount, &request).await
            })
        })
        .await
    }

    async fn fund_to(
        &self,
        campaign: CampaignId,
        total: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let epoch = self.writer()?.epoch();
        let request = Request::new("fund_to", key, now);
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                budget::fund_to(c, campaign, total, &request).await
            })
        })
        .await
    }

    async fn release(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds> {
        let epoch = self.writer()?.epoch();
        let request = Request::new("release", key, now);
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                budget::release(c, campaign, amount, &request).await
            })
        })
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
        let epoch = self.writer()?.epoch();
        self.write(move |c| Box::pin(order.obey(c, epoch))).await
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
        let epoch = self.writer()?.epoch();
        self.write(move |c| Box::pin(order.obey(c, epoch))).await
    }

    /// In as many transactions as it takes: settlement should not wait for all wallets at once.
    async fn mature(&self, now: UnixMillis, hold: Millis) -> StoreResult<u64> {
        let epoch = self.writer()?.epoch();
        let mut days = 0_u64;
        loop {
            let matured = self.write(move |c| {
                Box::pin(async move {
                    fence(c, epoch).await?;
                    mature::mature(c, now, hold).await
                })
            });
            match matured.await? {
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
        let mut snapshot = self.snapshot().await?;
        Ok(statement::lines(&mut snapshot, (owner, currency), before, limit).await?)
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [budget::STATEMENTS, mature::STATEMENTS, operator::STATEMENTS, read::STATEMENTS, statement::STATEMENTS]
        .concat()
}
