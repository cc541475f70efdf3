//! One per live streamer.
//!
//! Owns: the streamer's live state (`domain::streamer::live`), the sockets of pages and dashboards.
//! Receives: pages and dashboards coming, speaking and going; questions; sweeps.
//! Sends: `Reserve` and `Release` to campaigns, claims to settlement, records to the log, messages
//! to sockets.
//! Mailbox: `MAILBOX`; a socket that finds it full closes and comes back.
//! In flight: one `Reserve` (one play in hand) and the claims that `domain` allows.

use crate::domain::conflict::Hit;
mod past;

use crate::domain::id::CampaignId;
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::streamer::Streamer;
use crate::domain::streamer::command::Command;
use crate::domain::streamer::live::{Effect, LiveStreamer, Market, ToPage, World};
use crate::domain::streamer::page::SessionId;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::violation::Spoken;
use crate::engine::Engine;
use crate::messages::{
    AskWhy, AttachPage, Detach, Drain, FromDashboard, LogPlay, PageSaid, Release, Reload, Reserve, Settle,
    Sweep,
};
use crate::metrics::{rules_spoke, slot_decided};
use crate::ports::Event;
use crate::proof::{self, Plant};
use crate::session::{CloseReason, SessionHandle, ToSession};
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Dashboards that one streamer may have open; one more is refused.
const DASHBOARDS_MAX: usize = 16;
/// Messages that may wait for one streamer.
const MAILBOX: usize = 64;
/// While a dashboard looks on, the database is asked this often.
const DASHBOARD_REFRESH: Millis = Millis::seconds(5);
/// And this often what other nodes settled.
const SHARED_REFRESH: Millis = Millis::seconds(1);

/// The actor of one streamer.
pub struct StreamerActor {
    engine: Arc<Engine>,
    live: LiveStreamer,
    pages: Vec<Arc<SessionHandle>>,
    dashboards: Vec<Arc<SessionHandle>>,
    timer: Option<(UnixMillis, SpawnHandle)>,
    refreshed: UnixMillis,
    looked: UnixMillis,
    loaded: bool,
    /// How far back it knows what was shown.
    remembers: Millis,
    saving: bool,
    unsaved: bool,
}

impl StreamerActor {
    /// The actor of a streamer.
    #[must_use]
    pub fn new(engine: Arc<Engine>, streamer: Streamer) -> Self {
        Self {
            engine,
            live: LiveStreamer::new(streamer),
            pages: Vec::new(),
            dashboards: Vec::new(),
            timer: None,
            refreshed: UnixMillis(0),
            looked: UnixMillis(0),
            loaded: false,
            remembers: Millis(0),
            saving: false,
            unsaved: false,
        }
    }

