//! The slice of a budget that a campaign's actor may spend without asking the database.
//!
//! The database moves money into the lease (`granted`) and out of it (`settled`), each under a
//! constraint. In between the actor holds the price of every play that is decided and not yet
//! settled. A price whose token left the server comes back only when no claim for it can be
//! accepted any more: the token is self-contained, so forgetting is not an option
//! (`token::Terms::dead`).

use crate::domain::id::{LeaseId, PlayId};
use crate::domain::money::Micros;
use crate::domain::time::{Millis, UnixMillis};
use std::collections::HashMap;

/// What is set aside for one play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    amount: Micros,
    returns: UnixMillis,
}

/// A lease in the hands of its campaign's actor.
#[derive(Debug)]
pub struct Lease {
    id: LeaseId,
    granted: Micros,
    settled: Micros,
    held: Micros,
    holds: HashMap<PlayId, Hold>,
}

/// The lease has less left than the play may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease has {free:?} left")]
pub struct LeaseEmpty {
    /// What is left.
    pub free: Micros,
}

impl Lease {
    /// A fresh lease of `granted`.
    #[must_use]
    pub fn new(id: LeaseId, granted: Micros) -> Self {
        Self { id, granted, settled: Micros::ZERO, held: Micros::ZERO, holds: HashMap::new() }
    }

    /// The id that goes into debit tokens.
    #[must_use]
    pub const fn id(&self) -> LeaseId {
        self.id
    }

    /// Neither settled nor held.
    #[must_use]
    pub const fn free(&self) -> Micros {
        Micros(self.granted.0.saturating_sub(self.settled.0).saturating_sub(self.held.0))
    }

    /// Set aside for plays that are decided and not settled.
    #[must_use]
    pub const fn held(&self) -> Micros {
        self.held
    }

    /// Settled out of this lease.
    #[must_use]
    pub const fn settled_so_far(&self) -> Micros {
        self.settled
    }

    /// Granted so far.
    #[must_use]
    pub const fn granted(&self) -> Micros {
        self.granted
    }

    /// Plays with money set aside.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.holds.len()
    }

    /// Sets `amount` aside until `returns`.
    ///
    /// # Errors
    /// The lease has less left, or the play already has money set aside.
    pub fn reserve(&mut self, play: PlayId, amount: Micros, returns: UnixMillis) -> Result<(), LeaseEmpty> {
        if self.free() < amount || self.holds.contains_key(&play) {
            return Err(LeaseEmpty { free: self.free() });
        }
        self.holds.insert(play, Hold { amount, returns });
        self.held = Micros(self.held.0.saturating_add(amount.0));
        Ok(())
    }

    /// Gives a price back at once. Only for a play whose token never left the server.
    pub fn release(&mut self, play: PlayId) {
        if let Some(hold) = self.holds.remove(&play) {
            self.held = Micros(self.held.0.saturating_sub(hold.amount.0));
        }
    }

    /// The database settled `price` of a play out of this lease. `last` when nothing more can
    /// come for it; a CPC play keeps the rest of its clicks set aside until they expire.
    pub fn settle(&mut self, play: PlayId, price: Micros, last: bool) {
        self.settled = Micros(self.settled.0.saturating_add(price.0));
        let Some(hold) = self.holds.get_mut(&play) else { return };
        let used = Micros(price.0.min(hold.amount.0));
        hold.amount = Micros(hold.amount.0.saturating_sub(used.0));
        self.held = Micros(self.held.0.saturating_sub(used.0));
        if last {
            self.release(play);
        }
    }

    /// Takes back what is due back by `now`; the number of plays it came from.
    pub fn expire(&mut self, now: UnixMillis) -> usize {
        let due: Vec<PlayId> =
            self.holds.iter().filter(|(_, h)| h.returns <= now).map(|(play, _)| *play).collect();
        due.iter().for_each(|play| self.release(*play));
        due.len()
    }

    /// The database granted `amount` more.
    pub fn top_up(&mut self, amount: Micros) {
        self.granted = Micros(self.granted.0.saturating_add(amount.0));
    }

    /// Takes everything free out, to hand it back to the database.
    pub fn take_free(&mut self) -> Micros {
        let free = self.free();
        self.granted = Micros(self.granted.0.saturating_sub(free.0));
        free
    }

    /// Whether the parts make the whole; the invariant `lease_holds_what_it_granted`.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let held = Micros::sum(self.holds.values().map(|h| h.amount));
        held == Some(self.held) && self.held.0 >= 0 && self.settled.0 >= 0 && self.free().0 >= 0
    }
}

/// How much a campaign's actor asks the ledger for when its lease runs low: what it spends in about ten
/// seconds, by what the last grants lasted. What is in a lease is out of reach for every other node, and for
/// a while for everybody when its server dies, so a campaign that plays now and then asks for a few plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    size: Micros,
    granted: UnixMillis,
}

/// A slice that is gone sooner is doubled,
const SHORT: Millis = Millis::seconds(5);
/// and one that lasts longer is halved.
const LONG: Millis = Millis::seconds(20);
/// Plays that a slice pays for at least.
const PLAYS_MIN: i64 = 4;

