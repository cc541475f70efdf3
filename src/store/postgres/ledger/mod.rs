//! The money: double entry, append-only, refused by the database when it does not add up.

mod batch;
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

pub(super) use self::batch::AccountIds;
pub(super) use self::entry::{Post, account_ids, post};
pub(super) use self::idempotency::{Request, recall, remember};
pub(super) use self::reconcile::Marks;
pub(super) use self::roll_up::DAY;
pub(super) use self::roll_up::Pace;
#[cfg(test)]
pub(super) use self::settle::settle as settled;
pub(super) use self::wallet::{budget, kept_budget, recalled_budget, withdraw};

use self::batch::Batch;
use super::PostgresStore;
use super::failure::Failure;
use super::writer::Work;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId, LeaseId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::settlement::{Claim, Outcome, Posting};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Budget, Check, Earned, Grant, Idempotency, LedgerStore, StoreError, StoreResult, Totals,
};
use sqlx::PgConnection;
use std::sync::{Arc, PoisonError};
use tokio::time::Instant;

#[async_trait]
impl LedgerStore for PostgresStore {
    async fn open_epoch(&self, now: UnixMillis, token_life: Millis) -> StoreResult<i64> {
        let epoch = self.write(move |c| Box::pin(epoch::open(c, now, now + token_life))).await?;
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
        self.write_in_epoch(move |c| Box::pin(lease::grant(c, campaign, wanted, (epoch, now)))).await
    }

    async fn give_back(&self, lease: LeaseId, amount: Micros) -> StoreResult<()> {
        self.write_in_epoch(move |c| Box::pin(lease::give_back(c, lease, amount))).await
    }

    async fn settle(&self, claims: &[Claim], now: UnixMillis) -> StoreResult<Vec<Outcome>> {
        if let Some(posting) = settle::guess(claims).map(Arc::new) {
            match self.settle_at_once(&posting, now).await {
                // Something in it is not as it nearly always is.
                Err(StoreError::Constraint(_)) => {}
                written => return written.map(|()| posting.outcomes.clone()),
            }
        }
        let claims = claims.to_vec();
        self.write_in_epoch(move |c| Box::pin(settle::settle(c, claims, now))).await
    }

    async fn roll_up(&self, now: UnixMillis) -> StoreResult<u64> {
        let writer = self.writer()?.id();
        let pace = || self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events_max) = pace().begin() else { return Ok(0) };
        if !self.read(roll_up::is_due(&self.readers, writer)).await? {
            return Ok(0);
        }
        let began = Instant::now();
        let work = self.write_in_epoch(move |c| Box::pin(roll_up::roll_up(c, writer, events_max, now)));
        let done = work.await;
        pace().end(began.elapsed(), done.is_ok());
        done
    }

    async fn close_due(&self, now: UnixMillis) -> StoreResult<u64> {
        self.write_in_epoch(move |c| {
            Box::pin(async move {
                epoch::days(c, now).await?;
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
        let request = Request::new("deposit", key, now);
        self.write(move |c| Box::pin(async move { wallet::deposit(c, brand, money, &request).await })).await
    }

    async fn available(&self, brand: BrandId, currency: Currency) -> StoreResult<Micros> {
        self.read(wallet::available(&self.readers, brand, currency)).await
    }

    async fn budget(&self, campaign: CampaignId) -> StoreResult<Budget> {
        self.read(async { wallet::budget(&mut *self.readers.acquire().await?, campaign).await }).await
    }

    async fn earned(&self, streamer: StreamerId) -> StoreResult<Earned> {
        self.read(async { roll_up::earned(&mut *self.readers.acquire().await?, streamer).await }).await
    }

    async fn probe(&self) -> StoreResult<()> {
        self.write(|c| Box::pin(epoch::probe(c))).await
    }

    async fn reconcile(&self, full: bool) -> StoreResult<Vec<Check>> {
        let mut marks = self.marks.lock().await;
        let from = if full { reconcile::Marks::default() } else { marks.clone() };
        let mut snapshot = self.snapshot().await?;
        sqlx::raw_sql(reconcile::NO_LIMIT).execute(&mut *snapshot).await.map_err(Failure::from)?;
        let (checks, next) = reconcile::reconcile(&mut snapshot, &from).await?;
        *marks = next;
        Ok(checks)
    }

    async fn totals(&self, campaigns: &[CampaignId], streamers: &[StreamerId]) -> StoreResult<Totals> {
        let campaigns: Vec<i64> = campaigns.iter().map(|id| id.0).collect();
        let streamers: Vec<i64> = streamers.iter().map(|id| id.0).collect();
        self.read(async {
            if streamers.is_empty() {
                // One statement sees one state by itself.
                let mut connection = self.readers.acquire().await?;
                return totals::totals(&mut connection, &campaigns, &[]).await;
            }
            let mut snapshot = self.snapshot().await?;
            totals::totals(&mut snapshot, &campaigns, &streamers).await
        })
        .await
    }
}

impl PostgresStore {
    /// One write transaction of a process that delivers ads: it has taken an epoch.
    pub(super) async fn write_in_epoch<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Clone + Send + 'static,
    {
        if self.writer()?.epoch() == 0 {
            return Err(StoreError::Fenced);
        }
        self.write(work).await
    }

    /// Writes a posting with one statement, or refuses it. The numbers of accounts never change: they are
    /// remembered, and only a batch with an account that is new to this process asks for it.
    async fn settle_at_once(&self, posting: &Arc<Posting>, now: UnixMillis) -> StoreResult<()> {
        let known = || self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = settle::accounts(posting);
        let mut ids = AccountIds::with_capacity(wanted.len());
        {
            let known = known();
            ids.extend(wanted.iter().filter_map(|key| Some((*key, *known.get(key)?))));
        }
        if ids.len() == wanted.len() {
            let batch = Arc::new(Batch::of(posting, &ids)?);
            return self.write_in_epoch(move |c| Box::pin(async move { batch.write(c, now).await })).await;
        }
        let posting = Arc::clone(posting);
        let found = self.write_in_epoch(move |c| Box::pin(settle::with_accounts(c, posting, now))).await?;
        known().extend(found);
        Ok(())
    }
}

/// The answer to an amount that can not be moved.
pub(super) fn not_positive() -> StoreError {
    StoreError::Constraint("an amount has to be above zero".to_owned())
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [
        batch::STATEMENTS,
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
    .concat()
}
