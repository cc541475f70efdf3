//! Users, and the accounts elsewhere they sign in with.

use crate::store::sqlite::account::add_brand;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::key::subject;
use crate::store::sqlite::row::{Columns, known};
use crate::store::sqlite::wallet::{Deed, record};
use crate::store::sqlite::{statements, streamer};
use gametriggers_actors::domain::id::{BrandId, StreamerId, UserId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    ByHand, Link, NewOwner, NewUser, PasswordHash, Principal, Provider, TokenStanding, Totp, User, UserChange,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor, SqlitePool};

statements! {
    ADD = "INSERT INTO user_login (email, name, kind, brand_id, streamer_id, password, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
    EMAIL_TAKEN = "SELECT EXISTS (SELECT 1 FROM user_login WHERE email = ?1)";
    LINK_TAKEN = "SELECT EXISTS (SELECT 1 FROM user_link WHERE provider = ?1 AND subject = ?2)";
    ADD_LINK = "INSERT INTO user_link (provider, subject, user_id, created_at) VALUES (?1, ?2, ?3, ?4)";
    LINKS = "SELECT provider, subject FROM user_link WHERE user_id = ?1 ORDER BY provider, subject";
    ONE = "SELECT id, email, name, kind, brand_id, streamer_id, password, epoch, totp, totp_since,
        totp_step, created_at, disabled_at FROM user_standing WHERE id = ?1";
    BY_EMAIL = "SELECT id, email, name, kind, brand_id, streamer_id, password, epoch, totp, totp_since,
        totp_step, created_at, disabled_at FROM user_standing WHERE email = ?1";
    BY_LINK = "SELECT id, email, name, kind, brand_id, streamer_id, password, epoch, totp, totp_since,
        totp_step, u.created_at, disabled_at FROM user_standing u JOIN user_link l ON l.user_id = u.id
        WHERE l.provider = ?1 AND l.subject = ?2";
    PAGE = "SELECT id, email, name, kind, brand_id, streamer_id, password, epoch, totp, totp_since,
        totp_step, created_at, disabled_at FROM user_standing WHERE id > ?1 ORDER BY id LIMIT ?2";
    SET_PASSWORD = "UPDATE user_login SET password = ?2, epoch = epoch + 1 WHERE id = ?1";
    RAISE = "UPDATE user_login SET epoch = epoch + 1 WHERE id = ?1";
    CHANGE = "UPDATE user_login SET kind = ?2, brand_id = ?3, streamer_id = ?4, epoch = epoch + 1,
        disabled_at = CASE WHEN ?5 IS NULL THEN disabled_at WHEN ?5 THEN coalesce(disabled_at, ?6) END
        WHERE id = ?1";
    STANDINGS = "SELECT id, epoch, disabled_at FROM user_standing";
    STANDING = "SELECT id, epoch, disabled_at FROM user_standing WHERE id = ?1";
}

/// Makes a user; none when the address or the account elsewhere is taken.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    new: &NewUser,
    by: Option<&ByHand>,
    now: UnixMillis,
) -> Attempt<Option<User>> {
    let taken: bool = sqlx::query_scalar(EMAIL_TAKEN).bind(&new.email).fetch_one(&mut *connection).await?;
    let linked = match &new.link {
        Some(link) => link_taken(connection, link).await?,
        None => false,
    };
    if taken || linked {
        return Ok(None);
    }
    let acts_for = match &new.owner {
        NewOwner::Brand(name) => Principal::Brand(add_brand(connection, name, now).await?),
        NewOwner::Streamer(new) => {
            let ids = streamer::add(connection, std::slice::from_ref(new), now).await?;
            Principal::Streamer(known("streamer", ids.first().copied())?)
        }
        NewOwner::Existing(principal) => *principal,
    };
    let (kind, brand, streamer) = owner(acts_for)?;
    let add = sqlx::query_scalar(ADD).bind(&new.email).bind(&new.name).bind(kind).bind(brand).bind(streamer);
    let password = new.password.as_ref().map(|password| &password.0);
    let id = UserId(add.bind(password).bind(now.0).fetch_one(&mut *connection).await?);
    if let Some(link) = &new.link {
        insert_link(connection, id, link, now).await?;
    }
    if let Some(hand) = by {
        let detail = format!("{}, {}", new.email, subject(acts_for));
        let deed = Deed { action: "add_user", subject: format!("user:{id}"), detail };
        record(connection, hand, &deed, now).await?;
    }
    Ok(Some(one(connection, id).await?))
}

/// The columns of an owner.
fn owner(acts_for: Principal) -> Attempt<(&'static str, Option<i64>, Option<i64>)> {
    Ok(match acts_for {
        Principal::Brand(brand) => ("brand", Some(brand.0), None),
        Principal::Streamer(streamer) => ("streamer", None, Some(streamer.0)),
        Principal::Admin => ("admin", None, None),
        Principal::Overlay(_) => return known("kind", None),
    })
}

async fn link_taken(connection: &mut SqliteConnection, link: &Link) -> Attempt<bool> {
    let taken = sqlx::query_scalar(LINK_TAKEN).bind(link.provider.code()).bind(&link.subject);
    Ok(taken.fetch_one(connection).await?)
}

