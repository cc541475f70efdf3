//! The world of one seed: who streams, who pays, and the limits that hold.

use crate::domain::area::Drawn;
use crate::domain::campaign::{Brand, Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status};
use crate::domain::conflict::{Rule, RuleIndex, RuleKind, Scope, Severity};
use crate::domain::creative::{Content, Creative, CreativeStatus, Placement};
use crate::domain::id::{BrandId, CampaignId, CreativeId, RuleId, StreamerId};
use crate::domain::money::{Currency, FeeBps, Micros};
use crate::domain::pacing::Plan;
use crate::domain::play::Patience;
use crate::domain::policy::{Policies, Policy, PolicyFault};
use crate::domain::rotation::{CreativeCounts, Rotation};
use crate::domain::streamer::live::Terms;
use crate::domain::streamer::{Platform, Profile, Settings, Streamer};
use crate::domain::targeting::Targeting;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::token::{SigningKey, TokenKeys};
use crate::domain::verification::Strictness;
use crate::sim::random::Random;
use std::sync::Arc;

/// Half past eleven in the evening of a day of 2026, UTC, half a minute early: runs begin within half an
/// hour of it, so that some of them pass midnight.
const EVENING: i64 = 1_785_000_000_000 / 86_400_000 * 86_400_000 + 84_570_000;

/// What no stream may see, in numbers of its own: the rules are built from it, and the watch judges by it.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// From a play of a brand to its next.
    pub(super) brand: Millis,
    /// The same of a category.
    pub(super) category: Millis,
    /// While a brand of a category is present, no other brand of it plays.
    pub(super) exclusive: Millis,
    /// Different campaigns within a time.
    pub(super) at_once: (usize, Millis),
    /// Ads an hour.
    pub(super) hourly: u32,
}

/// A campaign as it is listed.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) campaign: Arc<Campaign>,
    pub(super) plan: Arc<Plan>,
    /// What it is given at first.
    pub(super) budget: Micros,
}

/// The world of a seed.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) begins: UnixMillis,
    pub(super) campaigns: Vec<Listed>,
    pub(super) streamers: Vec<Streamer>,
    pub(super) limits: Limits,
    pub(super) rules: RuleIndex,
    pub(super) terms: Terms,
    pub(super) keys: TokenKeys,
    pub(super) policies: Policies,
    /// Claims in one transaction: few, so that a full batch often goes beside another one.
    pub(super) batch_max: usize,
}

impl Stage {
    /// Draws the world of a seed; a day is `minutes` long.
    pub(super) fn new(random: &mut Random, minutes: i64) -> Result<Self, PolicyFault> {
        let begins = UnixMillis(EVENING + random.between(0, 1_800_000));
        let flight = Flight { starts: begins - Millis(1), ends: begins + Millis::minutes(minutes * 2) };
        let limits = Limits {
            brand: Millis::seconds(random.between(0, 2) * 20),
            category: Millis::seconds(random.between(0, 1) * 15),
            exclusive: Millis::seconds(random.between(0, 2) * 30),
            at_once: (3, Millis::seconds(random.between(0, 1) * 150)),
            hourly: 180,
        };
        let count = random.between(4, 7);
        let campaigns = (1..=count).map(|id| listed(id, flight, random)).collect();
        let streamers = (1..=random.between(2, 4)).map(|id| streamer(id, limits.hourly, random)).collect();
        Ok(Self {
            begins,
            campaigns,
            streamers,
            rules: rules(&limits),
            limits,
            terms: terms(random),
            keys: TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, Vec::new()),
            policies: Policies::new(vec![Policy::open()])?,
            batch_max: usize::try_from(random.between(1, 3)).unwrap_or(1),
        })
    }

    /// A campaign by its id.
    pub(super) fn campaign(&self, id: CampaignId) -> Option<&Arc<Campaign>> {
        self.campaigns.iter().map(|listed| &listed.campaign).find(|campaign| campaign.id == id)
    }

    /// A campaign is paused, or goes on.
    pub(super) fn set_status(&mut self, id: CampaignId, status: Status) {
        if let Some(listed) = self.campaigns.iter_mut().find(|listed| listed.campaign.id == id) {
            listed.campaign = Arc::new(Campaign { status, ..(*listed.campaign).clone() });
        }
    }

    /// From the end of a process to the death of its last token, as a new process counts.
    pub(super) fn last_token(&self) -> Millis {
        self.terms.money_returns_after()
    }
}

