//! Which campaign gets a slot, and why every other one does not.
//!
//! Pure and deterministic: the same slot and the same candidates give the same answer, ties go to the
//! lower id. Candidates are ranked by value times weight (`pacing`). No weight is above a known one, so they
//! are looked at in the order of their values, and only until three may play that nobody after them can
//! beat; who comes after is outbid, whatever else may be against it. One that is looked at keeps the first
//! reason that stops it: status, flight and hours, the streamer's blocklists, the brand's, targeting, the
//! platform's policy, a creative (formats, sound, length, policy), the size of its charge, budget, pacing,
//! and when its turn comes conflict rules and frequency caps. Then `lookahead` may give up the first for
//! the next slots' sake.

use super::campaign::{Campaign, Quote, Status};
use super::conflict::{Contender, Hit, RuleIndex};
use super::creative::Creative;
use super::id::{CampaignId, StreamerId};
use super::lookahead::{self, Prospect, Ranking};
use super::money::{Currency, Micros};
use super::pacing::{Ask, Attainments, BudgetView, Pacing, Plan, Purse, Standing, score};
use super::policy::Policy;
use super::reason::Reason;
use super::rotation::{self, Turn};
use super::streamer::history::History;
use super::streamer::{Profile, Sample, Settings};
use super::time::{Millis, UnixMillis};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
    /// What the streamer earned of what they could have earned, before this slot.
    pub earned: &'a Attainments,
    /// The same over all streamers.
    pub all: &'a Attainments,
    /// When the streamer's next slot is expected, from this one.
    pub gap: Millis,
}

/// A campaign that may want the slot.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The campaign.
    pub campaign: &'a Arc<Campaign>,
    /// The currency of its campaign.
    pub currency: Currency,
    /// Its money, which is looked at when its turn comes.
    pub purse: &'a dyn Purse,
    /// Whether the words of its targeting are known to fit the stream.
    pub reached: bool,
    /// The rules that may speak against it, when they were looked up before.
    pub rules: Option<&'a [usize]>,
    /// How its money is spread.
    pub plan: &'a Plan,
    /// What the play may cost; none when it can not be priced.
    pub quote: Option<Quote>,
    /// What the play is expected to cost.
    pub value: Micros,
}

impl<'a> Candidate<'a> {
    /// A campaign with its money and its plan, of which nothing else is known.
    #[must_use]
    pub fn new(campaign: &'a Arc<Campaign>, purse: &'a dyn Purse, plan: &'a Plan, bid: Bid) -> Self {
        let Bid { quote, value } = bid;
        Self { campaign, currency: campaign.currency, purse, reached: false, rules: None, plan, quote, value }
    }

    fn choice(&self, score: i64, standing: Standing, slot: Slot<'_>) -> Option<Choice> {
        let Candidate { campaign, value, .. } = *self;
        let (creative, quote) = (pick(campaign, slot)?.clone(), self.quote?);
        Some(Choice { campaign: Arc::clone(campaign), creative, quote, value, score, standing })
    }
}

/// What a campaign offers for a slot.
#[derive(Clone, Copy, Debug)]
pub struct Bid {
    /// What the play may cost; none when it can not be priced.
    pub quote: Option<Quote>,
    /// What the play is expected to cost.
    pub value: Micros,
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
    /// What it is expected to cost.
    pub value: Micros,
    /// Its score.
    pub score: i64,
    /// How the streamer stands among all in its currency, this slot included.
    pub standing: Standing,
}

/// The answer for one slot.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The best three at most, best first.
    pub ranked: Vec<Choice>,
    /// The rules that spoke, with the candidate they spoke against.
    pub hits: Vec<(CampaignId, Hit)>,
    /// When `ranked` is empty: the reason of the loser that was worth most.
    pub no_fill: Option<Reason>,
    /// In each currency the highest charge of a candidate that the stream suits, whatever rules, caps and
    /// budgets say: what the streamer could earn by this slot.
    pub attainable: Worth,
}

/// What a slot is worth at best, and how the streamer stands with it, in each currency.
pub type Worth = Vec<(Currency, Micros, Standing)>;

/// What decisions go by.
#[derive(Clone, Copy)]
pub struct Guide<'a> {
    /// The rules in force.
    pub rules: &'a RuleIndex,
    /// The rule of pacing.
    pub pacing: &'a dyn Pacing,
    /// The largest charge, as a part of the campaign's budget in ten thousandths.
    pub charge_max_bps: u32,
    /// Whether there are campaigns at all that are open to everybody: then a stream without a candidate
    /// is one that they do not want.
    pub offers: bool,
}

