//! The server under test, in this process: the real one, on a free port, with its data in a
//! folder of its own and a simulated platform. Slots fall due only when a test says so.

pub(crate) mod engine;
pub(crate) mod http;
pub(crate) mod page;
pub(crate) mod postgres;
pub(crate) mod provider;
pub(crate) mod receiver;
pub(crate) mod redis;
pub(crate) mod socket;
pub(crate) mod store;

use gametriggers::app::App;
use gametriggers::config::{Config, Sources};
use gametriggers::operator::{frequent, new_streamer, sample};
use gametriggers::store::sqlite::SqliteStore;
use gametriggers::world::new_key;
use gametriggers_actors::domain::id::{BrandId, CampaignId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Budget, Idempotency, LedgerStore, Principal};
use http::{Request, Response};
use serde_json::{Value, json};
use socket::{SOON, Socket};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// What a play of the campaigns here costs.
pub(crate) const PRICE: i64 = 1_000_000;
/// What the streamer gets of it: all but the platform's fifth.
pub(crate) const EARN: i64 = 800_000;

/// A server that runs.
pub(crate) struct TestApp {
    app: App,
    world: World,
    pub(crate) addr: SocketAddr,
}

/// What outlives a server: its folder and its settings.
pub(crate) struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// A brand with money and a key.
pub(crate) struct Brand {
    pub(crate) id: BrandId,
    pub(crate) key: String,
}

/// A streamer with both keys.
pub(crate) struct Streamer {
    pub(crate) id: StreamerId,
    pub(crate) key: String,
    pub(crate) overlay_key: String,
}

