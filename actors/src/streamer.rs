//! One per live streamer.
//!
//! Owns: the streamer's live state (`domain::streamer::live`), the sockets of pages and dashboards.
//! Receives: pages and dashboards coming, speaking and going; sweeps.
//! Sends: `Reserve` and `Release` to campaigns, claims to settlement, records to the log, messages
//! to sockets.
//! Mailbox: `MAILBOX`; a socket that finds it full closes and comes back.
//! In flight: one `Reserve` (one play in hand) and the claims that `domain` allows.

use crate::domain::conflict::Hit;
use crate::domain::id::CampaignId;
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::streamer::Streamer;
use crate::domain::streamer::board::Recent;
use crate::domain::streamer::live::{Effect, LiveStreamer, Market, RECENT_MAX, ToPage, World};
use crate::domain::streamer::page::SessionId;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::violation::Spoken;
use crate::engine::Engine;
use crate::messages::{
    AttachDashboard, AttachPage, DashboardSaid, Detach, Drain, LogPlay, PageSaid, Release, Reload, Reserve,
    Settle, Sweep,
};
use crate::metrics::{rules_spoke, slot_decided};
use crate::ports::{Event, StoreError};
use crate::proof::{self, Plant};
use crate::session::{CloseReason, SessionHandle, ToSession};
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Dashboards that one streamer may have open; one more is refused.
const DASHBOARDS_MAX: usize = 16;
/// Messages that may wait for one streamer.
const MAILBOX: usize = 64;
/// Plays of the log that are read when the actor starts: what rules and caps may look back on, and as many
/// more as the streamer allows an hour, up to `LOOK_BACK_MAX`.
const LOOK_BACK: u32 = 200;
const LOOK_BACK_MAX: u32 = 1000;
/// What came on screen within this time is read whole, for caps by the hour and by the day; of one stream
/// that is at most as many ads as a streamer may allow.
const DAY: Millis = Millis::minutes(24 * 60);
const SHOWN_MAX: u32 = 24 * 360;
/// While a dashboard looks on, the database is asked this often.
const DASHBOARD_REFRESH: Millis = Millis::seconds(5);
/// And this often what other nodes settled.
const SHARED_REFRESH: Millis = Millis::seconds(1);
/// A play counts from its first frame, and is found by its slot, which was a little before.
const SLACK: Millis = Millis::minutes(1);
/// The log is tried again after this, when it could not be read.
const RETRY: Duration = Duration::from_secs(1);

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

    /// Reads what was shown before, so that rules and caps outlive a restart. No slot is used
    /// before that.
    fn load(&mut self, ctx: &mut Context<Self>) {
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        let hourly_max = self.live.streamer().settings.hourly_max;
        let look_back = LOOK_BACK.saturating_add(hourly_max).min(LOOK_BACK_MAX);
        let since = engine.now() - DAY;
        let read = async move {
            let plays = engine.ports.log.recent(id, None, look_back).await?;
            Ok::<_, StoreError>((plays, engine.ports.log.plays_since(id, since, SHOWN_MAX).await?))
        };
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| match read {
            Ok((mut plays, day)) => {
                plays.reverse();
                let catalogue = actor.engine.catalogue.load_full();
                let known = |id| catalogue.entry(id).map(|e| Arc::clone(&e.campaign));
                let shown = plays.iter().filter(|p| p.outcome.was_on_screen());
                // `at` is the time of the claim by now, which may have come late.
                let now = actor.engine.now();
                actor.live.remember_slots(shown.clone().map(|p| p.play.minted().min(now)));
                // Cooldowns look back further than a day, and caps need every play of it.
                let older = shown.filter(|p| p.play.minted() < since).map(|p| (p.campaign, p.at));
                let all = older.chain(day);
                actor.live.remember(all.filter_map(|(campaign, at)| Some((known(campaign)?, at))));
                let skip = plays.len().saturating_sub(RECENT_MAX);
                let last = plays.iter().skip(skip);
                let recents = last.map(|play| Recent::from_log(play, known(play.campaign)));
                actor.live.recall(recents);
                actor.look_back(ctx);
            }
            Err(error) => {
                tracing::warn!(
                    streamer = actor.live.streamer().id.0,
                    %error,
                    "the play log can not be read; no ads until it can",
                );
                ctx.run_later(RETRY, |actor, ctx| actor.load(ctx));
            }
        }));
    }

    /// Reads what was shown as far back as the rules look, campaigns that have ended since included; then
    /// slots are used.
    fn look_back(&mut self, ctx: &mut Context<Self>) {
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        let longest = engine.catalogue.load().guide().rules.longest();
        let read = async move {
            if longest.0 == 0 {
                return Ok(Vec::new());
            }
            engine.ports.log.shown_since(id, engine.now() - longest - SLACK).await
        };
        ctx.spawn(read.into_actor(self).map(move |shown, actor, ctx| match shown {
            Ok(shown) => {
                actor.live.remember_present(shown);
                actor.remembers = longest;
                actor.loaded = true;
                actor.step(ctx, |_, _, _| ());
                actor.show();
            }
            Err(error) => {
                tracing::warn!(
                    streamer = actor.live.streamer().id.0,
                    %error,
                    "rules can not look back; no ads until they can",
                );
                ctx.run_later(RETRY, |actor, ctx| actor.look_back(ctx));
            }
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

impl Handler<AttachDashboard> for StreamerActor {
    type Result = ();

    fn handle(&mut self, AttachDashboard(session): AttachDashboard, ctx: &mut Self::Context) {
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
}

impl Handler<DashboardSaid> for StreamerActor {
    type Result = ();

    fn handle(&mut self, DashboardSaid { session, id, command }: DashboardSaid, ctx: &mut Self::Context) {
        let answer = if self.loaded {
            self.step(ctx, |live, world, effects| live.command(command, world, effects))
        } else {
            Err(Reason::Draining)
        };
        if let Some(dashboard) = self.dashboards.iter().find(|d| d.id == session) {
            let _ = dashboard.send(ToSession::Answer(id, answer));
        }
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
