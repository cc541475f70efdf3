//! How many claims a second the store settles. A measurement, not a test:
//! `cargo test --release -p gametriggers --lib sqlite::tests::speed -- --ignored --nocapture`.

#![expect(clippy::disallowed_methods, reason = "a measurement looks at the system's clock")]

use super::*;
use gametriggers_actors::domain::id::{CampaignId, LeaseId, StreamerId};
use gametriggers_actors::domain::settlement::Outcome;
use std::io::Write;
use std::time::Instant;

/// Claims in all, in each trial.
const CLAIMS: u32 = 100_000;
const STREAMERS: i64 = 100_000;

async fn trial(campaigns: u32, batch: u32) {
    let Local { bench, store, .. } = Local::new().await;
    let (brand, first) = bench.fund(1_000_000_000_000, 1_000_000).await;
    let mut leases: Vec<(CampaignId, LeaseId)> = vec![(first, bench.lease(first, 1_000_000).await)];
    for n in 1..campaigns {
        let new = crate::store::tests::new_campaign(brand, 1_000_000);
        let (made, _) = bench.store.create(&new, &key(&format!("speed {n}")), NOW).await.unwrap();
        leases.push((made.id, bench.lease(made.id, 1_000_000).await));
    }
    let mut state = 7_u64;
    let mut claim = |n: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = state >> 33;
        let (campaign, lease) = leases[usize::try_from(pick % u64::from(campaigns)).unwrap()];
        let mut debit = debit(n, lease, campaign, 1);
        debit.streamer = StreamerId(i64::try_from(pick / u64::from(campaigns)).unwrap() % STREAMERS + 1);
        ok(debit)
    };
    let mut settling = 0.0;
    for start in (0..CLAIMS).step_by(usize::try_from(batch).unwrap()) {
        let claims: Vec<_> = (start..start + batch).map(&mut claim).collect();
        let begun = Instant::now();
        let outcomes = store.settle(&claims, NOW).await.unwrap();
        settling += begun.elapsed().as_secs_f64();
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Settled));
    }
    let (begun, mut rolled) = (Instant::now(), 0);
    for _ in 0..5 {
        rolled += store.roll_up(NOW).await.unwrap();
    }
    let rolling = begun.elapsed().as_secs_f64();
    bench.reconciles().await;
    let line = format!(
        "campaigns={campaigns} batch={batch}: {:.0} claims/s settled, {:.1} ms a batch, {:.0}/s rolled up",
        f64::from(CLAIMS) / settling,
        settling * 1000.0 * f64::from(batch) / f64::from(CLAIMS),
        f64::from(u32::try_from(rolled).unwrap()) / rolling,
    );
    writeln!(std::io::stderr(), "{line}").unwrap();
}

#[tokio::test]
#[ignore = "a measurement"]
async fn claims_per_second() {
    for campaigns in [1_000, 1] {
        for batch in [500, 2_000, 5_000, 20_000] {
            trial(campaigns, batch).await;
        }
    }
}
