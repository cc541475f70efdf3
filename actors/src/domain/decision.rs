//! Which campaign gets a slot, and why every other one does not.
//!
//! Pure and deterministic: the same slot and the same candidates give the same answer, ties go to
//! the lower id. A candidate is checked in this order and keeps the first reason that stops it:
//! status, flight and hours, the streamer's blocklists, the brand's, targeting, the platform's policy, a
//! creative (formats, sound, length, policy), the size of its charge, conflict rules, its own frequency cap,
//! budget and pacing. Those that may play are ranked by value times weight (`pacing`); then `lookahead` may
//! give up the first for the next slots' sake.

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
    /// In each currency the highest charge of a candidate that the stream suits, whatever rules, caps and budgets
    /// say: what the streamer could earn by this slot.
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
}

/// A candidate that the stream suits.
struct Suited<'a> {
    candidate: Candidate<'a>,
    quote: Quote,
    price: Micros,
    creative: &'a Creative,
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
    let mut suited = Vec::with_capacity(candidates.len());
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
    for (currency, best, standing) in &mut decision.attainable {
        let (mut earned, mut all) =
            (slot.earned.of(*currency).at(slot.now), slot.all.of(*currency).at(slot.now));
        earned.due(*best, slot.now);
        all.due(*best, slot.now);
        *standing = earned.standing(all);
    }
    let mut ranking = Ranking::default();
    for (place, fits) in suited.iter().enumerate() {
        let id = fits.candidate.campaign.id;
        let free = is_free(slot, guide.rules, fits, &mut decision.hits);
        let standing = standing(&decision.attainable, fits.candidate.campaign.currency);
        // Without looking ahead nobody asks what a candidate that is not free would weigh.
        let weight = match free {
            Err(reason) if !guide.pacing.looks_ahead() => Err(reason),
            _ => guide.pacing.weigh(&ask(slot, guide.pacing, (&fits.candidate, fits.price), standing)),
        };
        if let Ok(weight) = weight {
            let score = score(fits.candidate.value, weight);
            ranking.note(Prospect { place, id, score }, free.is_ok());
        }
        if let Err(reason) = free.and(weight) {
            lost(id, reason);
            loser.note(&fits.candidate, reason);
        }
    }
    if guide.pacing.looks_ahead() {
        let campaign = |place: usize| suited.get(place).map(|fits| &**fits.candidate.campaign);
        lookahead::prefer(&mut ranking, campaign, guide.rules, slot);
    }
    decision.ranked.extend(ranking.free().iter().take(TRIES).filter_map(|prospect| {
        let Suited { candidate, quote, creative, .. } = suited.get(prospect.place)?;
        Some(Choice {
            campaign: Arc::clone(candidate.campaign),
            creative: (*creative).clone(),
            quote: *quote,
            value: candidate.value,
            score: prospect.score,
            standing: standing(&decision.attainable, candidate.campaign.currency),
        })
    }));
    if decision.ranked.is_empty() {
        decision.no_fill = Some(loser.0.map_or(Reason::NoCandidate, |(_, _, reason)| reason));
    }
    decision
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
fn suits<'a>(slot: Slot<'_>, guide: Guide<'_>, candidate: &Candidate<'a>) -> Result<Suited<'a>, Reason> {
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
    if slot.settings.blocked_categories.contains(&campaign.category.0) {
        return Err(Reason::CategoryBlocklist);
    }
    if campaign.targeting.blocks(slot.streamer) {
        return Err(Reason::BrandBlocklist);
    }
    campaign.targeting.admits(slot.profile, slot.sample)?;
    let policy = slot.policy.admits(&campaign.category, slot.profile, slot.settings);
    policy.map_err(|_| Reason::Policy)?;
    let creative = pick(campaign, slot)?;
    let price = quote.reserve().ok_or(Reason::Budget)?;
    if !price.is_positive() {
        return Err(Reason::MinimumViewers);
    }
    let most = i128::from(candidate.budget.funded.0) * i128::from(guide.charge_max_bps);
    if i128::from(price.0) * 10_000 > most {
        return Err(Reason::Budget);
    }
    Ok(Suited { candidate: *candidate, quote, price, creative })
}

/// Whether rules and caps let the campaign play now.
fn is_free(
    slot: Slot<'_>,
    rules: &RuleIndex,
    fits: &Suited<'_>,
    hits: &mut Vec<(CampaignId, Hit)>,
) -> Result<(), Reason> {
    let campaign = fits.candidate.campaign;
    let contender = Contender::of(campaign, slot.streamer);
    let blocked =
        rules.blocks(contender, slot.history.present(), slot.now, |hit| hits.push((campaign.id, hit)));
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
        share: pacing.lead(plan.share(campaign.pacing, slot.now)),
        mode: campaign.pacing,
        day_share: pacing.lead(plan.day_share(slot.now)),
        price,
        value,
        standing,
    }
}

/// Whose turn it is among the creatives that the streamer and the platform allow; when none is, what is
/// against the first.
pub(super) fn pick<'a>(campaign: &'a Campaign, slot: Slot<'_>) -> Result<&'a Creative, Reason> {
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

#[cfg(test)]
#[path = "decision_tests.rs"]
pub(crate) mod tests;
