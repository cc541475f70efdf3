//! A socket as the engine sees it: a bounded outbox, and when the peer was last heard.

use crate::domain::id::{StreamerId, UserId};
use crate::domain::reason::Reason;
use crate::domain::streamer::board::Board;
use crate::domain::streamer::live::ToPage;
use crate::domain::streamer::page::SessionId;
use crate::domain::streamer::page::Tested;
use crate::domain::time::UnixMillis;
use crate::messages::CampaignLive;
use crate::ports::{KeyHash, SessionId as LoginId};
use futures_channel::mpsc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that wait for one socket, at most. What comes when it is full is dropped: a state is
/// followed by the next one, a play that was not delivered runs into its timeout, and the write
/// deadline ends a socket that does not read.
pub const OUTBOX: usize = 32;

/// What is sent to a socket.
#[derive(Clone, Debug)]
pub enum ToSession {
    /// To an overlay.
    Page(Box<ToPage>),
    /// To a dashboard: everything.
    Board(Arc<Board>),
    /// To a dashboard: what a test ad measured.
    Tested(Box<Tested>),
    /// To a dashboard: the answer to a command.
    Answer(Box<str>, Result<(), Reason>),
    /// To a brand's client.
    Live(Box<CampaignLive>),
    /// To everybody, on the beat.
    Heartbeat(UnixMillis),
    /// The server drains; come back after so many milliseconds.
    Drain(u32),
    /// The end, with its reason.
    Close(CloseReason),
}

/// Why the engine closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The server stops.
    Shutdown,
    /// Nothing was heard for too long.
    HeartbeatMissed,
    /// The streamer, or the campaign, has as many sockets of this kind open as it may have.
    TooManySockets,
    /// The actor behind the socket is gone.
    ServerError,
    /// The key was revoked or replaced, or its user has signed out or may not sign in any more.
    Revoked,
    /// The key's time is over.
    Expired,
    /// The access token's time is over, or it is dead while its session goes on: a new one is good.
    TokenOver,
}

/// What a socket was opened with, as far as it takes to know whether that is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A key.
    Key(KeyHash),
    /// An access token.
    Token {
        /// Of whom.
        user: UserId,
        /// The user's epoch at that time.
        epoch: i64,
        /// The sign-in that it follows from.
        login: LoginId,
        /// It is dead from then on.
        expires: UnixMillis,
    },
}

/// The outbox is full, or the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent;

/// A socket.
#[derive(Debug)]
pub struct SessionHandle {
    /// Never used again within a process.
    pub id: SessionId,
    /// Whose overlay or dashboard it is; none for a brand's client.
    pub streamer: Option<StreamerId>,
    credential: Mutex<Credential>,
    /// When the credential is over; the directory writes it. The largest number for never.
    pub(crate) until: AtomicI64,
    heard: AtomicI64,
    outbox: Mutex<mpsc::Sender<ToSession>>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl SessionHandle {
    /// A socket with its outbox; the socket reads from the receiver.
    #[must_use]
    pub fn open(
        streamer: Option<StreamerId>,
        credential: Credential,
        now: UnixMillis,
    ) -> (Arc<Self>, mpsc::Receiver<ToSession>) {
        // The channel adds one place for its one sender.
        let (sender, receiver) = mpsc::channel(OUTBOX - 1);
        let handle = Self {
            id: SessionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            streamer,
            credential: Mutex::new(credential),
            until: AtomicI64::new(i64::MAX),
            heard: AtomicI64::new(now.0),
            outbox: Mutex::new(sender),
        };
        (Arc::new(handle), receiver)
    }

    /// What it was opened with, or what has taken the place of that.
    #[must_use]
    pub fn credential(&self) -> Credential {
        *self.credential.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with another credential.
    pub fn renew(&self, credential: Credential) {
        *self.credential.lock().unwrap_or_else(PoisonError::into_inner) = credential;
    }

    /// Whether the time of its credential is over.
    #[must_use]
    pub fn is_over(&self, now: UnixMillis) -> bool {
        self.until.load(Ordering::Relaxed) <= now.0
    }

    /// Puts a message into the outbox.
    ///
    /// # Errors
    /// The outbox is full, or the socket is gone.
    pub fn send(&self, message: ToSession) -> Result<(), NotSent> {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.try_send(message).map_err(|_| {
            ::metrics::counter!("gametriggers_outbox_dropped_total").increment(1);
            NotSent
        })
    }

    /// Whether the socket still reads its outbox.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.outbox.lock().unwrap_or_else(PoisonError::into_inner).is_closed()
    }

    /// The peer said something.
    pub fn hear(&self, now: UnixMillis) {
        self.heard.store(now.0, Ordering::Relaxed);
    }

    /// When the peer last said something.
    #[must_use]
    pub fn heard(&self) -> UnixMillis {
        UnixMillis(self.heard.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_takes_what_it_says_and_not_one_more() {
        let (handle, receiver) = SessionHandle::open(None, Credential::Key([0; 32]), UnixMillis(0));
        let beat = || handle.send(ToSession::Heartbeat(UnixMillis(0)));
        assert!((0..OUTBOX).all(|_| beat().is_ok()));
        assert_eq!(beat(), Err(NotSent));
        assert!(handle.is_open());
        drop(receiver);
        assert_eq!(beat(), Err(NotSent));
        assert!(!handle.is_open());
    }
}
