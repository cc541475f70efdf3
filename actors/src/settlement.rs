//! One per writer shard: the batch of claims that are not durable yet.
//!
//! Owns: the claims that wait, and who waits for their answers.
//! Receives: `Settle`, from streamers and from the click link.
//! Sends: one transaction at a time to the ledger, and under load the next one beside it, which is prepared
//! while that one is written; after its commit the answers, and what was settled to campaigns and metrics.
//! Mailbox: `MAILBOX`. Claims: `Numbers::claims_max`; one more is not taken, and the page sends it
//! again. Nothing is answered before it is durable; a claim whose batch could not be written waits
//! and is tried again.

use crate::domain::id::CampaignId;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::time::Millis;
use crate::engine::Engine;
use crate::messages::{ClaimsSettled, CountSettled, Drain, Settle};
use crate::ports::{StoreError, StoreResult};
use crate::proof::{self, Plant};
use crate::rest::Rest;
use actix::dev::MessageResponse;
use actix::prelude::*;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages that may wait; claims are counted by themselves.
const MAILBOX: usize = 4096;
/// Streamers' wallets are posted this often.
const ROLL_UP: Duration = Duration::from_millis(100);
/// A roll-up stands in the way of the claims: it has a tenth of the time at most.
const ROLL_UP_REST: Rest = Rest::times(9);
/// One that failed counts as one of this length, at least.
const ROLL_UP_FAILED: Millis = Millis(110);
/// Leases whose time has come are closed this often.
const CLOSE_DUE: Duration = Duration::from_secs(2);
/// Batches on their way to the ledger: one is written, another full one is prepared meanwhile.
const WRITING_MAX: usize = 2;
/// The wait after a batch that could not be written, doubled each time.
const RETRY_MIN: Duration = Duration::from_millis(50);
/// The longest such wait.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// The way back to who waits for a claim. Filled as soon as the handler has returned; one allocation a
/// claim, where a future of its own would be a task, a channel and an allocation.
#[derive(Clone, Default)]
pub struct Answer(Rc<Cell<Option<Sender>>>);

type Sender = oneshot::Sender<Outcome>;

impl Answer {
    /// Who does not wait any more will ask again, and hear of a duplicate.
    fn give(&self, outcome: Outcome) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(outcome);
        }
    }
}

impl MessageResponse<SettlementActor, Settle> for Answer {
    fn handle(self, _: &mut Context<SettlementActor>, sender: Option<Sender>) {
        self.0.set(sender);
    }
}

/// The actor of a writer shard.
pub struct SettlementActor {
    engine: Arc<Engine>,
    waiting: VecDeque<(Claim, Answer)>,
    /// How many of them waited when the last write failed: until they are written, the store fails.
    behind: usize,
    writing: usize,
    scheduled: bool,
    retry: Duration,
    drained: Vec<oneshot::Sender<()>>,
    rolling_up: bool,
    roll_up_rest: Rest,
    closing_due: bool,
}

