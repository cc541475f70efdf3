//! A creative: what is drawn, where, for how long.

use super::area::Drawn;
use super::id::CreativeId;
use super::rotation::CreativeCounts;
use super::time::Millis;
use std::sync::Arc;

/// What is drawn. Assets are named by the hash of their content and served by this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A still image.
    Image {
        /// File name in the asset store: hash and extension.
        asset: Arc<str>,
        /// Natural width.
        width: u32,
        /// Natural height.
        height: u32,
    },
    /// A short WebM video.
    Video {
        /// File name in the asset store: hash and extension.
        asset: Arc<str>,
        /// Natural width.
        width: u32,
        /// Natural height.
        height: u32,
    },
    /// A text banner.
    Text {
        /// At most 60 characters.
        headline: Arc<str>,
        /// At most 120 characters.
        body: Arc<str>,
    },
    /// A QR code to the landing page, through the click link of the play.
    Qr {
        /// At most 60 characters.
        headline: Arc<str>,
        /// At most 120 characters.
        body: Arc<str>,
    },
}

/// The kind of a creative's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A still image.
    Image,
    /// A short video.
    Video,
    /// A text banner.
    Text,
    /// A QR code.
    Qr,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Image, Self::Video, Self::Text, Self::Qr];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Text => "text",
            Self::Qr => "qr",
        }
    }

    /// The format of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }
}

/// The longest time on screen by format. Zero is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LengthCaps {
    /// Of a still image.
    pub image: Millis,
    /// Of a video.
    pub video: Millis,
    /// Of a text banner.
    pub text: Millis,
    /// Of a QR code.
    pub qr: Millis,
}

impl LengthCaps {
    /// The cap of a format; zero for none.
    #[must_use]
    pub const fn of(self, format: Format) -> Millis {
        match format {
            Format::Image => self.image,
            Format::Video => self.video,
            Format::Text => self.text,
            Format::Qr => self.qr,
        }
    }

    /// Whether a creative is short enough.
    #[must_use]
    pub fn allow(self, creative: &Creative) -> bool {
        let cap = self.of(creative.content.format());
        cap.0 == 0 || creative.duration <= cap
    }
}

impl Content {
    /// What kind it is.
    #[must_use]
    pub const fn format(&self) -> Format {
        match self {
            Self::Image { .. } => Format::Image,
            Self::Video { .. } => Format::Video,
            Self::Text { .. } => Format::Text,
            Self::Qr { .. } => Format::Qr,
        }
    }

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.format().code()
    }

    /// Continuous time on screen that makes it viewable: 1 s, 2 s for video (MRC).
    #[must_use]
    pub const fn viewable_after(&self) -> Millis {
        match self {
            Self::Video { .. } => Millis(2000),
            _ => Millis(1000),
        }
    }
}

/// Where a creative stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A wide card above the lower edge.
    LowerThird,
    /// A card in a corner.
    Corner,
    /// A strip along an edge.
    Ticker,
}

impl Placement {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LowerThird, Self::Corner, Self::Ticker];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LowerThird => "lower_third",
            Self::Corner => "corner",
            Self::Ticker => "ticker",
        }
    }

    /// The placement of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.code() == code)
    }
}

/// Whether a creative may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreativeStatus {
    /// It may.
    Active,
    /// Its brand stopped it for now.
    Paused,
    /// It waits for an operator.
    Review,
    /// Never again; what it achieved stays.
    Archived,
}

impl CreativeStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Review, Self::Archived];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Review => "review",
            Self::Archived => "archived",
        }
    }

    /// The status of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

/// One creative of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creative {
    /// Its id.
    pub id: CreativeId,
    /// What is drawn.
    pub content: Content,
    /// Where it stands.
    pub placement: Placement,
    /// Time on screen, 3 to 30 seconds.
    pub duration: Millis,
    /// `#rrggbb`.
    pub accent: Arc<str>,
    /// Whether it can be heard. Only a video can.
    pub sound: bool,
    /// Its share of the plays in weighted rotation, 1 to `WEIGHT_MAX`.
    pub weight: u16,
    /// Whether it may be shown. Decisions see none that may not.
    pub status: CreativeStatus,
    /// The screen that it takes.
    pub drawn: Drawn,
    /// What it achieved, when the catalogue was read.
    pub counts: CreativeCounts,
}

/// Largest weight of a creative.
pub const WEIGHT_MAX: u16 = 1000;

/// Shortest time on screen.
pub const DURATION_MIN: Millis = Millis(3_000);
/// Longest time on screen.
pub const DURATION_MAX: Millis = Millis(30_000);
