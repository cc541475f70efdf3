//! Who signs in. What belongs to one noun stands with it: the user, the session, the second factor.

mod factor;
mod person;
mod session;
mod ticket;

use super::failure::Attempt;
use super::ledger::fence_if_taken;
use super::writer::Work;
use super::{SqliteStore, row};
use async_trait::async_trait;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    ByHand, EndedWhy, FactorChange, Link, Login, NewUser, NextToken, PasswordHash, SessionId, StoreResult,
    TokenStanding, User, UserChange, UserStore,
};
use sqlx::SqliteConnection;

impl SqliteStore {
    /// One write transaction of a process that still owns the database.
    pub(super) async fn owned<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        let epoch = self.writer()?.epoch();
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                work(c).await
            })
        })
        .await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn add_user(
        &self,
        new: &NewUser,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Option<User>> {
        let (new, by) = (new.clone(), by.cloned());
        self.owned(move |c| Box::pin(async move { person::add(c, &new, by.as_ref(), now).await })).await
    }

    async fn user(&self, id: UserId) -> StoreResult<User> {
        Ok(person::one(&self.readers, id).await?)
    }

    async fn user_by_email(&self, email: &str) -> StoreResult<Option<User>> {
        Ok(person::by_email(&self.readers, email).await?)
    }

    async fn user_by_link(&self, link: &Link) -> StoreResult<Option<User>> {
        Ok(person::by_link(&self.readers, link).await?)
    }

    async fn user_page(&self, after: Option<UserId>, limit: u32) -> StoreResult<Vec<User>> {
        Ok(person::page(&self.readers, after, limit).await?)
    }

    async fn links(&self, user: UserId) -> StoreResult<Vec<Link>> {
        Ok(person::links(&self.readers, user).await?)
    }

    async fn add_link(&self, user: UserId, link: &Link, now: UnixMillis) -> StoreResult<bool> {
        let link = link.clone();
        self.owned(move |c| Box::pin(async move { person::add_link(c, user, &link, now).await })).await
    }

    async fn set_password(
        &self,
        user: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: UnixMillis,
    ) -> StoreResult<User> {
        let password = password.clone();
        self.owned(move |c| {
            Box::pin(async move {
                session::end_others(c, user, (keep, EndedWhy::Password), now).await?;
                person::set_password(c, user, &password).await
            })
        })
        .await
    }

    async fn change_user(
        &self,
        user: UserId,
        change: &UserChange,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<User> {
        let (change, hand) = (*change, hand.clone());
        self.owned(move |c| {
            Box::pin(async move {
                session::end_others(c, user, (None, EndedWhy::ByHand), now).await?;
                if change.forget_second_factor {
                    factor::change(c, user, &FactorChange::Forget, now).await?;
                }
                person::change(c, user, &change, (&hand, now)).await
            })
        })
        .await
    }

    async fn change_factor(&self, user: UserId, change: &FactorChange, now: UnixMillis) -> StoreResult<bool> {
        let change = change.clone();
        self.owned(move |c| Box::pin(async move { factor::change(c, user, &change, now).await })).await
    }

    async fn begin_session(&self, new: &Login, most: u32, now: UnixMillis) -> StoreResult<()> {
        let new = new.clone();
        self.owned(move |c| Box::pin(async move { session::begin(c, &new, most, now).await })).await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Login>> {
        Ok(session::one(&self.readers, id).await?)
    }

    async fn rotate(&self, id: SessionId, next: &NextToken, now: UnixMillis) -> StoreResult<bool> {
        let next = *next;
        self.owned(move |c| Box::pin(async move { session::rotate(c, id, &next, now).await })).await
    }

    async fn end_session(&self, id: SessionId, why: EndedWhy, now: UnixMillis) -> StoreResult<bool> {
        self.owned(move |c| Box::pin(async move { session::end(c, id, why, now).await })).await
    }

    async fn end_sessions(&self, user: UserId, why: EndedWhy, now: UnixMillis) -> StoreResult<()> {
        self.owned(move |c| {
            Box::pin(async move {
                session::end_others(c, user, (None, why), now).await?;
                person::raise_epoch(c, user).await
            })
        })
        .await
    }

    async fn standings(&self) -> StoreResult<Vec<TokenStanding>> {
        Ok(person::standings(&self.readers).await?)
    }

    async fn standing(&self, user: UserId) -> StoreResult<TokenStanding> {
        Ok(person::standing_of(&self.readers, user).await?)
    }

    async fn use_ticket(&self, id: [u8; 16], expires: UnixMillis, now: UnixMillis) -> StoreResult<bool> {
        self.owned(move |c| Box::pin(async move { ticket::spend(c, id, expires, now).await })).await
    }

    async fn ended_since(
        &self,
        user: Option<UserId>,
        since: UnixMillis,
    ) -> StoreResult<Vec<(SessionId, UnixMillis)>> {
        Ok(session::ended_since(&self.readers, user, since).await?)
    }
}

/// Sixteen bytes of a column.
fn session_id(column: &str, bytes: Vec<u8>) -> Attempt<SessionId> {
    row::known(column, bytes.try_into().ok().map(SessionId))
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [factor::STATEMENTS, person::STATEMENTS, session::STATEMENTS, ticket::STATEMENTS].concat()
}
