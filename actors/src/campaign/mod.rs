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
use crate::domain::campaign::Status;
use crate::domain::campaign::account::Account;
use crate::domain::campaign::lease::Lease;
use crate::domain::id::{CampaignId, LeaseId};
use crate::domain::money::Micros;
use crate::domain::pacing::{Plan, TUNED};
use crate::domain::reason::Reason;
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::messages::{CampaignLive, ClaimsSettled, Drain, GetLive, Release, Reload, Reserve, Sweep, Watch};
use crate::ports::{CampaignTotals, Grant, StoreError, StoreResult};
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
/// And after this in any case: other nodes spend, and leases of nodes that are gone come back.
const IDLE_LIFE: Millis = Millis::seconds(60);
/// A lease that paid for nothing for so long goes back, when there are other nodes that could spend it.
const LEASE_IDLE: Millis = Millis::seconds(60);

type Answer = oneshot::Sender<Result<LeaseId, Reason>>;

/// The actor of one campaign.
pub struct CampaignActor {
    engine: Arc<Engine>,
    id: CampaignId,
    account: Account,
    view: Arc<BudgetCell>,
    /// How the money is spread, as the catalogue has it.
    plan: Option<Arc<Plan>>,
    /// Of the row that the money was read from.
    version: i64,
    read_at: UnixMillis,
    /// When money was last set aside.
    used_at: UnixMillis,
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
            account: Account::default(),
            view: Arc::default(),
            plan: None,
            version: 0,
            read_at: UnixMillis(0),
            used_at: UnixMillis(0),
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

    /// How long the database's numbers are good for, and up to a fifth more, so that not all campaigns ask at
    /// once.
    const fn budget_life(&self) -> Millis {
        let life = if self.touched { BUDGET_LIFE } else { IDLE_LIFE };
        Millis(life.0 + self.id.0.rem_euclid(16) * life.0 / 80)
    }

    fn held(&self) -> Micros {
        self.account.lease().map_or(Micros::ZERO, Lease::held)
    }

    fn publish(&mut self, ctx: &mut Context<Self>) {
        self.touched = true;
        self.show();
        self.push(ctx);
    }

    /// Shows the money to decisions.
    fn show(&self) {
        self.view.publish(&self.account.view(self.engine.now()), self.account.budget());
    }

    /// Answers a request, or none when it has to wait for money.
    fn answer(&mut self, Reserve(want): &Reserve) -> Option<Result<LeaseId, Reason>> {
        if proof::planted(Plant::LeaseCheck) {
            self.account.conjure(want.amount);
        }
        let now = self.engine.now();
        let answer = self.account.reserve(want, &TUNED, now);
        if matches!(answer, Some(Ok(_))) {
            self.used_at = now;
        }
        answer
    }

