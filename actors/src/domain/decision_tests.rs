//! Every way to win and to lose a slot.

use super::*;
use crate::domain::area::Drawn;
use crate::domain::campaign::{Brand, Category, Flight, FrequencyCap, PacingMode, Pricing};
use crate::domain::conflict::{Rule, RuleKind, Scope, Severity};
use crate::domain::creative::{Content, CreativeStatus, Format, LengthCaps, Placement};
use crate::domain::daypart::Dayparts;
use crate::domain::id::{BrandId, CreativeId, RuleId};
use crate::domain::money::Currency;
use crate::domain::pacing::{Greedy, ONE, TUNED};
use crate::domain::policy::Words;
use crate::domain::policy::tests::open;
use crate::domain::rotation::{CreativeCounts, Rotation};
use crate::domain::streamer::Platform;
use crate::domain::targeting::{Mature, Targeting};
use proptest::prelude::*;

/// A campaign that may play everywhere, at 1000 micros a play.
pub(crate) fn campaign(id: i64) -> Campaign {
    Campaign {
        id: CampaignId(id),
        brand: Brand { id: BrandId(id), name: "Brand".into() },
        name: "Campaign".into(),
        status: Status::Active,
        category: Category::new("drinks".into()),
        currency: Currency::INR,
        pricing: Pricing::Flat(Micros(1000)),
        flight: Flight { starts: UnixMillis(0), ends: UnixMillis(1_000_000_000_000) },
        pacing: PacingMode::Asap,
        daily_cap: None,
        cap: FrequencyCap::default(),
        targeting: Targeting::default(),
        open: true,
        landing_url: "https://example.invalid".into(),
        rotation: Rotation::Even,
        creatives: vec![creative(id)],
    }
}

pub(crate) fn creative(id: i64) -> Creative {
    let content = Content::Text { headline: "Hello".into(), body: "".into() };
    Creative {
        id: CreativeId(id),
        drawn: Drawn::of(&content, Placement::Corner),
        content,
        placement: Placement::Corner,
        duration: Millis(5000),
        accent: "#ffffff".into(),
        sound: false,
        weight: 1,
        status: CreativeStatus::Active,
        counts: CreativeCounts::default(),
    }
}

pub(crate) fn profile() -> Profile {
    Profile {
        name: "Nova".into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    }
}

fn run(campaigns: &[Arc<Campaign>], settings: &Settings, history: &History, rules: &RuleIndex) -> Answer {
    run_by(&Greedy, campaigns, settings, (history, rules))
}

/// The decision, and who lost why.
struct Answer {
    decision: Decision,
    rejected: Vec<(CampaignId, Reason)>,
}

impl std::ops::Deref for Answer {
    type Target = Decision;

    fn deref(&self) -> &Decision {
        &self.decision
    }
}

fn run_by(
    pacing: &dyn Pacing,
    campaigns: &[Arc<Campaign>],
    settings: &Settings,
    (history, rules): (&History, &RuleIndex),
) -> Answer {
    let profile = profile();
    let none = Attainments::default();
    let policy =
        Policy { prohibited: Words::new(["weapons".into()]), placements: vec![Placement::Corner], ..open() };
    let slot = Slot {
        now: UnixMillis(1000),
        streamer: StreamerId(9),
        profile: &profile,
        policy: &policy,
        settings,
        sample: Sample { live: true, viewers: 100, sampled: UnixMillis(0) },
        history,
        earned: &none,
        all: &none,
        gap: Millis::seconds(300),
    };
    let budget = BudgetView { funded: Micros(1_000_000), ..BudgetView::default() };
    let plans: Vec<Plan> = campaigns.iter().map(|c| Plan::uniform(c.flight)).collect();
    let candidate = |(campaign, plan)| {
        let campaign: &Arc<Campaign> = campaign;
        let quote = campaign.pricing.quote(100);
        let value = quote.map_or(Micros::ZERO, |quote| quote.expected(100, 1200));
        Candidate::new(campaign, &budget, plan, Bid { quote, value })
    };
    let candidates: Vec<_> = campaigns.iter().zip(&plans).map(candidate).collect();
    let guide = Guide { rules, pacing, charge_max_bps: 10_000, offers: false };
    let mut rejected = Vec::new();
    let decision = decide(slot, guide, &candidates, |id, reason| rejected.push((id, reason)));
    Answer { decision, rejected }
}