    /// Does what is due, takes one pure step, performs its effects, and sets the timer.
    fn step<R>(
        &mut self,
        ctx: &mut Context<Self>,
        take: impl FnOnce(&mut LiveStreamer, &mut World<'_>, &mut Vec<Effect>) -> R,
    ) -> R {
        let engine = Arc::clone(&self.engine);
        let catalogue = engine.catalogue.load();
        let now = engine.now();
        let mut random = |bytes: &mut [u8]| engine.ports.entropy.fill(bytes);
        let mut world = World {
            now,
            sample: engine.ports.platform.sample(self.live.streamer().id, now),
            market: &**catalogue,
            attained: &|| engine.attained.read(),
            policies: &engine.numbers.policies,
            keys: &engine.tokens,
            terms: &engine.numbers.terms,
            random: &mut random,
        };
        self.live.store_away(engine.store_is_away(now));
        if self.loaded && catalogue.guide().rules.longest() > self.remembers {
            // A rule came that looks further back: no slot is used before the actor can do so as well.
            self.loaded = false;
            self.look_back(ctx);
        }
        let mut effects = Vec::new();
        if self.loaded {
            self.live.due(&mut world, &mut effects);
        }
        let result = take(&mut self.live, &mut world, &mut effects);
        self.perform(effects, ctx);
        self.wake(ctx);
        result
    }

    fn perform(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        let mut changed = false;
        for effect in effects {
            match effect {
                Effect::Send(session, message) => self.send(session, message),
                Effect::Reserve { campaign, want } => self.reserve(campaign, Reserve(want), ctx),
                Effect::Decided(viewers) => slot_decided(&self.engine, self.live.streamer(), viewers),
                Effect::Due(currency, best) => {
                    let now = self.engine.now();
                    self.engine.attained.change(|attained| attained.due(currency, best, now));
                }
                Effect::Granted(currency, price) => {
                    let now = self.engine.now();
                    self.engine.attained.change(|attained| attained.granted(currency, price, now));
                }
                Effect::Release(campaign, play) => {
                    let campaign = self.engine.directory.campaign(&self.engine, campaign);
                    // Full: the money comes back when its time is up.
                    let _ = campaign.try_send(Release(play));
                }
                Effect::Settle { mut claim, session } => {
                    if proof::planted(Plant::TokenExpiry) && claim.verdict == Err(Reason::TokenExpired) {
                        claim.verdict = Ok(());
                    }
                    self.settle(*claim, session, ctx);
                }
                Effect::Refused(reason) => {
                    ::metrics::counter!("gametriggers_claims_rejected_total", "reason" => reason.code())
                        .increment(1);
                }
                Effect::Log(record) => {
                    if self.engine.directory.metrics(&self.engine).try_send(LogPlay(record)).is_err() {
                        ::metrics::counter!("gametriggers_play_log_dropped_total").increment(1);
                    }
                }
                Effect::RulesSpoke(hits) => self.count(&hits),
                Effect::Lost(losses) => {
                    for (reason, lost) in losses.by_reason() {
                        ::metrics::counter!("gametriggers_candidates_lost_total", "reason" => reason.code())
                            .increment(u64::from(*lost));
                    }
                }
                Effect::NoFill(reason) => {
                    ::metrics::counter!("gametriggers_slots_unfilled_total", "reason" => reason.code())
                        .increment(1);
                }
                Effect::Save => {
                    self.unsaved = true;
                    self.save(ctx);
                }
                Effect::Tested(tested) => self.tell_dashboards(&ToSession::Tested(tested)),
                Effect::Changed => changed = true,
            }
        }
        if changed {
            self.show();
        }
    }

    fn count(&self, hits: &[(CampaignId, Hit)]) {
        let catalogue = self.engine.catalogue.load();
        let spoken = hits.iter().filter_map(|(campaign, hit)| {
            let campaign = &catalogue.entry(*campaign)?.campaign;
            Some(Spoken { hit: *hit, brand: campaign.brand.id, category: campaign.category.clone() })
        });
        rules_spoke(&self.engine, self.live.streamer().id, spoken.collect());
    }

    fn send(&self, session: SessionId, message: ToPage) {
        if let Some(page) = self.pages.iter().find(|page| page.id == session) {
            let plays = matches!(message, ToPage::Play { .. });
            // Full or gone: a play that is not delivered runs into its timeout.
            let _ = page.send(ToSession::Page(Box::new(message)));
            if plays {
                proof::reach("token.sent");
            }
        }
    }

    fn tell_dashboards(&self, message: &ToSession) {
        for dashboard in &self.dashboards {
            // Full: the next state replaces this one.
            let _ = dashboard.send(message.clone());
        }
    }

    fn attach_dashboard(&mut self, session: Arc<SessionHandle>, ctx: &mut Context<Self>) {
        if self.dashboards.len() >= DASHBOARDS_MAX {
            let _ = session.send(ToSession::Close(CloseReason::TooManySockets));
            return;
        }
        self.dashboards.push(session);
        self.show();
        self.refreshed = UnixMillis(0);
        self.refresh(ctx);
        self.wake(ctx);
    }

    /// Sends the whole state to every dashboard.
    fn show(&mut self) {
        if self.dashboards.is_empty() {
            return;
        }
        let now = self.engine.now();
        self.live.store_away(self.engine.store_is_away(now));
        let sample = self.engine.ports.platform.sample(self.live.streamer().id, now);
        let board = self.live.board(now, sample, &self.engine.numbers.terms);
        self.tell_dashboards(&ToSession::Board(Arc::new(board)));
    }

    fn reserve(&mut self, campaign: CampaignId, ask: Reserve, ctx: &mut Context<Self>) {
        let play = ask.0.play;
        let addr = self.engine.directory.campaign(&self.engine, campaign);
        let answer = addr.send(ask).into_actor(self).map(move |answer, actor, ctx| {
            let answer = answer.unwrap_or(Err(Reason::ReserveTimeout));
            let taken = actor.step(ctx, |live, world, effects| live.reserved(play, answer, world, effects));
            if answer.is_ok() && !taken {
                // The slot did not wait: the token never left, so the money goes straight back.
                let addr = actor.engine.directory.campaign(&actor.engine, campaign);
                let _ = addr.try_send(Release(play));
            }
        });
        ctx.spawn(answer);
    }

    fn settle(&mut self, claim: Claim, session: Option<SessionId>, ctx: &mut Context<Self>) {
        let settlement = self.engine.directory.settlement(&self.engine);
        let answer = settlement.send(Settle(claim)).into_actor(self).map(move |answer, actor, ctx| {
            let outcome: Option<Outcome> = answer.ok();
            actor.step(ctx, |live, _, effects| live.settled(&claim, session, outcome, effects));
        });
        ctx.spawn(answer);
    }

    /// Writes pause and snooze, one write at a time: else the older could be the last.
    fn save(&mut self, ctx: &mut Context<Self>) {
        if self.saving || !std::mem::take(&mut self.unsaved) {
            return;
        }
        self.saving = true;
        let (id, settings) = (self.live.streamer().id, Arc::clone(&self.live.streamer().settings));
        if let Some(mut row) = self.engine.streamers.get_mut(&id) {
            row.settings = Arc::clone(&settings);
        }
        let engine = Arc::clone(&self.engine);
        let write = async move {
            let now = engine.now();
            match engine.ports.accounts.save_pause(id, &settings, now).await {
                Ok(()) => engine.ports.bus.publish(Event::StreamerChanged(id)),
                Err(error) => {
                    tracing::warn!(
                        streamer = id.0,
                        %error,
                        "a pause is in force but not saved; it is lost at a restart",
                    )
                }
            }
        };
        ctx.spawn(write.into_actor(self).map(|(), actor, ctx| {
            actor.saving = false;
            actor.save(ctx);
        }));
    }

    /// Sets the timer for what falls due next. A timer is a hint: `step` looks at the clock.
    fn wake(&mut self, ctx: &mut Context<Self>) {
        let mut next = if self.loaded { self.live.wake_at() } else { None };
        if !self.dashboards.is_empty() {
            let refresh = (self.refreshed + DASHBOARD_REFRESH).min(self.looked + SHARED_REFRESH);
            next = Some(next.map_or(refresh, |at| at.min(refresh)));
        }
        if self.timer.as_ref().map(|(at, _)| *at) == next {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(at) = next {
            let wait = Duration::from_millis((at - self.engine.now()).unsigned());
            let timer = ctx.run_later(wait, |actor, ctx| {
                actor.timer = None;
                actor.step(ctx, |_, _, _| ());
                actor.refresh(ctx);
                actor.look(ctx);
            });
            self.timer = Some((at, timer));
        }
    }

    /// Asks for what other nodes settled, for the dashboards.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.engine.now();
        if self.dashboards.is_empty() || now - self.looked < SHARED_REFRESH {
            return;
        }
        self.looked = now;
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        if engine.ports.live.is_up() {
            let ask = async move { engine.ports.live.streamer(id).await.ok().flatten() };
            ctx.spawn(ask.into_actor(self).map(|found, actor, _| {
                if found.is_some_and(|totals| actor.live.shared(totals.plays, totals.earned)) {
                    actor.show();
                }
            }));
        }
        self.wake(ctx);
    }

    /// Reads the earnings again, for the dashboards.
    fn refresh(&mut self, ctx: &mut Context<Self>) {
        let now = self.engine.now();
        if self.dashboards.is_empty() || now - self.refreshed < DASHBOARD_REFRESH {
            return;
        }
        (self.refreshed, self.looked) = (now, now);
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        let read = async move { engine.ports.ledger.earned(id).await };
        ctx.spawn(read.into_actor(self).map(|earned, actor, ctx| {
            if let Ok(earned) = earned {
                actor.live.earned((earned.currency, earned.settled, earned.plays));
            }
            actor.show();
            actor.wake(ctx);
        }));
    }
}

impl Actor for StreamerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.load(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.engine.directory.forget_streamer(self.live.streamer().id);
    }
}

