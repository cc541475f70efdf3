//! How many requests somebody has left: the generic cell rate algorithm (the virtual scheduling of ITU-T
//! I.371). Of each one moment is kept: when they have their whole allowance again.
//!
//! Memory is bounded. Who has a whole allowance is forgotten; when there are too many others, those who are
//! new share one allowance until some are forgotten.

use dashmap::DashMap;
use gametriggers_actors::domain::time::UnixMillis;
use std::hash::Hash;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

const MINUTE_US: i64 = 60_000_000;
const SECOND_US: i64 = 1_000_000;
/// When there are too many, those who can be forgotten are looked for this often.
const SWEEP_US: i64 = SECOND_US;

/// So many requests a minute, and so many of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// In the long run.
    pub per_minute: u32,
    /// After a while without any.
    pub burst: u32,
}

/// What is left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Whether this request is answered.
    pub(super) is_let_in: bool,
    /// Requests that would be answered now.
    pub(super) requests: i64,
    /// Seconds until there is one more, rounded up.
    pub(super) more_in_s: i64,
}

impl Allowance {
    /// The time in which one request comes back, in microseconds.
    fn interval(self) -> i64 {
        MINUTE_US / i64::from(self.per_minute.max(1))
    }

    /// The time in which the whole burst comes back, in seconds, rounded up.
    pub(super) fn window_s(self) -> i64 {
        seconds(self.interval() * i64::from(self.burst))
    }

    /// Takes one request from who is full again at that moment. What is refused takes nothing.
    fn take(self, full_at: &mut i64, now: i64) -> Left {
        let (interval, burst) = (self.interval(), i64::from(self.burst));
        let after = (*full_at - now).max(0) + interval;
        let over = after - burst * interval;
        if over > 0 {
            return Left { is_let_in: false, requests: 0, more_in_s: seconds(over) };
        }
        *full_at = now + after;
        let more_in = (after - 1) % interval + 1;
        Left { is_let_in: true, requests: -over / interval, more_in_s: seconds(more_in) }
    }
}

fn seconds(micros: i64) -> i64 {
    (micros + SECOND_US - 1) / SECOND_US
}

/// What everybody of one kind has left.
#[derive(Debug)]
pub(super) struct Buckets<K: Eq + Hash> {
    pub(super) allowance: Allowance,
    most: usize,
    /// When they are full again, in microseconds of unix time.
    full_at: DashMap<K, i64>,
    /// The same of all who found no room.
    others: Mutex<i64>,
    swept_at: AtomicI64,
}

impl<K: Eq + Hash> Buckets<K> {
    /// An allowance for each, of whom so many are remembered; none when it is zero.
    pub(super) fn new(allowance: Allowance, most: usize) -> Option<Self> {
        (allowance.per_minute > 0).then(|| Self {
            allowance,
            most,
            full_at: DashMap::new(),
            others: Mutex::default(),
            swept_at: AtomicI64::new(i64::MIN),
        })
    }

    /// Takes one request.
    pub(super) fn take(&self, who: K, now: UnixMillis) -> Left {
        let now = now.0.saturating_mul(1000);
        if let Some(mut full_at) = self.full_at.get_mut(&who) {
            return self.allowance.take(&mut full_at, now);
        }
        if self.full_at.len() >= self.most {
            self.sweep_at(now);
        }
        if self.full_at.len() >= self.most {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            return self.allowance.take(&mut others, now);
        }
        self.allowance.take(&mut self.full_at.entry(who).or_insert(now), now)
    }

    /// Forgets who has a whole allowance.
    pub(super) fn sweep(&self, now: UnixMillis) {
        self.sweep_at(now.0.saturating_mul(1000));
    }