/// Decides a slot. Every candidate that loses is named to `lost` with its reason.
pub fn decide(
    slot: Slot<'_>,
    guide: Guide<'_>,
    candidates: &[Candidate<'_>],
    lost: impl FnMut(CampaignId, Reason),
) -> Decision {
    let mut auction = Auction { slot, guide, lost, decision: Decision::default(), loser: Loser::default() };
    let mut currencies = Vec::new();
    for candidate in candidates {
        if !currencies.contains(&candidate.currency) {
            currencies.push(candidate.currency);
        }
    }
    let bids = candidates.iter().enumerate().map(|(place, candidate)| (candidate.value, Reverse(place)));
    let mut bids = BinaryHeap::from(bids.collect::<Vec<_>>());
    let mut weighed: BinaryHeap<(i64, Reverse<CampaignId>, usize)> =
        BinaryHeap::with_capacity(candidates.len().min(WEIGHED));
    let awake = guide.rules.awake(slot.history.present(), slot.now);
    let mut ranking = Ranking::default();
    loop {
        let beaten = |best: i64| bids.peek().is_none_or(|(bid, _)| best > score(*bid, guide.pacing.most()));
        let first = weighed.peek().is_some_and(|(best, ..)| beaten(*best));
        if first && !ranking.is_full() {
            let Some((score, Reverse(id), place)) = weighed.pop() else { break };
            let Some(candidate) = candidates.get(place) else { continue };
            let free = auction.is_free(candidate, &awake);
            ranking.note(Prospect { place, id, score }, free);
        } else if ranking.is_full() && auction.decision.attainable.len() == currencies.len() {
            break;
        } else {
            let Some((_, Reverse(place))) = bids.pop() else { break };
            let Some(candidate) = candidates.get(place) else { continue };
            let score = auction.weigh(candidate);
            weighed.extend(score.map(|score| (score, Reverse(candidate.campaign.id), place)));
        }
    }
    weighed.into_iter().for_each(|(_, Reverse(id), _)| (auction.lost)(id, Reason::Outbid));
    let beaten = bids.into_iter().filter_map(|(_, Reverse(place))| candidates.get(place));
    beaten.for_each(|candidate| (auction.lost)(candidate.campaign.id, Reason::Outbid));
    if guide.pacing.looks_ahead() {
        lookahead::prefer(&mut ranking, |place| candidates.get(place), guide.rules, slot);
    }
    let Auction { mut decision, loser, .. } = auction;
    let choice = |prospect: &Prospect| {
        let candidate = candidates.get(prospect.place)?;
        let standing = standing(&decision.attainable, candidate.currency);
        candidate.choice(prospect.score, standing, slot)
    };
    decision.ranked = ranking.free().iter().take(TRIES).filter_map(choice).collect();
    if decision.ranked.is_empty() {
        let nobody = if guide.offers { Reason::Targeting } else { Reason::NoCandidate };
        decision.no_fill = Some(loser.0.map_or(nobody, |(_, _, reason)| reason));
    }
    decision
}

/// Candidates that are weighed, as a rule, before the best are known.
const WEIGHED: usize = 16;

/// A decision under way.
struct Auction<'a, F> {
    slot: Slot<'a>,
    guide: Guide<'a>,
    lost: F,
    decision: Decision,
    loser: Loser,
}

impl<F: FnMut(CampaignId, Reason)> Auction<'_, F> {
    fn loses(&mut self, candidate: &Candidate<'_>, reason: Reason) {
        (self.lost)(candidate.campaign.id, reason);
        self.loser.note(candidate, reason);
    }

    /// The score of the candidate; none when the stream does not suit it, or its money says no. Called in the
    /// order of values: of each currency the first one that is suited is worth most.
    fn weigh(&mut self, candidate: &Candidate<'_>) -> Option<i64> {
        let (slot, pacing) = (self.slot, self.guide.pacing);
        let budget = || candidate.purse.view(candidate.campaign, slot.now);
        let fits = suits(slot, self.guide, candidate, budget);
        let weighed = fits.and_then(|(price, budget)| {
            let standing = self.stand(candidate);
            pacing.weigh(&ask(slot, pacing, (candidate, budget, price), standing))
        });
        match weighed {
            Ok(weight) => Some(score(candidate.value, weight)),
            Err(reason) => {
                self.loses(candidate, reason);
                None
            }
        }
    }

    /// Whether rules and caps let the campaign play now.
    fn is_free(&mut self, candidate: &Candidate<'_>, awake: &[bool]) -> bool {
        let (slot, rules, campaign) = (self.slot, self.guide.rules, candidate.campaign);
        let contender = Contender::of(campaign, slot.streamer);
        let hits = &mut self.decision.hits;
        let heard = |hit| hits.push((campaign.id, hit));
        let present = slot.history.present();
        let blocked = match candidate.rules {
            Some(known) => rules.blocks_among(contender, (known, awake), (present, slot.now), heard),
            None => rules.blocks(contender, present, slot.now, heard),
        };
        let against = blocked.map(|hit| hit.reason);
        let against = against.or_else(|| slot.history.allows(campaign.id, campaign.cap, slot.now).err());
        against.map(|reason| self.loses(candidate, reason)).is_none()
    }

    /// How the streamer stands in the currency of a candidate that the stream suits, this slot included.
    fn stand(&mut self, candidate: &Candidate<'_>) -> Standing {
        let Candidate { currency, value, .. } = *candidate;
        let known = self.decision.attainable.iter().find(|(of, ..)| *of == currency);
        if let Some((.., standing)) = known {
            return *standing;
        }
        let now = self.slot.now;
        let (mut earned, mut all) =
            (self.slot.earned.of(currency).at(now), self.slot.all.of(currency).at(now));
        earned.due(value, now);
        all.due(value, now);
        let standing = earned.standing(all);
        self.decision.attainable.push((currency, value, standing));
        standing
    }
}

