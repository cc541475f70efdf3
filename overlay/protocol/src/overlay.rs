//! `/ws/overlay`: the OBS page and the streamer's actor.
//!
//! The life of a play on the wire: `prepare` -> `prepared` -> `play` -> `started` -> `progress`* ->
//! `ended` -> `claim` -> `ack`. The page keeps a claim in its outbox, in memory and in local
//! storage, and sends it again after every reconnect until `ack` names its play.

use serde::{Deserialize, Serialize};

/// Characters of a plugin's version that are kept: it is for people to read, so the rest is cut off.
pub const PLUGIN_VERSION_CHARS_MAX: usize = 64;

/// What the page says. Fields that are not named here are ignored, so that a newer page can add some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromOverlay {
    /// The first message of a socket.
    Hello(Hello),
    /// What the page knows of its place in OBS has changed.
    Status(PageStatus),
    /// The answer to `heartbeat`.
    Heartbeat {},
    /// The creative is loaded and decoded and can be shown within one frame.
    Prepared {
        /// The play of `prepare`.
        play_id: String,
    },
    /// The first frame of the creative was painted.
    Started {
        /// The play of `play`.
        play_id: String,
    },
    /// Sent each second while the creative is on screen.
    Progress {
        /// The play on screen.
        play_id: String,
        /// Time painted without a gap so far.
        painted_ms: u32,
        /// Frames painted so far.
        frames: u32,
    },
    /// The creative has left the screen after its whole time.
    Ended {
        /// The play that was on screen.
        play_id: String,
    },
    /// The creative was not shown, or not to its end; no claim follows.
    Skipped {
        /// The play that was dropped.
        play_id: String,
        /// Why.
        reason: SkipReason,
    },
    /// The creative could not be shown.
    Failed {
        /// The play that failed.
        play_id: String,
        /// Why.
        reason: FailReason,
    },
    /// A claim on money: resent until acked.
    Claim(Claim),
}

/// The first message: who the page is and how it sees itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol version, 1.
    pub v: u32,
    /// The overlay key from the fragment of the page's address.
    pub token: String,
    /// Random per page load; 8 to 64 characters of `[A-Za-z0-9_-]`.
    pub instance_id: String,
    /// The build of the page; the server answers `reload` when it is not its own.
    pub build: String,
    /// The program that shows the page.
    pub host: Host,
    /// The size of the page.
    pub page: PageSize,
    /// How the page sees its place in OBS.
    pub status: PageStatus,
    /// Claims waiting in the page's outbox.
    pub outbox: u32,
}

/// The program that shows the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// `obs` when `window.obsstudio` exists, `obs_like` when only the user agent says so.
    pub kind: HostKind,
    /// `window.obsstudio.pluginVersion`, of `PLUGIN_VERSION_CHARS_MAX` characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_version: Option<String>,
    /// Chrome's major version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chrome: Option<u32>,
}

/// The kind of program that shows the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// `window.obsstudio` exists.
    Obs,
    /// The user agent contains `OBS/`, the object does not exist.
    ObsLike,
    /// Anything else: a browser, another program's web source.
    Generic,
}

/// The size of the page in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageSize {
    /// `innerWidth`.
    pub width: u32,
    /// `innerHeight`.
    pub height: u32,
    /// `devicePixelRatio`.
    pub dpr: f32,
}

/// How the page sees its place in OBS. Four states, because OBS has no getter and three common
/// cases send no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStatus {
    /// In the program output?
    pub active: Active,
    /// Shown anywhere (`document.visibilityState`, `obsSourceVisibleChanged`).
    pub visible: bool,
    /// `getStatus().streaming`, when the host tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streaming: Option<bool>,
}

/// Whether the source is in the program output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// An event said no.
    Inactive,
    /// No event, and nothing to infer from.
    Unknown,
    /// No event, but the page is visible and animation frames tick.
    Inferred,
    /// An event said yes.
    Active,
}

/// Why a play was not shown, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// `play` came after its `not_after_ms`.
    Expired,
    /// The page was or became hidden.
    Hidden,
    /// The source left the program output.
    Inactive,
    /// The server said `stop`.
    Stopped,
    /// The page was already showing a creative.
    Busy,
    /// The socket was lost before the creative had been shown.
    Disconnected,
}

/// Why a play could not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The asset did not load.
    Load,
    /// The asset did not decode.
    Decode,
    /// The host cannot play this format.
    Unsupported,
    /// The disclosure label was hidden or restyled.
    LabelHidden,
    /// The creative was on screen, but hardly painted.
    NotPainted,
}

/// A claim that a play was shown: the debit token and what the page measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The play.
    pub play_id: String,
    /// The signed debit token of `play`, unchanged.
    pub token: String,
    /// The single-use nonce of `play`, unchanged.
    pub nonce: String,
    /// What the page measured.
    pub evidence: Evidence,
}

