//! The ad clock and the play in hand.

use super::board::Recent;
use super::code::{click_code, hex};
use super::hand::{Hand, NOTHING};
use super::live::{Effect, LiveStreamer, ToPage, World};
use super::page::SessionId;
use super::{Corner, Sample};
use crate::domain::area::Drawn;
use crate::domain::campaign::Quote;
use crate::domain::campaign::account::Want;
use crate::domain::creative::{Content, Creative, CreativeStatus, Placement};
use crate::domain::decision::{Choice, Decision, Slot, decide};
use crate::domain::id::{CreativeId, LeaseId, PlayId};
use crate::domain::log::PlayOutcome;
use crate::domain::money::{Currency, Micros, Split};
use crate::domain::pacing::Attainments;
use crate::domain::play::{Machine, Phase, PlayEvent};
use crate::domain::reason::{Losses, Reason};
use crate::domain::rotation::CreativeCounts;
use crate::domain::settlement::Claim;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::token::{Terms, nonce_hash};
use std::sync::Arc;

fn test_creative() -> Creative {
    let content = Content::Text {
        headline: "Your overlay works".into(),
        body: "This is a test. Nobody is charged and nothing is paid.".into(),
    };
    Creative {
        id: CreativeId(0),
        drawn: Drawn::of(&content, Placement::LowerThird),
        content,
        placement: Placement::LowerThird,
        duration: Millis(6000),
        accent: "#7dd3fc".into(),
        sound: false,
        weight: 1,
        status: CreativeStatus::Active,
        counts: CreativeCounts::default(),
    }
}

impl LiveStreamer {
    /// When this streamer wants to be woken: for a slot, or because a play takes too long.
    #[must_use]
    pub fn wake_at(&self) -> Option<UnixMillis> {
        let hand = self.hand.as_ref().map(|hand| hand.machine.deadline());
        let slot = self.clock.next(self.streamer.settings.slot_interval);
        match (hand, slot) {
            (Some(hand), Some(slot)) => Some(hand.min(slot)),
            (one, other) => one.or(other),
        }
    }

    /// Does what is due. Called by the timer, and at the head of every handler, because a busy
    /// mailbox starves timers.
    pub fn due(&mut self, world: &mut World<'_>, effects: &mut Vec<Effect>) {
        if let Some(reason) = self.hand.as_ref().and_then(|hand| hand.machine.overdue(world.now)) {
            self.lose(reason, world, effects);
        }
        let interval = self.streamer.settings.slot_interval;
        if self.clock.is_due(interval, world.now) {
            // A slot that can not be used is gone: slots never pile up.
            if let Err(reason) = self.slot(world, effects) {
                self.no_fill(reason, world.now, effects);
            }
            self.clock.advance(world.now, interval);
        }
    }

    /// Uses a slot now.
    ///
    /// # Errors
    /// Why it stays empty.
    pub(super) fn slot(&mut self, world: &mut World<'_>, effects: &mut Vec<Effect>) -> Result<(), Reason> {
        let sample = self.fit(world.now, world.sample, world.terms)?;
        if self.hand.is_some() {
            return Err(Reason::PlayInHand);
        }
        let all = (world.attained)();
        let candidates = world.market.candidates(&self.streamer, sample.viewers);
        let mut losses = Losses::default();
        let slot = self.opportunity(world, sample, &all);
        let Decision { mut ranked, no_fill, hits, attainable } =
            decide(slot, world.market.guide(), &candidates, |_, reason| losses.note(reason, 1));
        effects.push(Effect::Decided(sample.viewers));
        // Those that are asked for money next are not lost yet.
        lost(losses, effects);
        if !hits.is_empty() {
            effects.push(Effect::RulesSpoke(hits));
        }
        for (currency, best, _) in attainable {
            self.earned.due(currency, best, world.now);
            effects.push(Effect::Due(currency, best));
        }
        ranked.reverse();
        let Some(best) = ranked.pop() else { return Err(no_fill.unwrap_or(Reason::NoCandidate)) };
        self.reserve(best, (ranked, world.now, sample.viewers), world, effects)
    }

