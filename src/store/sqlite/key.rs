//! Keys: what each opens, and how long.

use super::failure::{Attempt, Failure, expect_rows};
use super::row::{Columns, json, known};
use super::statements;
use super::streamer::hex;
use super::wallet::{Deed, record};
use futures_util::TryStreamExt;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::scope::Scopes;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    ByHand, KEYS_MAX, KeyHash, KeyRefusal, KeyRow, KeyTerms, NewKey, OverlayKey, Principal, StoreError,
    Successor, key_id,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

statements! {
    /// Keys of an owner who is archived are not good, and come back with them.
    KEYS = "SELECT hash, kind, brand_id, streamer_id, scopes, expires_at, rotates_at FROM api_key
        WHERE revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > ?1) AND (rotates_at IS NULL OR rotates_at > ?1)
        AND coalesce(brand_id, 0) NOT IN (SELECT id FROM brand WHERE archived_at IS NOT NULL)
        AND coalesce(streamer_id, 0) NOT IN (SELECT id FROM streamer WHERE archived_at IS NOT NULL)";
    KEY = "SELECT hash, kind, brand_id, streamer_id, scopes, expires_at, rotates_at FROM api_key
        WHERE hash = ?1 AND revoked_at IS NULL
        AND coalesce(brand_id, 0) NOT IN (SELECT id FROM brand WHERE archived_at IS NOT NULL)
        AND coalesce(streamer_id, 0) NOT IN (SELECT id FROM streamer WHERE archived_at IS NOT NULL)";
    HOLDER = "SELECT kind, brand_id, streamer_id FROM api_key WHERE hash = ?1 AND revoked_at IS NULL";
    /// Whether a holder is there and not archived.
    IS_THERE = "SELECT CASE ?1
        WHEN 'brand' THEN EXISTS (SELECT 1 FROM brand WHERE id = ?2 AND archived_at IS NULL)
        WHEN 'admin' THEN true
        ELSE EXISTS (SELECT 1 FROM streamer WHERE id = ?2 AND archived_at IS NULL) END";
    ONE = "SELECT hash, kind, brand_id, streamer_id, scopes, expires_at, rotates_at,
        label, masked, created_at, last_used_at, replaced_by, revoked_at
        FROM api_key WHERE hash = ?1 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > ?2) AND (rotates_at IS NULL OR rotates_at > ?2)";
    OF = "SELECT hash, kind, brand_id, streamer_id, scopes, expires_at, rotates_at,
        label, masked, created_at, last_used_at, replaced_by, revoked_at
        FROM api_key WHERE kind = ?1 AND (brand_id = ?2 OR streamer_id = ?2)
        AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > ?3) AND (rotates_at IS NULL OR rotates_at > ?3)
        ORDER BY created_at, hash";
    COUNT = "SELECT count(*) FROM api_key WHERE kind = ?1 AND (brand_id = ?2 OR streamer_id = ?2)
        AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > ?3) AND (rotates_at IS NULL OR rotates_at > ?3)";
    ADD = "INSERT INTO api_key (hash, kind, brand_id, streamer_id, label, created_at, masked, scopes,
        expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    /// The same as another key, but for its secret and its times.
    ADD_LIKE = "INSERT INTO api_key
        (hash, kind, brand_id, streamer_id, label, created_at, masked, scopes, expires_at)
        SELECT ?2, kind, brand_id, streamer_id, label, ?3, ?4, scopes, ?5
        FROM api_key WHERE hash = ?1";
    REPLACE = "UPDATE api_key SET replaced_by = ?2, rotates_at = ?3 WHERE hash = ?1";
    RENAME = "UPDATE api_key SET label = ?2 WHERE hash = ?1";
    REVOKE = "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE hash = ?1";
    /// By the primary key. The first page begins before every hash.
    PAGE = "SELECT hash, kind, brand_id, streamer_id, scopes, expires_at, rotates_at,
        label, masked, created_at, last_used_at, replaced_by, revoked_at
        FROM api_key WHERE hash > ?1 ORDER BY hash LIMIT ?2";
    OVERLAY_KEYS = "SELECT hash, label, masked, created_at FROM api_key
        WHERE kind = 'overlay' AND streamer_id = ?1 AND revoked_at IS NULL ORDER BY created_at, hash";
    NOTE = "UPDATE api_key SET last_used_at = n.value ->> 1 FROM json_each(?1) AS n
        WHERE hash = unhex(n.value ->> 0)
        AND (last_used_at IS NULL OR last_used_at <= (n.value ->> 1) - 3600000)";
}

pub(super) async fn all(readers: &SqlitePool, now: UnixMillis) -> Attempt<Vec<(KeyHash, KeyTerms)>> {
    let rows = sqlx::query(KEYS).bind(now.0).fetch(readers).err_into::<Failure>();
    rows.and_then(|row| async move { Ok((hash(&row, "hash")?, terms(&row)?)) }).try_collect().await
}

