//! Id to address: finds an actor, starts it on demand, and starts it anew after a panic.
//!
//! A panic ends an actor without a word: its address is disconnected, and nobody is told. So an
//! address is asked before it is handed out, and the sweeper looks at all of them, the bridge at the sweeper.

use crate::bridge::BridgeActor;
use crate::campaign::CampaignActor;
use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::streamer::page::SessionId;
use crate::domain::time::UnixMillis;
use crate::engine::Engine;
use crate::live::LiveActor;
use crate::metrics::MetricsActor;
use crate::reconciler::ReconcilerActor;
use crate::session::SessionHandle;
use crate::settlement::SettlementActor;
use crate::streamer::StreamerActor;
use crate::sweeper::Sweeper;
use crate::webhook::WebhookActor;
use actix::{Actor, Addr, ArbiterHandle};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sockets beat in so many phases, so that no moment has more work than another.
pub const PHASES: usize = 100;
/// Streamers are looked at in so many parts, by id: a look at all of them at once would hold up whoever
/// shares its thread.
pub const PARTS: usize = 10;

/// The actors and sockets of a node.
pub struct Directory {
    /// Where actors that belong to no socket live.
    arbiter: ArbiterHandle,
    /// In parts, by id.
    streamers: Vec<DashMap<StreamerId, Addr<StreamerActor>>>,
    campaigns: DashMap<CampaignId, Addr<CampaignActor>>,
    settlement: Mutex<Option<Addr<SettlementActor>>>,
    metrics: Mutex<Option<Addr<MetricsActor>>>,
    live: Mutex<Option<Addr<LiveActor>>>,
    bridge: Mutex<Option<Addr<BridgeActor>>>,
    sweeper: Mutex<Option<Addr<Sweeper>>>,
    reconciler: Mutex<Option<Addr<ReconcilerActor>>>,
    webhook: Mutex<Option<Addr<WebhookActor>>>,
    /// In phases, by id: each beat of the sweeper visits one of them.
    sessions: Vec<Mutex<HashMap<SessionId, Arc<SessionHandle>>>>,
    /// Sockets that end by themselves, the next one first: so nobody has to look at all of them.
    ending: Mutex<BTreeSet<(i64, SessionId)>>,
    open: AtomicUsize,
}

/// The one actor of its kind; `start` hears whether it takes the place of a lost one.
fn one<A: Actor>(
    slot: &Mutex<Option<Addr<A>>>,
    name: &'static str,
    start: impl FnOnce(bool) -> Addr<A>,
) -> Addr<A> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match slot.as_ref().filter(|addr| addr.connected()) {
        Some(addr) => addr.clone(),
        None => {
            let again = slot.is_some();
            if again {
                respawned(name);
            }
            let addr = start(again);
            *slot = Some(addr.clone());
            addr
        }
    }
}

