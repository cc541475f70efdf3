//! Claims through the `SettlementActor` of a running server.

use crate::Outcome;
use crate::wire::Waits;
use futures_util::FutureExt;
use gametriggers::app::App;
use gametriggers::config::{Config, Sources};
use gametriggers_actors::domain::campaign::{Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::creative::{Content, CreativeStatus, Placement};
use gametriggers_actors::domain::id::{CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Money, Split};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome as Settled};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::messages::Settle;
use gametriggers_actors::ports::{Idempotency, NewCampaign, NewCreative};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const PRICE: Micros = Micros(20_000);
/// What a campaign may spend in a trial: far more than it can.
const BUDGET: Micros = Micros(1_000_000_000_000);
const STREAMERS: u64 = 100_000;
/// Plays before the clock starts: connections, plans and caches are warm then.
const WARM_UP: Duration = Duration::from_secs(1);

/// How claims come.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// As many as are taken: three batches are under way at any time.
    Flood,
    /// So many a second, whatever the answers do.
    Steady { per_second: u32 },
}

/// One trial.
pub(crate) struct Trial {
    pub(crate) url: String,
    pub(crate) campaigns: usize,
    pub(crate) batch: usize,
    pub(crate) shape: Shape,
    pub(crate) span: Duration,
}

/// What a trial showed.
pub(crate) struct Figures {
    pub(crate) plays_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    plays: u64,
}

pub(crate) async fn run(trial: &Trial) -> Outcome<Figures> {
    measure(trial, None).await.map(|(figures, _)| figures)
}

/// The trial, and how often each play in it waited for an answer: on the connection that waited most, which
/// is the settlement's, and on all of them.
pub(crate) async fn run_counted(trial: &Trial, waits: &Waits) -> Outcome<(f64, f64)> {
    let (figures, grown) = measure(trial, Some(waits)).await?;
    let most = grown.iter().copied().max().unwrap_or(0);
    Ok((number(most) / number(figures.plays), number(grown.iter().sum()) / number(figures.plays)))
}

