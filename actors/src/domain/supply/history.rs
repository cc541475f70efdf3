//! Plans, learned from what the streams had to give on the days before.
//!
//! A week repeats: what is expected in a quarter hour is what was there in the same quarter hour of the same
//! weekday, the last time that anything was counted in it at all. A quarter hour that was never seen on its
//! weekday is taken for the mean of the other days. So an outage leaves no hole, and yesterday alone is a day
//! like any other. Only whole days count, so that a plan is the same on every node and after every restart.
//!
//! Weeks begin as time did, on a Thursday at midnight.

use super::{Cell, LOOK_BACK, Supplied};
use crate::domain::campaign::{Campaign, Pricing};
use crate::domain::pacing::{Plan, STEP, WEEK_STEPS, Week, utc_day};
use crate::domain::time::{Millis, UnixMillis};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Steps of a day.
const DAY_STEPS: usize = WEEK_STEPS / 7;
/// An open step weighs this part of the mean at least: supply may come where none was, and what a campaign
/// has not spent is to find its way out before the end.
const LEAST: u64 = 256;

/// What was supplied in a week: of each quarter hour the last one in which anything was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupplyHistory {
    cells: BTreeMap<Cell, Box<[Supplied]>>,
    /// The quarter hour that stands for each step of the week; none where nothing was counted.
    seen: BTreeMap<usize, UnixMillis>,
}

impl SupplyHistory {
    /// The days that plans are learned from at `now`: from one moment up to, and not with, another.
    #[must_use]
    pub fn days(now: UnixMillis) -> (UnixMillis, UnixMillis) {
        let today = UnixMillis(utc_day(now).saturating_mul(Millis::minutes(24 * 60).0));
        (today - LOOK_BACK, today)
    }

    /// Takes what was supplied in a quarter hour, in any order. A newer one replaces those of the weeks
    /// before.
    pub fn add(&mut self, quarter: UnixMillis, cell: Cell, supplied: Supplied) {
        let Some(step) = step(quarter) else { return };
        let newest = self.seen.entry(step).or_insert(quarter);
        if quarter < *newest {
            return;
        }
        if quarter > *newest {
            *newest = quarter;
            let older = self.cells.values_mut().filter_map(|steps| steps.get_mut(step));
            older.for_each(|supplied| *supplied = Supplied::default());
        }
        let steps = self
            .cells
            .entry(cell)
            .or_insert_with(|| vec![Supplied::default(); WEEK_STEPS].into_boxed_slice());
        if let Some(sum) = steps.get_mut(step) {
            sum.add(supplied);
        }
    }
}

/// The step of the week that begins at a moment, if one does.
fn step(quarter: UnixMillis) -> Option<usize> {
    let step = quarter.0.div_euclid(STEP.0).rem_euclid(i64::try_from(WEEK_STEPS).ok()?);
    usize::try_from(step).ok()
}

/// What makes a step of the week worth money to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Charge {
    Slots,
    Viewers,
}

/// Which kinds of streams, a bit each, and what of them.
type Wanted = (Vec<u64>, Charge);

/// Makes plans from one history. Campaigns that want the same kinds of streams share one week.
pub struct Planner<'a> {
    history: &'a SupplyHistory,
    curves: HashMap<Wanted, Option<Arc<[u64]>>>,
    weeks: HashMap<Wanted, Option<Arc<Week>>>,
}

impl<'a> Planner<'a> {
    /// Without a plan so far.
    #[must_use]
    pub fn new(history: &'a SupplyHistory) -> Self {
        Self { history, curves: HashMap::new(), weeks: HashMap::new() }
    }

    /// The plan of a campaign: its open hours in proportion to what the streams that suit it had to give,
    /// viewers if it pays for them or for their clicks, else slots; where nothing was, as much in each open
    /// hour. A campaign for participants alone is planned by its targeting as well.
    #[must_use]
    pub fn plan(&mut self, campaign: &Campaign) -> Plan {
        let wanted = self.wanted(campaign);
        let dayparts = &campaign.targeting.dayparts;
        let week = if dayparts.windows.is_empty() {
            self.week(wanted)
        } else {
            let curve = self.curve(wanted);
            let open = dayparts.open_minutes(STEP);
            let weight = |(step, open): (usize, &u64)| match &curve {
                Some(curve) => curve.get(step).copied().unwrap_or(0) * open,
                None => *open,
            };
            Week::new(&open.iter().enumerate().map(weight).collect::<Vec<_>>()).map(Arc::new)
        };
        week.map_or_else(|| Plan::uniform(campaign.flight), |week| Plan::weekly(campaign.flight, week))
    }

