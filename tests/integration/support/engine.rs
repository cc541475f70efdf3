//! An engine of its own, without a server: on a clock that the test turns, and with parts of the world that
//! panic when it says so.

use super::PRICE;
use async_trait::async_trait;
use gametriggers::bus::memory::{MemoryBus, OwnLive};
use gametriggers::policy;
use gametriggers::store::sqlite::SqliteStore;
use gametriggers::world::{SimulatedPlatform, SystemClock, SystemEntropy};
use gametriggers_actors::domain::campaign::{Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::creative::{Content, CreativeStatus, Placement};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Money};
use gametriggers_actors::domain::play::Patience;
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::streamer::Sample;
use gametriggers_actors::domain::streamer::live::Terms;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::token::{SigningKey, TokenKeys};
use gametriggers_actors::domain::verification::Strictness;
use gametriggers_actors::engine::{Engine, Numbers, Ports};
use gametriggers_actors::ports::{
    ActionFilter, ActionPlace, AuditStore, Bus, Chain, Clock, Event, Heard, Idempotency, NewCampaign,
    NewCreative, NoCourier, Platform, SealedAction, StoreResult, Subscription,
};
use gametriggers_actors::webhook::WebhookNumbers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tempfile::TempDir;

/// An engine on a database of its own.
pub(crate) struct TestEngine {
    pub(crate) engine: Arc<Engine>,
    pub(crate) world: Arc<Fragile>,
    store: Arc<SqliteStore>,
    arbiter: actix::Arbiter,
    folder: TempDir,
}

/// The parts of the world that can be broken.
#[derive(Default)]
pub(crate) struct Fragile {
    clock: SystemClock,
    ahead: AtomicI64,
    /// Every sample panics.
    pub(crate) platform: AtomicBool,
    /// The next look at the clock panics.
    pub(crate) tick: AtomicBool,
    /// The next event that is heard panics.
    pub(crate) bus: AtomicBool,
    /// The next look at the hash chain panics.
    pub(crate) audit: AtomicBool,
}

struct FragileBus(Arc<Fragile>, MemoryBus);

impl Bus for FragileBus {
    fn publish(&self, event: Event) {
        self.1.publish(event);
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        Box::new(FragileListener(Arc::clone(&self.0), self.1.subscribe()))
    }
}

struct FragileListener(Arc<Fragile>, Box<dyn Subscription>);

#[async_trait]
impl Subscription for FragileListener {
    async fn next(&mut self) -> Option<Heard> {
        let heard = self.1.next().await;
        assert!(!self.0.bus.swap(false, Ordering::Relaxed), "a fault in a bus");
        heard
    }
}

struct FragileAudit(Arc<Fragile>, Arc<SqliteStore>);

#[async_trait]
impl AuditStore for FragileAudit {
    async fn seal(&self, now: UnixMillis) -> StoreResult<u64> {
        self.1.seal(now).await
    }

    async fn verify(&self) -> StoreResult<Chain> {
        assert!(!self.0.audit.swap(false, Ordering::Relaxed), "a fault in a store");
        self.1.verify().await
    }

    async fn actions(
        &self,
        of: &ActionFilter,
        before: Option<ActionPlace>,
        limit: u32,
    ) -> StoreResult<Vec<SealedAction>> {
        self.1.actions(of, before, limit).await
    }
}

impl Fragile {
    /// Time passes.
    pub(crate) fn turn(&self, span: Millis) {
        self.ahead.fetch_add(span.0, Ordering::Relaxed);
    }
}

impl Platform for Fragile {
    fn sample(&self, streamer: StreamerId, now: UnixMillis) -> Option<Sample> {
        assert!(!self.platform.load(Ordering::Relaxed), "a fault in an adapter");
        SimulatedPlatform.sample(streamer, now)
    }
}

impl Clock for Fragile {
    fn now(&self) -> UnixMillis {
        assert!(!self.tick.swap(false, Ordering::Relaxed), "a fault in a clock");
        self.clock.now() + Millis(self.ahead.load(Ordering::Relaxed))
    }
}

