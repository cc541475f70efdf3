//! One per node: the live counters that other nodes read.
//!
//! Owns: the ids of campaigns and streamers whose numbers changed since the last flush.
//! Receives: `CountSettled` from settlement.
//! Sends: every `FLUSH` their totals out of the database, as one snapshot and as absolute values, to the
//! live counters; more seldom when that takes long, and never when nobody shares them. When these were away,
//! and now and then in any case, everything that is active.
//! Mailbox: `MAILBOX`; what does not fit is written with the next of everything. Ids: `TOUCHED_MAX`;
//! more are left out, and everything is written before long. None of this is money.

use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::settlement::Outcome;
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::messages::{CountSettled, Drain};
use crate::ports::{LiveError, StoreError};
use crate::rest::Rest;
use actix::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const MAILBOX: usize = 1024;
/// Time between flushes.
const FLUSH: Duration = Duration::from_millis(250);
/// Campaigns and streamers in one flush, at most: each is a row to read and a hash to write.
const FLUSH_MAX: usize = 1000;
/// Ids that may wait.
const TOUCHED_MAX: usize = 50_000;
/// Everything that is active is written again after this: it mends what nobody noticed.
const EVERYTHING: Millis = Millis::minutes(5);
/// And after this when ids had to be left out.
const MEND: Millis = Millis::seconds(10);

/// Campaigns and streamers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ids {
    campaigns: BTreeSet<CampaignId>,
    streamers: BTreeSet<StreamerId>,
}

impl Ids {
    fn count(&self) -> usize {
        self.campaigns.len().saturating_add(self.streamers.len())
    }

    /// Adds more; false when some had no room. Campaigns come first: there are few of them.
    fn add(&mut self, more: Self) -> bool {
        self.campaigns.extend(more.campaigns);
        for id in more.streamers {
            if self.count() >= TOUCHED_MAX && !self.streamers.contains(&id) {
                return false;
            }
            self.streamers.insert(id);
        }
        true
    }

    /// Takes so many at most, campaigns first.
    fn take(&mut self, most: usize) -> Self {
        let mut taken = Self::default();
        while taken.count() < most {
            if let Some(id) = self.campaigns.pop_first() {
                taken.campaigns.insert(id);
            } else if let Some(id) = self.streamers.pop_first() {
                taken.streamers.insert(id);
            } else {
                break;
            }
        }
        taken
    }
}

/// The actor of a node.
pub struct LiveActor {
    engine: Arc<Engine>,
    touched: Ids,
    /// What is active and has to be written again, behind what was touched.
    rest: Ids,
    writing: bool,
    pause: Rest,
    /// When everything has to be written again.
    everything: UnixMillis,
}

impl LiveActor {
    /// The actor of a node.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            touched: Ids::default(),
            rest: Ids::default(),
            writing: false,
            pause: Rest::default(),
            everything: UnixMillis(0),
        }
    }

    /// Everything that plays: campaigns that have not ended, streamers that are live.
    fn active(&self) -> Ids {
        let mut ids = Ids::default();
        ids.campaigns.extend(self.engine.catalogue.load().entries().iter().map(|e| e.campaign.id));
        self.engine.directory.each_streamer(|id, _| {
            ids.streamers.insert(id);
        });
        ids
    }

    fn touch(&mut self, ids: Ids) {
        if !self.touched.add(ids) {
            self.everything = self.everything.min(self.engine.now() + MEND);
        }
    }

    /// What the next flush writes; none when there is nothing, or nowhere to write it.
    fn next(&mut self) -> Option<Ids> {
        let live = &self.engine.ports.live;
        if !live.are_shared() {
            return None;
        }
        if !live.is_up() {
            // What is there when it comes back is anybody's guess.
            self.everything = UnixMillis(0);
            return None;
        }
        let now = self.engine.now();
        if now >= self.everything {
            self.everything = now + EVERYTHING;
            self.rest = self.active();
        }
        let mut ids = self.touched.take(FLUSH_MAX);
        let rest = self.rest.take(FLUSH_MAX.saturating_sub(ids.count()));
        ids.add(rest);
        (ids.count() > 0).then_some(ids)
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        let began = self.engine.now();
        if self.writing || !self.pause.is_over(began) {
            return;
        }
        let Some(ids) = self.next() else { return };
        self.writing = true;
        let engine = Arc::clone(&self.engine);
        let write = async move { write(&engine, &ids).await.map_err(|why| (why, ids)) };
        ctx.spawn(write.into_actor(self).map(move |written, actor, _| {
            actor.writing = false;
            actor.pause.begin(began, actor.engine.now());
            if let Err((away, ids)) = written {
                tracing::debug!(%away, "live counters wait");
                actor.touch(ids);
                if matches!(away, Away::Counters(_)) {
                    actor.everything = UnixMillis(0);
                }
            }
        }));
    }
}

