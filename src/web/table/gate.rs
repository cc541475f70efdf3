//! Who may come to a handler at all.

use super::Access;
use crate::web::caller::{Caller, SignedIn};
use crate::web::problem::Problem;
use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

/// Lets a request pass to its handler, or answers it. No body is read before.
pub(super) async fn gate<B: MessageBody>(
    access: Access,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match let_in(access, &mut request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        // With the problem in it: its request is named on the way out.
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

/// # Errors
/// 401 without a good credential, 403 without the scope.
async fn let_in(access: Access, request: &mut ServiceRequest) -> Result<(), Problem> {
    match access {
        Access::Anyone | Access::Service => Ok(()),
        Access::User => request.extract::<SignedIn>().await.map(drop),
        Access::Scopes(scopes) => request.extract::<Caller>().await?.may_any(scopes),
    }
}
