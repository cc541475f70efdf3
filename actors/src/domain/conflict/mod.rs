//! Conflict rules: which campaigns may not meet on one streamer.
//!
//! Four types, three severities, a priority. `blocking` keeps a campaign off the slot; `warning`
//! and `advisory` only speak. Rules are compiled into an index when they change, so that a
//! decision looks only at those that can concern its candidate.

mod index;

pub use index::RuleIndex;

use super::campaign::{Campaign, Category};
use super::id::{BrandId, CampaignId, RuleId};
use super::reason::Reason;
use super::time::{Millis, UnixMillis};

/// What a hit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Recorded.
    Advisory,
    /// Recorded and shown.
    Warning,
    /// The campaign may not play.
    Blocking,
}

impl Severity {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Warning => "warning",
            Self::Blocking => "blocking",
        }
    }

    /// The severity of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Advisory, Self::Warning, Self::Blocking].into_iter().find(|s| s.code() == code)
    }
}

/// What a cooldown or a limit looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Campaigns of one advertised category.
    Category,
    /// Campaigns of one brand.
    Brand,
    /// All campaigns of the streamer.
    Streamer,
}

impl Scope {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Brand => "brand",
            Self::Streamer => "streamer",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Category, Self::Brand, Self::Streamer].into_iter().find(|s| s.code() == code)
    }
}

/// The four types. A span counts back from the slot: what was shown in it is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// While a brand of one of these categories (of any, when empty) is present, no other brand of
    /// the same category may play.
    CategoryExclusivity {
        /// Categories that are exclusive.
        categories: Vec<Category>,
        /// How long a play keeps the category.
        span: Millis,
    },
    /// While one of these brands is present, its competitors (all others, when empty) may not play.
    BrandExclusivity {
        /// Brands that are exclusive.
        brands: Vec<BrandId>,
        /// Whom they keep out.
        competitors: Vec<BrandId>,
        /// How long a play keeps the others out.
        span: Millis,
    },
    /// The same category, brand or campaign may not play again before the time is over.
    CooldownPeriod {
        /// What has to cool down.
        scope: Scope,
        /// How long.
        span: Millis,
    },
    /// At most so many different campaigns may be present.
    SimultaneousLimit {
        /// Counted per category, per brand or over all.
        scope: Scope,
        /// Campaigns at most.
        campaigns_max: u32,
        /// How long a play keeps its campaign present.
        span: Millis,
    },
}

impl RuleKind {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CategoryExclusivity { .. } => "category_exclusivity",
            Self::BrandExclusivity { .. } => "brand_exclusivity",
            Self::CooldownPeriod { .. } => "cooldown_period",
            Self::SimultaneousLimit { .. } => "simultaneous_limit",
        }
    }

    /// The reason that a blocked candidate gets.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::CategoryExclusivity { .. } => Reason::CategoryExclusivity,
            Self::BrandExclusivity { .. } => Reason::BrandExclusivity,
            Self::CooldownPeriod { .. } => Reason::Cooldown,
            Self::SimultaneousLimit { .. } => Reason::SimultaneousLimit,
        }
    }
}

/// A rule of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it forbids.
    pub kind: RuleKind,
    /// What a hit does.
    pub severity: Severity,
    /// The higher one speaks first; ties by id.
    pub priority: i32,
}

/// A campaign that wants to play.
#[derive(Clone, Copy, Debug)]
pub struct Contender<'a> {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its brand.
    pub brand: BrandId,
    /// What it advertises.
    pub category: &'a Category,
}

impl<'a> Contender<'a> {
    /// A campaign as rules see it.
    #[must_use]
    pub fn of(campaign: &'a Campaign) -> Self {
        Self { campaign: campaign.id, brand: campaign.brand.id, category: &campaign.category }
    }
}

/// A campaign that played on the streamer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its brand.
    pub brand: BrandId,
    /// What it advertises.
    pub category: Category,
    /// Its last play.
    pub last_shown: UnixMillis,
}

impl Presence {
    /// A campaign that came on screen.
    #[must_use]
    pub fn of(campaign: &Campaign, last_shown: UnixMillis) -> Self {
        let (brand, category) = (campaign.brand.id, campaign.category.clone());
        Self { campaign: campaign.id, brand, category, last_shown }
    }
}

/// A rule that spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: RuleId,
    /// What it does.
    pub severity: Severity,
    /// What the candidate is told.
    pub reason: Reason,
}

impl Rule {
    /// Whether the rule speaks against the contender, given who is present.
    #[must_use]
    pub fn speaks(&self, contender: Contender<'_>, present: &[Presence], now: UnixMillis) -> bool {
        let within = |span: Millis| present.iter().filter(move |p| now - p.last_shown < span);
        match &self.kind {
            RuleKind::CategoryExclusivity { categories, span } => {
                (categories.is_empty() || categories.contains(contender.category))
                    && within(*span).any(|p| p.category == *contender.category && p.brand != contender.brand)
            }
            RuleKind::BrandExclusivity { brands, competitors, span } => {
                (competitors.is_empty() || competitors.contains(&contender.brand))
                    && within(*span).any(|p| p.brand != contender.brand && brands.contains(&p.brand))
            }
            RuleKind::CooldownPeriod { scope, span } => within(*span).any(|p| same(*scope, contender, p)),
            RuleKind::SimultaneousLimit { scope, campaigns_max, span } => {
                let others =
                    within(*span).filter(|p| p.campaign != contender.campaign && same(*scope, contender, p));
                u32::try_from(others.count()).unwrap_or(u32::MAX) >= *campaigns_max
            }
        }
    }

    /// The hit that the rule makes.
    #[must_use]
    pub const fn hit(&self) -> Hit {
        Hit { rule: self.id, severity: self.severity, reason: self.kind.reason() }
    }
}

fn same(scope: Scope, contender: Contender<'_>, present: &Presence) -> bool {
    match scope {
        Scope::Category => present.category == *contender.category,
        Scope::Brand => present.brand == contender.brand,
        Scope::Streamer => true,
    }
}

#[cfg(test)]
mod tests;
