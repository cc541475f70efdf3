//! The way out to endpoints of others: one request, one connection, to an address that was checked.
//!
//! A name is looked up for every attempt, each address is held against the guard, and the connection goes
//! to just that address: a name that changes its mind between the check and the call changes nothing. There
//! is no proxy, no redirect is followed, and the answer is read to a bound. All of it runs on a thread of
//! its own.

mod guard;
mod sign;
#[cfg(test)]
mod tests;

pub use self::guard::{Allowed, URL_MAX};
pub use self::sign::secret;

use async_trait::async_trait;
use bytes::Bytes;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{Courier, Parcel, Reply, Undelivered};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::{Request, Response, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

/// Bytes of an answer that are read, and kept.
const ANSWER_MAX: usize = 1024;
/// How long an answer may go on after its status.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Bytes of the head of an answer.
const HEAD_MAX: usize = 16 * 1024;
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 3;
/// Lookups at once: the system's own can hang.
const LOOKUPS_MAX: usize = 32;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All of them.
    ///
    /// # Errors
    /// The name has none, or nobody could be asked.
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Sends requests from a thread of its own.
pub struct HttpCourier {
    way: Arc<Way>,
    handle: Handle,
    _open: oneshot::Sender<()>,
}

/// Everything that a request needs.
struct Way {
    allowed: Allowed,
    timeout: Duration,
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
}

impl HttpCourier {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(allowed: Allowed, timeout: Duration) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (known, _) = roots.add_parsable_certificates(found.certs);
        if known == 0 {
            tracing::warn!(
                "the system has no certificates of authorities; no webhook can be delivered over TLS"
            );
        }
        Self::with(allowed, timeout, Arc::new(SystemResolver), roots)
    }

    /// The same with another resolver and other authorities.
    ///
    /// # Errors
    /// The system gives no thread.
    fn with(
        allowed: Allowed,
        timeout: Duration,
        resolver: Arc<dyn Resolver>,
        roots: RootCertStore,
    ) -> std::io::Result<Self> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(LOOKUPS_MAX).build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        let run = move || {
            let _ = runtime.block_on(closed);
            // A lookup that hangs holds nobody up.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("courier".to_owned()).spawn(run)?;
        let way = Way { allowed, timeout, resolver, tls: TlsConnector::from(Arc::new(tls)) };
        Ok(Self { way: Arc::new(way), handle, _open: open })
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn send(&self, parcel: Parcel) -> Result<Reply, Undelivered> {
        let way = Arc::clone(&self.way);
        let sent = self.handle.spawn(async move {
            let sent = timeout(way.timeout, way.send(&parcel)).await;
            sent.unwrap_or(Err(Undelivered::TimedOut))
        });
        sent.await.unwrap_or(Err(Undelivered::Broken))
    }

    fn stamp(&self, at: UnixMillis) -> String {
        jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
    }
}

/// A stream to an endpoint.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Way {
    async fn send(&self, parcel: &Parcel) -> Result<Reply, Undelivered> {
        let url = self.allowed.endpoint(&parcel.url).map_err(|_| Undelivered::BadUrl);
        let url = match url {
            // The guard speaks for an address that stands in the URL as well.
            Err(_) if Url::parse(&parcel.url).is_ok_and(|url| guard::literal(&url).is_some()) => {
                return Err(Undelivered::Refused);
            }
            url => url?,
        };
        let port = url.port_or_known_default().ok_or(Undelivered::BadUrl)?;
        let addresses = self.addresses(&url).await?;
        let tcp = connect(&addresses, port).await?;
        let stream: Box<dyn Stream> =
            if url.scheme() == "https" { self.secure(&url, tcp).await? } else { Box::new(tcp) };
        exchange(stream, request(&url, parcel)?, parcel.at).await
    }

    /// The addresses that may be called; an error when there are only others.
    async fn addresses(&self, url: &Url) -> Result<Vec<IpAddr>, Undelivered> {
        let all = match (guard::literal(url), url.host_str()) {
            (Some(address), _) => vec![address],
            (None, Some(host)) => self.resolver.addresses(host).await.map_err(|_| Undelivered::NoAddress)?,
            (None, None) => return Err(Undelivered::BadUrl),
        };
        if all.is_empty() {
            return Err(Undelivered::NoAddress);
        }
        let open: Vec<_> = all.into_iter().filter(|address| self.allowed.is_open(*address)).collect();
        if open.is_empty() { Err(Undelivered::Refused) } else { Ok(open) }
    }

    async fn secure(&self, url: &Url, tcp: TcpStream) -> Result<Box<dyn Stream>, Undelivered> {
        let host = url.host_str().ok_or(Undelivered::BadUrl)?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| Undelivered::BadUrl)?;
        let secured = self.tls.connect(name, tcp).await.map_err(|_| Undelivered::Tls)?;
        Ok(Box::new(secured))
    }
}

/// To just the address that was checked.
async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Undelivered> {
    for address in addresses.iter().take(ADDRESSES_MAX) {
        if let Ok(stream) = TcpStream::connect(SocketAddr::new(*address, port)).await {
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(Undelivered::Unreachable)
}

fn request(url: &Url, parcel: &Parcel) -> Result<Request<Full<Bytes>>, Undelivered> {
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(Undelivered::BadUrl),
    };
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let seconds = parcel.at.0.div_euclid(1000);
    Request::post(target)
        .header("host", host)
        .header("user-agent", concat!("gametriggers/", env!("CARGO_PKG_VERSION")))
        .header("content-type", "application/json")
        .header("connection", "close")
        .header("webhook-id", &parcel.message)
        .header("webhook-timestamp", seconds)
        .header(
            "webhook-signature",
            sign::signatures(&parcel.secrets, &parcel.message, seconds, &parcel.body),
        )
        .body(Full::from(parcel.body.clone()))
        .map_err(|_| Undelivered::BadUrl)
}

async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    now: UnixMillis,
) -> Result<Reply, Undelivered> {
    let broken = |_| Undelivered::Broken;
    let shaken = http1::Builder::new().max_buf_size(HEAD_MAX).handshake(TokioIo::new(stream));
    let (mut sender, connection) = shaken.await.map_err(broken)?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (status, retry_after) = (response.status().as_u16(), pause(response.headers(), now));
        Ok(Reply { status, retry_after, answer: beginning(response).await })
    };
    // The connection ends with the answer: what would come after it is nobody's.
    tokio::pin!(asked);
    tokio::select! {
        reply = &mut asked => reply,
        _ = connection => timeout(ANSWER_WAIT, asked).await.unwrap_or(Err(Undelivered::Broken)),
    }
}

/// What `Retry-After` asks for: seconds, or a date.
fn pause(headers: &HeaderMap, now: UnixMillis) -> Option<Millis> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Millis::seconds(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(UnixMillis(date.as_millisecond()) - now).filter(|pause| pause.0 > 0)
}

/// The first bytes of an answer, as text that every database takes. What is slow or breaks off is short.
async fn beginning(response: Response<Incoming>) -> String {
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    let read = async {
        while bytes.len() < ANSWER_MAX {
            let Some(Ok(frame)) = body.frame().await else { break };
            if let Some(data) = frame.data_ref() {
                bytes.extend(data.iter().take(ANSWER_MAX - bytes.len()));
            }
        }
    };
    let _ = timeout(ANSWER_WAIT, read).await;
    let plain =
        |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    String::from_utf8_lossy(&bytes).chars().map(plain).collect()
}
