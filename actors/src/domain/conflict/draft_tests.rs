//! What a rule may look like, and every contradiction by its field.

use super::tests::kinds;
use super::*;
use proptest::prelude::*;

fn draft(kind: &str) -> Draft {
    Draft {
        name: "  Drinks keep apart ".to_owned(),
        kind: kind.to_owned(),
        severity: "blocking".to_owned(),
        priority: 5,
        active: true,
        span_s: Some(60),
        ..Draft::default()
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// The fields that are refused.
fn refused(kind: &str, change: impl FnOnce(&mut Draft)) -> Vec<&'static str> {
    let mut draft = draft(kind);
    change(&mut draft);
    draft.check().map_or_else(|faults| faults.iter().map(|fault| fault.field).collect(), |_| Vec::new())
}

fn kind_of(kind: &str, change: impl FnOnce(&mut Draft)) -> RuleKind {
    let mut draft = draft(kind);
    change(&mut draft);
    draft.check().unwrap().kind
}

#[test]
fn the_parameters_of_the_seeds_are_understood() {
    let span = Millis::seconds(60);
    let drinks = || vec![Category::new("drinks".into())];
    let exclusive = kind_of("category_exclusivity", |d| d.categories = words(&["drinks"]));
    assert_eq!(exclusive, RuleKind::CategoryExclusivity { categories: drinks(), span });
    let brand = kind_of("brand_exclusivity", |d| (d.brands, d.competitors) = (vec![1], vec![2, 3]));
    let competitors = vec![BrandId(2), BrandId(3)];
    assert_eq!(brand, RuleKind::BrandExclusivity { brands: vec![BrandId(1)], competitors, span });
    let cool = kind_of("cooldown_period", |d| {
        (d.categories, d.span_s, d.cooldown_days) = (words(&["drinks"]), None, Some(7));
    });
    let week = Millis::minutes(7 * 24 * 60);
    assert_eq!(cool, RuleKind::CooldownPeriod { scope: Scope::Category(drinks()), span: week });
    let limit = kind_of("simultaneous_limit", |d| d.campaigns_max = Some(3));
    assert_eq!(limit, RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 3, span });
    let new = draft("category_exclusivity").check().unwrap();
    assert_eq!((new.name.as_str(), new.priority, new.active), ("Drinks keep apart", 5, true));
}

#[test]
fn every_contradiction_names_its_field() {
    let all = ["category_exclusivity", "brand_exclusivity", "cooldown_period", "simultaneous_limit"];
    assert_eq!(refused("exclusivity", |_| ()), ["type"]);
    for kind in all {
        let own = |d: &mut Draft| match kind {
            "brand_exclusivity" => d.brands = vec![1],
            "cooldown_period" => d.scope = Some("streamer".to_owned()),
            "simultaneous_limit" => d.campaigns_max = Some(2),
            _ => {}
        };
        let with = |change: fn(&mut Draft)| {
            refused(kind, |d| {
                own(d);
                change(d);
            })
        };
        assert_eq!(with(|_| ()), [""; 0], "{kind}");
        assert_eq!(with(|d| d.name = "\n".to_owned()), ["name"], "{kind}");
        assert_eq!(with(|d| d.name = "x".repeat(81)), ["name"], "{kind}");
        assert_eq!(with(|d| d.description = "x".repeat(501)), ["description"], "{kind}");
        assert_eq!(with(|d| d.severity = "fatal".to_owned()), ["severity"], "{kind}");
        assert_eq!(with(|d| d.priority = 1001), ["priority"], "{kind}");
        for span in [None, Some(0), Some(-5), Some(2_592_001), Some(i64::MAX)] {
            let mut draft = draft(kind);
            own(&mut draft);
            draft.span_s = span;
            assert_eq!(draft.check().unwrap_err()[0].field, "config.span_s", "{kind} {span:?}");
        }
        assert_eq!(with(|d| d.cooldown_days = Some(1)), ["config.cooldown_days"], "{kind}: beside span_s");
        if kind != "brand_exclusivity" {
            assert_eq!(with(|d| d.competitors = vec![1]), ["config.competitors"], "{kind}");
        }
        if kind != "simultaneous_limit" {
            assert_eq!(with(|d| d.campaigns_max = Some(1)), ["config.campaigns_max"], "{kind}");
        }
        if kind.ends_with("exclusivity") {
            assert_eq!(with(|d| d.scope = Some("brand".to_owned())), ["config.scope"], "{kind}");
        }
    }
}

#[test]
fn each_type_has_its_own_contradictions() {
    assert_eq!(refused("category_exclusivity", |d| d.brands = vec![1]), ["config.brands"]);
    assert_eq!(refused("brand_exclusivity", |_| ()), ["config.brands"], "nobody is exclusive");
    let own = refused("brand_exclusivity", |d| (d.brands, d.competitors) = (vec![1], vec![1]));
    assert_eq!(own, ["config.competitors"]);
    let both = refused("brand_exclusivity", |d| (d.brands, d.categories) = (vec![1], words(&["a"])));
    assert_eq!(both, ["config.categories"]);
    assert_eq!(refused("cooldown_period", |_| ()), ["config.scope"], "what has to cool down?");
    for days in [0, -1, 31, i64::MAX] {
        let wrong = refused("cooldown_period", |d| {
            (d.brands, d.span_s, d.cooldown_days) = (vec![1], None, Some(days));
        });
        assert_eq!(wrong, ["config.cooldown_days"], "{days}");
    }
    for most in [None, Some(0), Some(-1), Some(1001), Some(i64::MAX)] {
        assert_eq!(refused("simultaneous_limit", |d| d.campaigns_max = most), ["config.campaigns_max"]);
    }
    let scoped = |scope: &str, change: fn(&mut Draft)| {
        refused("cooldown_period", |d| {
            d.scope = Some(scope.to_owned());
            change(d);
        })
    };
    assert_eq!(scoped("planet", |_| ()), ["config.scope"]);
    assert_eq!(scoped("brand", |d| d.categories = words(&["a"])), ["config.categories"]);
    assert_eq!(scoped("streamer", |d| d.brands = vec![1]), ["config.brands"]);
    for bad in [words(&[""]), words(&["Drinks"]), words(&["a", "a"]), words(&["a"; 101])] {
        assert_eq!(refused("category_exclusivity", |d| d.categories = bad.clone()), ["config.categories"]);
    }
    for bad in [vec![0], vec![-1], vec![1, 1], (1..=101).collect()] {
        assert_eq!(refused("brand_exclusivity", |d| d.brands = bad.clone()), ["config.brands"]);
    }
}

proptest! {
    /// What the API shows of a rule can be sent back to it.
    #[test]
    fn a_kind_reads_back_from_its_draft(kind in kinds(), seconds in 1_i64..2_592_000) {
        let mut draft = kind.draft();
        draft.span_s = Some(seconds);
        (draft.name, draft.severity) = ("A rule".to_owned(), "warning".to_owned());
        if let Ok(new) = draft.check() {
            let mut back = new.kind.draft();
            (back.name, back.severity) = (draft.name.clone(), draft.severity.clone());
            prop_assert_eq!(back, draft);
        }
    }
}
