//! Each type of rule, and the index against a plain scan.

use super::*;
use proptest::prelude::*;

pub(super) fn category(n: u8) -> Category {
    Category::new(format!("c{n}").into())
}

fn present(campaign: i64, brand: i64, cat: u8, at: i64) -> Presence {
    Presence {
        campaign: CampaignId(campaign),
        brand: BrandId(brand),
        category: category(cat),
        last_shown: UnixMillis(at),
    }
}

pub(super) fn contender(who: (i64, i64, u8), category: &Category) -> Contender<'_> {
    Contender { campaign: CampaignId(who.0), brand: BrandId(who.1), category, streamer: StreamerId(1) }
}

pub(super) fn rule(id: i64, kind: RuleKind, severity: Severity, priority: i32) -> Rule {
    Rule { id: RuleId(id), kind, severity, priority }
}

fn verdict(kind: RuleKind, who: (i64, i64, u8), seen: &[Presence], now: i64) -> Option<Reason> {
    let index = RuleIndex::new(vec![rule(1, kind, Severity::Blocking, 0)]);
    let cat = category(who.2);
    let contender = contender(who, &cat);
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
    assert_eq!(verdict(cool(Scope::Brand(vec![])), (2, 1, 2), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(Scope::Brand(vec![])), (2, 2, 1), &seen, 50), None);
    assert_eq!(verdict(cool(Scope::Category(vec![])), (2, 2, 1), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(Scope::Streamer), (9, 9, 9), &seen, 50), Some(Reason::Cooldown));
}

#[test]
fn a_simultaneous_limit_counts_other_campaigns_only() {
    let limit = |scope| RuleKind::SimultaneousLimit { scope, campaigns_max: 2, span: Millis(100) };
    let seen = [present(1, 1, 1, 0), present(2, 2, 1, 0)];
    assert_eq!(verdict(limit(Scope::Streamer), (3, 3, 3), &seen, 10), Some(Reason::SimultaneousLimit));
    assert_eq!(verdict(limit(Scope::Streamer), (2, 2, 1), &seen, 10), None, "it is one of the two");
    assert_eq!(verdict(limit(Scope::Category(vec![])), (3, 3, 3), &seen, 10), None);
}

#[test]
fn a_scope_with_a_list_is_about_its_entries_alone() {
    let seen = [present(1, 1, 1, 0), present(2, 2, 2, 0)];
    let cool = |scope| RuleKind::CooldownPeriod { scope, span: Millis(100) };
    let drinks = || Scope::Category(vec![category(1), category(3)]);
    assert_eq!(verdict(cool(drinks()), (3, 3, 1), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(drinks()), (3, 3, 2), &seen, 50), None);
    let brand = || Scope::Brand(vec![BrandId(2)]);
    assert_eq!(verdict(cool(brand()), (3, 2, 9), &seen, 50), Some(Reason::Cooldown));
    assert_eq!(verdict(cool(brand()), (3, 1, 9), &seen, 50), None);
    let limit = |scope| RuleKind::SimultaneousLimit { scope, campaigns_max: 1, span: Millis(100) };
    assert_eq!(verdict(limit(drinks()), (3, 3, 1), &seen, 50), Some(Reason::SimultaneousLimit));
    assert_eq!(verdict(limit(drinks()), (3, 3, 2), &seen, 50), None);
}

#[test]
fn an_override_lets_its_pair_pass_until_its_second() {
    let cool = RuleKind::CooldownPeriod { scope: Scope::Streamer, span: Millis(100) };
    let rules =
        || vec![rule(7, cool.clone(), Severity::Blocking, 1), rule(8, cool.clone(), Severity::Blocking, 0)];
    let grant = |id, streamer: Option<i64>, of: Option<i64>, until| Override {
        id: OverrideId(id),
        campaign: CampaignId(5),
        streamer: streamer.map(StreamerId),
        rule: of.map(RuleId),
        expires: UnixMillis(until),
    };
    let cat = category(1);
    let blocked = |overrides: Vec<Override>, who, now| {
        let index = RuleIndex::with(rules(), overrides);
        index.blocks(contender(who, &cat), &[present(1, 1, 1, 0)], UnixMillis(now), |_| ()).map(|h| h.rule.0)
    };
    let five = (5, 5, 1);
    assert_eq!(blocked(vec![], five, 10), Some(7));
    assert_eq!(blocked(vec![grant(1, None, Some(7), 50)], five, 10), Some(8), "the other rule still blocks");
    assert_eq!(blocked(vec![grant(1, Some(1), None, 50)], five, 49), None, "an emergency is for all rules");
    assert_eq!(blocked(vec![grant(1, Some(1), None, 50)], five, 50), Some(7), "dead at its second");
    assert_eq!(blocked(vec![grant(1, Some(2), None, 50)], five, 10), Some(7), "another streamer's");
    assert_eq!(blocked(vec![grant(1, None, None, 50)], (6, 5, 1), 10), Some(7), "another campaign's");
    let twice = vec![grant(1, None, None, 90), grant(2, None, None, 50)];
    assert_eq!(blocked(twice, five, 80), None, "the one that lasts longer counts");
}

