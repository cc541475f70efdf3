//! Who may come to a handler at all.

use super::part::Part;
use super::{Access, Keyed};
use crate::web::caller::{Caller, SignedIn};
use crate::web::etag::is_list;
use crate::web::problem::Problem;
use crate::web::wire::idempotency_key;
use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

/// What a handler is guarded by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// Who may come.
    pub(super) access: Access,
    /// Whether an Idempotency-Key belongs to it.
    pub(super) keyed: Keyed,
    /// Whether its answer has a version.
    pub(super) versioned: bool,
    /// Its path, with names for what may be any word.
    pub(super) path: &'static str,
}

/// Lets a request pass to its handler, or answers it. No body is read before.
pub(super) async fn gate<B: MessageBody>(
    guard: Guard,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match let_in(guard, &mut request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        // With the problem in it: its request is named on the way out.
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

/// # Errors
/// 401 without a good credential, 403 without the scope, 404 where a part of the path names nothing that
/// there can be, 400 for a header that belongs to it and can not be read.
async fn let_in(guard: Guard, request: &mut ServiceRequest) -> Result<(), Problem> {
    match guard.access {
        Access::Anyone | Access::Service => {}
        Access::User => drop(request.extract::<SignedIn>().await?),
        Access::Scopes(scopes) => request.extract::<Caller>().await?.may_any(scopes)?,
    }
    let can_be = |(name, value): (&str, &str)| Part::of(guard.path, name).can_be(value);
    if !request.match_info().iter().all(can_be) {
        return Err(Problem::not_found());
    }
    // Also where no money moves this time: whoever sends a key means it.
    if guard.keyed != Keyed::No && request.headers().contains_key("idempotency-key") {
        idempotency_key(request.request())?;
    }
    let known = request.headers().get("if-none-match").filter(|_| guard.versioned);
    if known.is_some_and(|known| !known.to_str().is_ok_and(is_list)) {
        return Err(Problem::malformed("If-None-Match is not a list of entity tags"));
    }
    Ok(())
}
