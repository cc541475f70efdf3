//! Streamers as rows.

use super::failure::{Attempt, Failure, expect_rows};
use super::row::{Columns, json};
use super::statements;
use futures_util::TryStreamExt;
use gametriggers_actors::domain::creative::{Format, LengthCaps};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{
    Corner, Motion, OptIn, Platform, Profile, ProfileChange, Settings, SettingsChange, Streamer,
};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{NewStreamer, StoreError};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};
use std::sync::Arc;

statements! {
    ONE = "SELECT * FROM streamer WHERE id = $1";
    /// Without their details: at a start there is no use for them.
    ALL = "SELECT id, name, content_category, language, country, paused, snoozed_until, slot_interval,
          hourly_max, first_ad_delay, corner, volume_percent, motion, allow_video, blocked_brands,
          blocked_categories, platform, followers, mature, blocked_formats, allow_sound, length_image,
          length_video, length_text, length_qr, opt_in_policy, opt_in_at
        FROM streamer ORDER BY id";
    /// Ids are taken first, so that many streamers and their keys go in with two statements.
    IDS = "SELECT nextval(pg_get_serial_sequence('streamer', 'id')) FROM generate_series(1, $1)";
    ADD = "INSERT INTO streamer (id, name, content_category, language, country, paused, snoozed_until,
          slot_interval, hourly_max, first_ad_delay, corner, volume_percent, motion, allow_video,
          blocked_brands, blocked_categories, created_at, updated_at, platform, followers, mature,
          blocked_formats, allow_sound, length_image, length_video, length_text, length_qr, opt_in_policy,
          opt_in_at)
        SELECT s.id, s.name, s.content_category, s.language, s.country, s.paused, s.snoozed_until,
          s.slot_interval, s.hourly_max, s.first_ad_delay, s.corner, s.volume_percent, s.motion,
          s.allow_video, s.blocked_brands, s.blocked_categories, $2, $2,
          s.platform, s.followers, s.mature, s.blocked_formats, s.allow_sound, s.length_image, s.length_video,
          s.length_text, s.length_qr, s.opt_in_policy, s.opt_in_at
        FROM json_populate_recordset(NULL::streamer, $1::text::json) AS s";
    ADD_KEYS = "INSERT INTO api_key (hash, kind, streamer_id, label, created_at)
        SELECT k.hash, k.kind, k.streamer_id, 'first', $4
        FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS k (hash, kind, streamer_id)";
    SAVE_PAUSE = "UPDATE streamer SET paused = $2, snoozed_until = $3, updated_at = $4 WHERE id = $1";
    /// What is not named stays.
    CHANGE = "UPDATE streamer AS t SET slot_interval = coalesce(s.slot_interval, t.slot_interval),
          hourly_max = coalesce(s.hourly_max, t.hourly_max),
          first_ad_delay = coalesce(s.first_ad_delay, t.first_ad_delay),
          corner = coalesce(s.corner, t.corner),
          volume_percent = coalesce(s.volume_percent, t.volume_percent),
          motion = coalesce(s.motion, t.motion), allow_video = coalesce(s.allow_video, t.allow_video),
          blocked_brands = coalesce(s.blocked_brands, t.blocked_brands),
          blocked_categories = coalesce(s.blocked_categories, t.blocked_categories),
          blocked_formats = coalesce(s.blocked_formats, t.blocked_formats),
          allow_sound = coalesce(s.allow_sound, t.allow_sound),
          length_image = coalesce(s.length_image, t.length_image),
          length_video = coalesce(s.length_video, t.length_video),
          length_text = coalesce(s.length_text, t.length_text),
          length_qr = coalesce(s.length_qr, t.length_qr),
          opt_in_policy = CASE WHEN $4 THEN $5 ELSE t.opt_in_policy END,
          opt_in_at = CASE WHEN $4 THEN $6 ELSE t.opt_in_at END, updated_at = $3, version = t.version + 1
        FROM json_populate_record(NULL::streamer, $2::text::json) AS s
        WHERE t.id = $1 AND ($7::bigint IS NULL OR t.version = $7)";
    CHANGE_PROFILE = "UPDATE streamer SET name = coalesce($2, name),
          content_category = coalesce($3, content_category), language = coalesce($4, language),
          country = coalesce($5, country), platform = coalesce($6, platform),
          followers = coalesce($7, followers), mature = coalesce($8, mature), updated_at = $9,
          version = version + 1
        WHERE id = $1";
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
    motion: &'static str,
    allow_video: bool,
    blocked_formats: Vec<&'static str>,
    allow_sound: bool,
    length_image: i64,
    length_video: i64,
    length_text: i64,
    length_qr: i64,
    blocked_brands: Vec<i64>,
    blocked_categories: Vec<&'a str>,
    opt_in_policy: Option<&'a str>,
    opt_in_at: Option<i64>,
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
            motion: settings.motion.code(),
            allow_video: !settings.blocked_formats.contains(&Format::Video),
            blocked_formats: but_video(&settings.blocked_formats),
            allow_sound: settings.allow_sound,
            length_image: settings.lengths.image.0,
            length_video: settings.lengths.video.0,
            length_text: settings.lengths.text.0,
            length_qr: settings.lengths.qr.0,
            blocked_brands: settings.blocked_brands.iter().map(|brand| brand.0).collect(),
            blocked_categories: settings.blocked_categories.iter().map(AsRef::as_ref).collect(),
            opt_in_policy: settings.opt_in.as_ref().map(|given| given.policy.as_ref()),
            opt_in_at: settings.opt_in.as_ref().map(|given| given.at.0),
        }
    }
}

