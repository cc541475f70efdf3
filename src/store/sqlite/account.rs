//! Brands and keys, and what operators do with them; streamers have a file of their own.

use super::failure::{Attempt, Failure, expect_rows};
use super::ledger::fence_if_taken;
use super::row::{Columns, known};
use super::wallet::{Deed, record};
use super::{SqliteStore, statements, streamer};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use gametriggers_actors::domain::campaign::Brand;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{ProfileChange, Settings, SettingsChange, Streamer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    AccountStore, ByHand, KeyHash, KeyRow, NewAccount, NewStreamer, OverlayKey, Principal, StoreError,
    StoreResult, key_id,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

statements! {
    /// Keys of an owner who is archived are not valid, and come back with them.
    KEYS = "SELECT hash, kind, brand_id, streamer_id FROM api_key WHERE revoked_at IS NULL
          AND coalesce(brand_id, 0) NOT IN (SELECT id FROM brand WHERE archived_at IS NOT NULL)
          AND coalesce(streamer_id, 0) NOT IN (SELECT id FROM streamer WHERE archived_at IS NOT NULL)";
    ADD_KEY = "INSERT INTO api_key (hash, kind, brand_id, streamer_id, label, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    ADD_OVERLAY_KEY = "INSERT INTO api_key (hash, kind, streamer_id, label, masked, created_at)
        VALUES (?1, 'overlay', ?2, ?3, ?4, ?5)";
    OVERLAY_KEYS = "SELECT hash, label, masked, created_at FROM api_key
        WHERE kind = 'overlay' AND streamer_id = ?1 AND revoked_at IS NULL ORDER BY created_at, hash";
    REVOKE = "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE hash = ?1";
    /// By the primary key. The first page begins before every hash.
    PAGE = "SELECT hash, kind, brand_id, streamer_id, label, created_at, revoked_at FROM api_key
        WHERE hash > ?1 ORDER BY hash LIMIT ?2";
    HOLDER = "SELECT kind, brand_id, streamer_id FROM api_key WHERE hash = ?1 AND revoked_at IS NULL";
    /// Whether a holder is there and not archived.
    IS_THERE = "SELECT CASE ?1
          WHEN 'brand' THEN EXISTS (SELECT 1 FROM brand WHERE id = ?2 AND archived_at IS NULL)
          WHEN 'admin' THEN true
          ELSE EXISTS (SELECT 1 FROM streamer WHERE id = ?2 AND archived_at IS NULL) END";
    ADD_BRAND = "INSERT INTO brand (name, created_at, updated_at) VALUES (?1, ?2, ?2) RETURNING id";
    BRANDS = "SELECT id, name FROM brand ORDER BY id";
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn keys(&self) -> StoreResult<Vec<(KeyHash, Principal)>> {
        let rows = sqlx::query(KEYS).fetch(&self.readers).err_into::<Failure>();
        Ok(rows.and_then(|row| async move { key(&row) }).try_collect::<Vec<_>>().await?)
    }

    async fn add_key(
        &self,
        hash: KeyHash,
        principal: Principal,
        label: &str,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let label = label.to_owned();
        self.write(move |c| Box::pin(async move { add_key(c, hash, principal, (&label, now)).await })).await
    }

    async fn add_overlay_key(&self, streamer: StreamerId, key: &OverlayKey) -> StoreResult<()> {
        let key = key.clone();
        self.write(move |c| {
            Box::pin(async move {
                if !is_there(c, Principal::Overlay(streamer)).await? {
                    return Err(StoreError::NotFound.into());
                }
                let add =
                    sqlx::query(ADD_OVERLAY_KEY).bind(key.hash.to_vec()).bind(streamer.0).bind(key.name);
                add.bind(key.masked).bind(key.created.0).execute(c).await?;
                Ok(())
            })
        })
        .await
    }

    async fn overlay_keys(&self, streamer: StreamerId) -> StoreResult<Vec<OverlayKey>> {
        let rows = sqlx::query(OVERLAY_KEYS).bind(streamer.0).fetch_all(&self.readers).await;
        Ok(rows.map_err(Failure::from)?.iter().map(overlay_key).collect::<Attempt<Vec<_>>>()?)
    }

    async fn revoke_key(&self, hash: KeyHash, by: Option<&ByHand>, now: UnixMillis) -> StoreResult<()> {
        let epoch = self.writer()?.epoch();
        let by = by.cloned();
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                revoke(c, hash, by.as_ref(), now).await
            })
        })
        .await
    }

    async fn open_account(
        &self,
        new: &NewAccount,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<Vec<Principal>> {
        let epoch = self.writer()?.epoch();
        let (new, hand) = (new.clone(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                open(c, &new, &hand, now).await
            })
        })
        .await
    }

    async fn key_page(&self, after: Option<KeyHash>, limit: u32) -> StoreResult<Vec<KeyRow>> {
        let after = after.map_or_else(Vec::new, |after| after.to_vec());
        let rows = sqlx::query(PAGE).bind(after).bind(i64::from(limit)).fetch_all(&self.readers).await;
        Ok(rows.map_err(Failure::from)?.iter().map(key_row).collect::<Attempt<Vec<_>>>()?)
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
            sqlx::query_as(BRANDS).fetch_all(&self.readers).await.map_err(Failure::from)?;
        Ok(rows.into_iter().map(|(id, name)| Brand { id: BrandId(id), name: name.into() }).collect())
    }

    async fn add_streamers(&self, new: &[NewStreamer], now: UnixMillis) -> StoreResult<Vec<StreamerId>> {
        let new = new.to_vec();
        self.write(move |c| Box::pin(async move { streamer::add(c, &new, now).await })).await
    }

    async fn streamer(&self, id: StreamerId) -> StoreResult<Streamer> {
        Ok(streamer::one(&self.readers, id).await?)
    }

    async fn streamers(&self) -> StoreResult<Vec<Streamer>> {
        Ok(streamer::all(&self.readers).await?)
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
        let epoch = self.writer()?.epoch();
        let (change, hand) = (change.clone(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                change_profile(c, id, &change, (&hand, now)).await
            })
        })
        .await
    }
}

