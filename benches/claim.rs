//! What the debit token of a play costs, and what a batch of claims costs before SQL.
//!
//! All of it is pure: no clock, no actor, no database. `cargo bench --bench claim`; what comes before it, the
//! decision, is measured by `scripts/bench decisions`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gametriggers_actors::domain::id::{CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::{Claim, Known, LeaseRow, plan};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::token::{SigningKey, Terms, TokenKeys, nonce_hash};
use std::hint::black_box;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

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
    targets = tokens, settlement
}
criterion_main!(benches);
