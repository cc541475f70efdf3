//! Who takes part in which campaign.

use super::StoreResult;
use crate::domain::conflict::Presence;
use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::time::UnixMillis;
use async_trait::async_trait;

/// How far a participation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The streamer asked; the brand has not answered.
    Applied,
    /// The streamer may play the campaign.
    Approved,
    /// The brand said no.
    Declined,
    /// It is over.
    Ended,
}

impl Standing {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Ended => "ended",
        }
    }

    /// The standing of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Applied, Self::Approved, Self::Declined, Self::Ended].into_iter().find(|s| s.code() == code)
    }
}

/// A streamer in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participation {
    /// Who.
    pub streamer: StreamerId,
    /// In what.
    pub campaign: CampaignId,
    /// How far it came.
    pub standing: Standing,
    /// When the streamer asked.
    pub created: UnixMillis,
    /// When it last changed.
    pub updated: UnixMillis,
}

/// Participations.
#[async_trait]
pub trait ParticipationStore: Send + Sync {
    /// One participation; none when the streamer never asked.
    async fn participation(
        &self,
        streamer: StreamerId,
        campaign: CampaignId,
    ) -> StoreResult<Option<Participation>>;
    /// The campaigns that have not ended for which the streamer is approved, by ascending id, as if each was
    /// shown at `now`.
    async fn assigned(&self, streamer: StreamerId, now: UnixMillis) -> StoreResult<Vec<Presence>>;
    /// The streamer asks. Who asked before is given what there is. `Constraint` without such a streamer or
    /// campaign.
    async fn apply(
        &self,
        streamer: StreamerId,
        campaign: CampaignId,
        now: UnixMillis,
    ) -> StoreResult<Participation>;
    /// The brand answers: approved or declined. An approval was judged by what the streamer was `assigned`
    /// to; when that is another list by now, nothing is written and the answer is none: judge again.
    /// `NotFound` when the streamer never asked.
    async fn answer(
        &self,
        of: (StreamerId, CampaignId),
        standing: Standing,
        assigned: &[CampaignId],
        now: UnixMillis,
    ) -> StoreResult<Option<Participation>>;
}