impl SettlementActor {
    /// The actor of a writer shard.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            waiting: VecDeque::new(),
            behind: 0,
            writing: 0,
            scheduled: false,
            retry: RETRY_MIN,
            drained: Vec::new(),
            rolling_up: false,
            roll_up_rest: ROLL_UP_REST,
            closing_due: false,
        }
    }

    /// Flushes at once when a batch is full, else soon; after a failure only when its wait is over.
    fn schedule(&mut self, ctx: &mut Context<Self>) {
        let full = self.waiting.len() >= self.engine.numbers.batch_max;
        if (full && !self.is_failing()) || !self.drained.is_empty() {
            self.flush(ctx);
        } else if self.writing == 0 && !self.scheduled && !self.waiting.is_empty() {
            self.flush_in(self.engine.numbers.batch_wait, ctx);
        }
    }

    fn is_failing(&self) -> bool {
        self.engine.health.store_failing()
    }

    fn flush_in(&mut self, wait: Millis, ctx: &mut Context<Self>) {
        self.scheduled = true;
        ctx.run_later(Duration::from_millis(wait.unsigned()), |actor, ctx| {
            actor.scheduled = false;
            actor.flush(ctx);
        });
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        let failing = self.is_failing();
        let full = self.waiting.len() >= self.engine.numbers.batch_max;
        // Only a full batch goes beside another one, and none until the ledger is well again.
        let most = if full && !failing { WRITING_MAX } else { 1 };
        if self.writing >= most || self.waiting.is_empty() {
            return;
        }
        self.writing += 1;
        let count = self.waiting.len().min(self.engine.numbers.batch_max);
        let batch: Vec<(Claim, Answer)> = self.waiting.drain(..count).collect();
        let claims: Arc<[Claim]> = batch.iter().map(|(claim, _)| *claim).collect();
        let engine = Arc::clone(&self.engine);
        proof::reach("settle.before_begin");
        if proof::planted(Plant::AckBeforeCommit) {
            return self.ack_at_once(batch, claims, ctx);
        }
        let write = async move {
            if failing {
                // On a full disk a small batch may still find room, and the next one not: no ack leaves
                // before the store says that it can take more than that.
                engine.ports.ledger.probe().await?;
            }
            engine.ports.ledger.settle(&claims, engine.now()).await
        };
        ctx.spawn(write.into_actor(self).map(|written, actor, ctx| actor.written(batch, written, ctx)));
    }

    /// What must never be: the answers leave, and then the batch is written, once.
    fn ack_at_once(&mut self, batch: Vec<(Claim, Answer)>, claims: Arc<[Claim]>, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let outcome = |(claim, _): &(Claim, Answer)| match claim.verdict {
            Ok(()) => Outcome::Settled,
            Err(reason) => Outcome::Rejected(reason),
        };
        let outcomes = batch.iter().map(outcome).collect();
        self.committed(batch, outcomes);
        let write = async move { engine.ports.ledger.settle(&claims, engine.now()).await };
        ctx.spawn(write.into_actor(self).map(|_, actor, ctx| actor.written(Vec::new(), Ok(Vec::new()), ctx)));
    }

    fn written(
        &mut self,
        batch: Vec<(Claim, Answer)>,
        written: StoreResult<Vec<Outcome>>,
        ctx: &mut Context<Self>,
    ) {
        self.writing -= 1;
        match written {
            Ok(outcomes) => {
                self.retry = RETRY_MIN;
                self.behind = self.behind.saturating_sub(batch.len());
                self.committed(batch, outcomes);
                // After the campaigns were told: from now on they may take back what nobody claimed.
                if self.behind == 0 {
                    self.engine.health.store_works();
                }
                self.schedule(ctx);
                self.check_drained();
            }
            Err(error) => {
                ::metrics::counter!("gametriggers_settlement_batches_failed_total").increment(1);
                let fenced = matches!(error, StoreError::Fenced);
                if fenced {
                    self.engine.health.fenced.store(true, Ordering::Relaxed);
                }
                if self.engine.health.store_fails(self.engine.now()) {
                    tracing::error!(
                        claims = batch.len(),
                        %error,
                        "claims can not be written; nothing is acked until they can",
                    );
                }
                // Back to the front, in their order.
                batch.into_iter().rev().for_each(|entry| self.waiting.push_front(entry));
                // Another batch that is under way is a full one.
                self.behind = self.waiting.len() + self.writing * self.engine.numbers.batch_max;
                if fenced {
                    // Another process settles them: the pages send them there.
                    self.waiting.clear();
                    self.check_drained();
                    return;
                }
                if !self.scheduled {
                    let wait = Millis(i64::try_from(self.retry.as_millis()).unwrap_or(i64::MAX));
                    self.retry = (self.retry * 2).min(RETRY_MAX);
                    self.flush_in(wait, ctx);
                }
            }
        }
    }

    /// The batch is durable: answers everybody and passes on what was settled.
    fn committed(&mut self, batch: Vec<(Claim, Answer)>, outcomes: Vec<Outcome>) {
        ::metrics::histogram!("gametriggers_settlement_batch_size")
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        proof::reach("settle.before_answers");
        let mut settled = Vec::with_capacity(batch.len());
        let mut by_campaign: BTreeMap<CampaignId, Vec<usize>> = BTreeMap::new();
        let mut results: BTreeMap<&'static str, u64> = BTreeMap::new();
        for ((claim, answer), outcome) in batch.into_iter().zip(outcomes) {
            let label = match outcome {
                Outcome::Settled => "settled",
                Outcome::Duplicate => "duplicate",
                Outcome::Rejected(_) => "rejected",
            };
            *results.entry(label).or_default() += 1;
            if let Outcome::Rejected(reason) = outcome {
                ::metrics::counter!("gametriggers_claims_rejected_total", "reason" => reason.code())
                    .increment(1);
            }
            by_campaign.entry(claim.debit.campaign).or_default().push(settled.len());
            settled.push((claim, outcome));
            answer.give(outcome);
        }
        for (label, count) in results {
            ::metrics::counter!("gametriggers_claims_total", "result" => label).increment(count);
        }
        proof::reach("settle.after_answers");
        let settled: Arc<[(Claim, Outcome)]> = settled.into();
        for (campaign, own) in by_campaign {
            let campaign = self.engine.directory.campaign(&self.engine, campaign);
            // Full: the money stays held until its time is up.
            let _ = campaign.try_send(ClaimsSettled { batch: Arc::clone(&settled), own });
        }
        proof::reach("settle.before_publish");
        let _ = self.engine.directory.metrics(&self.engine).try_send(CountSettled(Arc::clone(&settled)));
        // Full: the counters are written again from the database before long.
        let _ = self.engine.directory.live(&self.engine).try_send(CountSettled(settled));
    }

    fn check_drained(&mut self) {
        if self.waiting.is_empty() && self.writing == 0 {
            self.drained.drain(..).for_each(|done| {
                let _ = done.send(());
            });
        }
    }

    /// Posts what was settled to the wallets, and rests afterwards: a second at least when it failed.
    fn roll_up(&mut self, ctx: &mut Context<Self>) {
        let (engine, begun) = (Arc::clone(&self.engine), self.engine.now());
        let work = async move { engine.ports.ledger.roll_up(begun).await };
        self.chore(ctx, ("roll up", |actor| &mut actor.rolling_up), work, move |actor, done| {
            let now = actor.engine.now();
            let turn = if done { begun } else { begun.min(now - ROLL_UP_FAILED) };
            actor.roll_up_rest.begin(turn, now);
        });
    }

    /// Does a chore unless its last turn is still under way: while the database is locked each turn
    /// waits, and turns that pile up would stand before the claims.
    fn chore<T: 'static>(
        &mut self,
        ctx: &mut Context<Self>,
        (name, busy): (&'static str, fn(&mut Self) -> &mut bool),
        work: impl Future<Output = StoreResult<T>> + 'static,
        after: impl FnOnce(&mut Self, bool) + 'static,
    ) {
        if std::mem::replace(busy(self), true) {
            return;
        }
        ctx.spawn(work.into_actor(self).map(move |done, actor, _| {
            *busy(actor) = false;
            after(actor, done.is_ok());
            match done {
                Ok(_) => {}
                Err(StoreError::Fenced) => actor.engine.health.fenced.store(true, Ordering::Relaxed),
                Err(error) => {
                    tracing::warn!(chore = name, %error, "a chore of the ledger waits for its next turn")
                }
            }
        }));
    }
}

