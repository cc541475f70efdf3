//! Rules, overrides, participations and the counts of rules that spoke.

use super::*;
use crate::store::tests::catalogue::new_streamer;
use gametriggers_actors::domain::conflict::{NewRule, Override, Presence, RuleKind, Scope, Severity};
use gametriggers_actors::domain::id::{OverrideId, RuleId};
use gametriggers_actors::ports::{
    Batch, NewOverride, OVERRIDES_MAX, ParticipationsOf, PlayOutcome, PlayRecord, RULES_MAX, Standing,
    StoreError, ViolationCounts, ViolationKey, ViolationOf, ViolationSum, ViolationsBy,
};

const DAY: Millis = Millis::minutes(24 * 60);

pub(in crate::store) fn hand() -> ByHand {
    ByHand { actor: "0badcafe".to_owned(), reason: "a test".to_owned() }
}

/// A rule of each type and scope.
pub(in crate::store) fn of_each_kind(brand: BrandId) -> Vec<NewRule> {
    let (span, drinks) = (Millis::minutes(30), || vec![Category::new("energy_drink".into())]);
    let kinds = [
        RuleKind::CategoryExclusivity { categories: drinks(), span },
        RuleKind::BrandExclusivity { brands: vec![brand], competitors: vec![BrandId(7), BrandId(9)], span },
        RuleKind::CooldownPeriod { scope: Scope::Brand(vec![brand, BrandId(3)]), span },
        RuleKind::CooldownPeriod { scope: Scope::Category(vec![]), span },
        RuleKind::SimultaneousLimit { scope: Scope::Category(drinks()), campaigns_max: 2, span },
        RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 3, span },
    ];
    (0..).zip(kinds).map(|(n, kind)| new_rule(&format!("Rule {n}"), kind)).collect()
}

fn new_rule(name: &str, kind: RuleKind) -> NewRule {
    NewRule {
        name: name.to_owned(),
        description: "Says \"no\"; नमस्ते".to_owned(),
        kind,
        severity: Severity::Blocking,
        priority: -5,
        active: true,
    }
}

fn cooldown(name: &str) -> NewRule {
    new_rule(name, RuleKind::CooldownPeriod { scope: Scope::Streamer, span: Millis::seconds(1) })
}

/// The actions on record, as their number.
async fn actions(bench: &Bench, action: &str) -> usize {
    let sql = format!("SELECT seq FROM admin_action WHERE action = '{action}' AND length(detail) > 0");
    bench.database.numbers(&sql).await.len()
}

async fn rules_read_back_as_they_were_made_and_changed(on: On) {
    let (bench, brand, _) = Bench::funded(on, 10, 0).await;
    let mut ids = Vec::new();
    for new in of_each_kind(brand) {
        let made = bench.store.add_rule(&new, &hand(), NOW).await.unwrap();
        assert!(made.says(&new), "{made:?}");
        assert_eq!((&*made.created_by, made.created, made.updated), ("0badcafe", NOW, NOW));
        assert_eq!((made.times_triggered, made.conflicts_blocked), (0, 0));
        assert_eq!(bench.store.rule(made.rule.id).await.unwrap(), made);
        ids.push(made.rule.id);
    }
    let page = async |after, limit| {
        let page = bench.store.rule_page(after, limit).await.unwrap();
        page.into_iter().map(|rule| rule.rule.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 4).await, ids[..4]);
    assert_eq!(page(Some(ids[3]), 4).await, ids[4..]);
    let later = NOW + Millis(5);
    let quiet = NewRule { active: false, severity: Severity::Advisory, ..cooldown("Another name") };
    let changed = bench.store.change_rule((ids[0], None), &quiet, &hand(), later).await.unwrap();
    assert!(changed.says(&quiet) && (changed.created, changed.updated) == (NOW, later));
    bench.store.delete_rule(ids[1], &hand(), later).await.unwrap();
    let in_force = bench.store.catalogue().await.unwrap().rules;
    assert_eq!(in_force.iter().map(|rule| rule.id).collect::<Vec<_>>(), ids[2..]);
    assert_eq!(page(None, 9).await, [&ids[..1], &ids[2..]].concat());
    for gone in [ids[1], RuleId(4711)] {
        assert!(matches!(bench.store.rule(gone).await, Err(StoreError::NotFound)));
        let change = bench.store.change_rule((gone, None), &quiet, &hand(), later).await;
        assert!(matches!(change, Err(StoreError::NotFound)));
        assert!(matches!(bench.store.delete_rule(gone, &hand(), later).await, Err(StoreError::NotFound)));
    }
    let names = bench.store.rule_names(&[ids[1], ids[0], RuleId(4711)]).await.unwrap();
    let names: Vec<(RuleId, &str)> = names.iter().map(|(id, name)| (*id, &**name)).collect();
    assert_eq!(names, [(ids[0], "Another name"), (ids[1], "Rule 1")], "a deleted one keeps its name");
    for (action, count) in [("add_rule", 6), ("change_rule", 1), ("delete_rule", 1)] {
        assert_eq!(actions(&bench, action).await, count, "{action}");
    }
    bench.store.seal(NOW).await.unwrap();
    assert_eq!(bench.store.verify().await.unwrap().first_bad, None);
}