pub(super) async fn terms_of(readers: &SqlitePool, hash: KeyHash) -> Attempt<Option<KeyTerms>> {
    sqlx::query(KEY).bind(hash.to_vec()).fetch_optional(readers).await?.as_ref().map(terms).transpose()
}

pub(super) async fn of(readers: &SqlitePool, holder: Principal, now: UnixMillis) -> Attempt<Vec<KeyRow>> {
    let (kind, brand, streamer) = columns(holder);
    let rows = sqlx::query(OF).bind(kind).bind(brand.or(streamer)).bind(now.0).fetch_all(readers).await?;
    rows.iter().map(key_row).collect()
}

pub(super) async fn page(readers: &SqlitePool, after: Option<KeyHash>, limit: u32) -> Attempt<Vec<KeyRow>> {
    let after = after.map_or_else(Vec::new, |after| after.to_vec());
    let rows = sqlx::query(PAGE).bind(after).bind(i64::from(limit)).fetch_all(readers).await?;
    rows.iter().map(key_row).collect()
}

pub(super) async fn of_overlays(readers: &SqlitePool, streamer: StreamerId) -> Attempt<Vec<OverlayKey>> {
    let rows = sqlx::query(OVERLAY_KEYS).bind(streamer.0).fetch_all(readers).await?;
    rows.iter().map(overlay_key).collect()
}

/// Whether a holder is there and not archived.
pub(super) async fn is_there(connection: &mut SqliteConnection, holder: Principal) -> Attempt<bool> {
    let (kind, brand, streamer) = columns(holder);
    let there = sqlx::query_scalar(IS_THERE).bind(kind).bind(brand.or(streamer));
    Ok(there.fetch_one(connection).await?)
}

