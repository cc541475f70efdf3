//! Who greets: the holder of a key, a user with an access token, or one of them with a ticket that was asked
//! for with either.

use crate::identity::Identity;
use crate::identity::ticket::Ticket;
use crate::identity::token::Pass;
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{KeyHash, Principal};
use gametriggers_actors::session::Credential;
use gametriggers_protocol::close::CloseCode;
use sha2::Digest;

/// Who is at the other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// For whom.
    pub holder: Principal,
    /// What they may do.
    pub scopes: Scopes,
    /// What they came with.
    pub credential: Credential,
}

/// What somebody shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// A key or a token that is good.
    Guest(Guest),
    /// A ticket. Whether it was used before is not known yet.
    Ticket(Ticket),
}

impl From<Pass> for Credential {
    fn from(pass: Pass) -> Self {
        Self::Token { user: pass.user, epoch: pass.epoch, login: pass.session, expires: pass.expires }
    }
}

impl Shown {
    /// Reads what somebody shows. No database is asked.
    ///
    /// # Errors
    /// It is not, or no longer, good.
    pub fn read(text: &str, engine: &Engine, identity: &Identity) -> Result<Self, CloseCode> {
        // Keys have no dot in them, tokens and tickets have two.
        if !text.contains('.') {
            return Guest::with_key(text, engine).map(Self::Guest);
        }
        let now = engine.now();
        if let Some(pass) = identity.tokens.read(text, now) {
            let guest = Guest { holder: pass.acts_for, scopes: pass.scopes, credential: pass.into() };
            let good = engine.judge(&guest.credential, now).is_ok();
            return if good { Ok(Self::Guest(guest)) } else { Err(CloseCode::Unauthorized) };
        }
        let ticket = identity.tokens.read_ticket(text, now).ok_or(CloseCode::Unauthorized)?;
        Ok(Self::Ticket(ticket))
    }
}

impl Guest {
    /// The holder of a key.
    ///
    /// # Errors
    /// It is not, or no longer, good.
    pub fn with_key(key: &str, engine: &Engine) -> Result<Self, CloseCode> {
        let (hash, terms) = engine.keyring.holder(key, engine.now()).ok_or(CloseCode::Unauthorized)?;
        Ok(Self { holder: terms.holder, scopes: terms.scopes, credential: Credential::Key(hash) })
    }

    /// The guest that a ticket stands for.
    #[must_use]
    pub const fn of(ticket: &Ticket) -> Self {
        Self { holder: ticket.holder, scopes: ticket.scopes, credential: ticket.credential }
    }

    /// Whether it may do what needs a scope.
    ///
    /// # Errors
    /// The key or the token does not carry the scope.
    pub fn may(&self, scope: Scope) -> Result<(), CloseCode> {
        if self.scopes.has(scope) { Ok(()) } else { Err(CloseCode::OutOfScope) }
    }

    /// The same guest with something newer: a token of the same user, or a key of the same holder.
    ///
    /// # Errors
    /// It is not good, or somebody else's.
    pub fn renewed(&self, text: &str, engine: &Engine, identity: &Identity) -> Result<Self, CloseCode> {
        match Shown::read(text, engine, identity)? {
            Shown::Guest(next) if next.is_same(self) => Ok(next),
            Shown::Guest(_) | Shown::Ticket(_) => Err(CloseCode::Unauthorized),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let same_kind = match (self.credential, other.credential) {
            (Credential::Key(_), Credential::Key(_)) => true,
            (Credential::Token { user, .. }, Credential::Token { user: others, .. }) => user == others,
            _ => false,
        };
        same_kind && self.holder == other.holder
    }

    /// Among which sockets it takes a place: those with the same key, or of the same user.
    #[must_use]
    pub fn seat(&self) -> KeyHash {
        match self.credential {
            Credential::Key(hash) => hash,
            Credential::Token { user, .. } => sha2::Sha256::digest(format!("user:{user}")).into(),
        }
    }
}
