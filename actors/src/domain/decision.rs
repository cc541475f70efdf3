//! Which campaign gets a slot, and why every other one does not.
//!
//! Pure and deterministic: the same slot and the same candidates give the same answer, ties go to
//! the lower id. A candidate is checked in this order and keeps the first reason that stops it:
//! status, flight and hours, the streamer's blocklists, the brand's, targeting, the platform's policy, a
//! creative (formats, sound, length, policy), conflict rules, its own frequency cap, budget and pacing.

use super::campaign::{Campaign, Quote, Status};
use super::conflict::{Contender, Hit, RuleIndex};
use super::creative::Creative;
use super::id::{CampaignId, StreamerId};
use super::money::Micros;
use super::pacing::{Ask, BudgetView, Pacing};
use super::policy::Policy;
use super::reason::Reason;
use super::rotation::{self, Turn};
use super::streamer::history::History;
use super::streamer::{Profile, Sample, Settings};
use super::time::UnixMillis;
use std::sync::Arc;

/// How many campaigns are asked for money before a slot is given up.
pub const TRIES: usize = 3;

/// The slot and the stream it is on.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// The moment.
    pub now: UnixMillis,
    /// Whose stream it is.
    pub streamer: StreamerId,
    /// What targeting looks at.
    pub profile: &'a Profile,
    /// What its platform allows.
    pub policy: &'a Policy,
    /// What the streamer allows.
    pub settings: &'a Settings,
    /// The audience.
    pub sample: Sample,
    /// What was shown before.
    pub history: &'a History,
}

/// A campaign that may want the slot.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The campaign.
    pub campaign: &'a Arc<Campaign>,
    /// Its money.
    pub budget: BudgetView,
}

/// A campaign that may have the slot.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// What would be shown.
    pub creative: Creative,
    /// What it may cost.
    pub quote: Quote,
    /// Its score.
    pub score: i64,
}

/// The answer for one slot.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The best three at most, best first.
    pub ranked: Vec<Choice>,
    /// Every other candidate with its reason.
    pub rejected: Vec<(CampaignId, Reason)>,
    /// The rules that spoke, with the candidate they spoke against.
    pub hits: Vec<(CampaignId, Hit)>,
    /// When `ranked` is empty: the reason of the loser that was worth most.
    pub no_fill: Option<Reason>,
}

/// Decides a slot.
pub fn decide<'a>(
    slot: Slot<'_>,
    rules: &RuleIndex,
    pacing: &dyn Pacing,
    candidates: impl Iterator<Item = Candidate<'a>>,
) -> Decision {
    let mut decision = Decision::default();
    let mut loser: Option<(Micros, CampaignId, Reason)> = None;
    for candidate in candidates {
        let campaign = candidate.campaign;
        let quote = campaign.pricing.quote(slot.sample.viewers);
        let verdict = match quote {
            Some(quote) => judge(slot, rules, pacing, (candidate, quote), &mut decision.hits),
            None => Err(Reason::Budget),
        };
        match verdict {
            Ok(choice) => insert(&mut decision.ranked, choice),
            Err(reason) => {
                decision.rejected.push((campaign.id, reason));
                let worth = quote.map_or(Micros::ZERO, |q| q.expected(slot.sample.viewers));
                let better =
                    loser.is_none_or(|(most, id, _)| worth > most || (worth == most && campaign.id < id));
                if better {
                    loser = Some((worth, campaign.id, reason));
                }
            }
        }
    }
    if decision.ranked.is_empty() {
        decision.no_fill = Some(loser.map_or(Reason::NoCandidate, |(_, _, reason)| reason));
    }
    decision
}

fn judge(
    slot: Slot<'_>,
    rules: &RuleIndex,
    pacing: &dyn Pacing,
    (candidate, quote): (Candidate<'_>, Quote),
    hits: &mut Vec<(CampaignId, Hit)>,
) -> Result<Choice, Reason> {
    let campaign = candidate.campaign;
    match campaign.status {
        Status::Active => {}
        Status::Paused => return Err(Reason::CampaignPaused),
        Status::Ended => return Err(Reason::CampaignEnded),
    }
    if !campaign.flight.contains(slot.now) {
        return Err(Reason::Flight);
    }
    if !campaign.targeting.dayparts.covers(slot.now) {
        return Err(Reason::Daypart);
    }
    if slot.settings.blocked_brands.contains(&campaign.brand.id)
        || slot.settings.blocked_categories.contains(&campaign.category.0)
    {
        return Err(Reason::StreamerBlocklist);
    }
    if campaign.targeting.blocks(slot.streamer) {
        return Err(Reason::BrandBlocklist);
    }
    campaign.targeting.admits(slot.profile, slot.sample)?;
    let policy = slot.policy.admits(&campaign.category, slot.profile, slot.settings);
    policy.map_err(|_| Reason::Policy)?;
    let creative = pick(campaign, slot)?;
    let contender =
        Contender { campaign: campaign.id, brand: campaign.brand.id, category: &campaign.category };
    let blocked =
        rules.blocks(contender, slot.history.present(), slot.now, |hit| hits.push((campaign.id, hit)));
    if let Some(hit) = blocked {
        return Err(hit.reason);
    }
    slot.history.allows(campaign.id, campaign.cap, slot.now)?;
    let price = quote.reserve().ok_or(Reason::Budget)?;
    if !price.is_positive() {
        return Err(Reason::MinimumViewers);
    }
    let ask = Ask {
        budget: candidate.budget,
        flight: campaign.flight,
        mode: campaign.pacing,
        price,
        value: quote.expected(slot.sample.viewers),
    };
    let score = pacing.score(&ask, slot.now)?;
    Ok(Choice { campaign: Arc::clone(campaign), creative: creative.clone(), quote, score })
}

/// Whose turn it is among the creatives that the streamer and the platform allow; when none is, what is
/// against the first.
fn pick<'a>(campaign: &'a Campaign, slot: Slot<'_>) -> Result<&'a Creative, Reason> {
    let fits = |creative: &Creative| {
        slot.settings.allow(creative)?;
        slot.policy.draws(creative).map_err(|_| Reason::Policy)
    };
    let shown = slot.history.shown(campaign.id);
    let turn = Turn { now: slot.now, streamer: slot.streamer, campaign: campaign.id, shown };
    let picked = rotation::pick(&campaign.creatives, campaign.rotation, turn, |c| fits(c).is_ok());
    let against = || campaign.creatives.iter().find_map(|c| fits(c).err());
    picked.ok_or_else(|| against().unwrap_or(Reason::Creative))
}

/// Keeps the best `TRIES`, best first; equal scores in the order of their ids.
fn insert(ranked: &mut Vec<Choice>, choice: Choice) {
    let key = |c: &Choice| (std::cmp::Reverse(c.score), c.campaign.id);
    let at = ranked.partition_point(|c| key(c) < key(&choice));
    if at < TRIES {
        ranked.insert(at, choice);
        ranked.truncate(TRIES);
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
pub(crate) mod tests;
