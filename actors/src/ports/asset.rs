//! What brands have uploaded.

use super::StoreResult;
use crate::domain::asset::Asset;
use crate::domain::id::BrandId;
use crate::domain::time::UnixMillis;
use async_trait::async_trait;
use std::sync::Arc;

/// An upload of a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandAsset {
    /// The name of the file that is shown.
    pub name: Arc<str>,
    /// Bytes that count against the quota.
    pub bytes: i64,
    /// When the brand first uploaded it.
    pub created_at: UnixMillis,
    /// Since when it is put away.
    pub archived_at: Option<UnixMillis>,
    /// What it is; none for one from before that was written down.
    pub asset: Option<Asset>,
}

/// The record of uploads. The files themselves are elsewhere.
#[async_trait]
pub trait AssetStore: Send + Sync {
    /// Records an upload, and counts it against the brand's quota, in bytes; false when it does not fit, and
    /// nothing was recorded. The same one counts once, and is brought back if it was put away. An operator's
    /// upload belongs to no brand and is not counted.
    async fn keep_asset(
        &self,
        owner: Option<BrandId>,
        asset: &Asset,
        quota: i64,
        now: UnixMillis,
    ) -> StoreResult<bool>;
    /// What an upload is, whoever it belongs to.
    async fn asset(&self, name: &str) -> StoreResult<Option<Asset>>;
    /// An upload of a brand, put away or not.
    async fn brand_asset(&self, brand: BrandId, name: &str) -> StoreResult<BrandAsset>;
    /// A page of a brand's uploads, those that are put away or the others, newest first, before an upload
    /// that is theirs.
    async fn brand_assets(
        &self,
        brand: BrandId,
        archived: bool,
        before: Option<&str>,
        limit: u32,
    ) -> StoreResult<Vec<BrandAsset>>;
    /// Puts an upload away: no new creative can be made of it. What shows it goes on, and it still counts
    /// against the quota, since its files are kept.
    async fn archive_asset(&self, brand: BrandId, name: &str, now: UnixMillis) -> StoreResult<BrandAsset>;
}
