//! Who signs in: users, the accounts elsewhere they sign in with, their sessions and their second factors.

use super::{ByHand, KeyHash, NewStreamer, Principal, StoreResult};
use crate::domain::id::UserId;
use crate::domain::time::UnixMillis;
use async_trait::async_trait;
use std::fmt;

/// A password as it is kept: a PHC string of argon2id. Never shown, not even in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Where else somebody may have an account to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Twitch.
    Twitch,
    /// Google, and so YouTube.
    Google,
}

impl Provider {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Twitch, Self::Google];

    /// Its name in paths, in the configuration and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Twitch => "twitch",
            Self::Google => "google",
        }
    }

    /// The provider of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.code() == code)
    }
}

/// An account at a provider, by the id that never changes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub provider: Provider,
    /// Its id there.
    pub subject: String,
}

/// The second factor of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// In force from then on; none until a first code has proved that the user has it.
    pub since: Option<UnixMillis>,
    /// The last step that was used: a code of it or of an earlier one is refused.
    pub step: i64,
}

/// Somebody who signs in, and for whom they act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// In small letters.
    pub email: String,
    /// For people.
    pub name: String,
    /// For whom they act: a brand, a streamer, or as an operator.
    pub acts_for: Principal,
    /// None for who signs in elsewhere only.
    pub password: Option<PasswordHash>,
    /// Access tokens of an earlier epoch are dead.
    pub epoch: i64,
    /// The second factor, if there is one.
    pub totp: Option<Totp>,
    /// Since when.
    pub created: UnixMillis,
    /// Since when they may not sign in any more.
    pub disabled: Option<UnixMillis>,
}

impl User {
    /// Whether a code is asked for when they sign in.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.since.is_some())
    }
}

/// For whom a new user acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewOwner {
    /// A brand of this name, made with the user.
    Brand(String),
    /// A streamer, made with the user.
    Streamer(Box<NewStreamer>),
    /// Somebody who is there; an operator always is.
    Existing(Principal),
}

/// A user to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// In small letters.
    pub email: String,
    /// For people.
    pub name: String,
    /// For whom they act.
    pub owner: NewOwner,
    /// None for who signs in elsewhere only.
    pub password: Option<PasswordHash>,
    /// The account elsewhere that they came with.
    pub link: Option<Link>,
}

/// What an operator changes on a user. None leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// For whom they act from now on.
    pub acts_for: Option<Principal>,
    /// Whether they may not sign in.
    pub disabled: Option<bool>,
    /// Whether their second factor is taken away, with its recovery codes.
    pub forget_second_factor: bool,
}

/// The id of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// Why a session ended before its time. The names are in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedWhy {
    /// The user signed out.
    SignedOut,
    /// An old refresh token came again: somebody else has a copy.
    Reused,
    /// The password was changed, or a second factor came into force.
    Password,
    /// An operator changed the user.
    ByHand,
    /// The user signed in too often elsewhere.
    TooMany,
}

impl EndedWhy {
    const ALL: [Self; 5] = [Self::SignedOut, Self::Reused, Self::Password, Self::ByHand, Self::TooMany];

    /// Its name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reused => "reused",
            Self::Password => "password",
            Self::ByHand => "by_hand",
            Self::TooMany => "too_many",
        }
    }

    /// The reason of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.code() == code)
    }
}

/// A sign-in, and the one refresh token of it that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its id, random.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// Hash of the token that is good now.
    pub hash: KeyHash,
    /// How many came before it.
    pub generation: i64,
    /// Since when it is good.
    pub rotated: UnixMillis,
    /// It is good until then, if nobody uses it.
    pub idle_until: UnixMillis,
    /// No token of this session is good any more.
    pub expires: UnixMillis,
    /// Ended before its time, when and why.
    pub ended: Option<(UnixMillis, EndedWhy)>,
}

/// The next refresh token of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextToken {
    /// The generation that it follows.
    pub after: i64,
    /// Its hash.
    pub hash: KeyHash,
    /// It is good until then, if nobody uses it.
    pub idle_until: UnixMillis,
}