impl Slice {
    /// What to ask for before a play at `price`: never more than is left, nor than a twentieth of it unless
    /// that is less than a few plays. None while half a slice is free.
    #[must_use]
    pub fn wanted(&self, unleased: Micros, free: Micros, price: Micros) -> Option<Micros> {
        let few = price.0.saturating_mul(PLAYS_MIN);
        // Towards the end every node leaves something to the others.
        let few = few.min((unleased.0 / 8).max(price.0));
        let size = self.size.0.min(unleased.0 / 20).max(few).min(unleased.0);
        (size > 0 && (free.0 < size / 2 || free < price)).then_some(Micros(size))
    }

    /// The ledger gave `amount`.
    pub fn granted(&mut self, amount: Micros, now: UnixMillis) {
        let lasted = now - self.granted;
        let size = if lasted < SHORT {
            amount.0.saturating_mul(2)
        } else if lasted > LONG {
            amount.0 / 2
        } else {
            amount.0
        };
        *self = Self { size: Micros(size), granted: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn play(n: u8) -> PlayId {
        PlayId::mint(UnixMillis(i64::from(n)), [n; 10])
    }

    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u8, i64, i64),
        Release(u8),
        Settle(u8, i64, bool),
        Expire(i64),
        TopUp(i64),
        TakeFree,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..12, 0_i64..400, 0_i64..100).prop_map(|(p, a, t)| Step::Reserve(p, a, t)),
            (0_u8..12).prop_map(Step::Release),
            (0_u8..12, 0_i64..400, any::<bool>()).prop_map(|(p, a, l)| Step::Settle(p, a, l)),
            (0_i64..100).prop_map(Step::Expire),
            (0_i64..500).prop_map(Step::TopUp),
            Just(Step::TakeFree),
        ]
    }

    proptest! {
        #[test]
        fn a_lease_never_holds_more_than_it_was_granted(steps in proptest::collection::vec(step(), 0..80)) {
            let mut lease = Lease::new(LeaseId(1), Micros(1000));
            let mut held: HashMap<u8, i64> = HashMap::new();
            for step in steps {
                match step {
                    Step::Reserve(p, a, t) => {
                        if lease.reserve(play(p), Micros(a), UnixMillis(t)).is_ok() {
                            held.insert(p, a);
                        }
                    }
                    Step::Release(p) => { lease.release(play(p)); held.remove(&p); }
                    // The database never settles more than was set aside: the token names the price.
                    Step::Settle(p, a, last) => {
                        if let Some(left) = held.get_mut(&p) {
                            let price = a.min(*left);
                            *left -= price;
                            lease.settle(play(p), Micros(price), last);
                            if last { held.remove(&p); }
                        }
                    }
                    Step::Expire(t) => {
                        lease.expire(UnixMillis(t));
                        held.retain(|p, _| lease.holds.contains_key(&play(*p)));
                    }
                    Step::TopUp(a) => lease.top_up(Micros(a)),
                    Step::TakeFree => { lease.take_free(); prop_assert_eq!(lease.free(), Micros::ZERO); }
                }
                prop_assert!(lease.is_sound());
                prop_assert_eq!(lease.held().0, held.values().sum::<i64>());
                prop_assert_eq!(
                    lease.granted().0,
                    lease.free().0 + lease.held().0 + lease.settled_so_far().0,
                );
            }
        }
    }

    #[test]
    fn a_price_comes_back_only_when_no_claim_can_come() {
        let mut lease = Lease::new(LeaseId(1), Micros(100));
        lease.reserve(play(1), Micros(100), UnixMillis(50)).unwrap();
        assert_eq!(lease.expire(UnixMillis(49)), 0);
        assert!(lease.reserve(play(2), Micros(1), UnixMillis(60)).is_err());
        assert_eq!(lease.expire(UnixMillis(50)), 1);
        assert!(lease.reserve(play(2), Micros(100), UnixMillis(60)).is_ok());
    }

    #[test]
    fn a_slice_is_a_few_plays_and_never_more_than_is_left() {
        let wanted = |unleased, free| Slice::default().wanted(Micros(unleased), Micros(free), Micros(10));
        assert_eq!(wanted(10_000, 0), Some(Micros(40)));
        assert_eq!(wanted(10_000, 20), None, "half of it is free");
        assert_eq!(wanted(160, 0), Some(Micros(20)), "others want something as well");
        assert_eq!((wanted(15, 0), wanted(5, 0)), (Some(Micros(10)), Some(Micros(5))));
        assert_eq!(wanted(0, 0), None);
    }

    #[test]
    fn a_slice_follows_what_is_spent_in_ten_seconds() {
        let left = Micros(1_000_000);
        // Spent at so much a second, as soon as it is there: the slice after ten minutes.
        let settles = |per_second: i64| {
            let (mut slice, mut free, mut asked) = (Slice::default(), 0, 0);
            for second in 0..600 {
                let now = UnixMillis(1_000_000 + second * 1000);
                let mut due = per_second;
                while due > 0 {
                    if let Some(more) = slice.wanted(left, Micros(free), Micros(10)) {
                        slice.granted(more, now);
                        (free, asked) = (free + more.0, asked + 1);
                    }
                    (due, free) = (due - 10, free - 10);
                }
            }
            (slice.wanted(left, Micros(0), Micros(10)).unwrap().0, asked)
        };
        for per_second in [10, 100, 1000] {
            let (size, asked) = settles(per_second);
            assert!((5..=40).contains(&(size / per_second)), "{per_second}: {size}");
            assert!(asked < 200, "{per_second}: asked {asked} times");
        }
        assert_eq!(settles(100_000).0, 50_000, "a twentieth of what is left");
    }
}
