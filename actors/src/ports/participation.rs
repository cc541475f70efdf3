//! Who takes part in which campaign.

use super::StoreResult;
use crate::domain::conflict::Presence;
use crate::domain::id::{CampaignId, StreamerId};
pub use crate::domain::participation::{Party, Standing};
use crate::domain::time::UnixMillis;
use async_trait::async_trait;

/// A streamer in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participation {
    /// Who.
    pub streamer: StreamerId,
    /// In what.
    pub campaign: CampaignId,
    /// How far it came.
    pub standing: Standing,
    /// When one asked the other first.
    pub created: UnixMillis,
    /// When it last changed.
    pub updated: UnixMillis,
}

/// Participations.
#[async_trait]
pub trait ParticipationStore: Send + Sync {
    /// One participation; none when nobody ever asked.
    async fn participation(
        &self,
        streamer: StreamerId,
        campaign: CampaignId,
    ) -> StoreResult<Option<Participation>>;
    /// The campaigns that have not ended for which the streamer is approved, by ascending id, as if each was
    /// shown at `now`.
    async fn assigned(&self, streamer: StreamerId, now: UnixMillis) -> StoreResult<Vec<Presence>>;
    /// One asks the other: applied or invited. Who asked before is given what there is. `Constraint` without
    /// such a streamer or campaign.
    async fn propose(
        &self,
        of: (StreamerId, CampaignId),
        standing: Standing,
        now: UnixMillis,
    ) -> StoreResult<Participation>;
    /// Moves a participation from one standing to another. An approval was judged by what the streamer was
    /// `assigned` to. When the standing or that list is another one by now, nothing is written and the
    /// answer is none: judge again. `NotFound` when nobody ever asked.
    async fn move_on(
        &self,
        of: (StreamerId, CampaignId),
        step: (Standing, Standing),
        assigned: &[CampaignId],
        now: UnixMillis,
    ) -> StoreResult<Option<Participation>>;
    /// A page of the participations of a campaign by ascending streamer, or of a streamer by ascending
    /// campaign, after `after`; of one standing or of all.
    async fn participations(
        &self,
        of: ParticipationsOf,
        standing: Option<Standing>,
        after: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<Participation>>;
}

/// Whose participations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipationsOf {
    /// Of those who take part in it.
    Campaign(CampaignId),
    /// Of what they take part in.
    Streamer(StreamerId),
}
