//! A creative: what is drawn, where, for how long.

use super::id::CreativeId;
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

impl Content {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Text { .. } => "text",
            Self::Qr { .. } => "qr",
        }
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
        [Self::LowerThird, Self::Corner, Self::Ticker].into_iter().find(|p| p.code() == code)
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
}

/// Shortest time on screen.
pub const DURATION_MIN: Millis = Millis(3_000);
/// Longest time on screen.
pub const DURATION_MAX: Millis = Millis(30_000);
