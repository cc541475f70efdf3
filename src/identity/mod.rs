//! Who signs in, and what they are given: passwords, access tokens, refresh tokens, second factors.
//!
//! Nothing here knows HTTP or a database. What is secret follows from the keys of `secrets.auth_keys`.

pub mod attempts;
pub mod keys;
pub mod password;
pub mod provider;
pub mod refresh;
pub mod setup;
pub mod signer;
pub mod ticket;
pub mod token;
pub mod totp;

use self::attempts::Attempts;
use self::keys::AuthKeys;
use self::password::Passwords;
use self::provider::Providers;
use self::ticket::Seen;
use self::token::Tokens;
use gametriggers_actors::domain::time::Millis;
use std::sync::Arc;

/// How long what is given is good.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    /// An access token.
    pub access: Millis,
    /// A refresh token that nobody uses.
    pub idle: Millis,
    /// All refresh tokens that follow from one sign-in.
    pub session: Millis,
    /// How long a refresh whose answer was lost may be asked for again.
    pub grace: Millis,
}

/// What may be done.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether strangers may open accounts.
    pub sign_up: bool,
    /// Sessions of a user at most; the oldest makes room.
    pub sessions_max: u32,
    /// Whether operators need a second factor.
    pub admin_two_factor: bool,
}

/// Everything that signing in needs besides the store.
pub struct Identity {
    /// What everything secret follows from.
    pub keys: Arc<AuthKeys>,
    /// Access tokens.
    pub tokens: Tokens,
    /// Tickets that were shown to this node.
    pub tickets: Seen,
    /// Passwords.
    pub passwords: Passwords,
    /// Who tried how often.
    pub attempts: Attempts,
    /// Where else users may have an account.
    pub providers: Providers,
    /// Where a sign-in at a provider may end; the first one unless another is asked for.
    pub front_ends: Vec<String>,
    /// How long what is given is good.
    pub lives: Lives,
    /// What may be done.
    pub rules: Rules,
    /// Hash of the key of services that may ask who somebody is; none when no key may.
    pub service_key: Option<[u8; 32]>,
}
