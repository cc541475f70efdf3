//! `/assets/{name}`: files for ever, whole or in part.

use crate::web::Shared;
use crate::web::problem::Problem;
use actix_web::body::SizedStream;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt;
use gametriggers_actors::domain::asset::Media;

pub(in crate::web) async fn serve(
    shared: Data<Shared>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let media = Media::of_name(&name).ok_or_else(Problem::not_found)?;
    let blobs = &shared.library.blobs;
    let total = blobs.length(&name).await?.ok_or_else(Problem::not_found)?;
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = format!("\"{}\"", name.split('.').next().unwrap_or_default());
    let known = |list: &str| {
        list.split(',').any(|one| matches!(one.trim().trim_start_matches("W/"), t if t == tag || t == "*"))
    };
    if header(header::IF_NONE_MATCH).is_some_and(known) {
        return Ok(head(HttpResponse::NotModified(), &tag).finish());
    }
    // A part of another version is of no use; there is only one, and it has one tag.
    let range =
        header(header::RANGE).filter(|_| header(header::IF_RANGE).is_none_or(|said| said.trim() == tag));
    let span = range.map_or(Span::Whole, |range| span(range, total));
    let (status, part) = match span {
        Span::Whole => (StatusCode::OK, None),
        Span::Part(from, to) => (StatusCode::PARTIAL_CONTENT, Some(from..to + 1)),
        Span::Beyond => {
            let mut response = head(HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE), &tag);
            return Ok(response.insert_header((header::CONTENT_RANGE, format!("bytes */{total}"))).finish());
        }
    };
    let blob = blobs.get(&name, part).await?.ok_or_else(Problem::not_found)?;
    let mut response = head(HttpResponse::build(status), &tag);
    response.insert_header((header::CONTENT_TYPE, media.media_type()));
    if status == StatusCode::PARTIAL_CONTENT {
        let (from, last) = (blob.range.start, blob.range.end.saturating_sub(1));
        response.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{last}/{total}")));
    }
    let length = blob.range.end.saturating_sub(blob.range.start);
    let bytes = blob.bytes.map_err(|error| {
        tracing::warn!(%error, "a file ended while it was served");
        std::io::Error::other(error)
    });
    Ok(response.body(SizedStream::new(length, bytes)))
}

fn head(mut response: HttpResponseBuilder, tag: &str) -> HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::ETAG, tag.to_owned()));
    response
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Span {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// It begins behind the end.
    Beyond,
}

/// `bytes=FROM-TO`, `bytes=FROM-` or `bytes=-LAST`; one span only, anything else gets everything.
fn span(range: &str, total: u64) -> Span {
    let parts = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let (Some((from, to)), Some(last)) = (parts, total.checked_sub(1)) else { return Span::Whole };
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to && from <= last => Span::Part(from, to.min(last)),
        (Ok(from), Err(_)) if to.is_empty() && from <= last => Span::Part(from, last),
        (Ok(from), Ok(to)) if from <= to => Span::Beyond,
        (Ok(_), Err(_)) if to.is_empty() => Span::Beyond,
        (Err(_), Ok(0)) if from.is_empty() => Span::Beyond,
        (Err(_), Ok(count)) if from.is_empty() => Span::Part(total.saturating_sub(count), last),
        _ => Span::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_stay_inside_the_file() {
        assert_eq!(span("bytes=0-3", 10), Span::Part(0, 3));
        assert_eq!(span("bytes=8-99", 10), Span::Part(8, 9));
        assert_eq!(span("bytes=4-", 10), Span::Part(4, 9));
        assert_eq!(span("bytes=-4", 10), Span::Part(6, 9));
        assert_eq!(span("bytes=-40", 10), Span::Part(0, 9));
        for beyond in ["bytes=10-", "bytes=-0", "bytes=10-12"] {
            assert_eq!(span(beyond, 10), Span::Beyond, "{beyond}");
        }
        for odd in ["bytes=5-4", "bytes=", "bytes=0-1,3-4", "lines=0-1", "bytes=+1-2x"] {
            assert_eq!(span(odd, 10), Span::Whole, "{odd}");
        }
        assert_eq!(span("bytes=0-0", 0), Span::Whole);
    }
}