/// What a streamer sets, by the names of the columns; what is not set is left out.
#[derive(Serialize)]
struct ChangeRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    slot_interval: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hourly_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_ad_delay: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corner: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_percent: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    motion: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_video: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_formats: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_sound: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_image: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_video: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_text: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_qr: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_brands: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_categories: Option<Vec<&'a str>>,
}

impl<'a> ChangeRow<'a> {
    fn new(change: &'a SettingsChange) -> Self {
        let (brands, categories) = (&change.blocked_brands, &change.blocked_categories);
        let formats = change.blocked_formats.as_deref();
        Self {
            slot_interval: change.slot_interval.map(|span| span.0),
            hourly_max: change.hourly_max,
            first_ad_delay: change.first_ad_delay.map(|span| span.0),
            corner: change.corner.map(Corner::code),
            volume_percent: change.volume_percent,
            motion: change.motion.map(Motion::code),
            allow_video: formats.map(|all| !all.contains(&Format::Video)).or(change.allow_video),
            blocked_formats: formats.map(but_video),
            allow_sound: change.allow_sound,
            length_image: change.lengths.map(|caps| caps.image.0),
            length_video: change.lengths.map(|caps| caps.video.0),
            length_text: change.lengths.map(|caps| caps.text.0),
            length_qr: change.lengths.map(|caps| caps.qr.0),
            blocked_brands: brands.as_ref().map(|all| all.iter().map(|brand| brand.0).collect()),
            blocked_categories: categories.as_ref().map(|all| all.iter().map(AsRef::as_ref).collect()),
        }
    }
}

/// Video has a column of its own, which older servers know.
fn but_video(formats: &[Format]) -> Vec<&'static str> {
    formats.iter().filter(|format| **format != Format::Video).map(|format| format.code()).collect()
}

#[derive(Serialize)]
struct StreamerRow<'a> {
    id: i64,
    name: &'a str,
    content_category: &'a str,
    language: &'a str,
    country: &'a str,
    platform: &'static str,
    followers: u32,
    mature: bool,
    #[serde(flatten)]
    settings: SettingsRow<'a>,
}

/// Adds streamers with their two keys each; their ids, in order.
pub(super) async fn add(
    connection: &mut PgConnection,
    new: &[NewStreamer],
    now: UnixMillis,
) -> Attempt<Vec<StreamerId>> {
    let mut ids = Vec::with_capacity(new.len());
    for chunk in new.chunks(CHUNK) {
        let taken = take_ids(connection, chunk.len()).await?;
        let rows: Vec<_> = chunk.iter().zip(&taken).map(|(streamer, id)| row(streamer, *id)).collect();
        let added = sqlx::query(ADD).bind(json(&rows)?).bind(now.0).execute(&mut *connection).await?;
        expect_rows("streamer", chunk.len(), added.rows_affected())?;
        add_keys(connection, chunk, &taken, now).await?;
        ids.extend(taken.into_iter().map(StreamerId));
    }
    Ok(ids)
}

async fn take_ids(connection: &mut PgConnection, wanted: usize) -> Attempt<Vec<i64>> {
    let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
    let mut ids: Vec<i64> = sqlx::query_scalar(IDS).bind(wanted).fetch_all(connection).await?;
    ids.sort_unstable();
    Ok(ids)
}

fn row(streamer: &NewStreamer, id: i64) -> StreamerRow<'_> {
    StreamerRow {
        id,
        name: &streamer.profile.name,
        content_category: &streamer.profile.content_category,
        language: &streamer.profile.language,
        country: &streamer.profile.country,
        platform: streamer.profile.platform.code(),
        followers: streamer.profile.followers,
        mature: streamer.profile.mature,
        settings: SettingsRow::new(&streamer.settings),
    }
}