    fn sweep_at(&self, now: i64) {
        let before = self.swept_at.load(Ordering::Relaxed);
        let mine = || self.swept_at.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
        if now.saturating_sub(before) >= SWEEP_US && mine().is_ok() {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.full_at.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gametriggers_actors::domain::time::Millis;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const FEW: Allowance = Allowance { per_minute: 60, burst: 3 };

    fn buckets(allowance: Allowance, most: usize) -> Buckets<u32> {
        Buckets::new(allowance, most).unwrap()
    }

    #[test]
    fn a_burst_is_let_in_and_then_one_after_the_other() {
        let buckets = buckets(FEW, 10);
        let take = |millis| buckets.take(1, NOW + Millis(millis));
        let left = |is_let_in, requests, more_in_s| Left { is_let_in, requests, more_in_s };
        assert_eq!([take(0), take(0), take(0)], [left(true, 2, 1), left(true, 1, 1), left(true, 0, 1)]);
        for _ in 0..1000 {
            assert_eq!(take(0), left(false, 0, 1), "and what is refused makes nobody wait longer");
        }
        assert_eq!((take(999).is_let_in, take(1000).is_let_in, take(1000).is_let_in), (false, true, false));
        assert_eq!(take(1_000_000), left(true, 2, 1), "a rest gives a burst, and no more");
        assert!(buckets.take(2, NOW).is_let_in, "others have their own");
        let slow = Allowance { per_minute: 1, burst: 2 };
        let slow = self::buckets(slow, 10);
        let take = |millis| slow.take(1, NOW + Millis(millis));
        assert_eq!([take(0), take(0), take(0)], [left(true, 1, 60), left(true, 0, 60), left(false, 0, 60)]);
        assert_eq!(take(59_001), left(false, 0, 1), "what is said of the time is enough to wait");
        assert_eq!((FEW.window_s(), Allowance { per_minute: 7, burst: 1 }.window_s()), (3, 9));
        assert!(Buckets::<u32>::new(Allowance { per_minute: 0, burst: 1 }, 1).is_none());
    }

    proptest! {
        /// Whenever somebody asks: never more than the burst and what came back meanwhile, and who waits as
        /// long as is said is let in.
        #[test]
        fn no_more_than_allowed_in_any_time(
            per_minute in 1_u32..10_000,
            burst in 1_u32..50,
            waits in prop::collection::vec(0_i64..3_000, 1..200),
        ) {
            let allowance = Allowance { per_minute, burst };
            let (mut full_at, mut now, mut let_in) = (0, NOW.0 * 1000, Vec::new());
            for wait in waits {
                now += wait * 1000;
                let left = allowance.take(&mut full_at, now);
                if left.is_let_in {
                    let_in.push(now);
                } else {
                    let mut later = full_at;
                    prop_assert!(allowance.take(&mut later, now + left.more_in_s * SECOND_US).is_let_in);
                }
                prop_assert!((0..=i64::from(burst)).contains(&left.requests) && left.more_in_s > 0);
            }
            for (at, first) in let_in.iter().enumerate() {
                for (n, last) in (1_i64..).zip(let_in.iter().skip(at)) {
                    prop_assert!(n <= i64::from(burst) + (last - first) / allowance.interval() + 1);
                }
            }
        }
    }

    #[test]
    fn many_take_no_memory_and_those_who_are_known_keep_theirs() {
        let buckets = buckets(FEW, 100);
        for _ in 0..3 {
            buckets.take(0, NOW);
        }
        for who in 1..10_000 {
            buckets.take(who, NOW);
        }
        assert_eq!(buckets.len(), 100);
        assert!(!buckets.take(10_000, NOW).is_let_in, "the others share one allowance, which is used up");
        assert!(!buckets.take(0, NOW).is_let_in && buckets.take(1, NOW).is_let_in);
        buckets.sweep(NOW + Millis(2_500));
        assert_eq!(buckets.len(), 1, "one has not its whole allowance yet");
        assert!(buckets.take(10_000, NOW + Millis(2_500)).is_let_in);
    }

    #[test]
    fn a_crowd_that_is_gone_makes_room_for_who_comes() {
        let buckets = buckets(FEW, 100);
        assert!((0..100).all(|who| buckets.take(who, NOW).is_let_in));
        let later = NOW + Millis(1_000);
        assert!((200..300).all(|who| buckets.take(who, later).is_let_in));
        assert_eq!(buckets.len(), 100);
    }
}
