//! Every check that a decision makes of one campaign, passed or not: the answer to a brand that asks why its
//! campaign did not run. A decision stops at the first that fails; who asks wants to know of all of them.
//!
//! The checks stand in the order of `decision`, so the first that fails is the reason that a decision gives.
//! Nothing here changes anything.

use super::campaign::{Campaign, Quote, Status};
use super::conflict::{Contender, Hit, Standing as Basis};
use super::decision::{Candidate, Guide, Slot, ask, showable};
use super::money::Micros;
use super::pacing::{BudgetView, Standing};
use super::reason::Reason;
use super::time::UnixMillis;
use std::sync::Arc;

/// A check of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is neither paused nor ended.
    Status,
    /// It is open, or the streamer takes part.
    Participation,
    /// Its flight.
    Flight,
    /// Its hours of the week.
    Daypart,
    /// What the streamer blocked: brands, then categories.
    StreamerBlocklist,
    /// Whom the brand blocked.
    BrandBlocklist,
    /// Content, language, country and the most viewers.
    Targeting,
    /// The platform.
    Platform,
    /// The mature label.
    Mature,
    /// Followers.
    Followers,
    /// The least viewers.
    Viewers,
    /// The profile of the platform.
    Policy,
    /// A creative that streamer and platform allow.
    Creative,
    /// A price above zero that its budget can hold.
    Price,
    /// Its budget.
    Budget,
    /// Its cap of the day.
    DailyCap,
    /// Its plan.
    Pacing,
    /// Conflict rules.
    Rules,
    /// Its own frequency cap.
    FrequencyCap,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Status,
        Self::Participation,
        Self::Flight,
        Self::Daypart,
        Self::StreamerBlocklist,
        Self::BrandBlocklist,
        Self::Targeting,
        Self::Platform,
        Self::Mature,
        Self::Followers,
        Self::Viewers,
        Self::Policy,
        Self::Creative,
        Self::Price,
        Self::Budget,
        Self::DailyCap,
        Self::Pacing,
        Self::Rules,
        Self::FrequencyCap,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Participation => "participation",
            Self::Flight => "flight",
            Self::Daypart => "daypart",
            Self::StreamerBlocklist => "streamer_blocklist",
            Self::BrandBlocklist => "brand_blocklist",
            Self::Targeting => "targeting",
            Self::Platform => "platform",
            Self::Mature => "mature",
            Self::Followers => "followers",
            Self::Viewers => "viewers",
            Self::Policy => "policy",
            Self::Creative => "creative",
            Self::Price => "price",
            Self::Rules => "rules",
            Self::FrequencyCap => "frequency_cap",
            Self::Budget => "budget",
            Self::DailyCap => "daily_cap",
            Self::Pacing => "pacing",
        }
    }
}

/// A check and how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The check.
    pub check: Check,
    /// What is against the campaign; none when it passes.
    pub against: Option<Reason>,
    /// When it passes if nothing else happens, as far as that can be told.
    pub until: Option<UnixMillis>,
}

/// A rule that speaks, and until when if nothing else is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaks {
    /// What it says.
    pub hit: Hit,
    /// Silent from then on.
    pub until: Option<UnixMillis>,
}

/// What money says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// The budget, as the campaign's actor last published it.
    pub budget: BudgetView,
    /// What the campaign may commit by its plan and has not; below zero when it is ahead.
    pub tokens: Micros,
    /// The share of the plan that counts as passed, in Q20.
    pub share: i64,
    /// What a play would set aside; none when the audience is not known, or it can not be priced.
    pub price: Option<Micros>,
}

/// One campaign on one stream.
#[derive(Clone, Debug)]
pub struct Named {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// Every check, in the order of a decision.
    pub checks: Vec<Checked>,
    /// The rules that speak, the highest priority first; those that only warn as well.
    pub rules: Vec<Speaks>,
    /// Its money.
    pub means: Means,
}

impl Named {
    /// The first thing that is against the campaign: what a decision says.
    #[must_use]
    pub fn against(&self) -> Option<Reason> {
        self.checks.iter().find_map(|checked| checked.against)
    }
}

/// What the checks are made of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The campaign and its money.
    pub candidate: Candidate<'a>,
    /// Whether the streamer may show it: it is open, or they take part.
    pub takes_part: bool,
    /// How the streamer stands among all in its currency.
    pub standing: Standing,
    /// Whether the slot's audience is known; if not, what depends on it is left out.
    pub audience: bool,
}

/// Makes every check.
#[must_use]
pub fn name(slot: Slot<'_>, guide: Guide<'_>, asked: Asked<'_>) -> Named {
    let Candidate { campaign, quote, purse, plan, .. } = asked.candidate;
    let budget = purse.view(campaign, slot.now);
    let contender = Contender::of(campaign, slot.streamer);
    let present = slot.history.present();
    let spoken = guide.rules.spoken(contender, Basis { shown: present, with_assigned: present }, slot.now);
    let until = |hit: &Hit| {
        let rule = guide.rules.rules().iter().find(|rule| rule.id == hit.rule)?;
        rule.silent_at(contender, present, slot.now)
    };
    let rules: Vec<Speaks> = spoken.iter().map(|hit| Speaks { hit: *hit, until: until(hit) }).collect();
    let mut checks = Vec::with_capacity(20);
    stream(slot, &asked, &mut checks);
    let price = price(quote, budget, guide.charge_max_bps);
    if asked.audience {
        let checked = Checked { check: Check::Price, against: price.err(), until: None };
        // What has no quote at all is refused before anything else is looked at.
        let place = if quote.is_none() { 0 } else { checks.len() };
        checks.insert(place, checked);
    }
    money(slot, guide, (&asked, price.unwrap_or(Micros(1))), &mut checks);
    history(slot, campaign, &rules, &mut checks);
    let share = guide.pacing.lead(plan.share(campaign.pacing, slot.now), campaign.flight.days());
    let means = Means {
        budget: budget.on(slot.now),
        tokens: budget.tokens(share),
        share,
        price: price.ok().filter(|_| asked.audience),
    };
    Named { campaign: Arc::clone(campaign), checks, rules, means }
}

