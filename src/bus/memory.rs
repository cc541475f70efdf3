//! The bus of a single process: a bounded broadcast. A listener that falls behind is told so and
//! reads everything again.

use async_trait::async_trait;
use gametriggers_actors::ports::{Bus, Event, Heard, Subscription};
use tokio::sync::broadcast;

/// Events that wait for the slowest listener, at most.
const CAPACITY: usize = 1024;

/// The bus.
#[derive(Debug)]
pub struct MemoryBus {
    sender: broadcast::Sender<Event>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0 }
    }
}

impl Bus for MemoryBus {
    fn publish(&self, event: Event) {
        // Nobody listens yet: everybody reads everything when they start.
        let _ = self.sender.send(event);
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        Box::new(Listener(self.sender.subscribe()))
    }
}

struct Listener(broadcast::Receiver<Event>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
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
