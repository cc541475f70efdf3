//! Days that are made to mislead: nobody can earn it all without knowing what comes.

use super::{DAY, even, trace};
use crate::domain::campaign::Flight;
use crate::domain::money::Micros;
use crate::domain::time::UnixMillis;
use crate::sim::random::Random;
use crate::sim::trace::{Charge, Trace, TraceCampaign, TraceSlot, TraceStreamer};
use std::collections::BTreeSet;

/// What every play costs, nearly.
const PRICE: i64 = 1_000_000;

fn slot(place: u32, of: u32, streamer: u32) -> TraceSlot {
    let at = i64::from(place) * DAY.0 / i64::from(of.max(1));
    TraceSlot { at: UnixMillis(at), streamer, viewers: 100 }
}

fn streamer(category: u32) -> TraceStreamer {
    TraceStreamer { category, language: 0, base_viewers: 100 }
}

fn campaign(id: u32, price: i64, plays: i64, ends: i64) -> TraceCampaign {
    TraceCampaign {
        brand: id,
        category: id,
        charge: Charge::Flat(Micros(price)),
        budget: Micros(price * plays),
        flight: Flight { starts: UnixMillis(0), ends: UnixMillis(ends) },
        content_categories: [0, 1].into(),
        languages: [0].into(),
        viewers_min: 0,
        participants: BTreeSet::new(),
    }
}

/// The upper triangle: 40 phases of 100 slots, a stream for each slot. After each phase one more campaign,
/// in an order that the seed hides, is never wanted again; every budget is 100 plays. Those that last
/// longest pay a little more, so that the highest charge is the worst choice. It knows its best:
/// everything.
#[must_use]
pub fn triangle(name: String, seed: u64) -> Trace {
    const PHASES: u32 = 40;
    const SLOTS: u32 = 100;
    let mut random = Random::new(seed);
    let mut day = trace(name, true);
    let count = PHASES * SLOTS;
    day.streamers = (0..count).map(|_| streamer(0)).collect();
    day.slots = (0..count).map(|place| slot(place, count, place)).collect();
    let mut order: Vec<u32> = (0..PHASES).collect();
    for last in (1..order.len()).rev() {
        let other = random.below(u64::try_from(last + 1).unwrap_or(1));
        order.swap(last, usize::try_from(other).unwrap_or(0));
    }
    for (id, phases) in (0..).zip(&order) {
        let ends = i64::from(phases + 1) * DAY.0 / i64::from(PHASES);
        let mut campaign = campaign(id, PRICE + i64::from(*phases), i64::from(SLOTS), ends);
        campaign.participants = (0..(phases + 1) * SLOTS).collect();
        day.campaigns.push(campaign);
    }
    day.plans = day.campaigns.iter().map(|_| even()).collect();
    day.optimum = Micros::sum(day.campaigns.iter().map(|campaign| campaign.budget));
    day
}

/// The greedy trap: two campaigns of the same budget. One is wanted everywhere and pays a little more; the
/// other only in the first half. Who takes the highest charge empties the first in the first half, and the
/// second half has nobody. It knows its best: everything.
#[must_use]
pub fn trap(name: String) -> Trace {
    const SLOTS: u32 = 200;
    let mut day = trace(name, true);
    day.streamers = (0..SLOTS).map(|place| streamer(place / (SLOTS / 2))).collect();
    day.slots = (0..SLOTS).map(|place| slot(place, SLOTS, place)).collect();
    let mut everywhere = campaign(0, PRICE + 1, i64::from(SLOTS / 2), DAY.0);
    everywhere.participants = (0..SLOTS).collect();
    let mut early = campaign(1, PRICE, i64::from(SLOTS / 2), DAY.0);
    early.content_categories = [0].into();
    early.participants = (0..SLOTS / 2).collect();
    day.campaigns = vec![everywhere, early];
    day.plans = vec![even(), even()];
    day.optimum = Micros::sum(day.campaigns.iter().map(|campaign| campaign.budget));
    day
}
