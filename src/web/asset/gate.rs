//! How many uploads run at once, of all and of each brand: each holds its whole body in memory.

use gametriggers_actors::domain::id::BrandId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lets uploads in, up to a bound.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    all_max: usize,
    each_max: usize,
    running: Mutex<HashMap<Option<BrandId>, usize>>,
}

/// The right to send one upload, given back when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    gate: Gate,
    owner: Option<BrandId>,
}

impl Gate {
    /// A gate for so many uploads at once, and so many of one brand.
    #[must_use]
    pub fn new(all_max: usize, each_max: usize) -> Self {
        Self(Arc::new(Inside { all_max, each_max, running: Mutex::default() }))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Option<BrandId>, usize>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket, if there is room.
    #[must_use]
    pub fn enter(&self, owner: Option<BrandId>) -> Option<Ticket> {
        let mut running = self.running();
        let all: usize = running.values().sum();
        let own = running.get(&owner).copied().unwrap_or(0);
        if all >= self.0.all_max || own >= self.0.each_max {
            return None;
        }
        running.insert(owner, own + 1);
        drop(running);
        Some(Ticket { gate: self.clone(), owner })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut running = self.gate.running();
        match running.get_mut(&self.owner) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                running.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_brand_does_not_take_every_place_and_places_come_back() {
        let gate = Gate::new(3, 2);
        let (one, other) = (Some(BrandId(1)), Some(BrandId(2)));
        let held: Vec<_> = (0..2).filter_map(|_| gate.enter(one)).collect();
        assert_eq!((held.len(), gate.enter(one).is_none()), (2, true));
        let last = gate.enter(other).unwrap();
        assert!(gate.enter(None).is_none(), "full");
        drop(last);
        assert!(gate.enter(None).is_some());
        drop(held);
        assert!(gate.enter(one).is_some() && gate.running().is_empty());
    }
}