#[test]
fn an_assignment_counts_what_is_assigned_except_for_cooldowns() {
    let limit = RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 1, span: Millis(100) };
    let cool = RuleKind::CooldownPeriod { scope: Scope::Category(vec![]), span: Millis(100) };
    let index = RuleIndex::new(vec![
        rule(1, limit, Severity::Blocking, 2),
        rule(2, cool, Severity::Blocking, 1),
        rule(3, RuleKind::CategoryExclusivity { categories: vec![], span: Millis(9) }, Severity::Advisory, 0),
    ]);
    let (cat, assigned) = (category(1), [present(1, 1, 1, 500)]);
    let said = |shown: &[Presence], with_assigned: &[Presence]| {
        let standing = Standing { shown, with_assigned };
        let hits = index.spoken(contender((2, 2, 1), &cat), standing, UnixMillis(500));
        hits.iter().map(|hit| hit.rule.0).collect::<Vec<_>>()
    };
    assert_eq!(said(&[], &assigned), [1, 3], "all that speak, also behind the one that blocks");
    assert_eq!(said(&assigned, &assigned), [1, 2, 3]);
    assert_eq!(said(&[], &[]), [0_i64; 0]);
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
    let contender = contender((5, 5, 1), &cat);
    let mut heard = Vec::new();
    let hit = index.blocks(contender, &[present(1, 1, 1, 0)], UnixMillis(1), |h| heard.push(h.rule.0));
    assert_eq!(hit.map(|h| h.rule), Some(RuleId(1)));
    assert_eq!(heard, [2, 3, 1]);
}

