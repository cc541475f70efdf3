//! `/ws/dashboard`: the streamer's page and the streamer's actor.

use crate::overlay::{Active, HostKind};
use serde::{Deserialize, Serialize};

/// What the dashboard says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromDashboard {
    /// The first message of a socket.
    Hello {
        /// Protocol version, 1.
        v: u32,
        /// The streamer's key, an access token of a user who acts for them, or a ticket.
        token: String,
    },
    /// The answer to `heartbeat`.
    Heartbeat {},
    /// A new credential in the place of the one that the socket has, before that is over: a token of the same
    /// user, or a key of the same holder. Answered by `authorized`.
    Auth {
        /// An access token, or a key when the socket came with one.
        token: String,
    },
    /// Do something; answered by `result` with the same id.
    Command {
        /// Chosen by the page, at most 64 characters.
        id: String,
        /// What to do.
        command: Command,
    },
}

/// What a streamer can tell the actor to do. With braces, because serde lets a variant without them
/// have any fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// No more ads until `resume`; an ad on screen goes at once.
    Pause {},
    /// Ads again.
    Resume {},
    /// Take the ad on screen off; it is not paid.
    Skip {},
    /// An ad now, whatever the clock says; limits per hour stay.
    PlayNext {},
    /// No ads for some minutes.
    Snooze {
        /// 1 to 240.
        minutes: u32,
    },
    /// A labelled test creative, never billed; answered by `tested` when painted.
    Test {},
}

/// What the server says to a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToDashboard {
    /// The answer to `hello`; a `state` follows.
    Welcome {
        /// Protocol version, 1.
        v: u32,
        /// The server's clock.
        server_ms: i64,
        /// Time between heartbeats.
        heartbeat_ms: u32,
        /// Silence after which the link is dead.
        dead_after_ms: u32,
        /// When the key or the token is over, and the socket with it, unless `auth` brings a new one. Left
        /// out when it does not end by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
    },
    /// The answer to `auth`: the socket goes on with it.
    Authorized {
        /// As in `welcome`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
    },
    /// As on the overlay socket.
    Heartbeat {
        /// The server's clock.
        server_ms: i64,
    },
    /// Everything, sent whole after each change.
    State(Box<State>),
    /// The answer to `command`.
    Result {
        /// The id of the command.
        id: String,
        /// Done, or refused with a reason.
        ok: bool,
        /// Why it was refused, in words for the streamer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What a test ad measured.
    Tested {
        /// From the server's `prepare` to the page's `started`.
        painted_after_ms: u32,
        /// The host that painted it.
        host: HostKind,
        /// Page width.
        width: u32,
        /// Page height.
        height: u32,
        /// Whether it was in the program output.
        active: Active,
        /// Whether the host streams, when it tells.
        streaming: Option<bool>,
        /// Whether ads have sound there: the volume is above zero.
        sound: bool,
    },
    /// The server is about to close the sockets.
    Drain {
        /// Wait this long before reconnecting.
        reconnect_after_ms: u32,
    },
}

/// Everything that the dashboard shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The server's clock when this was made.
    pub server_ms: i64,
    /// The streamer.
    pub streamer_id: i64,
    /// The streamer's name.
    pub streamer_name: String,
    /// No ads until resumed.
    pub paused: bool,
    /// Loudness of video, in percent; 0 is silent.
    pub volume_percent: u8,
    /// No ads before this.
    pub snoozed_until_ms: Option<i64>,
    /// What the platform says.
    pub stream: Stream,
    /// The pages that are connected.
    pub overlays: Vec<Overlay>,
    /// Why no ad can be shown now, in the words of the closed list; none when one could.
    pub blocked_by: Option<String>,
    /// The ad in hand.
    pub current: Option<Current>,
    /// When the next slot falls due.
    pub next_slot_ms: Option<i64>,
    /// The streamer's money.
    pub earnings: Earnings,
    /// The last slots, newest first, at most 20.
    pub plays: Vec<RecentPlay>,
}

/// What the platform says of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// On air.
    pub live: bool,
    /// Viewers at the last sample.
    pub viewers: Option<u32>,
    /// When it was taken.
    pub sampled_ms: Option<i64>,
}

/// A page that is connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// Random per page load.
    pub instance_id: String,
    /// The program that shows it.
    pub host: HostKind,
    /// The plugin's version, in OBS.
    pub plugin_version: Option<String>,
    /// Chrome's major version.
    pub chrome: Option<u32>,
    /// Page width.
    pub width: u32,
    /// Page height.
    pub height: u32,
    /// Gets the plays.
    pub primary: bool,
    /// In the program output?
    pub active: Active,
    /// Shown anywhere.
    pub visible: bool,
    /// Streaming, when the host tells.
    pub streaming: Option<bool>,
    /// When the socket opened.
    pub connected_ms: i64,
}

/// The ad in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// The play.
    pub play_id: String,
    /// The campaign; none for a test.
    pub campaign_id: Option<i64>,
    /// The campaign's name.
    pub campaign: String,
    /// The brand's name.
    pub brand: String,
    /// `reserving`, `preparing`, `starting`, `on_screen`, `ending`.
    pub phase: String,
    /// When the first frame was painted.
    pub started_ms: Option<i64>,
    /// When it will be over.
    pub ends_ms: Option<i64>,
    /// What the streamer earns by it.
    pub earn_micros: i64,
}

/// The streamer's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earnings {
    /// ISO 4217.
    pub currency: String,
    /// Durable, all time.
    pub settled_micros: i64,
    /// Claimed, not yet durable.
    pub in_flight_micros: i64,
    /// Settled plays, all time.
    pub plays: u64,
}

/// One slot and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentPlay {
    /// The play; none when the slot stayed empty.
    pub play_id: Option<String>,
    /// When the slot fell due.
    pub at_ms: i64,
    /// The campaign; none when the slot stayed empty.
    pub campaign_id: Option<i64>,
    /// The campaign's name.
    pub campaign: String,
    /// The brand's name.
    pub brand: String,
    /// `settled`, `shown`, `claimed`, `rejected`, `skipped`, `failed`, `expired`, `no_fill`.
    pub outcome: String,
    /// From the closed list of reasons.
    pub reason: Option<String>,
    /// Viewers when the price was fixed.
    pub viewers: u32,
    /// What the streamer earned.
    pub earn_micros: i64,
}
