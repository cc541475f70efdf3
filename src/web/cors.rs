//! Pages of other origins that may call the API. They send their key or token themselves; no cookie is
//! involved, so none of what a browser adds by itself is let in.

use actix_cors::Cors;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use actix_web::middleware::Condition;

use super::rate::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::session::request_id::X_REQUEST_ID;

/// How long a browser may remember that it may ask, in seconds; some remember no longer than this.
const REMEMBERED_S: usize = 7200;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What answers pages of these origins; nothing at all when there are none.
pub(super) fn allowed(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .allowed_headers([IDEMPOTENCY_KEY, X_REQUEST_ID])
        .expose_headers([ETAG, LOCATION, RETRY_AFTER, RATE_LIMIT, RATE_LIMIT_POLICY, X_REQUEST_ID])
        .max_age(REMEMBERED_S);
    let everybody = origins.iter().any(|origin| origin == "*");
    let cors = if everybody {
        cors.allow_any_origin().send_wildcard()
    } else {
        origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
    };
    Condition::new(!origins.is_empty(), cors)
}
