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
    /// The slot of the last ad: it outlives pages, and the log brings it to the next actor.
    last: Option<UnixMillis>,
    shown: VecDeque<UnixMillis>,
}

impl AdClock {
    /// When the next slot falls due, never closer than `interval` to the one of the last ad; none before the
    /// clock was started.
    #[must_use]
    pub fn next(&self, interval: Millis) -> Option<UnixMillis> {
        let next = self.next?;
        Some(self.last.map_or(next, |last| next.max(last + interval)))
    }

    /// Starts the clock, unless it runs: the first slot is due at `first`.
    pub fn start(&mut self, first: UnixMillis) {
        self.next.get_or_insert(first);
    }

    /// Stops the clock: nobody is there to show an ad.
    pub const fn stop(&mut self) {
        self.next = None;
    }

    /// The interval was set anew: nobody waits for the rest of a longer one.
    pub fn hasten(&mut self, now: UnixMillis, interval: Millis) {
        self.next = self.next.map(|next| next.min(now + interval));
    }

    /// Whether a slot is due.
    #[must_use]
    pub fn is_due(&self, interval: Millis, now: UnixMillis) -> bool {
        self.next(interval).is_some_and(|next| next <= now)
    }

    /// The slot of `now` was used or is gone; the next one follows an interval later.
    pub fn advance(&mut self, now: UnixMillis, interval: Millis) {
        self.next = Some(now + interval);
    }

    /// The ad of a slot came on screen.
    pub fn count(&mut self, slot: UnixMillis, now: UnixMillis) {
        self.forget(now);
        self.shown.push_back(now);
        self.last = self.last.max(Some(slot));
    }

    /// Ads of the last hour.
    fn recent(&self, now: UnixMillis) -> usize {
        self.shown.iter().filter(|at| now - **at < HOUR).count()
    }

    fn forget(&mut self, now: UnixMillis) {
        while self.shown.front().is_some_and(|at| now - *at >= HOUR) {
            self.shown.pop_front();
        }
    }

    /// Whether the limits of the streamer and the platform's `gap` between two slots allow an ad now.
    /// `live_since` is none when it is not known.
    ///
    /// # Errors
    /// The limit that does not: `paused`, `snoozed`, `first_ad_delay`, `minimum_gap` or `hourly_limit`.
    pub fn allows(
        &self,
        settings: &Settings,
        gap: Millis,
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
        if self.last.is_some_and(|last| now - last < gap) {
            return Err(Reason::MinimumGap);
        }
        if self.recent(now) >= usize::try_from(settings.hourly_max).unwrap_or(usize::MAX) {
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
        let interval = Millis(15_000);
        assert!(clock.is_due(interval, after_ten_minutes));
        clock.advance(after_ten_minutes, interval);
        assert!(!clock.is_due(interval, after_ten_minutes));
        assert_eq!(clock.next(interval), Some(UnixMillis(615_000)));
    }

    #[test]
    fn a_clock_that_stopped_keeps_its_distance_from_the_last_ad() {
        let (mut clock, interval) = (AdClock::default(), Millis(15_000));
        clock.start(UnixMillis(0));
        clock.count(UnixMillis(0), UnixMillis(700));
        clock.stop();
        assert_eq!(clock.next(interval), None);
        clock.start(UnixMillis(3000));
        assert_eq!(clock.next(interval), Some(UnixMillis(15_000)), "from the slot, not from the first frame");
        clock.stop();
        clock.start(UnixMillis(40_000));
        assert_eq!(clock.next(interval), Some(UnixMillis(40_000)));
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
        assert_eq!(clock.allows(&with(|s| s.paused = true), Millis(0), None, now), Err(Reason::Paused));
        assert_eq!(
            clock.allows(&with(|s| s.snoozed_until = Some(UnixMillis(10_001))), Millis(0), None, now),
            Err(Reason::Snoozed)
        );
        assert_eq!(clock.allows(&with(|s| s.snoozed_until = Some(now)), Millis(0), None, now), Ok(()));
        let late = with(|s| s.first_ad_delay = Millis(5000));
        assert_eq!(clock.allows(&late, Millis(0), Some(UnixMillis(5001)), now), Err(Reason::FirstAdDelay));
        assert_eq!(clock.allows(&late, Millis(0), Some(UnixMillis(5000)), now), Ok(()));
        clock.count(now, now);
        assert_eq!(clock.allows(&settings(1), Millis(0), None, now), Err(Reason::HourlyLimit));
        let gap = Millis(5000);
        assert_eq!(clock.allows(&settings(2), gap, None, UnixMillis(14_999)), Err(Reason::MinimumGap));
        assert_eq!(clock.allows(&settings(2), gap, None, UnixMillis(15_000)), Ok(()));
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
                if clock.allows(&settings(hourly_max), Millis(0), None, UnixMillis(now)).is_ok() {
                    clock.count(UnixMillis(now), UnixMillis(now));
                    shown.push(now);
                }
                let hour = shown.iter().filter(|at| now - **at < HOUR.0).count();
                prop_assert!(hour <= usize::try_from(hourly_max).unwrap());
            }
        }
    }
}