async fn add_keys(
    connection: &mut PgConnection,
    chunk: &[NewStreamer],
    ids: &[i64],
    now: UnixMillis,
) -> Attempt<()> {
    let (mut hashes, mut kinds, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (streamer, id) in chunk.iter().zip(ids) {
        for (hash, kind) in [(&streamer.key, "streamer"), (&streamer.overlay_key, "overlay")] {
            hashes.push(hash.to_vec());
            kinds.push(kind);
            owners.push(*id);
        }
    }
    let wanted = hashes.len();
    let added =
        sqlx::query(ADD_KEYS).bind(hashes).bind(kinds).bind(owners).bind(now.0).execute(connection).await?;
    expect_rows("api_key", wanted, added.rows_affected())
}

/// One streamer.
pub(super) async fn one(executor: impl PgExecutor<'_>, id: StreamerId) -> Attempt<Streamer> {
    streamer(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// Every streamer. Row by row: the driver's rows take several times the room of what is made of them.
pub(super) async fn all(executor: impl PgExecutor<'_>) -> Attempt<Vec<Streamer>> {
    let rows = sqlx::query(ALL).fetch(executor).err_into::<Failure>();
    rows.and_then(|row| async move { streamer(&row) }).try_collect().await
}

/// Saves whether a streamer has paused or snoozed.
pub(super) async fn save_pause(
    connection: &mut PgConnection,
    id: StreamerId,
    settings: &Settings,
    now: UnixMillis,
) -> Attempt<()> {
    let snoozed_until = settings.snoozed_until.map(|until| until.0);
    let save = sqlx::query(SAVE_PAUSE).bind(id.0).bind(settings.paused).bind(snoozed_until).bind(now.0);
    let saved = save.execute(connection).await?;
    expect_rows("streamer", 1, saved.rows_affected()).map_err(|_| Failure::from(StoreError::NotFound))
}

/// Changes the other settings, if the streamer still has the version that the change is meant for. With the
/// version afterwards.
pub(super) async fn change(
    connection: &mut PgConnection,
    id: StreamerId,
    change: &SettingsChange,
    (version, now): (Option<i64>, UnixMillis),
) -> Attempt<(Streamer, i64)> {
    let row = json(&ChangeRow::new(change))?;
    let given = change.opt_in.as_ref().and_then(Option::as_ref);
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(row)
        .bind(now.0)
        .bind(change.opt_in.is_some())
        .bind(given.map(|given| given.policy.as_ref()))
        .bind(given.map(|given| given.at.0))
        .bind(version)
        .execute(&mut *connection)
        .await?;
    // Not found, when there is none.
    let row = sqlx::query(ONE).bind(id.0).fetch_one(connection).await?;
    if changed.rows_affected() == 0 {
        return Err(Failure::from(StoreError::Changed));
    }
    Ok((streamer(&row)?, row.number("version")?))
}

/// Changes what targeting looks at.
pub(super) async fn change_profile(
    connection: &mut PgConnection,
    id: StreamerId,
    change: &ProfileChange,
    now: UnixMillis,
) -> Attempt<Streamer> {
    sqlx::query(CHANGE_PROFILE)
        .bind(id.0)
        .bind(change.name.as_deref())
        .bind(change.content_category.as_deref())
        .bind(change.language.as_deref())
        .bind(change.country.as_deref())
        .bind(change.platform.map(Platform::code))
        .bind(change.followers.map(i64::from))
        .bind(change.mature)
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    // Not found, when there is none.
    one(connection, id).await
}

/// What targeting looks at, and what they allow.
pub(super) fn streamer(row: &PgRow) -> Attempt<Streamer> {
    let profile = Profile {
        name: row.shared("name")?,
        content_category: row.shared("content_category")?,
        language: row.shared("language")?,
        country: row.shared("country")?,
        platform: row.code("platform", Platform::from_code)?,
        followers: row.number("followers")?,
        mature: row.flag("mature")?,
    };
    let settings = Settings {
        paused: row.flag("paused")?,
        snoozed_until: row.optional("snoozed_until")?.map(UnixMillis),
        slot_interval: row.span("slot_interval")?,
        hourly_max: row.number("hourly_max")?,
        first_ad_delay: row.span("first_ad_delay")?,
        corner: row.code("corner", Corner::from_code)?,
        volume_percent: row.number("volume_percent")?,
        motion: row.code("motion", Motion::from_code)?,
        blocked_formats: formats(row)?,
        allow_sound: row.flag("allow_sound")?,
        lengths: LengthCaps {
            image: row.span("length_image")?,
            video: row.span("length_video")?,
            text: row.span("length_text")?,
            qr: row.span("length_qr")?,
        },
        blocked_brands: row.numbers("blocked_brands")?.into_iter().map(BrandId).collect(),
        blocked_categories: row.texts("blocked_categories")?,
        opt_in: opt_in(row)?,
    };
    Ok(Streamer {
        id: StreamerId(row.number("id")?),
        profile: Arc::new(profile),
        settings: Arc::new(settings),
    })
}

/// In the order of the formats, video among them.
fn formats(row: &PgRow) -> Attempt<Vec<Format>> {
    let (allow_video, others) = (row.flag("allow_video")?, row.texts("blocked_formats")?);
    let blocked = |format: &Format| match format {
        Format::Video => !allow_video,
        _ => others.iter().any(|code| **code == *format.code()),
    };
    Ok(Format::ALL.into_iter().filter(blocked).collect())
}

fn opt_in(row: &PgRow) -> Attempt<Option<OptIn>> {
    let given = row.optional_text("opt_in_policy")?.zip(row.optional("opt_in_at")?);
    Ok(given.map(|(policy, at)| OptIn { policy, at: UnixMillis(at) }))
}