impl Handler<AttachPage> for StreamerActor {
    type Result = ();

    fn handle(&mut self, AttachPage { page, session }: AttachPage, ctx: &mut Self::Context) {
        // In the list before the step, so that its effects reach the page.
        self.pages.push(Arc::clone(&session));
        if !self.step(ctx, |live, world, effects| live.attach(page, world, effects)) {
            self.pages.retain(|page| page.id != session.id);
            let _ = session.send(ToSession::Close(CloseReason::TooManySockets));
        }
    }
}

impl Handler<PageSaid> for StreamerActor {
    type Result = ();

    fn handle(&mut self, PageSaid(session, said): PageSaid, ctx: &mut Self::Context) {
        self.step(ctx, |live, world, effects| live.heard(session, said, world, effects));
    }
}

impl Handler<Detach> for StreamerActor {
    type Result = ();

    fn handle(&mut self, Detach(session): Detach, ctx: &mut Self::Context) {
        self.pages.retain(|page| page.id != session);
        self.dashboards.retain(|dashboard| dashboard.id != session);
        self.step(ctx, |live, world, effects| live.detach(session, world, effects));
    }
}

impl Handler<FromDashboard> for StreamerActor {
    type Result = ();

    fn handle(&mut self, message: FromDashboard, ctx: &mut Self::Context) {
        match message {
            FromDashboard::Attach(session) => self.attach_dashboard(session, ctx),
            FromDashboard::Said { session, id, command } => {
                // What needs no past is done before it was read.
                let answer = if self.loaded || command != Command::PlayNext {
                    self.step(ctx, |live, world, effects| live.command(command, world, effects))
                } else {
                    Err(Reason::Draining)
                };
                if let Some(dashboard) = self.dashboards.iter().find(|d| d.id == session) {
                    let _ = dashboard.send(ToSession::Answer(id, answer));
                }
            }
        }
    }
}

