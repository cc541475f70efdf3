//! One per active campaign and node.
//!
//! Owns: the campaign's lease, its live counters, the plays that wait for money.
//! Receives: `Reserve` and `Release` from streamers, `ClaimsSettled` from settlement, `Watch` and
//! `GetLive` from the shell, sweeps.
//! Sends: grants or refusals in one message, requests for more money to the ledger, counters to
//! the sockets that watch.
//! Mailbox: `MAILBOX`; every streamer has at most one `Reserve` on its way, and a settlement that
//! finds it full leaves the money held until its time is up.

mod live;

use crate::catalogue::BudgetCell;
use crate::domain::campaign::lease::{Lease, slice_wanted};
use crate::domain::campaign::{Campaign, Pricing, Status};
use crate::domain::id::{CampaignId, LeaseId};
use crate::domain::money::Micros;
use crate::domain::pacing::{Ask, BudgetView, Pacing, Uniform};
use crate::domain::reason::Reason;
use crate::domain::settlement::{EventKind, Outcome};
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::messages::{CampaignLive, ClaimsSettled, Drain, GetLive, Release, Reload, Reserve, Sweep, Watch};
use crate::ports::{Budget, CampaignTotals, Grant, StoreError, StoreResult};
use crate::proof::{self, Plant};
use crate::session::{CloseReason, SessionHandle, ToSession};
use actix::prelude::*;
use futures_util::future::OptionFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Messages that may wait for one campaign.
const MAILBOX: usize = 4096;
/// Sockets that may watch one campaign; one more is refused.
const WATCHERS_MAX: usize = 64;
/// Plays that may wait for money; one more is refused at once.
const PARKED_MAX: usize = 1024;
/// The database's numbers are read again after this, when there was work.
const BUDGET_LIFE: Millis = Millis::seconds(5);

type Answer = oneshot::Sender<Result<LeaseId, Reason>>;

/// The actor of one campaign.
pub struct CampaignActor {
    engine: Arc<Engine>,
    id: CampaignId,
    campaign: Option<Arc<Campaign>>,
    view: Arc<BudgetCell>,
    lease: Option<Lease>,
    budget: Budget,
    /// Of the row that `budget` was read from.
    version: i64,
    read_at: UnixMillis,
    /// What all nodes settled, and when it was asked for. It is shown; nothing is decided by it.
    shared: (CampaignTotals, UnixMillis),
    looking: bool,
    touched: bool,
    /// Whether claims waited for the database when the sweeper last came.
    claims_wait: bool,
    /// Batches of settled claims so far: numbers that were read before one of them are too old.
    batches: u64,
    parked: VecDeque<(Reserve, Answer)>,
    /// Whether a word with the ledger is under way. One at a time: else an older answer could come last.
    asking: bool,
    /// Something changed meanwhile: everything is read again afterwards.
    again: bool,
    watchers: Vec<Arc<SessionHandle>>,
    pushed_at: UnixMillis,
    push_waits: bool,
}

impl CampaignActor {
    /// The actor of a campaign.
    #[must_use]
    pub fn new(engine: Arc<Engine>, id: CampaignId) -> Self {
        Self {
            engine,
            id,
            campaign: None,
            view: Arc::default(),
            lease: None,
            budget: Budget::default(),
            version: 0,
            read_at: UnixMillis(0),
            shared: (CampaignTotals::default(), UnixMillis(0)),
            looking: false,
            touched: false,
            claims_wait: false,
            batches: 0,
            parked: VecDeque::new(),
            asking: false,
            again: false,
            watchers: Vec::new(),
            pushed_at: UnixMillis(0),
            push_waits: false,
        }
    }

    /// `BUDGET_LIFE` and up to a fifth more, so that not all campaigns ask at once.
    const fn budget_life(&self) -> Millis {
        Millis(BUDGET_LIFE.0 + self.id.0.rem_euclid(16) * BUDGET_LIFE.0 / 80)
    }

    fn free(&self) -> Micros {
        self.lease.as_ref().map_or(Micros::ZERO, Lease::free)
    }

    fn held(&self) -> Micros {
        self.lease.as_ref().map_or(Micros::ZERO, Lease::held)
    }

    /// What the budget has outside all leases.
    const fn unleased(&self) -> Micros {
        let budget = &self.budget;
        Micros(budget.funded.0.saturating_sub(budget.spent.0).saturating_sub(budget.leased.0))
    }

