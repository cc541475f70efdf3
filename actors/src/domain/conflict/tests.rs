//! Each type of rule, and the index against a plain scan.

use super::*;
use proptest::prelude::*;

fn category(n: u8) -> Category {
    Category(format!("c{n}").into())
}

fn present(campaign: i64, brand: i64, cat: u8, at: i64) -> Presence {
    Presence {
        campaign: CampaignId(campaign),
        brand: BrandId(brand),
        category: category(cat),
        last_shown: UnixMillis(at),
    }
}

fn rule(id: i64, kind: RuleKind, severity: Severity, priority: i32) -> Rule {
    Rule { id: RuleId(id), kind, severity, priority }
}

fn verdict(kind: RuleKind, who: (i64, i64, u8), seen: &[Presence], now: i64) -> Option<Reason> {
    let index = RuleIndex::new(vec![rule(1, kind, Severity::Blocking, 0)]);
    let cat = category(who.2);
    let contender = Contender { campaign: CampaignId(who.0), brand: BrandId(who.1), category: &cat };
    index.blocks(contender, seen, UnixMillis(now), |_| ()).map(|hit| hit.reason)
}

#[test]
fn a_competitor_is_not_shown_while_the_category_is_taken() {
    let kind = || RuleKind::CategoryExclusivity { categories: vec![category(1)], span: Millis(100) };
    let seen = [present(1, 1, 1, 0)];
    assert_eq!(verdict(kind(), (2, 2, 1), &seen, 99), Some(Reason::CategoryExclusivity));
    assert_eq!(verdict(kind(), (2, 2, 1), &seen, 100), None, "the span is over");
    assert_eq!(verdict(kind(), (3, 1, 1), &seen, 50), None, "the same brand may go on");
    assert_eq!(verdict(kind(), (2, 2, 2), &seen, 50), None, "another category is free");
}

#[test]
fn an_exclusive_brand_keeps_its_competitors_out() {
    let named = RuleKind::BrandExclusivity {
        brands: vec![BrandId(1)],
        competitors: vec![BrandId(2)],
        span: Millis(100),
    };
    let all = RuleKind::BrandExclusivity { brands: vec![BrandId(1)], competitors: vec![], span: Millis(100) };
    let seen = [present(1, 1, 1, 0)];
    assert_eq!(verdict(named.clone(), (2, 2, 9), &seen, 10), Some(Reason::BrandExclusivity));
    assert_eq!(verdict(named, (3, 3, 9), &seen, 10), None);
    assert_eq!(verdict(all.clone(), (3, 3, 9), &seen, 10), Some(Reason::BrandExclusivity));
    assert_eq!(verdict(all, (4, 1, 9), &seen, 10), None);
}

#[test]
fn a_cooldown_looks_at_its_scope_alone() {
    let seen = [present(1, 1, 1, 0)];
    let cool = |scope| RuleKind::CooldownPeriod { scope, span: Millis(100) };
    assert_eq!(verdict(cool(Scope::Brand), (2, 1, 2), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(Scope::Brand), (2, 2, 1), &seen, 50), None);
    assert_eq!(verdict(cool(Scope::Category), (2, 2, 1), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(Scope::Streamer), (9, 9, 9), &seen, 50), Some(Reason::Cooldown));
}

#[test]
fn a_simultaneous_limit_counts_other_campaigns_only() {
    let limit = |scope| RuleKind::SimultaneousLimit { scope, campaigns_max: 2, span: Millis(100) };
    let seen = [present(1, 1, 1, 0), present(2, 2, 1, 0)];
    assert_eq!(verdict(limit(Scope::Streamer), (3, 3, 3), &seen, 10), Some(Reason::SimultaneousLimit));
    assert_eq!(verdict(limit(Scope::Streamer), (2, 2, 1), &seen, 10), None, "it is one of the two");
    assert_eq!(verdict(limit(Scope::Category), (3, 3, 3), &seen, 10), None);
}

