//! A streamer: who they are, what they allow, and what is on their stream now.

pub mod board;
pub mod claim;
pub mod command;
pub mod history;
pub mod live;
pub mod page;
pub mod slot;

use super::creative::Content;
use super::id::{BrandId, StreamerId};
use super::time::{Millis, UnixMillis};
use std::sync::Arc;

/// What targeting looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// For people.
    pub name: Arc<str>,
    /// What the stream is about.
    pub content_category: Arc<str>,
    /// ISO 639-1.
    pub language: Arc<str>,
    /// ISO 3166-1 alpha-2.
    pub country: Arc<str>,
}

impl Profile {
    /// What can not be so, by field: targeting compares these words letter by letter.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let category = &*self.content_category;
        let all = [
            (self.name.trim().is_empty() || self.name.chars().count() > 80, "name", "1 to 80 characters"),
            (
                category.is_empty() || category.len() > 40 || !category.chars().all(word),
                "category",
                "1 to 40 of a-z, 0-9 and _",
            ),
            (
                self.language.len() != 2 || !self.language.bytes().all(|b| b.is_ascii_lowercase()),
                "language",
                "two small letters of ISO 639-1, such as en",
            ),
            (
                self.country.len() != 2 || !self.country.bytes().all(|b| b.is_ascii_uppercase()),
                "country",
                "two capital letters of ISO 3166-1, such as IN",
            ),
        ];
        all.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, field, message)| (field, message)).collect()
    }
}

/// A corner of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Corner {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TopLeft => "top_left",
            Self::TopRight => "top_right",
            Self::BottomLeft => "bottom_left",
            Self::BottomRight => "bottom_right",
        }
    }

    /// The corner of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::TopLeft, Self::TopRight, Self::BottomLeft, Self::BottomRight]
            .into_iter()
            .find(|c| c.code() == code)
    }
}

/// How much ads move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// They slide and fade.
    Full,
    /// They fade.
    Reduced,
}

impl Motion {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Reduced => "reduced",
        }
    }

    /// The motion of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Full, Self::Reduced].into_iter().find(|m| m.code() == code)
    }
}

/// What the streamer allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// No ads until resumed.
    pub paused: bool,
    /// No ads before this.
    pub snoozed_until: Option<UnixMillis>,
    /// Time from one slot to the next, at least.
    pub slot_interval: Millis,
    /// Ads in any hour, at most.
    pub hourly_max: u32,
    /// No ads in the first part of a stream.
    pub first_ad_delay: Millis,
    /// Where ads stand.
    pub corner: Corner,
    /// Loudness of video in percent; 0 is silent.
    pub volume_percent: u8,
    /// How much ads move.
    pub motion: Motion,
    /// Whether video is allowed.
    pub allow_video: bool,
    /// Brands that may not appear.
    pub blocked_brands: Vec<BrandId>,
    /// Advertised categories that may not appear.
    pub blocked_categories: Vec<Arc<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            paused: false,
            snoozed_until: None,
            slot_interval: Millis::minutes(10),
            hourly_max: 6,
            first_ad_delay: Millis::minutes(5),
            corner: Corner::BottomRight,
            volume_percent: 0,
            motion: Motion::Full,
            allow_video: true,
            blocked_brands: Vec::new(),
            blocked_categories: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether a creative's format is allowed.
    #[must_use]
    pub const fn allows(&self, content: &Content) -> bool {
        self.allow_video || !matches!(content, Content::Video { .. })
    }
}

/// What a streamer sets. None leaves a field as it is; whether they pause is said by a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Time from one slot to the next, at least.
    pub slot_interval: Option<Millis>,
    /// Ads in any hour, at most.
    pub hourly_max: Option<u32>,
    /// No ads in the first part of a stream.
    pub first_ad_delay: Option<Millis>,
    /// Where ads stand.
    pub corner: Option<Corner>,
    /// Loudness of video in percent.
    pub volume_percent: Option<u8>,
    /// How much ads move.
    pub motion: Option<Motion>,
    /// Whether video is allowed.
    pub allow_video: Option<bool>,
    /// Brands that may not appear.
    pub blocked_brands: Option<Vec<BrandId>>,
    /// Advertised categories that may not appear.
    pub blocked_categories: Option<Vec<Arc<str>>>,
}

/// A streamer as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamer {
    /// Their id.
    pub id: StreamerId,
    /// What targeting looks at.
    pub profile: Arc<Profile>,
    /// What they allow.
    pub settings: Arc<Settings>,
}

/// What the platform last said of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// On air.
    pub live: bool,
    /// Viewers.
    pub viewers: u32,
    /// When it was taken.
    pub sampled: UnixMillis,
}

/// A sample older than this says nothing any more.
pub const SAMPLE_LIFE: Millis = Millis::seconds(120);
