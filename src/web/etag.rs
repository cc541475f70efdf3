//! Optimistic concurrency. What can be changed has a version that grows with every change, and answers
//! carry it as a strong `ETag` (RFC 9110, section 8.8.3). A change with `If-Match` is made to that version or
//! not at all (412); one without it changes whatever is there.

use super::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::{ETAG, EntityTag, Header, IfMatch as Named, IfNoneMatch};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use std::future::{Ready, ready};

/// How often a change that is meant for no version is made anew, when somebody else was faster.
pub(super) const TRIES: usize = 4;

/// The version that a change is meant for; none when the caller does not care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request))
    }
}

fn named(request: &HttpRequest) -> Result<IfMatch, Problem> {
    if !request.headers().contains_key(Named::name()) {
        return Ok(IfMatch(None));
    }
    match Named::parse(request) {
        Ok(Named::Any) => Ok(IfMatch(None)),
        // Several versions, weak ones and those that are no number are none that was ever sent.
        Ok(Named::Items(tags)) => match tags.as_slice() {
            [one] => one
                .tag()
                .parse()
                .ok()
                .filter(|_| !one.weak)
                .map_or(Err(Problem::changed()), |version| Ok(IfMatch(Some(version)))),
            _ => Err(Problem::malformed("send one version in If-Match, as an ETag of this resource")),
        },
        Err(_) => Err(Problem::malformed("If-Match is not an entity tag")),
    }
}

/// The tag of a version.
fn tag(version: i64) -> EntityTag {
    EntityTag::new_strong(version.to_string())
}

/// Answers with a resource and its version; without the body when the caller has that version already.
pub(super) fn answer(request: &HttpRequest, version: i64, view: impl Serialize) -> HttpResponse {
    let known =
        IfNoneMatch::parse(request).ok().filter(|_| request.headers().contains_key(IfNoneMatch::name()));
    let is_known = match known {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag(version))),
        None => false,
    };
    if is_known && request.method().is_safe() {
        return HttpResponse::NotModified().insert_header((ETAG, tag(version).to_string())).finish();
    }
    versioned(&mut HttpResponse::Ok(), version).json(view)
}

/// Adds the version to an answer. Caches ask again each time, and are told in a few bytes.
pub(super) fn versioned(response: &mut HttpResponseBuilder, version: i64) -> &mut HttpResponseBuilder {
    response
        .insert_header((ETAG, tag(version).to_string()))
        .insert_header(("cache-control", "private, no-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    #[test]
    fn one_strong_version_is_meant_and_anything_else_never_matches() {
        let read =
            |value: &str| named(&TestRequest::patch().insert_header(("if-match", value)).to_http_request());
        assert_eq!(read("\"7\"").ok(), Some(IfMatch(Some(7))));
        assert_eq!(read("*").ok(), Some(IfMatch(None)));
        for never in ["W/\"7\"", "\"seven\""] {
            assert_eq!(read(never).map_err(|problem| problem.to_string().starts_with("412")), Err(true));
        }
        for unreadable in ["7", "\"7\", \"8\""] {
            assert_eq!(read(unreadable).map_err(|problem| problem.to_string().starts_with("400")), Err(true));
        }
        assert_eq!(named(&TestRequest::patch().to_http_request()).ok(), Some(IfMatch(None)));
    }

    #[test]
    fn who_has_the_version_gets_no_body() {
        let ask = |value: &str| {
            let request = TestRequest::get().insert_header(("if-none-match", value)).to_http_request();
            answer(&request, 7, 1).status()
        };
        assert_eq!(ask("\"6\", \"7\""), StatusCode::NOT_MODIFIED);
        assert_eq!(ask("*"), StatusCode::NOT_MODIFIED);
        assert_eq!(ask("\"8\""), StatusCode::OK);
    }
}