fn respawned(actor: &'static str) {
    ::metrics::counter!("gametriggers_actor_respawned_total", "actor" => actor).increment(1);
    tracing::error!(actor, "an actor was lost, most likely to a panic; a new one takes its place");
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new(arbiter: ArbiterHandle) -> Self {
        Self {
            arbiter,
            streamers: (0..PARTS).map(|_| DashMap::new()).collect(),
            campaigns: DashMap::new(),
            settlement: Mutex::default(),
            metrics: Mutex::default(),
            live: Mutex::default(),
            bridge: Mutex::default(),
            sweeper: Mutex::default(),
            reconciler: Mutex::default(),
            webhook: Mutex::default(),
            sessions: (0..PHASES).map(|_| Mutex::default()).collect(),
            ending: Mutex::default(),
            open: AtomicUsize::new(0),
        }
    }

    /// A streamer's actor; started on this thread, beside the socket that asks for it. None for an
    /// unknown streamer.
    #[must_use]
    pub fn streamer(&self, engine: &Arc<Engine>, id: StreamerId) -> Option<Addr<StreamerActor>> {
        let row = engine.streamers.get(&id).map(|row| row.clone())?;
        Some(match self.part(id)?.entry(id) {
            Entry::Occupied(found) if found.get().connected() => found.get().clone(),
            Entry::Occupied(mut dead) => {
                respawned("streamer");
                let addr = StreamerActor::new(Arc::clone(engine), row).start();
                dead.insert(addr.clone());
                addr
            }
            Entry::Vacant(free) => free.insert(StreamerActor::new(Arc::clone(engine), row).start()).clone(),
        })
    }

    /// A streamer's actor, if it lives.
    #[must_use]
    pub fn live_streamer(&self, id: StreamerId) -> Option<Addr<StreamerActor>> {
        self.part(id)?.get(&id).filter(|addr| addr.connected()).map(|addr| addr.clone())
    }

    /// A campaign's actor.
    #[must_use]
    pub fn campaign(&self, engine: &Arc<Engine>, id: CampaignId) -> Addr<CampaignActor> {
        let start = || {
            let engine = Arc::clone(engine);
            CampaignActor::start_in_arbiter(&self.arbiter, move |_| CampaignActor::new(engine, id))
        };
        match self.campaigns.entry(id) {
            Entry::Occupied(found) if found.get().connected() => found.get().clone(),
            Entry::Occupied(mut dead) => {
                respawned("campaign");
                dead.insert(start());
                dead.get().clone()
            }
            Entry::Vacant(free) => free.insert(start()).clone(),
        }
    }

    /// The settlement actor.
    #[must_use]
    pub fn settlement(&self, engine: &Arc<Engine>) -> Addr<SettlementActor> {
        one(&self.settlement, "settlement", |_| {
            let engine = Arc::clone(engine);
            SettlementActor::start_in_arbiter(&self.arbiter, move |_| SettlementActor::new(engine))
        })
    }

    /// The metrics actor.
    #[must_use]
    pub fn metrics(&self, engine: &Arc<Engine>) -> Addr<MetricsActor> {
        one(&self.metrics, "metrics", |_| {
            let engine = Arc::clone(engine);
            MetricsActor::start_in_arbiter(&self.arbiter, move |_| MetricsActor::new(engine))
        })
    }

    /// The actor of the live counters.
    #[must_use]
    pub fn live(&self, engine: &Arc<Engine>) -> Addr<LiveActor> {
        one(&self.live, "live", |_| {
            let engine = Arc::clone(engine);
            LiveActor::start_in_arbiter(&self.arbiter, move |_| LiveActor::new(engine))
        })
    }

    /// The node's inbox on the bus.
    pub fn bridge(&self, engine: &Arc<Engine>) -> Addr<BridgeActor> {
        one(&self.bridge, "bridge", |again| {
            let engine = Arc::clone(engine);
            BridgeActor::start_in_arbiter(&self.arbiter, move |_| BridgeActor::new(engine, again))
        })
    }

    /// The sweeper.
    pub fn sweeper(&self, engine: &Arc<Engine>) -> Addr<Sweeper> {
        one(&self.sweeper, "sweeper", |_| {
            let engine = Arc::clone(engine);
            Sweeper::start_in_arbiter(&self.arbiter, move |_| Sweeper::new(engine))
        })
    }

    /// The actor that looks for drift.
    pub fn reconciler(&self, engine: &Arc<Engine>) -> Addr<ReconcilerActor> {
        one(&self.reconciler, "reconciler", |_| {
            let engine = Arc::clone(engine);
            ReconcilerActor::start_in_arbiter(&self.arbiter, move |_| ReconcilerActor::new(engine))
        })
    }

    /// The actor that calls endpoints.
    pub fn webhook(&self, engine: &Arc<Engine>) -> Addr<WebhookActor> {
        one(&self.webhook, "webhook", |_| {
            let engine = Arc::clone(engine);
            WebhookActor::start_in_arbiter(&self.arbiter, move |_| WebhookActor::new(engine))
        })
    }

    /// Starts the actors that nobody sends anything: they look after each other, the sweeper after all but
    /// itself, the bridge after the sweeper.
    pub fn watch(&self, engine: &Arc<Engine>) {
        let _ = (self.bridge(engine), self.reconciler(engine), self.webhook(engine), self.sweeper(engine));
    }

    /// Campaign actors that live.
    #[must_use]
    pub fn live_campaigns(&self) -> Vec<Addr<CampaignActor>> {
        self.campaigns.iter().filter(|e| e.connected()).map(|e| e.value().clone()).collect()
    }

    /// Looks at the streamer actors of one part, dead ones included.
    pub fn each_streamer_of(&self, part: usize, mut look: impl FnMut(StreamerId, &Addr<StreamerActor>)) {
        let Some(part) = self.streamers.get(part % PARTS) else { return };
        part.iter().for_each(|entry| look(*entry.key(), entry.value()));
    }

    /// Looks at every streamer actor, dead ones included.
    pub fn each_streamer(&self, mut look: impl FnMut(StreamerId, &Addr<StreamerActor>)) {
        (0..PARTS).for_each(|part| self.each_streamer_of(part, &mut look));
    }

    /// A streamer's actor stopped; forgets it unless a new one has taken its place.
    pub fn forget_streamer(&self, id: StreamerId) {
        if let Some(part) = self.part(id) {
            part.remove_if(&id, |_, addr| !addr.connected());
        }
    }

    fn part(&self, id: StreamerId) -> Option<&DashMap<StreamerId, Addr<StreamerActor>>> {
        self.streamers.get(usize::try_from(id.0).unwrap_or(0) % PARTS)
    }

    fn phase(&self, id: SessionId) -> Option<MutexGuard<'_, HashMap<SessionId, Arc<SessionHandle>>>> {
        let phase = usize::try_from(id.0).unwrap_or(0) % PHASES;
        self.sessions.get(phase).map(|phase| phase.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A socket is open.
    pub fn open(&self, session: Arc<SessionHandle>) {
        if let Some(mut phase) = self.phase(session.id) {
            phase.insert(session.id, session);
            self.open.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A socket is gone.
    pub fn close(&self, session: SessionId) {
        let Some(handle) = self.phase(session).and_then(|mut phase| phase.remove(&session)) else { return };
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.end_at(&handle, None);
    }

    /// A socket ends at this moment, if it ends by itself; what was said before holds no more.
    pub fn end_at(&self, session: &SessionHandle, until: Option<UnixMillis>) {
        let until = until.map_or(i64::MAX, |at| at.0);
        if session.until.load(Ordering::Relaxed) == until {
            return;
        }
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let before = session.until.swap(until, Ordering::Relaxed);
        if before != i64::MAX {
            ending.remove(&(before, session.id));
        }
        if until != i64::MAX {
            ending.insert((until, session.id));
        }
    }

    /// Sockets whose time has come; each is named once.
    #[must_use]
    pub fn ended(&self, now: UnixMillis) -> Vec<Arc<SessionHandle>> {
        let mut due = Vec::new();
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, id)) = ending.first().copied().filter(|(at, _)| *at <= now.0) {
            ending.pop_first();
            due.push(id);
        }
        drop(ending);
        due.into_iter().filter_map(|id| self.phase(id)?.get(&id).cloned()).collect()
    }

    /// Open sockets.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Looks at the open sockets of one phase.
    pub fn each_session_of(&self, phase: usize, look: impl FnMut(&Arc<SessionHandle>)) {
        let Some(phase) = self.sessions.get(phase % PHASES) else { return };
        phase.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(look);
    }

    /// Looks at every open socket.
    pub fn each_session(&self, mut look: impl FnMut(&Arc<SessionHandle>)) {
        (0..PHASES).for_each(|phase| self.each_session_of(phase, &mut look));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Credential;

    #[actix::test]
    async fn a_socket_is_named_at_its_last_end_and_once() {
        let arbiter = actix::Arbiter::new();
        let directory = Directory::new(arbiter.handle());
        let open = || {
            let (handle, _) = SessionHandle::open(None, Credential::Key([0; 32]), UnixMillis(0));
            directory.open(Arc::clone(&handle));
            handle
        };
        let (moved, gone, other) = (open(), open(), open());
        let ended = |now| directory.ended(UnixMillis(now)).iter().map(|handle| handle.id).collect::<Vec<_>>();
        for (handle, at) in [(&moved, 5), (&gone, 6), (&other, 7), (&moved, 9)] {
            directory.end_at(handle, Some(UnixMillis(at)));
        }
        assert!(!moved.is_over(UnixMillis(8)) && moved.is_over(UnixMillis(9)));
        directory.close(gone.id);
        // Whoever looks at a socket that has just gone leaves nothing behind.
        directory.end_at(&gone, Some(UnixMillis(6)));
        assert_eq!(ended(6), []);
        assert_eq!(ended(8), [other.id]);
        assert_eq!(ended(8), [], "it was named");
        directory.end_at(&moved, None);
        assert_eq!(ended(100), []);
        assert!(directory.ending.lock().unwrap().is_empty());
        arbiter.stop();
    }
}
