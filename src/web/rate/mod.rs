//! How many requests are answered: so many of a key, of a user, and of an address that comes with neither.
//!
//! It is asked before a body is read. Answers say what is left, in the form of
//! draft-ietf-httpapi-ratelimit-headers-10: `q` requests at once, which all come back in `w` seconds; `r` are
//! left, and one more comes in `t` seconds. Each process counts for itself, so several nodes allow as many
//! times more. A limit keeps callers from each other's way; what guards passwords is `identity::attempts`.
//!
//! Pages, assets, links, QR codes, health and metrics are not counted. Overlays of one venue share an
//! address, what they load is cached, and a show must not go dark because somebody beside it asks too often.

mod bucket;

pub use bucket::Allowance;

use self::bucket::{Buckets, Left};
use super::Shared;
use super::auth::address;
use super::caller::known;
use super::problem::Problem;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Clock, KeyHash};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Who has a whole allowance again is forgotten this often.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What everybody is allowed. An allowance of zero a minute is none to keep to.
#[derive(Clone, Copy, Debug)]
pub struct Allowances {
    /// Of an API key.
    pub key: Allowance,
    /// Of a user, in all sessions together.
    pub user: Allowance,
    /// Of an address, for requests without a valid key or token.
    pub address: Allowance,
    /// Of a key or a user, for requests that may change something. They count as requests as well.
    pub write: Allowance,
    /// How many of each kind are remembered.
    pub remembered_max: usize,
}

/// For whom a request counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Key(KeyHash),
    User(UserId),
    Address(IpAddr),
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::User(_) => "user",
            Self::Address(_) => "address",
        }
    }
}

/// What everybody has left in this process.
#[derive(Debug)]
pub struct Rates {
    key: Option<Buckets<Subject>>,
    user: Option<Buckets<Subject>>,
    address: Option<Buckets<Subject>>,
    write: Option<Buckets<Subject>>,
}

/// What is said of a request: its limits by name, and what is left of each.
type Said = Vec<(&'static str, Allowance, Left)>;

impl Rates {
    /// Everybody has a whole allowance.
    #[must_use]
    pub fn new(allowed: &Allowances) -> Self {
        let buckets = |allowance| Buckets::new(allowance, allowed.remembered_max);
        Self {
            key: buckets(allowed.key),
            user: buckets(allowed.user),
            address: buckets(allowed.address),
            write: buckets(allowed.write),
        }
    }

    /// Forgets who has a whole allowance, now and then, as long as somebody else holds this.
    pub fn keep_small(self: &Arc<Self>, clock: Arc<dyn Clock>) {
        let rates = Arc::downgrade(self);
        actix_web::rt::spawn(async move {
            while let Some(rates) = rates.upgrade() {
                rates.sweep(clock.now());
                drop(rates);
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        });
    }

    fn sweep(&self, now: UnixMillis) {
        for buckets in [&self.key, &self.user, &self.address, &self.write].into_iter().flatten() {
            buckets.sweep(now);
        }
    }

    /// Counts a request. The narrower limit is asked first, so that what it refuses does not count twice.
    fn take(&self, subject: Subject, writes: bool, now: UnixMillis) -> Said {
        let mut said = Said::new();
        let (all, write) = match subject {
            Subject::Key(_) => (&self.key, writes),
            Subject::User(_) => (&self.user, writes),
            Subject::Address(_) => (&self.address, false),
        };
        let write = ("write", self.write.as_ref().filter(|_| write));
        for (name, buckets) in [write, (subject.name(), all.as_ref())] {
            let Some(buckets) = buckets else { continue };
            let left = buckets.take(subject, now);
            said.push((name, buckets.allowance, left));
            if !left.is_let_in {
                break;
            }
        }
        said
    }
}

/// Lets a request of the API in or refuses it, and says in either case what is left.
pub(super) async fn limited(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(shared) = request.app_data::<Data<Shared>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let subject = known(request.request()).map(|caller| caller.subject());
    let subject = subject.unwrap_or_else(|| Subject::Address(address(&shared, request.request())));
    let writes = !request.method().is_safe();
    let said = shared.rates.take(subject, writes, shared.engine.now());
    let refused = said.iter().find(|(_, _, left)| !left.is_let_in);
    let mut response = if let Some((_, _, left)) = refused {
        let by = subject.name();
        metrics::counter!("gametriggers_http_limited_total", "by" => by).increment(1);
        let after_s = u64::try_from(left.more_in_s).unwrap_or(1);
        request.error_response(Problem::limited(by, after_s))
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    tell(response.headers_mut(), &said);
    Ok(response)
}

/// Lists of structured fields (RFC 9651): strings with parameters.
fn tell(headers: &mut HeaderMap, said: &Said) {
    if said.is_empty() {
        return;
    }
    let list = |items: Vec<String>| HeaderValue::from_str(&items.join(", ")).ok();
    let policy = said.iter().map(|(name, allowance, _)| {
        let (quota, window) = (allowance.burst, allowance.window_s());
        format!("\"{name}\";q={quota};w={window}")
    });
    let left = said.iter().map(|(name, _, left)| {
        let Left { requests, more_in_s, .. } = left;
        format!("\"{name}\";r={requests};t={more_in_s}")
    });
    for (name, value) in [(RATE_LIMIT_POLICY, list(policy.collect())), (RATE_LIMIT, list(left.collect()))] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}