impl TestEngine {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        let world = Arc::new(Fragile::default());
        let ports = Ports {
            ledger: Arc::<SqliteStore>::clone(&store),
            campaigns: Arc::<SqliteStore>::clone(&store),
            rules: Arc::<SqliteStore>::clone(&store),
            participations: Arc::<SqliteStore>::clone(&store),
            accounts: Arc::<SqliteStore>::clone(&store),
            users: Arc::<SqliteStore>::clone(&store),
            log: Arc::<SqliteStore>::clone(&store),
            profiles: Arc::<SqliteStore>::clone(&store),
            assets: Arc::<SqliteStore>::clone(&store),
            wallets: Arc::<SqliteStore>::clone(&store),
            audit: Arc::new(FragileAudit(Arc::clone(&world), Arc::clone(&store))),
            webhooks: Arc::<SqliteStore>::clone(&store),
            courier: Arc::new(NoCourier),
            live: Arc::new(OwnLive),
            bus: Arc::new(FragileBus(Arc::clone(&world), MemoryBus::default())),
            clock: Arc::<Fragile>::clone(&world),
            entropy: Arc::new(SystemEntropy),
            platform: Arc::<Fragile>::clone(&world),
        };
        let tokens = TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, Vec::new());
        let arbiter = actix::Arbiter::new();
        let engine = Engine::start(ports, numbers(), tokens, arbiter.handle()).await.unwrap();
        Self { engine, world, store, arbiter, folder }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    pub(crate) async fn stop(self) {
        self.store.close().await;
        self.arbiter.stop();
    }
}

/// A campaign with money for so many plays.
pub(crate) async fn funded(engine: &Engine, plays: i64) -> Campaign {
    let now = engine.now();
    let brand = engine.ports.accounts.add_brand("Crisp", now).await.unwrap().id;
    let once = |key: &str| Idempotency { key: key.to_owned(), fingerprint: [0; 32] };
    let money = Money { amount: Micros(plays * PRICE), currency: Currency::INR };
    engine.ports.ledger.deposit(brand, money, &once("deposit"), now).await.unwrap();
    let new = NewCampaign {
        brand,
        name: "Crunch time".to_owned(),
        category: Category::new("snacks".into()),
        currency: Currency::INR,
        pricing: Pricing::Flat(Micros(PRICE)),
        flight: Flight { starts: now, ends: now + Millis::minutes(24 * 60) },
        pacing: PacingMode::Asap,
        daily_cap: None,
        cap: FrequencyCap { per_hour: 0, per_day: 0, minimum_gap: Millis(0) },
        targeting: Targeting::default(),
        open: true,
        landing_url: "https://brand.example".to_owned(),
        rotation: Rotation::Even,
        requirements: None,
        creatives: vec![NewCreative {
            status: CreativeStatus::Active,
            content: Content::Text { headline: "Crisp".into(), body: "Very crisp".into() },
            placement: Placement::Corner,
            duration: Millis::seconds(3),
            accent: "#d9ff3d".to_owned(),
            sound: false,
            weight: 1,
        }],
        budget: money.amount,
    };
    let (campaign, _) = engine.ports.campaigns.create(&new, &once("create"), now).await.unwrap();
    engine.reload_catalogue().await.unwrap();
    campaign
}

fn numbers() -> Numbers {
    let patience =
        Patience { reserve: Millis(1000), prepare: Millis(1000), start: Millis(1000), end: Millis(1000) };
    Numbers {
        terms: Terms {
            patience,
            token_life: Millis::seconds(60),
            fee: FeeBps::new(2000).unwrap(),
            strict: Strictness { require_streaming: true, frames_per_second_min: 10 },
            first_slot: Millis::minutes(60),
            first_slot_spread: Millis(0),
            minimum_gap: Millis(0),
        },
        heartbeat: Millis::seconds(10),
        dead_after: Millis::seconds(25),
        batch_max: 500,
        batch_wait: Millis(20),
        claims_max: 1000,
        reconcile_every: Millis::minutes(1),
        verify_every: Millis::minutes(60),
        payable_after: Millis::minutes(60),
        webhooks: WebhookNumbers {
            timeout: Millis::seconds(5),
            rounds_max: 4,
            summary_every: Millis::seconds(10),
        },
        policies: policy::load(Path::new("")).unwrap().into(),
        demo: false,
    }
}
