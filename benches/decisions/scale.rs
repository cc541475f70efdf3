//! The real engine with many streamers in one process, on its real clock.
//!
//! Streamers, campaigns and rules are in a SQLite file of their own, as an operator has them; each streamer
//! has one page in this process (`page`), so that no socket is measured. Slots fall due once in five minutes,
//! spread over all streamers, and the pages play what they get to its end and claim it. Then every streamer
//! wants an ad at once. The books have to agree afterwards.

use crate::market;
use crate::page::{Pages, Seen};
use crate::{Outcome, number, say};
use actix::Arbiter;
use gametriggers::bus::memory::{MemoryBus, OwnLive};
use gametriggers::store::sqlite::SqliteStore;
use gametriggers::telemetry;
use gametriggers::world::{SimulatedPlatform, SystemEntropy};
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Money};
use gametriggers_actors::domain::play::Patience;
use gametriggers_actors::domain::streamer::live::Terms;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::token::{SigningKey, TokenKeys};
use gametriggers_actors::domain::verification::Strictness;
use gametriggers_actors::engine::{Engine, Numbers, Ports};
use gametriggers_actors::ports::{Clock, Idempotency, NewCampaign, NewCreative, NewStreamer, NoCourier};
use gametriggers_actors::webhook::WebhookNumbers;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Threads of streamers and their pages, as `server.workers` in `default.toml`.
const WORKERS: usize = 2;
/// Each streamer has a slot in this time, and the first slots are spread over it.
const INTERVAL: Millis = Millis::minutes(5);
/// Campaigns that want a stream.
const MATCHING: i64 = 50;
/// What a campaign may spend: no trial empties it.
const BUDGET: Micros = Micros(1_000_000_000_000);
/// Streamers that are added in one transaction.
const ADD: usize = 2_000;
/// Streamers of a thread that wait for an ad at the same time in the flood.
const AT_ONCE: usize = 500;
/// A play's whole life, from `prepare` to its ack, and something more.
const LIFE: Duration = Duration::from_secs(10);

/// How large.
pub(crate) struct Trial {
    pub(crate) streamers: u32,
    pub(crate) campaigns: u32,
    pub(crate) seconds: u32,
}

/// The engine's clock, finer: what is measured here is less than a few of its milliseconds.
pub(crate) struct Watch {
    started: Instant,
    wall: i64,
}

impl Watch {
    fn start() -> Outcome<Arc<Self>> {
        // On a whole millisecond, so that both clocks tick together.
        let wall = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())? * 1000;
        Ok(Arc::new(Self { started: Instant::now(), wall }))
    }

    /// Unix time in microseconds.
    pub(crate) fn micros(&self) -> i64 {
        self.wall + i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX / 2)
    }
}

impl Clock for Watch {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.micros() / 1000)
    }
}

/// One thread of pages.
struct Worker {
    arbiter: Arbiter,
}

impl Worker {
    /// Has something done on the thread, and waits for what comes of it. Its pages never leave it.
    async fn have<T, F, W>(&self, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        W: Future<Output = T> + 'static,
        F: FnOnce() -> W + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.arbiter.spawn_fn(move || {
            let work = work();
            actix_rt::spawn(async move {
                let _ = sender.send(work.await);
            });
        });
        Ok(receiver.await?)
    }
}

std::thread_local! {
    /// The pages of this thread.
    static PAGES: std::cell::RefCell<Option<Rc<Pages>>> = const { std::cell::RefCell::new(None) };
}

fn pages() -> Rc<Pages> {
    PAGES.with_borrow(|pages| pages.clone()).expect("the pages were opened before anything is asked of them")
}

