//! The days are what they are said to be.

use super::day::{Size, day};
use super::worst::{trap, triangle};
use crate::domain::pacing::{Greedy, TUNED, TokenBucket};
use crate::sim::replay::Replay;
use crate::sim::score::{Score, score};
use crate::sim::trace::Trace;

fn played(trace: &Trace, pacing: &dyn crate::domain::pacing::Pacing) -> Score {
    score(trace, &Replay::new(trace, pacing).run())
}

#[test]
fn an_ordinary_day_has_the_published_proportions() {
    let trace = day("t1".to_owned(), 1, Size::published(50));
    assert_eq!(trace.streamers.len(), 400);
    assert!((35..=70).contains(&trace.campaigns.len()), "{}", trace.campaigns.len());
    assert!((15_000..24_000).contains(&trace.slots.len()), "{}", trace.slots.len());
    assert!(trace.slots.is_sorted_by_key(|slot| (slot.at, slot.streamer)));
    assert!(trace.plans.iter().all(|plan| plan.len() == 96 && plan.is_sorted() && plan[95] == 1_000_000));
    let outcome = played(&trace, &TUNED);
    assert_eq!(outcome.overspend.0, 0);
    assert!(outcome.utilisation_percent > 70.0, "{outcome:?}");
    assert!(outcome.lp_percent.is_nan(), "a generated day has no bound");
}

#[test]
fn a_surge_changes_the_viewers_of_one_hour_and_nothing_else() {
    let plain = day("t1".to_owned(), 2, Size::published(50));
    let surge = day("t3".to_owned(), 2, Size { surge: true, ..Size::published(50) });
    let pairs = || plain.slots.iter().zip(&surge.slots);
    assert_eq!(plain.plans, surge.plans);
    assert!(pairs().all(|(a, b)| (a.at, a.streamer) == (b.at, b.streamer)));
    let larger: Vec<_> = pairs().filter(|(a, b)| a.viewers != b.viewers).collect();
    assert!(larger.iter().all(|(a, b)| b.viewers == 8 * a.viewers && a.at.0 / 3_600_000 == 20));
    assert!(!larger.is_empty());
}

#[test]
fn the_worst_cases_trap_the_greedy_and_not_the_guarantee() {
    for trace in [triangle("t2".to_owned(), 1), trap("t2b".to_owned())] {
        let percent = |score: Score| score.lp_percent;
        let (greedy, tokens) =
            (percent(played(&trace, &Greedy)), percent(played(&trace, &TokenBucket::PUBLISHED)));
        assert!(greedy < 51.0, "{} {greedy}", trace.name);
        assert!(tokens > 63.2, "{} {tokens}", trace.name);
    }
}
