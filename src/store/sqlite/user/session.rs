//! Sessions: a sign-in and the one refresh token of it that is good.

use super::session_id;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::{Columns, known};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{EndedWhy, KeyHash, Login, NextToken, SessionId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

statements! {
    BEGIN = "INSERT INTO user_session (id, user_id, hash, generation, rotated_at, idle_until, expires_at,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    /// All but the newest that are open.
    CROWD_OUT = "UPDATE user_session SET ended_at = ?3, ended_why = 'too_many' WHERE id IN (
        SELECT id FROM user_session WHERE user_id = ?1 AND ended_at IS NULL
        ORDER BY created_at DESC, id LIMIT -1 OFFSET ?2)";
    PRUNE = "DELETE FROM user_session WHERE id IN (
        SELECT id FROM user_session WHERE expires_at < ?1 ORDER BY expires_at LIMIT 100)";
    ONE = "SELECT id, user_id, hash, generation, rotated_at, idle_until, expires_at, ended_at, ended_why
        FROM user_session WHERE id = ?1";
    ROTATE = "UPDATE user_session SET hash = ?3, generation = generation + 1, rotated_at = ?4, idle_until = ?5
        WHERE id = ?1 AND generation = ?2 AND ended_at IS NULL";
    END = "UPDATE user_session SET ended_at = ?2, ended_why = ?3 WHERE id = ?1 AND ended_at IS NULL";
    END_OTHERS = "UPDATE user_session SET ended_at = ?3, ended_why = ?4
        WHERE user_id = ?1 AND ended_at IS NULL AND id IS NOT ?2";
    ENDED = "SELECT id, ended_at FROM user_session WHERE ended_at > ?1 AND (?2 IS NULL OR user_id = ?2)";
}

/// Families are kept this long after their last day.
const KEPT: Millis = Millis::minutes(30 * 24 * 60);

/// Begins one, ends the oldest of too many, and forgets some that are long over.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    new: &Login,
    most: u32,
    now: UnixMillis,
) -> Attempt<()> {
    sqlx::query(PRUNE).bind((now - KEPT).0).execute(&mut *connection).await?;
    let others = i64::from(most.saturating_sub(1));
    sqlx::query(CROWD_OUT).bind(new.user.0).bind(others).bind(now.0).execute(&mut *connection).await?;
    sqlx::query(BEGIN)
        .bind(new.id.0.to_vec())
        .bind(new.user.0)
        .bind(new.hash.to_vec())
        .bind(new.generation)
        .bind(new.rotated.0)
        .bind(new.idle_until.0)
        .bind(new.expires.0)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn one(readers: &SqlitePool, id: SessionId) -> Attempt<Option<Login>> {
    sqlx::query(ONE).bind(id.0.to_vec()).fetch_optional(readers).await?.as_ref().map(login).transpose()
}

fn login(row: &SqliteRow) -> Attempt<Login> {
    let hash: Vec<u8> = row.try_get("hash")?;
    let ended: Option<i64> = row.optional("ended_at")?;
    let ended = match ended {
        Some(at) => Some((UnixMillis(at), row.code("ended_why", EndedWhy::from_code)?)),
        None => None,
    };
    Ok(Login {
        id: session_id("id", row.try_get("id")?)?,
        user: UserId(row.number("user_id")?),
        hash: known("hash", KeyHash::try_from(hash).ok())?,
        generation: row.number("generation")?,
        rotated: row.moment("rotated_at")?,
        idle_until: row.moment("idle_until")?,
        expires: row.moment("expires_at")?,
        ended,
    })
}

pub(super) async fn rotate(
    connection: &mut SqliteConnection,
    id: SessionId,
    next: &NextToken,
    now: UnixMillis,
) -> Attempt<bool> {
    let rotate = sqlx::query(ROTATE).bind(id.0.to_vec()).bind(next.after).bind(next.hash.to_vec());
    let rotated = rotate.bind(now.0).bind(next.idle_until.0).execute(connection).await?;
    Ok(rotated.rows_affected() == 1)
}

pub(super) async fn end(
    connection: &mut SqliteConnection,
    id: SessionId,
    why: EndedWhy,
    now: UnixMillis,
) -> Attempt<bool> {
    let ended = sqlx::query(END).bind(id.0.to_vec()).bind(now.0).bind(why.code()).execute(connection).await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends all that a user has open, but for one.
pub(super) async fn end_others(
    connection: &mut SqliteConnection,
    user: UserId,
    (keep, why): (Option<SessionId>, EndedWhy),
    now: UnixMillis,
) -> Attempt<()> {
    let end = sqlx::query(END_OTHERS).bind(user.0).bind(keep.map(|id| id.0.to_vec()));
    end.bind(now.0).bind(why.code()).execute(connection).await?;
    Ok(())
}

pub(super) async fn ended_since(
    readers: &SqlitePool,
    user: Option<UserId>,
    since: UnixMillis,
) -> Attempt<Vec<(SessionId, UnixMillis)>> {
    let rows = sqlx::query(ENDED).bind(since.0).bind(user.map(|user| user.0)).fetch_all(readers).await?;
    rows.iter().map(|row| Ok((session_id("id", row.try_get("id")?)?, row.moment("ended_at")?))).collect()
}
