//! One per node: plays and counters since the last flush.
//!
//! Owns: records of plays and counts per minute, campaign and streamer that are not written yet.
//! Receives: `LogPlay` from streamers, `CountSettled` from settlement, `CountClick` from the click link,
//! `CountRules` from streamers and from assignments, `CountSlot` from streamers.
//! Sends: one transaction of at most `BATCH_MAX` to the log each `FLUSH`, and more seldom when that takes
//! long; what could not be written waits. Supply that no plan looks at any more is pruned a quarter hour at a
//! time, each `PRUNE`.
//! Mailbox: `MAILBOX`; what finds it full is dropped and counted. Above the tally's `WAITING_MAX` records are
//! dropped and counted, and counts go to their campaign alone. None of this is money.

use crate::domain::id::StreamerId;
use crate::domain::streamer::Streamer;
use crate::domain::supply::{Cell, KEPT};
use crate::domain::tally::{Batch, MinuteKey, Tally};
use crate::domain::time::UnixMillis;
use crate::domain::violation::Spoken;
use crate::engine::Engine;
use crate::messages::{CountClick, CountRules, CountSettled, CountSlot, Drain, LogPlay};
use crate::ports::StoreResult;
use crate::proof;
use crate::rest::Rest;
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const MAILBOX: usize = 8192;
/// Time between flushes: a click link works this long after its play came on screen, at the latest.
const FLUSH: Duration = Duration::from_millis(250);
/// Rows of each kind in one transaction. Claims wait behind it for the database's one writer, so a flood is
/// spread over several.
const BATCH_MAX: usize = 5000;
/// A quarter hour of old supply goes this often: fifteen times as fast as new ones come.
const PRUNE: Duration = Duration::from_secs(60);

/// Counts rules that spoke on a stream.
pub fn rules_spoke(engine: &Arc<Engine>, streamer: StreamerId, spoken: Vec<Spoken>) {
    for Spoken { hit, .. } in &spoken {
        ::metrics::counter!(
            "gametriggers_rules_spoke_total",
            "rule" => hit.reason.code(),
            "severity" => hit.severity.code(),
        )
        .increment(1);
    }
    let lost = u64::try_from(spoken.len()).unwrap_or(u64::MAX);
    let count = CountRules { streamer, at: engine.now(), spoken };
    if engine.directory.metrics(engine).try_send(count).is_err() {
        ::metrics::counter!("gametriggers_rule_counts_dropped_total").increment(lost);
    }
}

/// Counts a slot that was decided on a stream.
pub fn slot_decided(engine: &Arc<Engine>, streamer: &Streamer, viewers: u32) {
    let cell = Cell::of(&streamer.profile, viewers);
    let count = CountSlot { cell, viewers, at: engine.now() };
    if engine.directory.metrics(engine).try_send(count).is_err() {
        ::metrics::counter!("gametriggers_supply_dropped_total").increment(1);
    }
}

/// The actor of a node.
pub struct MetricsActor {
    engine: Arc<Engine>,
    tally: Tally,
    writing: bool,
    pause: Rest,
}

impl MetricsActor {
    /// The actor of a node.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, tally: Tally::default(), writing: false, pause: Rest::default() }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        let dropped = self.tally.take_dropped();
        if dropped.plays > 0 {
            ::metrics::counter!("gametriggers_play_log_dropped_total").increment(dropped.plays);
        }
        if dropped.counts > 0 {
            ::metrics::counter!("gametriggers_minute_counts_dropped_total").increment(dropped.counts);
        }
        if dropped.rules > 0 {
            ::metrics::counter!("gametriggers_rule_counts_dropped_total").increment(dropped.rules);
        }
        if dropped.supply > 0 {
            ::metrics::counter!("gametriggers_supply_dropped_total").increment(dropped.supply);
        }
        let now = self.engine.now();
        if !self.writing && self.pause.is_over(now) {
            self.write(now, ctx);
        }
    }

    fn write(&mut self, began: UnixMillis, ctx: &mut Context<Self>) {
        let Some(batch) = self.tally.take(BATCH_MAX) else { return };
        self.writing = true;
        let engine = Arc::clone(&self.engine);
        let write = async move {
            proof::reach("flush.before");
            let written = append(&engine, &batch).await;
            proof::reach("flush.after");
            (batch, written)
        };
        ctx.spawn(write.into_actor(self).map(move |(batch, written), actor, _| {
            actor.writing = false;
            actor.pause.begin(began, actor.engine.now());
            if let Err(error) = written {
                tracing::warn!(plays = batch.plays.len(), %error, "the play log is not written; it waits");
                actor.tally.put_back(batch);
            }
        }));
    }
}

/// Old supply goes in small pieces: whoever has more of it than one has it gone a minute later.
async fn prune(engine: Arc<Engine>) {
    let before = engine.now() - KEPT;
    if let Err(error) = engine.ports.log.prune_supply(before).await {
        tracing::warn!(%error, "old supply is not pruned; it is tried again");
    }
}

async fn append(engine: &Engine, batch: &Batch) -> StoreResult<()> {
    engine.ports.log.append(batch).await
}

impl Actor for MetricsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(FLUSH, |actor, ctx| actor.flush(ctx));
        ctx.run_interval(PRUNE, |actor, ctx| {
            ctx.spawn(prune(Arc::clone(&actor.engine)).into_actor(actor));
        });
    }
}

impl Handler<LogPlay> for MetricsActor {
    type Result = ();

    fn handle(&mut self, LogPlay(record): LogPlay, _: &mut Self::Context) {
        ::metrics::counter!("gametriggers_plays_total", "outcome" => record.outcome.code()).increment(1);
        self.tally.played(*record);
    }
}

impl Handler<CountSettled> for MetricsActor {
    type Result = ();

    fn handle(&mut self, CountSettled(claims): CountSettled, _: &mut Self::Context) {
        claims.iter().for_each(|(claim, outcome)| self.tally.settled(claim, *outcome));
    }
}

impl Handler<CountClick> for MetricsActor {
    type Result = ();

    fn handle(&mut self, CountClick { campaign, streamer, at, kind }: CountClick, _: &mut Self::Context) {
        self.tally.clicked(MinuteKey::at(at, campaign, streamer), kind);
    }
}

impl Handler<CountRules> for MetricsActor {
    type Result = ();

    fn handle(&mut self, CountRules { streamer, at, spoken }: CountRules, _: &mut Self::Context) {
        self.tally.violations.spoke(streamer, at, &spoken);
    }
}

impl Handler<CountSlot> for MetricsActor {
    type Result = ();

    fn handle(&mut self, CountSlot { cell, viewers, at }: CountSlot, _: &mut Self::Context) {
        self.tally.supply.slot(cell, viewers, at);
    }
}

impl Handler<Drain> for MetricsActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let rest: Vec<Batch> = std::iter::from_fn(|| self.tally.take(BATCH_MAX)).collect();
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            for batch in rest {
                if let Err(error) = append(&engine, &batch).await {
                    tracing::warn!(
                        plays = batch.plays.len(),
                        %error,
                        "the last of the play log is lost; money is not concerned",
                    );
                }
            }
        })
    }
}
