//! One process, which needs no more than memory: a bounded broadcast of events, and counters in a map.
//! A listener that falls behind is told so and reads everything again.

use async_trait::async_trait;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{
    Bus, CampaignTotals, Event, Heard, LiveCounters, LiveError, StreamerTotals, Subscription,
};
use std::hash::Hash;
use tokio::sync::broadcast;

/// Events that wait for the slowest listener, at most.
const CAPACITY: usize = 1024;

/// The bus.
#[derive(Debug)]
pub struct MemoryBus {
    sender: broadcast::Sender<Heard>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0 }
    }
}

impl MemoryBus {
    /// Tells the listeners of this process.
    pub(super) fn tell(&self, heard: Heard) {
        // Nobody listens yet: everybody reads everything when they start.
        let _ = self.sender.send(heard);
    }
}

impl Bus for MemoryBus {
    fn publish(&self, event: Event) {
        self.tell(Heard::Event(event));
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        Box::new(Listener(self.sender.subscribe()))
    }
}

struct Listener(broadcast::Receiver<Heard>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Counters of a single process. They hold one entry for each campaign and streamer that was counted.
#[derive(Debug, Default)]
pub struct MemoryLive {
    campaigns: DashMap<CampaignId, CampaignTotals>,
    streamers: DashMap<StreamerId, StreamerTotals>,
}

fn replace<K: Eq + Hash, V>(map: &DashMap<K, V>, key: K, value: V, is_newer: impl FnOnce(&V) -> bool) {
    match map.entry(key) {
        Entry::Occupied(known) if !is_newer(known.get()) => {}
        Entry::Occupied(mut known) => {
            known.insert(value);
        }
        Entry::Vacant(free) => {
            free.insert(value);
        }
    }
}

#[async_trait]
impl LiveCounters for MemoryLive {
    async fn publish(
        &self,
        campaigns: &[(CampaignId, CampaignTotals)],
        streamers: &[(StreamerId, StreamerTotals)],
    ) -> Result<(), LiveError> {
        for (id, totals) in campaigns {
            replace(&self.campaigns, *id, *totals, |known| totals.version > known.version);
        }
        for (id, totals) in streamers {
            replace(&self.streamers, *id, *totals, |known| totals.plays > known.plays);
        }
        Ok(())
    }

    async fn campaign(&self, id: CampaignId) -> Result<Option<CampaignTotals>, LiveError> {
        Ok(self.campaigns.get(&id).map(|totals| *totals))
    }

    async fn streamer(&self, id: StreamerId) -> Result<Option<StreamerTotals>, LiveError> {
        Ok(self.streamers.get(&id).map(|totals| *totals))
    }

    fn is_up(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_hears_that_it_missed_something() {
        let bus = MemoryBus::default();
        let mut listener = bus.subscribe();
        for _ in 0..=CAPACITY {
            bus.publish(Event::CatalogueChanged);
        }
        assert_eq!(listener.next().await, Some(Heard::Missed));
        assert_eq!(listener.next().await, Some(Heard::Event(Event::CatalogueChanged)));
    }

    #[tokio::test]
    async fn an_older_value_never_replaces_a_newer_one() {
        let live = MemoryLive::default();
        for version in [2, 3, 1] {
            let campaign = CampaignTotals { version, ..CampaignTotals::default() };
            let plays = version.unsigned_abs();
            let streamer = StreamerTotals { plays, ..StreamerTotals::default() };
            live.publish(&[(CampaignId(1), campaign)], &[(StreamerId(1), streamer)]).await.unwrap();
        }
        assert_eq!(live.campaign(CampaignId(1)).await.unwrap().map(|totals| totals.version), Some(3));
        assert_eq!(live.streamer(StreamerId(1)).await.unwrap().map(|totals| totals.plays), Some(3));
        assert!(live.campaign(CampaignId(2)).await.unwrap().is_none());
    }
}
