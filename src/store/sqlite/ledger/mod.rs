//! The money: double entry, append-only, refused by the database when it does not add up.

mod entry;
mod epoch;
mod idempotency;
mod lease;
mod reconcile;
mod refund;
mod roll_up;
mod settle;
mod totals;
mod wallet;

pub(super) use self::entry::{Post, ensure, post};
pub(super) use self::epoch::{fence, fence_if_taken};
pub(super) use self::idempotency::{Request, recall, remember};
pub(super) use self::reconcile::Marks;
pub(super) use self::roll_up::DAY;
pub(super) use self::wallet::{budget, kept_budget, recalled_budget, withdraw};

use super::SqliteStore;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId, LeaseId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Claim, Outcome};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Budget, Check, Earned, Grant, Idempotency, LedgerStore, StoreError, StoreResult, Totals,
};

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn open_epoch(&self, now: UnixMillis, token_life: Millis) -> StoreResult<i64> {
        let epoch = self.write(move |c| Box::pin(epoch::open(c, now + token_life))).await?;
        self.writer()?.set_epoch(epoch);
        Ok(epoch)
    }

    async fn grant(
        &self,
        campaign: CampaignId,
        wanted: Micros,
        now: UnixMillis,
    ) -> StoreResult<Option<Grant>> {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence(c, epoch).await?;
                lease::grant(c, campaign, wanted, (epoch, now)).await
            })
        })
        .await
    }

    async fn give_back(&self, lease: LeaseId, amount: Micros) -> StoreResult<()> {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence(c, epoch).await?;
                lease::give_back(c, lease, amount).await
            })
        })
        .await
    }

    async fn settle(&self, claims: &[Claim], now: UnixMillis) -> StoreResult<Vec<Outcome>> {
        let epoch = self.writer()?.epoch();
        let claims = claims.to_vec();
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence(c, epoch).await?;
                settle::settle(c, claims, now).await
            })
        })
        .await
    }

    async fn roll_up(&self, now: UnixMillis) -> StoreResult<u64> {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence(c, epoch).await?;
                roll_up::roll_up(c, now).await
            })
        })
        .await
    }

    async fn close_due(&self, now: UnixMillis) -> StoreResult<u64> {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence(c, epoch).await?;
                let closed = lease::close_due(c, now).await?;
                refund::return_unspent(c, now).await?;
                Ok(closed)
            })
        })
        .await
    }

    async fn deposit(
        &self,
        brand: BrandId,
        money: Money,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Micros> {
        let epoch = self.writer()?.epoch();
        let request = Request::new("deposit", key, now);
        self.write(move |c| {
            Box::pin(async move {
                epoch::fence_if_taken(c, epoch).await?;
                wallet::deposit(c, brand, money, &request).await
            })
        })
        .await
    }

    async fn available(&self, brand: BrandId, currency: Currency) -> StoreResult<Micros> {
        Ok(wallet::available(&self.readers, brand, currency).await?)
    }

    async fn budget(&self, campaign: CampaignId) -> StoreResult<Budget> {
        let mut snapshot = self.snapshot().await?;
        Ok(wallet::budget(&mut snapshot, campaign).await?)
    }

    async fn earned(&self, streamer: StreamerId) -> StoreResult<Earned> {
        Ok(roll_up::earned(&self.readers, streamer).await?)
    }

    async fn probe(&self) -> StoreResult<()> {
        self.write(|c| Box::pin(epoch::probe(c))).await
    }

    async fn reconcile(&self, full: bool) -> StoreResult<Vec<Check>> {
        let mut marks = self.marks.lock().await;
        let from = if full { reconcile::Marks::default() } else { marks.clone() };
        let mut snapshot = self.snapshot().await?;
        let (checks, next) = reconcile::reconcile(&mut snapshot, &from).await?;
        *marks = next;
        Ok(checks)
    }

    async fn totals(&self, campaigns: &[CampaignId], streamers: &[StreamerId]) -> StoreResult<Totals> {
        let mut snapshot = self.snapshot().await?;
        Ok(totals::totals(&mut snapshot, campaigns, streamers).await?)
    }
}

/// The answer to an amount that can not be moved.
pub(super) fn not_positive() -> StoreError {
    StoreError::Constraint("an amount has to be above zero".to_owned())
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let fixed = [
        entry::STATEMENTS,
        epoch::STATEMENTS,
        idempotency::STATEMENTS,
        lease::STATEMENTS,
        refund::STATEMENTS,
        roll_up::STATEMENTS,
        settle::STATEMENTS,
        totals::STATEMENTS,
        wallet::STATEMENTS,
        &reconcile::statements(),
    ]
    .concat();
    fixed.into_iter().map(str::to_owned).chain(settle::bulks()).collect()
}
