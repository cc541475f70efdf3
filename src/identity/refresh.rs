//! Refresh tokens, and what becomes of one that is shown.
//!
//! A token names its session and its generation, and carries a code that only this installation can make. The
//! store keeps the hash of the one that is good now. So one row tells a token that is good from one that was
//! good, and both from one that never was:
//!
//! - The good one is followed by the next generation.
//! - The one before it, within the grace: the answer was lost. The same next token is given again, with a new
//!   access token; nothing is rotated. That token follows from session and generation, so that it need not be
//!   kept.
//! - Any older one that was ours: somebody has a copy. The whole session ends.
//! - Everything else never was a token, and changes nothing.

use super::Lives;
use super::keys::AuthKeys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{KeyHash, Login, SessionId};
use sha2::Digest;
use subtle::ConstantTimeEq;

/// Which way a session is carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first of a session that began at a provider: handed over in a URL, so it is short and good once.
    Code,
    /// What a client keeps.
    Refresh,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "gt_code_",
            Self::Refresh => "gt_refresh_",
        }
    }
}

/// A token as it was shown: nothing of it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    kind: Kind,
    /// The session that it names.
    pub session: SessionId,
    generation: i64,
    code: [u8; 32],
    hash: KeyHash,
}

/// What becomes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good: this one follows.
    Next(String),
    /// Its answer was lost: this one was given, and is given again.
    Again(String),
    /// It was good once: the session has to end.
    Reused,
    /// It is not good, and says nothing of the session.
    Refused,
}

/// Hash of a token, as it is kept.
#[must_use]
pub fn hash(token: &str) -> KeyHash {
    sha2::Sha256::digest(token.as_bytes()).into()
}

fn message(kind: Kind, session: SessionId, generation: i64) -> Vec<u8> {
    [kind.prefix().as_bytes(), &session.0, &generation.to_be_bytes()].concat()
}

fn token(kind: Kind, session: SessionId, generation: i64, code: [u8; 32]) -> String {
    let bytes = [&session.0[..], &generation.to_be_bytes(), &code].concat();
    format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes))
}

/// The token of a generation of a session.
#[must_use]
pub fn make(keys: &AuthKeys, kind: Kind, session: SessionId, generation: i64) -> String {
    let code = keys.codes(&message(kind, session, generation)).next().unwrap_or_default();
    token(kind, session, generation, code)
}

