//! A day of ad slots, campaigns and budgets that compete for them, and a bound on what any policy could
//! have earned. The file format and its words are those of `benches/traces/README.md`.

use crate::domain::area::Drawn;
use crate::domain::campaign::{Brand, Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status};
use crate::domain::conflict::{Rule, RuleIndex, RuleKind, Scope, Severity};
use crate::domain::creative::{Content, Creative, CreativeStatus, Placement};
use crate::domain::id::{BrandId, CampaignId, CreativeId, RuleId};
use crate::domain::money::{Currency, Micros};
use crate::domain::pacing::Plan;
use crate::domain::rotation::{CreativeCounts, Rotation};
use crate::domain::streamer::{Platform, Profile};
use crate::domain::targeting::Targeting;
use crate::domain::time::{Millis, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The limits of the day.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest charge, as a part of the budget in ten thousandths.
    pub charge_max_bps: u32,
    /// From one play of a campaign on a streamer to the next.
    pub campaign_cooldown: Millis,
    /// The same for its brand.
    pub brand_cooldown: Millis,
    /// The same for its category.
    pub category_cooldown: Millis,
    /// Plays of a campaign on a streamer in the day.
    pub per_day: u32,
    /// Length of a step of the plans.
    pub plan_step: Millis,
    /// Whether campaigns are to be spent as soon as possible, without a plan.
    pub asap: bool,
}

/// A streamer of the day.
#[derive(Clone, Debug)]
pub struct TraceStreamer {
    /// What the stream is about.
    pub category: u32,
    /// Its language.
    pub language: u32,
    /// The audience that targeting looks at.
    pub base_viewers: u32,
}

/// How a campaign of the day pays.
#[derive(Clone, Debug)]
pub enum Charge {
    /// Per thousand viewers.
    Cpm(Micros),
    /// Per click, with the clicks of a million viewers on each streamer. The expected charge is booked; no
    /// clicks are drawn.
    Cpc(Micros, BTreeMap<u32, u32>),
    /// Per play.
    Flat(Micros),
}

/// A campaign of the day.
#[derive(Clone, Debug)]
pub struct TraceCampaign {
    /// Its brand.
    pub brand: u32,
    /// What it advertises.
    pub category: u32,
    /// How it pays.
    pub charge: Charge,
    /// What it may spend.
    pub budget: Micros,
    /// When it runs.
    pub flight: Flight,
    /// Streams it wants, by what they are about.
    pub content_categories: BTreeSet<u32>,
    /// And by language.
    pub languages: BTreeSet<u32>,
    /// Audience at least.
    pub viewers_min: u32,
    /// Streamers who take part.
    pub participants: BTreeSet<u32>,
}

/// A slot.
#[derive(Clone, Copy, Debug)]
pub struct TraceSlot {
    /// Since the day began.
    pub at: UnixMillis,
    /// Whose.
    pub streamer: u32,
    /// The audience.
    pub viewers: u32,
}

/// A day.
#[derive(Clone, Debug)]
pub struct Trace {
    /// For people.
    pub name: String,
    /// Its length.
    pub day: Millis,
    /// Its limits.
    pub limits: Limits,
    /// Streamers; an id is a place in the list.
    pub streamers: Vec<TraceStreamer>,
    /// Campaigns; an id is a place in the list.
    pub campaigns: Vec<TraceCampaign>,
    /// Slots by time, then streamer.
    pub slots: Vec<TraceSlot>,
    /// For each campaign the forecast share of its supply that has passed at the end of each step, in parts
    /// per million.
    pub plans: Vec<Vec<u32>>,
    /// What any policy could earn, at most.
    pub optimum: Option<Micros>,
}

impl TraceCampaign {
    /// Whether it runs on the streamer with this id at all.
    #[must_use]
    pub fn wants(&self, id: u32, streamer: &TraceStreamer) -> bool {
        self.content_categories.contains(&streamer.category)
            && self.languages.contains(&streamer.language)
            && streamer.base_viewers >= self.viewers_min
            && self.participants.contains(&id)
    }