async fn there_are_only_so_many_rules_and_overrides(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10, 0).await;
    let mut rules: Vec<NewRule> = (0..RULES_MAX).map(|n| cooldown(&format!("Rule {n}"))).collect();
    assert_eq!(bench.store.configure_rules(&rules, NOW).await.unwrap(), u64::from(RULES_MAX));
    let more = bench.store.add_rule(&cooldown("More"), &hand(), NOW).await;
    assert!(matches!(more, Err(StoreError::Constraint(_))));
    rules.push(cooldown("More"));
    assert!(matches!(bench.store.configure_rules(&rules, NOW).await, Err(StoreError::Constraint(_))));
    let many = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OVERRIDES_MAX})
         INSERT INTO rule_override (campaign_id, reason, granted_by, created_at, expires_at)
         SELECT {campaign}, 'x', 'y', 0, {} FROM n",
        NOW.0 + 1000
    );
    bench.tamper(&many).await;
    let new = NewOverride { campaign, streamer: None, rule: None, expires: NOW + Millis(5000) };
    let more = bench.store.grant_override(&new, &hand(), NOW).await;
    assert!(matches!(more, Err(StoreError::Constraint(_))));
    bench.store.grant_override(&new, &hand(), NOW + Millis(1000)).await.unwrap();
}

