//! Which access tokens are dead before their time, in memory: a request asks no database.

use crate::domain::id::UserId;
use crate::domain::time::{Millis, UnixMillis};
use crate::ports::{SessionId, TokenStanding};
use dashmap::DashMap;

/// How long an ended session is remembered: no access token lives longer.
pub const ACCESS_LIFE_MAX: Millis = Millis::minutes(60);

/// Why an access token is dead before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// Its session has ended, or its user may not sign in any more.
    Ended,
    /// Something of its user has changed. The session may go on, with a new token.
    Outdated,
}

/// What this node knows of users. A token that is signed, and of which nothing is known here, is good: its
/// user or its session is newer than what was read, and a node hears of an end within a second.
#[derive(Debug, Default)]
pub struct Logins {
    users: DashMap<UserId, (i64, bool)>,
    ended: DashMap<SessionId, UnixMillis>,
}

impl Logins {
    /// Sessions that ended after this are to be remembered.
    #[must_use]
    pub fn since(now: UnixMillis) -> UnixMillis {
        now - ACCESS_LIFE_MAX
    }

    /// Takes what a store says. An epoch never goes back: what was read late changes nothing.
    pub fn learn(&self, standings: impl IntoIterator<Item = TokenStanding>) {
        for TokenStanding { user, epoch, disabled } in standings {
            let mut known = self.users.entry(user).or_insert((epoch, disabled));
            if known.0 <= epoch {
                *known = (epoch, disabled);
            }
        }
    }

    /// Remembers sessions that ended, and forgets those of which no token can live any more.
    pub fn end(&self, sessions: impl IntoIterator<Item = (SessionId, UnixMillis)>, now: UnixMillis) {
        self.ended.retain(|_, at| *at > Self::since(now));
        sessions.into_iter().for_each(|(session, at)| {
            self.ended.insert(session, at);
        });
    }

    /// Whether an access token of this user, epoch and session is still good.
    #[must_use]
    pub fn is_good(&self, user: UserId, epoch: i64, session: SessionId) -> bool {
        self.judge(user, epoch, session).is_ok()
    }

    /// The same, with the reason.
    ///
    /// # Errors
    /// Why the token is dead.
    pub fn judge(&self, user: UserId, epoch: i64, session: SessionId) -> Result<(), LoginEnd> {
        let (newest, disabled) = self.users.get(&user).map_or((epoch, false), |known| *known);
        if disabled || self.ended.contains_key(&session) {
            Err(LoginEnd::Ended)
        } else if newest > epoch {
            Err(LoginEnd::Outdated)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const USER: UserId = UserId(7);

    fn standing(epoch: i64, disabled: bool) -> [TokenStanding; 1] {
        [TokenStanding { user: USER, epoch, disabled }]
    }

    #[test]
    fn a_token_of_an_older_epoch_is_dead_and_news_that_come_late_do_not_wake_it() {
        let logins = Logins::default();
        let good = |epoch| logins.is_good(USER, epoch, SessionId([1; 16]));
        assert!(good(0), "nothing is known of a new user");
        logins.learn(standing(2, false));
        assert!(!good(1) && good(2) && good(3), "another node may be ahead");
        logins.learn(standing(1, true));
        assert!(!good(1) && good(2));
        logins.learn(standing(2, true));
        assert!(!good(2) && !good(9));
        logins.learn(standing(3, false));
        assert!(good(3));
    }

    #[test]
    fn a_token_that_is_outdated_may_have_a_successor_and_one_that_has_ended_has_none() {
        let (logins, session) = (Logins::default(), SessionId([1; 16]));
        let judge = || logins.judge(USER, 1, session);
        assert_eq!(judge(), Ok(()));
        logins.learn(standing(2, false));
        assert_eq!(judge(), Err(LoginEnd::Outdated));
        logins.end([(session, NOW)], NOW);
        assert_eq!(judge(), Err(LoginEnd::Ended));
        logins.learn(standing(2, true));
        assert_eq!(logins.judge(USER, 2, SessionId([2; 16])), Err(LoginEnd::Ended));
    }

    #[test]
    fn the_end_of_a_session_is_remembered_for_as_long_as_a_token_lives() {
        let logins = Logins::default();
        let (one, other) = (SessionId([1; 16]), SessionId([2; 16]));
        logins.end([(one, NOW)], NOW);
        assert!(!logins.is_good(USER, 0, one) && logins.is_good(USER, 0, other));
        logins.end([], NOW + ACCESS_LIFE_MAX);
        assert!(logins.ended.is_empty(), "it does not grow");
    }
}
