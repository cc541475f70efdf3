//! The body of an upload: as it is, or the one file of a form. It is read piece by piece and ended as soon
//! as it is too long, too slow, or no format that is taken.

use super::Limits;
use super::view::{refused, unfit};
use crate::web::problem::Problem;
use actix_multipart::Multipart;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gametriggers_media::sniff::{Format, HEAD, declared, sniff};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The body of a request, which outlives who reads it.
#[derive(Clone)]
pub(super) struct Body(Rc<RefCell<Payload>>);

impl Body {
    pub(super) fn new(body: Payload) -> Self {
        Self(Rc::new(RefCell::new(body)))
    }

    /// The server reads a body that was dropped to its end, which may never come. This one lives until the
    /// answer is written, and then the connection is closed.
    pub(super) fn until_answered(self, response: HttpResponse) -> HttpResponse {
        response.map_body(|_, answer| BoxBody::new(Held { answer, _body: self }))
    }
}

/// An answer that keeps the request's body.
struct Held {
    answer: BoxBody,
    _body: Body,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// What a form may hold beside the file, in fields and in bytes.
const FIELDS_MAX: usize = 8;
const FIELD_BYTES_MAX: usize = 4096;

/// A whole upload, of a format that is taken.
pub(super) struct Upload {
    pub(super) format: Format,
    pub(super) bytes: Vec<u8>,
}

/// Reads the upload of a request.
///
/// # Errors
/// It is too long, too slow, cut off, mislabelled or of no format that is taken.
pub(super) async fn read(request: &HttpRequest, body: Body, limits: &Limits) -> Result<Upload, Problem> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = header(CONTENT_TYPE);
    let mut pace = Pace { ends: Instant::now() + limits.whole, stall: limits.stall };
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return form(Multipart::new(request.headers(), body), limits, &mut pace).await;
    }
    // A body that says it is too long need not be sent.
    let said = header(CONTENT_LENGTH).parse::<usize>().ok();
    if said.is_some_and(|said| said > limits.video.max(limits.image)) {
        return Err(too_long(limits));
    }
    let bytes = body.map(|chunk| chunk.map_err(|error| unreadable(&error)));
    file(Box::pin(bytes), kind, limits, &mut pace).await
}

/// How long a body may take.
struct Pace {
    ends: Instant,
    stall: Duration,
}

impl Pace {
    /// The next piece, if it comes in time.
    async fn next<T>(&mut self, mut from: impl Stream<Item = T> + Unpin) -> Result<Option<T>, Problem> {
        let until = self.ends.min(Instant::now() + self.stall);
        tokio::time::timeout_at(until, from.next()).await.map_err(|_| {
            refused("stalled");
            Problem::timeout("the upload stood still or took too long; nothing was kept")
        })
    }
}

fn too_long(limits: &Limits) -> Problem {
    refused("weight");
    let detail = format!("images have at most {} bytes, videos {}", limits.image, limits.video);
    Problem::too_large(detail)
}

fn unreadable(error: &impl std::fmt::Display) -> Problem {
    refused("unreadable");
    Problem::malformed(error.to_string())
}

/// The first field that has a file name, or is called `file`; others are small, and read past.
async fn form(mut form: Multipart, limits: &Limits, pace: &mut Pace) -> Result<Upload, Problem> {
    let mut upload = None;
    for _ in 0..FIELDS_MAX {
        let Some(field) = pace.next(&mut form).await? else {
            return upload.ok_or_else(|| unreadable(&"the form has no file; send it as the field `file`"));
        };
        let mut field = field.map_err(|error| unreadable(&error))?;
        let is_file = field.name() == Some("file")
            || field.content_disposition().is_some_and(|said| said.get_filename().is_some());
        if is_file && upload.is_some() {
            return Err(unreadable(&"the form has more than one file"));
        }
        if is_file {
            let kind = field.content_type().map(ToString::to_string).unwrap_or_default();
            let chunks = field.map(|chunk| chunk.map_err(|error| unreadable(&error)));
            upload = Some(file(Box::pin(chunks), &kind, limits, pace).await?);
            continue;
        }
        let mut length = 0;
        while let Some(chunk) = pace.next(&mut field).await? {
            length += chunk.map_err(|error| unreadable(&error))?.len();
            if length > FIELD_BYTES_MAX {
                return Err(unreadable(&"a field beside the file is too long"));
            }
        }
    }
    Err(unreadable(&"the form has too many fields"))
}

/// Reads a file, and looks at its first bytes as soon as they are there.
async fn file(
    mut chunks: impl Stream<Item = Result<Bytes, Problem>> + Unpin,
    kind: &str,
    limits: &Limits,
    pace: &mut Pace,
) -> Result<Upload, Problem> {
    let (mut bytes, mut format) = (Vec::new(), None);
    let judge = |bytes: &[u8]| {
        let format = sniff(bytes).map_err(unfit)?;
        declared(format, kind).map_err(unfit)?;
        Ok::<_, Problem>(format)
    };
    while let Some(chunk) = pace.next(&mut chunks).await? {
        bytes.extend_from_slice(&chunk?);
        if format.is_none() && bytes.len() >= HEAD {
            format = Some(judge(&bytes)?);
        }
        let most = if format.is_none_or(Format::is_video) { limits.video } else { limits.image };
        if bytes.len() > most {
            return Err(too_long(limits));
        }
    }
    let format = match format {
        Some(format) => format,
        None => judge(&bytes)?,
    };
    if !format.is_video() && bytes.len() > limits.image {
        return Err(too_long(limits));
    }
    Ok(Upload { format, bytes })
}
