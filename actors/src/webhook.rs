//! One per node: tells endpoints over HTTP what happened.
//!
//! Owns: rounds that are on their way, and what came of those that are not written. A round is one endpoint
//! that this node has taken, with the first few deliveries that are due.
//! Receives: `Drain`.
//! Sends: each `POLL` what came of rounds in one transaction, and a look for endpoints that have something
//! due; more seldom when that takes long. Their requests go through the courier, on a thread of its own.
//! Each `summary_every` what campaigns settled is recorded.
//! Mailbox: `MAILBOX`; nobody waits for an answer but who stops the server. Rounds: `rounds_max`, those
//! included that are not written; what is due beyond waits in the database.
//!
//! At least once: when this node dies between an attempt and its record, its endpoints are free again when
//! their time is over, or when the node is back, and the same is sent with the same id. None of this is
//! money.

use crate::domain::id::EndpointId;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::webhook::{PAUSE_MAX, Verdict, wait};
use crate::engine::Engine;
use crate::messages::Drain;
use crate::ports::{
    AttemptRecord, Attempted, DeliveryState, Due, Parcel, Reply, Round, RoundEnd, StoreError, Undelivered,
};
use crate::rest::Rest;
use actix::prelude::*;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

const MAILBOX: usize = 16;
/// What is due is looked for this often.
const POLL: Duration = Duration::from_millis(250);
/// What was done with long ago goes this often, a part of it.
const PRUNE: Duration = Duration::from_secs(60);
/// Deliveries and their attempts can be read and replayed for so long.
pub const KEPT: Millis = Millis::minutes(30 * 24 * 60);
/// From the end of an attempt to the end of its lease.
const SLACK: Millis = Millis::seconds(15);

/// The numbers of an installation.
#[derive(Clone, Copy, Debug)]
pub struct WebhookNumbers {
    /// How long an attempt may take.
    pub timeout: Millis,
    /// Endpoints that are called at once.
    pub rounds_max: u32,
    /// From one summary of a campaign to the next.
    pub summary_every: Millis,
}

/// The actor of a node.
pub struct WebhookActor {
    engine: Arc<Engine>,
    /// Taken, and not let go yet.
    rounds: u32,
    /// What came of rounds and is not written.
    ends: Vec<RoundEnd>,
    turning: bool,
    summing: bool,
    draining: bool,
    pause: Rest,
}

/// What a turn came to.
struct Turn {
    /// What could not be written.
    left: Vec<RoundEnd>,
    written: u32,
    taken: Vec<Round>,
}

impl WebhookActor {
    /// The actor of a node.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            rounds: 0,
            ends: Vec::new(),
            turning: false,
            summing: false,
            draining: false,
            pause: Rest::default(),
        }
    }

    /// Writes what came of rounds, all at once, and takes as many endpoints as there is room for.
    fn turn(&mut self, ctx: &mut Context<Self>) {
        let began = self.engine.now();
        if self.turning || self.draining || !self.pause.is_over(began) {
            return;
        }
        self.turning = true;
        let ends = std::mem::take(&mut self.ends);
        let (engine, rounds) = (Arc::clone(&self.engine), self.rounds);
        let turn = async move { turn(&engine, ends, rounds).await };
        ctx.spawn(turn.into_actor(self).map(move |done, actor, ctx| {
            actor.turning = false;
            actor.pause.begin(began, actor.engine.now());
            actor.ends.extend(done.left);
            actor.rounds = actor.rounds.saturating_sub(done.written);
            done.taken.into_iter().for_each(|round| actor.begin(round, ctx));
        }));
    }

    fn begin(&mut self, round: Round, ctx: &mut Context<Self>) {
        self.rounds = self.rounds.saturating_add(1);
        let engine = Arc::clone(&self.engine);
        let go = async move { go(&engine, &round).await };
        ctx.spawn(go.into_actor(self).map(|end, actor, _| actor.ends.push(end)));
    }

    /// Records what campaigns settled.
    fn summarise(&mut self, ctx: &mut Context<Self>) {
        if self.summing || self.draining {
            return;
        }
        self.summing = true;
        let engine = Arc::clone(&self.engine);
        let sum = async move { engine.ports.webhooks.summarise(engine.now()).await };
        ctx.spawn(sum.into_actor(self).map(|summed, actor, _| {
            actor.summing = false;
            match summed {
                Ok((_, waiting)) => {
                    #[expect(clippy::as_conversions, reason = "a gauge is a float, and there are no 2^53")]
                    ::metrics::gauge!("gametriggers_webhooks_waiting").set(waiting as f64);
                }
                Err(StoreError::Fenced) => {}
                Err(error) => {
                    tracing::warn!(%error, "no summary for webhooks; the next one holds what this one would");
                }
            }
        }));
    }
}