impl Actor for SettlementActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // Nothing waits here, whatever a lost predecessor knew.
        self.engine.health.store_works();
        ctx.run_interval(ROLL_UP, |actor, ctx| {
            if actor.roll_up_rest.is_over(actor.engine.now()) {
                actor.roll_up(ctx);
            }
        });
        ctx.run_interval(CLOSE_DUE, |actor, ctx| {
            // The claims that wait may be of a lease whose time has come meanwhile.
            if actor.engine.health.store_failing() {
                return;
            }
            let engine = Arc::clone(&actor.engine);
            let work = async move { engine.ports.ledger.close_due(engine.now()).await };
            actor.chore(ctx, ("close leases", |actor| &mut actor.closing_due), work, |_, _| ());
        });
    }
}

impl Handler<Settle> for SettlementActor {
    type Result = Answer;

    fn handle(&mut self, Settle(claim): Settle, ctx: &mut Self::Context) -> Self::Result {
        if self.waiting.len() >= self.engine.numbers.claims_max {
            ::metrics::counter!("gametriggers_claims_not_taken_total").increment(1);
            // Nobody keeps the way back: who asked hears that it is closed.
            return Answer::default();
        }
        let answer = Answer::default();
        self.waiting.push_back((claim, answer.clone()));
        self.schedule(ctx);
        answer
    }
}

impl Handler<Drain> for SettlementActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) -> Self::Result {
        let (sender, receiver) = oneshot::channel();
        self.drained.push(sender);
        self.schedule(ctx);
        self.check_drained();
        Box::pin(async move {
            let _ = receiver.await;
        })
    }
}
