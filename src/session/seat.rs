//! Places among the sockets: of the whole server, of one address, and of one key. Free again when dropped.

use gametriggers_actors::ports::KeyHash;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sockets at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the server.
    pub all: usize,
    /// Of an address.
    pub per_address: usize,
    /// With a key.
    pub per_key: usize,
}

/// The places of a server.
#[derive(Debug)]
pub struct Seats {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    addresses: HashMap<IpAddr, usize>,
    keys: HashMap<KeyHash, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The server has as many sockets as it may.
    Server,
    /// The address has.
    Address,
}

/// The place of a socket. Who has not greeted yet costs as much as who has: both take one.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

/// The place of a socket among those with its key, or of its user.
#[derive(Debug)]
pub struct KeySeat {
    seats: Arc<Seats>,
    key: KeyHash,
}

impl Seats {
    /// As many places as there may be, all free.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// A place for a socket.
    ///
    /// # Errors
    /// There is none.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        let mut taken = self.taken();
        if taken.all >= self.limits.all {
            return Err(Full::Server);
        }
        if !count(&mut taken.addresses, address, self.limits.per_address) {
            return Err(Full::Address);
        }
        taken.all += 1;
        Ok(Seat { seats: Arc::clone(self), address })
    }

    /// A place among the sockets with a key; none when there are too many.
    #[must_use]
    pub fn take_key(self: &Arc<Self>, key: KeyHash) -> Option<KeySeat> {
        let free = count(&mut self.taken().keys, key, self.limits.per_key);
        free.then(|| KeySeat { seats: Arc::clone(self), key })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all = taken.all.saturating_sub(1);
        uncount(&mut taken.addresses, &self.address);
    }
}

impl KeySeat {
    /// Among the sockets of which key it is.
    #[must_use]
    pub const fn key(&self) -> &KeyHash {
        &self.key
    }
}

impl Drop for KeySeat {
    fn drop(&mut self) {
        uncount(&mut self.seats.taken().keys, &self.key);
    }
}

fn count<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K, most: usize) -> bool {
    let count = counts.entry(key).or_default();
    let free = *count < most;
    *count += usize::from(free);
    free
}

/// What is back at zero is forgotten: there are no more entries than sockets.
fn uncount<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_server_address_and_key_and_given_back() {
        let seats = Seats::new(Limits { all: 3, per_address: 2, per_key: 1 });
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = seats.take(one).unwrap();
        let second = seats.take(one).unwrap();
        assert_eq!(seats.take(one).unwrap_err(), Full::Address);
        let third = seats.take(other).unwrap();
        assert_eq!(seats.take(other).unwrap_err(), Full::Server);
        drop(first);
        let again = seats.take(one).unwrap();
        let key = seats.take_key([7; 32]).unwrap();
        assert!(seats.take_key([7; 32]).is_none());
        assert!(seats.take_key([8; 32]).is_some());
        drop((second, third, again, key));
        let taken = seats.taken();
        assert_eq!((taken.all, taken.addresses.len(), taken.keys.len()), (0, 0, 0));
    }
}