impl World {
    /// A new folder; `more` are settings such as `("PLAY__TOKEN_LIFE_S", "1")`.
    pub(crate) fn new(more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("test.db").display());
        let assets = folder.path().join("assets").display().to_string();
        let fixed = [
            ("SERVER__BIND", "127.0.0.1:0"),
            ("SERVER__WORKERS", "1"),
            ("SERVER__DRAIN_MS", "100"),
            ("DATABASE__URL", database.as_str()),
            ("ASSETS__DIR", assets.as_str()),
            ("PLAY__FIRST_SLOT_MS", "3600000"),
            ("PLAY__FIRST_SLOT_SPREAD_MS", "0"),
            ("PLAY__MINIMUM_GAP_MS", "0"),
            // A first play waits for a lease, and that for the disk.
            ("PLAY__RESERVE_TIMEOUT_MS", "10000"),
            ("PLATFORM__KIND", "simulated"),
            ("LOG__FORMAT", "json"),
        ];
        let all = fixed.iter().chain(more);
        let variables =
            all.map(|(key, value)| (format!("GAMETRIGGERS__{key}"), (*value).to_owned())).collect();
        Self { folder, variables }
    }

    /// Without one of the settings, from the next start on.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(variable, _)| *variable != format!("GAMETRIGGERS__{name}"));
        self
    }

    /// The settings, as variables of the environment.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// Starts a server on this folder as a process of its own, which can be killed.
    pub(crate) async fn serve(&self, addr: SocketAddr) -> Child {
        let child = Command::new(env!("CARGO_BIN_EXE_gametriggers"))
            .arg("serve")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("GAMETRIGGERS__SERVER__BIND", addr.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        eventually("the process listens", async || TcpStream::connect(addr).await.is_ok()).await;
        assert_eq!(Request::get("/health/ready").send(addr).await.status, 200);
        child
    }

    /// Starts a server on this folder; where the last one listened, if `addr` says so.
    pub(crate) async fn start(self, addr: Option<SocketAddr>) -> TestApp {
        let variables = self.variables.clone();
        let mut config = Config::load(&Sources { variables, ..Sources::default() }).unwrap();
        config.server.bind = addr.unwrap_or(config.server.bind);
        let app = App::start(&config).await.unwrap_or_else(|error| panic!("{error}"));
        let checked = &app.engine.health.checked;
        eventually("the books are checked at once", async || checked.load(Ordering::Relaxed)).await;
        TestApp { addr: app.addr, app, world: self }
    }

    /// The money at rest has to agree with itself.
    pub(crate) async fn assert_money(&self) {
        let store = SqliteStore::open_read_only(&self.database()).await.unwrap();
        for check in store.reconcile(true).await.unwrap() {
            assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
        }
        store.close().await;
    }

    /// A campaign's money at rest.
    pub(crate) async fn budget(&self, id: CampaignId) -> Budget {
        let store = SqliteStore::open_read_only(&self.database()).await.unwrap();
        let budget = store.budget(id).await.unwrap();
        store.close().await;
        budget
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(more: &[(&str, &str)]) -> Self {
        World::new(more).start(None).await
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.app.engine
    }

    /// Where services of the same house ask; only with `SERVER__INTERNAL_BIND`.
    pub(crate) fn internal_addr(&self) -> SocketAddr {
        self.app.internal_addr.unwrap()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.world.database()
    }

    /// Stops in order and looks at the money; the folder stays for another server.
    pub(crate) async fn stop(self) -> World {
        self.app.stop().await;
        self.world.assert_money().await;
        self.world
    }

    /// The end of a test: the money has to agree with itself, alive and at rest.
    pub(crate) async fn finish(self) {
        for check in self.engine().ports.ledger.reconcile(true).await.unwrap() {
            assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
        }
        let _ = self.stop().await;
    }

    /// A brand whose wallet has `micros`.
    pub(crate) async fn brand(&self, name: &str, micros: i64) -> Brand {
        let (engine, key) = (self.engine(), new_key("brand"));
        let (accounts, now) = (&engine.ports.accounts, engine.now());
        let brand = accounts.add_brand(name, now).await.unwrap();
        self.grant_key(&key, Principal::Brand(brand.id)).await;
        if micros > 0 {
            let money = Money { amount: Micros(micros), currency: Currency::INR };
            let once = Idempotency { key: format!("test:{}", brand.id), fingerprint: [0; 32] };
            engine.ports.ledger.deposit(brand.id, money, &once, now).await.unwrap();
        }
        Brand { id: brand.id, key }
    }

    pub(crate) async fn admin_key(&self) -> String {
        let key = new_key("admin");
        self.grant_key(&key, Principal::Admin).await;
        key
    }

    async fn grant_key(&self, key: &str, principal: Principal) {
        let (engine, hash) = (self.engine(), Keyring::hash(key));
        engine.ports.accounts.add_key(hash, principal, "test", engine.now()).await.unwrap();
        engine.keyring.add([(hash, principal)]);
    }

    /// A streamer whose next slot is an hour away.
    pub(crate) async fn streamer(&self, name: &str) -> Streamer {
        self.streamer_every(name, Millis::minutes(60)).await
    }

    pub(crate) async fn streamer_every(&self, name: &str, interval: Millis) -> Streamer {
        let (engine, (new, key, overlay_key)) =
            (self.engine(), new_streamer(sample(name), frequent(interval), ""));
        let accounts = &engine.ports.accounts;
        let id = accounts.add_streamers(std::slice::from_ref(&new), engine.now()).await.unwrap()[0];
        engine.streamers.insert(id, accounts.streamer(id).await.unwrap());
        engine.keyring.add([(new.key, Principal::Streamer(id)), (new.overlay_key, Principal::Overlay(id))]);
        Streamer { id, key, overlay_key }
    }

    /// A campaign with money for so many plays, known to the engine.
    pub(crate) async fn campaign(&self, brand: &Brand, name: &str, plays: i64) -> CampaignId {
        let id =
            self.create_campaign(&brand.key, name, &campaign_body(name, plays)).await.ok(201)["id"].as_i64();
        let id = CampaignId(id.unwrap());
        self.wait_for_campaign(id).await;
        id
    }

    /// Waits until the engine knows a campaign and its money.
    pub(crate) async fn wait_for_campaign(&self, id: CampaignId) {
        eventually("the campaign is known", async || {
            self.engine().catalogue.load().entry(id).is_some_and(|e| e.budget.view(None).funded.is_positive())
        })
        .await;
    }

    pub(crate) async fn send(&self, request: Request) -> Response {
        request.send(self.addr).await
    }

    pub(crate) async fn list_campaigns(&self, key: &str, query: &str) -> Response {
        self.send(Request::get(format!("/api/campaigns{query}")).key(key)).await
    }

    pub(crate) async fn create_campaign(&self, key: &str, idempotency: &str, body: &Value) -> Response {
        let idempotency = if idempotency.is_empty() {
            String::new()
        } else {
            format!("create-{}", idempotency.replace(' ', "-"))
        };
        self.send(Request::new("POST", "/api/campaigns").key(key).idempotent(&idempotency).json(body)).await
    }

    pub(crate) async fn show_campaign(&self, key: &str, id: CampaignId) -> Response {
        self.send(Request::get(format!("/api/campaigns/{id}")).key(key)).await
    }

    pub(crate) async fn change_campaign(
        &self,
        key: &str,
        id: CampaignId,
        idempotency: &str,
        body: &Value,
    ) -> Response {
        let path = format!("/api/campaigns/{id}");
        self.send(Request::new("PATCH", path).key(key).idempotent(idempotency).json(body)).await
    }

    pub(crate) async fn live(&self, key: &str, id: CampaignId) -> Response {
        self.send(Request::get(format!("/api/campaigns/{id}/live")).key(key)).await
    }

    pub(crate) async fn plays(&self, key: &str, id: StreamerId, query: &str) -> Response {
        self.send(Request::get(format!("/api/streamers/{id}/plays{query}")).key(key)).await
    }

    pub(crate) async fn add_asset(&self, key: &str, bytes: &[u8]) -> Response {
        self.send(Request::new("POST", "/api/assets").key(key).bytes(bytes)).await
    }

    pub(crate) async fn ready(&self) -> Response {
        self.send(Request::get("/health/ready")).await
    }

    /// A counter's sum over the lines that have this label value; all of them for an empty one.
    /// Counters are the process's, and other tests count as well: they only grow.
    pub(crate) async fn counter(&self, name: &str, value: &str) -> f64 {
        let text = self.send(Request::get("/metrics")).await.text();
        let quoted = format!("\"{value}\"");
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && (value.is_empty() || line.contains(&quoted))
        });
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Remembers a counter, to ask later whether it has grown.
    pub(crate) async fn watch(&self, name: &'static str, value: &'static str) -> Counter {
        Counter { name, value, before: self.counter(name, value).await }
    }

    pub(crate) async fn budget(&self, id: CampaignId) -> Budget {
        self.engine().ports.ledger.budget(id).await.unwrap()
    }

    /// Nothing of the campaign's money went anywhere.
    pub(crate) async fn assert_unspent(&self, id: CampaignId) {
        let budget = self.budget(id).await;
        assert_eq!((budget.spent, budget.plays), (Micros::ZERO, 0));
    }

    /// The campaign paid for so many plays, and this streamer got the share of them.
    pub(crate) async fn assert_paid(&self, id: CampaignId, streamer: &Streamer, plays: i64) {
        let budget = self.budget(id).await;
        assert_eq!((budget.spent, budget.plays), (Micros(PRICE * plays), u64::try_from(plays).unwrap()));
        assert_eq!(self.earned(streamer).await, EARN * plays);
    }

    pub(crate) async fn earned(&self, streamer: &Streamer) -> i64 {
        self.engine().ports.ledger.earned(streamer.id).await.unwrap().settled.0
    }

    pub(crate) async fn available(&self, brand: &Brand) -> i64 {
        self.engine().ports.ledger.available(brand.id, Currency::INR).await.unwrap().0
    }

    pub(crate) async fn open(&self, path: &str) -> Socket {
        Socket::open(self.addr, path).await
    }

    /// A dashboard that has seen its first state.
    pub(crate) async fn dashboard(&self, streamer: &Streamer) -> Socket {
        page::open_dashboard(self.addr, streamer).await
    }
}

