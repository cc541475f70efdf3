//! Close codes: 3000-3499 ask the client to reconnect, 3500-3999 tell it to stop.

/// Why the server closed a socket. The number is the WebSocket close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The server drains; come back after the delay that `drain` named.
    Shutdown = 3000,
    /// The client read too slowly: its outbox stayed full, or a write met its deadline.
    SlowConsumer = 3001,
    /// Nothing was heard from the client for the dead-link time.
    HeartbeatMissed = 3002,
    /// No `hello` arrived in time.
    AuthenticationTimeout = 3003,
    /// The server could not go on with this socket (an actor was lost). The state is intact.
    ServerError = 3004,
    /// More frames or bytes a second than allowed.
    TooFast = 3005,
    /// The streamer, the campaign or the key has as many sockets of this kind open as it may have.
    TooManySockets = 3006,
    /// A page of another build said what this server does not understand. It was told to reload.
    Outdated = 3007,
    /// The access token's time is over, or its user has changed: get a new token and connect again.
    TokenOver = 3008,
    /// The key, token or ticket is unknown, over or used up, or not one for this socket.
    Unauthorized = 3500,
    /// The key was rotated or revoked, or its user has signed out or may not sign in any more.
    Revoked = 3501,
    /// The frame is not a message of this protocol.
    Malformed = 3502,
    /// The declared size of a frame is above the limit.
    FrameTooLarge = 3503,
    /// `hello` names a version that this server does not speak.
    UnsupportedVersion = 3504,
    /// A fragmented message or a binary frame.
    UnsupportedFrame = 3505,
    /// A message before `hello`, or a second `hello`.
    OutOfOrder = 3506,
    /// The key's time is over.
    Expired = 3507,
    /// The key or token lacks the scope that this socket needs.
    OutOfScope = 3508,
}

impl CloseCode {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 18] = [
        Self::Shutdown,
        Self::SlowConsumer,
        Self::HeartbeatMissed,
        Self::AuthenticationTimeout,
        Self::ServerError,
        Self::TooFast,
        Self::TooManySockets,
        Self::Outdated,
        Self::TokenOver,
        Self::Unauthorized,
        Self::Revoked,
        Self::Malformed,
        Self::FrameTooLarge,
        Self::UnsupportedVersion,
        Self::UnsupportedFrame,
        Self::OutOfOrder,
        Self::Expired,
        Self::OutOfScope,
    ];

    /// The number on the wire.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a unit-only enum with repr(u16) has no other way to its number"
    )]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The reason on the wire and the label of the metric.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::SlowConsumer => "slow_consumer",
            Self::HeartbeatMissed => "heartbeat_missed",
            Self::AuthenticationTimeout => "authentication_timeout",
            Self::ServerError => "server_error",
            Self::TooFast => "too_fast",
            Self::TooManySockets => "too_many_sockets",
            Self::Outdated => "outdated",
            Self::TokenOver => "token_over",
            Self::Unauthorized => "unauthorized",
            Self::Revoked => "revoked",
            Self::Malformed => "malformed",
            Self::FrameTooLarge => "frame_too_large",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnsupportedFrame => "unsupported_frame",
            Self::OutOfOrder => "out_of_order",
            Self::Expired => "expired",
            Self::OutOfScope => "out_of_scope",
        }
    }

    /// Whether a client should try again.
    #[must_use]
    pub const fn reconnect(self) -> bool {
        self.code() < 3500
    }
}
