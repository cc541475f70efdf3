//! One per node: plays and counters since the last flush.
//!
//! Owns: records of plays and counts per minute, campaign and streamer that are not written yet.
//! Receives: `LogPlay` from streamers, `CountSettled` from settlement.
//! Sends: one transaction to the log each `FLUSH`.
//! Mailbox: `MAILBOX`; records above `RECORDS_MAX` are dropped and counted. None of this is money.

use crate::domain::id::PlayId;
use crate::domain::settlement::{EventKind, Outcome};
use crate::domain::time::UnixMillis;
use crate::engine::Engine;
use crate::messages::{CountSettled, Drain, LogPlay};
use crate::ports::{MinuteCounts, MinuteKey, PlayOutcome, PlayRecord};
use crate::proof;
use actix::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

const MAILBOX: usize = 8192;
/// Time between flushes: a click link works this long after its play came on screen, at the latest.
const FLUSH: Duration = Duration::from_millis(250);
/// Plays that wait to be written, at most; the database may be away for a while.
const RECORDS_MAX: usize = 20_000;

type Unwritten = (Vec<PlayRecord>, Vec<(MinuteKey, MinuteCounts)>);

/// The actor of a node.
pub struct MetricsActor {
    engine: Arc<Engine>,
    plays: HashMap<PlayId, PlayRecord>,
    minutes: BTreeMap<MinuteKey, MinuteCounts>,
    writing: bool,
}

impl MetricsActor {
    /// The actor of a node.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, plays: HashMap::new(), minutes: BTreeMap::new(), writing: false }
    }

    fn count(
        &mut self,
        at: UnixMillis,
        record: (crate::domain::id::CampaignId, crate::domain::id::StreamerId),
        add: impl FnOnce(&mut MinuteCounts),
    ) {
        let minute = UnixMillis(at.0 - at.0.rem_euclid(60_000));
        let key = MinuteKey { minute, campaign: record.0, streamer: record.1 };
        if self.minutes.len() < RECORDS_MAX || self.minutes.contains_key(&key) {
            add(self.minutes.entry(key).or_default());
        }
    }

    /// A later record of a play replaces an earlier one, but keeps its click link.
    fn merge(&mut self, mut record: PlayRecord) {
        if self.plays.len() >= RECORDS_MAX && !self.plays.contains_key(&record.play) {
            ::metrics::counter!("gametriggers_play_log_dropped_total").increment(1);
            return;
        }
        if let Some(before) = self.plays.get(&record.play) {
            record.at = before.at;
            record.click_code = record.click_code.or_else(|| before.click_code.clone());
            record.clicks = record.clicks.or(before.clicks);
        }
        self.plays.insert(record.play, record);
    }

    fn take(&mut self) -> Option<Unwritten> {
        if self.plays.is_empty() && self.minutes.is_empty() {
            return None;
        }
        let plays = std::mem::take(&mut self.plays).into_values().collect();
        Some((plays, std::mem::take(&mut self.minutes).into_iter().collect()))
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.writing {
            return;
        }
        let Some((plays, minutes)) = self.take() else { return };
        self.writing = true;
        let engine = Arc::clone(&self.engine);
        let write = async move {
            proof::reach("flush.before");
            let written = engine.ports.log.append(&plays, &minutes).await;
            proof::reach("flush.after");
            (plays, minutes, written)
        };
        ctx.spawn(write.into_actor(self).map(|(plays, minutes, written), actor, _| {
            actor.writing = false;
            if let Err(error) = written {
                tracing::warn!(plays = plays.len(), %error, "the play log can not be written; it waits");
                // What came since is newer.
                let newer = std::mem::take(&mut actor.plays);
                plays.into_iter().chain(newer.into_values()).for_each(|record| actor.merge(record));
                for (key, counts) in minutes {
                    add(actor.minutes.entry(key).or_default(), &counts);
                }
            }
        }));
    }
}

fn add(to: &mut MinuteCounts, more: &MinuteCounts) {
    to.decided += more.decided;
    to.plays += more.plays;
    to.viewers += more.viewers;
    to.clicks += more.clicks;
    to.lost += more.lost;
    to.spend.0 = to.spend.0.saturating_add(more.spend.0);
    to.earn.0 = to.earn.0.saturating_add(more.earn.0);
}

impl Actor for MetricsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(FLUSH, |actor, ctx| actor.flush(ctx));
    }
}

impl Handler<LogPlay> for MetricsActor {
    type Result = ();

    fn handle(&mut self, LogPlay(record): LogPlay, _: &mut Self::Context) {
        ::metrics::counter!("gametriggers_plays_total", "outcome" => record.outcome.code()).increment(1);
        let whose = (record.campaign, record.streamer);
        match record.outcome {
            PlayOutcome::Shown => self.count(record.at, whose, |counts| counts.decided += 1),
            PlayOutcome::Expired | PlayOutcome::Skipped | PlayOutcome::Failed => {
                self.count(record.at, whose, |counts| counts.lost += 1);
            }
            // Counted when they are settled.
            PlayOutcome::Settled | PlayOutcome::Rejected => {}
        }
        self.merge(*record);
    }
}

impl Handler<CountSettled> for MetricsActor {
    type Result = ();

    fn handle(&mut self, CountSettled(claims): CountSettled, _: &mut Self::Context) {
        for (claim, outcome) in claims.iter() {
            let debit = &claim.debit;
            let whose = (debit.campaign, debit.streamer);
            match outcome {
                Outcome::Settled => self.count(debit.occurred, whose, |counts| {
                    match debit.kind {
                        EventKind::Play => {
                            counts.plays += 1;
                            counts.viewers += u64::from(debit.viewers);
                        }
                        EventKind::Click => counts.clicks += 1,
                    }
                    counts.spend.0 = counts.spend.0.saturating_add(debit.split.price.0);
                    counts.earn.0 = counts.earn.0.saturating_add(debit.split.earn.0);
                }),
                Outcome::Rejected(_) => self.count(debit.occurred, whose, |counts| counts.lost += 1),
                Outcome::Duplicate => {}
            }
        }
    }
}

impl Handler<Drain> for MetricsActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let rest = self.take();
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            if let Some((plays, minutes)) = rest
                && let Err(error) = engine.ports.log.append(&plays, &minutes).await
            {
                tracing::warn!(
                    plays = plays.len(),
                    %error,
                    "the last of the play log is lost; money is not concerned",
                );
            }
        })
    }
}