/// Runs the trial; its line of figures.
pub(crate) async fn run(trial: Trial) -> Outcome<String> {
    telemetry::metric::start()?;
    let folder = tempfile::tempdir_in(std::env::var("CARGO_TARGET_TMPDIR").as_deref().unwrap_or("."))?;
    let watch = Watch::start()?;
    let store = SqliteStore::open(&folder.path().join("scale.db")).await?;
    let (began, before) = (Instant::now(), memory_kb()?);
    let streamers = register(&store, &trial, watch.now()).await?;
    say(&format!("registered in {:.1} s", began.elapsed().as_secs_f64()));

    let arbiter = Arbiter::new();
    let tokens = TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, Vec::new());
    let engine = Engine::start(ports(&store, &watch), numbers()?, tokens, arbiter.handle()).await?;
    engine.directory.watch(&engine);
    let _ = (engine.directory.settlement(&engine), engine.directory.live(&engine));
    let known = memory_kb()?;
    let workers: Vec<Worker> = (0..WORKERS).map(|_| Worker { arbiter: Arbiter::new() }).collect();
    let began = Instant::now();
    let (opened, attached) = attach(&workers, &engine, &watch, &streamers).await?;
    let each = |kb: u64| number(kb) / f64::from(trial.streamers);
    let kb = each(attached.saturating_sub(before));
    say(&format!(
        "attached in {:.1} s; memory of a streamer: {:.2} kB with its keys when known, {:.2} for the session \
         and the page that stands for its socket, {:.2} for its actor",
        began.elapsed().as_secs_f64(),
        each(known.saturating_sub(before)),
        each(opened.saturating_sub(known)),
        each(attached.saturating_sub(opened)),
    ));

    let steady = steady(&workers, &watch, trial.seconds).await?;
    let flood = flood(&workers).await?;
    for check in engine.ports.ledger.reconcile(true).await? {
        if check.mismatches > 0 || check.drift_micros != 0 {
            return Err(format!("the ledger does not add up: {check:?}").into());
        }
    }
    for stopped in workers.iter().map(|worker| &worker.arbiter).chain([&arbiter]) {
        stopped.stop();
    }
    store.close().await;
    Ok(format!(
        "streamers={} campaigns={} kb_per_streamer={kb:.2} slots_per_s={:.1} flood_slots_per_s={flood:.0} \
         due_to_prepare_ms_p50={:.2} due_to_prepare_ms_p99={:.2}",
        trial.streamers, trial.campaigns, steady.per_s, steady.p50_ms, steady.p99_ms,
    ))
}

