//! `/ws/campaigns/{id}`: a brand watches its campaign deliver.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the brand's client says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromCampaign {
    /// The first message of a socket.
    Hello {
        /// Protocol version, 1.
        v: u32,
        /// The brand's or an admin's key, an access token of a user who acts for them, or a ticket.
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
}

/// What the server says to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToCampaign {
    /// The answer to `hello`; a `live` follows.
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
    /// The campaign's counters, whole, after each change and at most four times a second.
    Live(Live),
    /// The server is about to close the sockets.
    Drain {
        /// Wait this long before reconnecting.
        reconnect_after_ms: u32,
    },
}

/// The counters of a campaign; also the body of `GET /api/campaigns/{id}/live`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Live {
    /// The campaign.
    #[schemars(range(min = 1))]
    pub campaign_id: i64,
    /// Running, stopped for now, or over for good.
    #[schemars(extend("enum" = ["active", "paused", "completed"]))]
    pub status: String,
    /// ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"INR")]
    pub currency: String,
    /// Given to the campaign so far.
    pub funded_micros: i64,
    /// Settled.
    pub spent_micros: i64,
    /// Reserved for plays that are decided and not yet settled.
    pub reserved_micros: i64,
    /// Plays settled or, for CPC, verified.
    pub plays: u64,
    /// Viewers of those plays, summed (estimated audience).
    pub viewer_impressions: u64,
    /// Billed clicks.
    pub clicks: u64,
    /// Plays whose claim was rejected.
    pub rejected: u64,
    /// Plays decided that are now somewhere between reserve and claim.
    pub in_flight: u64,
    /// The server's clock when this was made.
    pub server_ms: i64,
}