fn plain(campaigns: &[Arc<Campaign>]) -> Answer {
    run(campaigns, &Settings::default(), &History::default(), &RuleIndex::default())
}

fn made(id: i64, change: impl FnOnce(&mut Campaign)) -> Arc<Campaign> {
    let mut c = campaign(id);
    change(&mut c);
    Arc::new(c)
}

#[test]
fn the_most_valuable_comes_first_and_ties_go_to_the_lower_id() {
    let rich = made(4, |c| c.pricing = Pricing::Flat(Micros(2000)));
    let decision = plain(&[made(3, |_| ()), made(2, |_| ()), rich, made(1, |_| ())]);
    let order: Vec<i64> = decision.ranked.iter().map(|c| c.campaign.id.0).collect();
    assert_eq!(order, [4, 1, 2], "three at most");
}

#[test]
fn every_way_to_lose_has_its_reason() {
    let settings = Settings {
        blocked_brands: vec![BrandId(4)],
        blocked_categories: vec!["betting".into()],
        blocked_formats: vec![Format::Video],
        allow_sound: false,
        lengths: LengthCaps { text: Millis(5000), ..LengthCaps::default() },
        ..Settings::default()
    };
    // The first of January 1970 was a Thursday.
    let night = "thu 00:01-00:00".parse().unwrap();
    let video = Content::Video { asset: "a.webm".into(), width: 640, height: 360 };
    let campaigns = [
        made(1, |c| c.status = Status::Paused),
        made(2, |c| c.status = Status::Ended),
        made(3, |c| c.flight.ends = UnixMillis(1000)),
        made(4, |_| ()),
        made(5, |c| c.category = Category::new("betting".into())),
        made(6, |c| c.creatives.iter_mut().for_each(|k| k.content = video.clone())),
        made(7, |c| c.targeting.viewers_min = 101),
        made(8, |c| c.pricing = Pricing::Flat(Micros(2_000_000))),
        made(9, |c| c.targeting.dayparts = Dayparts { windows: vec![night], utc_offset: 0 }),
        made(10, |c| c.targeting.blocked_streamers = vec![StreamerId(3), StreamerId(9)]),
        made(11, |c| c.targeting.followers_min = 1),
        made(12, |c| c.targeting.platforms = vec![Platform::Kick]),
        made(13, |c| c.targeting.mature = Mature::Only),
        made(14, |c| c.category = Category::new("weapons".into())),
        made(15, |c| c.creatives[0].placement = Placement::Ticker),
        made(16, |c| c.creatives[0].duration = Millis(5001)),
        made(17, |c| c.creatives[0].sound = true),
        made(18, |c| c.targeting.languages = vec!["hi".into()]),
    ];
    let decision = run(&campaigns, &settings, &History::default(), &RuleIndex::default());
    let mut rejected = decision.rejected.clone();
    rejected.sort_by_key(|(id, _)| *id);
    let reasons: Vec<Reason> = rejected.iter().map(|(_, reason)| *reason).collect();
    let expected = [
        Reason::CampaignPaused,
        Reason::CampaignEnded,
        Reason::Flight,
        Reason::StreamerBlocklist,
        Reason::CategoryBlocklist,
        Reason::Creative,
        Reason::MinimumViewers,
        Reason::Budget,
        Reason::Daypart,
        Reason::BrandBlocklist,
        Reason::Followers,
        Reason::Platform,
        Reason::Mature,
        Reason::Policy,
        Reason::Policy,
        Reason::Length,
        Reason::Creative,
        Reason::Targeting,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(decision.no_fill, Some(Reason::Budget), "the loser that was worth most speaks for the slot");
}

#[test]
fn an_empty_field_says_so() {
    assert_eq!(plain(&[]).no_fill, Some(Reason::NoCandidate));
}

#[test]
fn a_blocking_rule_keeps_the_competitor_off_the_slot() {
    let rule = Rule {
        id: RuleId(1),
        kind: RuleKind::CategoryExclusivity { categories: vec![], span: Millis(60_000) },
        severity: Severity::Blocking,
        priority: 1,
    };
    let mut history = History::default();
    history.record(&campaign(1), UnixMillis(900));
    let decision =
        run(&[made(1, |_| ()), made(2, |_| ())], &Settings::default(), &history, &RuleIndex::new(vec![rule]));
    assert_eq!(decision.ranked.len(), 1);
    assert_eq!(decision.rejected, [(CampaignId(2), Reason::CategoryExclusivity)]);
    assert_eq!(decision.hits.len(), 1);
}

proptest! {
    /// Every candidate is either ranked, beaten by three better ones, or rejected with a reason;
    /// the order in which candidates arrive does not matter.
    #[test]
    fn the_order_of_candidates_does_not_matter(
        prices in proptest::collection::vec(1_i64..6, 0..20),
        seed in any::<u64>(),
    ) {
        let priced = |(id, p): (i64, &i64)| made(id, |c| c.pricing = Pricing::Flat(Micros(p * 400_000)));
        let campaigns: Vec<_> = (0_i64..).zip(&prices).map(priced).collect();
        let mut shuffled = campaigns.clone();
        shuffled.sort_by_key(|c| (c.id.0.unsigned_abs() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let ids = |d: &Answer| d.ranked.iter().map(|c| c.campaign.id).collect::<Vec<_>>();
        let (one, two) = (plain(&campaigns), plain(&shuffled));
        prop_assert_eq!(ids(&one), ids(&two));
        prop_assert_eq!(one.no_fill, two.no_fill);
        prop_assert!(
            one.ranked.windows(2).all(|w| (w[0].score, w[1].campaign.id) >= (w[1].score, w[0].campaign.id)),
        );
        let dear = one.rejected.iter().filter(|(_, reason)| *reason == Reason::Budget).count();
        prop_assert_eq!(dear, prices.iter().filter(|p| **p * 400_000 > 1_000_000).count());
        prop_assert_eq!(one.ranked.len() + one.rejected.len(), prices.len(), "nobody goes without an answer");
    }
}

const MINUTE: i64 = 60_000;

/// Two rules that keep a category, and a brand, apart for eleven minutes: two slots.
fn cooldowns() -> RuleIndex {
    let of = |id, scope| Rule {
        id: RuleId(id),
        kind: RuleKind::CooldownPeriod { scope, span: Millis(11 * MINUTE) },
        severity: Severity::Blocking,
        priority: 1,
    };
    RuleIndex::new(vec![of(1, Scope::Category(vec![])), of(2, Scope::Brand(vec![]))])
}

#[test]
fn a_play_that_spoils_two_better_slots_gives_way() {
    // The first shares its category with the second and its brand with the third.
    let set = |id, price, category: &str, brand| {
        made(id, |c| {
            c.pricing = Pricing::Flat(Micros(price));
            (c.category, c.brand.id) = (Category::new(category.into()), BrandId(brand));
        })
    };
    let campaigns = [set(1, 1000, "x", 1), set(2, 980, "x", 2), set(3, 980, "y", 1)];
    let (history, settings) = (History::default(), Settings::default());
    let by = |pacing: &dyn Pacing, campaigns: &[Arc<Campaign>]| {
        let answer = run_by(pacing, campaigns, &settings, (&history, &cooldowns()));
        answer.ranked.iter().map(|c| c.campaign.id.0).collect::<Vec<_>>()
    };
    assert_eq!(by(&Greedy, &campaigns), [1, 2, 3]);
    assert_eq!(by(&TUNED, &campaigns), [2, 1, 3], "two now and three next are worth more than one alone");
    let far = [set(1, 3000, "x", 1), set(2, 980, "x", 2), set(3, 980, "y", 1)];
    assert_eq!(by(&TUNED, &far), [1, 2, 3], "but not more than three times as much");
}

/// Weights without a pattern, of which none is above half of `ONE`.
struct Uneven {
    most: i64,
}

impl Pacing for Uneven {
    fn weigh(&self, ask: &Ask) -> Result<i64, Reason> {
        let mixed = ask.price.0 * 7919 % 101;
        if mixed < 20 { Err(Reason::Pacing) } else { Ok(ONE * mixed / 200) }
    }

    fn most(&self) -> i64 {
        self.most
    }

    fn looks_ahead(&self) -> bool {
        true
    }
}

proptest! {
    /// Who is not looked at could not have won: the answer is that of looking at everybody.
    #[test]
    fn nobody_who_could_win_is_passed_over(
        offers in proptest::collection::vec((1_i64..60, 0_i64..6, 0_i64..4, any::<bool>()), 0..40),
        shown in proptest::collection::vec(0_usize..40, 0..6),
    ) {
        let offer = |(id, (price, brand, word, foreign)): (i64, &(i64, i64, i64, bool))| made(id, |c| {
            c.pricing = Pricing::Flat(Micros(*price));
            (c.brand.id, c.category) = (BrandId(*brand), Category::new(format!("word{word}").into()));
            c.status = if price % 7 == 0 { Status::Paused } else { Status::Active };
            c.currency = if *foreign { "USD".parse().unwrap() } else { Currency::INR };
        });
        let campaigns: Vec<_> = (0_i64..).zip(&offers).map(offer).collect();
        let mut history = History::default();
        shown.iter().filter_map(|at| campaigns.get(*at)).for_each(|c| history.record(c, UnixMillis(900)));
        let by = |most: i64| {
            let (known, settings) = ((&history, &cooldowns()), Settings::default());
            let Answer { decision, rejected } = run_by(&Uneven { most }, &campaigns, &settings, known);
            let ranked: Vec<_> = decision.ranked.iter().map(|c| (c.campaign.id, c.score)).collect();
            let names: std::collections::BTreeSet<_> = rejected.iter().map(|(id, _)| *id).collect();
            prop_assert_eq!(names.len(), rejected.len(), "each loses once");
            prop_assert_eq!(names.len() + ranked.len(), campaigns.len(), "nobody is forgotten");
            Ok((ranked, decision.hits, decision.no_fill, decision.attainable))
        };
        prop_assert_eq!(by(ONE / 2)?, by(i64::MAX)?);
    }

    /// With all else equal, who pays more is not served less.
    #[test]
    fn a_higher_price_never_loses_the_slot(
        prices in proptest::collection::vec(1_i64..1000, 2..8), more in 1_i64..1000, place in 0_usize..8,
    ) {
        let place = place % prices.len();
        let of = |prices: &[i64]| -> Vec<_> {
            let priced = |(id, p): (i64, &i64)| made(id, |c| c.pricing = Pricing::Flat(Micros(*p)));
            (0_i64..).zip(prices).map(priced).collect()
        };
        let rank = |campaigns: &[Arc<Campaign>]| {
            let (history, rules) = (History::default(), RuleIndex::default());
            let answer = run_by(&TUNED, campaigns, &Settings::default(), (&history, &rules));
            let id = CampaignId(i64::try_from(place).unwrap());
            answer.ranked.iter().position(|c| c.campaign.id == id).unwrap_or(usize::MAX)
        };
        let before = rank(&of(&prices));
        let mut raised = prices.clone();
        raised[place] += more;
        prop_assert!(rank(&of(&raised)) <= before);
    }
}