    fn wanted(&self, campaign: &Campaign) -> Wanted {
        let mut bits = vec![0_u64; self.history.cells.len().div_ceil(64)];
        for (place, cell) in self.history.cells.keys().enumerate() {
            if cell.suits(&campaign.targeting)
                && let Some(word) = bits.get_mut(place / 64)
            {
                *word |= 1 << (place % 64);
            }
        }
        let charge = match campaign.pricing {
            Pricing::Cpm(_) | Pricing::Cpc(_) => Charge::Viewers,
            Pricing::Flat(_) => Charge::Slots,
        };
        (bits, charge)
    }

    fn week(&mut self, wanted: Wanted) -> Option<Arc<Week>> {
        if let Some(known) = self.weeks.get(&wanted) {
            return known.clone();
        }
        let curve = self.curve(wanted.clone());
        let week = curve.and_then(|curve| Week::new(&curve)).map(Arc::new);
        self.weeks.insert(wanted, week.clone());
        week
    }

    /// The weight of each step of the week; none when nothing was there for the campaign.
    fn curve(&mut self, wanted: Wanted) -> Option<Arc<[u64]>> {
        if let Some(known) = self.curves.get(&wanted) {
            return known.clone();
        }
        let curve = self.history.curve(&wanted).map(Arc::from);
        self.curves.insert(wanted, curve.clone());
        curve
    }
}

impl SupplyHistory {
    fn curve(&self, (bits, charge): &Wanted) -> Option<Vec<u64>> {
        let mut weights = vec![0_u64; WEEK_STEPS];
        for (place, steps) in self.cells.values().enumerate() {
            if bits.get(place / 64).is_none_or(|word| word >> (place % 64) & 1 == 0) {
                continue;
            }
            for (weight, supplied) in weights.iter_mut().zip(steps) {
                let more = match charge {
                    Charge::Slots => supplied.slots,
                    Charge::Viewers => supplied.viewers,
                };
                *weight = weight.saturating_add(more);
            }
        }
        // Far beyond any audience; below it nothing overflows.
        weights.iter_mut().for_each(|weight| *weight = (*weight).min(1 << 32));
        self.fill(&mut weights);
        let smooth = smooth(&weights);
        let sum: u64 = smooth.iter().sum();
        let least = (sum / u64::try_from(WEEK_STEPS).unwrap_or(1)).max(1);
        (sum > 0).then(|| smooth.iter().map(|weight| (weight * LEAST).max(least)).collect())
    }

    /// Steps that were never seen take the mean of the same step on the days on which it was.
    fn fill(&self, weights: &mut [u64]) {
        for of_day in 0..DAY_STEPS {
            let days = || (of_day..WEEK_STEPS).step_by(DAY_STEPS);
            let seen = days().filter(|step| self.seen.contains_key(step));
            let known: Vec<u64> = seen.filter_map(|step| weights.get(step).copied()).collect();
            let Some(mean) = known.iter().sum::<u64>().checked_div(u64::try_from(known.len()).unwrap_or(1))
            else {
                continue;
            };
            for step in days().filter(|step| !self.seen.contains_key(step)) {
                if let Some(weight) = weights.get_mut(step) {
                    *weight = mean;
                }
            }
        }
    }
}

/// A quarter, a half and a quarter of three steps, times four; the last step of the week stands before the
/// first.
fn smooth(weights: &[u64]) -> Vec<u64> {
    let at = |step: usize| weights.get(step % WEEK_STEPS).copied().unwrap_or(0);
    (0..WEEK_STEPS).map(|step| at(step + WEEK_STEPS - 1) + 2 * at(step) + at(step + 1)).collect()
}
