//! An actor that is lost to a panic. The panic comes from a port: an engine of its own, in a world with a
//! fault.

use crate::support::engine::TestEngine;
use crate::support::eventually;
use gametriggers::operator::{frequent, new_streamer, sample};
use gametriggers::telemetry;
use gametriggers_actors::domain::streamer::live::FromPage;
use gametriggers_actors::domain::streamer::page::{Active, HostKind, Page, PageStatus};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::messages::{AttachPage, PageSaid};
use gametriggers_actors::ports::Event;
use gametriggers_actors::session::{CloseReason, Credential, SessionHandle, ToSession};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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

fn respawned(actor: &str) -> u64 {
    let text = telemetry::metric::start().unwrap().render();
    let mut lines = text
        .lines()
        .filter(|line| line.starts_with(&format!("gametriggers_actor_respawned_total{{actor=\"{actor}\"}}")));
    lines.next().and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or(0)
}

#[actix_rt::test]
async fn a_streamer_s_actor_that_panics_closes_its_sockets_and_gets_a_successor() {
    let test = TestEngine::start().await;
    let engine = Arc::clone(&test.engine);
    let (new, _, _) = new_streamer(sample("Nova"), frequent(Millis(1000)), "");
    let id = engine.ports.accounts.add_streamers(&[new], engine.now()).await.unwrap()[0];
    engine.streamers.insert(id, engine.ports.accounts.streamer(id).await.unwrap());
    engine.directory.watch(&engine);
    let before = respawned("streamer");

    let (session, mut outbox) = SessionHandle::open(Some(id), Credential::Key([0; 32]), engine.now());
    engine.directory.open(Arc::clone(&session));
    let first = engine.directory.streamer(&engine, id).unwrap();
    first.send(AttachPage { page: page(&session), session: Arc::clone(&session) }).await.unwrap();
    test.world.platform.store(true, Ordering::Relaxed);
    let status = PageStatus { active: Active::Inactive, visible: true, streaming: Some(true) };
    assert!(
        first.send(PageSaid(session.id, FromPage::Status(status))).await.is_err(),
        "it was lost on the way"
    );
    test.world.platform.store(false, Ordering::Relaxed);
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
    let (session, _outbox) = SessionHandle::open(Some(id), Credential::Key([0; 32]), engine.now());
    second.send(AttachPage { page: page(&session), session }).await.unwrap();
    assert!(respawned("streamer") > before, "a respawn is counted");
    test.stop().await;
}

#[actix_rt::test]
async fn the_actors_of_a_node_that_panic_get_successors() {
    let test = TestEngine::start().await;
    let (engine, world) = (&test.engine, &test.world);
    let [bridges, reconcilers, sweepers] = ["bridge", "reconciler", "sweeper"].map(respawned);
    world.audit.store(true, Ordering::Relaxed);
    engine.directory.watch(engine);
    eventually("the reconciler has a successor", async || respawned("reconciler") > reconcilers).await;
    let checked = &engine.health.checked;
    eventually("which checks the books", async || checked.load(Ordering::Relaxed)).await;

    let (new, _, _) = new_streamer(sample("Nova"), frequent(Millis(1000)), "");
    let id = engine.ports.accounts.add_streamers(&[new], engine.now()).await.unwrap()[0];
    world.bus.store(true, Ordering::Relaxed);
    engine.ports.bus.publish(Event::StreamerChanged(id));
    eventually("the bridge has a successor", async || respawned("bridge") > bridges).await;
    eventually("which reads what the lost one heard", async || engine.streamers.contains_key(&id)).await;

    let lost = engine.directory.sweeper(engine);
    eventually("the sweeper looks at the clock", async || {
        // Another actor may be faster: then once more.
        world.tick.store(lost.connected(), Ordering::Relaxed);
        !lost.connected()
    })
    .await;
    eventually("the sweeper has a successor", async || respawned("sweeper") > sweepers).await;
    test.stop().await;
}