async fn turn(engine: &Engine, ends: Vec<RoundEnd>, rounds: u32) -> Turn {
    let numbers = engine.numbers.webhooks;
    let mut done = Turn { left: Vec::new(), written: 0, taken: Vec::new() };
    if !ends.is_empty() {
        if !write(engine, &ends).await {
            return Turn { left: ends, ..done };
        }
        done.written = u32::try_from(ends.len()).unwrap_or(u32::MAX);
    }
    let room = numbers.rounds_max.saturating_sub(rounds.saturating_sub(done.written));
    if room > 0 {
        let now = engine.now();
        match engine.ports.webhooks.take_rounds(room, now, now + numbers.timeout + SLACK).await {
            Ok(taken) => done.taken = taken,
            Err(StoreError::Fenced) => {}
            Err(error) => tracing::warn!(%error, "webhooks can not be read; they wait"),
        }
    }
    done
}

/// Writes what came of rounds; false when that has to be tried again.
async fn write(engine: &Engine, ends: &[RoundEnd]) -> bool {
    match engine.ports.webhooks.end_rounds(ends, engine.now()).await {
        Ok(disabled) => {
            for end in ends {
                if disabled.contains(&end.endpoint) {
                    told_no_more(end.endpoint, end.gone);
                }
                for attempted in end.attempted.iter().filter(|a| a.state != DeliveryState::Waiting) {
                    let state = attempted.state.code();
                    ::metrics::counter!("gametriggers_webhook_deliveries_total", "state" => state)
                        .increment(1);
                }
            }
            true
        }
        Err(error @ (StoreError::Unavailable(_) | StoreError::Fenced)) => {
            tracing::warn!(rounds = ends.len(), %error, "what came of webhooks is not written; it waits");
            false
        }
        // The same again would be refused again; their leases end, and they are sent once more.
        Err(error) => {
            tracing::error!(rounds = ends.len(), %error, "what came of webhooks is refused");
            true
        }
    }
}

/// Sends what is due, all of it at once.
async fn go(engine: &Engine, round: &Round) -> RoundEnd {
    let attempts = join_all(round.due.iter().map(|due| attempt(engine, round, due))).await;
    RoundEnd {
        endpoint: round.endpoint,
        held_until: attempts.iter().filter_map(|attempt| attempt.held_until).max(),
        gone: attempts.iter().any(|attempt| attempt.gone),
        attempted: attempts.into_iter().map(|attempt| attempt.attempted).collect(),
    }
}

fn told_no_more(endpoint: EndpointId, gone: bool) {
    let reason = if gone { "gone" } else { "failing" };
    ::metrics::counter!("gametriggers_webhook_endpoints_disabled_total", "reason" => reason).increment(1);
    tracing::info!(%endpoint, reason, "an endpoint is told nothing any more");
}

/// What came of one delivery.
struct Attempt {
    attempted: Attempted,
    held_until: Option<UnixMillis>,
    gone: bool,
}

async fn attempt(engine: &Engine, round: &Round, due: &Due) -> Attempt {
    let at = engine.now();
    let parcel = Parcel {
        url: Arc::clone(&round.url),
        message: due.message.clone(),
        at,
        body: body(engine, due),
        secrets: round.secrets.clone(),
    };
    let reply = engine.ports.courier.send(parcel).await;
    let now = engine.now();
    let mut chance = [0; 4];
    engine.ports.entropy.fill(&mut chance);
    let attempt = judge(due, (at, now), reply, u32::from_be_bytes(chance));
    let outcome = outcome(attempt.attempted.record.failure.as_deref());
    ::metrics::counter!("gametriggers_webhook_attempts_total", "outcome" => outcome).increment(1);
    attempt
}

/// The same in every attempt.
fn body(engine: &Engine, due: &Due) -> String {
    let (event, at) = (due.event.code(), engine.ports.courier.stamp(due.at));
    format!("{{\"type\":\"{event}\",\"timestamp\":\"{at}\",\"data\":{}}}", due.data)
}

/// The label of an outcome, out of the closed list.
fn outcome(failure: Option<&str>) -> &'static str {
    const KNOWN: [&str; 4] = ["gone", "throttled", "redirect", "status"];
    let Some(failure) = failure else { return "delivered" };
    KNOWN.into_iter().find(|known| *known == failure).unwrap_or("no_answer")
}

