//! The answer and the decision agree, whatever the world is like; and asking changes nothing.

use super::*;
use crate::domain::campaign::{Category, FrequencyCap, PacingMode, Pricing, Status};
use crate::domain::conflict::{Presence, Rule, RuleIndex, RuleKind, Scope, Severity};
use crate::domain::decision::tests::{campaign, profile};
use crate::domain::decision::{Bid, Candidate, Guide};
use crate::domain::id::{BrandId, RuleId, StreamerId};
use crate::domain::money::{FeeBps, Micros};
use crate::domain::pacing::{Attainments, BudgetView, DayView, Greedy, Pace, Pacing, Plan, TUNED};
use crate::domain::play::Patience;
use crate::domain::policy::Policies;
use crate::domain::policy::tests::open;
use crate::domain::streamer::command::Command;
use crate::domain::streamer::live::{Effect, Market, Terms};
use crate::domain::streamer::page::tests::page;
use crate::domain::streamer::page::{Active, HostKind};
use crate::domain::streamer::{Platform, Settings, Streamer};
use crate::domain::time::Millis;
use crate::domain::token::tests::keys;
use crate::domain::verification::Strictness;
use crate::domain::why::Check;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: UnixMillis = UnixMillis(86_400_000 * 3 + 5_000_000);
/// So many that the highest rate has no price any more.
const VIEWERS: u32 = 2_000;
const TERMS: Terms = Terms {
    patience: Patience { reserve: Millis(100), prepare: Millis(100), start: Millis(100), end: Millis(100) },
    token_life: Millis::seconds(600),
    fee: match FeeBps::new(2000) {
        Some(fee) => fee,
        None => panic!("2000 is a fee"),
    },
    strict: Strictness { require_streaming: true, frames_per_second_min: 10 },
    first_slot: Millis(1_000_000),
    first_slot_spread: Millis(0),
    minimum_gap: Millis(0),
};

/// What the market has: campaigns with their money, and in which closed ones the streamer takes part.
struct Shelf {
    all: Vec<(Arc<Campaign>, BudgetView, Plan)>,
    joined: Vec<CampaignId>,
    rules: RuleIndex,
    greedy: bool,
}

impl Shelf {
    fn takes_part(&self, campaign: &Campaign) -> bool {
        campaign.open || self.joined.contains(&campaign.id)
    }

    fn candidate(
        (campaign, budget, plan): &(Arc<Campaign>, BudgetView, Plan),
        viewers: u32,
    ) -> Candidate<'_> {
        let quote = campaign.pricing.quote(viewers);
        let value = quote.map_or(Micros::ZERO, |quote| quote.expected(viewers, 1200));
        Candidate::new(campaign, budget, plan, Bid { quote, value })
    }
}

impl Market for Shelf {
    fn guide(&self) -> Guide<'_> {
        let pacing: &dyn Pacing = if self.greedy { &Greedy } else { &TUNED };
        Guide { rules: &self.rules, pacing, charge_max_bps: 5_000, offers: false }
    }

    fn candidates(&self, _: &Streamer, viewers: u32) -> Vec<Candidate<'_>> {
        let those = self.all.iter().filter(|one| self.takes_part(&one.0));
        those.map(|one| Self::candidate(one, viewers)).collect()
    }

    fn named(&self, _: &Streamer, id: CampaignId, viewers: u32) -> Option<(Candidate<'_>, bool)> {
        let one = self.all.iter().find(|one| one.0.id == id)?;
        Some((Self::candidate(one, viewers), self.takes_part(&one.0)))
    }
}

struct Stage {
    live: LiveStreamer,
    shelf: Shelf,
    sample: Option<Sample>,
}

impl Stage {
    fn with<R>(&mut self, take: impl FnOnce(&mut LiveStreamer, &mut World<'_>) -> R) -> R {
        let policies = Policies::new(vec![open()]).unwrap();
        let mut world = World {
            now: NOW,
            sample: self.sample,
            market: &self.shelf,
            attained: &Attainments::default,
            policies: &policies,
            keys: &keys(),
            terms: &TERMS,
            random: &mut |bytes| bytes.fill(7),
        };
        take(&mut self.live, &mut world)
    }

    fn why(&mut self, only: Option<i64>) -> Why {
        self.with(|live, world| {
            let before = format!("{live:?}");
            let why = live.why(world, only.map(CampaignId));
            assert_eq!(format!("{live:?}"), before, "asking changes nothing");
            why
        })
    }

    fn play_next(&mut self) -> (Result<(), Reason>, Vec<Effect>) {
        self.with(|live, world| {
            let mut effects = Vec::new();
            (live.command(Command::PlayNext, world, &mut effects), effects)
        })
    }
}

/// One of the small numbers that a world is made of.
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Once in so many times.
    fn once_in(&mut self, times: i64) -> bool {
        self.roll(times) == 0
    }

