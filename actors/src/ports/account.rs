//! Who may do what: brands, streamers, operators and their keys.

use super::{ByHand, StoreResult};
use crate::domain::campaign::Brand;
use crate::domain::id::{BrandId, StreamerId};
use crate::domain::streamer::{Profile, ProfileChange, Settings, SettingsChange, Streamer};
use crate::domain::time::UnixMillis;
use async_trait::async_trait;

/// Who holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// An advertiser.
    Brand(BrandId),
    /// A streamer's own key: dashboard and API.
    Streamer(StreamerId),
    /// A key in an overlay's address: the overlay protocol and nothing else.
    Overlay(StreamerId),
    /// An operator.
    Admin,
}

/// SHA-256 of a key. Keys have 256 random bits, so that no salt or slow hash is needed.
pub type KeyHash = [u8; 32];

/// A key for a streamer's overlay, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayKey {
    /// Its hash.
    pub hash: KeyHash,
    /// For people.
    pub name: String,
    /// What of it may be shown: its first characters, `…`, and its last four. None for an older key.
    pub masked: Option<String>,
    /// When it was made.
    pub created: UnixMillis,
}

/// Brands, streamers and their keys.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Every key that is valid: not revoked, and of nobody who is archived.
    async fn keys(&self) -> StoreResult<Vec<(KeyHash, Principal)>>;
    /// Adds a key.
    async fn add_key(
        &self,
        hash: KeyHash,
        principal: Principal,
        label: &str,
        now: UnixMillis,
    ) -> StoreResult<()>;
    /// Adds a key for a streamer's overlay. `NotFound` for one who is archived.
    async fn add_overlay_key(&self, streamer: StreamerId, key: &OverlayKey) -> StoreResult<()>;
    /// The keys for a streamer's overlay that are valid, oldest first.
    async fn overlay_keys(&self, streamer: StreamerId) -> StoreResult<Vec<OverlayKey>>;
    /// Revokes a key. What an operator does is put on record, in the same transaction.
    async fn revoke_key(&self, hash: KeyHash, by: Option<&ByHand>, now: UnixMillis) -> StoreResult<()>;
    /// What an operator opens: accounts with their keys, or a further key, in one transaction with the record
    /// of it. Who holds them, in order. `Constraint` when a further key is for somebody who is
    /// archived or not there.
    async fn open_account(
        &self,
        new: &NewAccount,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Vec<Principal>>;
    /// A page of all keys, the revoked ones too, by ascending hash, after `after`.
    async fn key_page(&self, after: Option<KeyHash>, limit: u32) -> StoreResult<Vec<KeyRow>>;
    /// Adds a brand.
    async fn add_brand(&self, name: &str, now: UnixMillis) -> StoreResult<Brand>;
    /// Every brand.
    async fn brands(&self) -> StoreResult<Vec<Brand>>;
    /// Adds a streamer, with their keys, in one transaction.
    async fn add_streamers(&self, new: &[NewStreamer], now: UnixMillis) -> StoreResult<Vec<StreamerId>>;
    /// One streamer.
    async fn streamer(&self, id: StreamerId) -> StoreResult<Streamer>;
    /// Every streamer.
    async fn streamers(&self) -> StoreResult<Vec<Streamer>>;
    /// Saves whether a streamer has paused or snoozed, and nothing else of the settings.
    async fn save_pause(&self, id: StreamerId, settings: &Settings, now: UnixMillis) -> StoreResult<()>;
    /// Changes the other settings, of the version that is named if one is; the streamer afterwards, and their
    /// version. `Changed` when they have another one.
    async fn change_settings(
        &self,
        id: StreamerId,
        change: &SettingsChange,
        version: Option<i64>,
        now: UnixMillis,
    ) -> StoreResult<(Streamer, i64)>;
    /// Changes what targeting looks at, and puts it on record in the same transaction; the streamer
    /// afterwards.
    async fn change_profile(
        &self,
        id: StreamerId,
        change: &ProfileChange,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Streamer>;
}

/// What an operator opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewAccount {
    /// A brand and its key.
    Brand {
        /// For people, and for the label of its ads.
        name: String,
        /// Hash of its key.
        key: KeyHash,
    },
    /// Streamers with their keys.
    Streamers(Vec<NewStreamer>),
    /// A key for somebody who is there: an operator is nothing but keys.
    Key {
        /// Who holds it.
        holder: Principal,
        /// Its hash.
        key: KeyHash,
    },
}

/// A key as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its hash.
    pub hash: KeyHash,
    /// Who holds it.
    pub holder: Principal,
    /// Where it came from.
    pub label: String,
    /// Since when.
    pub created: UnixMillis,
    /// Until when; none while it is valid.
    pub revoked: Option<UnixMillis>,
}

/// The first digits of a key's hash, by which operators name it: they say nothing of the key itself.
#[must_use]
pub fn key_id(hash: &KeyHash) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A streamer to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStreamer {
    /// What targeting looks at.
    pub profile: Profile,
    /// What they allow.
    pub settings: Settings,
    /// Hash of their own key.
    pub key: KeyHash,
    /// Hash of the key for their overlay.
    pub overlay_key: KeyHash,
}