    /// Everything that is spent, set aside or stranded: all but what can still be promised.
    fn committed(&self) -> Micros {
        Micros(self.budget.funded.0.saturating_sub(self.unleased().0).saturating_sub(self.free().0))
    }

    fn publish(&mut self, ctx: &mut Context<Self>) {
        self.touched = true;
        self.view.publish(self.budget.funded, self.committed());
        self.push(ctx);
    }

    /// Answers a request, or none when it has to wait for money.
    fn answer(&mut self, ask: &Reserve) -> Option<Result<LeaseId, Reason>> {
        let now = self.engine.now();
        let Some(campaign) = self.campaign.clone() else { return Some(Err(Reason::CampaignEnded)) };
        match campaign.status {
            Status::Active => {}
            Status::Paused => return Some(Err(Reason::CampaignPaused)),
            Status::Ended => return Some(Err(Reason::CampaignEnded)),
        }
        let budget = BudgetView { funded: self.budget.funded, committed: self.committed() };
        let value = ask.amount;
        let pace = Ask { budget, flight: campaign.flight, mode: campaign.pacing, price: ask.amount, value };
        if let Err(reason) = Uniform.score(&pace, now) {
            return Some(Err(reason));
        }
        let lease = self.lease.as_mut()?;
        if proof::planted(Plant::LeaseCheck) {
            lease.top_up(ask.amount);
        }
        lease.reserve(ask.play, ask.amount, ask.returns).ok().map(|()| Ok(lease.id()))
    }

    /// Asks the ledger for more, unless enough is free or a request is on its way. A server that stops gives
    /// back what it has, and takes nothing new.
    fn top_up(&mut self, price: Micros, ctx: &mut Context<Self>) {
        if self.engine.health.draining.load(Ordering::Relaxed) {
            return;
        }
        let wanted = slice_wanted(self.unleased(), self.free(), price);
        let (Some(wanted), false) = (wanted, self.asking) else { return };
        self.asking = true;
        let (engine, id, since) = (Arc::clone(&self.engine), self.id, self.batches);
        let ask = async move {
            let granted = engine.ports.ledger.grant(id, wanted, engine.now()).await;
            (granted, totals(&engine, id).await)
        };
        ctx.spawn(ask.into_actor(self).map(move |(granted, totals), actor, ctx| {
            let more = matches!(granted, Ok(Some(_)));
            actor.granted(granted);
            actor.read(totals, since);
            actor.answered(more, ctx);
            actor.publish(ctx);
        }));
    }

    /// The ledger has answered, with money when `more`: those who waited get their answer, unless the next
    /// question has to come first.
    fn answered(&mut self, more: bool, ctx: &mut Context<Self>) {
        self.asking = false;
        if std::mem::take(&mut self.again) {
            self.load(ctx);
        } else {
            self.unpark(more, ctx);
        }
    }

