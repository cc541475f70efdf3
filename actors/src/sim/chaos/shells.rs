//! What the actors of a process do with a message: check what is due, take one pure step, perform its
//! effects.

use super::event::{Event, Inside, Waiting};
use super::journal::Entry;
use super::process::{Desk, Process, Shelf, Spender};
use super::run::Run;
use super::watch::{Broken, holds};
use crate::domain::campaign::Status;
use crate::domain::campaign::account::Want;
use crate::domain::id::{CampaignId, LeaseId, PlayId, StreamerId};
use crate::domain::invariants::Invariant;
use crate::domain::money::Micros;
use crate::domain::pacing::TUNED;
use crate::domain::reason::Reason;
use crate::domain::settlement::EventKind;
use crate::domain::streamer::Sample;
use crate::domain::streamer::live::{Effect, FromPage, LiveStreamer, ToPage, World};
use crate::domain::streamer::page::SessionId;
use crate::domain::time::{Millis, UnixMillis};

/// From one look of the sweeper to the next.
const SWEEP: Millis = Millis::seconds(5);
/// Plays that may wait for money.
const PARKED_MAX: usize = 64;

impl Process {
    /// What must hold of the accounts that the last step touched.
    pub(super) fn check(&mut self) -> Result<(), Broken> {
        for id in std::mem::take(&mut self.touched) {
            let lease = self.spenders.get(&id).and_then(|spender| spender.account.lease());
            holds(lease.is_none_or(|lease| lease.is_sound()), Invariant::LeaseHoldsWhatItWasGranted, || {
                format!("campaign {id}: {lease:?}")
            })?;
        }
        Ok(())
    }
}

impl Run {
    fn spender(&mut self, campaign: CampaignId) -> Option<&mut Spender> {
        let process = self.process.as_mut()?;
        process.touched.insert(campaign);
        process.spenders.get_mut(&campaign)
    }

    pub(super) fn desk(&mut self) -> Option<&mut Desk> {
        self.process.as_mut().map(|process| &mut process.desk)
    }

    /// A message inside the process.
    pub(super) fn inside(&mut self, inside: Inside) -> Result<(), Broken> {
        match inside {
            Inside::Wake(streamer) => {
                if let Some(process) = &mut self.process {
                    process.wakes.remove(&streamer);
                }
                self.live(streamer, |_, _, _| ())?;
            }
            Inside::Said(page, session, said) => self.said(page, session, said)?,
            Inside::Reserve(streamer, campaign, want) => self.reserve(streamer, campaign, want),
            Inside::Answer(streamer, campaign, play, answer) => {
                self.answer(streamer, campaign, play, answer)?;
            }
            Inside::Release(campaign, play) => {
                if let Some(spender) = self.spender(campaign) {
                    spender.account.release(play);
                }
            }
            Inside::Granted(campaign, grant, budget, since) => {
                let now = self.now;
                if let Some(spender) = self.spender(campaign)
                    && let Some((lease, amount)) = grant
                {
                    spender.account.granted(lease, amount, now);
                }
                self.read(campaign, &budget, since);
                self.answered(campaign, grant.is_some());
            }
            Inside::HandedBack(campaign, amount) => {
                if let Some(spender) = self.spender(campaign)
                    && let Some(amount) = amount
                {
                    spender.account.handed_back(amount);
                }
                self.answered(campaign, false);
            }
            Inside::Totals(campaign, budget, since) => self.totals(campaign, &budget, since),
            Inside::Flush => self.flush_due(),
            Inside::Written(batch, written) => self.written(batch, written),
            Inside::Settled(waiting, outcome) => {
                let Waiting { claim, session } = *waiting;
                if claim.debit.kind == EventKind::Click {
                    self.click_ends(&claim.debit, outcome);
                } else {
                    self.live(claim.debit.streamer, |live, _, effects| {
                        live.settled(&claim, session, Some(outcome), effects);
                    })?;
                }
            }
            Inside::Count(click, together) => self.count_clicks(*click, together),
            Inside::Bill(click, fits) => self.bill(*click, fits),
            Inside::Told(campaign, claims) => {
                let now = self.now;
                if let Some(spender) = self.spender(campaign) {
                    spender.batches += 1;
                    claims.iter().for_each(|(claim, outcome)| spender.account.settled(claim, outcome, now));
                }
            }
            Inside::Sweep => self.sweep(),
        }
        Ok(())
    }

