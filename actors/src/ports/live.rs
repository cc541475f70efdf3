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

impl CampaignTotals {
    /// The newest of two sights of one campaign. What only grows counts as far as either saw it grow: a
    /// node knows what it settled since it read, and others know what they settled. What may also shrink
    /// is taken from the higher version.
    #[must_use]
    pub fn newest(self, other: Self) -> Self {
        let (newer, older) = if other.version > self.version { (other, self) } else { (self, other) };
        let (new, old) = (newer.budget, older.budget);
        let budget = Budget {
            spent: new.spent.max(old.spent),
            plays: new.plays.max(old.plays),
            viewers: new.viewers.max(old.viewers),
            clicks: new.clicks.max(old.clicks),
            rejected: new.rejected.max(old.rejected),
            ..new
        };
        Self { version: newer.version, budget }
    }
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

    /// Whether anybody else reads them: a process alone knows all there is to know, and writes nothing.
    fn are_shared(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(version: i64, funded: i64, spent: i64, plays: u64) -> CampaignTotals {
        let (funded, spent) = (Micros(funded), Micros(spent));
        CampaignTotals { version, budget: Budget { funded, spent, plays, ..Budget::default() } }
    }

    #[test]
    fn the_newest_of_two_sights_has_what_either_saw_grow_and_the_younger_funds() {
        // Read at version 3, and two plays settled since; another node's flush is of version 5, after a
        // release.
        let (own, shared) = (totals(3, 100, 30, 3), totals(5, 80, 25, 2));
        let newest = totals(5, 80, 30, 3);
        assert_eq!(own.newest(shared), newest);
        assert_eq!(shared.newest(own), newest);
        assert_eq!(own.newest(CampaignTotals::default()), own);
    }
}
