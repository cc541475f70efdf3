//! Days made from a seed, as `benches/traces/README.md` describes them.
//!
//! `day` is the ordinary day with a surge as its variant, and the same at scale; `worst` has the two cases
//! that are made to mislead. The same kind and seed give the same day on every machine: distributions are
//! drawn by `draw` in whole numbers, and nothing here is a float.

pub mod day;
pub mod draw;
pub mod worst;

use super::trace::{Limits, Trace};
use crate::domain::money::Micros;
use crate::domain::time::Millis;

/// The length of a day.
pub const DAY: Millis = Millis::minutes(24 * 60);
/// Steps of a plan in a day.
pub const STEPS: usize = 96;

/// The limits of a generated day: those of the published ones.
fn limits(asap: bool) -> Limits {
    Limits {
        charge_max_bps: 300,
        campaign_cooldown: Millis::seconds(900),
        brand_cooldown: Millis::seconds(600),
        category_cooldown: Millis::seconds(600),
        per_day: 12,
        plan_step: Millis::minutes(15),
        asap,
    }
}

/// An even plan: each step has the same share.
fn even() -> Vec<u32> {
    (1..=STEPS).map(|step| u32::try_from(step * 1_000_000 / STEPS).unwrap_or(1_000_000)).collect()
}

/// A day without a bound.
fn trace(name: String, asap: bool) -> Trace {
    Trace {
        name,
        day: DAY,
        limits: limits(asap),
        streamers: Vec::new(),
        campaigns: Vec::new(),
        slots: Vec::new(),
        plans: Vec::new(),
        optimum: None::<Micros>,
    }
}

#[cfg(test)]
mod tests;
