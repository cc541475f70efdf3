//! When a streamer's next slot falls due.
//!
//! Slots do not pile up: a slot that could not be used is gone, and the next one is due an interval
//! later. So a page that was hidden for ten minutes shows one ad afterwards, not forty.

use super::reason::Reason;
use super::streamer::Settings;
use super::time::{Millis, UnixMillis};
use std::collections::VecDeque;

const HOUR: Millis = Millis::minutes(60);

/// The clock of one streamer.
#[derive(Debug, Default)]
pub struct AdClock {
    next: Option<UnixMillis>,
    shown: VecDeque<UnixMillis>,
}

impl AdClock {
    /// When the next slot falls due; none before the clock was started.
    #[must_use]
    pub const fn next(&self) -> Option<UnixMillis> {
        self.next
    }

    /// Starts the clock, unless it runs: the first slot is due at `first`.
    pub fn start(&mut self, first: UnixMillis) {
        self.next.get_or_insert(first);
    }

    /// Stops the clock: nobody is there to show an ad.
    pub const fn stop(&mut self) {
        self.next = None;
    }

    /// Whether a slot is due.
    #[must_use]
    pub fn is_due(&self, now: UnixMillis) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// The slot of `now` was used or is gone; the next one follows an interval later.
    pub fn advance(&mut self, now: UnixMillis, interval: Millis) {
        self.next = Some(now + interval);
    }

    /// An ad came on screen.
    pub fn count(&mut self, now: UnixMillis) {
        self.forget(now);
        self.shown.push_back(now);
    }

    fn forget(&mut self, now: UnixMillis) {
        while self.shown.front().is_some_and(|at| now - *at >= HOUR) {
            self.shown.pop_front();
        }
    }

    /// Whether the streamer's limits allow an ad now. `live_since` is none when it is not known.
    ///
    /// # Errors
    /// The limit that does not: `paused`, `snoozed`, `first_ad_delay` or `hourly_limit`.
    pub fn allows(
        &mut self,
        settings: &Settings,
        live_since: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<(), Reason> {
        if settings.paused {
            return Err(Reason::Paused);
        }
        if settings.snoozed_until.is_some_and(|until| now < until) {
            return Err(Reason::Snoozed);
        }
        if live_since.is_some_and(|since| now - since < settings.first_ad_delay) {
            return Err(Reason::FirstAdDelay);
        }
        self.forget(now);
        if self.shown.len() >= usize::try_from(settings.hourly_max).unwrap_or(usize::MAX) {
            return Err(Reason::HourlyLimit);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(hourly_max: u32) -> Settings {
        Settings { hourly_max, first_ad_delay: Millis(0), slot_interval: Millis(1000), ..Settings::default() }
    }

    #[test]
    fn missed_slots_do_not_pile_up() {
        let mut clock = AdClock::default();
        clock.start(UnixMillis(0));
        let after_ten_minutes = UnixMillis(600_000);
        assert!(clock.is_due(after_ten_minutes));
        clock.advance(after_ten_minutes, Millis(15_000));
        assert!(!clock.is_due(after_ten_minutes));
        assert_eq!(clock.next(), Some(UnixMillis(615_000)));
    }

    #[test]
    fn each_limit_has_its_reason() {
        let mut clock = AdClock::default();
        let now = UnixMillis(10_000);
        fn with(change: impl FnOnce(&mut Settings)) -> Settings {
            let mut s = settings(1);
            change(&mut s);
            s
        }
        assert_eq!(clock.allows(&with(|s| s.paused = true), None, now), Err(Reason::Paused));
        assert_eq!(
            clock.allows(&with(|s| s.snoozed_until = Some(UnixMillis(10_001))), None, now),
            Err(Reason::Snoozed)
        );
        assert_eq!(clock.allows(&with(|s| s.snoozed_until = Some(now)), None, now), Ok(()));
        let late = with(|s| s.first_ad_delay = Millis(5000));
        assert_eq!(clock.allows(&late, Some(UnixMillis(5001)), now), Err(Reason::FirstAdDelay));
        assert_eq!(clock.allows(&late, Some(UnixMillis(5000)), now), Ok(()));
        clock.count(now);
        assert_eq!(clock.allows(&settings(1), None, now), Err(Reason::HourlyLimit));
    }

    proptest! {
        #[test]
        fn no_hour_has_more_ads_than_allowed(
            gaps in proptest::collection::vec(0_i64..900_000, 1..100),
            hourly_max in 1_u32..8,
        ) {
            let mut clock = AdClock::default();
            let (mut now, mut shown) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                if clock.allows(&settings(hourly_max), None, UnixMillis(now)).is_ok() {
                    clock.count(UnixMillis(now));
                    shown.push(now);
                }
                let hour = shown.iter().filter(|at| now - **at < HOUR.0).count();
                prop_assert!(hour <= usize::try_from(hourly_max).unwrap());
            }
        }
    }
}
