//! What a request is called, in its answer and in the log: as the client calls it, or by a new UUIDv7.

use actix_http::header::{HeaderMap, HeaderName, HeaderValue};
use gametriggers_actors::domain::time::UnixMillis;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a name that a client may give.
const BYTES_MAX: usize = 64;

/// `X-Request-Id`, on requests and on answers.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What one request is called: 1 to 64 letters, digits and `._-`, so that it fits into any log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The value of the header.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// What the client calls it. Anything else that it sent is nobody's name.
    fn named(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(&X_REQUEST_ID)?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let bytes = value.as_bytes();
        ((1..=BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(fits)).then(|| Self(value.clone()))
    }
}

/// Names requests of this process. A name is unique, and no secret: chance is asked once, and from then on
/// they are counted, which costs a request nothing.
#[derive(Debug)]
pub struct RequestIds {
    /// Of this process alone.
    node: [u8; 4],
    next: AtomicU64,
}

impl RequestIds {
    /// Names out of so many random bytes.
    #[must_use]
    pub const fn new(random: [u8; 12]) -> Self {
        let [a, b, c, d, start @ ..] = random;
        Self { node: [a, b, c, d], next: AtomicU64::new(u64::from_be_bytes(start)) }
    }

    /// What the client calls the request; a new name if it does not.
    #[must_use]
    pub fn of(&self, headers: &HeaderMap, now: UnixMillis) -> RequestId {
        RequestId::named(headers).unwrap_or_else(|| self.new_id(now))
    }

    fn new_id(&self, now: UnixMillis) -> RequestId {
        let [_, _, count @ ..] = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut random = [0; 10];
        random.iter_mut().zip(count.into_iter().chain(self.node)).for_each(|(to, from)| *to = from);
        let millis = u64::try_from(now.0).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let value = HeaderValue::from_str(id.as_hyphenated().encode_lower(&mut text));
        RequestId(value.unwrap_or_else(|_| HeaderValue::from_static("unnamed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn new_names_are_version_7_of_their_time_and_never_the_same() {
        let ids = RequestIds::new([255; 12]);
        let names: HashSet<String> = (0..10_000).map(|_| ids.new_id(NOW).text().to_owned()).collect();
        assert_eq!(names.len(), 10_000);
        for name in names {
            let id: uuid::Uuid = name.parse().unwrap();
            assert_eq!((id.get_version_num(), name.len()), (7, 36));
            assert_eq!(id.get_timestamp().unwrap().to_unix(), (1_700_000_000, 0));
        }
        let other = RequestIds::new([0; 12]);
        assert_ne!(ids.new_id(NOW), other.new_id(NOW));
    }

    #[test]
    fn a_client_s_name_is_kept_when_it_fits_into_a_log() {
        let ids = RequestIds::new([7; 12]);
        let of = |name: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(name).unwrap());
            ids.of(&headers, NOW).text().to_owned()
        };
        let long = "a".repeat(BYTES_MAX);
        for name in ["a", "Trace_1.2-x", long.as_str()] {
            assert_eq!(of(name.as_bytes()), name);
        }
        let longer = "a".repeat(BYTES_MAX + 1);
        for name in [&b""[..], b"a b", b"a\"b", b"a,b", b"\xc3\xa9", longer.as_bytes()] {
            assert_eq!(of(name).parse::<uuid::Uuid>().unwrap().get_version_num(), 7, "{name:?}");
        }
    }
}