async fn the_file_of_the_configuration_rules_over_its_own_rules_alone(on: On) {
    let (bench, _, _) = Bench::funded(on, 10, 0).await;
    let own = bench.store.add_rule(&cooldown("One"), &hand(), NOW).await.unwrap();
    let configure = async |rules: &[NewRule]| bench.store.configure_rules(rules, NOW).await.unwrap();
    assert_eq!(configure(&[cooldown("One"), cooldown("Two")]).await, 2);
    assert_eq!(configure(&[cooldown("One"), cooldown("Two")]).await, 0, "nothing to write");
    let strict = NewRule { priority: 9, ..cooldown("Two") };
    assert_eq!(configure(&[cooldown("One"), strict.clone()]).await, 1);
    assert_eq!(configure(std::slice::from_ref(&strict)).await, 1, "one went out of force");
    let there = bench.store.rule_page(None, 9).await.unwrap();
    let states: Vec<_> = there.iter().map(|r| (&*r.name, &*r.created_by, r.active)).collect();
    let expected = [("One", "0badcafe", true), ("One", "config", false), ("Two", "config", true)];
    assert_eq!(states, expected);
    assert_eq!(there[0], own);
    assert_eq!(configure(&[]).await, 1);
    assert_eq!(configure(&[cooldown("One")]).await, 1, "and is in force again");
    let there = bench.store.rule_page(None, 9).await.unwrap();
    assert_eq!(there.iter().map(|r| r.active).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(there.len(), 3, "under the same id");
}

async fn overrides_are_granted_revoked_and_on_record(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10, 0).await;
    let streamer = bench.store.add_streamers(&[new_streamer(1)], NOW).await.unwrap()[0];
    let rule = bench.store.add_rule(&cooldown("Cool"), &hand(), NOW).await.unwrap().rule.id;
    let expires = NOW + Millis(100);
    let narrow = NewOverride { campaign, streamer: Some(streamer), rule: Some(rule), expires };
    let wide = NewOverride { campaign, streamer: None, rule: None, expires: expires + Millis(100) };
    let first = bench.store.grant_override(&narrow, &hand(), NOW).await.unwrap();
    let second = bench.store.grant_override(&wide, &hand(), NOW).await.unwrap();
    let id = first.terms.id;
    let terms = Override { id, campaign, streamer: Some(streamer), rule: Some(rule), expires };
    assert_eq!(first.terms, terms);
    assert_eq!((&*first.reason, &*first.granted_by, first.times_used), ("a test", "0badcafe", 0));
    let in_force = async |now| {
        let overrides = bench.store.overrides(now).await.unwrap();
        overrides.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(in_force(NOW).await, [id, second.terms.id]);
    assert_eq!(in_force(expires).await, [second.terms.id], "expired at its moment");
    bench.store.revoke_override(second.terms.id, &hand(), NOW).await.unwrap();
    bench.store.revoke_override(second.terms.id, &hand(), NOW + Millis(9)).await.unwrap();
    assert_eq!(in_force(NOW).await, [id]);
    let page = bench.store.override_page(None, 9).await.unwrap();
    assert_eq!(page.iter().map(|one| one.revoked).collect::<Vec<_>>(), [Some(NOW), None]);
    assert_eq!(bench.store.override_page(Some(second.terms.id), 9).await.unwrap(), [first]);
    let unknown = bench.store.revoke_override(OverrideId(4711), &hand(), NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
    for new in [
        NewOverride { campaign: CampaignId(4711), ..narrow },
        NewOverride { streamer: Some(StreamerId(4711)), ..narrow },
        NewOverride { rule: Some(RuleId(4711)), ..narrow },
        NewOverride { expires: NOW, ..narrow },
    ] {
        let refused = bench.store.grant_override(&new, &hand(), NOW).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{new:?}");
    }
    assert_eq!(actions(&bench, "grant_override").await, 2);
    assert_eq!(actions(&bench, "revoke_override").await, 1, "twice is once");
    bench.store.seal(NOW).await.unwrap();
    assert_eq!(bench.store.verify().await.unwrap().first_bad, None);
}

fn counts(spoken: u64, blocked: u64, overridden: u64) -> ViolationCounts {
    ViolationCounts { spoken, blocked, overridden }
}

async fn what_rules_said_is_added_up(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10, 0).await;
    let streamer = bench.store.add_streamers(&[new_streamer(1)], NOW).await.unwrap()[0];
    let rule = bench.store.add_rule(&cooldown("Cool"), &hand(), NOW).await.unwrap().rule.id;
    let wide = NewOverride { campaign, streamer: None, rule: None, expires: NOW + DAY };
    let pass = bench.store.grant_override(&wide, &hand(), NOW).await.unwrap().terms.id;
    let key = |day, brand, category: &str, streamer| ViolationKey {
        day,
        rule,
        brand,
        category: Category::new(category.into()),
        streamer,
    };
    let other = StreamerId(4711);
    let batch = gametriggers_actors::ports::RuleCounts {
        violations: vec![
            (key(10, brand, "shoes", streamer), counts(3, 2, 1)),
            (key(10, brand, "drinks", other), counts(5, 0, 0)),
            (key(11, BrandId(4711), "drinks", other), counts(7, 7, 0)),
        ],
        rules: vec![(rule, counts(15, 9, 1)), (RuleId(4711), counts(1, 1, 1))],
        overrides: vec![(pass, 1), (OverrideId(4711), 5)],
    };
    for _ in 0..2 {
        bench.store.append(&Batch { rules: batch.clone(), ..Batch::default() }).await.unwrap();
    }
    let kept = bench.store.rule(rule).await.unwrap();
    assert_eq!((kept.times_triggered, kept.conflicts_blocked), (30, 18));
    assert_eq!(bench.store.override_page(None, 9).await.unwrap()[0].times_used, 2);
    let sums = async |days, by, after: Option<ViolationOf>, limit| {
        let sums = bench.store.violations(days, by, after.as_ref(), limit).await.unwrap();
        sums.into_iter().map(|ViolationSum { of, name, counts }| (of, name, counts)).collect::<Vec<_>>()
    };
    let of = |id: i64| ViolationOf::Number(id);
    let word = |text: &str| ViolationOf::Name(text.into());
    let all = (0, 100);
    let named = |text: &str| Some(Arc::from(text));
    assert_eq!(
        sums(all, ViolationsBy::Rule, None, 9).await,
        [(of(rule.0), named("Cool"), counts(30, 18, 2))]
    );
    assert_eq!(sums((11, 12), ViolationsBy::Rule, None, 9).await[0].2, counts(14, 14, 0), "one day");
    assert_eq!(sums((12, 99), ViolationsBy::Rule, None, 9).await, []);
    let days = [(of(10), None, counts(16, 4, 2)), (of(11), None, counts(14, 14, 0))];
    assert_eq!(sums(all, ViolationsBy::Day, None, 9).await, days);
    let brands = [(of(brand.0), named("Volt"), counts(16, 4, 2)), (of(4711), None, counts(14, 14, 0))];
    assert_eq!(sums(all, ViolationsBy::Brand, None, 9).await, brands);
    let streamers = [(of(streamer.0), named("Nova 1"), counts(6, 4, 2)), (of(4711), None, counts(24, 14, 0))];
    assert_eq!(sums(all, ViolationsBy::Streamer, None, 9).await, streamers);
    let first = sums(all, ViolationsBy::Category, None, 1).await;
    assert_eq!(first, [(word("drinks"), None, counts(24, 14, 0))]);
    let rest = sums(all, ViolationsBy::Category, Some(word("drinks")), 9).await;
    assert_eq!(rest, [(word("shoes"), None, counts(6, 4, 2))]);
    assert_eq!(sums(all, ViolationsBy::Day, Some(of(10)), 9).await, days[1..]);
}

async fn a_participation_is_asked_for_and_answered(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10, 0).await;
    let other = bench.campaign(brand, 0).await;
    let streamer = bench.store.add_streamers(&[new_streamer(1)], NOW).await.unwrap()[0];
    let store = &bench.store;
    assert_eq!(store.participation(streamer, campaign).await.unwrap(), None);
    let applies = async |campaign, at| store.propose((streamer, campaign), Standing::Applied, at).await;
    let asked = applies(campaign, NOW).await.unwrap();
    assert_eq!((asked.standing, asked.created, asked.updated), (Standing::Applied, NOW, NOW));
    assert_eq!(applies(campaign, NOW + Millis(5)).await.unwrap(), asked, "once is enough");
    assert_eq!(store.participation(streamer, campaign).await.unwrap(), Some(asked));
    for of in [(StreamerId(4711), campaign), (streamer, CampaignId(4711))] {
        let refused = store.propose(of, Standing::Applied, NOW).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))));
    }
    use Standing::{Applied, Approved, Declined};
    let moves = async |campaign, step: (Standing, Standing), judged: &[CampaignId]| {
        store.move_on((streamer, campaign), step, judged, NOW + Millis(9)).await
    };
    assert!(matches!(moves(other, (Applied, Declined), &[]).await, Err(StoreError::NotFound)));
    applies(other, NOW).await.unwrap();
    let approved = moves(campaign, (Applied, Approved), &[]).await.unwrap().unwrap();
    assert_eq!((approved.standing, approved.updated), (Standing::Approved, NOW + Millis(9)));
    assert_eq!(moves(other, (Applied, Approved), &[]).await.unwrap(), None, "judged by an older list");
    assert_eq!(moves(other, (Declined, Approved), &[campaign]).await.unwrap(), None, "it is not declined");
    assert_eq!(store.participation(streamer, other).await.unwrap().unwrap().standing, Standing::Applied);
    let category = Category::new("energy_drink".into());
    let presence = |campaign| Presence { campaign, brand, category: category.clone(), last_shown: NOW };
    assert_eq!(store.assigned(streamer, NOW).await.unwrap(), [presence(campaign)]);
    moves(other, (Applied, Approved), &[campaign]).await.unwrap().unwrap();
    assert_eq!(store.assigned(streamer, NOW).await.unwrap(), [presence(campaign), presence(other)]);
    moves(other, (Approved, Declined), &[]).await.unwrap().unwrap();
    assert_eq!(store.catalogue().await.unwrap().participations, [(streamer, campaign)]);
    bench.end(campaign).await;
    assert_eq!(store.assigned(streamer, NOW).await.unwrap(), [], "nobody is assigned to what has ended");
}

