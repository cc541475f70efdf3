//! What brands have uploaded, counted against their quota.

use super::failure::{Attempt, Failure};
use super::row::{Columns, json, known};
use super::{PostgresStore, statements};
use async_trait::async_trait;
use gametriggers_actors::domain::asset::{Asset, AssetFile, Media, Reel};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{AssetStore, BrandAsset, StoreError, StoreResult};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};
use std::sync::Arc;

statements! {
    /// Uploads of one brand at the same time are counted one after the other.
    LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('brand_asset', $1))";
    ADD = "INSERT INTO asset (name, width, height, bytes, duration_ms, frames, sound, visible_bps, others,
          created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    BRING_BACK = "UPDATE brand_asset SET archived_at = NULL WHERE brand_id = $1 AND name = $2";
    CHARGE = "INSERT INTO brand_asset (brand_id, name, bytes, created_at) SELECT $1, $2, $3::bigint, $5
        WHERE (SELECT coalesce(sum(bytes), 0) FROM brand_asset WHERE brand_id = $1) + $3::bigint
          <= $4::bigint";
    ASSET = "SELECT name, width, height, bytes, duration_ms, frames, sound, visible_bps, others FROM asset
        WHERE name = $1";
    ONE = "SELECT b.name AS upload, b.bytes AS charged, b.created_at AS uploaded_at, b.archived_at, a.*
        FROM brand_asset AS b LEFT JOIN asset AS a ON a.name = b.name
        WHERE b.brand_id = $1 AND b.name = $2";
    FIRST = "SELECT b.name AS upload, b.bytes AS charged, b.created_at AS uploaded_at, b.archived_at, a.*
        FROM brand_asset AS b LEFT JOIN asset AS a ON a.name = b.name
        WHERE b.brand_id = $1 AND (b.archived_at IS NOT NULL) = $2
        ORDER BY b.created_at DESC, b.name DESC LIMIT $3";
    BEFORE = "SELECT b.name AS upload, b.bytes AS charged, b.created_at AS uploaded_at, b.archived_at, a.*
        FROM brand_asset AS b LEFT JOIN asset AS a ON a.name = b.name
        WHERE b.brand_id = $1 AND (b.archived_at IS NOT NULL) = $2 AND (b.created_at, b.name) <
          (SELECT created_at, name FROM brand_asset WHERE brand_id = $1 AND name = $4)
        ORDER BY b.created_at DESC, b.name DESC LIMIT $3";
    ARCHIVE = "UPDATE brand_asset SET archived_at = coalesce(archived_at, $3)
        WHERE brand_id = $1 AND name = $2";
}

#[async_trait]
impl AssetStore for PostgresStore {
    async fn keep_asset(
        &self,
        owner: Option<BrandId>,
        asset: &Asset,
        quota: i64,
        now: UnixMillis,
    ) -> StoreResult<bool> {
        let asset = asset.clone();
        self.write(move |c| Box::pin(async move { keep(c, (owner, quota), &asset, now).await })).await
    }

    async fn asset(&self, name: &str) -> StoreResult<Option<Asset>> {
        self.read(asset(&self.readers, name)).await
    }

    async fn brand_asset(&self, brand: BrandId, name: &str) -> StoreResult<BrandAsset> {
        self.read(one(&self.readers, brand, name)).await
    }

    async fn brand_assets(
        &self,
        brand: BrandId,
        archived: bool,
        before: Option<&str>,
        limit: u32,
    ) -> StoreResult<Vec<BrandAsset>> {
        self.read(page(&self.readers, (brand, archived), before, limit)).await
    }

    async fn archive_asset(&self, brand: BrandId, name: &str, now: UnixMillis) -> StoreResult<BrandAsset> {
        let name = name.to_owned();
        self.write(move |c| Box::pin(async move { archive(c, brand, &name, now).await })).await
    }
}