/// Changes what targeting looks at, and puts it on record.
async fn change_profile(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    name: &str,
    now: UnixMillis,
) -> Attempt<BrandId> {
    Ok(BrandId(sqlx::query_scalar(ADD_BRAND).bind(name).bind(now.0).fetch_one(connection).await?))
}

/// Opens what an operator asked for, and puts it on record.
async fn open(
    connection: &mut SqliteConnection,
    new: &NewAccount,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<Vec<Principal>> {
    let (holders, detail) = match new {
        NewAccount::Brand { name, key } => {
            let holder = Principal::Brand(add_brand(connection, name, now).await?);
            add_key(connection, *key, holder, ("first", now)).await?;
            (vec![holder], format!("{name}, key {}", key_id(key)))
        }
        NewAccount::Streamers(new) => {
            let ids = streamer::add(connection, new, now).await?;
            let detail = new.first().map_or_else(String::new, |first| first.profile.name.to_string());
            (ids.into_iter().map(Principal::Streamer).collect(), format!("{detail}, {} in all", new.len()))
        }
        NewAccount::Key { holder, key } => {
            if !is_there(connection, *holder).await? {
                return Err(Failure::refused("there is no such holder, or they are archived"));
            }
            add_key(connection, *key, *holder, ("by hand", now)).await?;
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

/// Revokes a valid key; one that is revoked already stays as it is, and is on record already.
async fn revoke(
    connection: &mut SqliteConnection,
    hash: KeyHash,
    by: Option<&ByHand>,
    now: UnixMillis,
) -> Attempt<()> {
    let row = sqlx::query(HOLDER).bind(hash.to_vec()).fetch_optional(&mut *connection).await?;
    let revoked = sqlx::query(REVOKE).bind(hash.to_vec()).bind(now.0).execute(&mut *connection).await?;
    expect_rows("api_key", 1, revoked.rows_affected()).map_err(|_| Failure(StoreError::NotFound))?;
    if let (Some(row), Some(hand)) = (row, by) {
        let (subject, detail) = (subject(holder(&row)?), format!("key {}", key_id(&hash)));
        record(connection, hand, &Deed { action: "revoke_key", subject, detail }, now).await?;
    }
    Ok(())
}

/// A holder as the record names it.
pub(super) fn subject(holder: Principal) -> String {
    match holder {
        Principal::Brand(brand) => format!("brand:{brand}"),
        Principal::Streamer(streamer) => format!("streamer:{streamer}"),
        Principal::Overlay(streamer) => format!("overlay:{streamer}"),
        Principal::Admin => "admin".to_owned(),
    }
}

/// The columns of a holder.
const fn columns(holder: Principal) -> (&'static str, Option<i64>, Option<i64>) {
    match holder {
        Principal::Brand(brand) => ("brand", Some(brand.0), None),
        Principal::Streamer(streamer) => ("streamer", None, Some(streamer.0)),
        Principal::Overlay(streamer) => ("overlay", None, Some(streamer.0)),
        Principal::Admin => ("admin", None, None),
    }
}

/// Whether a holder is there and not archived.
async fn is_there(connection: &mut SqliteConnection, holder: Principal) -> Attempt<bool> {
    let (kind, brand, streamer) = columns(holder);
    let query = sqlx::query_scalar(IS_THERE).bind(kind).bind(brand.or(streamer));
    Ok(query.fetch_one(connection).await?)
}

async fn add_key(
    connection: &mut SqliteConnection,
    hash: KeyHash,
    principal: Principal,
    (label, now): (&str, UnixMillis),
) -> Attempt<()> {
    let (kind, brand, streamer) = columns(principal);
    sqlx::query(ADD_KEY)
        .bind(hash.to_vec())
        .bind(kind)
        .bind(brand)
        .bind(streamer)
        .bind(label)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

fn key(row: &SqliteRow) -> Attempt<(KeyHash, Principal)> {
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok((known("hash", KeyHash::try_from(hash).ok())?, holder(row)?))
}

fn holder(row: &SqliteRow) -> Attempt<Principal> {
    Ok(match row.text("kind")?.as_str() {
        "brand" => Principal::Brand(BrandId(row.number("brand_id")?)),
        "streamer" => Principal::Streamer(StreamerId(row.number("streamer_id")?)),
        "overlay" => Principal::Overlay(StreamerId(row.number("streamer_id")?)),
        "admin" => Principal::Admin,
        _ => return known("kind", None),
    })
}

fn key_row(row: &SqliteRow) -> Attempt<KeyRow> {
    let (hash, holder) = key(row)?;
    let revoked: Option<i64> = row.try_get("revoked_at")?;
    let created = UnixMillis(row.number("created_at")?);
    Ok(KeyRow { hash, holder, label: row.text("label")?, created, revoked: revoked.map(UnixMillis) })
}

fn overlay_key(row: &SqliteRow) -> Attempt<OverlayKey> {
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(OverlayKey {
        hash: known("hash", KeyHash::try_from(hash).ok())?,
        name: row.text("label")?,
        masked: row.try_get("masked")?,
        created: row.moment("created_at")?,
    })
}
