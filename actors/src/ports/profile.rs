//! What brands and streamers say of themselves, and whether they are there at all.

use super::{ByHand, Owner, Place, StoreResult};
use crate::domain::id::{BrandId, StreamerId, UserId};
use crate::domain::streamer::{Platform, ProfileChange, Streamer};
use crate::domain::time::UnixMillis;
use crate::domain::vetting::{Vetted, Vetting};
use async_trait::async_trait;
use std::sync::Arc;

/// Bytes of a document of details at most.
pub const DETAILS_BYTES_MAX: usize = 16 * 1024;

/// A JSON document that is kept as it is: only the API knows what is in it, and has looked at all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details(pub Arc<str>);

/// A brand with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandRecord {
    /// Its id.
    pub id: BrandId,
    /// For people, and for the label of its ads.
    pub name: Arc<str>,
    /// What else it says of itself.
    pub details: Details,
    /// Whether it is who it says it is.
    pub vetted: Vetted,
    /// Grows with every change.
    pub version: i64,
    /// Since when it is there.
    pub created: UnixMillis,
    /// When it was last changed.
    pub updated: UnixMillis,
    /// Since when none of its keys and users works.
    pub archived: Option<UnixMillis>,
}

/// A streamer with all that is kept of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamerRecord {
    /// What targeting looks at, and what they allow.
    pub streamer: Streamer,
    /// What else they say of themselves, and what was verified of it.
    pub details: Details,
    /// Whether one of their channels is verified.
    pub verification: Vetting,
    /// Whether every brand may find them.
    pub listed: bool,
    /// Grows with every change, of the settings too.
    pub version: i64,
    /// Since when they are there.
    pub created: UnixMillis,
    /// When they were last changed.
    pub updated: UnixMillis,
    /// Since when none of their keys and users works.
    pub archived: Option<UnixMillis>,
}

/// What a brand is to be, made out of the version of it that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandDraft {
    /// The version that it was made out of.
    pub version: i64,
    /// For people, and for the label of its ads.
    pub name: Arc<str>,
    /// What else it says of itself.
    pub details: Details,
    /// Whether it is who it says it is.
    pub vetted: Vetted,
}

/// What a streamer is to be, made out of the version of them that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamerDraft {
    /// The version that it was made out of.
    pub version: i64,
    /// What else they say of themselves, and what was verified of it.
    pub details: Details,
    /// What targeting looks at.
    pub profile: ProfileChange,
    /// Whether one of their channels is verified.
    pub verification: Vetting,
    /// Whether every brand may find them.
    pub listed: bool,
}

/// What is put on record of a change by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnRecord {
    /// Its name.
    pub action: &'static str,
    /// With what.
    pub detail: String,
    /// By whom, and why.
    pub hand: ByHand,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The id.
    Id,
    /// The name, byte by byte, and the id.
    Name,
    /// The day it came, and the id.
    Created,
}

/// Where a page begins: after an item, in some order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFrom {
    /// What the list is sorted by.
    pub key: SortKey,
    /// Whether the largest comes first.
    pub descending: bool,
    /// The last item of the page before; none for the first page.
    pub after: Option<Place>,
}

/// Which brands. None of a field takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrandFilter {
    /// Part of the name; letters of ASCII are the same large and small.
    pub part: Option<String>,
    /// How far their verification came.
    pub verification: Option<Vetting>,
    /// Whether they are archived.
    pub archived: Option<bool>,
}

/// Which streamers. None of a field takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamerFilter {
    /// Part of the name; letters of ASCII are the same large and small.
    pub part: Option<String>,
    /// Where they stream, as targeting has it.
    pub platform: Option<Platform>,
    /// Their language, as targeting has it.
    pub language: Option<String>,
    /// How far their verification came.
    pub verification: Option<Vetting>,
    /// Whether they are archived.
    pub archived: Option<bool>,
    /// Those that a brand may see: who takes part in one of its campaigns, and who is listed.
    pub seen_by: Option<BrandId>,
}

/// What came of archiving or restoring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archival {
    /// It is so now, or was already. With the users who act for the owner.
    Done(Vec<UserId>),
    /// So many campaigns of the brand are active: nothing was changed.
    Active(u64),
}

/// Profiles. Every change is one transaction, with the record of it when it is by hand.
#[async_trait]
pub trait ProfileStore: Send + Sync {
    /// One brand, archived or not.
    async fn brand_record(&self, id: BrandId) -> StoreResult<BrandRecord>;
    /// A page of brands.
    async fn brand_page(
        &self,
        of: &BrandFilter,
        from: &PageFrom,
        limit: u32,
    ) -> StoreResult<Vec<BrandRecord>>;
    /// Changes a brand; `Changed` when it has another version than that of the draft.
    async fn change_brand(
        &self,
        id: BrandId,
        draft: &BrandDraft,
        record: Option<&OnRecord>,
        now: UnixMillis,
    ) -> StoreResult<BrandRecord>;
    /// One streamer, archived or not.
    async fn streamer_record(&self, id: StreamerId) -> StoreResult<StreamerRecord>;
    /// A page of streamers.
    async fn streamer_page(
        &self,
        of: &StreamerFilter,
        from: &PageFrom,
        limit: u32,
    ) -> StoreResult<Vec<StreamerRecord>>;
    /// Whether a brand may see a streamer: they take part in one of its campaigns, or are listed; and they
    /// are not archived.
    async fn sees(&self, brand: BrandId, streamer: StreamerId) -> StoreResult<bool>;
    /// Changes a streamer; `Changed` when they have another version than that of the draft.
    async fn change_streamer(
        &self,
        id: StreamerId,
        draft: &StreamerDraft,
        record: Option<&OnRecord>,
        now: UnixMillis,
    ) -> StoreResult<StreamerRecord>;
    /// Archives an owner, or brings one back, and puts it on record. Their keys are out of the list of keys
    /// then, their sessions have ended, and their users stand as disabled. What is so already stays as it
    /// is.
    async fn set_archived(
        &self,
        owner: Owner,
        archived: bool,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Archival>;
}
