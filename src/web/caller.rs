//! Who calls: the holder of the bearer key, or the user of the bearer token.

use super::Shared;
use super::problem::Problem;
use super::rate::Subject;
use crate::identity::token::Pass;
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::ports::{KeyHash, Owner, Principal};
use gametriggers_actors::session;
use std::fmt::Write;
use std::future::{Ready, ready};

/// What came with a request, and was found good.
#[derive(Clone, Copy, Debug)]
enum Credential {
    /// A key that is kept by its hash.
    Key(KeyHash),
    /// An access token of a user.
    Token(Pass),
}

/// For whom a request is made, and what it may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub Principal, Credential, Scopes);

/// A user who is signed in, perhaps not to the end: an operator whose second factor is not set up yet may do
/// that, and is no `Caller` before.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedIn(pub Pass);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(known(request).ok_or_else(Problem::unauthorized).and_then(|caller| match caller.1 {
            Credential::Token(_) if caller.2.is_empty() => {
                Err(Problem::forbidden("an operator sets up a second factor first"))
            }
            _ => Ok(caller),
        }))
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match known(request) {
            Some(Caller(_, Credential::Token(pass), _)) => Ok(Self(pass)),
            Some(Caller(_, Credential::Key(_), _)) => {
                Err(Problem::forbidden("a user who is signed in does this; an API key is no user"))
            }
            None => Err(Problem::unauthorized()),
        })
    }
}

/// What stands behind `Bearer`.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// What was found out about a request, for all who ask of it.
#[derive(Clone, Copy)]
struct Known(Option<Caller>);

/// Who calls, if the credential is good. It is looked up once a request.
pub(super) fn known(request: &HttpRequest) -> Option<Caller> {
    let before = request.extensions().get::<Known>().copied();
    let Known(caller) = before.unwrap_or_else(|| {
        let found = Known(caller(request));
        request.extensions_mut().insert(found);
        found
    });
    caller
}

fn caller(request: &HttpRequest) -> Option<Caller> {
    let shared = request.app_data::<web::Data<Shared>>()?;
    let credential = bearer(request)?;
    // Keys have no dot in them, and a token has two: no database is asked for either.
    if credential.contains('.') {
        let pass = pass(shared, credential)?;
        return Some(Caller(pass.acts_for, Credential::Token(pass), pass.scopes));
    }
    let (hash, terms) = shared.engine.keyring.holder(credential, shared.engine.now())?;
    match terms.holder {
        // An overlay's key is on stream sooner or later: it opens nothing but the overlay socket.
        Principal::Overlay(_) => None,
        holder => Some(Caller(holder, Credential::Key(hash), terms.scopes)),
    }
}

/// An access token that is good now: signed, not over, not revoked.
pub(super) fn pass(shared: &Shared, token: &str) -> Option<Pass> {
    let pass = shared.identity.tokens.read(token, shared.engine.now())?;
    shared.engine.logins.is_good(pass.user, pass.epoch, pass.session).then_some(pass)
}

impl Caller {
    /// Whether it may do what needs a scope. Whose things those are is another question.
    ///
    /// # Errors
    /// The key or the token does not carry the scope.
    pub(super) fn may(self, scope: Scope) -> Result<(), Problem> {
        if self.2.has(scope) { Ok(()) } else { Err(Problem::out_of_scope(scope)) }
    }

    /// All that it may do.
    pub(super) const fn scopes(self) -> Scopes {
        self.2
    }

    /// What it came with, as sockets know it.
    pub(super) fn credential(self) -> session::Credential {
        match self.1 {
            Credential::Key(hash) => session::Credential::Key(hash),
            Credential::Token(pass) => pass.into(),
        }
    }

    /// For whom the request counts.
    pub(super) const fn subject(self) -> Subject {
        match self.1 {
            Credential::Key(hash) => Subject::Key(hash),
            Credential::Token(pass) => Subject::User(pass.user),
        }
    }

    /// Whether it may do what needs one of some scopes.
    ///
    /// # Errors
    /// The key or the token carries none of them: the first one is named.
    pub(super) fn may_any(self, scopes: &[Scope]) -> Result<(), Problem> {
        match scopes {
            [] => Err(Problem::not_found()),
            [first, ..] if !scopes.iter().any(|scope| self.2.has(*scope)) => {
                Err(Problem::out_of_scope(*first))
            }
            _ => Ok(()),
        }
    }

    /// The brand to act for: a brand's own, or the one that an admin names.
    ///
    /// # Errors
    /// The key is a streamer's, or an admin named no brand, or a brand named another one.
    pub(super) fn brand(self, named: Option<i64>) -> Result<BrandId, Problem> {
        match (self.0, named) {
            (Principal::Brand(own), None) => Ok(own),
            (Principal::Brand(own), Some(id)) if own.0 == id => Ok(own),
            (Principal::Brand(_), Some(_)) => Err(Problem::forbidden("a brand acts for itself only")),
            (Principal::Admin, Some(id)) => Ok(BrandId(id)),
            (Principal::Admin, None) => Err(Problem::malformed("an admin names the brand in brand_id")),
            (Principal::Streamer(_) | Principal::Overlay(_), _) => {
                Err(Problem::forbidden("a brand's key is needed"))
            }
        }
    }

    /// Whether the key may see and change what belongs to a brand. The answer to a stranger is
    /// the same as for something that does not exist.
    ///
    /// # Errors
    /// 404 for everybody else.
    pub(super) fn owns(self, brand: BrandId) -> Result<(), Problem> {
        match self.0 {
            Principal::Admin => Ok(()),
            Principal::Brand(own) if own == brand => Ok(()),
            _ => Err(Problem::not_found()),
        }
    }

    /// Whether the key may see what belongs to a streamer.
    ///
    /// # Errors
    /// 404 for everybody else.
    pub(super) fn is_streamer(self, streamer: StreamerId) -> Result<(), Problem> {
        match self.0 {
            Principal::Admin => Ok(()),
            Principal::Streamer(own) if own == streamer => Ok(()),
            _ => Err(Problem::not_found()),
        }
    }

    /// Whether the key may see a wallet.
    ///
    /// # Errors
    /// 404 for everybody but its owner and an admin.
    pub(super) fn holds(self, owner: Owner) -> Result<(), Problem> {
        match owner {
            Owner::Brand(brand) => self.owns(brand),
            Owner::Streamer(streamer) => self.is_streamer(streamer),
        }
    }

    /// An operator, by the start of their key's hash or by the number of their user: that is who stands in
    /// the record.
    ///
    /// # Errors
    /// The key or the token is no operator's.
    pub(super) fn operator(self) -> Result<String, Problem> {
        if self.0 != Principal::Admin {
            return Err(Problem::forbidden("an operator does this"));
        }
        self.may(Scope::Admin)?;
        Ok(match self.1 {
            Credential::Key(hash) => hash.iter().take(4).fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Credential::Token(pass) => format!("user:{}", pass.user),
        })
    }
}
