//! A campaign: what a brand buys, for how much, when and where.

pub mod account;
pub mod budget;
pub mod lease;

use super::creative::Creative;
use super::id::{BrandId, CampaignId};
use super::money::{Currency, Micros};
use super::rotation::Rotation;
use super::targeting::Targeting;
use super::time::{Millis, UnixMillis};
use std::sync::Arc;

/// An advertised category, such as `energy_drink`. Compared as text; a number that follows from the text
/// tells different ones apart at once, because a decision compares hundreds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    mark: u64,
    text: Arc<str>,
}

impl Category {
    /// A category.
    #[must_use]
    pub fn new(text: Arc<str>) -> Self {
        // FNV-1a, of Fowler, Noll and Vo.
        let mark = text.bytes().fold(0xcbf2_9ce4_8422_2325, |mark: u64, byte| {
            (mark ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { mark, text }
    }

    /// Its name.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The number that follows from the name.
    #[must_use]
    pub const fn mark(&self) -> u64 {
        self.mark
    }
}

impl PartialOrd for Category {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Category {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for Category {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.mark);
    }
}

/// Whether a campaign may play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// May play inside its flight.
    Active,
    /// The brand stopped it for now.
    Paused,
    /// Over for good: what is unspent goes back to the brand.
    Ended,
}

impl Status {
    /// The name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// The name in answers and events: what the database calls ended is completed there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active | Self::Paused => self.code(),
            Self::Ended => "completed",
        }
    }

    /// The status of either name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_code(name).or_else(|| (name == Self::Ended.name()).then_some(Self::Ended))
    }

    /// The status of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Ended].into_iter().find(|s| s.code() == code)
    }
}

/// How a campaign pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// Per thousand viewers of a play; a multiple of 1000 micros, so that one viewer has an exact price.
    Cpm(Micros),
    /// Per billed click.
    Cpc(Micros),
    /// Per play.
    Flat(Micros),
}

impl Pricing {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cpm(_) => "cpm",
            Self::Cpc(_) => "cpc",
            Self::Flat(_) => "flat",
        }
    }

    /// The rate, in micros per unit of its kind.
    #[must_use]
    pub const fn rate(self) -> Micros {
        match self {
            Self::Cpm(rate) | Self::Cpc(rate) | Self::Flat(rate) => rate,
        }
    }

    /// The pricing of a name and a rate. None for an unknown name, a rate that is not positive, or
    /// a CPM that is not a multiple of 1000 micros.
    #[must_use]
    pub fn from_code(code: &str, rate: Micros) -> Option<Self> {
        if !rate.is_positive() {
            return None;
        }
        match code {
            "cpm" if rate.0 % 1000 == 0 => Some(Self::Cpm(rate)),
            "cpc" => Some(Self::Cpc(rate)),
            "flat" => Some(Self::Flat(rate)),
            _ => None,
        }
    }

    /// What a play before `viewers` costs. None when the amount does not fit.
    #[must_use]
    pub fn quote(self, viewers: u32) -> Option<Quote> {
        match self {
            Self::Cpm(rate) => Some(Quote {
                per_play: Micros(rate.0 / 1000).checked_times(u64::from(viewers))?,
                per_click: Micros::ZERO,
                clicks_max: 0,
            }),
            Self::Flat(rate) => Some(Quote { per_play: rate, per_click: Micros::ZERO, clicks_max: 0 }),
            Self::Cpc(rate) => Some(Quote {
                per_play: Micros::ZERO,
                per_click: rate,
                clicks_max: (viewers / VIEWERS_PER_CLICK).max(1),
            }),
        }
    }
}

/// A CPC play reserves one click for this many viewers, and one at least: a click rate of half a
/// percent, well above what banners reach, so that the pool is rarely the limit.
const VIEWERS_PER_CLICK: u32 = 200;

/// Clicks of a million viewers that a campaign starts with, and how many viewers' word that has.
const CLICKS_BEFORE: u64 = 24;
const VIEWERS_BEFORE: u64 = 20_000;
/// After so many viewers only what was seen counts: a campaign nobody clicks has then been given slots for
/// `CLICKS_BEFORE * ln(1 + 800 000 / 20 000)`, 89 clicks' price, and gets only those that nobody else wants.
const VIEWERS_EXPLORED: u64 = 800_000;

/// Clicks to expect of a million viewers, by what was seen so far: at first what banners reach in general.
#[must_use]
pub fn click_rate_ppm(viewers: u64, clicks: u64) -> u32 {
    let (before, weight) =
        if viewers < VIEWERS_EXPLORED { (CLICKS_BEFORE, VIEWERS_BEFORE) } else { (0, VIEWERS_BEFORE) };
    let clicks = u128::from(clicks.saturating_add(before));
    let rate = clicks * 1_000_000 / u128::from(viewers.saturating_add(weight));
    u32::try_from(rate.min(1_000_000)).unwrap_or(1_000_000)
}

/// What one play may cost at most, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Due when the play is verified; zero for CPC.
    pub per_play: Micros,
    /// Due for each billed click; zero otherwise.
    pub per_click: Micros,
    /// Billed clicks at most.
    pub clicks_max: u32,
}

