//! Campaigns and their creatives.

mod blocklist;
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
    Blocklist, ByHand, CampaignChange, CampaignStore, CatalogueRows, Funds, Idempotency, NewCampaign,
    StoreResult,
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
        let change = change.clone();
        self.write(move |c| Box::pin(async move { write::change(c, id, &change, now).await })).await
    }

    async fn campaign(&self, id: CampaignId) -> StoreResult<Campaign> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::one(&mut snapshot, id).await?)
    }

    async fn page(
        &self,
        brand: Option<BrandId>,
        after: Option<CampaignId>,
        limit: u32,
    ) -> StoreResult<Vec<Campaign>> {
        let mut snapshot = self.snapshot().await?;
        Ok(read::page(&mut snapshot, brand, after, limit).await?)
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
    [blocklist::STATEMENTS, read::STATEMENTS, write::STATEMENTS].concat()
}
