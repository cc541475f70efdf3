//! Many seeds of chaos in one line, and a day on fleets of several sizes.

use super::Algorithm;
use crate::cli::say;
use gametriggers_actors::domain::invariants::Invariant;
use gametriggers_actors::sim::chaos::{Counts, Failure, Scope, run as run_seed};
use gametriggers_actors::sim::fleet::{Plot, fleet};
use gametriggers_actors::sim::trace::Trace;

/// Runs these seeds; the sums, and every seed in which something broke.
#[must_use]
pub fn chaos(seeds: impl IntoIterator<Item = u64>, scope: Scope) -> (Counts, Vec<Failure>) {
    let (mut all, mut failures) = (Counts::default(), Vec::new());
    for seed in seeds {
        match run_seed(seed, scope) {
            Ok(counts) => all.add(&counts),
            Err(failure) => failures.push(*failure),
        }
    }
    (all, failures)
}

/// Runs one seed, or the first so many, and prints one line; before it each failure with its last events.
pub(super) fn run(seed: Option<u64>, seeds: u64) -> Result<(), Box<dyn std::error::Error>> {
    let range = seed.map_or(1..=seeds, |seed| seed..=seed);
    let count = seed.map_or(seeds, |_| 1);
    let (counts, failures) = chaos(range, Scope::default());
    failures.iter().for_each(|failure| say(&failure.to_string()));
    let differing = |failure: &&Failure| failure.broken.invariant == Invariant::SameClaimsSameLedger;
    let differing = failures.iter().filter(differing).count();
    let violations = failures.len() - differing;
    say(&format!("seeds={count} {counts} violations={violations} differing_ledgers={differing}"));
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("{} of {count} seeds failed", failures.len()).into())
    }
}

/// Plays a day on fleets of these sizes and prints what each loses against one node without a crash.
pub(super) fn fleets(trace: &Trace, algorithm: Algorithm, nodes: &[u32]) {
    let pacing = algorithm.pacing();
    let one = fleet(trace, pacing, Plot { crash: None, ..Plot::published(1) }).score;
    let percent = |value: i64, of: i64| {
        let parts = (i128::from(value) * 10_000_000).checked_div(i128::from(of)).unwrap_or(0);
        f64::from(i32::try_from(parts).unwrap_or(i32::MAX)) / 100_000.0
    };
    for count in nodes {
        let plots = [
            ("returned", Plot::published(*count)),
            ("kept", Plot { idle: None, ..Plot::published(*count) }),
            ("stale", Plot { fresh: false, ..Plot::published(*count) }),
        ];
        for (name, plot) in plots {
            let found = fleet(trace, pacing, plot);
            // In points of the bound, where there is one.
            let bound = trace.optimum.unwrap_or(one.value).0;
            let loss = percent(one.value.0 - found.score.value.0, bound);
            let (grants, plays) = (i64::try_from(found.grants).unwrap_or(0), found.score.plays);
            let grants = percent(grants, i64::try_from(plays).unwrap_or(0)) / 100.0;
            say(&format!(
                "{} nodes={count} leases={name} value_micros={} loss_points={loss:.3} \
                 grants_per_play={grants:.3} stranded_micros={} overspend_micros={}",
                trace.name,
                found.score.value.0,
                found.stranded.0,
                found.beyond.0.max(found.score.overspend.0),
            ));
        }
    }
}