impl Quote {
    /// What the play is expected to cost, at so many clicks of a million viewers; never more than is set
    /// aside.
    #[must_use]
    pub fn expected(self, viewers: u32, clicks_ppm: u32) -> Micros {
        let clicks = i128::from(self.per_click.0) * i128::from(viewers) * i128::from(clicks_ppm) / 1_000_000;
        let clicks = clicks.min(i128::from(self.per_click.0) * i128::from(self.clicks_max));
        Micros(self.per_play.0.saturating_add(i64::try_from(clicks).unwrap_or(i64::MAX)))
    }

    /// What has to be set aside before the play. None when it does not fit.
    #[must_use]
    pub fn reserve(self) -> Option<Micros> {
        self.per_play.checked_add(self.per_click.checked_times(u64::from(self.clicks_max))?)
    }
}

/// When a campaign runs: from `starts`, before `ends`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The first moment.
    pub starts: UnixMillis,
    /// The moment after the last.
    pub ends: UnixMillis,
}

impl Flight {
    /// Days that it lasts, the last one begun as well; one at least.
    #[must_use]
    pub fn days(self) -> i64 {
        let length = (self.ends - self.starts).0.saturating_sub(1);
        length.div_euclid(86_400_000).saturating_add(1).max(1)
    }

    /// Whether `now` is inside.
    #[must_use]
    pub fn contains(self, now: UnixMillis) -> bool {
        self.starts <= now && now < self.ends
    }
}

/// How the budget is spread over the flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacingMode {
    /// In proportion to the time that has passed.
    Even,
    /// As soon as possible.
    Asap,
    /// Over the flight, and more of it early.
    FrontLoaded,
}

impl PacingMode {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Asap => "asap",
            Self::FrontLoaded => "front_loaded",
        }
    }

    /// The mode of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Even, Self::Asap, Self::FrontLoaded].into_iter().find(|m| m.code() == code)
    }
}

/// How often a campaign may play on one streamer. Zero means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrequencyCap {
    /// Plays in an hour.
    pub per_hour: u32,
    /// Plays in a day.
    pub per_day: u32,
    /// Time between two plays.
    pub minimum_gap: Millis,
}

/// An advertiser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Its id.
    pub id: BrandId,
    /// The name that the disclosure label shows.
    pub name: Arc<str>,
}

/// What a brand asks of streamers who would take part, for people: no decision looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// In a few words; may be empty.
    pub text: Arc<str>,
    /// Point by point.
    pub lines: Vec<Arc<str>>,
}

/// Creatives of a campaign that are not archived, at most.
pub const CREATIVES_MAX: usize = 10;

/// Creatives of a campaign at most, with those that are archived.
pub const CREATIVES_KEPT: usize = 100;

/// A campaign of a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Who pays.
    pub brand: Brand,
    /// For people.
    pub name: Arc<str>,
    /// Whether it may play.
    pub status: Status,
    /// What it advertises.
    pub category: Category,
    /// The currency of its wallet and its prices.
    pub currency: Currency,
    /// How it pays.
    pub pricing: Pricing,
    /// When it runs.
    pub flight: Flight,
    /// How it is spread over the flight.
    pub pacing: PacingMode,
    /// What it may spend in a day of UTC at most, in its currency; above zero. None is no cap.
    pub daily_cap: Option<Micros>,
    /// How often it may play on one streamer.
    pub cap: FrequencyCap,
    /// Which streams it wants.
    pub targeting: Targeting,
    /// Whether every streamer may play it, or only approved participants.
    pub open: bool,
    /// Where a click leads; http or https.
    pub landing_url: Arc<str>,
    /// How its creatives take turns.
    pub rotation: Rotation,
    /// What may be shown, at least one.
    pub creatives: Vec<Creative>,
}

#[cfg(test)]
#[path = "click_tests.rs"]
mod click_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cpm_price_is_exact_per_viewer(rate in 1_i64..1_000_000_000, viewers in 0_u32..1_000_000) {
            let pricing = Pricing::from_code("cpm", Micros(rate * 1000)).unwrap();
            let quote = pricing.quote(viewers).unwrap();
            prop_assert_eq!(quote.per_play.0, rate * i64::from(viewers));
            prop_assert_eq!(quote.reserve(), Some(quote.per_play));
        }

        #[test]
        fn a_cpc_play_sets_aside_every_click_it_may_bill(
            rate in 1_i64..1_000_000_000,
            viewers in 0_u32..1_000_000,
        ) {
            let quote = Pricing::Cpc(Micros(rate)).quote(viewers).unwrap();
            prop_assert!(quote.clicks_max >= 1);
            prop_assert_eq!(quote.reserve().unwrap().0, rate * i64::from(quote.clicks_max));
        }
    }

    #[test]
    fn a_cpm_that_does_not_divide_is_refused() {
        assert_eq!(Pricing::from_code("cpm", Micros(1500)), None);
        assert_eq!(Pricing::from_code("flat", Micros(0)), None);
        assert_eq!(Pricing::from_code("cpv", Micros(1000)), None);
        assert!(Pricing::Cpm(Micros(i64::MAX)).quote(u32::MAX).is_none());
    }
}
