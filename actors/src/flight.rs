//! Campaigns whose flight is over are completed, as their brands could do it by hand.
//!
//! The catalogue says which ones are due, so that a turn without any asks nobody. The database has the last
//! word, in the transaction that ends a campaign: every node may try, and one does it; a campaign that was
//! given a longer flight meanwhile goes on. What a campaign did not spend goes back to its brand as after
//! every other end: its actors hand back what they hold when they hear of it, and the ledger returns it when
//! no lease is left.

use crate::domain::id::CampaignId;
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::ports::{Event, StoreError};
use std::sync::Arc;

/// Flights that are over are looked for this often.
pub(crate) const EVERY: Millis = Millis::minutes(1);
/// Campaigns that are completed in one turn, at most: the rest waits for the next one.
const TURN_MAX: usize = 100;
/// Campaigns that are told of at once, so that nobody hears late of the first of many.
const TOLD_MAX: usize = 10;

/// One turn.
pub(crate) async fn complete(engine: Arc<Engine>) {
    let over = over_by(&engine);
    for some in due(&engine, over).chunks(TOLD_MAX) {
        // Claims that wait for the database come first, and a server that stops begins nothing.
        if !engine.health.is_ready() {
            return;
        }
        let goes_on = complete_some(&engine, some, over).await;
        // Also when another node was faster, a brand has changed its mind or an answer was lost: what is
        // known here is old.
        engine.ports.bus.publish(Event::CatalogueChanged);
        if !goes_on {
            return;
        }
    }
}

/// Of a flight that was over by this moment nothing can be charged any more.
///
/// The last slot may be decided just before a flight ends. Setting its price aside and loading it take
/// `reserve` and `prepare`; then its token lives, and claims are taken for a `SKEW` longer, as are the clicks
/// on its link. Another `SKEW` later, which is for clocks that differ, its money is free. A campaign that
/// ends before loses nothing and is charged nothing twice, since leases outlive it. But it is granted nothing
/// any more, so a last play that waits for money would not be shown; and what it is said to have spent when
/// it ends would not be the end of it.
fn over_by(engine: &Engine) -> UnixMillis {
    engine.now() - engine.numbers.terms.money_returns_after()
}

/// Campaigns that are due as far as this node knows, those first that have waited longest.
fn due(engine: &Engine, over: UnixMillis) -> Vec<CampaignId> {
    let catalogue = engine.catalogue.load();
    let campaigns = catalogue.entries().iter().map(|entry| &entry.campaign);
    let mut due: Vec<(UnixMillis, CampaignId)> = campaigns
        .filter(|campaign| campaign.flight.ends <= over)
        .map(|campaign| (campaign.flight.ends, campaign.id))
        .collect();
    due.sort_unstable();
    due.into_iter().take(TURN_MAX).map(|(_, id)| id).collect()
}

/// Completes these, each in a transaction of its own: claims wait behind one of them and not behind all.
/// Whether there is any use in going on.
async fn complete_some(engine: &Engine, some: &[CampaignId], over: UnixMillis) -> bool {
    for id in some {
        match engine.ports.campaigns.complete(*id, over, engine.now()).await {
            Ok(true) => {
                ::metrics::counter!("gametriggers_campaigns_completed_total").increment(1);
                tracing::info!(campaign = id.0, "the flight is over: the campaign is completed");
            }
            Ok(false) => {}
            Err(error) => {
                let campaign = id.0;
                tracing::warn!(campaign, %error, "a campaign is not completed; it is tried again");
                if matches!(error, StoreError::Unavailable(_) | StoreError::Fenced) {
                    return false;
                }
            }
        }
    }
    true
}