    fn campaign(&mut self, id: i64) -> Campaign {
        let mut c = campaign(id);
        c.brand.id = BrandId(self.roll(3));
        c.category = Category::new(["a", "b"][usize::try_from(self.roll(2)).unwrap()].into());
        c.pricing = match self.roll(4) {
            0 => Pricing::Cpm(Micros(1000 * (1 + self.roll(9)))),
            1 => Pricing::Cpc(Micros(100 + self.roll(900))),
            _ => Pricing::Flat(Micros(100 * (1 + self.roll(9)))),
        };
        c.open = !self.once_in(4);
        c.pacing = [PacingMode::Even, PacingMode::Asap, PacingMode::FrontLoaded]
            [usize::try_from(self.roll(3)).unwrap()];
        c.flight.ends = UnixMillis(NOW.0 * 2);
        match self.roll(24) {
            0 => c.status = Status::Paused,
            1 => c.flight.starts = NOW + Millis(1),
            2 => c.flight.ends = NOW,
            3 => c.targeting.dayparts.windows = vec!["sun 10:00-10:01".parse().unwrap()],
            4 => c.targeting.blocked_streamers = vec![StreamerId(6)],
            5 => c.targeting.languages = vec!["hi".into()],
            6 => c.targeting.viewers_max = VIEWERS - 1,
            7 => c.targeting.platforms = vec![Platform::Kick],
            8 => c.targeting.followers_min = 1,
            9 => c.targeting.viewers_min = VIEWERS + 1,
            10 => c.creatives[0].duration = Millis(9_000),
            11 => c.creatives[0].sound = true,
            12 => c.pricing = Pricing::Flat(Micros(1_000_000_000)),
            13 => c.pricing = Pricing::Cpm(Micros(i64::MAX / 1000 * 1000)),
            14 | 15 => c.cap = FrequencyCap { per_hour: 1, per_day: 2, minimum_gap: Millis(50_000) },
            _ => {}
        }
        c
    }

    fn budget(&mut self) -> BudgetView {
        let funded = Micros(1000 * (1 + self.roll(60)));
        let committed = Micros(funded.0 * self.roll(21) / 20);
        let day = self.once_in(4).then(|| DayView {
            cap: Micros(5_000),
            committed: Micros(self.roll(6_000)),
            date: NOW.0 / 86_400_000,
        });
        BudgetView { funded, committed, pace: Pace::default(), day }
    }

    fn rule(&mut self, id: i64) -> Rule {
        let span = Millis(1000 * (1 + self.roll(120)));
        let kind = match self.roll(4) {
            0 => RuleKind::CategoryExclusivity { categories: vec![], span },
            1 => {
                RuleKind::BrandExclusivity { brands: vec![BrandId(self.roll(3))], competitors: vec![], span }
            }
            2 => RuleKind::CooldownPeriod { scope: Scope::Brand(vec![]), span },
            _ => RuleKind::SimultaneousLimit { scope: Scope::Category(vec![]), campaigns_max: 1, span },
        };
        let severity = if self.once_in(3) { Severity::Warning } else { Severity::Blocking };
        Rule { id: RuleId(id), kind, severity, priority: i32::try_from(self.roll(3)).unwrap() }
    }

    fn stage(&mut self) -> Stage {
        let mut settings = Settings {
            first_ad_delay: Millis(0),
            hourly_max: 100,
            paused: self.once_in(12),
            allow_sound: false,
            ..Settings::default()
        };
        settings.lengths.text = Millis(8_000);
        settings.blocked_brands.extend(self.once_in(3).then_some(BrandId(2)));
        settings.blocked_categories.extend(self.once_in(6).then(|| Arc::from("b")));
        let count = self.roll(12);
        let all: Vec<_> = (0..count)
            .map(|id| {
                let made = Arc::new(self.campaign(id));
                let plan = Plan::uniform(made.flight);
                (made, self.budget(), plan)
            })
            .collect();
        let mut live = LiveStreamer::new(Streamer {
            id: StreamerId(6),
            profile: Arc::new(profile()),
            settings: Arc::new(settings),
        });
        for (campaign, ..) in &all {
            if self.once_in(4) {
                live.remember([(Arc::clone(campaign), NOW - Millis(1000 * self.roll(90)))]);
            }
        }
        let gone = Presence::of(&self.campaign(99), NOW - Millis(1000 * self.roll(90)));
        live.remember_present(self.once_in(2).then_some(gone));
        let rules = RuleIndex::new((0..self.roll(4)).map(|id| self.rule(id)).collect());
        let joined = (0..count).filter(|_| self.once_in(2)).map(CampaignId).collect();
        let shelf = Shelf { all, joined, rules, greedy: self.once_in(2) };
        let sample =
            (!self.once_in(12)).then_some(Sample { live: !self.once_in(12), viewers: VIEWERS, sampled: NOW });
        let mut stage = Stage { live, shelf, sample };
        if !self.once_in(12) {
            let page = page(1, HostKind::Obs, Active::Active);
            stage.with(|live, world| live.attach(page, world, &mut Vec::new()));
        }
        stage
    }
}

