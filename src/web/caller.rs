//! Who calls: the holder of the bearer key.

use super::Shared;
use super::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::ports::{KeyHash, Owner, Principal};
use std::fmt::Write;
use std::future::{Ready, ready};

/// The holder of the key that came with a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub Principal, KeyHash);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).ok_or_else(Problem::unauthorized))
    }
}

fn caller(request: &HttpRequest) -> Option<Caller> {
    let shared = request.app_data::<web::Data<Shared>>()?;
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    let holder =
        scheme.eq_ignore_ascii_case("bearer").then(|| shared.engine.keyring.holder(key.trim()))??;
    match holder.1 {
        // An overlay's key is on stream sooner or later: it opens nothing but the overlay socket.
        Principal::Overlay(_) => None,
        principal => Some(Caller(principal, holder.0)),
    }
}

impl Caller {
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

    /// An operator, by the start of their key's hash: that is who stands in the record.
    ///
    /// # Errors
    /// The key is no admin's.
    pub(super) fn operator(self) -> Result<String, Problem> {
        if self.0 != Principal::Admin {
            return Err(Problem::forbidden("an operator does this"));
        }
        Ok(self.1.iter().take(4).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}
