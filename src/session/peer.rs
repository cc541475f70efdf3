//! What the three kinds of socket have in common, and what each has to bring.

use super::guest::Guest;
use super::seat::{KeySeat, Seats};
use crate::identity::ticket::Ticket;
use bytestring::ByteString;
use futures_channel::mpsc;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::session::{CloseReason, Credential, SessionHandle, ToSession};
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
    /// The place among the sockets with the same key or of the same user, once the client has greeted.
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
    /// A ticket that has to be used up before the socket goes on.
    pub ticket: Option<Ticket>,
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

    /// The ticket that it asked to use up is: this is who showed it.
    ///
    /// # Errors
    /// Why the socket has to be closed.
    fn enter(&mut self, guest: Guest, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode>;

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

    /// Whether a greeting in this version is taken.
    ///
    /// # Errors
    /// The version is not ours, or the client has greeted before.
    pub fn greet(&self, version: u32) -> Result<(), CloseCode> {
        if self.handle.is_some() {
            return Err(CloseCode::OutOfOrder);
        }
        if version != VERSION {
            return Err(CloseCode::UnsupportedVersion);
        }
        if self.engine.health.draining.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(CloseCode::Shutdown);
        }
        Ok(())
    }

    /// Opens the engine's side of the socket; until when it is good, if its key or token ends by itself.
    ///
    /// # Errors
    /// There are too many sockets with the same key or of the same user, or what it came with is dead.
    pub fn open(
        &mut self,
        streamer: Option<StreamerId>,
        guest: &Guest,
        turn: &mut Turn,
    ) -> Result<(Arc<SessionHandle>, Option<UnixMillis>), CloseCode> {
        self.sit(guest)?;
        let (handle, outbox) = SessionHandle::open(streamer, guest.credential, self.engine.now());
        self.engine.directory.open(Arc::clone(&handle));
        self.handle = Some(Arc::clone(&handle));
        turn.outbox = Some(outbox);
        // Now that it is in the directory: what was revoked a moment ago closed it, or is noticed here.
        let until = self.judge(&guest.credential)?;
        Ok((handle, until))
    }

    /// Goes on with what the same guest shows next; until when that is good.
    ///
    /// # Errors
    /// As for a socket that opens, and when it was not open.
    pub fn renew(&mut self, guest: &Guest) -> Result<Option<UnixMillis>, CloseCode> {
        let handle = self.handle.clone().ok_or(CloseCode::OutOfOrder)?;
        self.sit(guest)?;
        handle.renew(guest.credential);
        self.judge(&guest.credential)
    }

    fn sit(&mut self, guest: &Guest) -> Result<(), CloseCode> {
        let wanted = guest.seat();
        if self.seat.as_ref().is_none_or(|seat| *seat.key() != wanted) {
            self.seat = Some(self.seats.take_key(wanted).ok_or(CloseCode::TooManySockets)?);
        }
        Ok(())
    }

    fn judge(&self, credential: &Credential) -> Result<Option<UnixMillis>, CloseCode> {
        let until = self.engine.judge(credential, self.engine.now()).map_err(code)?;
        if let Some(handle) = &self.handle {
            self.engine.directory.end_at(handle, until);
        }
        Ok(until)
    }

    /// Whether what the socket came with is still good, as far as the clock says. Others look as well; but
    /// what comes after the end is not heard.
    ///
    /// # Errors
    /// Why the socket has to be closed.
    pub fn is_good(&self) -> Result<(), CloseCode> {
        match self.handle.as_ref().filter(|handle| handle.is_over(self.engine.now())) {
            Some(handle) => self.judge(&handle.credential()).map(|_| ()),
            None => Ok(()),
        }
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
        CloseReason::Expired => CloseCode::Expired,
        CloseReason::TokenOver => CloseCode::TokenOver,
    }
}
