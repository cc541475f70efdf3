//! How often somebody may try: so many times in a while for one account, and for one address.
//!
//! An attempt counts when it begins, so that many at once are no way around it, and is taken back when it
//! succeeds. Each process counts for itself: several nodes allow as many times more, which is still no way to
//! a password.

use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sha2::Digest;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Attempts are counted over this time from the first of them.
pub const WINDOW: Millis = Millis::minutes(10);
/// Accounts, and addresses, that are remembered at once.
const REMEMBERED_MAX: usize = 50_000;

/// An account, by the hash of what it is called.
type Account = [u8; 32];

/// Counts by who.
type Counts<K> = Mutex<HashMap<K, (UnixMillis, u32)>>;

/// What is known of attempts in this process.
pub struct Attempts {
    accounts: Counts<Account>,
    addresses: Counts<IpAddr>,
    per_account: u32,
    per_address: u32,
}

/// Too many attempts: come back after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub Millis);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one more, or says how long it takes until one more may be.
fn count<K: Eq + Hash>(counts: &Counts<K>, who: K, most: u32, now: UnixMillis) -> Result<(), TooMany> {
    let mut counts = held(counts);
    if counts.len() >= REMEMBERED_MAX && !counts.contains_key(&who) {
        counts.retain(|_, (start, _)| now - *start < WINDOW);
        // Somebody has many names: what is forgotten is the count of all, not the memory of the server.
        if counts.len() >= REMEMBERED_MAX {
            counts.clear();
        }
    }
    let (start, so_far) = counts.entry(who).or_insert((now, 0));
    if now - *start >= WINDOW {
        (*start, *so_far) = (now, 0);
    }
    if *so_far >= most {
        return Err(TooMany((*start + WINDOW) - now));
    }
    *so_far = so_far.saturating_add(1);
    Ok(())
}

fn account(name: &str) -> Account {
    sha2::Sha256::digest(name.as_bytes()).into()
}

impl Attempts {
    /// So many in a window for an account, and for an address.
    #[must_use]
    pub fn new(per_account: u32, per_address: u32) -> Self {
        Self { accounts: Mutex::default(), addresses: Mutex::default(), per_account, per_address }
    }

    /// Counts an attempt of an address.
    ///
    /// # Errors
    /// It is one too many; it is not counted then.
    pub fn from(&self, address: IpAddr, now: UnixMillis) -> Result<(), TooMany> {
        count(&self.addresses, address, self.per_address, now)
    }

    /// Counts an attempt on an account, whether or not there is one.
    ///
    /// # Errors
    /// It is one too many; it is not counted then.
    pub fn on(&self, name: &str, now: UnixMillis) -> Result<(), TooMany> {
        count(&self.accounts, account(name), self.per_account, now)
    }

    /// It was the right one: attempts on this account do not count any more, and this one of the address
    /// neither.
    pub fn succeeded(&self, name: &str, address: IpAddr) {
        self.forgive(name);
        if let Some((_, count)) = held(&self.addresses).get_mut(&address) {
            *count = count.saturating_sub(1);
        }
    }

    /// Attempts on this account do not count any more.
    pub fn forgive(&self, name: &str) {
        held(&self.accounts).remove(&account(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn so_many_may_be_tried_and_then_time_has_to_pass() {
        let attempts = Attempts::new(3, 1000);
        assert!((0..3).all(|n| attempts.on("ada", NOW + Millis(n)).is_ok()));
        assert_eq!(attempts.on("ada", NOW + Millis(1000)), Err(TooMany(Millis(WINDOW.0 - 1000))));
        assert_eq!(attempts.on("bo", NOW + Millis(1000)), Ok(()));
        assert_eq!(attempts.on("ada", NOW + WINDOW), Ok(()));
    }

    #[test]
    fn a_success_is_no_attempt() {
        let (attempts, address) = (Attempts::new(3, 3), "192.0.2.1".parse().unwrap());
        for n in 0..20 {
            let now = NOW + Millis(n);
            assert_eq!((attempts.from(address, now), attempts.on("ada", now)), (Ok(()), Ok(())), "{n}");
            attempts.succeeded("ada", address);
        }
        assert!((0..3).all(|_| attempts.from(address, NOW).is_ok()));
        assert!(attempts.from(address, NOW).is_err());
    }

    #[test]
    fn many_names_take_no_memory() {
        let attempts = Attempts::new(3, 3);
        for n in 0..u32::try_from(REMEMBERED_MAX).unwrap() * 2 + 1 {
            let _ = attempts.from(IpAddr::V4(n.into()), NOW);
        }
        assert!(held(&attempts.addresses).len() <= REMEMBERED_MAX);
    }
}