    fn granted(&mut self, granted: StoreResult<Option<Grant>>) {
        match granted {
            Ok(Some(Grant { lease, granted })) => {
                self.budget.leased = Micros(self.budget.leased.0.saturating_add(granted.0));
                match self.lease.as_mut().filter(|mine| mine.id() == lease) {
                    Some(mine) => mine.top_up(granted),
                    None => self.lease = Some(Lease::new(lease, granted)),
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(campaign = self.id.0, %error, "no lease: the campaign plays on what it has");
            }
        }
    }

    /// Takes the database's numbers, unless claims were settled while they were read: then the actor's
    /// own are newer, and the next read brings both together.
    fn read(&mut self, totals: StoreResult<CampaignTotals>, since: u64) {
        let first = self.read_at == UnixMillis(0);
        if let Ok(totals) = totals
            && (first || since == self.batches)
        {
            (self.version, self.budget) = (totals.version, totals.budget);
            self.read_at = self.engine.now();
        }
    }

    /// Answers those who waited. Who still finds too little waits for the next grant if the last one gave
    /// anything, else is refused.
    fn unpark(&mut self, more: bool, ctx: &mut Context<Self>) {
        while let Some((ask, answer)) = self.parked.pop_front() {
            let verdict = match self.answer(&ask) {
                Some(verdict) => verdict,
                None if more => {
                    self.top_up(ask.amount, ctx);
                    if self.asking {
                        self.parked.push_front((ask, answer));
                        return;
                    }
                    Err(Reason::LeaseEmpty)
                }
                None => Err(Reason::LeaseEmpty),
            };
            // Nobody waits any more: the money goes straight back.
            if answer.send(verdict).is_err()
                && let Some(lease) = self.lease.as_mut()
            {
                lease.release(ask.play);
            }
        }
    }

    /// Reads the campaign and its money from the store.
    fn load(&mut self, ctx: &mut Context<Self>) {
        self.look_up(true, ctx);
    }

    /// Reads the money, which other nodes spend as well, and the campaign itself when `whole`.
    fn look_up(&mut self, whole: bool, ctx: &mut Context<Self>) {
        if self.asking {
            self.again = true;
            return;
        }
        let (engine, id) = (Arc::clone(&self.engine), self.id);
        let known = engine.catalogue.load().entry(id).cloned();
        if let Some(entry) = known {
            self.campaign = Some(entry.campaign);
            self.view = entry.budget;
        }
        self.asking = true;
        let since = self.batches;
        let read = async move {
            let campaign = if whole { engine.ports.campaigns.campaign(id).await.ok() } else { None };
            (campaign, totals(&engine, id).await)
        };
        ctx.spawn(read.into_actor(self).map(move |(campaign, totals), actor, ctx| {
            actor.asking = false;
            if let Some(campaign) = campaign {
                actor.campaign = Some(Arc::new(campaign));
            }
            // The database is away: the sweep looks again, and nobody is told that there is nothing.
            actor.touched |= totals.is_err();
            actor.read(totals, since);
            let price = actor.parked.front().map_or(Micros::ZERO, |(ask, _)| ask.amount);
            if actor.is(Status::Active) {
                actor.top_up(price, ctx);
            } else {
                actor.hand_back(ctx);
            }
            if !actor.asking {
                actor.answered(false, ctx);
            }
            // What is unspent goes back to the brand when the lease is empty: look again until it has.
            actor.touched |= actor.is(Status::Ended) && actor.budget.funded > actor.budget.spent;
            if actor.read_at != UnixMillis(0) {
                actor.view.publish(actor.budget.funded, actor.committed());
            }
            actor.push(ctx);
        }));
    }

    fn is(&self, status: Status) -> bool {
        self.campaign.as_ref().is_some_and(|campaign| campaign.status == status)
    }

    /// Gives what nobody holds back to the budget.
    fn hand_back(&mut self, ctx: &mut Context<Self>) {
        let Some((id, free)) = self.lease.as_mut().map(|lease| (lease.id(), lease.take_free())) else {
            return;
        };
        if free.is_positive() {
            self.asking = true;
            let engine = Arc::clone(&self.engine);
            let give = async move { engine.ports.ledger.give_back(id, free).await };
            ctx.spawn(give.into_actor(self).map(move |given, actor, ctx| {
                match given {
                    Ok(()) => actor.budget.leased = Micros(actor.budget.leased.0.saturating_sub(free.0)),
                    // It comes back when the lease closes.
                    Err(error) => {
                        let campaign = actor.id.0;
                        tracing::warn!(campaign, %error, "a lease keeps its rest until it closes");
                    }
                }
                actor.answered(false, ctx);
                actor.publish(ctx);
            }));
        }
    }
}

/// The database's numbers, with their version.
async fn totals(engine: &Engine, id: CampaignId) -> StoreResult<CampaignTotals> {
    let (found, _) = engine.ports.ledger.totals(&[id], &[]).await?;
    found.first().map(|(_, totals)| *totals).ok_or(StoreError::NotFound)
}

impl Actor for CampaignActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.load(ctx);
    }
}

impl Handler<Reserve> for CampaignActor {
    type Result = ResponseFuture<Result<LeaseId, Reason>>;

    fn handle(&mut self, ask: Reserve, ctx: &mut Self::Context) -> Self::Result {
        let amount = ask.amount;
        // While the first numbers are on their way everybody waits.
        let loading = self.read_at == UnixMillis(0);
        let answer = if loading { None } else { self.answer(&ask) };
        let verdict = match answer {
            Some(verdict) => verdict,
            None if self.parked.len() >= PARKED_MAX => Err(Reason::LeaseEmpty),
            None => {
                let (sender, receiver) = oneshot::channel();
                self.parked.push_back((ask, sender));
                self.top_up(amount, ctx);
                // Nothing left to be granted, and nothing on its way.
                if !self.asking {
                    self.unpark(false, ctx);
                }
                return Box::pin(async move { receiver.await.unwrap_or(Err(Reason::LeaseEmpty)) });
            }
        };
        proof::reach("reserve.answered");
        self.top_up(amount, ctx);
        self.publish(ctx);
        Box::pin(std::future::ready(verdict))
    }
}

