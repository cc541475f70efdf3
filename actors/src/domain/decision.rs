//! Which campaign gets a slot, and why every other one does not.
//!
//! Pure and deterministic: the same slot and the same candidates give the same answer, ties go to the
//! lower id. A candidate is checked in this order and keeps the first reason that stops it: status,
//! flight and hours, the streamer's blocklists, the brand's, targeting, the platform's policy, a creative
//! (formats, sound, length, policy), the size of its charge, budget and pacing. The others are ranked by
//! value times weight (`pacing`), and conflict rules and frequency caps are asked about the best first,
//! until three may play; who comes after them is outbid. Then `lookahead` may give up the first for the
//! next slots' sake.

use super::campaign::{Campaign, Quote, Status};
use super::conflict::{Contender, Hit, RuleIndex};
use super::creative::Creative;
use super::id::{CampaignId, StreamerId};
use super::lookahead::{self, Prospect, Ranking};
use super::money::{Currency, Micros};
use super::pacing::{Ask, Attainments, BudgetView, Pacing, Plan, Standing, score};
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
    /// Its money.
    pub budget: BudgetView,
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

/// A candidate that the stream suits.
struct Suited<'c, 'a> {
    candidate: &'c Candidate<'a>,
    quote: Quote,
    price: Micros,
}

impl Suited<'_, '_> {
    fn choice(&self, score: i64, standing: Standing, slot: Slot<'_>) -> Option<Choice> {
        let Candidate { campaign, value, .. } = *self.candidate;
        let creative = pick(campaign, slot)?.clone();
        Some(Choice { campaign: Arc::clone(campaign), creative, quote: self.quote, value, score, standing })
    }
}

/// Decides a slot. Every candidate that loses is named to `lost` with its reason.
pub fn decide(
    slot: Slot<'_>,
    guide: Guide<'_>,
    candidates: &[Candidate<'_>],
    mut lost: impl FnMut(CampaignId, Reason),
) -> Decision {
    let mut decision = Decision::default();
    let mut loser = Loser::default();
    let mut suited: Vec<Suited<'_, '_>> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match suits(slot, guide, candidate) {
            Ok(fits) => {
                note(&mut decision.attainable, candidate.campaign.currency, candidate.value);
                suited.push(fits);
            }
            Err(reason) => {
                lost(candidate.campaign.id, reason);
                loser.note(candidate, reason);
            }
        }
    }
    stand(&mut decision.attainable, slot);
    let mut worth = Vec::with_capacity(suited.len());
    for (place, fits) in suited.iter().enumerate() {
        let id = fits.candidate.campaign.id;
        let standing = standing(&decision.attainable, fits.candidate.campaign.currency);
        match guide.pacing.weigh(&ask(slot, guide.pacing, (fits.candidate, fits.price), standing)) {
            Ok(weight) => worth.push((score(fits.candidate.value, weight), Reverse(id), place)),
            Err(reason) => {
                lost(id, reason);
                loser.note(fits.candidate, reason);
            }
        }
    }
    // Rules and caps cost most, so they are asked in the order of worth, and only until enough may play.
    let mut worth = BinaryHeap::from(worth);
    let awake = guide.rules.awake(slot.history.present(), slot.now);
    let mut ranking = Ranking::default();
    while !ranking.is_full()
        && let Some((score, Reverse(id), place)) = worth.pop()
    {
        let Some(fits) = suited.get(place) else { continue };
        let free = is_free(slot, (guide.rules, &awake), fits, &mut decision.hits);
        ranking.note(Prospect { place, id, score }, free.is_ok());
        if let Err(reason) = free {
            lost(id, reason);
            loser.note(fits.candidate, reason);
        }
    }
    worth.into_iter().for_each(|(_, Reverse(id), _)| lost(id, Reason::Outbid));
    if guide.pacing.looks_ahead() {
        let candidate = |place: usize| suited.get(place).map(|fits| fits.candidate);
        lookahead::prefer(&mut ranking, candidate, guide.rules, slot);
    }
    let choice = |prospect: &Prospect| {
        let fits = suited.get(prospect.place)?;
        let standing = standing(&decision.attainable, fits.candidate.campaign.currency);
        fits.choice(prospect.score, standing, slot)
    };
    decision.ranked = ranking.free().iter().take(TRIES).filter_map(choice).collect();
    if decision.ranked.is_empty() {
        let nobody = if guide.offers { Reason::Targeting } else { Reason::NoCandidate };
        decision.no_fill = Some(loser.0.map_or(nobody, |(_, _, reason)| reason));
    }
    decision
}

/// How the streamer stands in each currency, this slot included.
fn stand(attainable: &mut Worth, slot: Slot<'_>) {
    for (currency, best, standing) in attainable {
        let mut earned = slot.earned.of(*currency).at(slot.now);
        let mut all = slot.all.of(*currency).at(slot.now);
        earned.due(*best, slot.now);
        all.due(*best, slot.now);
        *standing = earned.standing(all);
    }
}

fn note(attainable: &mut Worth, currency: Currency, value: Micros) {
    match attainable.iter_mut().find(|(of, ..)| *of == currency) {
        Some((_, best, _)) => *best = value.max(*best),
        None => attainable.push((currency, value, 0)),
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

/// Whether the campaign may play on this stream at all, now, and with what.
fn suits<'c, 'a>(
    slot: Slot<'_>,
    guide: Guide<'_>,
    candidate: &'c Candidate<'a>,
) -> Result<Suited<'c, 'a>, Reason> {
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
    let most = i128::from(candidate.budget.funded.0) * i128::from(guide.charge_max_bps);
    if i128::from(price.0) * 10_000 > most {
        return Err(Reason::Budget);
    }
    Ok(Suited { candidate, quote, price })
}

/// Whether rules and caps let the campaign play now.
fn is_free(
    slot: Slot<'_>,
    (rules, awake): (&RuleIndex, &[bool]),
    fits: &Suited<'_, '_>,
    hits: &mut Vec<(CampaignId, Hit)>,
) -> Result<(), Reason> {
    let campaign = fits.candidate.campaign;
    let contender = Contender::of(campaign, slot.streamer);
    let heard = |hit| hits.push((campaign.id, hit));
    let present = slot.history.present();
    let blocked = match fits.candidate.rules {
        Some(known) => rules.blocks_among(contender, (known, awake), (present, slot.now), heard),
        None => rules.blocks(contender, present, slot.now, heard),
    };
    if let Some(hit) = blocked {
        return Err(hit.reason);
    }
    slot.history.allows(campaign.id, campaign.cap, slot.now)
}

/// What the candidate asks the rule of pacing, for a play at `price`.
pub(super) fn ask(
    slot: Slot<'_>,
    pacing: &dyn Pacing,
    (candidate, price): (&Candidate<'_>, Micros),
    standing: Standing,
) -> Ask {
    let Candidate { campaign, budget, plan, value, .. } = *candidate;
    Ask {
        budget: budget.on(slot.now),
        share: pacing.lead(plan.share(campaign.pacing, slot.now), campaign.flight.days()),
        mode: campaign.pacing,
        days: campaign.flight.days(),
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
