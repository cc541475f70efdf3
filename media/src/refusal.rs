//! Why an upload is refused: a closed list, and words for people.

/// The kind of a refusal, for counters and for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing in it.
    Empty,
    /// It begins like no format that is known.
    Unknown,
    /// A format that is known and not taken.
    Format,
    /// A vector picture.
    Svg,
    /// Pictures that move.
    Animated,
    /// It is not what its sender calls it.
    Mislabelled,
    /// It ends early, or is broken inside.
    Damaged,
    /// Something stands behind its end or inside that belongs to no part of it.
    Surplus,
    /// More pixels a side, or in all, than are decoded.
    Pixels,
    /// Decoding it would take too much memory.
    Memory,
    /// A codec or a track that is not played.
    Codec,
    /// How long it runs can not be read.
    Duration,
    /// What its head says is not what its frames say.
    Contradiction,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Empty,
        Self::Unknown,
        Self::Format,
        Self::Svg,
        Self::Animated,
        Self::Mislabelled,
        Self::Damaged,
        Self::Surplus,
        Self::Pixels,
        Self::Memory,
        Self::Codec,
        Self::Duration,
        Self::Contradiction,
    ];

    /// The name on the wire and in counters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unknown => "unknown_format",
            Self::Format => "format",
            Self::Svg => "svg",
            Self::Animated => "animated",
            Self::Mislabelled => "mislabelled",
            Self::Damaged => "damaged",
            Self::Surplus => "surplus",
            Self::Pixels => "pixels",
            Self::Memory => "memory",
            Self::Codec => "codec",
            Self::Duration => "duration",
            Self::Contradiction => "contradiction",
        }
    }
}

/// An upload that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// For people: what is wrong, and what would be taken.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its words.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    pub(crate) fn damaged(what: &str) -> Self {
        Self::new(Reason::Damaged, format!("the file is damaged or cut off: {what}"))
    }
}
