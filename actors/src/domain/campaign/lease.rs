//! The slice of a budget that a campaign's actor may spend without asking the database.
//!
//! The database moves money into the lease (`granted`) and out of it (`settled`), each under a
//! constraint. In between the actor holds the price of every play that is decided and not yet
//! settled. A price whose token left the server comes back only when no claim for it can be
//! accepted any more: the token is self-contained, so forgetting is not an option
//! (`token::Terms::dead`).

use crate::domain::id::{LeaseId, PlayId};
use crate::domain::money::Micros;
use crate::domain::time::UnixMillis;
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

/// How much to ask for when a lease runs low: a twentieth of what the campaign has left, at least
/// `price_floor` times twenty, never more than is left. None while more than half a slice is free.
#[must_use]
pub fn slice_wanted(unleased: Micros, free: Micros, price: Micros) -> Option<Micros> {
    if !unleased.is_positive() {
        return None;
    }
    let floor = price.0.saturating_mul(20);
    let slice = (unleased.0 / 20).max(floor).min(unleased.0);
    (free.0 < slice / 2 || free < price).then_some(Micros(slice))
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
    fn a_slice_is_a_twentieth_and_never_more_than_is_left() {
        assert_eq!(slice_wanted(Micros(10_000), Micros(0), Micros(10)), Some(Micros(500)));
        assert_eq!(
            slice_wanted(Micros(1000), Micros(0), Micros(10)),
            Some(Micros(200)),
            "twenty plays at least"
        );
        assert_eq!(slice_wanted(Micros(10_000), Micros(250), Micros(10)), None);
        assert_eq!(slice_wanted(Micros(15), Micros(0), Micros(10)), Some(Micros(15)));
        assert_eq!(slice_wanted(Micros(0), Micros(0), Micros(10)), None);
    }
}