fn terms(random: &mut Random) -> Terms {
    Terms {
        patience: Patience {
            reserve: Millis(1500),
            prepare: Millis(5000),
            start: Millis(5000),
            end: Millis(3000),
        },
        token_life: Millis::seconds(random.between(1, 4) * 60),
        fee: FeeBps::new(2000).unwrap_or(FEE_NONE),
        strict: Strictness { require_streaming: true, frames_per_second_min: 10 },
        first_slot: Millis(500),
        first_slot_spread: Millis(5000),
        minimum_gap: Millis::seconds(10),
    }
}

/// Every number up to 10 000 is a fee.
const FEE_NONE: FeeBps = match FeeBps::new(0) {
    Some(fee) => fee,
    None => panic!("0 is a fee"),
};

fn rules(limits: &Limits) -> RuleIndex {
    let rule = |id, kind| Rule { id: RuleId(id), kind, severity: Severity::Blocking, priority: 0 };
    let at_once = u32::try_from(limits.at_once.0).unwrap_or(u32::MAX);
    RuleIndex::new(vec![
        rule(1, RuleKind::CooldownPeriod { scope: Scope::Brand(vec![]), span: limits.brand }),
        rule(2, RuleKind::CooldownPeriod { scope: Scope::Category(vec![]), span: limits.category }),
        rule(3, RuleKind::CategoryExclusivity { categories: vec![], span: limits.exclusive }),
        rule(
            4,
            RuleKind::SimultaneousLimit {
                scope: Scope::Streamer,
                campaigns_max: at_once,
                span: limits.at_once.1,
            },
        ),
    ])
}

fn listed(id: i64, flight: Flight, random: &mut Random) -> Listed {
    let rate = Micros(random.between(1, 40) * 50_000);
    let pricing = match random.below(10) {
        0..4 => Pricing::Flat(rate),
        4..7 => Pricing::Cpm(rate),
        _ => Pricing::Cpc(rate),
    };
    // What a play costs before a thousand viewers: the budget pays for a handful of plays, or for many.
    let usual = pricing.quote(1000).and_then(crate::domain::campaign::Quote::reserve).unwrap_or(rate);
    let budget = Micros(usual.0.saturating_mul(random.between(5, 120)));
    let (headline, body) = ("simulated".into(), "".into());
    let content = match pricing {
        Pricing::Cpc(_) => Content::Qr { headline, body },
        _ => Content::Text { headline, body },
    };
    let campaign = Campaign {
        id: CampaignId(id),
        brand: Brand { id: BrandId(1 + id % 4), name: "simulated".into() },
        name: "simulated".into(),
        status: Status::Active,
        category: Category::new(if id % 3 == 0 { "game" } else { "drink" }.into()),
        currency: Currency::INR,
        pricing,
        flight,
        pacing: if random.percent(60) { PacingMode::Asap } else { PacingMode::Even },
        daily_cap: random.percent(25).then_some(Micros(budget.0 / 2)),
        cap: FrequencyCap {
            per_hour: if random.percent(30) { 12 } else { 0 },
            per_day: if random.percent(30) { 20 } else { 0 },
            minimum_gap: Millis::seconds(random.between(0, 2) * 20),
        },
        targeting: Targeting::default(),
        open: true,
        landing_url: "https://simulated.invalid".into(),
        rotation: Rotation::Even,
        creatives: vec![Creative {
            id: CreativeId(id),
            content,
            placement: Placement::Corner,
            duration: Millis::seconds(random.between(3, 6)),
            accent: "#ffffff".into(),
            sound: false,
            weight: 1,
            status: CreativeStatus::Active,
            drawn: Drawn::default(),
            counts: CreativeCounts::default(),
        }],
    };
    Listed { campaign: Arc::new(campaign), plan: Arc::new(Plan::uniform(flight)), budget }
}

fn streamer(id: i64, hourly_max: u32, random: &mut Random) -> Streamer {
    let profile = Profile {
        name: "simulated".into(),
        content_category: "games".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    };
    let settings = Settings {
        slot_interval: Millis::seconds(random.between(10, 20)),
        hourly_max,
        first_ad_delay: Millis(0),
        ..Settings::default()
    };
    Streamer { id: StreamerId(id), profile: Arc::new(profile), settings: Arc::new(settings) }
}
