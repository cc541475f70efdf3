//! An actor that is lost to a panic. The panic comes from a port: an engine of its own, on a
//! platform with a fault.

use crate::support::eventually;
use actix::Actor;
use gametriggers::bus::memory::{MemoryBus, OwnLive};
use gametriggers::store::sqlite::SqliteStore;
use gametriggers::telemetry;
use gametriggers::world::{SimulatedPlatform, SystemClock, SystemEntropy};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::FeeBps;
use gametriggers_actors::domain::play::Patience;
use gametriggers_actors::domain::streamer::Sample;
use gametriggers_actors::domain::streamer::live::{FromPage, Terms};
use gametriggers_actors::domain::streamer::page::{Active, HostKind, Page, PageStatus};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::token::{SigningKey, TokenKeys};
use gametriggers_actors::domain::verification::Strictness;
use gametriggers_actors::engine::{Engine, Numbers, Ports};
use gametriggers_actors::messages::{AttachPage, PageSaid};
use gametriggers_actors::ports::Platform;
use gametriggers_actors::session::{CloseReason, SessionHandle, ToSession};
use gametriggers_actors::sweeper::Sweeper;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A platform that can be broken.
#[derive(Default)]
struct Fragile {
    broken: AtomicBool,
}

impl Platform for Fragile {
    fn sample(&self, streamer: StreamerId, now: UnixMillis) -> Option<Sample> {
        assert!(!self.broken.load(Ordering::Relaxed), "a fault in an adapter");
        SimulatedPlatform.sample(streamer, now)
    }
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
        },
        heartbeat: Millis::seconds(10),
        dead_after: Millis::seconds(25),
        batch_max: 500,
        batch_wait: Millis(20),
        claims_max: 1000,
        reconcile_every: Millis::minutes(1),
        payable_after: Millis::minutes(60),
        demo: false,
    }
}

fn page(session: &SessionHandle) -> Page {
    Page {
        session: session.id,
        instance_id: "instance-1".into(),
        host: HostKind::Obs,
        plugin_version: None,
        chrome: None,
        width: 1920,
        height: 1080,
        status: PageStatus { active: Active::Active, visible: true, streaming: Some(true) },
        connected: UnixMillis(0),
    }
}

fn respawned() -> u64 {
    let text = telemetry::metric::start().unwrap().render();
    let mut lines = text
        .lines()
        .filter(|line| line.starts_with("gametriggers_actor_respawned_total{actor=\"streamer\"}"));
    lines.next().and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or(0)
}

#[actix_rt::test]
async fn a_streamer_s_actor_that_panics_closes_its_sockets_and_gets_a_successor() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let platform = Arc::new(Fragile::default());
    let ports = Ports {
        ledger: Arc::<SqliteStore>::clone(&store),
        campaigns: Arc::<SqliteStore>::clone(&store),
        accounts: Arc::<SqliteStore>::clone(&store),
        log: Arc::<SqliteStore>::clone(&store),
        wallets: Arc::<SqliteStore>::clone(&store),
        audit: Arc::<SqliteStore>::clone(&store),
        live: Arc::new(OwnLive),
        bus: Arc::new(MemoryBus::default()),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        platform: Arc::<Fragile>::clone(&platform),
    };
    let tokens = TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, Vec::new());
    let arbiter = actix::Arbiter::new();
    let engine = Engine::start(ports, numbers(), tokens, arbiter.handle()).await.unwrap();
    let (new, _, _) =
        gametriggers::operator::new_streamer("Nova", gametriggers::operator::frequent(Millis(1000)), "");
    let id = engine.ports.accounts.add_streamers(&[new], engine.now()).await.unwrap()[0];
    engine.streamers.insert(id, engine.ports.accounts.streamer(id).await.unwrap());
    let _sweeper = Sweeper::new(Arc::clone(&engine)).start();
    let before = respawned();

    let (session, mut outbox) = SessionHandle::open(Some(id), [0; 32], engine.now());
    engine.directory.open(Arc::clone(&session));
    let first = engine.directory.streamer(&engine, id).unwrap();
    first.send(AttachPage { page: page(&session), session: Arc::clone(&session) }).await.unwrap();
    platform.broken.store(true, Ordering::Relaxed);
    let status = PageStatus { active: Active::Inactive, visible: true, streaming: Some(true) };
    assert!(
        first.send(PageSaid(session.id, FromPage::Status(status))).await.is_err(),
        "it was lost on the way"
    );
    platform.broken.store(false, Ordering::Relaxed);
    assert!(!first.connected());
    let told = std::cell::Cell::new(false);
    let outbox = std::cell::RefCell::new(&mut outbox);
    eventually("its sockets are closed", async || {
        while let Ok(message) = outbox.borrow_mut().try_recv() {
            told.set(told.get() || matches!(message, ToSession::Close(CloseReason::ServerError)));
        }
        told.get()
    })
    .await;

    let second = engine.directory.streamer(&engine, id).unwrap();
    assert!(second.connected());
    let (session, _outbox) = SessionHandle::open(Some(id), [0; 32], engine.now());
    second.send(AttachPage { page: page(&session), session }).await.unwrap();
    assert!(respawned() > before, "a respawn is counted");
    store.close().await;
    arbiter.stop();
}
