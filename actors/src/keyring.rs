//! The keys that are valid on this node, in memory: a handshake asks no database.
//!
//! When a key is over is compared with the clock at each look: nobody has to take it away in time.

use crate::domain::time::{Millis, UnixMillis};
use crate::ports::{KeyEnd, KeyHash, KeyTerms, Principal};
use dashmap::DashMap;
use sha2::Digest;
use std::sync::atomic::{AtomicI64, Ordering};

/// Hash of a key to what it opens. Looking up the hash of what a client sent says nothing about the
/// keys by its timing: the hash is not under the client's control.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: DashMap<KeyHash, Entry>,
    /// Keys that were revoked a short time ago: what was read before must not bring them back.
    dead: DashMap<KeyHash, UnixMillis>,
    demo: bool,
}

/// A key, and when it was used. Zero is never.
#[derive(Debug)]
struct Entry {
    terms: KeyTerms,
    used: AtomicI64,
    noted: AtomicI64,
}

/// What the keys of the demo start with. They are printed, kept in a file and shared without care, so
/// they open nothing outside the demo, even on a database that the demo has made.
pub const DEMO_PREFIX: &str = "gt_demo_";

/// Longer than any read of the database takes.
const READ_MAX: Millis = Millis::minutes(10);
/// The use of a key is noted this often at most.
const NOTED: Millis = Millis::minutes(60);
/// So many notes are written at once.
const NOTES_MAX: usize = 1000;

impl Keyring {
    /// An empty ring; `demo` when the demo's keys are taken.
    #[must_use]
    pub fn new(demo: bool) -> Self {
        Self { demo, ..Self::default() }
    }

    /// The hash under which a key is kept.
    #[must_use]
    pub fn hash(key: &str) -> KeyHash {
        sha2::Sha256::digest(key.as_bytes()).into()
    }

    /// Adds keys, or what is new of them. One that was revoked stays dead, and one that was replaced stays
    /// replaced: what was read late changes nothing.
    pub fn add<T: Into<KeyTerms>>(&self, keys: impl IntoIterator<Item = (KeyHash, T)>) {
        for (hash, terms) in keys {
            let terms = terms.into();
            let fresh = || Entry { terms, used: AtomicI64::new(0), noted: AtomicI64::new(0) };
            let mut entry = self.keys.entry(hash).or_insert_with(fresh);
            let replaced = terms.replaced.or(entry.terms.replaced);
            entry.terms = KeyTerms { replaced, ..terms };
            drop(entry);
            // Looked at last: who revokes it writes here first.
            if self.dead.contains_key(&hash) {
                self.keys.remove(&hash);
            }
        }
    }

    /// Takes what a read of the database found that began at a moment. Who was archived and came back has
    /// their keys again: what died before the read began, and is in it, is alive.
    pub fn read(&self, keys: impl IntoIterator<Item = (KeyHash, KeyTerms)>, began: UnixMillis) {
        for (hash, terms) in keys {
            self.dead.remove_if(&hash, |_, at| *at < began);
            self.add([(hash, terms)]);
        }
    }

    /// Removes a key for good, as far as reads know that began before.
    pub fn revoke(&self, hash: &KeyHash, now: UnixMillis) {
        self.dead.insert(*hash, now);
        self.keys.remove(hash);
    }

    /// The hashes of all keys.
    #[must_use]
    pub fn hashes(&self) -> Vec<KeyHash> {
        self.keys.iter().map(|entry| *entry.key()).collect()
    }

    /// The hashes of a holder's keys. Looks at all of them: for the rare request, not for a handshake.
    #[must_use]
    pub fn of(&self, holder: Principal) -> Vec<KeyHash> {
        let own = self.keys.iter().filter(|entry| entry.terms.holder == holder);
        own.map(|entry| *entry.key()).collect()
    }

    /// The terms of a key that is good now.
    ///
    /// # Errors
    /// How it came to its end; one that nobody knows counts as revoked.
    pub fn judge(&self, hash: &KeyHash, now: UnixMillis) -> Result<KeyTerms, KeyEnd> {
        let terms = self.keys.get(hash).map(|entry| entry.terms).ok_or(KeyEnd::Revoked)?;
        terms.end(now).map_or(Ok(terms), Err)
    }

    /// What a key opens now; it is used by that. None for one that is not good.
    #[must_use]
    pub fn holder(&self, key: &str, now: UnixMillis) -> Option<(KeyHash, KeyTerms)> {
        if key.starts_with(DEMO_PREFIX) && !self.demo {
            return None;
        }
        let hash = Self::hash(key);
        let entry = self.keys.get(&hash).filter(|entry| entry.terms.end(now).is_none())?;
        entry.used.store(now.0, Ordering::Relaxed);
        Some((hash, entry.terms))
    }

