//! What a platform lets its streamers show: one profile for each, with a version, as data.
//!
//! No rule of a platform is law here. The profiles are read when the server starts, and the one of a stream's
//! platform is asked before every play, like a blocking rule.

use super::area::Drawn;
use super::campaign::{Campaign, Category};
use super::creative::{Creative, Format, LengthCaps, Placement};
use super::streamer::{Platform, Profile, Settings};
use std::sync::Arc;

/// The rules of one platform, or of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Such as `twitch-conservative`.
    pub name: Arc<str>,
    /// Goes up with every change of what it says.
    pub version: u32,
    /// Whom it is for.
    pub platforms: Vec<Platform>,
    /// Whether anything may be shown there at all.
    pub enabled: bool,
    /// Whether the streamer has to agree to it first.
    pub opt_in: bool,
    /// Whether the streamer has to switch on the platform's own disclosure, besides the label of the overlay.
    /// Their agreement to the profile is their word that they do.
    pub disclosure: bool,
    /// The least share of the screen that a card may take, in ten-thousandths.
    pub card_bps_min: u32,
    /// The largest share that a card of words or with a code may take.
    pub card_bps_max: u32,
    /// The largest share that a picture or a video may take, its label not counted.
    pub picture_bps_max: u32,
    /// Formats that may be shown.
    pub formats: Vec<Format>,
    /// Placements that may be used.
    pub placements: Vec<Placement>,
    /// Whether an ad may be heard.
    pub sound: bool,
    /// The longest time on screen by format.
    pub lengths: LengthCaps,
    /// Advertised categories that are never shown.
    pub prohibited: Words,
    /// Advertised categories that are shown on streams with a mature label only.
    pub mature: Words,
}

/// Categories, kept in the order of their marks so that one is found without looking at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<Category>);

impl Words {
    /// A list of words.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut words: Vec<_> = words.into_iter().map(Category::new).collect();
        words.sort_unstable_by(|a, b| a.mark().cmp(&b.mark()).then_with(|| a.cmp(b)));
        words.dedup();
        Self(words)
    }

    /// Whether a category is among them.
    #[must_use]
    pub fn contain(&self, category: &Category) -> bool {
        let from = self.0.partition_point(|word| word.mark() < category.mark());
        self.0
            .iter()
            .skip(from)
            .take_while(|word| word.mark() == category.mark())
            .any(|word| word == category)
    }
}

/// What a profile says against an ad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is shown on this platform.
    Disabled,
    /// The streamer has not agreed to the profile.
    OptIn,
    /// The category is prohibited.
    Category,
    /// The category needs a mature label.
    Mature,
    /// The format.
    Format,
    /// The placement.
    Placement,
    /// It can be heard.
    Sound,
    /// It takes too little of the screen to count.
    TooSmall,
    /// It takes too much of the screen.
    TooLarge,
    /// It is on screen for too long.
    Length,
}

impl Refusal {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Disabled => "no ads are shown there",
            Self::OptIn => "the streamer has not agreed to its policy",
            Self::Category => "its category is not shown there",
            Self::Mature => "its category is shown on streams with a mature label only",
            Self::Format => "its format is not shown there",
            Self::Placement => "its placement is not used there",
            Self::Sound => "ads are silent there",
            Self::TooSmall => "it takes less of the screen than counts",
            Self::TooLarge => "it takes more of the screen than is allowed there",
            Self::Length => "it is on screen for longer than is allowed there",
        }
    }
}

impl Policy {
    /// A profile that allows everything, on every platform.
    #[must_use]
    pub fn open() -> Self {
        Self {
            name: "open".into(),
            version: 1,
            platforms: Platform::ALL.to_vec(),
            enabled: true,
            opt_in: false,
            disclosure: false,
            card_bps_min: 0,
            card_bps_max: 10_000,
            picture_bps_max: 10_000,
            formats: Format::ALL.to_vec(),
            placements: Placement::ALL.to_vec(),
            sound: true,
            lengths: LengthCaps::default(),
            prohibited: Words::default(),
            mature: Words::default(),
        }
    }

