//! A campaign's money as the database has it.

use crate::domain::money::Micros;
use crate::domain::pacing::utc_day;
use crate::domain::time::UnixMillis;

/// A campaign's money and counters as the database has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Given to the campaign.
    pub funded: Micros,
    /// Settled.
    pub spent: Micros,
    /// In leases that are not closed, minus what these have settled.
    pub leased: Micros,
    /// Plays settled.
    pub plays: u64,
    /// Viewers of those plays.
    pub viewers: u64,
    /// Clicks billed.
    pub clicks: u64,
    /// Claims refused.
    pub rejected: u64,
    /// The last UTC day on which something was settled, in days since the Unix epoch.
    pub day: i64,
    /// What had been settled before that day began.
    pub spent_before: Micros,
}

impl Budget {
    /// Settled on the UTC day of `now`.
    #[must_use]
    pub const fn spent_today(&self, now: UnixMillis) -> Micros {
        if self.day == utc_day(now) {
            Micros(self.spent.0.saturating_sub(self.spent_before.0))
        } else {
            Micros::ZERO
        }
    }

    /// Without what only the database knows: as nodes tell one another.
    #[must_use]
    pub const fn shared(self) -> Self {
        Self { day: 0, spent_before: Micros::ZERO, ..self }
    }

    /// What is in no lease and not settled.
    #[must_use]
    pub const fn unleased(&self) -> Micros {
        Micros(self.funded.0.saturating_sub(self.spent.0).saturating_sub(self.leased.0))
    }

    /// Settled out of a lease.
    pub const fn settle(&mut self, price: Micros, now: UnixMillis) {
        if self.day != utc_day(now) {
            (self.day, self.spent_before) = (utc_day(now), self.spent);
        }
        self.spent = Micros(self.spent.0.saturating_add(price.0));
        self.leased = Micros(self.leased.0.saturating_sub(price.0));
    }
}
