//! Brands and accounts, and what operators do with them; streamers and keys have files of their own.

use super::failure::Attempt;
use super::key::{self, subject};
use super::wallet::{Deed, record};
use super::{PostgresStore, statements, streamer};
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Brand;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{ProfileChange, Settings, SettingsChange, Streamer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    AccountStore, ByHand, KeyHash, KeyRefusal, KeyRow, KeyTerms, NewAccount, NewKey, NewStreamer, OverlayKey,
    Principal, StoreError, StoreResult, Successor, key_id,
};
use sqlx::PgConnection;

statements! {
    ADD_BRAND = "INSERT INTO brand (name, created_at, updated_at) VALUES ($1, $2, $2) RETURNING id";
    BRANDS = "SELECT id, name FROM brand ORDER BY id";
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn keys(&self, now: UnixMillis) -> StoreResult<Vec<(KeyHash, KeyTerms)>> {
        self.read(key::all(&self.readers, now)).await
    }

    async fn key(&self, hash: KeyHash) -> StoreResult<Option<KeyTerms>> {
        self.read(key::terms_of(&self.readers, hash)).await
    }

    async fn keys_of(&self, holder: Principal, now: UnixMillis) -> StoreResult<Vec<KeyRow>> {
        self.read(key::of(&self.readers, holder, now)).await
    }

    async fn issue_key(
        &self,
        new: &NewKey,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Result<(), KeyRefusal>> {
        let (new, by) = (new.clone(), by.cloned());
        self.write(move |c| Box::pin(async move { key::issue(c, &new, by.as_ref(), now).await })).await
    }

    async fn rename_key(
        &self,
        hash: KeyHash,
        name: &str,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let (name, by) = (name.to_owned(), by.cloned());
        self.write(move |c| Box::pin(async move { key::rename(c, hash, &name, (by.as_ref(), now)).await }))
            .await
    }

    async fn rotate_key(
        &self,
        next: &Successor,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Result<KeyRow, KeyRefusal>> {
        let (next, by) = (next.clone(), by.cloned());
        self.write(move |c| Box::pin(async move { key::rotate(c, &next, by.as_ref(), now).await })).await
    }

    async fn note_used(&self, used: &[(KeyHash, UnixMillis)]) -> StoreResult<()> {
        let used = used.to_vec();
        self.write(move |c| Box::pin(async move { key::note_used(c, &used).await })).await
    }

    async fn add_key(
        &self,
        hash: KeyHash,
        principal: Principal,
        label: &str,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let new = NewKey::whole(hash, principal, label);
        self.write(move |c| Box::pin(async move { key::add(c, &new, now).await })).await
    }

    async fn add_overlay_key(&self, streamer: StreamerId, overlay: &OverlayKey) -> StoreResult<()> {
        let OverlayKey { hash, name, masked, created } = overlay.clone();
        let new = NewKey { masked, ..NewKey::whole(hash, Principal::Overlay(streamer), &name) };
        self.write(move |c| {
            Box::pin(async move {
                if !key::is_there(c, new.holder).await? {
                    return Err(StoreError::NotFound.into());
                }
                key::add(c, &new, created).await
            })
        })
        .await
    }

    async fn overlay_keys(&self, streamer: StreamerId) -> StoreResult<Vec<OverlayKey>> {
        self.read(key::of_overlays(&self.readers, streamer)).await
    }

    async fn revoke_key(&self, hash: KeyHash, by: Option<&ByHand>, now: UnixMillis) -> StoreResult<()> {
        let by = by.cloned();
        self.write(move |c| Box::pin(async move { key::revoke(c, hash, by.as_ref(), now).await })).await
    }

    async fn open_account(
        &self,
        new: &NewAccount,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Vec<Principal>> {
        let (new, hand) = (new.clone(), hand.clone());
        self.write(move |c| Box::pin(async move { open(c, &new, &hand, now).await })).await
    }

    async fn key_page(&self, after: Option<KeyHash>, limit: u32) -> StoreResult<Vec<KeyRow>> {
        self.read(key::page(&self.readers, after, limit)).await
    }

    async fn add_brand(&self, name: &str, now: UnixMillis) -> StoreResult<Brand> {
        let name = name.to_owned();
        self.write(move |c| {
            Box::pin(async move { Ok(Brand { id: add_brand(c, &name, now).await?, name: name.into() }) })
        })
        .await
    }

    async fn brands(&self) -> StoreResult<Vec<Brand>> {
        let rows: Vec<(i64, String)> =
            self.read(async { Ok(sqlx::query_as(BRANDS).fetch_all(&self.readers).await?) }).await?;
        Ok(rows.into_iter().map(|(id, name)| Brand { id: BrandId(id), name: name.into() }).collect())
    }

    async fn add_streamers(&self, new: &[NewStreamer], now: UnixMillis) -> StoreResult<Vec<StreamerId>> {
        let new = new.to_vec();
        self.write(move |c| Box::pin(async move { streamer::add(c, &new, now).await })).await
    }

    async fn streamer(&self, id: StreamerId) -> StoreResult<Streamer> {
        self.read(streamer::one(&self.readers, id)).await
    }

    async fn streamers(&self) -> StoreResult<Vec<Streamer>> {
        self.read(streamer::all(&self.readers)).await
    }

    async fn save_pause(&self, id: StreamerId, settings: &Settings, now: UnixMillis) -> StoreResult<()> {
        let settings = settings.clone();
        self.write(move |c| Box::pin(async move { streamer::save_pause(c, id, &settings, now).await })).await
    }

    async fn change_settings(
        &self,
        id: StreamerId,
        change: &SettingsChange,
        version: Option<i64>,
        now: UnixMillis,
    ) -> StoreResult<(Streamer, i64)> {
        let change = change.clone();
        self.write(move |c| Box::pin(async move { streamer::change(c, id, &change, (version, now)).await }))
            .await
    }

    async fn change_profile(
        &self,
        id: StreamerId,
        change: &ProfileChange,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Streamer> {
        let (change, hand) = (change.clone(), hand.clone());
        self.write(move |c| Box::pin(async move { change_profile(c, id, &change, (&hand, now)).await })).await
    }
}

/// Changes what targeting looks at, and puts it on record.
async fn change_profile(
    connection: &mut PgConnection,
    id: StreamerId,
    change: &ProfileChange,
    (hand, now): (&ByHand, UnixMillis),
) -> Attempt<Streamer> {
    let after = streamer::change_profile(connection, id, change, now).await?;
    let (subject, detail) = (subject(Principal::Streamer(id)), after.profile.to_string());
    record(connection, hand, &Deed { action: "change_streamer", subject, detail }, now).await?;
    Ok(after)
}

pub(super) async fn add_brand(
    connection: &mut PgConnection,
    name: &str,
    now: UnixMillis,
) -> Attempt<BrandId> {
    Ok(BrandId(sqlx::query_scalar(ADD_BRAND).bind(name).bind(now.0).fetch_one(connection).await?))
}

/// Opens what an operator asked for, and puts it on record.
async fn open(
    connection: &mut PgConnection,
    new: &NewAccount,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<Vec<Principal>> {
    let (holders, detail) = match new {
        NewAccount::Brand { name, key } => {
            let holder = Principal::Brand(add_brand(connection, name, now).await?);
            key::add(connection, &NewKey::whole(*key, holder, "first"), now).await?;
            (vec![holder], format!("{name}, key {}", key_id(key)))
        }
        NewAccount::Streamers(new) => {
            let ids = streamer::add(connection, new, now).await?;
            let detail = new.first().map_or_else(String::new, |first| first.profile.name.to_string());
            (ids.into_iter().map(Principal::Streamer).collect(), format!("{detail}, {} in all", new.len()))
        }
        NewAccount::Key { holder, key } => {
            key::add(connection, &NewKey::whole(*key, *holder, "by hand"), now).await?;
            (vec![*holder], format!("key {}", key_id(key)))
        }
    };
    let (Some(first), Some(last)) = (holders.first(), holders.last()) else { return Ok(holders) };
    let subject = if holders.len() == 1 {
        subject(*first)
    } else {
        format!("{} to {}", subject(*first), subject(*last))
    };
    let action = if matches!(new, NewAccount::Key { .. }) { "add_key" } else { "add_account" };
    record(connection, hand, &Deed { action, subject, detail }, now).await?;
    Ok(holders)
}