    /// Asks the ledger for more, unless enough is free or a request is on its way. A server that stops gives
    /// back what it has, and takes nothing new.
    fn top_up(&mut self, price: Micros, ctx: &mut Context<Self>) {
        if self.engine.health.draining.load(Ordering::Relaxed) {
            return;
        }
        let (Some(wanted), false) = (self.account.wanted(price), self.asking) else { return };
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
            Ok(Some(Grant { lease, granted })) => self.account.granted(lease, granted, self.engine.now()),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(campaign = self.id.0, %error, "no lease: the campaign plays on what it has");
            }
        }
    }

    /// Takes the database's numbers, unless claims were settled while they were read: then the actor's
    /// own are newer, and the next read brings both together.
    fn read(&mut self, totals: StoreResult<CampaignTotals>, since: u64) {
        if let Ok(totals) = totals
            && (!self.account.is_known() || since == self.batches)
        {
            self.read_at = self.engine.now();
            self.version = totals.version;
            self.account.read(totals.budget, &TUNED, self.read_at);
        }
    }

    /// Answers those who waited. Who still finds too little waits for the next grant if the last one gave
    /// anything, else is refused.
    fn unpark(&mut self, more: bool, ctx: &mut Context<Self>) {
        while let Some((ask, answer)) = self.parked.pop_front() {
            let verdict = match self.answer(&ask) {
                Some(verdict) => verdict,
                None if more => {
                    self.top_up(ask.0.amount, ctx);
                    if self.asking {
                        self.parked.push_front((ask, answer));
                        return;
                    }
                    Err(Reason::LeaseEmpty)
                }
                None => Err(Reason::LeaseEmpty),
            };
            // Nobody waits any more: the money goes straight back.
            if answer.send(verdict).is_err() {
                self.account.release(ask.0.play);
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
            self.account.change((entry.campaign, Arc::clone(&entry.plan)), &TUNED, engine.now());
            (self.view, self.plan) = (entry.budget, Some(entry.plan));
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
                let plan = actor.plan.clone().unwrap_or_else(|| Arc::new(Plan::uniform(campaign.flight)));
                actor.account.change((Arc::new(campaign), plan), &TUNED, actor.engine.now());
            }
            // The database is away: the sweep looks again, and nobody is told that there is nothing.
            actor.touched |= totals.is_err();
            actor.read(totals, since);
            let price = actor.parked.front().map_or(Micros::ZERO, |(ask, _)| ask.0.amount);
            if actor.is(Status::Active) {
                actor.top_up(price, ctx);
            } else {
                actor.hand_back(ctx);
            }
            if !actor.asking {
                actor.answered(false, ctx);
            }
            // What is unspent goes back to the brand when the lease is empty: look again until it has.
            let budget = actor.account.budget();
            actor.touched |= actor.is(Status::Ended) && budget.funded > budget.spent;
            if actor.account.is_known() {
                actor.show();
            }
            actor.push(ctx);
        }));
    }

    /// Takes the plan that the catalogue has meanwhile, and keeps what was earned of the one before.
    /// Whether there was another.
    fn take_plan(&mut self) -> bool {
        let catalogue = self.engine.catalogue.load();
        let Some(entry) = catalogue.entry(self.id) else { return false };
        if self.plan.as_ref().is_none_or(|plan| Arc::ptr_eq(plan, &entry.plan)) {
            return false;
        }
        let (planned, plan) = (&entry.campaign, Arc::clone(&entry.plan));
        // What the actor read of the campaign itself may be newer.
        let own = self.account.campaign().filter(|own| own.flight == planned.flight);
        let campaign = Arc::clone(own.unwrap_or(planned));
        self.account.change((campaign, Arc::clone(&plan)), &TUNED, self.engine.now());
        self.plan = Some(plan);
        true
    }

    fn is(&self, status: Status) -> bool {
        self.account.campaign().is_some_and(|campaign| campaign.status == status)
    }

    /// Gives what nobody holds back to the budget.
    fn hand_back(&mut self, ctx: &mut Context<Self>) {
        let Some((id, free)) = self.account.take_free() else { return };
        if free.is_positive() {
            self.asking = true;
            let engine = Arc::clone(&self.engine);
            let give = async move { engine.ports.ledger.give_back(id, free).await };
            ctx.spawn(give.into_actor(self).map(move |given, actor, ctx| {
                match given {
                    Ok(()) => actor.account.handed_back(free),
                    // It comes back when the lease closes.
                    Err(error) => {
                        let campaign = actor.id.0;
                        tracing::warn!(campaign, %error, "a lease keeps its rest until it closes");
                    }
                }
                actor.asking = false;
                // Who came meanwhile found the lease empty: there may be money all the same.
                if actor.is(Status::Active)
                    && let Some((ask, _)) = actor.parked.front()
                {
                    actor.top_up(ask.0.amount, ctx);
                }
                if !actor.asking {
                    actor.answered(false, ctx);
                }
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
        let amount = ask.0.amount;
        // While the first numbers are on their way everybody waits.
        let answer = if self.account.is_known() { self.answer(&ask) } else { None };
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
        self.account.release(play);
        self.publish(ctx);
    }
}

impl Handler<ClaimsSettled> for CampaignActor {
    type Result = ();

    fn handle(&mut self, ClaimsSettled { batch, own }: ClaimsSettled, ctx: &mut Self::Context) {
        self.batches += 1;
        let now = self.engine.now();
        for (claim, outcome) in own.iter().filter_map(|place| batch.get(*place)) {
            self.account.settled(claim, outcome, now);
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
        let waited = std::mem::replace(&mut self.claims_wait, wait);
        if !waited && !wait && self.account.expire(now) > 0 {
            self.publish(ctx);
        }
        if self.take_plan() {
            self.publish(ctx);
        }
        if !self.asking && self.engine.ports.live.are_shared() && now - self.used_at > LEASE_IDLE {
            self.hand_back(ctx);
        }
        if !self.asking && now - self.read_at > self.budget_life() {
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
        let lease = self.account.take_free();
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            if let Some((id, free)) = lease.filter(|(_, free)| free.is_positive()) {
                let _ = engine.ports.ledger.give_back(id, free).await;
            }
        })
    }
}
