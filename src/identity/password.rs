//! Passwords: argon2id with the parameters that OWASP recommends, away from the threads that serve.
//!
//! A hash takes 19 MiB and some 20 ms of a core. So only a few are made at once, some may wait for a moment,
//! and one more is told to come back: sign-ins can not take the memory or the cores that plays need.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gametriggers_actors::ports::PasswordHash;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Memory in KiB, passes and lanes: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of salt and of hash.
const SALT: usize = 16;
const HASH: usize = 32;
/// A stored hash with more than this was not made here.
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;

/// How long somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(3);

/// Least and most characters of a password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

/// Too many passwords are looked at already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Makes and compares hashes.
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Waiting or working at once, at most.
    room: Arc<Semaphore>,
    /// What nobody's password is compared with: so an unknown address takes as long as a known one.
    nobody: Stored,
}

/// A hash as it is kept, read.
#[derive(Clone, Debug)]
struct Stored {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// Why a password is not taken, or none. `words` are what anybody would try first.
#[must_use]
pub fn fault(password: &str, words: &[&str]) -> Option<&'static str> {
    let small = password.to_lowercase();
    let first = password.chars().next();
    if !LENGTH.contains(&password.chars().count()) {
        Some("10 to 128 characters")
    } else if password.chars().all(|c| Some(c) == first) {
        Some("more than one character over and over")
    } else if words.iter().any(|word| word.len() >= 4 && small.contains(&word.to_lowercase())) {
        Some("something without the name or the address in it")
    } else {
        None
    }
}

fn work(password: &str, stored: &Stored) -> Option<Vec<u8>> {
    let mut out = vec![0; stored.hash.len()];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, stored.params.clone());
    argon.hash_password_into(password.as_bytes(), &stored.salt, &mut out).ok()?;
    Some(out)
}

impl Stored {
    /// Reads a PHC string of argon2id.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (numbers, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |name: &str, most: u32| {
            let found = numbers.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found?.parse::<u32>().ok().filter(|number| *number <= most)
        };
        let (memory, passes) = (number("m", MEMORY_KIB_MAX)?, number("t", PASSES_MAX)?);
        let params = Params::new(memory, passes, number("p", 4)?, Some(HASH)).ok()?;
        let decode = |text| STANDARD_NO_PAD.decode(text).ok();
        let (salt, hash) = (decode(salt)?, decode(hash)?);
        (parts.next().is_none() && hash.len() == HASH).then_some(Self { params, salt, hash })
    }

    /// As a PHC string.
    fn write(&self) -> String {
        let numbers =
            format!("m={},t={},p={}", self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        format!("$argon2id$v=19${numbers}${}${}", text(&self.salt), text(&self.hash))
    }

    /// Nothing yet, but a place for it.
    fn empty(salt: [u8; SALT]) -> Option<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).ok()?;
        Some(Self { params, salt: salt.to_vec(), hash: vec![0; HASH] })
    }
}

impl Passwords {
    /// So many at once, and sixteen times as many that wait; none when the parameters are no good.
    #[must_use]
    pub fn new(at_once: usize) -> Option<Self> {
        let turns = Arc::new(Semaphore::new(at_once));
        let room = Arc::new(Semaphore::new(at_once.saturating_mul(16)));
        Some(Self { turns, room, nobody: Stored::empty([0; SALT])? })
    }

    /// Hashes a password with a random salt.
    ///
    /// # Errors
    /// Too many are looked at already.
    pub async fn hash(&self, password: &str, salt: [u8; SALT]) -> Result<PasswordHash, Busy> {
        let stored = Stored::empty(salt).ok_or(Busy)?;
        let (password, place) = (password.to_owned(), stored.clone());
        let hash = self.turn(move || work(&password, &place)).await?.ok_or(Busy)?;
        Ok(PasswordHash(Stored { hash, ..stored }.write()))
    }

    /// Whether a password is the one of a hash. Without a hash it is not, and it takes as long to say so.
    ///
    /// # Errors
    /// Too many are looked at already.
    pub async fn is(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, Busy> {
        let stored = hash.and_then(|hash| Stored::read(&hash.0));
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let (password, place) = (password.to_owned(), stored.clone());
        let found = self.turn(move || work(&password, &place)).await?.ok_or(Busy)?;
        Ok(bool::from(found.ct_eq(&stored.hash)) && known)
    }

    /// Does it when it is its turn. The turn goes with the work: who hangs up frees nothing before it is
    /// done.
    async fn turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Busy)?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, room));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_and_no_other() {
        let passwords = Passwords::new(1).unwrap();
        let hash = passwords.hash("correct horse", [1; SALT]).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_ne!(passwords.hash("correct horse", [2; SALT]).await.unwrap(), hash);
        assert_eq!(passwords.is("correct horse", Some(&hash)).await, Ok(true));
        for wrong in ["correct horsf", "", "correct horse "] {
            assert_eq!(passwords.is(wrong, Some(&hash)).await, Ok(false), "{wrong:?}");
        }
        assert_eq!(passwords.is("correct horse", None).await, Ok(false));
        assert_eq!(format!("{hash:?}"), "PasswordHash", "it is never shown");
    }

    /// The vector of RFC 9106 has a secret and data; this one is of the reference implementation's test
    /// suite.
    #[test]
    fn it_is_argon2id_as_everybody_has_it() {
        let stored = Stored {
            params: Params::new(65536, 2, 1, Some(32)).unwrap(),
            salt: b"somesalt".to_vec(),
            hash: vec![0; 32],
        };
        let hex: String = work("password", &stored).unwrap().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }

    #[test]
    fn only_what_was_made_here_is_read() {
        let good = Stored::empty([7; SALT]).unwrap().write();
        assert_eq!(Stored::read(&good).unwrap().write(), good);
        for bad in [
            good.replace("argon2id", "argon2i"),
            good.replace("v=19", "v=16"),
            good.replace("m=19456", "m=4294967295"),
            good.replace("t=2", "t=99"),
            good.replace(",p=1", ""),
            format!("{good}$more"),
            good[..good.len() - 8].to_owned(),
            String::new(),
            "plain text".to_owned(),
        ] {
            assert!(Stored::read(&bad).is_none(), "{bad}");
        }
    }

    #[tokio::test]
    async fn who_finds_no_room_is_told_so_at_once() {
        let passwords = Passwords::new(1).unwrap();
        let held = Arc::clone(&passwords.room).acquire_many_owned(16).await.unwrap();
        assert_eq!(passwords.is("correct horse", None).await, Err(Busy));
        drop(held);
        assert_eq!(passwords.is("correct horse", None).await, Ok(false));
    }

    #[test]
    fn what_anybody_would_try_first_is_not_taken() {
        for bad in ["", "short", "aaaaaaaaaaaa", "my-ada@volt.example", "Volt-Energy-1", &"x1".repeat(65)] {
            assert!(fault(bad, &["ada@volt.example", "volt"]).is_some(), "{bad}");
        }
        assert_eq!(fault("correct horse battery", &["ada@volt.example", "Ada", ""]), None);
    }
}
