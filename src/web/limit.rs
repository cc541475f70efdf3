//! How many clicks are looked at: so many a minute of one address, and so many at once of one play.

use gametriggers_actors::domain::id::PlayId;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clicks of one household in a minute: several viewers share an address, and each play has one click of it.
const PER_MINUTE: u32 = 60;
/// Households that are remembered at once.
const ADDRESSES_MAX: usize = 20_000;
/// Clicks under way at once.
const UNDER_WAY_MAX: usize = 1_000;

/// What is known of clicks in this process. None of it decides about money alone: the ledger does.
#[derive(Default)]
pub struct Clicks {
    minute: Mutex<(UnixMillis, HashMap<IpAddr, u32>)>,
    /// Plays and clicks, a click as often as it is under way.
    under_way: Mutex<Vec<(PlayId, PlayId)>>,
}

/// A click under way, until it is dropped.
pub(super) struct UnderWay {
    clicks: Arc<Clicks>,
    click: (PlayId, PlayId),
    /// Clicks under way on the same play, this one included, each counted once.
    pub(super) together: u32,
}

impl Clicks {
    /// Whether a click of this address is one too many.
    pub(super) fn is_too_many(&self, address: IpAddr, now: UnixMillis) -> bool {
        let mut minute = held(&self.minute);
        let (start, counts) = &mut *minute;
        // Full before its time: somebody has many addresses, and a new minute begins for everybody.
        if now >= *start + Millis::minutes(1) || counts.len() >= ADDRESSES_MAX {
            (*start, *counts) = (now, HashMap::new());
        }
        let count = counts.entry(address).or_default();
        *count = count.saturating_add(1);
        *count > PER_MINUTE
    }

    /// Notes a click under way; none when there are too many.
    pub(super) fn begin(self: Arc<Self>, play: PlayId, click: PlayId) -> Option<UnderWay> {
        let together = {
            let mut under_way = held(&self.under_way);
            if under_way.len() >= UNDER_WAY_MAX {
                return None;
            }
            under_way.push((play, click));
            let same_play = under_way.iter().filter(|(other, _)| *other == play);
            same_play.map(|(_, click)| *click).collect::<HashSet<_>>().len()
        };
        let together = u32::try_from(together).unwrap_or(u32::MAX);
        Some(UnderWay { clicks: self, click: (play, click), together })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = held(&self.clicks.under_way);
        if let Some(at) = under_way.iter().position(|click| *click == self.click) {
            under_way.swap_remove(at);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_clicks_a_minute_and_others_have_theirs() {
        let clicks = Clicks::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let at = |millis| UnixMillis(1_700_000_000_000 + millis);
        assert!((0..PER_MINUTE).all(|n| !clicks.is_too_many(one, at(i64::from(n)))));
        assert!(clicks.is_too_many(one, at(59_999)));
        assert!(!clicks.is_too_many(other, at(59_999)));
        assert!(!clicks.is_too_many(one, at(60_000)));
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() * 2 {
            clicks.is_too_many(IpAddr::V4(n.into()), at(60_000));
        }
        assert!(held(&clicks.minute).1.len() <= ADDRESSES_MAX);
    }

    #[test]
    fn clicks_under_way_are_counted_by_play_and_forgotten_at_their_end() {
        let clicks = Arc::new(Clicks::default());
        let play = |n| PlayId::mint(UnixMillis(n), [7; 10]);
        let begin = |n, viewer: &[u8]| Arc::clone(&clicks).begin(play(n), play(n).click(viewer));
        let (first, again) = (begin(1, b"a").unwrap(), begin(1, b"a").unwrap());
        let (second, other) = (begin(1, b"b").unwrap(), begin(2, b"a").unwrap());
        assert_eq!((first.together, again.together, second.together, other.together), (1, 1, 2, 1));
        drop(first);
        assert_eq!(begin(1, b"c").unwrap().together, 3, "the same click is still under way");
        drop((again, second));
        assert_eq!(begin(1, b"c").unwrap().together, 1);
        let many: Vec<_> = (3..).map_while(|n| begin(n, b"a")).collect();
        assert_eq!(many.len() + 1, UNDER_WAY_MAX);
        drop((many, other));
        assert!(held(&clicks.under_way).is_empty());
    }
}