    /// Forgets what is over, and says which uses are worth a note: some of them, when there are many.
    pub fn tidy(&self, now: UnixMillis) -> Vec<(KeyHash, UnixMillis)> {
        self.dead.retain(|_, at| now - *at < READ_MAX);
        let mut notes = Vec::new();
        self.keys.retain(|hash, entry| {
            let (used, noted) = (entry.used.load(Ordering::Relaxed), entry.noted.load(Ordering::Relaxed));
            if notes.len() < NOTES_MAX && UnixMillis(used) - UnixMillis(noted) >= NOTED {
                notes.push((*hash, UnixMillis(used)));
            }
            // A little later: its sockets ask how it ended.
            entry.terms.ends().is_none_or(|end| now - end < READ_MAX)
        });
        notes
    }

    /// These uses are written down.
    pub fn noted(&self, notes: &[(KeyHash, UnixMillis)]) {
        for (hash, at) in notes {
            if let Some(entry) = self.keys.get(hash) {
                entry.noted.store(at.0, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::BrandId;
    use crate::domain::scope::{Scope, Scopes};

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn terms() -> KeyTerms {
        Principal::Brand(BrandId(7)).into()
    }

    #[test]
    fn a_key_of_the_demo_opens_nothing_elsewhere() {
        for (demo, key, opens) in
            [(true, "gt_demo_admin_1", true), (false, "gt_demo_admin_1", false), (false, "gt_admin_1", true)]
        {
            let ring = Keyring::new(demo);
            ring.add([(Keyring::hash(key), Principal::Admin)]);
            assert_eq!(ring.holder(key, NOW).is_some(), opens, "{key} with demo={demo}");
            assert!(ring.holder("gt_admin_2", NOW).is_none());
        }
    }

    #[test]
    fn a_key_is_dead_at_its_time_and_says_how_it_ended() {
        let (ring, hash) = (Keyring::new(false), Keyring::hash("k"));
        let scopes = Scopes::of(&[Scope::WalletRead]);
        let short = KeyTerms { scopes, expires: Some(NOW + Millis(10)), ..terms() };
        ring.add([(hash, short)]);
        assert_eq!(ring.holder("k", NOW + Millis(9)), Some((hash, short)));
        assert_eq!(ring.holder("k", NOW + Millis(10)), None);
        assert_eq!(ring.judge(&hash, NOW + Millis(10)), Err(KeyEnd::Expired));
        ring.add([(hash, KeyTerms { replaced: Some(NOW + Millis(5)), ..short })]);
        // Read before it was replaced, and here only now.
        ring.add([(hash, short)]);
        assert!(ring.judge(&hash, NOW + Millis(4)).is_ok());
        assert_eq!(ring.judge(&hash, NOW + Millis(5)), Err(KeyEnd::Revoked));
        assert_eq!(ring.tidy(NOW + READ_MAX).len(), 1, "it was used");
        assert_eq!(ring.hashes().len(), 1);
        ring.tidy(NOW + READ_MAX + Millis(5));
        assert!(ring.hashes().is_empty());
    }

    #[test]
    fn what_was_read_before_a_key_was_revoked_does_not_bring_it_back() {
        let (ring, hash) = (Keyring::new(false), Keyring::hash("k"));
        ring.add([(hash, terms())]);
        ring.revoke(&hash, NOW);
        ring.add([(hash, terms())]);
        assert_eq!(ring.holder("k", NOW), None);
        assert_eq!(ring.judge(&hash, NOW), Err(KeyEnd::Revoked));
    }

    #[test]
    fn who_comes_back_from_the_archive_has_their_keys_again() {
        let (ring, hash) = (Keyring::new(false), Keyring::hash("k"));
        ring.add([(hash, terms())]);
        assert_eq!(ring.of(terms().holder), [hash]);
        ring.revoke(&hash, UnixMillis(5));
        ring.read([(hash, terms())], UnixMillis(5));
        assert!(ring.holder("k", UnixMillis(6)).is_none(), "this read may have begun before");
        ring.read([(hash, terms())], UnixMillis(6));
        assert_eq!(ring.holder("k", UnixMillis(6)), Some((hash, terms())));
    }

    #[test]
    fn the_use_of_a_key_is_noted_once_an_hour_and_many_in_parts() {
        let (ring, hash) = (Keyring::new(false), Keyring::hash("k"));
        ring.add([(hash, terms()), (Keyring::hash("idle"), terms())]);
        assert!(ring.holder("k", NOW).is_some());
        for _ in 0..2 {
            assert_eq!(ring.tidy(NOW), [(hash, NOW)], "until it is written");
        }
        ring.noted(&[(hash, NOW)]);
        assert!(ring.holder("k", NOW + NOTED - Millis(1)).is_some());
        assert!(ring.tidy(NOW + NOTED).is_empty());
        assert!(ring.holder("k", NOW + NOTED).is_some());
        assert_eq!(ring.tidy(NOW + NOTED), [(hash, NOW + NOTED)]);
        for n in 0..=NOTES_MAX {
            let key = format!("k{n}");
            ring.add([(Keyring::hash(&key), terms())]);
            assert!(ring.holder(&key, NOW).is_some());
        }
        assert_eq!(ring.tidy(NOW).len(), NOTES_MAX);
    }
}