/// What a span of slots at the usual rate showed.
struct Steady {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Slots as they fall due, for so long; then the plays come to their end.
async fn steady(workers: &[Worker], watch: &Arc<Watch>, seconds: u32) -> Outcome<Steady> {
    // What attaching left behind is over then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let from = watch.micros();
    let to = from + i64::from(seconds) * 1_000_000;
    let mut due = 0;
    for worker in workers {
        due += worker.have(move || async move { pages().due((from, to)) }).await?;
        // Plays from before are not this span's.
        blameless(&worker.have(|| async { pages().seen() }).await?)?;
    }
    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    let mut late = hdrhistogram::Histogram::<u64>::new(3)?;
    let began = Instant::now();
    let mut settled = 0;
    loop {
        for worker in workers {
            let seen = worker.have(|| async { pages().seen() }).await?;
            for (_, micros) in seen.late.iter().filter(|(due, _)| (from..to).contains(due)) {
                late.record(u64::try_from((*micros).max(0))?)?;
            }
            settled += seen.settled;
            blameless(&seen)?;
        }
        if began.elapsed() > LIFE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let quantile = |q| number(late.value_at_quantile(q)) / 1000.0;
    say(&format!(
        "{due} slots fell due in {seconds} s, {} were prepared: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, \
         at most {:.2} ms; {settled} plays were settled in this time and the {} s after it",
        late.len(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(1.0),
        LIFE.as_secs(),
    ));
    if late.len() * 100 < u64::try_from(due)? * 99 {
        return Err("slots stayed empty: the trial measures nothing".into());
    }
    if settled * 100 < late.len() * 99 {
        return Err("plays were not settled".into());
    }
    Ok(Steady {
        per_s: number(late.len()) / f64::from(seconds),
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
    })
}

/// Every streamer wants an ad now, each thread a few hundred at a time; slots a second up to `prepare`.
async fn flood(workers: &[Worker]) -> Outcome<f64> {
    let began = Instant::now();
    let all = workers.iter().map(|worker| {
        worker.have(|| async {
            let pages = pages();
            pages.flood(AT_ONCE).await;
            pages.seen()
        })
    });
    let mut prepared = 0;
    for seen in futures_util::future::try_join_all(all).await? {
        prepared += seen.prepared;
    }
    let seconds = began.elapsed().as_secs_f64();
    let per_s = number(prepared) / seconds;
    say(&format!("{prepared} slots at once: prepared in {seconds:.1} s, {per_s:.0}/s"));
    Ok(per_s)
}

fn blameless(seen: &Seen) -> Outcome<()> {
    if seen.faults.is_empty() {
        Ok(())
    } else {
        Err(format!("not as it should be: {:?}", seen.faults).into())
    }
}

/// Opens all sessions, then attaches them; the memory after each step, in kB.
async fn attach(
    workers: &[Worker],
    engine: &Arc<Engine>,
    watch: &Arc<Watch>,
    streamers: &[StreamerId],
) -> Outcome<(u64, u64)> {
    let share = streamers.len().div_ceil(workers.len());
    for (worker, mine) in workers.iter().zip(streamers.chunks(share)) {
        let (engine, watch, mine) = (Arc::clone(engine), Arc::clone(watch), mine.to_vec());
        let open = move || async move { PAGES.set(Some(Pages::open(&engine, &watch, &mine))) };
        worker.have(open).await?;
    }
    let opened = memory_kb()?;
    let all = workers
        .iter()
        .map(|worker| worker.have(|| async { pages().attach().await.map_err(|error| error.to_string()) }));
    for attached in futures_util::future::try_join_all(all).await? {
        attached?;
    }
    Ok((opened, memory_kb()?))
}

/// Memory of this process that is in RAM.
fn memory_kb() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Adds the world to the database.
async fn register(store: &Arc<SqliteStore>, trial: &Trial, now: UnixMillis) -> Outcome<Vec<StreamerId>> {
    use gametriggers_actors::domain::conflict::NewRule;
    use gametriggers_actors::ports::{AccountStore, ByHand, CampaignStore, LedgerStore, RuleStore};
    let campaigns = i64::from(trial.campaigns);
    let places = (campaigns / MATCHING).clamp(1, market::PLACES_MAX);
    let once = |key: String| Idempotency { key, fingerprint: [0; 32] };
    for number in 1..=market::BRANDS {
        let brand = store.add_brand(&format!("Brand {number}"), now).await?;
        let total = Micros(BUDGET.0.saturating_mul(campaigns));
        let money = Money { amount: total, currency: Currency::INR };
        store.deposit(brand.id, money, &once(format!("deposit-{number}")), now).await?;
    }
    for rule in market::rules() {
        let new = NewRule {
            name: format!("Bench {}", rule.id.0),
            description: String::new(),
            kind: rule.kind,
            severity: rule.severity,
            priority: rule.priority,
            active: true,
        };
        let hand = ByHand { actor: "bench".to_owned(), reason: "the bench's rules".to_owned() };
        store.add_rule(&new, &hand, now).await?;
    }
    for number in 0..campaigns {
        let new = offer(market::campaign(number, number % places, now));
        store.create(&new, &once(format!("campaign-{number}")), now).await?;
    }
    let streamer = |number: i64| NewStreamer {
        profile: market::profile(number, number % places),
        settings: market::settings(number),
        key: key(number * 2),
        overlay_key: key(number * 2 + 1),
    };
    let mut ids = Vec::new();
    let mut numbers = (0..i64::from(trial.streamers)).peekable();
    while numbers.peek().is_some() {
        let new: Vec<NewStreamer> = numbers.by_ref().take(ADD).map(streamer).collect();
        ids.extend(store.add_streamers(&new, now).await?);
    }
    Ok(ids)
}

fn key(number: i64) -> [u8; 32] {
    let mut key = [0; 32];
    // Scattered, as hashes are.
    let scattered = number.wrapping_add(1).wrapping_mul(0x5851_f42d_4c95_7f2d).to_be_bytes();
    key.iter_mut().zip(scattered).for_each(|(to, from)| *to = from);
    key
}

fn offer(campaign: Campaign) -> NewCampaign {
    NewCampaign {
        brand: campaign.brand.id,
        name: campaign.name.as_ref().to_owned(),
        category: campaign.category,
        currency: campaign.currency,
        pricing: campaign.pricing,
        flight: campaign.flight,
        pacing: campaign.pacing,
        daily_cap: campaign.daily_cap,
        rotation: campaign.rotation,
        cap: campaign.cap,
        targeting: campaign.targeting,
        open: campaign.open,
        landing_url: campaign.landing_url.as_ref().to_owned(),
        requirements: None,
        creatives: campaign
            .creatives
            .into_iter()
            .map(|creative| NewCreative {
                content: creative.content,
                placement: creative.placement,
                duration: creative.duration,
                accent: creative.accent.as_ref().to_owned(),
                sound: creative.sound,
                weight: creative.weight,
                status: creative.status,
            })
            .collect(),
        budget: BUDGET,
    }
}

fn ports(store: &Arc<SqliteStore>, watch: &Arc<Watch>) -> Ports {
    Ports {
        ledger: Arc::<SqliteStore>::clone(store),
        campaigns: Arc::<SqliteStore>::clone(store),
        rules: Arc::<SqliteStore>::clone(store),
        participations: Arc::<SqliteStore>::clone(store),
        accounts: Arc::<SqliteStore>::clone(store),
        users: Arc::<SqliteStore>::clone(store),
        log: Arc::<SqliteStore>::clone(store),
        profiles: Arc::<SqliteStore>::clone(store),
        assets: Arc::<SqliteStore>::clone(store),
        wallets: Arc::<SqliteStore>::clone(store),
        audit: Arc::<SqliteStore>::clone(store),
        webhooks: Arc::<SqliteStore>::clone(store),
        courier: Arc::new(NoCourier),
        live: Arc::new(OwnLive),
        bus: Arc::new(MemoryBus::default()),
        clock: Arc::<Watch>::clone(watch),
        entropy: Arc::new(SystemEntropy),
        platform: Arc::new(SimulatedPlatform),
    }
}

/// As in `default.toml`, but for the spread of the first slots.
fn numbers() -> Outcome<Numbers> {
    Ok(Numbers {
        terms: Terms {
            patience: Patience {
                reserve: Millis(1500),
                prepare: Millis(5000),
                start: Millis(5000),
                end: Millis(3000),
            },
            token_life: Millis::seconds(600),
            fee: FeeBps::new(2000).ok_or("a fee")?,
            strict: Strictness { require_streaming: true, frames_per_second_min: 10 },
            first_slot: Millis(3000),
            first_slot_spread: INTERVAL,
            minimum_gap: Millis(10_000),
        },
        heartbeat: Millis::seconds(10),
        dead_after: Millis::seconds(25),
        batch_max: 500,
        batch_wait: Millis(20),
        claims_max: 20_000,
        reconcile_every: Millis::seconds(60),
        verify_every: Millis::seconds(86_400),
        payable_after: Millis::minutes(7 * 24 * 60),
        webhooks: WebhookNumbers {
            timeout: Millis::seconds(20),
            rounds_max: 16,
            summary_every: Millis::seconds(10),
        },
        policies: gametriggers::policy::load(std::path::Path::new(""))?.into(),
        demo: false,
    })
}
