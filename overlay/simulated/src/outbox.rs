//! Claims that the server has not acked. A claim is money: it is kept before it is sent and
//! forgotten only on its ack, however many sockets and servers come and go in between.

use gametriggers_protocol::overlay::Claim;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Claims under way at once; a long absence can leave thousands, and all of them at once would
/// trip the server's rate limit.
const UNDER_WAY_MAX: usize = 16;

/// The outbox of one overlay; clones share it. Give it to one running client at a time.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// By play id. These are UUIDs of version 7, so the order is that of time.
    waiting: BTreeMap<String, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    claim: Claim,
    times: u32,
    sent: Option<Instant>,
}

/// A claim that has left the outbox.
pub(crate) struct Acked {
    pub(crate) claim: Claim,
    pub(crate) times: u32,
    pub(crate) waited: Option<Duration>,
}

impl Outbox {
    /// Claims that wait for their ack.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps a claim that was sent so many times before.
    pub(crate) fn keep(&self, claim: Claim, times: u32) {
        let waiting = Waiting { claim, times, sent: None };
        self.lock().waiting.entry(waiting.claim.play_id.clone()).or_insert(waiting);
    }

    /// A new socket: whatever was under way may not have arrived.
    pub(crate) fn restart(&self) {
        for waiting in self.lock().waiting.values_mut() {
            waiting.sent = None;
        }
    }

    /// The next claim to send, with the number of times it is sent by then; none when enough is
    /// under way.
    pub(crate) fn next(&self, now: Instant) -> Option<(Claim, u32)> {
        let mut inner = self.lock();
        if inner.waiting.values().filter(|w| w.sent.is_some()).count() >= UNDER_WAY_MAX {
            return None;
        }
        let next = inner.waiting.values_mut().find(|w| w.sent.is_none())?;
        next.sent = Some(now);
        next.times += 1;
        Some((next.claim.clone(), next.times))
    }

    /// The claim is durable: forget it.
    pub(crate) fn ack(&self, play_id: &str, now: Instant) -> Option<Acked> {
        let Waiting { claim, times, sent } = self.lock().waiting.remove(play_id)?;
        Some(Acked { claim, times, waited: sent.map(|sent| now.saturating_duration_since(sent)) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use gametriggers_protocol::overlay::{Active, Evidence};

    fn claim(play: u32) -> Claim {
        let evidence = Evidence {
            painted_ms: 1_100,
            frames: 66,
            in_view_percent: 100,
            area_ppm: 40_000,
            label_visible: true,
            active: Active::Active,
            streaming: Some(true),
        };
        Claim { play_id: format!("{play:04}"), token: "t".into(), nonce: "n".into(), evidence }
    }

    #[test]
    fn a_claim_is_sent_again_until_acked() {
        let (outbox, at) = (Outbox::default(), now().at);
        outbox.keep(claim(1), 0);
        assert_eq!(outbox.next(at).unwrap().1, 1);
        assert!(outbox.next(at).is_none());
        outbox.restart();
        assert_eq!(outbox.next(at).unwrap().1, 2);
        let acked = outbox.clone().ack("0001", at).unwrap();
        assert_eq!(acked.times, 2);
        assert!(outbox.is_empty());
        assert!(outbox.ack("0001", at).is_none());
    }

    #[test]
    fn only_so_many_are_under_way() {
        let (outbox, at) = (Outbox::default(), now().at);
        (0..40).for_each(|play| outbox.keep(claim(play), 0));
        assert_eq!(std::iter::from_fn(|| outbox.next(at)).count(), UNDER_WAY_MAX);
        assert!(outbox.ack("0000", at).is_some());
        assert_eq!(outbox.next(at).unwrap().0.play_id, "0016");
    }
}
