//! Why something did not run: the question to one streamer, or about one campaign to many.
//!
//! Who is connected is asked through their actor, which answers between two steps. Who is not is answered
//! from their row and the log: no actor starts for a question.

use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::reason::Losses;
use crate::domain::streamer::live::{LiveStreamer, Market, World};
use crate::domain::streamer::why::{Fate, Why};
use crate::engine::Engine;
use crate::memory::{Memory, present};
use crate::messages::AskWhy;
use crate::ports::{StoreError, StoreResult};
use crate::streamer::StreamerActor;
use actix::Addr;
use actix::clock::sleep;
use futures_util::stream::{self, StreamExt};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// An actor that does not answer within this time is busy or lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// An actor that still reads the log is asked again after this.
const AGAIN: Duration = Duration::from_millis(50);
/// So many times.
const TRIES: usize = 20;
/// Streamers that are asked about one campaign, at most.
pub const ASKED_MAX: usize = 1000;
/// Streamers that are asked at the same time.
const AT_ONCE: usize = 32;
/// Campaigns that are asked about at the same time; more of them wait. One question costs as much as the
/// slots of a thousand streamers.
static SURVEYS: Semaphore = Semaphore::const_new(2);

/// What becomes of a campaign on the streams of this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Streamers with an actor.
    pub live: usize,
    /// Of those, how many were asked: `ASKED_MAX` at most, and always the same ones of the same.
    pub asked: usize,
    /// How many answered in time.
    pub answered: usize,
    /// On how many it is in hand.
    pub playing: u32,
    /// On how many it would get a slot of this moment.
    pub wins: u32,
    /// On how many it would not, by reason.
    pub losses: Losses,
}

/// Who would get a slot of this streamer; with a campaign, about that one. None for an unknown streamer.
///
/// # Errors
/// The log can not be read, or the streamer's actor does not answer.
pub async fn why(
    engine: &Arc<Engine>,
    id: StreamerId,
    only: Option<CampaignId>,
) -> StoreResult<Option<Box<Why>>> {
    for _ in 0..TRIES {
        let Some(actor) = engine.directory.live_streamer(id) else { return absent(engine, id, only).await };
        if let Some(why) = ask(&actor, only).await? {
            return Ok(Some(why));
        }
        sleep(AGAIN).await;
    }
    Err(StoreError::Unavailable("a streamer's actor still reads the log".to_owned()))
}

async fn ask(actor: &Addr<StreamerActor>, only: Option<CampaignId>) -> StoreResult<Option<Box<Why>>> {
    let answer = actor.send(AskWhy(only)).timeout(PATIENCE).await;
    answer.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// A streamer without an actor, as far as row and log tell.
async fn absent(
    engine: &Arc<Engine>,
    id: StreamerId,
    only: Option<CampaignId>,
) -> StoreResult<Option<Box<Why>>> {
    let Some(row) = engine.streamers.get(&id).map(|row| row.clone()) else { return Ok(None) };
    let memory = Memory::read(Arc::clone(engine), &row).await?;
    let catalogue = engine.catalogue.load_full();
    let shown = present(engine, id, catalogue.guide().rules.longest()).await?;
    let now = engine.now();
    let mut live = LiveStreamer::new(row);
    memory.tell(&mut live, &catalogue, now);
    live.remember_present(shown);
    live.store_away(engine.store_is_away(now));
    let world = World {
        now,
        sample: engine.ports.platform.sample(id, now),
        market: &*catalogue,
        attained: &|| engine.attained.read(),
        policies: &engine.numbers.policies,
        keys: &engine.tokens,
        terms: &engine.numbers.terms,
        random: &mut |_| (),
    };
    Ok(Some(Box::new(live.why(&world, only))))
}

/// Asks the streamers of this node about a campaign. What is not answered in time is left out, and the answer
/// says how many were heard.
///
/// # Errors
/// Too many such questions at once.
pub async fn survey(engine: &Arc<Engine>, campaign: CampaignId) -> StoreResult<Survey> {
    let busy = |_| StoreError::Unavailable("too many questions at once".to_owned());
    let turn = actix::clock::timeout(PATIENCE, SURVEYS.acquire()).await.map_err(busy)?;
    let mut sample = Sample::new(campaign, ASKED_MAX);
    engine.directory.each_streamer(|id, actor| {
        if actor.connected() {
            sample.note(id);
        }
    });
    let mut survey = Survey { live: sample.seen, asked: sample.first.len(), ..Survey::default() };
    let actors = sample
        .first
        .into_sorted_vec()
        .into_iter()
        .map(|(_, id)| id)
        .filter_map(|id| engine.directory.live_streamer(id));
    let answers = stream::iter(actors).map(async |actor| ask(&actor, Some(campaign)).await.ok().flatten());
    let mut answers = Box::pin(answers.buffer_unordered(AT_ONCE).take_until(sleep(PATIENCE)));
    while let Some(answer) = answers.next().await {
        let Some(why) = answer else { continue };
        survey.answered += 1;
        match why.fate(campaign) {
            Fate::Playing(_) => survey.playing += 1,
            Fate::Wins => survey.wins += 1,
            Fate::Loses(reason) => survey.losses.note(reason, 1),
        }
    }
    drop(turn);
    Ok(survey)
}

/// Some of the streamers: the first in an order that is mixed for each campaign. So a question asked twice
/// has the same answer, and not every campaign asks the same streamers.
struct Sample {
    campaign: CampaignId,
    most: usize,
    /// Streamers that were looked at.
    seen: usize,
    first: BinaryHeap<(u64, StreamerId)>,
}

impl Sample {
    fn new(campaign: CampaignId, most: usize) -> Self {
        Self { campaign, most, seen: 0, first: BinaryHeap::with_capacity(most + 1) }
    }

    fn note(&mut self, id: StreamerId) {
        self.seen += 1;
        let place = mix(mix(self.campaign.0.unsigned_abs()) ^ id.0.unsigned_abs());
        self.first.push((place, id));
        if self.first.len() > self.most {
            self.first.pop();
        }
    }
}

/// The finalizer of splitmix64: every bit of the answer depends on every bit of the question.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn asked(campaign: i64, ids: impl Iterator<Item = i64>, most: usize) -> BTreeSet<i64> {
        let mut sample = Sample::new(CampaignId(campaign), most);
        ids.for_each(|id| sample.note(StreamerId(id)));
        assert!(sample.first.len() == sample.seen.min(most));
        sample.first.into_iter().map(|(_, id)| id.0).collect()
    }

    #[test]
    fn the_same_streamers_are_asked_again_and_others_for_another_campaign() {
        let one = asked(7, 0..5000, 1000);
        assert_eq!(one, asked(7, (0..5000).rev(), 1000), "whatever the order of the directory is");
        let stays = asked(7, 0..5100, 1000).intersection(&one).count();
        assert!(stays > 950, "{stays}: a few who come push few out");
        let shared = asked(8, 0..5000, 1000).intersection(&one).count();
        assert!((100..300).contains(&shared), "{shared}: a fifth, by chance");
        assert_eq!(asked(7, 0..10, 1000).len(), 10);
    }
}
