//! No sequence of plays, rules and overrides ever shows a pair that a blocking rule forbids; and a replay of
//! the log finds what the rule would have found.
//!
//! The judge of these tests knows nothing of the index or of `speaks`: it looks at the whole log of what was
//! shown, with each type of rule written down once more.

use super::tests::{category, kinds, rule};
use super::*;
use crate::domain::campaign::Campaign;
use crate::domain::decision::tests::campaign;
use crate::domain::id::PlayId;
use crate::domain::streamer::history::History;
use proptest::prelude::*;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A campaign asks for a slot after so long.
    Ask(i64, i64),
    /// An operator adds a rule.
    Add(RuleKind, Severity, i32),
    /// An operator deletes one of the rules.
    Delete(usize),
    /// An operator grants an override: campaign, streamer, one of the rules, and for how long.
    Grant(i64, Option<i64>, Option<usize>, i64),
    /// An operator revokes one of them.
    Revoke(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let severity = prop_oneof![3 => Just(Severity::Blocking), 1 => Just(Severity::Warning)];
    let step = prop_oneof![
        20 => (0_i64..9, 0_i64..60).prop_map(|(campaign, gap)| Step::Ask(campaign, gap)),
        3 => (kinds(), severity, -2_i32..3).prop_map(|(kind, severity, priority)| {
            Step::Add(kind, severity, priority)
        }),
        1 => (0_usize..4).prop_map(Step::Delete),
        2 => (
            0_i64..9,
            proptest::option::of(1_i64..3),
            proptest::option::of(0_usize..4),
            1_i64..200,
        ).prop_map(|(campaign, streamer, rule, life)| Step::Grant(campaign, streamer, rule, life)),
        1 => (0_usize..4).prop_map(Step::Revoke),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Three brands with three campaigns each, in categories that brands share.
fn made(id: i64) -> Campaign {
    let mut made = campaign(id);
    made.brand.id = BrandId(id / 3);
    made.category = category(u8::try_from(id % 4).unwrap());
    made
}

/// Whether the rule forbids that the campaign is shown at `now` after all that was shown before.
fn forbids(kind: &RuleKind, who: &Campaign, now: i64, log: &[(i64, Campaign)]) -> bool {
    let recent = |span: &Millis| {
        let span = span.0;
        log.iter().filter(move |(at, _)| now - at < span).map(|(_, seen)| seen)
    };
    let about = |scope: &Scope, seen: &Campaign| match scope {
        Scope::Streamer => true,
        Scope::Brand(only) => {
            seen.brand.id == who.brand.id && (only.is_empty() || only.contains(&who.brand.id))
        }
        Scope::Category(only) => {
            seen.category == who.category && (only.is_empty() || only.contains(&who.category))
        }
    };
    match kind {
        RuleKind::CategoryExclusivity { categories, span } => recent(span).any(|seen| {
            let exclusive = categories.is_empty() || categories.contains(&seen.category);
            exclusive && seen.category == who.category && seen.brand.id != who.brand.id
        }),
        RuleKind::BrandExclusivity { brands, competitors, span } => recent(span).any(|seen| {
            let rival = competitors.is_empty() || competitors.contains(&who.brand.id);
            seen.brand.id != who.brand.id && rival && brands.contains(&seen.brand.id)
        }),
        RuleKind::CooldownPeriod { scope, span } => recent(span).any(|seen| about(scope, seen)),
        RuleKind::SimultaneousLimit { scope, campaigns_max, span } => {
            let mut others: Vec<i64> = recent(span)
                .filter(|seen| seen.id != who.id && about(scope, seen))
                .map(|seen| seen.id.0)
                .collect();
            others.sort_unstable();
            others.dedup();
            others.len() >= usize::try_from(*campaigns_max).unwrap()
        }
    }
}

/// The rules and overrides of the moment.
#[derive(Default)]
struct Desk {
    rules: Vec<Rule>,
    overrides: Vec<Override>,
    made: i64,
}

impl Desk {
    fn work(&mut self, step: &Step, now: i64) {
        self.made += 1;
        match step {
            Step::Ask(..) => {}
            Step::Add(kind, severity, priority) => {
                self.rules.push(rule(self.made, kind.clone(), *severity, *priority))
            }
            Step::Delete(at) => drop((*at < self.rules.len()).then(|| self.rules.remove(*at))),
            Step::Grant(campaign, streamer, rule, life) => self.overrides.push(Override {
                id: OverrideId(self.made),
                campaign: CampaignId(*campaign),
                streamer: streamer.map(StreamerId),
                rule: rule.and_then(|at| Some(self.rules.get(at)?.id)),
                expires: UnixMillis(now + life),
            }),
            Step::Revoke(at) => drop((*at < self.overrides.len()).then(|| self.overrides.remove(*at))),
        }
    }

    /// Whether the streamer's campaign may pass the rule at this moment.
    fn excuses(&self, rule: &Rule, who: &Campaign, now: i64) -> bool {
        self.overrides.iter().any(|one| {
            let streamer = one.streamer.is_none_or(|id| id.0 == 1);
            one.campaign == who.id
                && streamer
                && one.rule.is_none_or(|id| id == rule.id)
                && now < one.expires.0
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_a_blocking_rule_forbids_is_ever_shown(steps in steps()) {
        let (mut desk, mut index) = (Desk::default(), RuleIndex::default());
        let (mut history, mut log, mut now) = (History::default(), Vec::new(), 1000_i64);
        for step in &steps {
            let Step::Ask(id, gap) = step else {
                desk.work(step, now);
                index = RuleIndex::with(desk.rules.clone(), desk.overrides.clone());
                continue;
            };
            now += gap;
            let who = made(*id);
            let asks = Contender {
                campaign: who.id,
                brand: who.brand.id,
                category: &who.category,
                streamer: StreamerId(1),
            };
            let blocked = index.blocks(asks, history.present(), UnixMillis(now), |_| ()).is_some();
            let forbidden = desk.rules.iter().any(|rule| {
                rule.severity == Severity::Blocking
                    && forbids(&rule.kind, &who, now, &log)
                    && !desk.excuses(rule, &who, now)
            });
            // Neither too little nor too much: what no rule forbids is shown.
            prop_assert_eq!(blocked, forbidden);
            if !blocked {
                history.record(&who, UnixMillis(now));
                log.push((now, who));
            }
        }
    }

    #[test]
    fn a_replay_finds_what_the_rule_would_have_blocked(
        kind in kinds(),
        blocking in any::<bool>(),
        plays in proptest::collection::vec((1_i64..3, 0_i64..9, 0_i64..60), 0..150),
        skipped in 0_i64..2000,
    ) {
        let severity = if blocking { Severity::Blocking } else { Severity::Advisory };
        let from = UnixMillis(1000 + skipped);
        let mut replay = Replay::new(rule(1, kind.clone(), severity, 0), from);
        let (mut logs, mut now) = ([Vec::new(), Vec::new()], 1000_i64);
        let (mut plays_in, mut spoken, mut blocked) = (0_u64, Vec::new(), 0_u64);
        for (n, (streamer, id, gap)) in (0_u8..).zip(plays) {
            now += gap;
            let who = made(id);
            let shown = PlayShown {
                play: PlayId::mint(UnixMillis(now), [n; 10]),
                streamer: StreamerId(streamer),
                campaign: who.id,
                brand: who.brand.id,
                category: who.category.clone(),
            };
            let log = &mut logs[usize::try_from(streamer - 1).unwrap()];
            let hit = forbids(&kind, &who, now, log);
            if now >= from.0 {
                plays_in += 1;
                blocked += u64::from(hit && blocking);
                spoken.extend(hit.then(|| shown.clone()));
            }
            if !(hit && blocking) {
                log.push((now, who));
            }
            replay.take(shown);
        }
        let found = replay.end();
        let count = u64::try_from(spoken.len()).unwrap();
        prop_assert_eq!((found.plays, found.spoken, found.blocked), (plays_in, count, blocked));
        let sums = [
            found.campaigns.iter().map(|(_, n)| n).sum::<u64>(),
            found.streamers.iter().map(|(_, n)| n).sum(),
            found.days.iter().map(|(_, n)| n).sum(),
        ];
        prop_assert_eq!(sums, [count; 3]);
        spoken.truncate(EXAMPLES_MAX);
        prop_assert_eq!(found.examples, spoken);
    }
}
