//! Which campaign gets a slot, and why every other one does not.
//!
//! Pure and deterministic: the same slot and the same candidates give the same answer, ties go to
//! the lower id. A candidate is checked in this order and keeps the first reason that stops it:
//! status and flight, the streamer's blocklists and formats, targeting, conflict rules, its own
//! frequency cap, budget and pacing.

use super::campaign::{Campaign, Quote, Status};
use super::conflict::{Contender, Hit, RuleIndex};
use super::creative::Creative;
use super::id::{CampaignId, StreamerId};
use super::money::Micros;
use super::pacing::{Ask, BudgetView, Pacing};
use super::reason::Reason;
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
    /// On whose stream.
    pub streamer: StreamerId,
    /// What targeting looks at.
    pub profile: &'a Profile,
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
    if slot.settings.blocked_brands.contains(&campaign.brand.id)
        || slot.settings.blocked_categories.contains(&campaign.category.0)
    {
        return Err(Reason::StreamerBlocklist);
    }
    let creative = pick(campaign, slot).ok_or(Reason::Creative)?;
    campaign.targeting.admits(slot.profile, slot.sample)?;
    let contender = Contender {
        campaign: campaign.id,
        brand: campaign.brand.id,
        category: &campaign.category,
        streamer: slot.streamer,
    };
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

/// Even rotation over the creatives that the streamer allows, by the time of the slot.
fn pick<'a>(campaign: &'a Campaign, slot: Slot<'_>) -> Option<&'a Creative> {
    let fits = || campaign.creatives.iter().filter(|c| slot.settings.allows(&c.content));
    let count = fits().count();
    let turn = usize::try_from(slot.now.0 / 1000).unwrap_or(0);
    fits().nth(turn.checked_rem(count)?)
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
