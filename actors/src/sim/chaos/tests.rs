//! Some hundred short evenings, and what must be so of the simulator itself.

use super::*;

/// Long enough for claims on both sides of every fault, short enough for hundreds of them.
const SHORT: Scope = Scope { minutes: 3, crashes: 2, faults: true };

#[test]
fn some_hundred_seeds_keep_every_invariant() {
    let mut all = Counts::default();
    for seed in 1..=200 {
        match run(seed, SHORT) {
            Ok(counts) => all.add(&counts),
            Err(failure) => panic!("{failure}"),
        }
    }
    // A simulator in which nothing happens proves nothing.
    assert!(all.settled > 1_000 && all.refused > 50 && all.claims > 1_000, "{all}");
    assert!(all.duplicates > 500 && all.reordered > 500 && all.lost_acks > 5, "{all}");
    assert!(all.crashes > 300 && all.resent > 500, "{all}");
    assert!(all.clicks > all.billed && all.billed > 300 && all.beside > 60, "{all}");
}

#[test]
fn a_seed_is_always_the_same_run() {
    assert_eq!(run(7, SHORT), run(7, SHORT));
    assert_ne!(run(7, SHORT), run(8, SHORT));
}
