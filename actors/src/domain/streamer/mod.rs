//! A streamer: who they are, what they allow, and what is on their stream now.

pub mod board;
pub mod channel;
pub mod claim;
mod code;
pub mod command;
pub mod hand;
pub mod history;
pub mod live;
pub mod page;
pub mod slot;
pub mod why;

use super::creative::{Creative, Format, LengthCaps};
use super::id::{BrandId, StreamerId};
use super::reason::Reason;
use super::time::{Millis, UnixMillis};
use std::fmt;
use std::sync::Arc;

/// Where a stream runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// twitch.tv.
    Twitch,
    /// youtube.com.
    Youtube,
    /// kick.com.
    Kick,
    /// Any other.
    Other,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Twitch, Self::Youtube, Self::Kick, Self::Other];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Twitch => "twitch",
            Self::Youtube => "youtube",
            Self::Kick => "kick",
            Self::Other => "other",
        }
    }

    /// The platform of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.code() == code)
    }
}

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
    /// Where it runs.
    pub platform: Platform,
    /// Followers, as an operator last entered them.
    pub followers: u32,
    /// Whether the stream carries the platform's label for grown-ups.
    pub mature: bool,
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

/// In one line, as the record of an operator's change has it.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, content_category, language, country, platform, followers, mature } = self;
        let (platform, mature) = (platform.code(), if *mature { ", mature" } else { "" });
        write!(
            f,
            "{name}: {content_category}, {language}, {country}, {platform}, {followers} followers{mature}"
        )
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
    /// Formats that may not appear.
    pub blocked_formats: Vec<Format>,
    /// Whether ads that can be heard may appear. If not, all of them are silent.
    pub allow_sound: bool,
    /// The longest time on screen by format.
    pub lengths: LengthCaps,
    /// Brands that may not appear.
    pub blocked_brands: Vec<BrandId>,
    /// Advertised categories that may not appear.
    pub blocked_categories: Vec<Arc<str>>,
    /// The platform's profile that they have agreed to.
    pub opt_in: Option<OptIn>,
}

/// The word of a streamer that they know what a platform's profile asks of them, and do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptIn {
    /// The name of the profile.
    pub policy: Arc<str>,
    /// When they gave it.
    pub at: UnixMillis,
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
            blocked_formats: Vec::new(),
            allow_sound: true,
            lengths: LengthCaps::default(),
            blocked_brands: Vec::new(),
            blocked_categories: Vec::new(),
            opt_in: None,
        }
    }
}

impl Settings {
    /// Whether a creative may appear.
    ///
    /// # Errors
    /// `creative` for its format or its sound, `length` for its time on screen.
    pub fn allow(&self, creative: &Creative) -> Result<(), Reason> {
        let blocked = self.blocked_formats.contains(&creative.content.format());
        if blocked || (creative.sound && !self.allow_sound) {
            return Err(Reason::Creative);
        }
        if self.lengths.allow(creative) { Ok(()) } else { Err(Reason::Length) }
    }

    /// How loud the page plays, in percent.
    #[must_use]
    pub const fn loudness(&self) -> u8 {
        if self.allow_sound { self.volume_percent } else { 0 }
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
    /// Whether video is allowed: one of the formats, by itself.
    pub allow_video: Option<bool>,
    /// Formats that may not appear, video among them.
    pub blocked_formats: Option<Vec<Format>>,
    /// Whether ads that can be heard may appear.
    pub allow_sound: Option<bool>,
    /// The longest time on screen by format.
    pub lengths: Option<LengthCaps>,
    /// Brands that may not appear.
    pub blocked_brands: Option<Vec<BrandId>>,
    /// Advertised categories that may not appear.
    pub blocked_categories: Option<Vec<Arc<str>>>,
    /// The platform's profile that they have agreed to; none inside takes their word back.
    pub opt_in: Option<Option<OptIn>>,
}

/// What an operator changes on a streamer. None leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// For people.
    pub name: Option<Arc<str>>,
    /// What the stream is about.
    pub content_category: Option<Arc<str>>,
    /// ISO 639-1.
    pub language: Option<Arc<str>>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Arc<str>>,
    /// Where it runs.
    pub platform: Option<Platform>,
    /// Followers.
    pub followers: Option<u32>,
    /// Whether it carries the label for grown-ups.
    pub mature: Option<bool>,
}

impl ProfileChange {
    /// What it makes of a profile.
    #[must_use]
    pub fn of(&self, before: &Profile) -> Profile {
        let or = |said: &Option<Arc<str>>, before: &Arc<str>| Arc::clone(said.as_ref().unwrap_or(before));
        Profile {
            name: or(&self.name, &before.name),
            content_category: or(&self.content_category, &before.content_category),
            language: or(&self.language, &before.language),
            country: or(&self.country, &before.country),
            platform: self.platform.unwrap_or(before.platform),
            followers: self.followers.unwrap_or(before.followers),
            mature: self.mature.unwrap_or(before.mature),
        }
    }
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

impl Sample {
    /// Whether it still says something.
    #[must_use]
    pub fn is_fresh(&self, now: UnixMillis) -> bool {
        now - self.sampled < SAMPLE_LIFE
    }
}