#[test]
fn the_higher_priority_speaks_first_and_only_blocking_stops() {
    let cool = || RuleKind::CooldownPeriod { scope: Scope::Streamer, span: Millis(100) };
    let index = RuleIndex::new(vec![
        rule(1, cool(), Severity::Blocking, 1),
        rule(2, cool(), Severity::Advisory, 9),
        rule(3, cool(), Severity::Warning, 5),
        rule(4, cool(), Severity::Blocking, 0),
    ]);
    let cat = category(1);
    let contender = Contender { campaign: CampaignId(5), brand: BrandId(5), category: &cat };
    let mut heard = Vec::new();
    let hit = index.blocks(contender, &[present(1, 1, 1, 0)], UnixMillis(1), |h| heard.push(h.rule.0));
    assert_eq!(hit.map(|h| h.rule), Some(RuleId(1)));
    assert_eq!(heard, [2, 3, 1]);
}

fn kinds() -> impl Strategy<Value = RuleKind> {
    let scope = || prop_oneof![Just(Scope::Category), Just(Scope::Brand), Just(Scope::Streamer)];
    let brands = || proptest::collection::vec((0_i64..4).prop_map(BrandId), 0..3);
    let span = || (1_i64..200).prop_map(Millis);
    prop_oneof![
        (proptest::collection::vec((0_u8..4).prop_map(category), 0..3), span())
            .prop_map(|(categories, span)| RuleKind::CategoryExclusivity { categories, span }),
        (brands(), brands(), span()).prop_map(|(brands, competitors, span)| RuleKind::BrandExclusivity {
            brands,
            competitors,
            span
        }),
        (scope(), span()).prop_map(|(scope, span)| RuleKind::CooldownPeriod { scope, span }),
        (scope(), 1_u32..4, span()).prop_map(|(scope, campaigns_max, span)| RuleKind::SimultaneousLimit {
            scope,
            campaigns_max,
            span
        }),
    ]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let severity = prop_oneof![Just(Severity::Advisory), Just(Severity::Warning), Just(Severity::Blocking)];
    proptest::collection::vec((kinds(), severity, -3_i32..3), 0..12).prop_map(|list| {
        (0..).zip(list).map(|(id, (kind, severity, priority))| rule(id, kind, severity, priority)).collect()
    })
}

fn presences() -> impl Strategy<Value = Vec<Presence>> {
    proptest::collection::vec((0_i64..6, 0_i64..4, 0_u8..4, 0_i64..200), 0..8)
        .prop_map(|list| list.into_iter().map(|(c, b, k, t)| present(c, b, k, t)).collect())
}

proptest! {
    /// The index must say what a plain scan over all rules says.
    #[test]
    fn the_index_agrees_with_a_scan(
        rules in rules(),
        seen in presences(),
        who in (0_i64..6, 0_i64..4, 0_u8..4),
        now in 200_i64..260,
    ) {
        let cat = category(who.2);
        let contender = Contender { campaign: CampaignId(who.0), brand: BrandId(who.1), category: &cat };
        let mut sorted = rules.clone();
        sorted.sort_by_key(|r| (std::cmp::Reverse(r.priority), r.id));
        let mut expected = Vec::new();
        for r in &sorted {
            if r.speaks(contender, &seen, UnixMillis(now)) {
                expected.push(r.hit());
                if r.severity == Severity::Blocking { break; }
            }
        }
        let mut heard = Vec::new();
        let hit = RuleIndex::new(rules).blocks(contender, &seen, UnixMillis(now), |h| heard.push(h));
        prop_assert_eq!(&heard, &expected);
        prop_assert_eq!(hit, expected.last().copied().filter(|h| h.severity == Severity::Blocking));
    }

    /// What was never shown can not be in conflict with anything.
    #[test]
    fn an_empty_history_blocks_nobody(rules in rules(), who in (0_i64..6, 0_i64..4, 0_u8..4)) {
        let cat = category(who.2);
        let contender = Contender { campaign: CampaignId(who.0), brand: BrandId(who.1), category: &cat };
        prop_assert_eq!(RuleIndex::new(rules).blocks(contender, &[], UnixMillis(0), |_| ()), None);
    }

    /// Time heals: once every span is over, nobody is blocked.
    #[test]
    fn every_conflict_ends(rules in rules(), seen in presences(), who in (0_i64..6, 0_i64..4, 0_u8..4)) {
        let cat = category(who.2);
        let contender = Contender { campaign: CampaignId(who.0), brand: BrandId(who.1), category: &cat };
        prop_assert_eq!(RuleIndex::new(rules).blocks(contender, &seen, UnixMillis(400), |_| ()), None);
    }
}
