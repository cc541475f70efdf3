//! The upgrade service: answers the WebSocket handshake on the raw stream and hands the stream to
//! a pump of its own, so that nothing of the HTTP dispatcher stays behind.

use super::address::{client, household};
use super::campaign::CampaignSession;
use super::dashboard::DashboardSession;
use super::frame::Pace;
use super::overlay::OverlaySession;
use super::peer::Link;
use super::request_id::{RequestIds, X_REQUEST_ID};
use super::seat::{Full, Seat, Seats};
use super::socket::{self, Line};
use crate::config::Network;
use crate::identity::Identity;
use actix_codec::Framed;
use actix_http::body::BodySize;
use actix_http::header::{HOST, HeaderMap, ORIGIN};
use actix_http::{HttpMessage, Request, Response, StatusCode, h1, ws};
use actix_rt::net::TcpStream;
use bytes::Bytes;
use futures_util::SinkExt;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::engine::Engine;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the upgrade service needs, one copy a worker.
#[derive(Clone)]
pub struct Door {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Who signs in.
    pub identity: Arc<Identity>,
    /// The build of the overlay page.
    pub overlay_build: Rc<str>,
    /// What a short link starts with.
    pub public_url: Rc<str>,
    /// Origins that may open sockets besides the server's own.
    pub origins: Rc<[String]>,
    /// How fast a client may speak.
    pub pace: Pace,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Arc<[Network]>,
    /// What requests are called.
    pub request_ids: Arc<RequestIds>,
    /// The places for sockets, greeted or not, of all workers.
    pub seats: Arc<Seats>,
}

/// The three sockets.
enum Socket {
    Overlay,
    Dashboard,
    Campaign(CampaignId),
}

impl Socket {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/ws/overlay" => Some(Self::Overlay),
            "/ws/dashboard" => Some(Self::Dashboard),
            _ => path.strip_prefix("/ws/campaigns/")?.parse().ok().map(|id| Self::Campaign(CampaignId(id))),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Dashboard => "dashboard",
            Self::Campaign(_) => "campaign",
        }
    }
}

impl Door {
    /// Handles one upgrade request.
    pub async fn open(self, (request, mut framed): (Request, Framed<TcpStream, h1::Codec>)) {
        let verdict = self.admit(&request);
        let (mut response, socket) = match verdict {
            Ok((response, socket, seat)) => (response, Some((socket, seat))),
            Err(status) => {
                metrics::counter!(
                    "gametriggers_handshakes_refused_total",
                    "status" => status.as_str().to_owned())
                .increment(1);
                (refusal(status), None)
            }
        };
        let id = self.request_ids.of(request.headers(), self.engine.now());
        response.headers_mut().insert(X_REQUEST_ID, id.value());
        if framed.send(h1::Message::Item((response, BodySize::None))).await.is_err() {
            return;
        }
        if let Some((socket, seat)) = socket {
            metrics::counter!("gametriggers_handshakes_total", "socket" => socket.name()).increment(1);
            self.start(socket, framed, seat);
        }
    }

    /// Everything that is checked before the 101.
    fn admit(&self, request: &Request) -> Result<(Response<()>, Socket, Seat), StatusCode> {
        let socket = Socket::at(request.path()).ok_or(StatusCode::NOT_FOUND)?;
        if !self.is_own(request.headers()) {
            return Err(StatusCode::FORBIDDEN);
        }
        if self.engine.health.draining.load(Ordering::Relaxed) {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let address = household(client(peer, request.headers(), &self.trusted_proxies));
        let seat = self.seats.take(address).map_err(|full| match full {
            Full::Server => StatusCode::SERVICE_UNAVAILABLE,
            Full::Address => StatusCode::TOO_MANY_REQUESTS,
        })?;
        let mut response = ws::handshake(request.head()).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok((response.finish().drop_body(), socket, seat))
    }

    /// A browser names the page that opens the socket: it has to be one of ours. Who is no browser
    /// names none, and has no user whose key it could borrow.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        if self.origins.iter().any(|allowed| allowed == origin) {
            return true;
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        origin.split_once("://").map(|(_, rest)| rest) == host && host.is_some()
    }

    /// Starts the task of a socket. Each kind has one of its own size, that holds nothing of the handshake.
    fn start(self, socket: Socket, framed: Framed<TcpStream, h1::Codec>, seat: Seat) {
        let (stream, early) = take_over(framed);
        tune(&stream);
        let line = Line { stream, early, seat };
        let (engine, build, seats) = (self.engine, self.overlay_build, self.seats);
        let link = Link { engine, build, seats, seat: None, handle: None };
        match socket {
            Socket::Overlay => {
                let peer = OverlaySession::new(self.public_url);
                actix_rt::spawn(socket::run(line, link, self.pace, peer));
            }
            Socket::Dashboard => {
                actix_rt::spawn(socket::run(line, link, self.pace, DashboardSession::new(self.identity)));
            }
            Socket::Campaign(id) => {
                let peer = CampaignSession::new(id, self.identity);
                actix_rt::spawn(socket::run(line, link, self.pace, peer));
            }
        }
    }
}

/// The stream, and what the client sent behind its request. The dispatcher's two buffers of 8 KiB end
/// here: were they only moved aside, every socket would carry them for life.
fn take_over(framed: Framed<TcpStream, h1::Codec>) -> (TcpStream, Bytes) {
    let parts = framed.into_parts();
    let early =
        if parts.read_buf.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(&parts.read_buf) };
    (parts.io, early)
}

fn refusal(status: StatusCode) -> Response<()> {
    let mut response = Response::build(status);
    response.insert_header(("connection", "close"));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.insert_header(("retry-after", "2"));
    }
    response.finish().drop_body()
}

/// A peer that is gone without a word is noticed by the kernel: probes after half a minute of
/// silence, and an end when what was sent is not confirmed for as long.
fn tune(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(Duration::from_secs(30))));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a socket keeps the system's TCP settings");
    }
}
