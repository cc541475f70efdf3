//! Streamers as rows.

use super::failure::{Attempt, Failure, expect_rows};
use super::row::{Columns, json};
use super::statements;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{Corner, Profile, Settings, Streamer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{KeyHash, NewStreamer, StoreError};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};
use std::sync::Arc;

statements! {
    ONE = "SELECT * FROM streamer WHERE id = ?1";
    ALL = "SELECT * FROM streamer ORDER BY id";
    /// Ids are handed out here, so that many streamers and their keys go in with two statements.
    LAST_ID = "SELECT coalesce(max(id), 0) FROM streamer";
    ADD = "INSERT INTO streamer (id, name, content_category, language, country, paused, snoozed_until,
          slot_interval, hourly_max, first_ad_delay, corner, volume_percent, allow_video, blocked_brands,
          blocked_categories, created_at, updated_at)
        SELECT value ->> 'id', value ->> 'name', value ->> 'content_category', value ->> 'language',
          value ->> 'country', value ->> 'paused', value ->> 'snoozed_until', value ->> 'slot_interval',
          value ->> 'hourly_max', value ->> 'first_ad_delay', value ->> 'corner', value ->> 'volume_percent',
          value ->> 'allow_video', value -> 'blocked_brands', value -> 'blocked_categories', ?2, ?2
        FROM json_each(?1)";
    ADD_KEYS = "INSERT INTO api_key (hash, kind, streamer_id, label, created_at)
        SELECT unhex(value ->> 0), value ->> 1, value ->> 2, 'first', ?2 FROM json_each(?1)";
    SAVE = "UPDATE streamer SET paused = s ->> 'paused', snoozed_until = s ->> 'snoozed_until',
          slot_interval = s ->> 'slot_interval', hourly_max = s ->> 'hourly_max',
          first_ad_delay = s ->> 'first_ad_delay', corner = s ->> 'corner',
          volume_percent = s ->> 'volume_percent', allow_video = s ->> 'allow_video',
          blocked_brands = s -> 'blocked_brands', blocked_categories = s -> 'blocked_categories',
          updated_at = ?3
        FROM (SELECT ?2 AS s) WHERE id = ?1";
}

/// Rows in one statement at most: it bounds the size of its one parameter.
const CHUNK: usize = 1000;

/// What a streamer allows, by the names of the columns.
#[derive(Serialize)]
struct SettingsRow<'a> {
    paused: bool,
    snoozed_until: Option<i64>,
    slot_interval: i64,
    hourly_max: u32,
    first_ad_delay: i64,
    corner: &'static str,
    volume_percent: u8,
    allow_video: bool,
    blocked_brands: Vec<i64>,
    blocked_categories: Vec<&'a str>,
}

impl<'a> SettingsRow<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            paused: settings.paused,
            snoozed_until: settings.snoozed_until.map(|until| until.0),
            slot_interval: settings.slot_interval.0,
            hourly_max: settings.hourly_max,
            first_ad_delay: settings.first_ad_delay.0,
            corner: settings.corner.code(),
            volume_percent: settings.volume_percent,
            allow_video: settings.allow_video,
            blocked_brands: settings.blocked_brands.iter().map(|brand| brand.0).collect(),
            blocked_categories: settings.blocked_categories.iter().map(AsRef::as_ref).collect(),
        }
    }
}

#[derive(Serialize)]
struct StreamerRow<'a> {
    id: i64,
    name: &'a str,
    content_category: &'a str,
    language: &'a str,
    country: &'a str,
    #[serde(flatten)]
    settings: SettingsRow<'a>,
}

/// Adds streamers with their two keys each; their ids, in order.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    new: &[NewStreamer],
    now: UnixMillis,
) -> Attempt<Vec<StreamerId>> {
    let mut last: i64 = sqlx::query_scalar(LAST_ID).fetch_one(&mut *connection).await?;
    let mut ids = Vec::with_capacity(new.len());
    for chunk in new.chunks(CHUNK) {
        let (mut rows, mut keys) = (Vec::with_capacity(chunk.len()), Vec::with_capacity(chunk.len() * 2));
        for streamer in chunk {
            last = last.saturating_add(1);
            ids.push(StreamerId(last));
            rows.push(StreamerRow {
                id: last,
                name: &streamer.profile.name,
                content_category: &streamer.profile.content_category,
                language: &streamer.profile.language,
                country: &streamer.profile.country,
                settings: SettingsRow::new(&streamer.settings),
            });
            keys.push((hex(&streamer.key), "streamer", last));
            keys.push((hex(&streamer.overlay_key), "overlay", last));
        }
        let added = sqlx::query(ADD).bind(json(&rows)?).bind(now.0).execute(&mut *connection).await?;
        expect_rows("streamer", rows.len(), added.rows_affected())?;
        let added = sqlx::query(ADD_KEYS).bind(json(&keys)?).bind(now.0).execute(&mut *connection).await?;
        expect_rows("api_key", keys.len(), added.rows_affected())?;
    }
    Ok(ids)
}

fn hex(hash: &KeyHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One streamer.
pub(super) async fn one(executor: impl SqliteExecutor<'_>, id: StreamerId) -> Attempt<Streamer> {
    streamer(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// Every streamer.
pub(super) async fn all(executor: impl SqliteExecutor<'_>) -> Attempt<Vec<Streamer>> {
    sqlx::query(ALL).fetch_all(executor).await?.iter().map(streamer).collect()
}

/// Saves what a streamer allows.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    id: StreamerId,
    settings: &Settings,
    now: UnixMillis,
) -> Attempt<()> {
    let row = json(&SettingsRow::new(settings))?;
    let saved = sqlx::query(SAVE).bind(id.0).bind(row).bind(now.0).execute(connection).await?;
    expect_rows("streamer", 1, saved.rows_affected()).map_err(|_| Failure(StoreError::NotFound))
}

fn streamer(row: &SqliteRow) -> Attempt<Streamer> {
    let profile = Profile {
        name: row.shared("name")?,
        content_category: row.shared("content_category")?,
        language: row.shared("language")?,
        country: row.shared("country")?,
    };
    let settings = Settings {
        paused: row.flag("paused")?,
        snoozed_until: row.optional("snoozed_until")?.map(UnixMillis),
        slot_interval: row.span("slot_interval")?,
        hourly_max: row.number("hourly_max")?,
        first_ad_delay: row.span("first_ad_delay")?,
        corner: row.code("corner", Corner::from_code)?,
        volume_percent: row.number("volume_percent")?,
        allow_video: row.flag("allow_video")?,
        blocked_brands: row.list::<i64>("blocked_brands")?.into_iter().map(BrandId).collect(),
        blocked_categories: row.texts("blocked_categories")?,
    };
    Ok(Streamer {
        id: StreamerId(row.number("id")?),
        profile: Arc::new(profile),
        settings: Arc::new(settings),
    })
}
