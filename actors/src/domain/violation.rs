//! How often rules spoke, until it is written: bounded, and never asked about anything.
//!
//! What is counted: each time a rule speaks against one candidate of one slot, or against one application or
//! approval. A campaign that waits out a rule is judged at every slot, so it counts at every slot; a rule of
//! lower priority than the one that blocked was not asked, and does not count.

use super::campaign::Category;
use super::conflict::{Hit, Severity};
use super::id::{BrandId, OverrideId, RuleId, StreamerId};
use super::time::UnixMillis;
use std::collections::BTreeMap;

/// Rows that wait to be written, at most.
pub const WAITING_MAX: usize = 20_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Where a violation belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViolationKey {
    /// UTC day, as days since 1970.
    pub day: i64,
    /// The rule.
    pub rule: RuleId,
    /// The brand of the campaign that it spoke against.
    pub brand: BrandId,
    /// The category of that campaign.
    pub category: Category,
    /// On whose stream.
    pub streamer: StreamerId,
}

/// What is counted of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViolationCounts {
    /// It spoke.
    pub spoken: u64,
    /// It blocked.
    pub blocked: u64,
    /// It would have blocked, and an override let the campaign pass.
    pub overridden: u64,
}

impl ViolationCounts {
    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, more: &Self) {
        self.spoken += more.spoken;
        self.blocked += more.blocked;
        self.overridden += more.overridden;
    }

    fn of(hit: &Hit) -> Self {
        let blocking = hit.severity == Severity::Blocking;
        Self { spoken: 1, blocked: u64::from(hit.blocks()), overridden: u64::from(blocking && !hit.blocks()) }
    }
}

/// A rule that spoke against a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What it said.
    pub hit: Hit,
    /// The campaign's brand.
    pub brand: BrandId,
    /// What it advertises.
    pub category: Category,
}

/// What one transaction writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// By day, rule, brand, category and streamer.
    pub violations: Vec<(ViolationKey, ViolationCounts)>,
    /// By rule.
    pub rules: Vec<(RuleId, ViolationCounts)>,
    /// How often an override let something pass.
    pub overrides: Vec<(OverrideId, u64)>,
}

impl RuleCounts {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty() && self.rules.is_empty() && self.overrides.is_empty()
    }
}

/// What is not written yet. There are only so many rules and overrides; the rows by day have a bound.
#[derive(Debug, Default)]
pub struct Violations {
    rows: BTreeMap<ViolationKey, ViolationCounts>,
    rules: BTreeMap<RuleId, ViolationCounts>,
    overrides: BTreeMap<OverrideId, u64>,
    dropped: u64,
}

impl Violations {
    /// Rules spoke on a stream. What finds no room for its row is still counted for its rule.
    pub fn spoke(&mut self, streamer: StreamerId, at: UnixMillis, spoken: &[Spoken]) {
        let day = at.0.div_euclid(DAY);
        for Spoken { hit, brand, category } in spoken {
            let counts = ViolationCounts::of(hit);
            self.rules.entry(hit.rule).or_default().add(&counts);
            if let Some(id) = hit.overridden {
                *self.overrides.entry(id).or_default() += 1;
            }
            let key =
                ViolationKey { day, rule: hit.rule, brand: *brand, category: category.clone(), streamer };
            self.add(key, &counts);
        }
    }

    fn add(&mut self, key: ViolationKey, counts: &ViolationCounts) {
        if self.rows.len() >= WAITING_MAX && !self.rows.contains_key(&key) {
            self.dropped += counts.spoken;
        } else {
            self.rows.entry(key).or_default().add(counts);
        }
    }

    /// The next transaction, of at most `max` rows of each kind.
    pub fn take(&mut self, max: usize) -> RuleCounts {
        fn some<K: Ord, V>(rows: &mut BTreeMap<K, V>, max: usize) -> Vec<(K, V)> {
            std::iter::from_fn(|| rows.pop_first()).take(max).collect()
        }
        RuleCounts {
            violations: some(&mut self.rows, max),
            rules: some(&mut self.rules, max),
            overrides: some(&mut self.overrides, max),
        }
    }

    /// A batch that could not be written waits; what finds no room any more is dropped and counted.
    pub fn put_back(&mut self, counts: RuleCounts) {
        for (key, counts) in counts.violations {
            self.add(key, &counts);
        }
        for (rule, counts) in counts.rules {
            self.rules.entry(rule).or_default().add(&counts);
        }
        for (id, times) in counts.overrides {
            *self.overrides.entry(id).or_default() += times;
        }
    }

    /// Hits that found no room since this was last asked.
    pub const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.dropped, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reason::Reason;

    fn spoken(rule: i64, severity: Severity, overridden: Option<i64>) -> Spoken {
        let overridden = overridden.map(OverrideId);
        let hit = Hit { rule: RuleId(rule), severity, reason: Reason::Cooldown, overridden };
        Spoken { hit, brand: BrandId(1), category: Category::new("drinks".into()) }
    }

    #[test]
    fn every_hit_counts_for_its_row_its_rule_and_its_override() {
        let mut violations = Violations::default();
        let hits = [
            spoken(1, Severity::Blocking, None),
            spoken(1, Severity::Blocking, Some(9)),
            spoken(2, Severity::Advisory, None),
        ];
        violations.spoke(StreamerId(5), UnixMillis(2 * DAY - 1), &hits);
        violations.spoke(StreamerId(5), UnixMillis(2 * DAY), &hits[..1]);
        let counts = violations.take(100);
        let count = |spoken, blocked, overridden| ViolationCounts { spoken, blocked, overridden };
        assert_eq!(counts.rules, [(RuleId(1), count(3, 2, 1)), (RuleId(2), count(1, 0, 0))]);
        assert_eq!(counts.overrides, [(OverrideId(9), 1)]);
        let rows: Vec<_> = counts.violations.iter().map(|(key, n)| (key.day, key.rule.0, *n)).collect();
        assert_eq!(rows, [(1, 1, count(2, 1, 1)), (1, 2, count(1, 0, 0)), (2, 1, count(1, 1, 0))]);
        assert!(violations.take(100).is_empty());
        violations.put_back(counts.clone());
        assert_eq!(violations.take(100), counts, "nothing is lost on the way back");
    }

    #[test]
    fn above_the_bound_rows_are_dropped_and_rules_still_count() {
        let mut violations = Violations::default();
        let hit = [spoken(1, Severity::Warning, None)];
        let more = 7;
        for streamer in 0..i64::try_from(WAITING_MAX).unwrap() + more {
            violations.spoke(StreamerId(streamer), UnixMillis(0), &hit);
        }
        assert_eq!(violations.take_dropped(), more.unsigned_abs());
        assert_eq!(violations.take_dropped(), 0);
        let counts = violations.take(usize::MAX);
        assert_eq!(counts.violations.len(), WAITING_MAX);
        assert_eq!(counts.rules[0].1.spoken, u64::try_from(WAITING_MAX).unwrap() + more.unsigned_abs());
    }
}
