//! What one decision costs, what its token costs, and what a batch of claims costs before SQL.
//!
//! All of it is pure: no clock, no actor, no database. `cargo bench --bench decision`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gametriggers::policy;
use gametriggers_actors::domain::area::Drawn;
use gametriggers_actors::domain::campaign::{
    Brand, Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status,
};
use gametriggers_actors::domain::conflict::{Rule, RuleIndex, RuleKind, Scope, Severity};
use gametriggers_actors::domain::creative::{Content, Creative, Placement};
use gametriggers_actors::domain::decision::{Candidate, Slot, decide};
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, LeaseId, PlayId, RuleId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::pacing::{BudgetView, Uniform};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::rotation::{CreativeCounts, Rotation};
use gametriggers_actors::domain::settlement::{Claim, Known, LeaseRow, plan};
use gametriggers_actors::domain::streamer::history::History;
use gametriggers_actors::domain::streamer::{Platform, Profile, Sample, Settings};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::token::{SigningKey, Terms, TokenKeys, nonce_hash};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Of ten campaigns in a row four may play, and six lose for six different reasons.
fn campaign(number: i64) -> Campaign {
    let content = Content::Text { headline: "Hello".into(), body: "".into() };
    let mut campaign = Campaign {
        id: CampaignId(number),
        brand: Brand { id: BrandId(number / 3), name: "Brand".into() },
        name: "Campaign".into(),
        status: Status::Active,
        category: Category(format!("category_{}", number % 7).into()),
        currency: Currency::INR,
        pricing: Pricing::Cpm(Micros(1000 * (1 + number % 13))),
        flight: Flight { starts: NOW - Millis::minutes(60), ends: NOW + Millis::minutes(60) },
        pacing: PacingMode::Even,
        daily_cap: None,
        cap: FrequencyCap { per_hour: 4, per_day: 20, minimum_gap: Millis::minutes(5) },
        targeting: Targeting { languages: vec!["hi".into(), "en".into()], ..Targeting::default() },
        open: true,
        landing_url: "https://brand.example".into(),
        rotation: Rotation::Even,
        creatives: vec![Creative {
            id: CreativeId(number),
            drawn: Drawn::of(&content, Placement::Corner),
            content,
            placement: Placement::Corner,
            duration: Millis::seconds(8),
            accent: "#ffffff".into(),
            sound: false,
            weight: 1,
            counts: CreativeCounts::default(),
        }],
    };
    match number % 10 {
        1 => campaign.status = Status::Paused,
        2 => campaign.flight.ends = NOW,
        3 => campaign.targeting.countries = vec!["DE".into(), "FR".into()],
        4 => campaign.targeting.viewers_min = 10_000,
        5 => campaign.category = Category("energy_drink".into()),
        6 => campaign.pricing = Pricing::Flat(Micros(i64::MAX / 4)),
        _ => {}
    }
    campaign
}

fn rules() -> RuleIndex {
    let drinks = vec![Category("energy_drink".into())];
    let kinds = [
        RuleKind::CategoryExclusivity { categories: drinks, span: Millis::minutes(30) },
        RuleKind::CooldownPeriod { scope: Scope::Brand(Vec::new()), span: Millis::minutes(2) },
        RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 50, span: Millis::minutes(10) },
    ];
    let rule = |(number, kind)| Rule { id: RuleId(number), kind, severity: Severity::Blocking, priority: 1 };
    RuleIndex::new((1..).zip(kinds).map(rule).collect())
}

/// A stream that has shown twenty campaigns, one of them an energy drink.
fn history() -> History {
    let mut history = History::default();
    for number in 1000..1020 {
        let mut shown = campaign(number);
        shown.category = Category(if number == 1000 { "energy_drink" } else { "shoes" }.into());
        history.record(&shown, NOW - Millis::minutes(number - 990));
    }
    history
}

fn decisions(criterion: &mut Criterion) {
    let (rules, history, settings) = (rules(), history(), Settings::default());
    let profile = Profile {
        name: "Nova".into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    };
    let sample = Sample { live: true, viewers: 240, sampled: NOW };
    let policies = policy::load(Path::new("")).expect("the profiles load");
    let policy = policies.of(profile.platform);
    let slot = Slot {
        now: NOW,
        streamer: StreamerId(6),
        profile: &profile,
        policy,
        settings: &settings,
        sample,
        history: &history,
    };
    let budget = BudgetView { funded: Micros(1_000_000_000), committed: Micros(1_000_000) };
    let mut group = criterion.benchmark_group("decide");
    for count in [1_u32, 10, 50, 200] {
        let campaigns: Vec<_> = (0..i64::from(count)).map(|number| Arc::new(campaign(number))).collect();
        let run = || {
            let candidates = campaigns.iter().map(|campaign| Candidate { campaign, budget });
            decide(black_box(slot), &rules, &Uniform, candidates)
        };
        let decision = run();
        assert!(!decision.ranked.is_empty(), "a decision that chooses nobody measures nothing");
        assert!(count < 10 || decision.rejected.len() >= usize::try_from(count / 2).unwrap_or(0));
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |bench, _| bench.iter(run));
    }
    group.finish();
}

fn terms(number: u8) -> Terms {
    Terms {
        play: PlayId::mint(NOW + Millis(i64::from(number)), [number; 10]),
        lease: LeaseId(i64::from(number % 20)),
        campaign: CampaignId(i64::from(number % 20)),
        streamer: StreamerId(6),
        creative: CreativeId(7),
        currency: Currency::INR,
        split: Split::of(Micros(20_000), FeeBps::new(2000).expect("a fifth is a share")).expect("it fits"),
        viewers: 240,
        issued: NOW,
        expires: NOW + Millis::minutes(10),
        viewable_after: Millis(1000),
        nonce_hash: nonce_hash("nonce"),
    }
}

fn tokens(criterion: &mut Criterion) {
    let keys = TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, Vec::new());
    let terms = terms(1);
    let token = keys.sign(&terms);
    assert_eq!(keys.verify(&token, "nonce"), Ok(terms));
    let mut group = criterion.benchmark_group("token");
    group.bench_function("sign", |bench| bench.iter(|| keys.sign(black_box(&terms))));
    group.bench_function("verify", |bench| bench.iter(|| keys.verify(black_box(&token), "nonce")));
    group.finish();
}

/// Five hundred claims on twenty leases, a fiftieth of them sent twice and a twentieth refused.
fn settlement(criterion: &mut Criterion) {
    let claim = |number: u16| {
        let twice = if number % 50 == 49 { number - 1 } else { number };
        let [high, low] = twice.to_be_bytes();
        let mut debit = terms(low).debit(NOW);
        debit.event = PlayId::mint(NOW, [high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
        let refused = number % 20 == 3;
        Claim { debit, verdict: if refused { Err(Reason::TooShort) } else { Ok(()) } }
    };
    let claims: Vec<_> = (0..500).map(claim).collect();
    let row = |number: i64| LeaseRow {
        campaign: CampaignId(number),
        granted: Micros(1_000_000_000),
        settled: Micros::ZERO,
        accepts: true,
    };
    let leases = (0..20).map(|number| (LeaseId(number), row(number))).collect();
    let known = Known { leases, ..Known::default() };
    let posting = plan(&claims, &known);
    assert!(posting.events.len() > 400 && !posting.rejects.is_empty());
    let mut group = criterion.benchmark_group("settlement");
    group.throughput(Throughput::Elements(500));
    group.bench_function("plan_500", |bench| bench.iter(|| plan(black_box(&claims), &known)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    targets = decisions, tokens, settlement
}
criterion_main!(benches);