    /// Whether a category may be shown on a stream at all.
    ///
    /// # Errors
    /// The first thing that is against it.
    pub fn admits(&self, category: &Category, profile: &Profile, settings: &Settings) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::Disabled);
        }
        if self.needs_opt_in() && settings.opt_in.as_ref().is_none_or(|given| given.policy != self.name) {
            return Err(Refusal::OptIn);
        }
        if self.prohibited.contain(category) {
            return Err(Refusal::Category);
        }
        if !profile.mature && self.mature.contain(category) {
            return Err(Refusal::Mature);
        }
        Ok(())
    }

    /// Whether a creative may be drawn.
    ///
    /// # Errors
    /// The first thing that is against it.
    pub fn draws(&self, creative: &Creative) -> Result<(), Refusal> {
        let Drawn { picture, card } = creative.drawn;
        let format = creative.content.format();
        let (pixels, most) = match format {
            Format::Image | Format::Video => (picture, self.picture_bps_max),
            Format::Text | Format::Qr => (card, self.card_bps_max),
        };
        if !self.formats.contains(&format) {
            Err(Refusal::Format)
        } else if !self.placements.contains(&creative.placement) {
            Err(Refusal::Placement)
        } else if creative.sound && !self.sound {
            Err(Refusal::Sound)
        } else if Drawn::bps(card) < self.card_bps_min {
            Err(Refusal::TooSmall)
        } else if Drawn::bps(pixels) > most {
            Err(Refusal::TooLarge)
        } else if !self.lengths.allow(creative) {
            Err(Refusal::Length)
        } else {
            Ok(())
        }
    }

    /// Whether the streamer has to agree.
    #[must_use]
    pub const fn needs_opt_in(&self) -> bool {
        self.opt_in || self.disclosure
    }

    /// Why no stream that falls under the profile can ever show the campaign.
    #[must_use]
    pub fn never(&self, campaign: &Campaign) -> Option<Refusal> {
        if !self.enabled {
            return Some(Refusal::Disabled);
        }
        if self.prohibited.contain(&campaign.category) {
            return Some(Refusal::Category);
        }
        if campaign.targeting.mature == super::targeting::Mature::Exclude
            && self.mature.contain(&campaign.category)
        {
            return Some(Refusal::Mature);
        }
        let drawn = campaign.creatives.iter().map(|creative| self.draws(creative));
        drawn.reduce(Result::or).and_then(Result::err)
    }
}

/// The profile of each platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    twitch: Arc<Policy>,
    youtube: Arc<Policy>,
    kick: Arc<Policy>,
    other: Arc<Policy>,
}

/// The profiles do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A platform has none.
    #[error("no profile is for {}", .0.code())]
    Missing(Platform),
    /// A platform has several.
    #[error("more than one profile is for {}", .0.code())]
    Twice(Platform),
}

impl Policies {
    /// Each platform has exactly one of the profiles.
    ///
    /// # Errors
    /// A platform has none or several.
    pub fn new(all: Vec<Policy>) -> Result<Self, PolicyFault> {
        let all: Vec<Arc<Policy>> = all.into_iter().map(Arc::new).collect();
        let find = |platform: Platform| {
            let mut those = all.iter().filter(|policy| policy.platforms.contains(&platform));
            match (those.next(), those.next()) {
                (Some(policy), None) => Ok(Arc::clone(policy)),
                (None, _) => Err(PolicyFault::Missing(platform)),
                (Some(_), Some(_)) => Err(PolicyFault::Twice(platform)),
            }
        };
        Ok(Self {
            twitch: find(Platform::Twitch)?,
            youtube: find(Platform::Youtube)?,
            kick: find(Platform::Kick)?,
            other: find(Platform::Other)?,
        })
    }

    /// The profile of a platform.
    #[must_use]
    pub const fn of(&self, platform: Platform) -> &Arc<Policy> {
        match platform {
            Platform::Twitch => &self.twitch,
            Platform::Youtube => &self.youtube,
            Platform::Kick => &self.kick,
            Platform::Other => &self.other,
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
pub(crate) mod tests;