/// Adds a key, however many there are, of a holder who is there and not archived.
pub(super) async fn add(connection: &mut SqliteConnection, new: &NewKey, now: UnixMillis) -> Attempt<()> {
    let (kind, brand, streamer) = columns(new.holder);
    if !is_there(connection, new.holder).await? {
        return Err(Failure::refused("there is no such holder, or they are archived"));
    }
    sqlx::query(ADD)
        .bind(new.hash.to_vec())
        .bind(kind)
        .bind(brand)
        .bind(streamer)
        .bind(&new.name)
        .bind(now.0)
        .bind(&new.masked)
        .bind(new.scopes.map(|scopes| scopes.codes().join(" ")))
        .bind(new.expires.map(|at| at.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a key that its owner asked for, if it fits.
pub(super) async fn issue(
    connection: &mut SqliteConnection,
    new: &NewKey,
    by: Option<&ByHand>,
    now: UnixMillis,
) -> Attempt<Result<(), KeyRefusal>> {
    if !has_room(connection, new.holder, 1, now).await? {
        return Ok(Err(KeyRefusal::TooMany));
    }
    add(connection, new, now).await?;
    note_deed(connection, ("add_key", new.holder), &format!("key {}", key_id(&new.hash)), (by, now)).await?;
    Ok(Ok(()))
}

pub(super) async fn rename(
    connection: &mut SqliteConnection,
    hash: KeyHash,
    name: &str,
    (by, now): (Option<&ByHand>, UnixMillis),
) -> Attempt<()> {
    let holder = one(connection, hash, now).await?.terms.holder;
    sqlx::query(RENAME).bind(hash.to_vec()).bind(name).execute(&mut *connection).await?;
    let detail = format!("key {}: {name}", key_id(&hash));
    note_deed(connection, ("rename_key", holder), &detail, (by, now)).await
}

/// A successor, and the end of the old one.
pub(super) async fn rotate(
    connection: &mut SqliteConnection,
    next: &Successor,
    by: Option<&ByHand>,
    now: UnixMillis,
) -> Attempt<Result<KeyRow, KeyRefusal>> {
    let old = one(connection, next.old, now).await?;
    if old.successor.is_some() {
        return Ok(Err(KeyRefusal::Replaced));
    }
    let more = i64::from(next.overlap > Millis(0));
    if !has_room(connection, old.terms.holder, more, now).await? {
        return Ok(Err(KeyRefusal::TooMany));
    }
    let expires = old.terms.expires.map(|at| (now + (at - old.created)).0);
    sqlx::query(ADD_LIKE)
        .bind(next.old.to_vec())
        .bind(next.hash.to_vec())
        .bind(now.0)
        .bind(&next.masked)
        .bind(expires)
        .execute(&mut *connection)
        .await?;
    let replace = sqlx::query(REPLACE).bind(next.old.to_vec()).bind(next.hash.to_vec());
    replace.bind((now + next.overlap).0).execute(&mut *connection).await?;
    let detail = format!("key {}, now {}", key_id(&next.old), key_id(&next.hash));
    note_deed(connection, ("rotate_key", old.terms.holder), &detail, (by, now)).await?;
    Ok(Ok(one(connection, next.hash, now).await?))
}

/// Revokes a valid key; one that is revoked already stays as it is, and is on record already.
pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    hash: KeyHash,
    by: Option<&ByHand>,
    now: UnixMillis,
) -> Attempt<()> {
    let row = sqlx::query(HOLDER).bind(hash.to_vec()).fetch_optional(&mut *connection).await?;
    let revoked = sqlx::query(REVOKE).bind(hash.to_vec()).bind(now.0).execute(&mut *connection).await?;
    expect_rows("api_key", 1, revoked.rows_affected()).map_err(|_| Failure(StoreError::NotFound))?;
    let Some(row) = row else { return Ok(()) };
    note_deed(connection, ("revoke_key", holder(&row)?), &format!("key {}", key_id(&hash)), (by, now)).await
}

/// Notes when keys were last used.
pub(super) async fn note_used(
    connection: &mut SqliteConnection,
    used: &[(KeyHash, UnixMillis)],
) -> Attempt<()> {
    let rows: Vec<_> = used.iter().map(|(hash, at)| (hex(hash), at.0)).collect();
    sqlx::query(NOTE).bind(json(&rows)?).execute(connection).await?;
    Ok(())
}

/// Whether a holder may have so many keys more. Operators may have any number.
async fn has_room(
    connection: &mut SqliteConnection,
    holder: Principal,
    more: i64,
    now: UnixMillis,
) -> Attempt<bool> {
    let (kind, brand, streamer) = columns(holder);
    let Some(owner) = brand.or(streamer) else { return Ok(true) };
    let count: i64 =
        sqlx::query_scalar(COUNT).bind(kind).bind(owner).bind(now.0).fetch_one(connection).await?;
    Ok(count + more <= i64::from(KEYS_MAX))
}

/// A key that is good.
async fn one(connection: &mut SqliteConnection, hash: KeyHash, now: UnixMillis) -> Attempt<KeyRow> {
    let row = sqlx::query(ONE).bind(hash.to_vec()).bind(now.0).fetch_optional(connection).await?;
    key_row(&row.ok_or(Failure(StoreError::NotFound))?)
}

/// Puts it on record, when an operator does it.
async fn note_deed(
    connection: &mut SqliteConnection,
    (action, holder): (&'static str, Principal),
    detail: &str,
    (by, now): (Option<&ByHand>, UnixMillis),
) -> Attempt<()> {
    let Some(hand) = by else { return Ok(()) };
    let (subject, detail) = (subject(holder), detail.to_owned());
    record(connection, hand, &Deed { action, subject, detail }, now).await
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

/// Kind, brand and streamer of a holder.
const fn columns(holder: Principal) -> (&'static str, Option<i64>, Option<i64>) {
    match holder {
        Principal::Brand(brand) => ("brand", Some(brand.0), None),
        Principal::Streamer(streamer) => ("streamer", None, Some(streamer.0)),
        Principal::Overlay(streamer) => ("overlay", None, Some(streamer.0)),
        Principal::Admin => ("admin", None, None),
    }
}

fn hash(row: &SqliteRow, column: &str) -> Attempt<KeyHash> {
    known(column, KeyHash::try_from(row.try_get::<Vec<u8>, _>(column)?).ok())
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

fn terms(row: &SqliteRow) -> Attempt<KeyTerms> {
    let holder = holder(row)?;
    let most = holder.scopes();
    let scopes = row.optional_text("scopes")?.map_or(most, |names| Scopes::known(&names).and(most));
    let (expires, replaced) = (moment(row, "expires_at")?, moment(row, "rotates_at")?);
    Ok(KeyTerms { holder, scopes, expires, replaced })
}

fn moment(row: &SqliteRow, column: &str) -> Attempt<Option<UnixMillis>> {
    Ok(row.optional(column)?.map(UnixMillis))
}

fn key_row(row: &SqliteRow) -> Attempt<KeyRow> {
    let successor: Option<Vec<u8>> = row.try_get("replaced_by")?;
    Ok(KeyRow {
        hash: hash(row, "hash")?,
        terms: terms(row)?,
        label: row.text("label")?,
        masked: row.try_get("masked")?,
        created: row.moment("created_at")?,
        used: moment(row, "last_used_at")?,
        successor: successor.map(|hash| known("replaced_by", KeyHash::try_from(hash).ok())).transpose()?,
        revoked: moment(row, "revoked_at")?,
    })
}

fn overlay_key(row: &SqliteRow) -> Attempt<OverlayKey> {
    Ok(OverlayKey {
        hash: hash(row, "hash")?,
        name: row.text("label")?,
        masked: row.try_get("masked")?,
        created: row.moment("created_at")?,
    })
}
