//! Which streams a campaign wants.

use super::daypart::Dayparts;
use super::id::StreamerId;
use super::reason::Reason;
use super::streamer::{Platform, Profile, Sample};
use std::sync::Arc;

/// Streamers that one campaign can block, and a brand for all of its campaigns.
pub const BLOCKED_STREAMERS_MAX: usize = 1000;

/// What a campaign thinks of streams that carry a label for grown-ups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mature {
    /// It does not matter.
    #[default]
    Any,
    /// Only streams without it.
    Exclude,
    /// Only streams with it.
    Only,
}

impl Mature {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Any, Self::Exclude, Self::Only];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Exclude => "exclude",
            Self::Only => "only",
        }
    }

    /// The wish of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.code() == code)
    }

    pub(super) const fn wants(self, mature: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Exclude => !mature,
            Self::Only => mature,
        }
    }
}

/// What a campaign asks of a stream. An empty list or a zero asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targeting {
    /// Content categories, any of which fits.
    pub categories: Vec<Arc<str>>,
    /// Languages, any of which fits.
    pub languages: Vec<Arc<str>>,
    /// Countries, any of which fits.
    pub countries: Vec<Arc<str>>,
    /// Viewers at least.
    pub viewers_min: u32,
    /// Viewers at most; zero for no limit.
    pub viewers_max: u32,
    /// Followers at least.
    pub followers_min: u32,
    /// Followers at most; zero for no limit.
    pub followers_max: u32,
    /// Platforms, any of which fits.
    pub platforms: Vec<Platform>,
    /// Whether a label for grown-ups is wanted.
    pub mature: Mature,
    /// Streamers that the brand does not want, by ascending id: in this campaign, and, where decisions read
    /// it, in any of its campaigns.
    pub blocked_streamers: Vec<StreamerId>,
    /// The hours of the week in which it runs.
    pub dayparts: Dayparts,
}

impl Targeting {
    /// Blocks further streamers.
    pub fn block(&mut self, more: &[StreamerId]) {
        self.blocked_streamers.extend_from_slice(more);
        self.blocked_streamers.sort_unstable();
        self.blocked_streamers.dedup();
    }

    /// Whether the brand blocked a streamer.
    #[must_use]
    pub fn blocks(&self, streamer: StreamerId) -> bool {
        self.blocked_streamers.binary_search(&streamer).is_ok()
    }

    /// Whether what the stream is about, its language and its country are wanted.
    #[must_use]
    pub fn reaches(&self, profile: &Profile) -> bool {
        let fits = |wanted: &[Arc<str>], is: &Arc<str>| wanted.is_empty() || wanted.contains(is);
        fits(&self.categories, &profile.content_category)
            && fits(&self.languages, &profile.language)
            && fits(&self.countries, &profile.country)
    }

    /// Whether the stream fits; `reached` when its words are known to.
    ///
    /// # Errors
    /// The first thing that does not, in the order `targeting`, `platform`, `mature`, `followers`,
    /// `minimum_viewers`.
    pub fn admits(&self, profile: &Profile, sample: Sample, reached: bool) -> Result<(), Reason> {
        if self.is_too_crowded(sample) || !(reached || self.reaches(profile)) {
            return Err(Reason::Targeting);
        }
        if !self.wants_platform(profile) {
            return Err(Reason::Platform);
        }
        if !self.mature.wants(profile.mature) {
            return Err(Reason::Mature);
        }
        if !self.wants_followers(profile) {
            return Err(Reason::Followers);
        }
        if sample.viewers < self.viewers_min {
            return Err(Reason::MinimumViewers);
        }
        Ok(())
    }

    /// Each condition by itself, in the same order: the reason that it gives, and whether the stream fits.
    #[must_use]
    pub fn conditions(&self, profile: &Profile, sample: Sample) -> [(Reason, bool); 5] {
        [
            (Reason::Targeting, self.reaches(profile) && !self.is_too_crowded(sample)),
            (Reason::Platform, self.wants_platform(profile)),
            (Reason::Mature, self.mature.wants(profile.mature)),
            (Reason::Followers, self.wants_followers(profile)),
            (Reason::MinimumViewers, sample.viewers >= self.viewers_min),
        ]
    }

    const fn is_too_crowded(&self, sample: Sample) -> bool {
        self.viewers_max > 0 && sample.viewers > self.viewers_max
    }

    fn wants_platform(&self, profile: &Profile) -> bool {
        self.platforms.is_empty() || self.platforms.contains(&profile.platform)
    }

    const fn wants_followers(&self, profile: &Profile) -> bool {
        profile.followers >= self.followers_min
            && (self.followers_max == 0 || profile.followers <= self.followers_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMillis;

    fn profile() -> Profile {
        Profile {
            name: "Nova".into(),
            content_category: "gaming".into(),
            language: "en".into(),
            country: "IN".into(),
            platform: Platform::Youtube,
            followers: 500,
            mature: true,
        }
    }

    fn sample(viewers: u32) -> Sample {
        Sample { live: true, viewers, sampled: UnixMillis(0) }
    }

    #[test]
    fn an_empty_targeting_wants_every_stream() {
        assert_eq!(Targeting::default().admits(&profile(), sample(0), false), Ok(()));
    }

    #[test]
    fn each_condition_refuses_with_its_reason() {
        let wants = |t: Targeting| t.admits(&profile(), sample(50), false);
        let list = |s: &str| vec![Arc::from(s)];
        assert_eq!(
            wants(Targeting { categories: list("music"), ..Default::default() }),
            Err(Reason::Targeting)
        );
        assert_eq!(wants(Targeting { languages: list("hi"), ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { countries: list("US"), ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { viewers_max: 49, ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { viewers_min: 51, ..Default::default() }), Err(Reason::MinimumViewers));
        let (other, platform) = (vec![Platform::Twitch, Platform::Kick], Err(Reason::Platform));
        assert_eq!(wants(Targeting { platforms: other, ..Default::default() }), platform);
        let followers = Err(Reason::Followers);
        assert_eq!(wants(Targeting { followers_min: 501, ..Default::default() }), followers);
        assert_eq!(wants(Targeting { followers_max: 499, ..Default::default() }), followers);
        assert_eq!(wants(Targeting { mature: Mature::Exclude, ..Default::default() }), Err(Reason::Mature));
        let grown = Targeting { mature: Mature::Only, ..Default::default() };
        let plain = Profile { mature: false, ..profile() };
        assert_eq!(
            (wants(grown.clone()), grown.admits(&plain, sample(50), false)),
            (Ok(()), Err(Reason::Mature))
        );
        assert_eq!(
            wants(Targeting {
                viewers_min: 50,
                viewers_max: 50,
                followers_min: 500,
                followers_max: 500,
                platforms: vec![Platform::Twitch, Platform::Youtube],
                categories: list("gaming"),
                ..Default::default()
            }),
            Ok(())
        );
    }
}
