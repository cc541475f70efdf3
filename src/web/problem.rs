//! Errors as RFC 9457 problem details. `type` is stable; `detail` is for people.

use super::conflict_rule_body::HitView;
use super::problem_kind::kind_of;
use crate::session::request_id::RequestId;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, ResponseError};
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

/// The type of the body.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A field that was refused.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct FieldError {
    /// Path of the field, such as `creatives[0].headline`.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) message: String,
}

/// A problem.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// `/problems/` and a stable name.
    #[serde(rename = "type")]
    kind: Box<str>,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Box<str>>,
    /// Why an upload is refused, by a name from a closed list.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Box<[FieldError]>,
    /// The conflict rules that spoke.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rules: Box<[HitView]>,
    /// Seconds until it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u16>,
    /// The scope that was missing.
    #[serde(skip)]
    scope: Option<Scope>,
    /// What the log has to say, and the client has not to hear.
    #[serde(skip)]
    cause: Option<Box<str>>,
}

/// A problem of a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Named<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    /// What the request is called, as in the header `X-Request-Id` of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, name: &str, title: &'static str) -> Self {
        debug_assert!(
            kind_of(name).is_some_and(|kind| kind.status == status),
            "{status} {name} is not in the list"
        );
        let kind = format!("/problems/{name}").into();
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: None,
            reason: None,
            errors: Box::default(),
            rules: Box::default(),
            retry_after_s: None,
            scope: None,
            cause: None,
        }
    }

    fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into());
        self
    }

    /// What went wrong, for the log.
    pub(super) fn caused_by(mut self, cause: &impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// Counts one that is sent.
    pub(super) fn count(&self) {
        metrics::counter!("gametriggers_http_problems_total", "status" => self.status.to_string())
            .increment(1);
    }

    /// The problem as JSON, with what its request is called.
    pub(super) fn body(&self, id: Option<&RequestId>) -> String {
        let named = Named { problem: self, request_id: id.map(RequestId::text) };
        serde_json::to_string(&named).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Its stable name, with `/problems/` before it.
    pub(super) fn name(&self) -> &str {
        &self.kind
    }

    /// What went wrong, when the log should know.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// 400: the request can not be read.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request can not be read").because(detail)
    }

    /// 422: fields are refused.
    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors: errors.into(),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Some fields are refused")
        }
    }

    /// 401: no key, or one that is not valid.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid key is needed")
            .because("send it as Authorization: Bearer KEY")
    }

    /// 401: who it is could not be proved, in a way that has a name.
    pub(super) fn unproved(name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, name, "This could not be proved").because(detail)
    }

    /// 403: the credential is valid, but lacks a scope.
    pub(super) fn out_of_scope(scope: Scope) -> Self {
        Self { scope: Some(scope), ..Self::forbidden(format!("the scope {} is needed", scope.code())) }
    }

    /// 429: tried too often.
    pub(super) fn too_many(after: Millis) -> Self {
        let seconds = after.0.div_euclid(1000).saturating_add(1).max(1);
        let retry_after_s = Some(u16::try_from(seconds).unwrap_or(u16::MAX));
        let problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", "This was tried too often");
        Self { retry_after_s, ..problem }
    }

    /// 429: too many requests. Others are served meanwhile.
    pub(super) fn limited(by: &str, after_s: u64) -> Self {
        let retry_after_s = Some(u16::try_from(after_s).unwrap_or(u16::MAX));
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests");
        Self { retry_after_s, ..problem.because(format!("this {by} has no more requests for now")) }
    }

    /// 400: a page of an origin that is not allowed asked whether it may call, or for more than it may.
    pub(super) fn cross_origin(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "cross-origin", "This page may not do this").because(detail)
    }

    /// 502: another service did not say what was needed of it.
    pub(super) fn elsewhere(detail: impl Into<String>) -> Self {
        let title = "The provider did not answer as it should";
        Self::new(StatusCode::BAD_GATEWAY, "provider-failed", title).because(detail)
    }

    /// 403: the key is valid, but not for this.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This key may not do this").because(detail)
    }

    /// 404: there is no such thing, or it is somebody else's.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing here")
    }

    /// 405: another method is needed.
    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This resource has no such method")
    }

    /// 412: somebody changed it since the caller read it.
    pub(super) fn changed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "This was changed meanwhile")
            .because("If-Match names another version than the present one; read it again and decide anew")
    }

    /// 413: too large.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large").because(detail)
    }

    /// 415: a format that is not taken.
    pub(super) fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This format is not taken")
            .because(detail)
    }

    /// 408: the body did not come in time.
    pub(super) fn timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long").because(detail)
    }

    /// 422: a file that is of a format that is taken, and not in a state to be.
    pub(super) fn unfit(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "asset-refused", "This file is not taken").because(detail)
    }

    /// 503: others are served first.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too much is going on").because(detail)
    }

    /// With the reason by its name.
    pub(super) fn with_reason(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// With everything that was found.
    pub(super) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors: errors.into(), ..self }
    }

    /// 409: it does not fit what is.
    pub(super) fn conflict(name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, name, "The request does not fit the present state").because(detail)
    }

    /// 409: conflict rules block an assignment. All that spoke are named, those that only warn as well.
    pub(super) fn blocked(rules: Vec<HitView>) -> Self {
        let detail = "at least one blocking rule speaks against it; an operator may grant an override";
        Self { rules: rules.into(), ..Self::conflict("conflict-rules", detail) }
    }

    /// 503: the server has just started.
    pub(super) fn unchecked() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "books-unchecked", "The books are not checked yet")
            .because("no money leaves before the first check after a start; try again soon")
    }

    /// 507: there is no room for it.
    pub(super) fn no_room(name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, name, "There is no room for this").because(detail)
    }

    /// 503: try again.
    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The server can not do this right now")
            .because("nothing was changed; try again with the same Idempotency-Key")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.count();
        let mut response = HttpResponse::build(self.status_code());
        match self.status {
            401 => response.insert_header(("www-authenticate", "Bearer")),
            403 => match self.scope.map(Scope::code) {
                Some(code) => {
                    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{code}\"");
                    response.insert_header(("www-authenticate", challenge))
                }
                None => &mut response,
            },
            429 => response.insert_header(("retry-after", self.retry_after_s.unwrap_or(1).to_string())),
            503 => response.insert_header(("retry-after", "2")),
            _ => &mut response,
        };
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON)).body(self.body(None))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::InsufficientFunds { available } => Self::conflict(
                "insufficient-funds",
                format!("the wallet has {} micros available", available.0),
            ),
            StoreError::IdempotencyConflict => {
                Self::conflict("idempotency-conflict", "this Idempotency-Key was used for another request")
            }
            StoreError::Changed => Self::changed(),
            // The schema refused what validation let through.
            StoreError::Constraint(message) => {
                Self::conflict("refused", "the database refused the values").caused_by(&message)
            }
            StoreError::Unavailable(_) | StoreError::Fenced => Self::unavailable().caused_by(&error),
        }
    }
}