async fn participations_are_listed_from_both_sides(on: On) {
    let (bench, brand, first) = Bench::funded(on, 10, 0).await;
    let second = bench.campaign(brand, 0).await;
    let store = &bench.store;
    let streamers = store.add_streamers(&[new_streamer(1), new_streamer(2)], NOW).await.unwrap();
    for (streamer, campaign, standing) in [
        (streamers[0], first, Standing::Applied),
        (streamers[1], first, Standing::Invited),
        (streamers[0], second, Standing::Invited),
    ] {
        assert_eq!(store.propose((streamer, campaign), standing, NOW).await.unwrap().standing, standing);
    }
    let page = async |of, standing, after, limit| -> Vec<(StreamerId, CampaignId)> {
        let page = store.participations(of, standing, after, limit).await.unwrap();
        page.iter().map(|one| (one.streamer, one.campaign)).collect()
    };
    let (of, all) = (ParticipationsOf::Campaign(first), [(streamers[0], first), (streamers[1], first)]);
    assert_eq!(page(of, None, None, 9).await, all);
    assert_eq!(page(of, None, None, 1).await, all[..1]);
    assert_eq!(page(of, None, Some(streamers[0].0), 9).await, all[1..]);
    assert_eq!(page(of, Some(Standing::Invited), None, 9).await, all[1..]);
    assert_eq!(page(of, Some(Standing::Declined), None, 9).await, [], "an invitation is no refusal");
    let of = ParticipationsOf::Streamer(streamers[0]);
    assert_eq!(page(of, None, None, 9).await, [(streamers[0], first), (streamers[0], second)]);
    assert_eq!(page(of, Some(Standing::Invited), None, 9).await, [(streamers[0], second)]);
    for standing in [Standing::Withdrawn, Standing::Completed] {
        let there = store.participation(streamers[1], first).await.unwrap().unwrap().standing;
        let moved = store.move_on((streamers[1], first), (there, standing), &[], NOW).await.unwrap().unwrap();
        assert_eq!(moved.standing, standing);
    }
}

