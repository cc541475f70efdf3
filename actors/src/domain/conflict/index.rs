//! Rules compiled for lookup by the candidate's category and brand.

use super::{Contender, Hit, Presence, Rule, RuleKind, Severity};
use crate::domain::campaign::Category;
use crate::domain::id::BrandId;
use crate::domain::time::UnixMillis;
use std::collections::HashMap;

/// The rules in force, highest priority first, with an index of those that concern only some
/// categories or only some brands.
#[derive(Debug, Default)]
pub struct RuleIndex {
    rules: Vec<Rule>,
    everyone: Vec<usize>,
    by_category: HashMap<Category, Vec<usize>>,
    by_brand: HashMap<BrandId, Vec<usize>>,
}

impl RuleIndex {
    /// Compiles the rules.
    #[must_use]
    pub fn new(mut rules: Vec<Rule>) -> Self {
        rules.sort_by_key(|rule| (std::cmp::Reverse(rule.priority), rule.id));
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            match &rule.kind {
                RuleKind::CategoryExclusivity { categories, .. } if !categories.is_empty() => {
                    for category in categories {
                        note(index.by_category.entry(category.clone()).or_default(), at);
                    }
                }
                RuleKind::BrandExclusivity { competitors, .. } if !competitors.is_empty() => {
                    for brand in competitors {
                        note(index.by_brand.entry(*brand).or_default(), at);
                    }
                }
                _ => index.everyone.push(at),
            }
        }
        index.rules = rules;
        index
    }

    /// The first blocking rule that speaks against the contender. Every rule that speaks before
    /// it, or with it, is handed to `heard`, highest priority first.
    pub fn blocks(
        &self,
        contender: Contender<'_>,
        present: &[Presence],
        now: UnixMillis,
        mut heard: impl FnMut(Hit),
    ) -> Option<Hit> {
        let none: &[usize] = &[];
        let mut lists = [
            self.everyone.as_slice(),
            self.by_category.get(contender.category).map_or(none, Vec::as_slice),
            self.by_brand.get(&contender.brand).map_or(none, Vec::as_slice),
        ];
        // A merge of three ascending lists: positions are priorities, so the order stays.
        while let Some(at) = lists.iter().filter_map(|list| list.first().copied()).min() {
            for list in &mut lists {
                if let Some((&first, rest)) = list.split_first()
                    && first == at
                {
                    *list = rest;
                }
            }
            let Some(rule) = self.rules.get(at) else { continue };
            if rule.speaks(contender, present, now) {
                let hit = rule.hit();
                heard(hit);
                if hit.severity == Severity::Blocking {
                    return Some(hit);
                }
            }
        }
        None
    }
}

/// A rule that names the same thing twice still speaks once.
fn note(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}
