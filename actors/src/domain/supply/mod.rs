//! What the streams had to give: slots and viewers by the quarter hour and by the kind of stream.
//!
//! It is counted while slots are decided, whether they were filled or not, and plans are learned from it
//! (`history`). Bounded: a quarter hour has so many kinds of streams on a node, and what is one too many is
//! dropped and counted. Not money.

mod history;

pub use self::history::{Planner, SupplyHistory};

use super::pacing::STEP;
use super::streamer::{Platform, Profile};
use super::tally::WAITING_MAX;
use super::targeting::Targeting;
use super::time::{Millis, UnixMillis};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Plans look back over this many days, four of each weekday.
pub const LOOK_BACK: Millis = Millis::minutes(28 * 24 * 60);
/// Counts are kept for this long.
pub const KEPT: Millis = Millis::minutes(35 * 24 * 60);
/// Kinds of streams that a node tells apart in a quarter hour.
pub const CELLS_MAX: usize = 1024;
/// The band of every audience from 2^19 viewers on.
pub const BAND_MAX: u32 = 20;

/// A kind of stream: what targeting looks at, with the audience to the next power of two. Followers and
/// single streamers are left out, so that there are few kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// What the stream is about.
    pub content_category: Arc<str>,
    /// ISO 639-1.
    pub language: Arc<str>,
    /// ISO 3166-1.
    pub country: Arc<str>,
    /// Where it runs.
    pub platform: Platform,
    /// Whether it has a label for grown-ups.
    pub mature: bool,
    /// Binary digits of the number of viewers, `BAND_MAX` at most.
    pub band: u32,
}

impl Cell {
    /// The kind of a stream before so many viewers.
    #[must_use]
    pub fn of(profile: &Profile, viewers: u32) -> Self {
        Self {
            content_category: Arc::clone(&profile.content_category),
            language: Arc::clone(&profile.language),
            country: Arc::clone(&profile.country),
            platform: profile.platform,
            mature: profile.mature,
            band: (u32::BITS - viewers.leading_zeros()).min(BAND_MAX),
        }
    }

    /// Whether a campaign may want such streams: at the edge of a band those that it does not want count
    /// too, and nobody asks for followers or for single streamers.
    #[must_use]
    pub fn suits(&self, targeting: &Targeting) -> bool {
        let fits = |wanted: &[Arc<str>], is: &Arc<str>| wanted.is_empty() || wanted.contains(is);
        let least = if self.band == 0 { 0 } else { 1_u32 << (self.band - 1).min(31) };
        let most = if self.band >= BAND_MAX { u32::MAX } else { (1_u32 << self.band) - 1 };
        targeting.mature.wants(self.mature)
            && (targeting.platforms.is_empty() || targeting.platforms.contains(&self.platform))
            && targeting.viewers_min <= most
            && (targeting.viewers_max == 0 || targeting.viewers_max >= least)
            && fits(&targeting.categories, &self.content_category)
            && fits(&targeting.languages, &self.language)
            && fits(&targeting.countries, &self.country)
    }
}

/// What was supplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supplied {
    /// Slots that were decided.
    pub slots: u64,
    /// Viewers of those slots.
    pub viewers: u64,
}

impl Supplied {
    /// Adds what another flush, or another node, counted.
    pub const fn add(&mut self, more: Self) {
        self.slots = self.slots.saturating_add(more.slots);
        self.viewers = self.viewers.saturating_add(more.viewers);
    }
}

/// The quarter hour of UTC in which a moment is.
#[must_use]
pub const fn quarter(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.0 - at.0.rem_euclid(STEP.0))
}

/// Supply of one kind in one quarter hour.
pub type SupplyRow = (UnixMillis, Cell, Supplied);

/// What is not written yet.
#[derive(Debug, Default)]
pub struct Supply {
    waiting: BTreeMap<(UnixMillis, Cell), Supplied>,
    /// The newest quarter hour, and the kinds that were seen in it.
    newest: UnixMillis,
    seen: HashSet<Cell>,
    dropped: u64,
}

impl Supply {
    /// A slot was decided on a stream.
    pub fn slot(&mut self, cell: Cell, viewers: u32, at: UnixMillis) {
        let at = quarter(at);
        if at > self.newest {
            self.newest = at;
            self.seen.clear();
        }
        if !self.seen.contains(&cell) {
            if self.seen.len() >= CELLS_MAX {
                self.dropped += 1;
                return;
            }
            self.seen.insert(cell.clone());
        }
        self.add((at, cell), Supplied { slots: 1, viewers: u64::from(viewers) });
    }

    fn add(&mut self, key: (UnixMillis, Cell), supplied: Supplied) {
        if self.waiting.len() >= WAITING_MAX && !self.waiting.contains_key(&key) {
            self.dropped += supplied.slots;
        } else {
            self.waiting.entry(key).or_default().add(supplied);
        }
    }

    /// The next transaction, of at most `max` rows.
    pub fn take(&mut self, max: usize) -> Vec<SupplyRow> {
        let rows = std::iter::from_fn(|| self.waiting.pop_first()).take(max);
        rows.map(|((quarter, cell), supplied)| (quarter, cell, supplied)).collect()
    }

    /// A batch that could not be written waits; what finds no room any more is dropped and counted.
    pub fn put_back(&mut self, rows: Vec<SupplyRow>) {
        for (quarter, cell, supplied) in rows {
            self.add((quarter, cell), supplied);
        }
    }

    /// Slots that found no room since this was last asked.
    pub const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.dropped, 0)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
