//! What a decision may choose from: campaigns, rules and who takes part, as one snapshot that is
//! replaced whole when something changes.

use crate::domain::campaign::Campaign;
use crate::domain::conflict::RuleIndex;
use crate::domain::decision::Candidate;
use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::money::Micros;
use crate::domain::pacing::{BudgetView, Pacing, Uniform};
use crate::domain::streamer::live::Market;
use crate::ports::CatalogueRows;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A campaign's money as its actor last published it. A view may be a few messages old, because
/// the actor checks again when it is asked for money.
#[derive(Debug, Default)]
pub struct BudgetCell {
    funded: AtomicI64,
    committed: AtomicI64,
}

impl BudgetCell {
    /// Publishes.
    pub fn publish(&self, funded: Micros, committed: Micros) {
        self.funded.store(funded.0, Ordering::Relaxed);
        self.committed.store(committed.0, Ordering::Relaxed);
    }

    /// Reads.
    #[must_use]
    pub fn view(&self) -> BudgetView {
        BudgetView {
            funded: Micros(self.funded.load(Ordering::Relaxed)),
            committed: Micros(self.committed.load(Ordering::Relaxed)),
        }
    }
}

/// A campaign with its money.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// Its money.
    pub budget: Arc<BudgetCell>,
}

/// The snapshot.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    rules: RuleIndex,
    participants: HashMap<StreamerId, HashSet<CampaignId>>,
}

impl Catalogue {
    /// Builds a snapshot; the money of campaigns that were in `before` stays where it is.
    #[must_use]
    pub fn new(rows: CatalogueRows, before: &Self) -> Self {
        let entry = |campaign: Campaign| {
            let budget = before.entry(campaign.id).map(|e| Arc::clone(&e.budget)).unwrap_or_default();
            Entry { campaign: Arc::new(campaign), budget }
        };
        let mut entries: Vec<Entry> = rows.campaigns.into_iter().map(entry).collect();
        entries.sort_by_key(|e| e.campaign.id);
        let mut participants: HashMap<StreamerId, HashSet<CampaignId>> = HashMap::new();
        for (streamer, campaign) in rows.participations {
            participants.entry(streamer).or_default().insert(campaign);
        }
        Self { entries, rules: RuleIndex::with(rows.rules, rows.overrides), participants }
    }

    /// One campaign; none when it has ended.
    #[must_use]
    pub fn entry(&self, id: CampaignId) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&id, |e| e.campaign.id).ok()?;
        self.entries.get(at)
    }

    /// All campaigns that have not ended.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Market for Catalogue {
    fn rules(&self) -> &RuleIndex {
        &self.rules
    }

    fn pacing(&self) -> &dyn Pacing {
        &Uniform
    }

    fn candidates(&self, streamer: StreamerId) -> Vec<Candidate<'_>> {
        let takes_part = self.participants.get(&streamer);
        let may = |e: &&Entry| e.campaign.open || takes_part.is_some_and(|set| set.contains(&e.campaign.id));
        self.entries
            .iter()
            .filter(may)
            .map(|e| Candidate { campaign: &e.campaign, budget: e.budget.view() })
            .collect()
    }
}
