//! Campaigns and their creatives.

mod blocklist;
mod creative;
mod draft;
mod list;
mod read;
mod write;

pub(super) use self::read::one;
use super::ledger::{Request, fence_if_taken};
use super::{SqliteStore, rule};
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Blocklist, ByHand, CampaignChange, CampaignQuery, CampaignRecord, CampaignStore, CatalogueRows,
    CreativeChange, DraftStep, Funds, Idempotency, Launch, ListedCampaigns, NewCampaign, NewCreative,
    NewDraft, StoreResult,
};
use std::sync::Arc;

#[async_trait]
impl CampaignStore for SqliteStore {
    async fn catalogue(&self) -> StoreResult<CatalogueRows> {
        let mut snapshot = self.snapshot().await?;
        let mut campaigns = read::live(&mut snapshot).await?;
        blocklist::merge(&mut snapshot, &mut campaigns).await?;
        Ok(CatalogueRows {
            campaigns,
            rules: rule::in_force(&mut snapshot).await?,
            overrides: Vec::new(),
            participations: read::participations(&mut snapshot).await?,
        })
    }

    async fn create(
        &self,
        new: &NewCampaign,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)> {
        let epoch = self.writer()?.epoch();
        let new = new.clone();
        let request = Request::new("create", key, now);
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                write::create(c, &new, &request).await
            })
        })
        .await
    }

    async fn change(
        &self,
        id: CampaignId,
        change: &CampaignChange,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)> {
        let epoch = self.writer()?.epoch();
        let change = change.clone();
        let raise = change.budget.as_ref().map(|(total, key)| {
            let request = Request::new("fund_to", key, now);
            write::Raise { total: *total, request }
        });
        self.write(move |c| {
            Box::pin(async move {
                if raise.is_some() {
                    fence_if_taken(c, epoch).await?;
                }
                write::change(c, (id, &change), raise.as_ref(), now).await
            })
        })
        .await
    }

    async fn complete(&self, id: CampaignId, over: UnixMillis, now: UnixMillis) -> StoreResult<bool> {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                write::complete(c, id, over, now).await
            })
        })
        .await
    }

    async fn campaign(&self, id: CampaignId) -> StoreResult<Campaign> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::one(&mut snapshot, id).await?)
    }

    async fn draft(
        &self,
        new: &NewDraft,
        key: Option<&Idempotency>,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord> {
        let new = new.clone();
        let request = key.map(|key| Request::new("draft", key, now));
        self.write(move |c| Box::pin(async move { draft::create(c, &new, request.as_ref(), now).await }))
            .await
    }

    async fn step_draft(
        &self,
        id: CampaignId,
        version: i64,
        step: &DraftStep,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord> {
        let step = step.clone();
        self.write(move |c| Box::pin(async move { draft::step(c, (id, version), &step, now).await })).await
    }

    async fn launch(
        &self,
        launch: &Launch,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)> {
        let epoch = self.writer()?.epoch();
        let (launch, request) = (launch.clone(), Request::new("launch", key, now));
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                draft::launch(c, &launch, &request).await
            })
        })
        .await
    }

    async fn launched(&self, id: CampaignId, key: &Idempotency) -> StoreResult<Option<(Campaign, Funds)>> {
        let request = Request::new("launch", key, UnixMillis::default());
        let mut snapshot = self.snapshot().await?;
        Ok(draft::launched(&mut snapshot, id, &request).await?)
    }

    async fn archive_campaign(
        &self,
        id: CampaignId,
        version: Option<i64>,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord> {
        self.write(move |c| Box::pin(async move { draft::archive(c, id, version, now).await })).await
    }

    async fn add_creative(
        &self,
        of: (CampaignId, Option<i64>),
        new: &NewCreative,
        now: UnixMillis,
    ) -> StoreResult<CreativeId> {
        let new = new.clone();
        self.write(move |c| Box::pin(async move { creative::add(c, of, &new, now).await })).await
    }

    async fn change_creative(
        &self,
        of: (CampaignId, Option<i64>),
        id: CreativeId,
        change: &CreativeChange,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let change = change.clone();
        self.write(move |c| Box::pin(async move { creative::change(c, of, (id, &change), now).await })).await
    }

    async fn record(&self, id: CampaignId) -> StoreResult<CampaignRecord> {
        let mut snapshot = self.snapshot().await?;
        Ok(list::one(&mut snapshot, id).await?)
    }

    async fn list(&self, query: &CampaignQuery) -> StoreResult<ListedCampaigns> {
        let mut snapshot = self.snapshot().await?;
        Ok(list::page(&mut snapshot, query).await?)
    }

    async fn blocklist(&self, brand: BrandId) -> StoreResult<Blocklist> {
        Ok(blocklist::one(&self.readers, brand).await?)
    }

    async fn set_blocklist(
        &self,
        brand: BrandId,
        streamers: &[StreamerId],
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Blocklist> {
        let (streamers, by) = (streamers.to_vec(), by.cloned());
        self.write(move |c| {
            Box::pin(async move { blocklist::set(c, brand, &streamers, (by.as_ref(), now)).await })
        })
        .await
    }

    async fn landing(&self, creative: CreativeId) -> StoreResult<Arc<str>> {
        Ok(read::landing(&self.readers, creative).await?)
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let mut all = list::statements();
    all.extend(
        [blocklist::STATEMENTS, creative::STATEMENTS, draft::STATEMENTS, read::STATEMENTS, write::STATEMENTS]
            .concat(),
    );
    all
}