/// A counter as it was.
pub(crate) struct Counter {
    name: &'static str,
    value: &'static str,
    before: f64,
}

impl Counter {
    /// It has to grow by at least `more`, soon.
    pub(crate) async fn grows(&self, app: &TestApp, more: u32) {
        let what = format!("{} {} grows by {more}", self.name, self.value);
        eventually(&what, async || app.counter(self.name, self.value).await >= self.before + f64::from(more))
            .await;
    }
}

/// A number that no other test has.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A port for what is started later: out of those that the system does not hand out by itself, so that no
/// connection has it by then.
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| 20_000 + u16::try_from(random() % 10_000).unwrap());
    let mut free = ports.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().unwrap()
}

/// The address of a server that is started later.
pub(crate) fn free_addr() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

/// A campaign that pays `PRICE` a play and has money for so many.
pub(crate) fn campaign_body(name: &str, plays: i64) -> Value {
    json!({
        "name": name,
        "category": "snacks",
        "pricing": { "type": "flat", "rate": { "amount_micros": PRICE, "currency": "INR" } },
        "budget": { "amount_micros": PRICE * plays, "currency": "INR" },
        "flight": { "starts_at": days_from_now(-1), "ends_at": days_from_now(300) },
        "pacing": "asap",
        "landing_url": "https://brand.example/landing",
        "creatives": [{
            "kind": "text", "placement": "corner", "duration_ms": 3000, "accent": "#d9ff3d",
            "headline": "Crisp", "body": "Very crisp",
        }],
    })
}

/// A moment of RFC 3339.
pub(crate) fn days_from_now(days: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).to_string()
}

/// Waits until it is true, or fails.
pub(crate) async fn eventually(what: &str, test: impl AsyncFn() -> bool) {
    let wait = async {
        while !test().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "never: {what}");
}

pub(crate) async fn sleep_ms(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
