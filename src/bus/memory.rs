//! One process, which needs no more than memory: a bounded broadcast of events, and no counters to share.
//! A listener that falls behind is told so and reads everything again.

use async_trait::async_trait;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{
    Bus, CampaignTotals, Event, Heard, LiveCounters, LiveError, StreamerTotals, Subscription,
};
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

/// The counters of a process alone: its actors have them, and nobody else asks.
#[derive(Debug, Default)]
pub struct OwnLive;

#[async_trait]
impl LiveCounters for OwnLive {
    async fn publish(
        &self,
        _campaigns: &[(CampaignId, CampaignTotals)],
        _streamers: &[(StreamerId, StreamerTotals)],
    ) -> Result<(), LiveError> {
        Ok(())
    }

    async fn campaign(&self, _id: CampaignId) -> Result<Option<CampaignTotals>, LiveError> {
        Ok(None)
    }

    async fn streamer(&self, _id: StreamerId) -> Result<Option<StreamerTotals>, LiveError> {
        Ok(None)
    }

    fn is_up(&self) -> bool {
        true
    }

    fn are_shared(&self) -> bool {
        false
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
}
