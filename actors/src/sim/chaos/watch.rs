//! What must hold after every step, judged from outside: by what was sent, shown and written.

use super::ledger::Ledger;
use super::stage::Stage;
use crate::domain::campaign::Campaign;
use crate::domain::id::{CampaignId, LeaseId, PlayId, StreamerId};
use crate::domain::invariants::Invariant;
use crate::domain::log::PlayRecord;
use crate::domain::money::Micros;
use crate::domain::settlement::Outcome;
use crate::domain::streamer::page::SessionId;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::token::Terms;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

/// Whether it holds; if not, what was seen.
pub(super) fn holds(so: bool, invariant: Invariant, says: impl FnOnce() -> String) -> Result<(), Broken> {
    if so { Ok(()) } else { Err(Broken { invariant, what: says() }) }
}

/// A token that is out.
#[derive(Clone, Copy, Debug)]
struct Out {
    lease: LeaseId,
    /// What was set aside.
    price: Micros,
    /// The play costs nothing, and each click on it a part of that, as long as the token lives.
    per_click: bool,
    dead: UnixMillis,
}

/// A play that is known to have been on screen, now or to a process before this one.
#[derive(Clone, Copy, Debug)]
struct Shown {
    play: PlayId,
    campaign: CampaignId,
    /// Limits of the stream count from here.
    slot: UnixMillis,
    /// Rules and caps of campaigns count from here.
    first_frame: UnixMillis,
}

/// The one who watches.
#[derive(Debug, Default)]
pub(super) struct Watch {
    out: BTreeMap<PlayId, Out>,
    aside: BTreeMap<PlayId, Micros>,
    hands: BTreeMap<StreamerId, PlayId>,
    primaries: BTreeMap<StreamerId, BTreeSet<SessionId>>,
    prepared: BTreeSet<PlayId>,
    played: BTreeSet<PlayId>,
    shown: BTreeMap<StreamerId, Vec<Shown>>,
}

const HOUR: Millis = Millis::minutes(60);
const DAY: Millis = Millis::minutes(24 * 60);

impl Watch {
    /// The process is gone, with what it knew.
    pub(super) fn crashed(&mut self) {
        self.hands.clear();
        self.primaries.clear();
    }

    /// So much is to be set aside for a play.
    pub(super) fn asked(&mut self, play: PlayId, amount: Micros) {
        self.aside.insert(play, amount);
    }

    /// A play asks for money: none may be in hand, and no rule or cap may be against it.
    pub(super) fn decided(
        &mut self,
        (streamer, play, now): (StreamerId, PlayId, UnixMillis),
        campaign: &Campaign,
        stage: &Stage,
    ) -> Result<(), Broken> {
        let before = self.hands.insert(streamer, play);
        holds(before.is_none(), Invariant::OnePrimaryOnePlay, || {
            format!("{before:?} is in hand, then {play}")
        })?;
        let shown = self.shown.get(&streamer).map(Vec::as_slice).unwrap_or_default();
        let within = |span: Millis| shown.iter().filter(move |one| now - one.first_frame < span);
        let slots = |span: Millis| shown.iter().filter(move |one| now - one.slot < span);
        let of = |one: &Shown| stage.campaign(one.campaign);
        let brand = |one: &Shown| of(one).is_some_and(|c| c.brand.id == campaign.brand.id);
        let category = |one: &Shown| of(one).is_some_and(|c| c.category == campaign.category);
        let limits = &stage.limits;
        let others: BTreeSet<CampaignId> =
            within(limits.at_once.1).map(|one| one.campaign).filter(|other| *other != campaign.id).collect();
        let rules = [
            ("brand cooldown", !within(limits.brand).any(brand)),
            ("category cooldown", !within(limits.category).any(category)),
            ("category exclusivity", !within(limits.exclusive).any(|one| category(one) && !brand(one))),
            ("simultaneous limit", others.len() < limits.at_once.0),
        ];
        for (rule, kept) in rules {
            holds(kept, Invariant::RulesHold, || {
                format!("{rule} against {play} of campaign {} at {now:?}: {shown:?}", campaign.id)
            })?;
        }
        let same = |span| within(span).filter(|one| one.campaign == campaign.id).count();
        let (cap, count) = (campaign.cap, |most: u32| usize::try_from(most).unwrap_or(usize::MAX));
        let caps = [
            ("minimum gap", same(cap.minimum_gap) == 0),
            ("plays an hour", cap.per_hour == 0 || same(HOUR) < count(cap.per_hour)),
            ("plays a day", cap.per_day == 0 || same(DAY) < count(cap.per_day)),
            ("ads an hour", slots(HOUR).count() < count(limits.hourly)),
            ("gap of the stream", slots(stage.terms.minimum_gap).count() == 0),
        ];
        for (which, kept) in caps {
            holds(kept, Invariant::CapsHold, || {
                format!("{which} against {play} of campaign {} at {now:?}: {shown:?}", campaign.id)
            })?;
        }
        Ok(())
    }