    /// The slot of this moment.
    pub(super) fn opportunity<'a>(
        &'a self,
        world: &'a World<'_>,
        sample: Sample,
        all: &'a Attainments,
    ) -> Slot<'a> {
        Slot {
            now: world.now,
            streamer: self.streamer.id,
            profile: &self.streamer.profile,
            policy: world.policies.of(self.streamer.profile.platform),
            settings: &self.streamer.settings,
            sample,
            history: &self.history,
            earned: &self.earned,
            all,
            gap: self.streamer.settings.slot_interval.max(world.terms.minimum_gap),
        }
    }

    /// Asks the campaign of `choice` for money; `rest` may be asked after it.
    fn reserve(
        &mut self,
        choice: Choice,
        (rest, due, viewers): (Vec<Choice>, UnixMillis, u32),
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Reason> {
        let all = count(rest.len()).saturating_add(1);
        let asked = self.ask(choice, (rest, due, viewers), world, effects);
        asked.inspect_err(|reason| lost(Losses::of(*reason, all), effects))
    }

    fn ask(
        &mut self,
        choice: Choice,
        (rest, due, viewers): (Vec<Choice>, UnixMillis, u32),
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Reason> {
        let session = self.primary.ok_or(Reason::NoOverlay)?;
        let page = self.pages.iter().find(|p| p.session == session).ok_or(Reason::NoOverlay)?;
        let priced = if choice.quote.clicks_max > 0 { choice.quote.per_click } else { choice.quote.per_play };
        let split = Split::of(priced, world.terms.fee).ok_or(Reason::Budget)?;
        let amount = choice.quote.reserve().ok_or(Reason::Budget)?;
        let instance = page.instance_id.clone();
        let play = PlayId::mint(world.now, world.bytes());
        let patience = world.terms.patience;
        let linked = choice.quote.clicks_max > 0 || matches!(choice.creative.content, Content::Qr { .. });
        let click_code = linked.then(|| click_code(choice.creative.id, world.bytes()));
        let returns = world.now + world.terms.money_returns_after();
        let want = Want { play, amount, value: choice.value, returns, standing: choice.standing };
        effects.push(Effect::Reserve { campaign: choice.campaign.id, want });
        effects.push(Effect::Changed);
        self.hand = Some(Box::new(Hand {
            play,
            machine: Machine::new(choice.creative.duration, patience, world.now),
            campaign: Some(choice.campaign),
            creative: choice.creative,
            quote: choice.quote,
            value: choice.value,
            split,
            lease: LeaseId(0),
            session,
            instance,
            click_code,
            rest,
            due,
            prepared: world.now,
            started: None,
            viewers,
            terms: None,
        }));
        Ok(())
    }

    /// A campaign answered.
    pub fn reserved(
        &mut self,
        play: PlayId,
        answer: Result<LeaseId, Reason>,
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let waiting = |h: &Hand| h.play == play && h.machine.phase() == Phase::Reserving;
        let Some(hand) = self.hand.as_mut().filter(|h| waiting(h)) else { return false };
        match answer {
            Ok(lease) => {
                hand.lease = lease;
                let granted = hand.campaign.as_ref().map(|campaign| (campaign.currency, hand.value));
                hand.machine.on(PlayEvent::Reserved, world.terms.patience, world.now);
                let beaten = std::mem::take(&mut hand.rest);
                lost(Losses::of(Reason::Outbid, count(beaten.len())), effects);
                if let Some((currency, value)) = granted {
                    self.grant(currency, value, world.now, effects);
                }
                self.prepare(world, effects);
            }
            Err(reason) => {
                let (mut rest, due, viewers) = (std::mem::take(&mut hand.rest), hand.due, hand.viewers);
                self.hand = None;
                lost(Losses::of(reason, 1), effects);
                let next = match rest.pop() {
                    Some(next) => self.reserve(next, (rest, due, viewers), world, effects),
                    None => Err(reason),
                };
                if let Err(reason) = next {
                    self.no_fill(reason, world.now, effects);
                }
            }
        }
        true
    }

    /// A play got its money, or gave it back.
    fn grant(&mut self, currency: Currency, value: Micros, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.earned.granted(currency, value, now);
        effects.push(Effect::Granted(currency, value));
    }

    /// A labelled test ad in the real slot, never billed.
    ///
    /// # Errors
    /// No page, or a play is in hand.
    pub(super) fn test(&mut self, world: &mut World<'_>, effects: &mut Vec<Effect>) -> Result<(), Reason> {
        let page = self.pages.iter().find(|p| Some(p.session) == self.primary).ok_or(Reason::NoOverlay)?;
        if self.hand.is_some() {
            return Err(Reason::PlayInHand);
        }
        let (session, instance) = (page.session, page.instance_id.clone());
        let creative = test_creative();
        let mut machine = Machine::new(creative.duration, world.terms.patience, world.now);
        machine.on(PlayEvent::Reserved, world.terms.patience, world.now);
        let quote = Quote { per_play: Micros::ZERO, per_click: Micros::ZERO, clicks_max: 0 };
        self.hand = Some(Box::new(Hand {
            play: PlayId::mint(world.now, world.bytes()),
            machine,
            campaign: None,
            creative,
            quote,
            value: Micros::ZERO,
            split: NOTHING,
            lease: LeaseId(0),
            session,
            instance,
            click_code: None,
            rest: Vec::new(),
            due: world.now,
            prepared: world.now,
            started: None,
            viewers: 0,
            terms: None,
        }));
        self.prepare(world, effects);
        Ok(())
    }

    fn prepare(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let corner: Corner = self.streamer.settings.corner;
        let Some(hand) = self.hand.as_mut() else { return };
        hand.prepared = world.now;
        let brand =
            hand.campaign.as_ref().map_or_else(|| Arc::from("Gametriggers"), |c| Arc::clone(&c.brand.name));
        let prepare = ToPage::Prepare {
            play: hand.play,
            creative: Box::new(hand.creative.clone()),
            brand,
            corner,
            click_code: hand.click_code.clone(),
            test: hand.campaign.is_none(),
            not_after: hand.machine.deadline(),
        };
        effects.push(Effect::Send(hand.session, prepare));
        effects.push(Effect::Changed);
    }

    /// The page in charge moved the play on.
    pub(super) fn advance(
        &mut self,
        (session, play): (SessionId, PlayId),
        event: PlayEvent,
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(hand) = self.hand.as_mut().filter(|h| h.play == play && h.session == session) else {
            return;
        };
        if !hand.machine.on(event, world.terms.patience, world.now) {
            return;
        }
        match event {
            PlayEvent::Prepared => self.play(world, effects),
            PlayEvent::Started => self.on_screen(world, effects),
            PlayEvent::Ended => self.shown(world, effects),
            PlayEvent::Reserved | PlayEvent::Lost(_) => {}
        }
        effects.push(Effect::Changed);
    }

    fn play(&mut self, world: &mut World<'_>, effects: &mut Vec<Effect>) {
        let nonce = hex(&world.bytes::<16>());
        let streamer = self.streamer.id;
        let Some(hand) = self.hand.as_mut() else { return };
        let token = hand.campaign.as_ref().map(|campaign| {
            let terms = Terms {
                play: hand.play,
                lease: hand.lease,
                campaign: campaign.id,
                streamer,
                creative: hand.creative.id,
                currency: campaign.currency,
                split: if hand.quote.clicks_max > 0 { NOTHING } else { hand.split },
                viewers: hand.viewers,
                issued: world.now,
                expires: world.now + world.terms.token_life,
                viewable_after: hand.creative.content.viewable_after(),
                nonce_hash: nonce_hash(&nonce),
            };
            hand.terms = Some(terms);
            world.keys.sign(&terms)
        });
        let not_after = hand.machine.deadline();
        effects.push(Effect::Send(hand.session, ToPage::Play { play: hand.play, token, nonce, not_after }));
    }

    fn on_screen(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        let Some(hand) = self.hand.as_mut() else { return };
        hand.started = Some(world.now);
        match &hand.campaign {
            Some(campaign) => {
                self.history.record(campaign, world.now);
                self.clock.count(hand.due, world.now);
                effects.extend(
                    hand.record(self.streamer.id, PlayOutcome::Shown, None).map(|r| Effect::Log(Box::new(r))),
                );
            }
            None => {
                let page = self.pages.iter().find(|p| p.session == hand.session).cloned();
                let painted_after = world.now - hand.prepared;
                let sound = self.streamer.settings.loudness() > 0;
                effects.extend(page.map(|page| {
                    Effect::Tested(Box::new(super::page::Tested { painted_after, page, sound }))
                }));
            }
        }
    }

    fn shown(&mut self, world: &mut World<'_>, effects: &mut Vec<Effect>) {
        // `started` may have been lost with a socket.
        if self.hand.as_ref().is_some_and(|hand| hand.started.is_none()) {
            self.on_screen(world, effects);
        }
        let Some(hand) = self.hand.take() else { return };
        if let Some(campaign) = &hand.campaign {
            self.note(Recent::of(&hand, campaign, PlayOutcome::Shown, None));
        }
        self.elect(effects);
    }

    /// The play in hand comes to nothing.
    pub(super) fn lose(&mut self, reason: Reason, world: &mut World<'_>, effects: &mut Vec<Effect>) {
        let Some(mut hand) = self.hand.take() else { return };
        let token_was_out = hand.machine.token_is_out();
        let had_money = hand.machine.phase() != Phase::Reserving;
        hand.machine.on(PlayEvent::Lost(reason), world.terms.patience, world.now);
        effects.push(Effect::Send(hand.session, ToPage::Stop(hand.play)));
        if let Some(campaign) = hand.campaign.clone() {
            if had_money {
                self.grant(campaign.currency, Micros(hand.value.0.saturating_neg()), world.now, effects);
            } else {
                let mut losses = Losses::of(reason, 1);
                losses.note(Reason::Outbid, count(hand.rest.len()));
                lost(losses, effects);
            }
            let outcome = outcome_of(reason);
            match hand.terms.as_ref().filter(|_| token_was_out) {
                // A timeout says nothing about the page: it may be cut off, and claim later.
                Some(_) if is_silence(reason) => {}
                // Everybody agrees that nothing was shown: a refusal on record brings the money
                // back at once, and no claim can follow it.
                Some(terms) => effects.push(Effect::Settle {
                    claim: Box::new(Claim { debit: terms.debit(world.now), verdict: Err(reason) }),
                    session: None,
                }),
                None => effects.push(Effect::Release(campaign.id, hand.play)),
            }
            let record = hand.record(self.streamer.id, outcome, Some(reason));
            effects.extend(record.map(|record| Effect::Log(Box::new(record))));
            self.note(Recent::of(&hand, &campaign, outcome, Some(reason)));
        }
        self.elect(effects);
        effects.push(Effect::Changed);
    }

    fn no_fill(&mut self, reason: Reason, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.note(Recent::empty(now, reason));
        effects.push(Effect::NoFill(reason));
        effects.push(Effect::Changed);
    }
}

fn lost(losses: Losses, effects: &mut Vec<Effect>) {
    if losses.total() > 0 {
        effects.push(Effect::Lost(losses));
    }
}

fn count(candidates: usize) -> u32 {
    u32::try_from(candidates).unwrap_or(u32::MAX)
}

fn is_silence(reason: Reason) -> bool {
    matches!(reason, Reason::StartTimeout | Reason::PlayTimeout | Reason::Disconnected)
}

fn outcome_of(reason: Reason) -> PlayOutcome {
    match reason {
        Reason::ReserveTimeout | Reason::PrepareTimeout | Reason::StartTimeout | Reason::Expired => {
            PlayOutcome::Expired
        }
        Reason::Load
        | Reason::Decode
        | Reason::Unsupported
        | Reason::LabelHidden
        | Reason::NotPainted
        | Reason::PlayTimeout => PlayOutcome::Failed,
        _ => PlayOutcome::Skipped,
    }
}