pub(super) fn kinds() -> impl Strategy<Value = RuleKind> {
    let brands = || proptest::collection::vec((0_i64..4).prop_map(BrandId), 0..3);
    let categories = || proptest::collection::vec((0_u8..4).prop_map(category), 0..3);
    let scope = move || {
        prop_oneof![
            categories().prop_map(Scope::Category),
            brands().prop_map(Scope::Brand),
            Just(Scope::Streamer)
        ]
    };
    let span = || (1_i64..200).prop_map(Millis);
    prop_oneof![
        (categories(), span())
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

fn an_override() -> impl Strategy<Value = Override> {
    let maybe = |max: i64| proptest::option::of(0..max);
    (0_i64..99, 0_i64..6, maybe(3), maybe(6), 190_i64..270).prop_map(
        |(id, campaign, streamer, rule, until)| Override {
            id: OverrideId(id),
            campaign: CampaignId(campaign),
            streamer: streamer.map(StreamerId),
            rule: rule.map(RuleId),
            expires: UnixMillis(until),
        },
    )
}

fn lets_pass(one: &Override, contender: Contender<'_>, rule: RuleId, now: UnixMillis) -> bool {
    one.campaign == contender.campaign
        && one.streamer.is_none_or(|id| id == contender.streamer)
        && one.rule.is_none_or(|id| id == rule)
        && now < one.expires
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let severity = prop_oneof![Just(Severity::Advisory), Just(Severity::Warning), Just(Severity::Blocking)];
    proptest::collection::vec((kinds(), severity, -3_i32..3), 0..12).prop_map(|list| {
        (0..).zip(list).map(|(id, (kind, severity, priority))| rule(id, kind, severity, priority)).collect()
    })
}

fn presences() -> impl Strategy<Value = Vec<Presence>> {
    proptest::collection::vec((0_i64..6, 0_i64..4, 0_u8..4, 0_i64..200), 0..8).prop_map(|mut list| {
        list.sort_by_key(|(.., at)| std::cmp::Reverse(*at));
        list.into_iter().map(|(c, b, k, t)| present(c, b, k, t)).collect()
    })
}

proptest! {
    /// The index must say what a plain scan over all rules and all overrides says, and an assignment hears
    /// every one of them.
    #[test]
    fn the_index_agrees_with_a_scan(
        rules in rules(),
        overrides in proptest::collection::vec(an_override(), 0..6),
        seen in presences(),
        who in (0_i64..6, 0_i64..4, 0_u8..4),
        now in 200_i64..260,
    ) {
        let (cat, now) = (category(who.2), UnixMillis(now));
        let contender = contender(who, &cat);
        let mut sorted = rules.clone();
        sorted.sort_by_key(|r| (std::cmp::Reverse(r.priority), r.id));
        let passes = |r: &Rule| {
            r.severity == Severity::Blocking && overrides.iter().any(|o| lets_pass(o, contender, r.id, now))
        };
        let all: Vec<(RuleId, bool)> = sorted
            .iter()
            .filter(|r| r.speaks(contender, &seen, now))
            .map(|r| (r.id, r.severity == Severity::Blocking && !passes(r)))
            .collect();
        let first = all.iter().position(|(_, blocks)| *blocks);
        let expected = &all[..first.map_or(all.len(), |at| at + 1)];
        let index = RuleIndex::with(rules, overrides.clone());
        let (mut heard, said) = (Vec::new(), |h: &Hit| (h.rule, h.blocks()));
        let hit = index.blocks(contender, &seen, now, |h| heard.push(said(&h)));
        prop_assert_eq!(&heard, expected);
        prop_assert_eq!(hit.map(|h| h.rule), first.map(|at| all[at].0));
        let (known, awake) = (index.known(&cat, contender.brand), index.awake(&seen, now));
        let mut again = Vec::new();
        let fast = index.blocks_among(contender, (&known, &awake), (&seen, now), |h| again.push(said(&h)));
        prop_assert_eq!((fast, &again[..]), (hit, expected));
        let standing = Standing { shown: &seen, with_assigned: &seen };
        let spoken = index.spoken(contender, standing, now);
        prop_assert_eq!(spoken.iter().map(said).collect::<Vec<_>>(), all);
        for (hit, id) in spoken.iter().filter_map(|h| Some((h, h.overridden?))) {
            prop_assert_eq!(hit.severity, Severity::Blocking, "nothing else needs to be let pass");
            // Ids are drawn, and may be drawn twice.
            let mut named = overrides.iter().filter(|o| o.id == id);
            prop_assert!(named.any(|o| now < o.expires && o.campaign == contender.campaign));
        }
    }

    /// What was never shown can not be in conflict with anything.
    #[test]
    fn an_empty_history_blocks_nobody(rules in rules(), who in (0_i64..6, 0_i64..4, 0_u8..4)) {
        let cat = category(who.2);
        let contender = contender(who, &cat);
        prop_assert_eq!(RuleIndex::new(rules).blocks(contender, &[], UnixMillis(0), |_| ()), None);
    }

    /// Time heals: once every span is over, nobody is blocked.
    #[test]
    fn every_conflict_ends(rules in rules(), seen in presences(), who in (0_i64..6, 0_i64..4, 0_u8..4)) {
        let cat = category(who.2);
        let contender = contender(who, &cat);
        prop_assert_eq!(RuleIndex::new(rules).blocks(contender, &seen, UnixMillis(400), |_| ()), None);
    }
}

proptest! {
    /// A rule that speaks does so until the moment that it names, and is silent from then on.
    #[test]
    fn a_rule_says_when_it_falls_silent(
        kind in kinds(), who in (0_i64..6, 0_i64..3, 0_u8..4),
        shown in proptest::collection::vec((0_i64..6, 0_i64..3, 0_u8..4, 0_i64..200), 0..8),
    ) {
        let mut seen: Vec<Presence> = shown.iter().map(|(c, b, k, at)| present(*c, *b, *k, *at)).collect();
        seen.sort_by_key(|p| std::cmp::Reverse(p.last_shown));
        let rule = rule(1, kind, Severity::Blocking, 0);
        let cat = category(who.2);
        let contender = contender(who, &cat);
        let speaks = |at: i64| rule.speaks(contender, &seen, UnixMillis(at));
        if speaks(200) {
            let until = rule.silent_at(contender, &seen, UnixMillis(200)).unwrap();
            prop_assert!(until.0 > 200 && speaks(until.0 - 1) && !speaks(until.0));
        }
    }
}
