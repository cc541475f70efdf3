//! Conflict rules: which campaigns may not meet on one streamer.
//!
//! Four types, three severities, a priority. `blocking` keeps a campaign off the slot; `warning`
//! and `advisory` only speak. Rules are compiled into an index when they change, so that a
//! decision looks only at those that can concern its candidate. An operator's override lets a
//! campaign pass what would block it, until it expires.

mod draft;
mod index;
mod overrides;
mod replay;

pub use draft::{DESCRIPTION_MAX, Draft, Fault, LIST_MAX, NAME_MAX, NewRule, PRIORITY_MAX, SPAN_MAX};
pub use index::{RuleIndex, Standing};
pub use overrides::{OVERRIDE_MAX, Override, Overrides};
pub use replay::{Count, EXAMPLES_MAX, PlayShown, Replay, Replayed, TOP_MAX};

use super::campaign::{Campaign, Category};
use super::id::{BrandId, CampaignId, OverrideId, RuleId, StreamerId};
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Advisory, Self::Warning, Self::Blocking];

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
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What a cooldown or a limit looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Campaigns of one advertised category: of each of these, or of each there is when empty.
    Category(Vec<Category>),
    /// Campaigns of one brand: of each of these, or of each there is when empty.
    Brand(Vec<BrandId>),
    /// All campaigns of the streamer.
    Streamer,
}

impl Scope {
    /// The names of all of them.
    pub const CODES: [&'static str; 3] = ["category", "brand", "streamer"];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Category(_) => "category",
            Self::Brand(_) => "brand",
            Self::Streamer => "streamer",
        }
    }

    /// The scope of a name, with the list that belongs to it.
    #[must_use]
    pub fn from_code(code: &str, categories: Vec<Category>, brands: Vec<BrandId>) -> Option<Self> {
        match code {
            "category" => Some(Self::Category(categories)),
            "brand" => Some(Self::Brand(brands)),
            "streamer" => Some(Self::Streamer),
            _ => None,
        }
    }

    /// Whether the rule is about this contender at all.
    fn concerns(&self, contender: Contender<'_>) -> bool {
        match self {
            Self::Category(only) => only.is_empty() || only.contains(contender.category),
            Self::Brand(only) => only.is_empty() || only.contains(&contender.brand),
            Self::Streamer => true,
        }
    }

    fn is_shared(&self, contender: Contender<'_>, present: &Presence) -> bool {
        match self {
            Self::Category(_) => present.category == *contender.category,
            Self::Brand(_) => present.brand == contender.brand,
            Self::Streamer => true,
        }
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
    /// The names of all of them.
    pub const CODES: [&'static str; 4] =
        ["category_exclusivity", "brand_exclusivity", "cooldown_period", "simultaneous_limit"];

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

    /// How long a play counts for the rule.
    #[must_use]
    pub const fn span(&self) -> Millis {
        match self {
            Self::CategoryExclusivity { span, .. }
            | Self::BrandExclusivity { span, .. }
            | Self::CooldownPeriod { span, .. }
            | Self::SimultaneousLimit { span, .. } => *span,
        }
    }

    /// Whether a campaign that is only assigned to the streamer counts as present at an assignment. It
    /// occupies its category, its brand and its place from then on; but nothing has to cool down that was
    /// never shown.
    #[must_use]
    pub const fn counts_assigned(&self) -> bool {
        !matches!(self, Self::CooldownPeriod { .. })
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
    /// On whose stream.
    pub streamer: StreamerId,
}

impl<'a> Contender<'a> {
    /// A campaign as rules see it, on a stream.
    #[must_use]
    pub fn of(campaign: &'a Campaign, streamer: StreamerId) -> Self {
        Self { campaign: campaign.id, brand: campaign.brand.id, category: &campaign.category, streamer }
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
    /// The override that lets a blocking rule pass.
    pub overridden: Option<OverrideId>,
}

impl Hit {
    /// Whether the contender may not play because of it.
    #[must_use]
    pub const fn blocks(&self) -> bool {
        matches!(self.severity, Severity::Blocking) && self.overridden.is_none()
    }
}

impl Rule {
    /// Whether the rule could speak against anybody, given who is present, the last shown first: there is
    /// enough within its span.
    #[must_use]
    pub fn is_awake(&self, present: &[Presence], now: UnixMillis) -> bool {
        let enough = match &self.kind {
            RuleKind::SimultaneousLimit { campaigns_max, .. } => {
                usize::try_from(*campaigns_max).unwrap_or(usize::MAX)
            }
            _ => 1,
        };
        // A limit of none speaks in an empty room.
        let Some(last) = enough.checked_sub(1) else { return true };
        present.get(last).is_some_and(|p| now - p.last_shown < self.kind.span())
    }

    /// Whether the rule speaks against the contender, given who is present, the last shown first.
    #[must_use]
    pub fn speaks(&self, contender: Contender<'_>, present: &[Presence], now: UnixMillis) -> bool {
        debug_assert!(present.is_sorted_by_key(|p| std::cmp::Reverse(p.last_shown)), "the last shown first");
        let within = |span: Millis| present.iter().take_while(move |p| now - p.last_shown < span);
        match &self.kind {
            RuleKind::CategoryExclusivity { categories, span } => {
                (categories.is_empty() || categories.contains(contender.category))
                    && within(*span).any(|p| p.category == *contender.category && p.brand != contender.brand)
            }
            RuleKind::BrandExclusivity { brands, competitors, span } => {
                (competitors.is_empty() || competitors.contains(&contender.brand))
                    && within(*span).any(|p| p.brand != contender.brand && brands.contains(&p.brand))
            }
            RuleKind::CooldownPeriod { scope, span } => {
                scope.concerns(contender) && within(*span).any(|p| scope.is_shared(contender, p))
            }
            RuleKind::SimultaneousLimit { scope, campaigns_max, span } => {
                let others = || {
                    let within = within(*span);
                    within.filter(|p| p.campaign != contender.campaign && scope.is_shared(contender, p))
                };
                scope.concerns(contender)
                    && u32::try_from(others().count()).unwrap_or(u32::MAX) >= *campaigns_max
            }
        }
    }

    /// When the rule falls silent if nothing else is shown; none when it never does.
    #[must_use]
    pub fn silent_at(
        &self,
        contender: Contender<'_>,
        present: &[Presence],
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        // It can only change its mind when somebody who is present no longer counts.
        let mut ends: Vec<UnixMillis> = present.iter().map(|p| p.last_shown + self.kind.span()).collect();
        ends.retain(|end| *end > now);
        ends.sort_unstable();
        let at = ends.partition_point(|end| self.speaks(contender, present, *end));
        ends.get(at).copied()
    }

    /// The hit that the rule makes.
    #[must_use]
    pub const fn hit(&self) -> Hit {
        Hit { rule: self.id, severity: self.severity, reason: self.kind.reason(), overridden: None }
    }
}

#[cfg(test)]
mod draft_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world_tests;