fn by_reason(losses: &[(Reason, u32)]) -> BTreeMap<Reason, u32> {
    losses.iter().copied().filter(|(reason, _)| *reason != Reason::Outbid).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Who would win is who is asked for money first; each of the others has the reason that it was counted
    /// by; and the question about one campaign finds the same reason as its first failed check.
    #[test]
    fn the_answer_agrees_with_the_decision(seed in any::<u64>()) {
        let mut stage = Dice(seed).stage();
        let whole = stage.why(None);
        let ids: Vec<i64> = stage.shelf.all.iter().map(|one| one.0.id.0).collect();
        let mut reasons = BTreeMap::new();
        for id in ids {
            let one = stage.why(Some(id));
            let named = one.named.as_ref().unwrap();
            let verdict = whole.candidates.iter().find(|verdict| verdict.campaign.id.0 == id);
            match (verdict, one.sample) {
                // Nobody looks at those that are worth less than three others.
                (Some(Verdict { lost: Some(Reason::Outbid), rank: None, .. }), _) => {
                    prop_assert_eq!(whole.candidates.iter().filter(|v| v.rank.is_some()).count(), 3);
                }
                (Some(verdict), _) => {
                    let against = verdict.lost.filter(|reason| *reason != Reason::Outbid);
                    prop_assert_eq!(named.against(), against, "{:?}", named);
                }
                (None, Some(_)) => prop_assert!(named.against().is_some(), "only members: {:?}", named),
                (None, None) => prop_assert_eq!(one.blocked_by.is_some(), true),
            }
            reasons.insert(id, (one.fate(CampaignId(id)), named.against()));
            prop_assert_eq!(one.winner, whole.winner);
            prop_assert_eq!(&one.losses, &whole.losses);
        }
        let (used, effects) = stage.play_next();
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Reserve { campaign, .. } => Some(*campaign),
            _ => None,
        });
        let lost = effects.iter().find_map(|effect| match effect {
            Effect::Lost(losses) => Some(by_reason(losses.by_reason())),
            _ => None,
        });
        if let Some(reason) = whole.blocked_by {
            prop_assert_eq!((used, asked), (Err(reason), None));
            prop_assert!(!reasons.values().any(|(fate, _)| *fate == Fate::Wins));
            return Ok(());
        }
        prop_assert_eq!(asked, whole.winner);
        prop_assert_eq!(used.err(), whole.no_fill);
        prop_assert_eq!(lost.unwrap_or_default(), by_reason(whole.losses.by_reason()));
        let winners = usize::from(asked.is_some());
        prop_assert_eq!(usize::try_from(whole.losses.total()).unwrap() + winners, whole.total);
        for (id, (fate, against)) in reasons {
            match fate {
                Fate::Wins => prop_assert_eq!(asked, Some(CampaignId(id))),
                Fate::Loses(reason) => prop_assert_eq!(reason, against.unwrap_or(Reason::Outbid)),
                Fate::Playing(_) => prop_assert!(false, "nothing was in hand"),
            }
        }
        // And now it is.
        if let Some(campaign) = asked {
            let after = stage.why(Some(campaign.0));
            prop_assert_eq!(after.fate(campaign), Fate::Playing(Phase::Reserving));
            prop_assert_eq!(after.blocked_by, Some(Reason::PlayInHand));
        }
    }
}