/// A change of a user's second factor, each on a condition: false when it does not hold, and nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorChange {
    /// A new sealed secret, not in force yet. Not while one is in force.
    Enrol(Vec<u8>),
    /// It is in force: a code of `step` proved it. With the hashes of new recovery codes. Every session but
    /// `keep` ends: none that began without the second factor goes on.
    Confirm {
        /// The step of the code.
        step: i64,
        /// Hashes of recovery codes.
        recovery: Vec<KeyHash>,
        /// The session that showed the code.
        keep: SessionId,
    },
    /// A code of this step is used. Not if it, or a later one, was used before.
    Use(i64),
    /// A recovery code is used. Not twice.
    Recover(KeyHash),
    /// New recovery codes in the place of all that are left.
    Replace(Vec<KeyHash>),
    /// No second factor any more.
    Forget,
}

/// How a user stands, as far as their access tokens are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenStanding {
    /// Who.
    pub user: UserId,
    /// Tokens of an earlier epoch are dead.
    pub epoch: i64,
    /// All are.
    pub disabled: bool,
}

/// Users and their sessions. Every change is one transaction.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Makes a user, and for whom they act if that is new. What an operator does is put on record in the same
    /// transaction. None when the e-mail address or the account elsewhere belongs to a user already.
    async fn add_user(
        &self,
        new: &NewUser,
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Option<User>>;
    /// One user.
    async fn user(&self, id: UserId) -> StoreResult<User>;
    /// The user of an e-mail address in small letters.
    async fn user_by_email(&self, email: &str) -> StoreResult<Option<User>>;
    /// The user who signs in with an account elsewhere.
    async fn user_by_link(&self, link: &Link) -> StoreResult<Option<User>>;
    /// A page of users by ascending id, after `after`.
    async fn user_page(&self, after: Option<UserId>, limit: u32) -> StoreResult<Vec<User>>;
    /// The accounts elsewhere that a user signs in with.
    async fn links(&self, user: UserId) -> StoreResult<Vec<Link>>;
    /// Adds one; false when it belongs to a user already.
    async fn add_link(&self, user: UserId, link: &Link, now: UnixMillis) -> StoreResult<bool>;
    /// Sets a password, raises the epoch, and ends every session but `keep`; the user afterwards.
    async fn set_password(
        &self,
        user: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: UnixMillis,
    ) -> StoreResult<User>;
    /// Changes a user by hand, raises the epoch, ends every session and puts it on record; the user
    /// afterwards. `Constraint` when there is nobody for whom they are to act.
    async fn change_user(
        &self,
        user: UserId,
        change: &UserChange,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<User>;
    /// Changes a second factor; false when its condition does not hold.
    async fn change_factor(&self, user: UserId, change: &FactorChange, now: UnixMillis) -> StoreResult<bool>;
    /// Begins a session. The oldest of those that are open ends when the user has `most` already, and some
    /// that are long over are forgotten.
    async fn begin_session(&self, new: &Login, most: u32, now: UnixMillis) -> StoreResult<()>;
    /// One session, open or not.
    async fn session(&self, id: SessionId) -> StoreResult<Option<Login>>;
    /// The next refresh token of a session; false when another one came first, or the session has ended.
    async fn rotate(&self, id: SessionId, next: &NextToken, now: UnixMillis) -> StoreResult<bool>;
    /// Ends a session; false when it had ended before.
    async fn end_session(&self, id: SessionId, why: EndedWhy, now: UnixMillis) -> StoreResult<bool>;
    /// Ends all sessions of a user and raises the epoch.
    async fn end_sessions(&self, user: UserId, why: EndedWhy, now: UnixMillis) -> StoreResult<()>;
    /// How every user stands.
    async fn standings(&self) -> StoreResult<Vec<TokenStanding>>;
    /// How one user stands.
    async fn standing(&self, user: UserId) -> StoreResult<TokenStanding>;
    /// Sessions that ended since a moment, of one user or of all, each with its end.
    async fn ended_since(
        &self,
        user: Option<UserId>,
        since: UnixMillis,
    ) -> StoreResult<Vec<(SessionId, UnixMillis)>>;
    /// Uses a ticket up, by its random id; false when it was used before, on whichever node. It is remembered
    /// until it is dead anyway.
    async fn use_ticket(&self, id: [u8; 16], expires: UnixMillis, now: UnixMillis) -> StoreResult<bool>;
}
