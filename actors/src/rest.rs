//! A chore that only keeps numbers fresh rests after each turn, the longer the turn took: under a flood it
//! leaves the database to those who move money, and what it shows is a little older.

use crate::domain::time::UnixMillis;

/// When the next turn may begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    share: i64,
    until: UnixMillis,
}

impl Default for Rest {
    /// The chore has a fifth of the time at most.
    fn default() -> Self {
        Self::times(4)
    }
}

impl Rest {
    /// A turn is followed by `share` times its length of rest.
    pub(crate) const fn times(share: i64) -> Self {
        Self { share, until: UnixMillis(0) }
    }

    /// Whether the rest is over.
    pub(crate) fn is_over(self, now: UnixMillis) -> bool {
        now >= self.until
    }

    /// A turn has ended.
    pub(crate) fn begin(&mut self, turn: UnixMillis, now: UnixMillis) {
        let took = now.0.saturating_sub(turn.0).max(0);
        self.until = UnixMillis(now.0.saturating_add(took.saturating_mul(self.share)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chore_has_a_fifth_of_the_time() {
        let mut rest = Rest::default();
        assert!(rest.is_over(UnixMillis(0)));
        rest.begin(UnixMillis(1000), UnixMillis(1100));
        assert!(!rest.is_over(UnixMillis(1499)));
        assert!(rest.is_over(UnixMillis(1500)));
        rest.begin(UnixMillis(1600), UnixMillis(1500));
        assert!(rest.is_over(UnixMillis(1500)), "a clock that went back begins no rest");
    }
}