pub(super) fn standing(attainable: &Worth, currency: Currency) -> Standing {
    attainable.iter().find(|(of, ..)| *of == currency).map_or(0, |(.., standing)| *standing)
}

/// The loser that was worth most speaks for a slot that stays empty; of equal ones the lower id.
#[derive(Default)]
struct Loser(Option<(Micros, CampaignId, Reason)>);

impl Loser {
    fn note(&mut self, candidate: &Candidate<'_>, reason: Reason) {
        let (worth, campaign) = (candidate.value, candidate.campaign.id);
        let better = self.0.is_none_or(|(most, id, _)| worth > most || (worth == most && campaign < id));
        if better {
            self.0 = Some((worth, campaign, reason));
        }
    }
}

/// Whether the campaign may play on this stream at all, now: what is set aside for it, and its money.
fn suits(
    slot: Slot<'_>,
    guide: Guide<'_>,
    candidate: &Candidate<'_>,
    budget: impl FnOnce() -> BudgetView,
) -> Result<(Micros, BudgetView), Reason> {
    let campaign = candidate.campaign;
    let quote = candidate.quote.ok_or(Reason::Budget)?;
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
    if slot.settings.blocked_brands.contains(&campaign.brand.id) {
        return Err(Reason::StreamerBlocklist);
    }
    if slot.settings.blocked_categories.contains(campaign.category.text()) {
        return Err(Reason::CategoryBlocklist);
    }
    if campaign.targeting.blocks(slot.streamer) {
        return Err(Reason::BrandBlocklist);
    }
    campaign.targeting.admits(slot.profile, slot.sample, candidate.reached)?;
    let policy = slot.policy.admits(&campaign.category, slot.profile, slot.settings);
    policy.map_err(|_| Reason::Policy)?;
    showable(campaign, slot)?;
    let price = quote.reserve().ok_or(Reason::Budget)?;
    if !price.is_positive() {
        return Err(Reason::MinimumViewers);
    }
    let budget = budget();
    let most = i128::from(budget.funded.0) * i128::from(guide.charge_max_bps);
    if i128::from(price.0) * 10_000 > most {
        return Err(Reason::Budget);
    }
    Ok((price, budget))
}

/// What the candidate asks the rule of pacing, with `budget`, for a play at `price`.
pub(super) fn ask(
    slot: Slot<'_>,
    pacing: &dyn Pacing,
    (candidate, budget, price): (&Candidate<'_>, BudgetView, Micros),
    standing: Standing,
) -> Ask {
    let Candidate { campaign, plan, value, .. } = *candidate;
    let days = campaign.flight.days();
    Ask {
        budget: budget.on(slot.now),
        share: pacing.lead(plan.share(campaign.pacing, slot.now), days),
        mode: campaign.pacing,
        days,
        day_share: if budget.day.is_some() { pacing.lead(plan.day_share(slot.now), 1) } else { 0 },
        price,
        value,
        standing,
    }
}

/// Why the streamer or the platform does not allow a creative.
fn against(creative: &Creative, slot: Slot<'_>) -> Result<(), Reason> {
    slot.settings.allow(creative)?;
    slot.policy.draws(creative).map_err(|_| Reason::Policy)
}

/// Whether any creative may be shown; when none may, what is against the first.
///
/// # Errors
/// That.
pub(super) fn showable(campaign: &Campaign, slot: Slot<'_>) -> Result<(), Reason> {
    let mut first = None;
    for creative in &campaign.creatives {
        match against(creative, slot) {
            Ok(()) => return Ok(()),
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    Err(first.unwrap_or(Reason::Creative))
}

/// Whose turn it is among the creatives that may be shown.
fn pick<'a>(campaign: &'a Campaign, slot: Slot<'_>) -> Option<&'a Creative> {
    let shown = slot.history.shown(campaign.id);
    let turn = Turn { now: slot.now, streamer: slot.streamer, campaign: campaign.id, shown };
    rotation::pick(&campaign.creatives, campaign.rotation, turn, |creative| against(creative, slot).is_ok())
}

#[cfg(test)]
#[path = "decision_tests.rs"]
pub(crate) mod tests;
