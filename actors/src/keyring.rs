//! The keys that are valid on this node, in memory: a handshake asks no database.

use crate::ports::{KeyHash, Principal};
use dashmap::DashMap;
use sha2::Digest;

/// Hash of a key to its holder. Looking up the hash of what a client sent says nothing about the
/// keys by its timing: the hash is not under the client's control.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: DashMap<KeyHash, Principal>,
    demo: bool,
}

/// What the keys of the demo start with. They are printed, kept in a file and shared without care, so
/// they open nothing outside the demo, even on a database that the demo has made.
pub const DEMO_PREFIX: &str = "gt_demo_";

impl Keyring {
    /// An empty ring; `demo` when the demo's keys are taken.
    #[must_use]
    pub fn new(demo: bool) -> Self {
        Self { keys: DashMap::new(), demo }
    }

    /// The hash under which a key is kept.
    #[must_use]
    pub fn hash(key: &str) -> KeyHash {
        sha2::Sha256::digest(key.as_bytes()).into()
    }

    /// Adds keys.
    pub fn add(&self, keys: impl IntoIterator<Item = (KeyHash, Principal)>) {
        keys.into_iter().for_each(|(hash, principal)| {
            self.keys.insert(hash, principal);
        });
    }

    /// Removes a key.
    pub fn remove(&self, hash: &KeyHash) {
        self.keys.remove(hash);
    }

    /// The hashes of all keys.
    #[must_use]
    pub fn hashes(&self) -> Vec<KeyHash> {
        self.keys.iter().map(|entry| *entry.key()).collect()
    }

    /// The hashes of a holder's keys. Looks at all of them: for the rare request, not for a handshake.
    #[must_use]
    pub fn of(&self, principal: Principal) -> Vec<KeyHash> {
        self.keys.iter().filter(|entry| *entry.value() == principal).map(|entry| *entry.key()).collect()
    }

    /// The holder of a key.
    #[must_use]
    pub fn holder(&self, key: &str) -> Option<(KeyHash, Principal)> {
        if key.starts_with(DEMO_PREFIX) && !self.demo {
            return None;
        }
        let hash = Self::hash(key);
        self.keys.get(&hash).map(|principal| (hash, *principal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_demo_opens_nothing_elsewhere() {
        for (demo, key, opens) in
            [(true, "gt_demo_admin_1", true), (false, "gt_demo_admin_1", false), (false, "gt_admin_1", true)]
        {
            let ring = Keyring::new(demo);
            ring.add([(Keyring::hash(key), Principal::Admin)]);
            assert_eq!(ring.holder(key).is_some(), opens, "{key} with demo={demo}");
            assert!(ring.holder("gt_admin_2").is_none());
        }
    }
}