/// What an answer, or that there was none, means for the delivery and its endpoint.
fn judge(
    due: &Due,
    (at, now): (UnixMillis, UnixMillis),
    reply: Result<Reply, Undelivered>,
    chance: u32,
) -> Attempt {
    let (verdict, status, failure, pause, answer) = match reply {
        Ok(Reply { status, retry_after, answer }) => {
            let verdict = Verdict::of(status);
            let failure = match verdict {
                Verdict::Delivered => None,
                Verdict::Gone => Some("gone"),
                Verdict::Throttled => Some("throttled"),
                Verdict::Failed if (300..400).contains(&status) => Some("redirect"),
                Verdict::Failed => Some("status"),
            };
            (verdict, Some(status), failure, retry_after, answer)
        }
        Err(why) => (Verdict::Failed, None, Some(why.code()), None, String::new()),
    };
    let pause = pause.filter(|_| verdict == Verdict::Throttled).map(|pause| pause.min(PAUSE_MAX));
    let attempts = due.attempts.saturating_add(1);
    let (state, due_at) = match (verdict, wait(attempts, chance)) {
        (Verdict::Delivered, _) => (DeliveryState::Delivered, now),
        (Verdict::Gone, _) | (_, None) => (DeliveryState::Failed, now),
        (_, Some(wait)) => (DeliveryState::Waiting, now + wait.max(pause.unwrap_or_default())),
    };
    let record = AttemptRecord {
        at,
        took: Millis((now - at).0.max(0)),
        status,
        failure: failure.map(str::to_owned),
        answer,
    };
    Attempt {
        attempted: Attempted { id: due.id, record, state, due: due_at },
        held_until: pause.map(|pause| now + pause),
        gone: verdict == Verdict::Gone,
    }
}

async fn prune(engine: Arc<Engine>) {
    let before = engine.now() - KEPT;
    if let Err(error) = engine.ports.webhooks.prune_deliveries(before).await {
        tracing::warn!(%error, "old webhooks are not pruned; it is tried again");
    }
}

impl Actor for WebhookActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(POLL, |actor, ctx| actor.turn(ctx));
        let every = Duration::from_millis(self.engine.numbers.webhooks.summary_every.unsigned().max(1));
        ctx.run_interval(every, |actor, ctx| actor.summarise(ctx));
        ctx.run_interval(PRUNE, |actor, ctx| {
            ctx.spawn(prune(Arc::clone(&actor.engine)).into_actor(actor));
        });
    }
}

impl Handler<Drain> for WebhookActor {
    type Result = ResponseFuture<()>;

    /// What is on its way is sent again after the next start.
    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let (engine, ends) = (Arc::clone(&self.engine), std::mem::take(&mut self.ends));
        Box::pin(async move {
            if !ends.is_empty() {
                write(&engine, &ends).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::DeliveryId;
    use crate::domain::webhook::EventType;

    const AT: UnixMillis = UnixMillis(1_000_000);

    fn due(attempts: u32) -> Due {
        Due {
            id: DeliveryId(1),
            attempts,
            message: "msg_1".to_owned(),
            event: EventType::PlaySettled,
            at: AT,
            data: "{}".to_owned(),
        }
    }

    fn answered(attempts: u32, status: u16, retry_after: Option<i64>) -> Attempt {
        let reply = Reply { status, retry_after: retry_after.map(Millis::seconds), answer: String::new() };
        judge(&due(attempts), (AT, AT), Ok(reply), 0)
    }

    fn next(attempt: &Attempt) -> (DeliveryState, i64) {
        (attempt.attempted.state, (attempt.attempted.due - AT).0 / 1000)
    }

    #[test]
    fn a_pause_counts_when_the_endpoint_has_too_much_to_do_and_only_then() {
        let slow = answered(0, 503, Some(60));
        assert_eq!(
            (next(&slow), slow.held_until),
            ((DeliveryState::Waiting, 60), Some(AT + Millis::minutes(1)))
        );
        assert_eq!(
            next(&answered(1, 429, Some(60))),
            (DeliveryState::Waiting, 300),
            "the schedule is longer"
        );
        let other = answered(0, 500, Some(60));
        assert_eq!((next(&other), other.held_until), ((DeliveryState::Waiting, 5), None));
        assert_eq!(answered(0, 429, Some(i64::MAX / 1000)).held_until, Some(AT + PAUSE_MAX));
    }

    #[test]
    fn what_is_taken_gone_or_tried_often_enough_is_done_with() {
        assert_eq!(next(&answered(3, 204, None)).0, DeliveryState::Delivered);
        let gone = answered(0, 410, None);
        assert_eq!((next(&gone).0, gone.gone), (DeliveryState::Failed, true));
        assert_eq!(next(&answered(8, 500, None)).0, DeliveryState::Waiting);
        let last = judge(&due(9), (AT, AT), Err(Undelivered::TimedOut), 0);
        assert_eq!((next(&last).0, last.gone), (DeliveryState::Failed, false));
        assert_eq!(last.attempted.record.failure.as_deref(), Some("timed_out"));
        assert_eq!(outcome(Some("timed_out")), "no_answer");
    }
}