    /// The play in hand came to an end, as far as its page or its campaign says.
    pub(super) fn over(&mut self, streamer: StreamerId, play: PlayId) {
        if self.hands.get(&streamer) == Some(&play) {
            self.hands.remove(&streamer);
        }
    }

    /// `prepare` leaves, once for each play, and before its token.
    pub(super) fn prepare(&mut self, play: PlayId) -> Result<(), Broken> {
        let first = self.prepared.insert(play) && !self.played.contains(&play);
        holds(first, Invariant::PlaysGoForward, || format!("{play} is prepared again"))
    }

    /// The token leaves, once.
    pub(super) fn token(&mut self, terms: &Terms) -> Result<(), Broken> {
        let play = terms.play;
        let first = self.played.insert(play) && self.prepared.contains(&play);
        holds(first, Invariant::PlaysGoForward, || format!("the token of {play} leaves again"))?;
        holds(terms.split.is_exact(), Invariant::PriceIsFeeAndEarn, || format!("{terms:?}"))?;
        let price = self.aside.get(&play).copied().unwrap_or(terms.split.price);
        let per_click = terms.split.price == Micros::ZERO;
        self.out.insert(play, Out { lease: terms.lease, price, per_click, dead: terms.dead() });
        holds(per_click || price == terms.split.price, Invariant::PriceIsFeeAndEarn, || {
            format!("{price:?} is set aside for {terms:?}")
        })
    }

    /// A page is told whether it gets the plays.
    pub(super) fn role(
        &mut self,
        streamer: StreamerId,
        session: SessionId,
        primary: bool,
    ) -> Result<(), Broken> {
        let all = self.primaries.entry(streamer).or_default();
        let _ = if primary { all.insert(session) } else { all.remove(&session) };
        holds(all.len() <= 1, Invariant::OnePrimaryOnePlay, || format!("primaries of {streamer}: {all:?}"))
    }

    /// A socket is gone.
    pub(super) fn detached(&mut self, streamer: StreamerId, session: SessionId) {
        self.primaries.entry(streamer).or_default().remove(&session);
    }

    /// A play was on screen, as the process now knows: it saw it, or the log says it. No crash and no end of
    /// the play makes anybody forget it.
    pub(super) fn shown(&mut self, record: &PlayRecord, slot: UnixMillis) {
        let PlayRecord { play, campaign, shown, .. } = *record;
        let list = self.shown.entry(record.streamer).or_default();
        if !list.iter().any(|one| one.play == play) {
            list.push(Shown { play, campaign, slot, first_frame: shown.unwrap_or(slot) });
        }
    }

    /// An ack leaves.
    pub(super) fn acked(&self, play: PlayId, outcome: Outcome, ledger: &Ledger) -> Result<(), Broken> {
        let durable = match (outcome, ledger.outcome(play)) {
            (Outcome::Settled | Outcome::Duplicate, Some(Ok(_))) => true,
            (Outcome::Rejected(reason), Some(Err((_, recorded)))) => reason == recorded,
            _ => false,
        };
        holds(durable, Invariant::SettledOnceAndAckedAfterCommit, || {
            format!("{play} is acked as {outcome:?} and on record as {:?}", ledger.outcome(play))
        })
    }

    /// Whatever is out can still be paid: `waits` says which claims are taken and not written.
    pub(super) fn check(
        &mut self,
        ledger: &Ledger,
        waits: impl Fn(PlayId) -> bool,
        now: UnixMillis,
    ) -> Result<(), Broken> {
        self.out.retain(|play, out| {
            (out.per_click || ledger.outcome(*play).is_none()) && (now <= out.dead || waits(*play))
        });
        let mut sums: BTreeMap<LeaseId, i64> = BTreeMap::new();
        for (play, out) in &self.out {
            let left = out.price.0 - ledger.clicked(*play).0;
            holds(left >= 0, Invariant::TokenOutlivesItsPrice, || {
                format!("clicks on {play} cost {} more than was set aside", left.abs())
            })?;
            *sums.entry(out.lease).or_default() += left;
        }
        for (lease, sum) in sums {
            let rest = ledger.rest(lease).0;
            holds(sum <= rest, Invariant::TokenOutlivesItsPrice, || {
                format!("tokens of lease {lease} may cost {sum}, and it has {rest}")
            })?;
        }
        ledger.check(now)
    }
}
