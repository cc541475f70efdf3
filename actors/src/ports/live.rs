//! Live counters that every node can read. Never asked about money.

use super::Budget;
use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::money::Micros;
use async_trait::async_trait;

/// A campaign's totals out of the database. The higher version is the newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CampaignTotals {
    /// Grows with every change of the budget's row.
    pub version: i64,
    /// The money and the counters.
    pub budget: Budget,
}

/// A streamer's totals out of the database. The higher version is the newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamerTotals {
    /// Plays and clicks that earned: it never falls, so it also is the version.
    pub plays: u64,
    /// Durable earnings, all time.
    pub earned: Micros,
}

/// The counters could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("live counters are away: {0}")]
pub struct LiveError(pub String);

/// The counters. Absolute values: a value replaces an older one, never the other way round.
#[async_trait]
pub trait LiveCounters: Send + Sync {
    /// Writes totals, in one round trip.
    async fn publish(
        &self,
        campaigns: &[(CampaignId, CampaignTotals)],
        streamers: &[(StreamerId, StreamerTotals)],
    ) -> Result<(), LiveError>;

    /// The newest totals of a campaign, from whichever node; none when nobody wrote any.
    async fn campaign(&self, id: CampaignId) -> Result<Option<CampaignTotals>, LiveError>;

    /// The newest totals of a streamer.
    async fn streamer(&self, id: StreamerId) -> Result<Option<StreamerTotals>, LiveError>;

    /// Whether they can be written and read right now, and what is written comes back.
    fn is_up(&self) -> bool;
}