impl Handler<Release> for CampaignActor {
    type Result = ();

    fn handle(&mut self, Release(play): Release, ctx: &mut Self::Context) {
        if let Some(lease) = self.lease.as_mut() {
            lease.release(play);
        }
        self.publish(ctx);
    }
}

impl Handler<ClaimsSettled> for CampaignActor {
    type Result = ();

    fn handle(&mut self, ClaimsSettled { batch, own }: ClaimsSettled, ctx: &mut Self::Context) {
        self.batches += 1;
        let per_click = self.campaign.as_ref().is_some_and(|c| matches!(c.pricing, Pricing::Cpc(_)));
        for (claim, outcome) in own.iter().filter_map(|place| batch.get(*place)) {
            let debit = &claim.debit;
            let price = debit.split.price;
            let Some(lease) = self.lease.as_mut().filter(|lease| lease.id() == debit.lease) else {
                // An earlier process's lease: the next read brings its numbers.
                continue;
            };
            match outcome {
                Outcome::Settled => {
                    lease.settle(debit.play, price, !per_click);
                    let add = |to: &mut Micros, more: Micros| to.0 = to.0.saturating_add(more.0);
                    add(&mut self.budget.spent, price);
                    self.budget.leased = Micros(self.budget.leased.0.saturating_sub(price.0));
                    match debit.kind {
                        EventKind::Play => {
                            self.budget.plays += 1;
                            self.budget.viewers += u64::from(debit.viewers);
                        }
                        EventKind::Click => self.budget.clicks += 1,
                    }
                }
                // The refusal is on record, so no claim can follow and the money is free.
                Outcome::Rejected(_) => {
                    lease.release(debit.play);
                    self.budget.rejected += 1;
                }
                Outcome::Duplicate => {}
            }
        }
        self.publish(ctx);
    }
}

impl Handler<Watch> for CampaignActor {
    type Result = ();

    fn handle(&mut self, Watch(session): Watch, ctx: &mut Self::Context) {
        // Nobody says that a watcher is gone.
        self.watchers.retain(|watcher| watcher.is_open());
        if self.watchers.len() >= WATCHERS_MAX {
            let _ = session.send(ToSession::Close(CloseReason::TooManySockets));
            return;
        }
        self.watchers.push(session);
        self.push(ctx);
        if !std::mem::replace(&mut self.looking, true) {
            self.look(ctx);
        }
    }
}

impl Handler<GetLive> for CampaignActor {
    type Result = ResponseActFuture<Self, Option<CampaignLive>>;

    fn handle(&mut self, GetLive { shared }: GetLive, _: &mut Self::Context) -> Self::Result {
        let asked = shared.then(|| self.ask());
        let ask = async move { OptionFuture::from(asked).await.flatten() };
        Box::pin(ask.into_actor(self).map(move |found, actor, _| {
            actor.heard(found);
            actor.live(shared)
        }))
    }
}

impl Handler<Sweep> for CampaignActor {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        let now = self.engine.now();
        // A claim may wait for the database for longer than its money is held: nothing comes back until it
        // is written, and a sweep later, when the answers that were sent before are here. A write that hangs
        // fails within the skew between the last moment of a claim and the return of its money.
        let wait = self.engine.health.store_failing();
        if !std::mem::replace(&mut self.claims_wait, wait) && !wait {
            let freed = self.lease.as_mut().map_or(0, |lease| lease.expire(now));
            if freed > 0 {
                self.publish(ctx);
            }
        }
        if self.touched && !self.asking && now - self.read_at > self.budget_life() {
            self.touched = false;
            // What a campaign is, a message says; what it has left, only the ledger.
            self.look_up(!self.is(Status::Active), ctx);
        }
    }
}

impl Handler<Reload> for CampaignActor {
    type Result = ();

    fn handle(&mut self, _: Reload, ctx: &mut Self::Context) {
        self.load(ctx);
    }
}

impl Handler<Drain> for CampaignActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let lease = self.lease.as_mut().map(|lease| (lease.id(), lease.take_free()));
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            if let Some((id, free)) = lease.filter(|(_, free)| free.is_positive()) {
                let _ = engine.ports.ledger.give_back(id, free).await;
            }
        })
    }
}