fn push(checks: &mut Vec<Checked>, check: Check, against: Option<Reason>, until: Option<UnixMillis>) {
    checks.push(Checked { check, against, until: until.filter(|_| against.is_some()) });
}

/// Whether the stream suits the campaign.
fn stream(slot: Slot<'_>, asked: &Asked<'_>, checks: &mut Vec<Checked>) {
    let campaign = asked.candidate.campaign;
    let (targeting, settings) = (&campaign.targeting, slot.settings);
    let status = match campaign.status {
        Status::Active => None,
        Status::Paused => Some(Reason::CampaignPaused),
        Status::Ended => Some(Reason::CampaignEnded),
    };
    let unless = |holds: bool, reason: Reason| (!holds).then_some(reason);
    push(checks, Check::Status, status, None);
    push(checks, Check::Participation, unless(asked.takes_part, Reason::NotParticipating), None);
    let flight = campaign.flight;
    let begins = Some(flight.starts).filter(|starts| slot.now < *starts);
    push(checks, Check::Flight, unless(flight.contains(slot.now), Reason::Flight), begins);
    push(checks, Check::Daypart, unless(targeting.dayparts.covers(slot.now), Reason::Daypart), None);
    let brand = unless(!settings.blocked_brands.contains(&campaign.brand.id), Reason::StreamerBlocklist);
    let category =
        unless(!settings.blocked_categories.contains(campaign.category.text()), Reason::CategoryBlocklist);
    push(checks, Check::StreamerBlocklist, brand.or(category), None);
    push(
        checks,
        Check::BrandBlocklist,
        unless(!targeting.blocks(slot.streamer), Reason::BrandBlocklist),
        None,
    );
    for (reason, holds) in targeting.conditions(slot.profile, slot.sample) {
        let check = match reason {
            Reason::Platform => Check::Platform,
            Reason::Mature => Check::Mature,
            Reason::Followers => Check::Followers,
            Reason::MinimumViewers if asked.audience => Check::Viewers,
            Reason::MinimumViewers => continue,
            _ => Check::Targeting,
        };
        push(checks, check, unless(holds, reason), None);
    }
    let policy = slot.policy.admits(&campaign.category, slot.profile, settings);
    push(checks, Check::Policy, policy.err().map(|_| Reason::Policy), None);
    push(checks, Check::Creative, showable(campaign, slot).err(), None);
}

/// What a play would set aside.
fn price(quote: Option<Quote>, budget: BudgetView, charge_max_bps: u32) -> Result<Micros, Reason> {
    let price = quote.and_then(Quote::reserve).ok_or(Reason::Budget)?;
    if !price.is_positive() {
        return Err(Reason::MinimumViewers);
    }
    let most = i128::from(budget.funded.0) * i128::from(charge_max_bps);
    if i128::from(price.0) * 10_000 > most { Err(Reason::Budget) } else { Ok(price) }
}

/// Whether rules and caps let the campaign play now.
fn history(slot: Slot<'_>, campaign: &Campaign, rules: &[Speaks], checks: &mut Vec<Checked>) {
    let blocking = || rules.iter().filter(|speaks| speaks.hit.blocks());
    let first = blocking().next().map(|speaks| speaks.hit.reason);
    // The last of them to fall silent; not known as soon as it is not of one.
    let until = blocking().map(|speaks| speaks.until).reduce(|one, other| Some(one?.max(other?))).flatten();
    push(checks, Check::Rules, first, until);
    let capped = slot.history.allows(campaign.id, campaign.cap, slot.now).err();
    push(checks, Check::FrequencyCap, capped, slot.history.allows_at(campaign.id, campaign.cap));
}

/// Whether the campaign can pay `price`, and may by its plan. What comes after the first no is left out: a
/// plan says nothing of money that is not there.
fn money(slot: Slot<'_>, guide: Guide<'_>, (asked, price): (&Asked<'_>, Micros), checks: &mut Vec<Checked>) {
    let Asked { candidate, standing, .. } = asked;
    let budget = candidate.purse.view(candidate.campaign, slot.now);
    let verdict = guide.pacing.weigh(&ask(slot, guide.pacing, (candidate, budget, price), *standing));
    for (check, reason) in [
        (Check::Budget, Reason::Budget),
        (Check::DailyCap, Reason::DailyCap),
        (Check::Pacing, Reason::Pacing),
    ] {
        let against = verdict.err().filter(|said| *said == reason);
        push(checks, check, against, None);
        if against.is_some() {
            break;
        }
    }
}
