//! One per node: tells endpoints over HTTP what happened.
//!
//! Owns: how many rounds are on their way. A round is one endpoint that this node has taken, with the first few
//! deliveries that are due.
//! Receives: nothing.
//! Sends: each `POLL` a look for endpoints that have something due; their requests through the courier, on a thread
//! of its own; what came of a round in one transaction. Each `summary_every` what campaigns settled is recorded.
//! Mailbox: there is none to fill. Rounds: `rounds_max` at once; what is due beyond waits in the database.
//!
//! At least once: when this node dies between an attempt and its record, its endpoints are free again when their
//! time is over, or when the node is back, and the same is sent with the same id. None of this is money.

use crate::domain::id::EndpointId;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::webhook::{PAUSE_MAX, Verdict, wait};
use crate::engine::Engine;
use crate::ports::{
    AttemptRecord, Attempted, DeliveryState, Due, Parcel, Reply, Round, RoundEnd, StoreError, Undelivered,
};
use actix::prelude::*;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

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
    rounds: u32,
    taking: bool,
    summing: bool,
}

impl WebhookActor {
    /// The actor of a node.
    #[must_use]
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine, rounds: 0, taking: false, summing: false }
    }

    /// Takes endpoints that have something due, as many as there is room for.
    fn take(&mut self, ctx: &mut Context<Self>) {
        let numbers = self.engine.numbers.webhooks;
        let room = numbers.rounds_max.saturating_sub(self.rounds);
        if self.taking || room == 0 {
            return;
        }
        self.taking = true;
        let engine = Arc::clone(&self.engine);
        let now = engine.now();
        let until = now + numbers.timeout + SLACK;
        let take = async move { engine.ports.webhooks.take_rounds(room, now, until).await };
        ctx.spawn(take.into_actor(self).map(|taken, actor, ctx| {
            actor.taking = false;
            match taken {
                Ok(rounds) => rounds.into_iter().for_each(|round| actor.begin(round, ctx)),
                Err(StoreError::Fenced) => {}
                Err(error) => tracing::warn!(%error, "webhooks can not be read; they wait"),
            }
        }));
    }

    fn begin(&mut self, round: Round, ctx: &mut Context<Self>) {
        self.rounds = self.rounds.saturating_add(1);
        let engine = Arc::clone(&self.engine);
        ctx.spawn(go(engine, round).into_actor(self).map(|(), actor, ctx| {
            actor.rounds = actor.rounds.saturating_sub(1);
            // There may be more for the same one.
            actor.take(ctx);
        }));
    }

    /// Records what campaigns settled.
    fn summarise(&mut self, ctx: &mut Context<Self>) {
        if self.summing {
            return;
        }
        self.summing = true;
        let engine = Arc::clone(&self.engine);
        let sum = async move { engine.ports.webhooks.summarise(engine.now()).await };
        ctx.spawn(sum.into_actor(self).map(|summed, actor, ctx| {
            actor.summing = false;
            match summed {
                Ok((events, waiting)) => {
                    #[expect(clippy::as_conversions, reason = "a gauge is a float, and there are no 2^53")]
                    ::metrics::gauge!("gametriggers_webhooks_waiting").set(waiting as f64);
                    if events > 0 {
                        actor.take(ctx);
                    }
                }
                Err(StoreError::Fenced) => {}
                Err(error) => {
                    tracing::warn!(%error, "no summary for webhooks; the next one holds what this one would");
                }
            }
        }));
    }
}

/// Sends what is due, all of it at once, and writes what came of it.
async fn go(engine: Arc<Engine>, round: Round) {
    let endpoint = round.endpoint;
    let attempts = join_all(round.due.iter().map(|due| attempt(&engine, &round, due))).await;
    let end = RoundEnd {
        endpoint,
        held_until: attempts.iter().filter_map(|attempt| attempt.held_until).max(),
        gone: attempts.iter().any(|attempt| attempt.gone),
        attempted: attempts.into_iter().map(|attempt| attempt.attempted).collect(),
    };
    match engine.ports.webhooks.end_round(&end, engine.now()).await {
        Ok(disabled) => {
            if disabled {
                told_no_more(endpoint, end.gone);
            }
            for attempted in end.attempted.iter().filter(|a| a.state != DeliveryState::Waiting) {
                let state = attempted.state.code();
                ::metrics::counter!("gametriggers_webhook_deliveries_total", "state" => state).increment(1);
            }
        }
        Err(error) => {
            tracing::warn!(%endpoint, %error, "what came of a webhook is not written; it is sent again");
        }
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
        ctx.run_interval(POLL, |actor, ctx| actor.take(ctx));
        let every = Duration::from_millis(self.engine.numbers.webhooks.summary_every.unsigned().max(1));
        ctx.run_interval(every, |actor, ctx| actor.summarise(ctx));
        ctx.run_interval(PRUNE, |actor, ctx| {
            ctx.spawn(prune(Arc::clone(&actor.engine)).into_actor(actor));
        });
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