    /// Takes one step of a streamer's actor, if it lives.
    pub(super) fn live(
        &mut self,
        streamer: StreamerId,
        take: impl FnOnce(&mut LiveStreamer, &mut World<'_>, &mut Vec<Effect>),
    ) -> Result<(), Broken> {
        let (now, stage) = (self.now, &self.stage);
        let Some(process) = self.process.as_mut() else { return Ok(()) };
        let away = process.store_is_away(stage, now);
        let Some(live) = process.live.get_mut(&streamer) else { return Ok(()) };
        // Between 200 and 2200, different for each stream, moving all the time.
        let viewers = 200 + (streamer.0 * 700 + now.0 / 1000).rem_euclid(2000);
        let sample = Sample { live: true, viewers: u32::try_from(viewers).unwrap_or(0), sampled: now };
        let chance = &mut self.chance;
        let mut effects = Vec::new();
        let mut world = World {
            now,
            sample: Some(sample),
            market: &Shelf { stage, spenders: &process.spenders },
            attained: &|| process.attained.clone(),
            policies: &stage.policies,
            keys: &stage.keys,
            terms: &stage.terms,
            random: &mut |bytes: &mut [u8]| chance.fill(bytes),
        };
        live.store_away(away);
        live.due(&mut world, &mut effects);
        take(live, &mut world, &mut effects);
        self.perform(streamer, effects)?;
        self.wake(streamer);
        Ok(())
    }

    fn wake(&mut self, streamer: StreamerId) {
        let now = self.now;
        let Some(process) = self.process.as_mut() else { return };
        let due = process.live.get(&streamer).and_then(LiveStreamer::wake_at).map(|due| due.max(now));
        let Some(due) = due.filter(|due| process.wakes.get(&streamer).is_none_or(|set| due < set)) else {
            return;
        };
        process.wakes.insert(streamer, due);
        let event = Event::Inside(process.epoch, Inside::Wake(streamer));
        self.agenda.at(due, event);
    }

    fn perform(&mut self, streamer: StreamerId, effects: Vec<Effect>) -> Result<(), Broken> {
        let now = self.now;
        for effect in effects {
            match effect {
                Effect::Send(session, said) => {
                    self.watch_word(streamer, session, &said)?;
                    self.send(session, said);
                }
                Effect::Reserve { campaign, want } => {
                    self.watch.asked(want.play, want.amount);
                    if let Some(terms) = self.stage.campaign(campaign) {
                        self.watch.decided((streamer, want.play, now), terms, &self.stage)?;
                    }
                    self.soon_inside(3, Inside::Reserve(streamer, campaign, want));
                }
                Effect::Release(campaign, play) => self.soon_inside(3, Inside::Release(campaign, play)),
                Effect::Settle { claim, session } => self.take(*claim, session),
                Effect::Log(record) => self.log(*record),
                Effect::Due(currency, best) => {
                    if let Some(process) = &mut self.process {
                        process.attained.due(currency, best, now);
                    }
                }
                Effect::Granted(currency, price) => {
                    if let Some(process) = &mut self.process {
                        process.attained.granted(currency, price, now);
                    }
                }
                Effect::Refused(_)
                | Effect::RulesSpoke(_)
                | Effect::NoFill(_)
                | Effect::Decided(_)
                | Effect::Lost(_)
                | Effect::Save
                | Effect::Tested(_)
                | Effect::Changed => {}
            }
        }
        Ok(())
    }

    fn watch_word(&mut self, streamer: StreamerId, session: SessionId, said: &ToPage) -> Result<(), Broken> {
        match said {
            ToPage::Role(primary) => self.watch.role(streamer, session, *primary),
            ToPage::Prepare { play, .. } => self.watch.prepare(*play),
            ToPage::Play { token: Some(token), nonce, .. } => {
                self.counts.plays += 1;
                match self.stage.keys.verify(token, nonce) {
                    Ok(terms) => self.watch.token(&terms),
                    Err(reason) => {
                        holds(false, Invariant::PriceIsFeeAndEarn, || format!("a token: {reason:?}"))
                    }
                }
            }
            ToPage::Play { token: None, .. } | ToPage::Settings(_) => Ok(()),
            ToPage::Stop(play) => {
                self.watch.over(streamer, *play);
                Ok(())
            }
            ToPage::Ack { play, outcome } => self.watch.acked(*play, *outcome, &self.ledger),
        }
    }

    /// A word of a page arrives, unless its socket is gone.
    fn said(&mut self, page: usize, session: SessionId, said: FromPage) -> Result<(), Broken> {
        let Some(page) = self.pages.get(page).filter(|page| page.socket == Some(session)) else {
            return Ok(());
        };
        let streamer = page.streamer;
        if let FromPage::Ended(play) = &said {
            self.watch.over(streamer, *play);
        }
        self.live(streamer, |live, world, effects| live.heard(session, said, world, effects))
    }

    fn reserve(&mut self, streamer: StreamerId, campaign: CampaignId, want: Want) {
        let now = self.now;
        let Some(spender) = self.spender(campaign) else { return };
        let known = spender.account.is_known();
        let answer = if known { spender.account.reserve(&want, &TUNED, now) } else { None };
        match answer {
            Some(answer) => self.soon_inside(3, Inside::Answer(streamer, campaign, want.play, answer)),
            None if spender.parked.len() >= PARKED_MAX => {
                let answer = Err(Reason::LeaseEmpty);
                self.soon_inside(3, Inside::Answer(streamer, campaign, want.play, answer));
            }
            None => spender.parked.push_back((streamer, want)),
        }
        self.top_up(campaign, want.amount);
        if self.spender(campaign).is_some_and(|spender| !spender.asking) {
            self.unpark(campaign, false);
        }
    }

    fn answer(
        &mut self,
        streamer: StreamerId,
        campaign: CampaignId,
        play: PlayId,
        answer: Result<LeaseId, Reason>,
    ) -> Result<(), Broken> {
        if answer.is_err() {
            self.watch.over(streamer, play);
        }
        let mut taken = false;
        self.live(streamer, |live, world, effects| taken = live.reserved(play, answer, world, effects))?;
        if answer.is_ok() && !taken {
            self.soon_inside(3, Inside::Release(campaign, play));
        }
        Ok(())
    }

    /// Asks the ledger for more, unless enough is free or a question is on its way.
    fn top_up(&mut self, campaign: CampaignId, price: Micros) {
        let (now, works) = (self.now, self.store_works);
        let Some(epoch) = self.process.as_ref().map(|process| process.epoch) else { return };
        let Some(spender) = self.spender(campaign) else { return };
        let (Some(wanted), false) = (spender.account.wanted(price), spender.asking) else { return };
        spender.asking = true;
        let since = spender.batches;
        let grant = if works { self.ledger.grant(epoch, campaign, wanted, now) } else { None };
        if let Some(got) = grant {
            self.journal.note(now, Entry::Grant(campaign, got));
        }
        // What is read while claims are written is older than they are: `since` says so.
        let budget = self.ledger.budget(campaign);
        let wait = if self.faults && self.random.percent(5) { 3000 } else { 40 };
        self.soon_inside(wait, Inside::Granted(campaign, grant, budget, since));
    }

    fn read(&mut self, campaign: CampaignId, budget: &crate::domain::campaign::budget::Budget, since: u64) {
        let now = self.now;
        if let Some(spender) = self.spender(campaign)
            && (!spender.account.is_known() || since == spender.batches)
        {
            spender.account.read(*budget, &TUNED, now);
        }
    }

    fn answered(&mut self, campaign: CampaignId, more: bool) {
        let Some(spender) = self.spender(campaign) else { return };
        spender.asking = false;
        if std::mem::take(&mut spender.again) { self.reload(campaign) } else { self.unpark(campaign, more) }
    }

    fn unpark(&mut self, campaign: CampaignId, more: bool) {
        let now = self.now;
        while let Some(spender) = self.spender(campaign)
            && let Some((streamer, want)) = spender.parked.pop_front()
        {
            let answer = match spender.account.reserve(&want, &TUNED, now) {
                Some(answer) => answer,
                None if more => {
                    self.top_up(campaign, want.amount);
                    if let Some(spender) = self.spender(campaign).filter(|spender| spender.asking) {
                        spender.parked.push_front((streamer, want));
                        return;
                    }
                    Err(Reason::LeaseEmpty)
                }
                None => Err(Reason::LeaseEmpty),
            };
            self.soon_inside(3, Inside::Answer(streamer, campaign, want.play, answer));
        }
    }

    /// The campaign and its money are read again.
    pub(super) fn reload(&mut self, campaign: CampaignId) {
        let now = self.now;
        let listed = self.stage.campaigns.iter().find(|listed| listed.campaign.id == campaign).cloned();
        let Some(spender) = self.spender(campaign) else { return };
        if spender.asking {
            spender.again = true;
            return;
        }
        if let Some(listed) = listed {
            spender.account.change((listed.campaign, listed.plan), &TUNED, now);
        }
        spender.asking = true;
        let since = spender.batches;
        let budget = self.ledger.budget(campaign);
        self.soon_inside(40, Inside::Totals(campaign, budget, since));
    }

    fn totals(&mut self, campaign: CampaignId, budget: &crate::domain::campaign::budget::Budget, since: u64) {
        if let Some(spender) = self.spender(campaign) {
            spender.asking = false;
        }
        if self.store_works {
            self.read(campaign, budget, since);
        }
        let active = self.stage.campaign(campaign).is_some_and(|campaign| campaign.status == Status::Active);
        let price = self.spender(campaign).and_then(|spender| Some(spender.parked.front()?.1.amount));
        if active && !self.finishing {
            self.top_up(campaign, price.unwrap_or(Micros::ZERO));
        } else {
            self.hand_back(campaign);
        }
        if self.spender(campaign).is_some_and(|spender| !spender.asking) {
            self.answered(campaign, false);
        }
    }

    fn hand_back(&mut self, campaign: CampaignId) {
        let (now, works) = (self.now, self.store_works);
        let Some(spender) = self.spender(campaign) else { return };
        let Some((lease, free)) = spender.account.take_free().filter(|(_, free)| free.is_positive()) else {
            return;
        };
        spender.asking = true;
        let given = works && self.ledger.give_back(lease, free);
        if given {
            self.journal.note(now, Entry::GiveBack(lease, free));
        }
        self.soon_inside(40, Inside::HandedBack(campaign, given.then_some(free)));
    }

    /// Money whose time is up comes back, numbers are read again, streamers whom nobody needs are let go.
    fn sweep(&mut self) {
        let now: UnixMillis = self.now;
        let ids: Vec<CampaignId> = self.stage.campaigns.iter().map(|listed| listed.campaign.id).collect();
        let failing = self.desk().is_some_and(|desk| desk.failing.is_some());
        for id in ids {
            if let Some(spender) = self.spender(id)
                && !std::mem::replace(&mut spender.claims_wait, failing)
                && !failing
            {
                spender.account.expire(now);
            }
            self.reload(id);
        }
        if let Some(process) = &mut self.process {
            process.live.retain(|_, live| !live.is_idle());
        }
        if let Some(epoch) = self.process.as_ref().map(|process| process.epoch) {
            self.agenda.at(now + SWEEP, Event::Inside(epoch, Inside::Sweep));
        }
    }
}