/// Why a flush has to wait.
#[derive(Debug, thiserror::Error)]
enum Away {
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error(transparent)]
    Counters(#[from] LiveError),
}

/// Reads totals and writes them to the counters.
async fn write(engine: &Engine, ids: &Ids) -> Result<(), Away> {
    let campaigns: Vec<CampaignId> = ids.campaigns.iter().copied().collect();
    let streamers: Vec<StreamerId> = ids.streamers.iter().copied().collect();
    let (campaigns, streamers) = engine.ports.ledger.totals(&campaigns, &streamers).await?;
    Ok(engine.ports.live.publish(&campaigns, &streamers).await?)
}

impl Actor for LiveActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(FLUSH, |actor, ctx| actor.flush(ctx));
    }
}

impl Handler<CountSettled> for LiveActor {
    type Result = ();

    fn handle(&mut self, CountSettled(claims): CountSettled, _: &mut Self::Context) {
        let live = &self.engine.ports.live;
        if !live.is_up() || !live.are_shared() {
            // When they come back everything is written again.
            self.everything = UnixMillis(0);
            return;
        }
        let mut ids = Ids::default();
        for (claim, outcome) in claims.iter().filter(|(_, outcome)| *outcome != Outcome::Duplicate) {
            ids.campaigns.insert(claim.debit.campaign);
            if *outcome == Outcome::Settled {
                ids.streamers.insert(claim.debit.streamer);
            }
        }
        self.touch(ids);
    }
}

impl Handler<Drain> for LiveActor {
    type Result = ResponseFuture<()>;

    /// The last flush: other nodes see what this one settled to the end.
    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (engine, ids) = (Arc::clone(&self.engine), self.touched.take(FLUSH_MAX));
        Box::pin(async move {
            if ids.count() > 0 && engine.ports.live.is_up() {
                let _ = write(&engine, &ids).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(campaigns: std::ops::Range<i64>, streamers: std::ops::Range<i64>) -> Ids {
        Ids { campaigns: campaigns.map(CampaignId).collect(), streamers: streamers.map(StreamerId).collect() }
    }

    #[test]
    fn a_flush_takes_no_more_than_it_may_and_loses_nothing() {
        let mut waiting = ids(0..3, 0..5);
        assert_eq!(waiting.take(4), ids(0..3, 0..1));
        assert_eq!(waiting.take(2), ids(0..0, 1..3));
        assert_eq!(waiting.take(9), ids(0..0, 3..5));
        assert_eq!(waiting.take(9), Ids::default());
    }

    #[test]
    fn streamers_that_are_too_many_are_left_out_and_noticed() {
        let most = i64::try_from(TOUCHED_MAX).unwrap();
        let mut waiting = Ids::default();
        assert!(waiting.add(ids(0..1, 0..most - 1)));
        assert!(waiting.add(ids(0..1, 0..most - 1)), "the same ids count once");
        assert!(!waiting.add(ids(0..1, most..most + 5)));
        assert!(waiting.add(ids(1..2, 0..1)), "a campaign always has room");
        assert_eq!(waiting, ids(0..2, 0..most - 1));
    }
}
