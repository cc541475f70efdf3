//! Brands and keys; streamers have a file of their own.

use super::failure::{Attempt, Failure, expect_rows};
use super::row::{Columns, known};
use super::{PostgresStore, statements, streamer};
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Brand;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{Settings, Streamer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{AccountStore, KeyHash, NewStreamer, Principal, StoreError, StoreResult};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

statements! {
    KEYS = "SELECT hash, kind, brand_id, streamer_id FROM api_key WHERE revoked_at IS NULL";
    ADD_KEY = "INSERT INTO api_key (hash, kind, brand_id, streamer_id, label, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    REVOKE = "UPDATE api_key SET revoked_at = coalesce(revoked_at, $2) WHERE hash = $1";
    ADD_BRAND = "INSERT INTO brand (name, created_at) VALUES ($1, $2) RETURNING id";
    BRANDS = "SELECT id, name FROM brand ORDER BY id";
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn keys(&self) -> StoreResult<Vec<(KeyHash, Principal)>> {
        self.read(async { sqlx::query(KEYS).fetch_all(&self.readers).await?.iter().map(key).collect() }).await
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

    async fn revoke_key(&self, hash: KeyHash, now: UnixMillis) -> StoreResult<()> {
        self.write(move |c| {
            Box::pin(async move {
                let revoked = sqlx::query(REVOKE).bind(hash.to_vec()).bind(now.0).execute(c).await?;
                expect_rows("api_key", 1, revoked.rows_affected())
                    .map_err(|_| Failure::from(StoreError::NotFound))
            })
        })
        .await
    }

    async fn add_brand(&self, name: &str, now: UnixMillis) -> StoreResult<Brand> {
        let name = name.to_owned();
        self.write(move |c| {
            Box::pin(async move {
                let id: i64 = sqlx::query_scalar(ADD_BRAND).bind(&name).bind(now.0).fetch_one(c).await?;
                Ok(Brand { id: BrandId(id), name: name.into() })
            })
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

    async fn save_settings(&self, id: StreamerId, settings: &Settings, now: UnixMillis) -> StoreResult<()> {
        let settings = settings.clone();
        self.write(move |c| Box::pin(async move { streamer::save(c, id, &settings, now).await })).await
    }
}

async fn add_key(
    connection: &mut PgConnection,
    hash: KeyHash,
    principal: Principal,
    (label, now): (&str, UnixMillis),
) -> Attempt<()> {
    let (kind, brand, streamer) = match principal {
        Principal::Brand(brand) => ("brand", Some(brand.0), None),
        Principal::Streamer(streamer) => ("streamer", None, Some(streamer.0)),
        Principal::Overlay(streamer) => ("overlay", None, Some(streamer.0)),
        Principal::Admin => ("admin", None, None),
    };
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

fn key(row: &PgRow) -> Attempt<(KeyHash, Principal)> {
    let hash: Vec<u8> = row.try_get("hash")?;
    let hash = known("hash", KeyHash::try_from(hash).ok())?;
    let principal = match row.text("kind")?.as_str() {
        "brand" => Principal::Brand(BrandId(row.number("brand_id")?)),
        "streamer" => Principal::Streamer(StreamerId(row.number("streamer_id")?)),
        "overlay" => Principal::Overlay(StreamerId(row.number("streamer_id")?)),
        "admin" => Principal::Admin,
        _ => return known("kind", None),
    };
    Ok((hash, principal))
}
