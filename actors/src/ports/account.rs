//! Who may do what: brands, streamers, operators and their keys.

use super::{ByHand, StoreResult};
use crate::domain::campaign::Brand;
use crate::domain::id::{BrandId, StreamerId};
use crate::domain::scope::Scopes;
use crate::domain::streamer::{Profile, ProfileChange, Settings, SettingsChange, Streamer};
use crate::domain::time::{Millis, UnixMillis};
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

impl Principal {
    /// All that it may be allowed.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::Brand(_) => Scopes::BRAND,
            Self::Streamer(_) => Scopes::STREAMER,
            Self::Overlay(_) => Scopes::NONE,
            Self::Admin => Scopes::ADMIN,
        }
    }
}

/// Keys that a brand or a streamer may have at once, besides those of overlays.
pub const KEYS_MAX: u32 = 50;

/// What a key opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTerms {
    /// Who holds it.
    pub holder: Principal,
    /// What it may do.
    pub scopes: Scopes,
    /// It is dead from then on.
    pub expires: Option<UnixMillis>,
    /// A successor has taken its place, and it is dead from then on.
    pub replaced: Option<UnixMillis>,
}

/// How a key came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// Its time was over.
    Expired,
    /// It was revoked, or its successor has taken its place.
    Revoked,
}

impl KeyTerms {
    /// When it is over, if it ends by itself.
    #[must_use]
    pub fn ends(&self) -> Option<UnixMillis> {
        [self.expires, self.replaced].into_iter().flatten().min()
    }

    /// Whether it is over, and how that came.
    #[must_use]
    pub fn end(&self, now: UnixMillis) -> Option<KeyEnd> {
        let past = |end: Option<UnixMillis>| end.is_some_and(|end| end <= now);
        if past(self.replaced) {
            Some(KeyEnd::Revoked)
        } else {
            past(self.expires).then_some(KeyEnd::Expired)
        }
    }
}

impl From<Principal> for KeyTerms {
    /// Everything that its holder may be allowed, for ever.
    fn from(holder: Principal) -> Self {
        Self { holder, scopes: holder.scopes(), expires: None, replaced: None }
    }
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its hash.
    pub hash: KeyHash,
    /// Who gets it: a brand, a streamer or an operator.
    pub holder: Principal,
    /// For people.
    pub name: String,
    /// What of it may be shown: its first characters and `…`.
    pub masked: Option<String>,
    /// What it may do; none for everything that its holder may, now and later.
    pub scopes: Option<Scopes>,
    /// It is dead from then on.
    pub expires: Option<UnixMillis>,
}

impl NewKey {
    /// A key for everything that its holder may, for ever.
    #[must_use]
    pub fn whole(hash: KeyHash, holder: Principal, name: &str) -> Self {
        Self { hash, holder, name: name.to_owned(), masked: None, scopes: None, expires: None }
    }
}

/// A key that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The hash of the old one.
    pub old: KeyHash,
    /// Its own hash.
    pub hash: KeyHash,
    /// What of it may be shown: its first characters and `…`.
    pub masked: Option<String>,
    /// How long the old one is good beside it.
    pub overlap: Millis,
}

/// Why a key is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// Its holder has as many as may be.
    TooMany,
    /// A successor was made before.
    Replaced,
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
    /// Every key that is not revoked, not over at a moment, and of nobody who is archived.
    async fn keys(&self, now: UnixMillis) -> StoreResult<Vec<(KeyHash, KeyTerms)>>;
    /// A key that is not revoked, over or not; none of who is archived.
    async fn key(&self, hash: KeyHash) -> StoreResult<Option<KeyTerms>>;
    /// The keys of a brand or a streamer that are good at a moment, oldest first; not those of overlays.
    async fn keys_of(&self, holder: Principal, now: UnixMillis) -> StoreResult<Vec<KeyRow>>;
    /// Makes a key. What an operator does is put on record, in the same transaction. `Constraint` when there
    /// is no such holder, or they are archived.
    async fn issue_key(
        &self,
        new: &NewKey,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Result<(), KeyRefusal>>;
    /// Gives a key another name. `NotFound` when it is not good any more.
    async fn rename_key(
        &self,
        hash: KeyHash,
        name: &str,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<()>;
    /// Makes a successor with the same holder, name, scopes and span of life, and lets the old key end after
    /// the overlap. The successor. `NotFound` when the old one is not good any more.
    async fn rotate_key(
        &self,
        next: &Successor,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Result<KeyRow, KeyRefusal>>;
    /// Notes when keys were last used; a note of less than an hour after the last one changes nothing.
    async fn note_used(&self, used: &[(KeyHash, UnixMillis)]) -> StoreResult<()>;
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
    /// What it opens, and for how long.
    pub terms: KeyTerms,
    /// Its name, or where it came from.
    pub label: String,
    /// What of it may be shown: its first characters and `…`. None when that was not kept.
    pub masked: Option<String>,
    /// Since when.
    pub created: UnixMillis,
    /// When it was last used, to the hour; none when that is not known.
    pub used: Option<UnixMillis>,
    /// The hash of the key that takes its place.
    pub successor: Option<KeyHash>,
    /// Since when it is revoked.
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