/// What the page measured of one play. A claim, never a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The longest time painted without a gap.
    pub painted_ms: u32,
    /// Frames painted in that time.
    pub frames: u32,
    /// Share of the creative's pixels inside the viewport, in percent.
    pub in_view_percent: u8,
    /// Share of the page that the creative covers, in parts per million.
    pub area_ppm: u32,
    /// The label was visible with its own style at each check.
    pub label_visible: bool,
    /// The lowest state seen while the creative was on screen.
    pub active: Active,
    /// Streaming at start and at end, when the host tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streaming: Option<bool>,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToOverlay {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// Every `heartbeat_ms`; the page answers with its own and takes the time from it.
    Heartbeat {
        /// The server's clock.
        server_ms: i64,
    },
    /// Whether this page is the one that gets plays.
    Role {
        /// True on at most one page of a streamer.
        primary: bool,
    },
    /// The streamer's settings for the page.
    Settings(PageSettings),
    /// Load and decode this creative, then answer `prepared`.
    Prepare(Prepare),
    /// Show the prepared creative now.
    Play(Play),
    /// Take the creative off the screen within one frame, or forget it if it is not on yet.
    Stop {
        /// The play.
        play_id: String,
    },
    /// The claim is durable; forget it.
    Ack {
        /// The play.
        play_id: String,
        /// What became of it.
        result: AckResult,
        /// Why it was rejected, from the closed list of reasons.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The page is of another build: reload while nothing plays.
    Reload {},
    /// The server is about to close the sockets.
    Drain {
        /// Wait this long before reconnecting.
        reconnect_after_ms: u32,
    },
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Protocol version, 1.
    pub v: u32,
    /// The server's clock.
    pub server_ms: i64,
    /// The build of the page that the server would serve now.
    pub build: String,
    /// Time between heartbeats.
    pub heartbeat_ms: u32,
    /// Silence after which the link is dead.
    pub dead_after_ms: u32,
    /// Whether this page is the one that gets plays.
    pub primary: bool,
    /// The streamer's settings for the page.
    pub settings: PageSettings,
}

/// The streamer's settings for the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSettings {
    /// Loudness of video, in percent; 0 is silent, the default.
    pub volume_percent: u8,
    /// How much the creatives move.
    pub motion: Motion,
}

/// How much the creatives move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// Slide and fade.
    Full,
    /// Fade only.
    Reduced,
    /// Cut.
    None,
}

/// A creative to load and decode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// The play, a UUID of version 7.
    pub play_id: String,
    /// What to show.
    pub creative: Creative,
    /// Forget the creative when no `play` has come by then.
    pub not_after_ms: i64,
}

/// Show the prepared creative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Play {
    /// The play of `prepare`.
    pub play_id: String,
    /// The signed debit token for the claim; absent on a test, which is never claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Single use, to be echoed in the claim.
    pub nonce: String,
    /// Do not start after this.
    pub not_after_ms: i64,
}

/// A creative as the page draws it. Everything in `src` fields is a path on the server's own
/// origin; text is plain text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creative {
    /// What is drawn.
    pub content: Content,
    /// Where it stands.
    pub placement: Placement,
    /// Which corner, for `corner`; which edge for the others (top or bottom).
    pub corner: Corner,
    /// Time on screen, entrance and exit included.
    pub duration_ms: u32,
    /// The disclosure label, from a fixed set.
    pub label: String,
    /// Who pays.
    pub brand: String,
    /// `#rrggbb`.
    pub accent: String,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A still image.
    Image {
        /// Path of the asset.
        src: String,
        /// Natural width.
        width: u32,
        /// Natural height.
        height: u32,
    },
    /// A short video, muted unless the streamer set a volume.
    Video {
        /// Path of the WebM rendition.
        src: String,
        /// Natural width.
        width: u32,
        /// Natural height.
        height: u32,
    },
    /// A text banner.
    Text {
        /// At most 60 characters.
        headline: String,
        /// At most 120 characters, may be empty.
        body: String,
    },
    /// A QR code with a line of text.
    Qr {
        /// At most 60 characters.
        headline: String,
        /// At most 120 characters, may be empty.
        body: String,
        /// Path of the code as SVG.
        qr_src: String,
        /// The short address in words, for those who cannot scan.
        link_text: String,
    },
}

/// Where a creative stands on the 1920x1080 stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// A wide card above the lower edge.
    LowerThird,
    /// A card in a corner.
    Corner,
    /// A strip along an edge.
    Ticker,
}

/// A corner of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    BottomRight,
}

/// What became of a claim. Each of them is final: the page forgets the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckResult {
    /// Written now.
    Settled,
    /// Was written before.
    Duplicate,
    /// Will never be written; `reason` says why.
    Rejected,
}