/// Whether the asset fits, and is counted.
async fn keep(
    connection: &mut PgConnection,
    (owner, quota): (Option<BrandId>, i64),
    asset: &Asset,
    now: UnixMillis,
) -> Attempt<bool> {
    if let Some(brand) = owner {
        sqlx::query(LOCK).bind(brand.0).execute(&mut *connection).await?;
        let name = &*asset.file.name;
        let back = sqlx::query(BRING_BACK).bind(brand.0).bind(name).execute(&mut *connection).await?;
        if back.rows_affected() == 0 {
            let bytes = known("bytes", i64::try_from(asset.bytes()).ok())?;
            let charge = sqlx::query(CHARGE).bind(brand.0).bind(name).bind(bytes).bind(quota).bind(now.0);
            if charge.execute(&mut *connection).await?.rows_affected() == 0 {
                return Ok(false);
            }
        }
    }
    add(connection, asset, now).await?;
    Ok(true)
}

async fn add(connection: &mut PgConnection, asset: &Asset, now: UnixMillis) -> Attempt<()> {
    let file = &asset.file;
    let others: Vec<_> =
        asset.others.iter().map(|one| (&*one.name, one.width, one.height, one.bytes)).collect();
    sqlx::query(ADD)
        .bind(&*file.name)
        .bind(i64::from(file.width))
        .bind(i64::from(file.height))
        .bind(known("bytes", i64::try_from(file.bytes).ok())?)
        .bind(asset.reel.map(|reel| reel.duration.0))
        .bind(asset.reel.map(|reel| i64::from(reel.frames)))
        .bind(asset.reel.is_some_and(|reel| reel.sound))
        .bind(i64::from(asset.visible_bps))
        .bind(json(&others)?)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn asset(executor: impl PgExecutor<'_>, name: &str) -> Attempt<Option<Asset>> {
    sqlx::query(ASSET).bind(name).fetch_optional(executor).await?.as_ref().map(read).transpose()
}

async fn one(executor: impl PgExecutor<'_>, brand: BrandId, name: &str) -> Attempt<BrandAsset> {
    let row = sqlx::query(ONE).bind(brand.0).bind(name).fetch_optional(executor).await?;
    upload(&row.ok_or(StoreError::NotFound)?)
}

async fn page(
    executor: impl PgExecutor<'_>,
    (brand, archived): (BrandId, bool),
    before: Option<&str>,
    limit: u32,
) -> Attempt<Vec<BrandAsset>> {
    let query = sqlx::query(if before.is_some() { BEFORE } else { FIRST });
    let query = query.bind(brand.0).bind(archived).bind(i64::from(limit));
    let query = if let Some(before) = before { query.bind(before) } else { query };
    query.fetch_all(executor).await?.iter().map(upload).collect()
}

async fn archive(
    connection: &mut PgConnection,
    brand: BrandId,
    name: &str,
    now: UnixMillis,
) -> Attempt<BrandAsset> {
    sqlx::query(ARCHIVE).bind(brand.0).bind(name).bind(now.0).execute(&mut *connection).await?;
    one(connection, brand, name).await
}

fn upload(row: &PgRow) -> Attempt<BrandAsset> {
    // An upload from before assets were described has no row of its own there.
    let described = row.try_get::<Option<i64>, _>("width")?.is_some();
    Ok(BrandAsset {
        name: row.shared("upload")?,
        bytes: row.number("charged")?,
        created_at: row.moment("uploaded_at")?,
        archived_at: row.optional("archived_at")?.map(UnixMillis),
        asset: if described { Some(read(row)?) } else { None },
    })
}

fn read(row: &PgRow) -> Attempt<Asset> {
    let others: Vec<(String, u32, u32, u64)> =
        known("others", serde_json::from_str(&row.text("others")?).ok())?;
    let file = |(name, width, height, bytes): (Arc<str>, u32, u32, u64)| {
        let media = known("name", Media::of_name(&name))?;
        Ok::<_, Failure>(AssetFile { name, media, width, height, bytes })
    };
    let others =
        others.into_iter().map(|(name, width, height, bytes)| file((name.into(), width, height, bytes)));
    let reel = match (row.optional("duration_ms")?, row.optional("frames")?) {
        (Some(duration), Some(frames)) => {
            Some(Reel { duration: Millis(duration), frames, sound: row.flag("sound")? })
        }
        _ => None,
    };
    Ok(Asset {
        file: file((row.shared("name")?, row.number("width")?, row.number("height")?, row.number("bytes")?))?,
        others: others.collect::<Result<_, _>>()?,
        reel,
        visible_bps: row.number("visible_bps")?,
    })
}
