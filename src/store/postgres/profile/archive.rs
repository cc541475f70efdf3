//! Archiving: an owner goes, with keys and users, and stays on record; they can come back.

use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, record};
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Archival, ByHand, EndedWhy, Owner, StoreError};
use sqlx::PgConnection;

statements! {
    LOCK_BRAND = "SELECT archived_at IS NOT NULL FROM brand WHERE id = $1 FOR UPDATE";
    LOCK_STREAMER = "SELECT archived_at IS NOT NULL FROM streamer WHERE id = $1 FOR UPDATE";
    ACTIVE = "SELECT count(*) FROM campaign WHERE brand_id = $1 AND status = 'active'";
    SET_BRAND = "UPDATE brand SET archived_at = $2, updated_at = $3, version = version + 1 WHERE id = $1";
    SET_STREAMER = "UPDATE streamer SET archived_at = $2, updated_at = $3, version = version + 1
        WHERE id = $1";
    /// A token of before is dead now and stays so.
    USERS_OF_BRAND = "UPDATE user_login SET epoch = epoch + 1 WHERE brand_id = $1 RETURNING id";
    USERS_OF_STREAMER = "UPDATE user_login SET epoch = epoch + 1 WHERE streamer_id = $1 RETURNING id";
    END_SESSIONS = "UPDATE user_session SET ended_at = $2, ended_why = $3
        WHERE user_id = $1 AND ended_at IS NULL";
}

/// Archives one, or brings one back.
pub(super) async fn set(
    connection: &mut PgConnection,
    owner: Owner,
    archived: bool,
    (hand, now): (&ByHand, UnixMillis),
) -> Attempt<Archival> {
    let (is_brand, id) = match owner {
        Owner::Brand(id) => (true, id.0),
        Owner::Streamer(id) => (false, id.0),
    };
    let lock = if is_brand { LOCK_BRAND } else { LOCK_STREAMER };
    let was: Option<bool> = sqlx::query_scalar(lock).bind(id).fetch_optional(&mut *connection).await?;
    let was = was.ok_or_else(|| Failure::from(StoreError::NotFound))?;
    if was == archived {
        return Ok(Archival::Done(Vec::new()));
    }
    if archived && is_brand {
        let active: i64 = sqlx::query_scalar(ACTIVE).bind(id).fetch_one(&mut *connection).await?;
        if active > 0 {
            return Ok(Archival::Active(active.unsigned_abs()));
        }
    }
    let set = sqlx::query(if is_brand { SET_BRAND } else { SET_STREAMER }).bind(id);
    set.bind(archived.then_some(now.0)).bind(now.0).execute(&mut *connection).await?;
    let users = if is_brand { USERS_OF_BRAND } else { USERS_OF_STREAMER };
    let users: Vec<i64> = sqlx::query_scalar(users).bind(id).fetch_all(&mut *connection).await?;
    for user in &users {
        let end = sqlx::query(END_SESSIONS).bind(user).bind(now.0).bind(EndedWhy::ByHand.code());
        end.execute(&mut *connection).await?;
    }
    let kind = if is_brand { "brand" } else { "streamer" };
    let deed = Deed {
        action: if archived { "archive" } else { "restore" },
        subject: format!("{kind}:{id}"),
        detail: format!("{} users", users.len()),
    };
    record(connection, hand, &deed, now).await?;
    Ok(Archival::Done(users.into_iter().map(UserId).collect()))
}