/// A stage on which everything is well, with so many campaigns.
fn plain(count: i64) -> Stage {
    let settings = Settings { first_ad_delay: Millis(0), ..Settings::default() };
    let streamer = Streamer { id: StreamerId(6), profile: Arc::new(profile()), settings: Arc::new(settings) };
    let one = |id| {
        let made = Arc::new(campaign(id));
        let budget = BudgetView { funded: Micros(1_000_000), ..BudgetView::default() };
        let plan = Plan::uniform(made.flight);
        (made, budget, plan)
    };
    let shelf = Shelf {
        all: (0..count).map(one).collect(),
        joined: vec![],
        rules: RuleIndex::default(),
        greedy: true,
    };
    let sample = Some(Sample { live: true, viewers: VIEWERS, sampled: NOW });
    let mut stage = Stage { live: LiveStreamer::new(streamer), shelf, sample };
    stage.with(|live, world| live.attach(page(1, HostKind::Obs, Active::Active), world, &mut Vec::new()));
    stage
}

#[test]
fn an_answer_names_some_and_counts_all() {
    let mut stage = plain(500);
    let why = stage.why(None);
    assert_eq!((why.total, why.candidates.len()), (500, CANDIDATES_MAX));
    assert_eq!(why.losses.by_reason(), [(Reason::Outbid, 499)]);
    let first: Vec<_> = why.candidates.iter().take(4).map(|v| (v.rank.map(|(at, _)| at), v.lost)).collect();
    let beaten = Some(Reason::Outbid);
    assert_eq!(first, [(Some(1), None), (Some(2), beaten), (Some(3), beaten), (None, beaten)]);
    assert_eq!(why.next_slot, Some(NOW + TERMS.first_slot));
}

#[test]
fn everything_that_is_against_a_campaign_is_told_at_once_and_until_when() {
    let mut stage = plain(3);
    let span = Millis(60_000);
    let kind = RuleKind::CooldownPeriod { scope: Scope::Brand(vec![]), span };
    let warns = RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 1, span: Millis(5_000) };
    stage.shelf.rules = RuleIndex::new(vec![
        Rule { id: RuleId(1), kind, severity: Severity::Blocking, priority: 1 },
        Rule { id: RuleId(2), kind: warns, severity: Severity::Warning, priority: 9 },
    ]);
    let capped = Arc::make_mut(&mut stage.shelf.all[1].0);
    (capped.status, capped.cap.per_hour) = (Status::Paused, 1);
    stage.shelf.all[1].1.committed = Micros(1_000_000);
    let (one, other) = (Arc::clone(&stage.shelf.all[1].0), Arc::clone(&stage.shelf.all[0].0));
    let at = NOW - Millis(3_000);
    stage.live.remember([(one, at), (other, at)]);
    let why = stage.why(Some(1));
    let named = why.named.unwrap();
    let failed: Vec<_> = named.checks.iter().filter(|c| c.against.is_some()).collect();
    let told: Vec<_> = failed.iter().map(|c| (c.check, c.against.unwrap(), c.until)).collect();
    assert_eq!(
        told,
        [
            (Check::Status, Reason::CampaignPaused, None),
            (Check::Budget, Reason::Budget, None),
            (Check::Rules, Reason::Cooldown, Some(at + span)),
            (Check::FrequencyCap, Reason::FrequencyCap, Some(at + Millis::minutes(60))),
        ]
    );
    let rules: Vec<_> = named.rules.iter().map(|s| (s.hit.rule.0, s.hit.blocks(), s.until)).collect();
    assert_eq!(rules, [(2, false, Some(at + Millis(5_000))), (1, true, Some(at + span))]);
    assert!(
        !named.checks.iter().any(|c| c.check == Check::Pacing),
        "a plan says nothing of money that is gone"
    );
}

#[test]
fn without_a_page_or_an_audience_the_rest_is_told_all_the_same() {
    let mut stage = plain(2);
    stage.sample = None;
    stage.live = LiveStreamer::new(stage.live.streamer().clone());
    Arc::make_mut(&mut stage.shelf.all[1].0).open = false;
    let why = stage.why(Some(1));
    assert_eq!((why.blocked_by, why.next_slot, why.winner), (Some(Reason::NoOverlay), None, None));
    assert_eq!(why.fate(CampaignId(1)), Fate::Loses(Reason::NotParticipating));
    let checks: Vec<_> = why.named.unwrap().checks.iter().map(|c| c.check).collect();
    assert!(checks.contains(&Check::Budget) && !checks.contains(&Check::Viewers), "{checks:?}");
    assert_eq!(stage.why(Some(0)).fate(CampaignId(0)), Fate::Loses(Reason::NoOverlay));
    assert_eq!(stage.why(Some(9)).fate(CampaignId(9)), Fate::Loses(Reason::CampaignEnded));
}
