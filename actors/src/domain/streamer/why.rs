//! Who would get a slot of this moment, and why everybody else would not: a decision that changes nothing.

use super::Sample;
use super::board::Recent;
use super::live::{LiveStreamer, World};
use crate::domain::campaign::Campaign;
use crate::domain::decision::{Decision, decide, standing};
use crate::domain::id::CampaignId;
use crate::domain::play::Phase;
use crate::domain::reason::{Losses, Reason};
use crate::domain::time::UnixMillis;
use crate::domain::why::{Asked, Named, name};
use std::collections::HashMap;
use std::sync::Arc;

/// Candidates that an answer names at most; all of them are counted.
pub const CANDIDATES_MAX: usize = 200;

/// How a candidate would fare.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// Its place among those that are asked for money, from 1, and its score.
    pub rank: Option<(usize, i64)>,
    /// Why it would not get the slot; none for the first.
    pub lost: Option<Reason>,
}

/// What becomes of one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in hand now.
    Playing(Phase),
    /// It would get a slot of this moment.
    Wins,
    /// It would not.
    Loses(Reason),
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Why {
    /// The moment.
    pub now: UnixMillis,
    /// What the platform says, when it is fresh.
    pub sample: Option<Sample>,
    /// Why a slot of this moment would be lost, whoever wants it.
    pub blocked_by: Option<Reason>,
    /// When the next slot falls due; none while the ad clock stands.
    pub next_slot: Option<UnixMillis>,
    /// What is in hand, and how far it is; no campaign for a test.
    pub in_hand: Option<(Option<Arc<Campaign>>, Phase)>,
    /// Why the slot would stay empty although it could be used; none when somebody would get it, or when
    /// nobody was asked, because the audience is not known.
    pub no_fill: Option<Reason>,
    /// Those that are asked for money, best first, then the others by id; `CANDIDATES_MAX` at most. Empty
    /// when the question was about one campaign.
    pub candidates: Vec<Verdict>,
    /// Who would get the slot, if it could be used.
    pub winner: Option<CampaignId>,
    /// Candidates in all.
    pub total: usize,
    /// Those that would lose, by reason.
    pub losses: Losses,
    /// The campaign that was asked for; none when there is no such campaign any more.
    pub named: Option<Named>,
    /// The last slots, newest first.
    pub recent: Vec<Recent>,
}

impl Why {
    /// What becomes of the campaign that was asked for. What is against it comes before what is against any
    /// campaign: a slot that can not be used now is nothing that its brand can do something about.
    #[must_use]
    pub fn fate(&self, campaign: CampaignId) -> Fate {
        let is_asked =
            |(of, _): &&(Option<Arc<Campaign>>, Phase)| of.as_ref().is_some_and(|c| c.id == campaign);
        if let Some((_, phase)) = self.in_hand.as_ref().filter(is_asked) {
            return Fate::Playing(*phase);
        }
        let against = self.named.as_ref().map_or(Some(Reason::CampaignEnded), Named::against);
        match against.or(self.blocked_by) {
            Some(reason) => Fate::Loses(reason),
            None if self.winner == Some(campaign) => Fate::Wins,
            None => Fate::Loses(Reason::Outbid),
        }
    }
}

impl LiveStreamer {
    /// Who would get a slot of this moment. With `only` the answer is about that campaign, with every check.
    #[must_use]
    pub fn why(&self, world: &World<'_>, only: Option<CampaignId>) -> Why {
        let fit = self.would_fit(world.now, world.sample, world.terms).err();
        let fresh = world.sample.filter(|sample| sample.is_fresh(world.now));
        let sample = fresh.unwrap_or(Sample { live: false, viewers: 0, sampled: world.now });
        let mut why = Why {
            now: world.now,
            sample: fresh,
            blocked_by: fit.or(self.hand.as_ref().map(|_| Reason::PlayInHand)),
            next_slot: self.clock.next(self.streamer.settings.slot_interval),
            in_hand: self.hand.as_ref().map(|hand| (hand.campaign.clone(), hand.machine.phase())),
            no_fill: None,
            candidates: Vec::new(),
            winner: None,
            total: 0,
            losses: Losses::default(),
            named: None,
            recent: self.recent.iter().rev().cloned().collect(),
        };
        let all = (world.attained)();
        let slot = self.opportunity(world, sample, &all);
        let guide = world.market.guide();
        let candidates = world.market.candidates(&self.streamer, sample.viewers);
        why.total = candidates.len();
        let mut lost = HashMap::new();
        // Without an audience nothing has a price: nobody would be asked.
        let decision = match fresh {
            Some(_) => decide(slot, guide, &candidates, |id, reason| {
                lost.insert(id, reason);
            }),
            None => Decision::default(),
        };
        why.winner = decision.ranked.first().map(|choice| choice.campaign.id);
        why.no_fill = decision.no_fill;
        let mut verdicts: Vec<Verdict> = Vec::new();
        for candidate in candidates.iter().filter(|_| fresh.is_some()) {
            let id = candidate.campaign.id;
            let place = decision.ranked.iter().position(|choice| choice.campaign.id == id);
            let rank = place.and_then(|place| Some((place + 1, decision.ranked.get(place)?.score)));
            let beaten = (why.winner != Some(id)).then_some(Reason::Outbid);
            let verdict = lost.get(&id).copied().or(beaten);
            verdict.iter().for_each(|reason| why.losses.note(*reason, 1));
            if only.is_none() {
                verdicts.push(Verdict { campaign: Arc::clone(candidate.campaign), rank, lost: verdict });
            }
        }
        let order = |v: &Verdict| (v.rank.map_or(usize::MAX, |(place, _)| place), v.campaign.id);
        verdicts.sort_unstable_by_key(order);
        verdicts.truncate(CANDIDATES_MAX);
        why.candidates = verdicts;
        let named = only.and_then(|id| world.market.named(&self.streamer, id, sample.viewers));
        why.named = named.map(|(candidate, takes_part)| {
            let standing = standing(&decision.attainable, candidate.campaign.currency);
            name(slot, guide, Asked { candidate, takes_part, standing, audience: fresh.is_some() })
        });
        why
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
