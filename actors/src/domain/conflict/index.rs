//! Rules compiled for lookup by the candidate's category and brand.

use super::overrides::{Override, Overrides};
use super::{Contender, Hit, Presence, Rule, RuleKind, Scope, Severity};
use crate::domain::campaign::Category;
use crate::domain::id::BrandId;
use crate::domain::time::{Millis, UnixMillis};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// The rules in force, highest priority first, with an index of those that concern only some
/// categories or only some brands.
#[derive(Debug, Default)]
pub struct RuleIndex {
    rules: Vec<Rule>,
    everyone: Vec<usize>,
    by_category: HashMap<Category, Vec<usize>>,
    by_brand: HashMap<BrandId, Vec<usize>>,
    overrides: Overrides,
    longest: Millis,
}

/// What an assignment is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What was shown on the stream, the last first.
    pub shown: &'a [Presence],
    /// The same, with the campaigns that the streamer is assigned to as if they were shown now.
    pub with_assigned: &'a [Presence],
}

impl RuleIndex {
    /// Compiles the rules, without overrides.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self::with(rules, Vec::new())
    }

    /// Compiles rules and overrides.
    #[must_use]
    pub fn with(mut rules: Vec<Rule>, overrides: Vec<Override>) -> Self {
        rules.sort_by_key(|rule| (std::cmp::Reverse(rule.priority), rule.id));
        let mut index = Self { overrides: Overrides::new(overrides), ..Self::default() };
        for (at, rule) in rules.iter().enumerate() {
            match &rule.kind {
                RuleKind::CategoryExclusivity { categories: only, .. }
                | RuleKind::CooldownPeriod { scope: Scope::Category(only), .. }
                | RuleKind::SimultaneousLimit { scope: Scope::Category(only), .. }
                    if !only.is_empty() =>
                {
                    note(&mut index.by_category, only, at);
                }
                RuleKind::BrandExclusivity { competitors: only, .. }
                | RuleKind::CooldownPeriod { scope: Scope::Brand(only), .. }
                | RuleKind::SimultaneousLimit { scope: Scope::Brand(only), .. }
                    if !only.is_empty() =>
                {
                    note(&mut index.by_brand, only, at);
                }
                _ => index.everyone.push(at),
            }
            index.longest = index.longest.max(rule.kind.span());
        }
        index.rules = rules;
        index
    }

    /// The rules in force, highest priority first.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How far back any rule looks.
    #[must_use]
    pub const fn longest(&self) -> Millis {
        self.longest
    }

    /// The first blocking rule that speaks against the contender and is not overridden, given who is present,
    /// the last shown first. Every rule that
    /// speaks before it, or with it, is handed to `heard`, highest priority first.
    pub fn blocks(
        &self,
        contender: Contender<'_>,
        present: &[Presence],
        now: UnixMillis,
        mut heard: impl FnMut(Hit),
    ) -> Option<Hit> {
        self.first(
            self.concerning(contender.category, contender.brand),
            contender,
            (present, now),
            &mut heard,
        )
    }

    /// For each rule whether it could speak against anybody in this slot.
    #[must_use]
    pub fn awake(&self, present: &[Presence], now: UnixMillis) -> Vec<bool> {
        self.rules.iter().map(|rule| rule.is_awake(present, now)).collect()
    }

    /// As [`Self::blocks`], among the rules that [`Self::known`] found for the contender, and of these those
    /// that are [`Self::awake`].
    pub fn blocks_among(
        &self,
        contender: Contender<'_>,
        (known, awake): (&[usize], &[bool]),
        (present, now): (&[Presence], UnixMillis),
        mut heard: impl FnMut(Hit),
    ) -> Option<Hit> {
        let rules = known.iter().filter(|at| awake.get(**at) == Some(&true));
        let rules = rules.filter_map(|at| self.rules.get(*at));
        self.first(rules, contender, (present, now), &mut heard)
    }

    /// As [`Self::blocks`], among the rules that [`Self::known`] found for the contender.
    pub fn blocks_known(
        &self,
        contender: Contender<'_>,
        known: &[usize],
        (present, now): (&[Presence], UnixMillis),
        mut heard: impl FnMut(Hit),
    ) -> Option<Hit> {
        let rules = known.iter().filter_map(|at| self.rules.get(*at));
        self.first(rules, contender, (present, now), &mut heard)
    }

    /// The rules that may have something to say about campaigns of a category and a brand.
    #[must_use]
    pub fn known(&self, category: &Category, brand: BrandId) -> Arc<[usize]> {
        self.places(category, brand).collect()
    }

    fn first<'r>(
        &self,
        rules: impl Iterator<Item = &'r Rule>,
        contender: Contender<'_>,
        (present, now): (&[Presence], UnixMillis),
        heard: &mut impl FnMut(Hit),
    ) -> Option<Hit> {
        for rule in rules {
            if rule.speaks(contender, present, now) {
                let hit = self.hit(rule, contender, now);
                heard(hit);
                if hit.blocks() {
                    return Some(hit);
                }
            }
        }
        None
    }

    /// Every rule that speaks against an assignment, highest priority first.
    #[must_use]
    pub fn spoken(&self, contender: Contender<'_>, standing: Standing<'_>, now: UnixMillis) -> Vec<Hit> {
        let present = |rule: &Rule| {
            if rule.kind.counts_assigned() { standing.with_assigned } else { standing.shown }
        };
        self.concerning(contender.category, contender.brand)
            .filter(|rule| rule.speaks(contender, present(rule), now))
            .map(|rule| self.hit(rule, contender, now))
            .collect()
    }

    /// What the rule says. Overrides are looked up only when it would block.
    fn hit(&self, rule: &Rule, contender: Contender<'_>, now: UnixMillis) -> Hit {
        let mut hit = rule.hit();
        if hit.severity == Severity::Blocking {
            hit.overridden = self.overrides.of(contender, rule.id, now);
        }
        hit
    }

    fn concerning(&self, category: &Category, brand: BrandId) -> impl Iterator<Item = &Rule> {
        self.places(category, brand).filter_map(|at| self.rules.get(at))
    }

    /// Places of the rules that may have something to say, in order: a merge of three ascending lists.
    /// Positions are priorities, so the order stays.
    fn places(&self, category: &Category, brand: BrandId) -> impl Iterator<Item = usize> {
        let none: &[usize] = &[];
        let mut lists = [
            self.everyone.as_slice(),
            self.by_category.get(category).map_or(none, Vec::as_slice),
            self.by_brand.get(&brand).map_or(none, Vec::as_slice),
        ];
        std::iter::from_fn(move || {
            let at = lists.iter().filter_map(|list| list.first().copied()).min()?;
            for list in &mut lists {
                if let Some((&first, rest)) = list.split_first()
                    && first == at
                {
                    *list = rest;
                }
            }
            Some(at)
        })
    }
}

/// A rule that names the same thing twice still speaks once.
fn note<K: Clone + Eq + Hash>(lists: &mut HashMap<K, Vec<usize>>, keys: &[K], at: usize) {
    for key in keys {
        let list = lists.entry(key.clone()).or_default();
        if list.last() != Some(&at) {
            list.push(at);
        }
    }
}