    /// What a play before so many viewers costs.
    #[must_use]
    pub fn price(&self, streamer: u32, viewers: u32) -> Micros {
        match &self.charge {
            Charge::Cpm(rate) => Micros(i64::from(viewers) * (rate.0 / 1000)),
            Charge::Flat(rate) => *rate,
            Charge::Cpc(rate, clicks_ppm) => {
                let clicks = i64::from(viewers) * i64::from(clicks_ppm.get(&streamer).copied().unwrap_or(0));
                Micros((clicks * rate.0 / 1_000_000).max(1))
            }
        }
    }

    /// Whether a price is no larger than one play may cost.
    #[must_use]
    pub fn affords(&self, price: Micros, limits: &Limits) -> bool {
        price.0 * 10_000 <= self.budget.0 * i64::from(limits.charge_max_bps)
    }
}

/// A number as a word of the domain.
fn word(kind: char, number: u32) -> Arc<str> {
    format!("{kind}{number}").into()
}

impl Trace {
    /// A campaign as the engine has it.
    pub(super) fn campaign(&self, id: u32, campaign: &TraceCampaign) -> Campaign {
        let number = i64::from(id);
        let (Charge::Cpm(rate) | Charge::Flat(rate) | Charge::Cpc(rate, _)) = &campaign.charge;
        let words = |kind, list: &BTreeSet<u32>| list.iter().map(|number| word(kind, *number)).collect();
        Campaign {
            id: CampaignId(number),
            brand: Brand { id: BrandId(i64::from(campaign.brand)), name: word('b', campaign.brand) },
            name: word('n', id),
            status: Status::Active,
            category: Category::new(word('a', campaign.category)),
            currency: Currency::INR,
            pricing: if let Charge::Cpm(_) = campaign.charge {
                Pricing::Cpm(*rate)
            } else {
                Pricing::Flat(*rate)
            },
            flight: campaign.flight,
            pacing: if self.limits.asap { PacingMode::Asap } else { PacingMode::Even },
            daily_cap: None,
            cap: FrequencyCap {
                per_hour: 0,
                per_day: self.limits.per_day,
                minimum_gap: self.limits.campaign_cooldown,
            },
            targeting: Targeting {
                categories: words('c', &campaign.content_categories),
                languages: words('l', &campaign.languages),
                ..Targeting::default()
            },
            open: false,
            landing_url: "https://trace.invalid".into(),
            creatives: vec![Creative {
                id: CreativeId(number),
                content: Content::Text { headline: word('h', id), body: "".into() },
                placement: Placement::Corner,
                duration: Millis::seconds(8),
                accent: "#ffffff".into(),
                sound: false,
                weight: 1,
                status: CreativeStatus::Active,
                drawn: Drawn::default(),
                counts: CreativeCounts::default(),
            }],
            rotation: Rotation::Even,
        }
    }

    /// A streamer as the engine has them.
    pub(super) fn profile(&self, streamer: &TraceStreamer) -> Profile {
        Profile {
            name: "trace".into(),
            content_category: word('c', streamer.category),
            language: word('l', streamer.language),
            country: "IN".into(),
            platform: Platform::Other,
            followers: 0,
            mature: false,
        }
    }

    /// The plan of a campaign.
    pub(super) fn plan(&self, id: usize, campaign: &TraceCampaign) -> Plan {
        let known = self.plans.get(id).map(Vec::as_slice).unwrap_or_default();
        Plan::known(campaign.flight, (UnixMillis(0), self.limits.plan_step), known)
    }

    /// The cooldowns of brands and categories as rules.
    pub(super) fn rules(&self) -> RuleIndex {
        let cooldown = |id, scope, span| Rule {
            id: RuleId(id),
            kind: RuleKind::CooldownPeriod { scope, span },
            severity: Severity::Blocking,
            priority: 0,
        };
        RuleIndex::new(vec![
            cooldown(1, Scope::Brand(vec![]), self.limits.brand_cooldown),
            cooldown(2, Scope::Category(vec![]), self.limits.category_cooldown),
        ])
    }
}
