//! What the log says of a streamer's earlier plays, for who begins without a memory: an actor that starts,
//! and a question about a streamer who has none.

use crate::catalogue::Catalogue;
use crate::domain::conflict::Presence;
use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::streamer::Streamer;
use crate::domain::streamer::board::Recent;
use crate::domain::streamer::live::{LiveStreamer, RECENT_MAX};
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::ports::{PlayRecord, StoreResult};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Plays of the log that are read: what rules and caps may look back on, and as many more as the streamer
/// allows an hour, up to `LOOK_BACK_MAX`.
const LOOK_BACK: u32 = 200;
const LOOK_BACK_MAX: u32 = 1000;
/// What came on screen within this time is read whole, for caps by the hour and by the day; of one stream
/// that is at most as many ads as a streamer may allow.
const DAY: Millis = Millis::minutes(24 * 60);
const SHOWN_MAX: u32 = 24 * 360;
/// A play counts from its first frame, and is found by its slot, which was a little before.
const SLACK: Millis = Millis::minutes(1);

/// Reads of the log at the same time: enough to keep the readers of a database busy.
const READS: usize = 8;
static TURNS: Semaphore = Semaphore::const_new(READS);

/// Reads when its turn has come. After a restart all streamers come back at once. A read that has begun and
/// waits for a reader has its statement, its arguments and a place among the waiting, several KB of them, and
/// thousands of those leave the heap full of holes; one that has not begun is a few words. And whoever else
/// reads waits for these few, and not for all.
async fn in_turn<T>(read: impl Future<Output = T>) -> T {
    // Nobody closes it; if somebody did, nothing would be held up.
    let _turn = TURNS.acquire().await.ok();
    read.await
}

/// What was read.
pub(crate) struct Memory {
    /// The last plays, oldest first.
    plays: Vec<PlayRecord>,
    /// What came on screen within a day.
    day: Vec<(CampaignId, UnixMillis)>,
    since: UnixMillis,
}

impl Memory {
    /// Reads.
    ///
    /// # Errors
    /// The log can not be read.
    pub(crate) fn read(
        engine: Arc<Engine>,
        streamer: &Streamer,
    ) -> impl Future<Output = StoreResult<Self>> + use<> {
        let (id, hourly_max) = (streamer.id, streamer.settings.hourly_max);
        let look_back = LOOK_BACK.saturating_add(hourly_max).min(LOOK_BACK_MAX);
        let since = engine.now() - DAY - SLACK;
        in_turn(async move {
            let mut plays = engine.ports.log.recent(id, None, look_back).await?;
            plays.reverse();
            Ok(Self { plays, day: engine.ports.log.plays_since(id, since, SHOWN_MAX).await?, since })
        })
    }

    /// Tells a streamer who knows nothing yet.
    pub(crate) fn tell(self, live: &mut LiveStreamer, catalogue: &Catalogue, now: UnixMillis) {
        let Self { plays, day, since } = self;
        let known = |id| catalogue.entry(id).map(|e| Arc::clone(&e.campaign));
        let shown = plays.iter().filter(|p| p.shown.is_some());
        // `at` is the time of the claim by now, which may have come late.
        live.remember_slots(shown.clone().map(|p| p.play.minted().min(now)));
        // Cooldowns look back further than a day, and caps need every play of it.
        let older = shown.filter(|p| p.play.minted() < since);
        let older = older.filter_map(|p| Some((p.campaign, p.shown?)));
        let all = older.chain(day);
        live.remember(all.filter_map(|(campaign, at)| Some((known(campaign)?, at))));
        let skip = plays.len().saturating_sub(RECENT_MAX);
        let last = plays.iter().skip(skip);
        live.recall(last.map(|play| Recent::from_log(play, known(play.campaign))));
    }
}

/// What was shown as far back as the rules look, campaigns that have ended since included.
///
/// # Errors
/// The log can not be read.
pub(crate) async fn present(
    engine: &Engine,
    streamer: StreamerId,
    longest: Millis,
) -> StoreResult<Vec<Presence>> {
    if longest.0 == 0 {
        return Ok(Vec::new());
    }
    // Called inside: a call makes the read, whether or not it has begun.
    in_turn(async { engine.ports.log.shown_since(streamer, engine.now() - longest - SLACK).await }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::pending;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    fn poll(reads: &mut [Pin<Box<impl Future>>]) {
        let mut cx = Context::from_waker(Waker::noop());
        for read in reads {
            assert!(read.as_mut().poll(&mut cx).is_pending());
        }
    }

    #[test]
    fn of_many_reads_a_few_begin_and_each_that_ends_lets_one_more_begin() {
        let begun = Cell::new(0);
        let read = || {
            in_turn(async {
                begun.set(begun.get() + 1);
                pending::<()>().await;
            })
        };
        let mut reads: Vec<_> = (0..100).map(|_| Box::pin(read())).collect();
        poll(&mut reads);
        assert_eq!(begun.get(), READS);
        drop(reads.drain(..3));
        poll(&mut reads);
        assert_eq!(begun.get(), READS + 3);
    }
}