impl Handler<AskWhy> for StreamerActor {
    type Result = MessageResult<AskWhy>;

    fn handle(&mut self, AskWhy(only): AskWhy, ctx: &mut Self::Context) -> Self::Result {
        let answer = self.step(ctx, |live, world, _| live.why(world, only));
        MessageResult(self.loaded.then(|| Box::new(answer)))
    }
}

impl Handler<Reload> for StreamerActor {
    type Result = ();

    fn handle(&mut self, _: Reload, ctx: &mut Self::Context) {
        let row = self.engine.streamers.get(&self.live.streamer().id).map(|row| row.clone());
        if let Some(row) = row {
            self.step(ctx, |live, world, effects| live.replace(row, world.now, effects));
        }
    }
}

impl Handler<Sweep> for StreamerActor {
    type Result = ();

    /// The sweeper saw no socket of this streamer for a while.
    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        if self.live.is_idle() && self.dashboards.is_empty() {
            ctx.stop();
        }
    }
}

impl Handler<Drain> for StreamerActor {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) {
        self.step(ctx, |live, _, effects| live.drain(effects));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are tens of thousands of them on a node: what is rarely there belongs behind a pointer.
    #[test]
    fn a_streamer_without_a_play_in_hand_is_small() {
        let bytes = size_of::<StreamerActor>();
        assert!(bytes <= 448, "{bytes}");
    }
}