impl Shown {
    /// Reads a token; none when it can not be one.
    #[must_use]
    pub fn read(text: &str, kind: Kind) -> Option<Self> {
        if text.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(kind.prefix())?).ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, code) = rest.split_first_chunk::<8>()?;
        Some(Self {
            kind,
            session: SessionId(*session),
            generation: i64::from_be_bytes(*generation),
            code: code.try_into().ok()?,
            hash: hash(text),
        })
    }

    /// Whether one of the keys made it.
    fn is_ours(&self, keys: &AuthKeys) -> bool {
        let message = message(self.kind, self.session, self.generation);
        keys.codes(&message).any(|code| bool::from(code.ct_eq(&self.code)))
    }

    /// What becomes of it, given the session that it names.
    #[must_use]
    pub fn judge(&self, keys: &AuthKeys, login: &Login, lives: &Lives, now: UnixMillis) -> Verdict {
        let open = login.ended.is_none() && now < login.idle_until && now < login.expires;
        if self.session != login.id || !self.is_ours(keys) {
            return Verdict::Refused;
        }
        if bool::from(self.hash.ct_eq(&login.hash)) {
            let next = || make(keys, Kind::Refresh, login.id, login.generation.saturating_add(1));
            return if open { Verdict::Next(next()) } else { Verdict::Refused };
        }
        if self.generation >= login.generation {
            return Verdict::Refused;
        }
        let lost = self.kind == Kind::Refresh
            && self.generation.saturating_add(1) == login.generation
            && now - login.rotated <= lives.grace;
        if lost && open {
            // Another key may have made it, if keys were rotated in between.
            let message = message(Kind::Refresh, login.id, login.generation);
            let mut given =
                keys.codes(&message).map(|code| token(Kind::Refresh, login.id, login.generation, code));
            return given.find(|token| hash(token) == login.hash).map_or(Verdict::Refused, Verdict::Again);
        }
        Verdict::Reused
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::keys;
    use super::*;
    use gametriggers_actors::domain::id::UserId;
    use gametriggers_actors::domain::time::Millis;
    use gametriggers_actors::ports::EndedWhy;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const ID: SessionId = SessionId([3; 16]);
    const LIVES: Lives = Lives {
        access: Millis::minutes(10),
        idle: Millis::minutes(60),
        session: Millis::minutes(600),
        grace: Millis::seconds(10),
    };

    /// A session whose good token is `text`, of a generation.
    fn at(text: &str, generation: i64) -> Login {
        Login {
            id: ID,
            user: UserId(1),
            hash: hash(text),
            generation,
            rotated: NOW,
            idle_until: NOW + LIVES.idle,
            expires: NOW + LIVES.session,
            ended: None,
        }
    }

    fn judge(keys: &AuthKeys, text: &str, login: &Login, now: UnixMillis) -> Verdict {
        Shown::read(text, Kind::Refresh)
            .map_or(Verdict::Refused, |shown| shown.judge(keys, login, &LIVES, now))
    }

    #[test]
    fn a_good_token_is_followed_by_the_next_and_its_own_answer_again_for_a_while() {
        let keys = keys(&[1]);
        let of = |generation| make(&keys, Kind::Refresh, ID, generation);
        assert_eq!(judge(&keys, &of(0), &at(&of(0), 0), NOW), Verdict::Next(of(1)));
        let moved = at(&of(1), 1);
        assert_eq!(judge(&keys, &of(0), &moved, NOW + LIVES.grace), Verdict::Again(of(1)));
        assert_eq!(judge(&keys, &of(1), &moved, NOW + LIVES.grace), Verdict::Next(of(2)));
        assert_eq!(judge(&keys, &of(0), &moved, NOW + LIVES.grace + Millis(1)), Verdict::Reused);
        assert_eq!(judge(&keys, &of(0), &at(&of(2), 2), NOW), Verdict::Reused, "two behind");
    }

    #[test]
    fn what_was_never_given_says_nothing_of_the_session() {
        let keys = keys(&[1]);
        let of = |generation| make(&keys, Kind::Refresh, ID, generation);
        let login = at(&of(5), 5);
        let foreign = make(&super::super::keys::tests::keys(&[2]), Kind::Refresh, ID, 4);
        let other = make(&keys, Kind::Refresh, SessionId([4; 16]), 4);
        let mut forged = of(4);
        forged.replace_range(forged.len() - 5.., "AAAAA");
        for text in [of(6), of(i64::MAX), foreign, other, forged, String::new(), "gt_refresh_".to_owned()] {
            assert_eq!(judge(&keys, &text, &login, NOW), Verdict::Refused, "{text}");
        }
    }

    #[test]
    fn a_session_that_is_over_gives_nothing() {
        let keys = keys(&[1]);
        let of = |generation| make(&keys, Kind::Refresh, ID, generation);
        let login = at(&of(1), 1);
        assert_eq!(judge(&keys, &of(1), &login, login.idle_until), Verdict::Refused);
        let short = Login { expires: NOW, ..login.clone() };
        let ended = Login { ended: Some((NOW, EndedWhy::SignedOut)), ..login };
        for login in [short, ended] {
            assert_eq!(judge(&keys, &of(1), &login, NOW), Verdict::Refused);
            assert_eq!(judge(&keys, &of(0), &login, NOW), Verdict::Reused, "an old one is told as such");
        }
    }

    #[test]
    fn a_code_is_good_once_and_is_no_refresh_token() {
        let keys = keys(&[1]);
        let code = make(&keys, Kind::Code, ID, 0);
        assert_eq!(Shown::read(&code, Kind::Refresh), None);
        let shown = Shown::read(&code, Kind::Code).unwrap();
        let first = make(&keys, Kind::Refresh, ID, 1);
        assert_eq!(shown.judge(&keys, &at(&code, 0), &LIVES, NOW), Verdict::Next(first.clone()));
        assert_eq!(shown.judge(&keys, &at(&first, 1), &LIVES, NOW), Verdict::Reused, "no grace in a URL");
        let dressed = code.replace("gt_code_", "gt_refresh_");
        assert_eq!(judge(&keys, &dressed, &at(&first, 1), NOW), Verdict::Refused);
    }

    #[test]
    fn keys_may_be_rotated_between_an_answer_and_its_repetition() {
        let (old, new) = (keys(&[1]), keys(&[2, 1]));
        let (first, second) = (make(&old, Kind::Refresh, ID, 0), make(&old, Kind::Refresh, ID, 1));
        assert_eq!(judge(&new, &first, &at(&second, 1), NOW), Verdict::Again(second.clone()));
        let third = make(&new, Kind::Refresh, ID, 2);
        assert_eq!(judge(&new, &second, &at(&second, 1), NOW), Verdict::Next(third));
    }
}
