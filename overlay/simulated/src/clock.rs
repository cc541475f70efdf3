//! The only file of this crate that looks at a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One moment on both clocks: the monotonic one for durations, the wall for the server's stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// For durations and timers.
    pub at: Instant,
    /// Microseconds since the Unix epoch.
    pub wall_us: i64,
}

impl Stamp {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn wall_ms(&self) -> i64 {
        self.wall_us.div_euclid(1_000)
    }
}

/// This moment.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a client stands in the real world, the Clock port is the server's"
)]
pub fn now() -> Stamp {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp { at: Instant::now(), wall_us: i64::try_from(wall.as_micros()).unwrap_or(i64::MAX) }
}