fn config(trial: &Trial, folder: &std::path::Path) -> Outcome<Config> {
    let variables = [
        ("GAMETRIGGERS__SERVER__BIND", "127.0.0.1:0".to_owned()),
        ("GAMETRIGGERS__DATABASE__URL", trial.url.clone()),
        ("GAMETRIGGERS__ASSETS__DIR", folder.display().to_string()),
        ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", format!("[\"1:{}\"]", "07".repeat(32))),
        ("GAMETRIGGERS__SETTLEMENT__BATCH_MAX", trial.batch.to_string()),
        ("GAMETRIGGERS__SETTLEMENT__CLAIMS_MAX", (trial.batch * 4).to_string()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(Config::load(&Sources { variables, ..Sources::default() })?)
}

/// Makes claims that a streamer's actor could have checked.
struct Maker {
    leases: Vec<(CampaignId, LeaseId)>,
    split: Split,
    /// State of a linear congruential generator: which campaign and which streamer.
    state: u64,
    number: u64,
}

impl Maker {
    fn claim(&mut self, now: UnixMillis) -> Claim {
        self.number += 1;
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = self.state >> 33;
        let count = u64::try_from(self.leases.len()).expect("a list of this size");
        let index = usize::try_from(pick % count).expect("an index");
        let (campaign, lease) = *self.leases.get(index).expect("within the list");
        let mut random = [0; 10];
        random.iter_mut().zip(self.number.to_be_bytes()).for_each(|(to, from)| *to = from);
        let play = PlayId::mint(now, random);
        let streamer = i64::try_from((pick / count) % STREAMERS).expect("a small number") + 1;
        let debit = Debit {
            event: play,
            kind: EventKind::Play,
            play,
            lease,
            campaign,
            streamer: StreamerId(streamer),
            creative: CreativeId(campaign.0),
            currency: Currency::INR,
            split: self.split,
            viewers: 100,
            occurred: now,
        };
        Claim { debit, verdict: Ok(()) }
    }
}

async fn measure(trial: &Trial, waits: Option<&Waits>) -> Outcome<(Figures, Vec<u64>)> {
    let folder = tempfile::tempdir()?;
    let app = App::start(&config(trial, folder.path())?).await?;
    let mut maker = Maker {
        leases: prepare(&app, trial.campaigns).await?,
        split: Split::of(PRICE, FeeBps::new(2000).ok_or("a fee")?).ok_or("a price")?,
        state: 7,
        number: 0,
    };
    pour(&app, trial, WARM_UP, &mut maker).await?;
    let seen = || waits.map_or_else(Vec::new, Waits::seen);
    let before = seen();
    let figures = pour(&app, trial, trial.span, &mut maker).await?;
    let grown =
        seen().iter().zip(before.into_iter().chain(std::iter::repeat(0))).map(|(a, b)| a - b).collect();
    for check in app.engine.ports.ledger.reconcile(true).await? {
        if check.mismatches > 0 || check.drift_micros != 0 {
            return Err(format!("the ledger does not add up: {check:?}").into());
        }
    }
    app.stop().await;
    Ok((figures, grown))
}

/// Claims for so long; every one of them has to be settled.
async fn pour(app: &App, trial: &Trial, span: Duration, maker: &mut Maker) -> Outcome<Figures> {
    let settlement = app.engine.directory.settlement(&app.engine);
    let mut waits = hdrhistogram::Histogram::<u64>::new(3)?;
    // Batches are answered in the order of their claims, so that the first one is the one to wait for.
    let mut open = VecDeque::new();
    let begun = Instant::now();
    let (mut sent, mut settled) = (0_u64, 0_u64);
    let most = trial.batch * 3;
    loop {
        let passed = begun.elapsed();
        let room = match trial.shape {
            Shape::Flood => most.saturating_sub(open.len()),
            Shape::Steady { per_second } => {
                let due = u64::try_from(passed.as_millis())? * u64::from(per_second) / 1000;
                usize::try_from(due.saturating_sub(sent))?
            }
        };
        let now = app.engine.now();
        for _ in 0..if passed < span { room } else { 0 } {
            // An address for each, as each streamer's actor has its own: one that meets a full mailbox waits.
            let settle = settlement.clone().send(Settle(maker.claim(now)));
            let (at, answer) = (Instant::now(), Box::pin(settle));
            open.push_back((at, answer));
            sent += 1;
        }
        if passed >= span && open.is_empty() {
            break;
        }
        let pause = tokio::time::sleep(Duration::from_millis(1));
        let next = async {
            match open.front_mut() {
                Some((at, answer)) => (*at, answer.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            (at, answer) = next => {
                let mut done = Some((at, answer));
                while let Some((at, answer)) = done {
                    open.pop_front();
                    if answer? != Settled::Settled {
                        return Err("a claim was not settled".into());
                    }
                    settled += 1;
                    waits.record(u64::try_from(at.elapsed().as_micros())?)?;
                    done = open.front_mut().and_then(|(at, answer)| Some((*at, answer.now_or_never()?)));
                }
            }
            () = pause => {}
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let quantile = |q| number(waits.value_at_quantile(q)) / 1000.0;
    Ok(Figures {
        plays_per_s: number(settled) / seconds,
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        plays: settled,
    })
}

/// Campaigns with a lease each that no trial can empty.
async fn prepare(app: &App, campaigns: usize) -> Outcome<Vec<(CampaignId, LeaseId)>> {
    let (ports, now) = (&app.engine.ports, app.engine.now());
    let once = |key: String| Idempotency { key, fingerprint: [0; 32] };
    let brand = ports.accounts.add_brand("Bench", now).await?;
    let total = Micros(BUDGET.0 * i64::try_from(campaigns)?);
    let money = Money { amount: total, currency: Currency::INR };
    ports.ledger.deposit(brand.id, money, &once("deposit".to_owned()), now).await?;
    let mut leases = Vec::with_capacity(campaigns);
    for number in 0..campaigns {
        let new = NewCampaign {
            brand: brand.id,
            name: "Bench".to_owned(),
            category: Category::new("bench".into()),
            currency: Currency::INR,
            pricing: Pricing::Flat(PRICE),
            flight: Flight { starts: now - Millis::minutes(1), ends: now + Millis::minutes(600) },
            pacing: PacingMode::Asap,
            daily_cap: None,
            cap: FrequencyCap::default(),
            targeting: Targeting::default(),
            open: true,
            landing_url: "https://bench.example".to_owned(),
            rotation: Rotation::Even,
            requirements: None,
            creatives: vec![NewCreative {
                status: CreativeStatus::Active,
                content: Content::Text { headline: "Hello".into(), body: "".into() },
                placement: Placement::Corner,
                duration: Millis::seconds(8),
                accent: "#ffffff".to_owned(),
                sound: false,
                weight: 1,
            }],
            budget: BUDGET,
        };
        let (made, _) = ports.campaigns.create(&new, &once(format!("campaign-{number}")), now).await?;
        let grant = ports.ledger.grant(made.id, Micros(BUDGET.0 / 2), now).await?.ok_or("no lease")?;
        leases.push((made.id, grant.lease));
    }
    Ok(leases)
}

/// A count as a number to divide by.
#[expect(clippy::as_conversions, reason = "counts stay far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
