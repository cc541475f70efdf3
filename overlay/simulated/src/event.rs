//! What a simulated overlay tells of itself.

use crate::clock::Stamp;
use gametriggers_protocol::overlay::{AckResult, Claim, FromOverlay, Play, Prepare, Welcome};
use std::time::Duration;

/// Something that happened on one overlay. Times are taken when the frame was read.
#[derive(Debug)]
pub enum Event<'a> {
    /// The server has accepted `hello`.
    Welcome {
        /// Its answer.
        welcome: &'a Welcome,
        /// When the connection was begun.
        began: Stamp,
        /// When the answer was read.
        at: Stamp,
    },
    /// The server's heartbeat.
    Heartbeat {
        /// The client's wall clock minus the server's stamp. The stamp is in whole milliseconds,
        /// so this is up to 1 000 too high.
        one_way_us: i64,
    },
    /// The server asks to load a creative.
    Prepare(&'a Prepare),
    /// The server asks to show it.
    Play {
        /// What it said.
        play: &'a Play,
        /// Since this client sent `prepared`: the way to the server, through its actors, and back.
        round_trip: Duration,
    },
    /// A frame about a play was given to the socket (or kept for the next one): `started`,
    /// `ended`, `skipped`, `failed`.
    Said(&'a FromOverlay),
    /// A claim was put on the wire.
    Claim {
        /// The claim.
        claim: &'a Claim,
        /// How many times by now; more than one is a resend.
        times: u32,
    },
    /// The server has answered a claim.
    Ack {
        /// The play.
        play_id: &'a str,
        /// What became of it.
        result: AckResult,
        /// Why it was rejected.
        reason: Option<&'a str>,
        /// Since the claim was last sent; none when the claim was no longer waiting.
        waited: Option<Duration>,
    },
    /// The server closes soon; the client comes back after this delay.
    Drain {
        /// The delay.
        reconnect_after: Duration,
    },
    /// The client has stopped reading, as its settings said.
    Stalled,
    /// The socket is gone, or could not be opened.
    Lost(&'a Lost),
}

/// Why a socket is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// TCP or the handshake failed.
    Refused(String),
    /// The server sent a close frame with this code; 1005 stands for a frame without one.
    Closed(u16),
    /// The connection ended without a close frame.
    Ended(String),
    /// Nothing was heard for the time that `welcome` named, or the server took nothing.
    Silent,
    /// This side closed it, as it was told to.
    Stopped,
}

impl Lost {
    /// Whether the server told the client to stay away.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Closed(code) => (3_500..4_000).contains(code),
            Self::Stopped => true,
            Self::Refused(_) | Self::Ended(_) | Self::Silent => false,
        }
    }
}

/// Listens to overlays. Called on the overlay's own task: be quick. Any
/// `Fn(u32, &Event<'_>) + Send + Sync` is one; the number is that of the overlay's settings.
pub trait Observer: Send + Sync {
    /// Something happened on an overlay.
    fn event(&self, overlay: u32, event: &Event<'_>);
}

impl<F> Observer for F
where
    F: Fn(u32, &Event<'_>) + Send + Sync,
{
    fn event(&self, overlay: u32, event: &Event<'_>) {
        self(overlay, event);
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn event(&self, _overlay: u32, _event: &Event<'_>) {}
}