async fn insert_link(
    connection: &mut SqliteConnection,
    user: UserId,
    link: &Link,
    now: UnixMillis,
) -> Attempt<()> {
    let add = sqlx::query(ADD_LINK).bind(link.provider.code()).bind(&link.subject);
    add.bind(user.0).bind(now.0).execute(connection).await?;
    Ok(())
}

pub(super) async fn add_link(
    connection: &mut SqliteConnection,
    user: UserId,
    link: &Link,
    now: UnixMillis,
) -> Attempt<bool> {
    if link_taken(connection, link).await? {
        return Ok(false);
    }
    insert_link(connection, user, link, now).await?;
    Ok(true)
}

pub(super) async fn one(executor: impl SqliteExecutor<'_>, id: UserId) -> Attempt<User> {
    user(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

pub(super) async fn by_email(readers: &SqlitePool, email: &str) -> Attempt<Option<User>> {
    sqlx::query(BY_EMAIL).bind(email).fetch_optional(readers).await?.as_ref().map(user).transpose()
}

pub(super) async fn by_link(readers: &SqlitePool, link: &Link) -> Attempt<Option<User>> {
    let found = sqlx::query(BY_LINK).bind(link.provider.code()).bind(&link.subject);
    found.fetch_optional(readers).await?.as_ref().map(user).transpose()
}

pub(super) async fn page(readers: &SqlitePool, after: Option<UserId>, limit: u32) -> Attempt<Vec<User>> {
    let after = after.map_or(0, |after| after.0);
    let rows = sqlx::query(PAGE).bind(after).bind(i64::from(limit)).fetch_all(readers).await?;
    rows.iter().map(user).collect()
}

pub(super) async fn links(readers: &SqlitePool, id: UserId) -> Attempt<Vec<Link>> {
    let rows = sqlx::query(LINKS).bind(id.0).fetch_all(readers).await?;
    let link = |row: &SqliteRow| {
        Ok(Link { provider: row.code("provider", Provider::from_code)?, subject: row.text("subject")? })
    };
    rows.iter().map(link).collect()
}

pub(super) async fn set_password(
    connection: &mut SqliteConnection,
    id: UserId,
    password: &PasswordHash,
) -> Attempt<User> {
    sqlx::query(SET_PASSWORD).bind(id.0).bind(&password.0).execute(&mut *connection).await?;
    one(connection, id).await
}

pub(super) async fn raise_epoch(connection: &mut SqliteConnection, id: UserId) -> Attempt<()> {
    sqlx::query(RAISE).bind(id.0).execute(connection).await?;
    Ok(())
}

/// Changes a user by hand, and puts it on record.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    id: UserId,
    change: &UserChange,
    (hand, now): (&ByHand, UnixMillis),
) -> Attempt<User> {
    let before = one(&mut *connection, id).await?;
    let (kind, brand, streamer) = owner(change.acts_for.unwrap_or(before.acts_for))?;
    let update = sqlx::query(CHANGE).bind(id.0).bind(kind).bind(brand).bind(streamer);
    update.bind(change.disabled).bind(now.0).execute(&mut *connection).await?;
    let deed = Deed { action: "change_user", subject: format!("user:{id}"), detail: detail(change) };
    record(connection, hand, &deed, now).await?;
    one(connection, id).await
}

/// What was changed, for the record.
fn detail(change: &UserChange) -> String {
    let acts_for = change.acts_for.map(|owner| format!("acts for {}", subject(owner)));
    let disabled = change.disabled.map(|is| if is { "disabled" } else { "enabled" }.to_owned());
    let factor = change.forget_second_factor.then(|| "second factor reset".to_owned());
    [acts_for, disabled, factor].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) async fn standings(readers: &SqlitePool) -> Attempt<Vec<TokenStanding>> {
    sqlx::query(STANDINGS).fetch_all(readers).await?.iter().map(standing).collect()
}

pub(super) async fn standing_of(readers: &SqlitePool, id: UserId) -> Attempt<TokenStanding> {
    standing(&sqlx::query(STANDING).bind(id.0).fetch_one(readers).await?)
}

fn standing(row: &SqliteRow) -> Attempt<TokenStanding> {
    let disabled: Option<i64> = row.optional("disabled_at")?;
    Ok(TokenStanding {
        user: UserId(row.number("id")?),
        epoch: row.number("epoch")?,
        disabled: disabled.is_some(),
    })
}

fn user(row: &SqliteRow) -> Attempt<User> {
    let acts_for = match row.text("kind")?.as_str() {
        "brand" => Principal::Brand(BrandId(row.number("brand_id")?)),
        "streamer" => Principal::Streamer(StreamerId(row.number("streamer_id")?)),
        "admin" => Principal::Admin,
        _ => return known("kind", None),
    };
    let moment =
        |column| Ok::<_, crate::store::sqlite::failure::Failure>(row.optional(column)?.map(UnixMillis));
    let totp = match row.try_get::<Option<Vec<u8>>, _>("totp")? {
        Some(sealed) => Some(Totp { sealed, since: moment("totp_since")?, step: row.number("totp_step")? }),
        None => None,
    };
    let password: Option<String> = row.try_get("password")?;
    Ok(User {
        id: UserId(row.number("id")?),
        email: row.text("email")?,
        name: row.text("name")?,
        acts_for,
        password: password.map(PasswordHash),
        epoch: row.number("epoch")?,
        totp,
        created: row.moment("created_at")?,
        disabled: moment("disabled_at")?,
    })
}
