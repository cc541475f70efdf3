//! What the three kinds of socket have in common, and what each has to bring.

use super::seat::{KeySeat, Seats};
use bytestring::ByteString;
use futures_channel::mpsc;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::Principal;
use gametriggers_actors::session::{CloseReason, SessionHandle, ToSession};
use gametriggers_protocol::VERSION;
use gametriggers_protocol::close::CloseCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::rc::Rc;
use std::sync::Arc;

/// What a socket knows of its server.
pub struct Link {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The build of the overlay page that the server serves.
    pub build: Rc<str>,
    /// The places for sockets.
    pub seats: Arc<Seats>,
    /// The place among the sockets with the same key, once the client has greeted.
    pub seat: Option<KeySeat>,
    /// The engine's side of the socket, once the client has greeted.
    pub handle: Option<Arc<SessionHandle>>,
}

/// What one message leads to.
#[derive(Default)]
pub struct Turn {
    /// Frames to send, in order.
    pub frames: Vec<ByteString>,
    /// The outbox of a socket that was opened.
    pub outbox: Option<mpsc::Receiver<ToSession>>,
    /// The end.
    pub close: Option<CloseCode>,
}

impl Turn {
    /// Sends a message.
    pub fn send(&mut self, message: &impl Serialize) {
        match serde_json::to_string(message) {
            Ok(text) => self.frames.push(text.into()),
            Err(error) => {
                tracing::error!(%error, "a message can not be written as JSON; the socket is closed");
                self.close = Some(CloseCode::ServerError);
            }
        }
    }
}

/// One kind of socket: how to read it and how to write it.
pub trait Peer: Unpin + 'static {
    /// The client said something.
    ///
    /// # Errors
    /// Why the socket has to be closed.
    fn said(&mut self, text: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode>;

    /// The engine says something.
    fn tell(&mut self, message: ToSession, link: &Link, turn: &mut Turn);

    /// The socket is gone.
    fn gone(&mut self, link: &Link);
}

impl Link {
    /// The time.
    pub fn now(&self) -> UnixMillis {
        self.engine.now()
    }

    /// The peer said something.
    pub fn hear(&self) {
        if let Some(handle) = &self.handle {
            handle.hear(self.engine.now());
        }
    }

    /// Time between heartbeats and the silence that ends a socket, in milliseconds.
    pub fn beat(&self) -> (u32, u32) {
        let millis =
            |span: gametriggers_actors::domain::time::Millis| u32::try_from(span.0).unwrap_or(u32::MAX);
        (millis(self.engine.numbers.heartbeat), millis(self.engine.numbers.dead_after))
    }

    /// The holder of a key, for a greeting in a version that this server speaks.
    ///
    /// # Errors
    /// The version or the key is not ours, the key has too many sockets, or the client has greeted before.
    pub fn greet(
        &mut self,
        version: u32,
        key: &str,
    ) -> Result<(gametriggers_actors::ports::KeyHash, Principal), CloseCode> {
        if self.handle.is_some() {
            return Err(CloseCode::OutOfOrder);
        }
        if version != VERSION {
            return Err(CloseCode::UnsupportedVersion);
        }
        if self.engine.health.draining.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(CloseCode::Shutdown);
        }
        let holder = self.engine.keyring.holder(key).ok_or(CloseCode::Unauthorized)?;
        self.seat = Some(self.seats.take_key(holder.0).ok_or(CloseCode::TooManySockets)?);
        Ok(holder)
    }

    /// Opens the engine's side of the socket.
    pub fn open(&mut self, streamer: Option<StreamerId>, key: &str, turn: &mut Turn) -> Arc<SessionHandle> {
        let (handle, outbox) = SessionHandle::open(streamer, Keyring::hash(key), self.engine.now());
        self.engine.directory.open(Arc::clone(&handle));
        self.handle = Some(Arc::clone(&handle));
        turn.outbox = Some(outbox);
        handle
    }

    /// Takes the engine's side away.
    pub fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.engine.directory.close(handle.id);
        }
    }
}

/// Reads a message.
///
/// # Errors
/// It is not one of this protocol.
pub fn read<M: DeserializeOwned>(text: &str) -> Result<M, CloseCode> {
    serde_json::from_str(text).map_err(|error| {
        metrics::counter!("gametriggers_frames_refused_total").increment(1);
        tracing::debug!(%error, "a frame is not a message of the protocol");
        CloseCode::Malformed
    })
}

/// The close code of the engine's reason.
#[must_use]
pub const fn code(reason: CloseReason) -> CloseCode {
    match reason {
        CloseReason::Shutdown => CloseCode::Shutdown,
        CloseReason::HeartbeatMissed => CloseCode::HeartbeatMissed,
        CloseReason::TooManySockets => CloseCode::TooManySockets,
        CloseReason::ServerError => CloseCode::ServerError,
        CloseReason::Revoked => CloseCode::Revoked,
    }
}