async fn the_log_says_what_was_on_screen(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10, 0).await;
    let other = bench.campaign(brand, 0).await;
    let shown = |n: u32, campaign, outcome| PlayRecord {
        play: play(n),
        at: NOW + Millis(i64::from(n)),
        streamer: StreamerId(1),
        campaign,
        creative: CreativeId(1),
        outcome,
        reason: None,
        shown: outcome.was_on_screen().then_some(NOW + Millis(i64::from(n))),
        viewers: 1,
        currency: Currency::INR,
        split: Split::of(Micros(0), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    };
    let mut plays = vec![
        shown(10, campaign, PlayOutcome::Settled),
        shown(20, campaign, PlayOutcome::Rejected),
        shown(30, other, PlayOutcome::Shown),
        shown(40, other, PlayOutcome::Skipped),
        shown(50, other, PlayOutcome::Expired),
        shown(60, other, PlayOutcome::Failed),
    ];
    plays.push(PlayRecord { streamer: StreamerId(2), ..shown(25, other, PlayOutcome::Settled) });
    bench.store.append(&Batch { plays: plays.to_vec(), ..Batch::default() }).await.unwrap();
    bench.end(campaign).await;
    let since = async |at| {
        let shown = bench.store.shown_since(StreamerId(1), NOW + Millis(at)).await.unwrap();
        shown.into_iter().map(|p| (p.campaign, p.brand, p.last_shown - NOW)).collect::<Vec<_>>()
    };
    let both = [(campaign, brand, Millis(20)), (other, brand, Millis(30))];
    assert_eq!(since(0).await, both, "an ended campaign was on screen all the same");
    assert_eq!(since(20).await, both);
    assert_eq!(since(21).await, both[1..]);
    // It was on screen, and was skipped or failed afterwards: rules look at it all the same.
    let frame = PlayRecord { shown: Some(NOW + Millis(47)), ..shown(45, other, PlayOutcome::Shown) };
    for record in [frame, shown(45, other, PlayOutcome::Skipped)] {
        bench.store.append(&Batch { plays: vec![record], ..Batch::default() }).await.unwrap();
    }
    let failed = PlayRecord { shown: Some(NOW + Millis(62)), ..shown(60, other, PlayOutcome::Failed) };
    bench.store.append(&Batch { plays: vec![failed], ..Batch::default() }).await.unwrap();
    assert_eq!(since(0).await, [both[0], (other, brand, Millis(62))]);
    assert_eq!(since(31).await, [(other, brand, Millis(62))]);
    assert_eq!(since(61).await, []);
    let mut after = PlayId::first_at(NOW);
    let mut seen = Vec::new();
    loop {
        let page = bench.store.shown_after(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.play;
        seen.extend(page.iter().map(|p| (p.play, p.streamer, p.campaign)));
    }
    let (one, two) = (StreamerId(1), StreamerId(2));
    let expected = [
        (play(10), one, campaign),
        (play(20), one, campaign),
        (play(25), two, other),
        (play(30), one, other),
        (play(45), one, other),
        (play(60), one, other),
    ];
    assert_eq!(seen, expected);
}

on_each! {
    rules_read_back_as_they_were_made_and_changed;
    there_are_only_so_many_rules_and_overrides;
    the_file_of_the_configuration_rules_over_its_own_rules_alone;
    overrides_are_granted_revoked_and_on_record;
    what_rules_said_is_added_up;
    a_participation_is_asked_for_and_answered;
    participations_are_listed_from_both_sides;
    the_log_says_what_was_on_screen;
}
