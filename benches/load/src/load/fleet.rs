//! The overlays of a run and what they see.

use crate::failure::Failure;
use crate::load::Options;
use crate::number::micros;
use gametriggers_protocol::overlay::{AckResult, FromOverlay};
use gametriggers_simulated_overlay::{Event, Lost, Observer, Outbox, Overlay, Settings, Stall, now, spawn};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};

/// Source addresses: 127.0.0.2 and on, so that ports never run out.
const SOURCES: u32 = 8;
/// Longer than any round trip that this run can wait for.
const LATENCY_US_MAX: u64 = 120_000_000;

/// What all overlays together have seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) round_trip_us: Mutex<Histogram<u64>>,
    pub(super) one_way_us: Mutex<Histogram<u64>>,
    pub(super) lost: Mutex<BTreeMap<String, u64>>,
    /// Ads that came on screen, by the second of the wall clock.
    pub(super) started_in: Mutex<BTreeMap<i64, u64>>,
    /// When plays ended that are not acked yet.
    ending: Mutex<HashMap<String, Instant>>,
    /// When plays ended that were settled.
    pub(super) ended: Mutex<Vec<Instant>>,
    pub(super) welcomes: AtomicU64,
    pub(super) prepares: AtomicU64,
    pub(super) settled: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) unshown: AtomicU64,
    pub(super) stalled: AtomicU64,
    pub(super) stalled_closed: AtomicU64,
    last_welcome: Mutex<Option<Instant>>,
    stalls: Mutex<Vec<bool>>,
    changed: Notify,
}

impl Seen {
    fn new(streamers: u32) -> Result<Self, Failure> {
        let histogram = || {
            let made = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
            made.map(Mutex::new).map_err(|error| Failure::Refused(error.to_string()))
        };
        let zero = AtomicU64::default;
        Ok(Self {
            round_trip_us: histogram()?,
            one_way_us: histogram()?,
            lost: Mutex::default(),
            started_in: Mutex::default(),
            ending: Mutex::default(),
            ended: Mutex::default(),
            welcomes: zero(),
            prepares: zero(),
            settled: zero(),
            refused: zero(),
            unshown: zero(),
            stalled: zero(),
            stalled_closed: zero(),
            last_welcome: Mutex::default(),
            stalls: Mutex::new(vec![false; usize::try_from(streamers).unwrap_or(0)]),
            changed: Notify::new(),
        })
    }

    pub(super) fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    /// Waits until the condition holds; looked at whenever an overlay is welcomed or acked.
    pub(super) async fn until(
        &self,
        limit: Duration,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) -> Result<(), Failure> {
        let wait = async {
            while !holds(self) {
                self.changed.notified().await;
            }
        };
        timeout(limit, wait).await.map_err(|_| Failure::Late(what.into()))
    }

    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn lost(&self, overlay: u32, lost: &Lost) {
        let stalled = usize::try_from(overlay).ok().and_then(|at| lock(&self.stalls).get(at).copied());
        let kind = match lost {
            Lost::Stopped => return,
            Lost::Refused(_) => "refused".into(),
            Lost::Closed(code) => format!("closed_{code}"),
            Lost::Ended(_) => "ended".into(),
            Lost::Silent => "silent".into(),
        };
        let kind = if stalled == Some(true) {
            Self::add(&self.stalled_closed);
            format!("stalled_{kind}")
        } else {
            kind
        };
        *lock(&self.lost).entry(kind).or_default() += 1;
    }

    fn stall(&self, overlay: u32) {
        Self::add(&self.stalled);
        let at = usize::try_from(overlay).unwrap_or(usize::MAX);
        if let Some(stalled) = lock(&self.stalls).get_mut(at) {
            *stalled = true;
        }
    }
}

impl Observer for Seen {
    fn event(&self, overlay: u32, event: &Event<'_>) {
        match event {
            Event::Welcome { at, .. } => {
                Self::add(&self.welcomes);
                *lock(&self.last_welcome) = Some(at.at);
                self.changed.notify_one();
            }
            Event::Heartbeat { one_way_us } => {
                lock(&self.one_way_us).saturating_record(u64::try_from(*one_way_us).unwrap_or(0));
            }
            Event::Prepare(_) => Self::add(&self.prepares),
            Event::Play { round_trip, .. } => {
                lock(&self.round_trip_us).saturating_record(micros(*round_trip));
            }
            Event::Said(FromOverlay::Started { .. }) => {
                *lock(&self.started_in).entry(now().wall_us.div_euclid(1_000_000)).or_default() += 1;
            }
            Event::Said(FromOverlay::Ended { play_id }) => {
                lock(&self.ending).insert(play_id.to_string(), now().at);
            }
            Event::Said(FromOverlay::Skipped { .. } | FromOverlay::Failed { .. }) => Self::add(&self.unshown),
            Event::Ack { play_id, result, .. } => {
                if let Some(at) = lock(&self.ending).remove(&play_id.to_string())
                    && *result == AckResult::Settled
                {
                    lock(&self.ended).push(at);
                }
                Self::add(if *result == AckResult::Settled { &self.settled } else { &self.refused });
                self.changed.notify_one();
            }
            Event::Stalled => self.stall(overlay),
            Event::Lost(lost) => self.lost(overlay, lost),
            Event::Said(_) | Event::Claim { .. } | Event::Drain { .. } => {}
        }
    }
}

/// The overlays of a run.
pub(super) struct Fleet {
    overlays: Vec<Overlay>,
    pub(super) seen: Arc<Seen>,
    /// When the first of them began to connect.
    pub(super) began: Instant,
    /// From then to the last `welcome`.
    pub(super) connecting: Duration,
}

impl Fleet {
    /// Opens one overlay for each key and waits for the last `welcome`.
    pub(super) async fn connect(
        options: &Options,
        server: SocketAddr,
        keys: Vec<String>,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let seen = Arc::new(Seen::new(options.streamers)?);
        let began = now().at;
        let mut fleet = Self { overlays: Vec::new(), seen, began, connecting: Duration::ZERO };
        match timeout(limit, fleet.open(options, server, keys)).await {
            Ok(opened) => opened?,
            Err(_) => {
                let welcomed = Seen::count(&fleet.seen.welcomes);
                return Err(Failure::Late(format!("{welcomed} welcomed; {:?}", lock(&fleet.seen.lost))));
            }
        }
        let last = *lock(&fleet.seen.last_welcome);
        fleet.connecting = last.map_or(Duration::ZERO, |last| last.saturating_duration_since(fleet.began));
        Ok(fleet)
    }

    async fn open(
        &mut self,
        options: &Options,
        server: SocketAddr,
        keys: Vec<String>,
    ) -> Result<(), Failure> {
        let observer: Arc<dyn Observer> = self.seen.clone();
        let gap = Duration::from_secs(1).checked_div(options.connect_rate).unwrap_or_default();
        for (number, key) in (0_u32..).zip(keys) {
            let under_way = u64::from(options.connects_under_way.max(1));
            let enough = |seen: &Seen| u64::from(number) < Seen::count(&seen.welcomes) + under_way;
            self.seen.until(Duration::from_secs(60), "a welcome", enough).await?;
            if options.connect_rate > 0 {
                sleep_until((self.began + gap * number).into()).await;
            }
            let settings = settings(options, number, server, key);
            self.overlays.push(spawn(settings, Outbox::default(), Arc::clone(&observer)));
        }
        let all = u64::from(options.streamers);
        self.seen
            .until(Duration::from_secs(60), "the last welcome", |seen| Seen::count(&seen.welcomes) >= all)
            .await
    }

    /// Closes all sockets.
    pub(super) async fn stop(self) {
        futures_util::future::join_all(self.overlays.into_iter().map(Overlay::stop)).await;
    }
}

fn settings(options: &Options, number: u32, server: SocketAddr, key: String) -> Settings {
    let mut settings = Settings::new(server, key);
    settings.number = number;
    settings.seed = options.seed;
    let last = u8::try_from(number % SOURCES).unwrap_or(0) + 2;
    settings.source = Some(Ipv4Addr::new(127, 0, 0, last));
    settings.screen.show = (options.show_ms > 0).then(|| Duration::from_millis(options.show_ms));
    // Spread over the fleet, whatever the order of the keys means to the server.
    if number.wrapping_mul(37) % 100 < u32::from(options.stalled) {
        settings.stall = Some(Stall {
            after: Duration::from_millis(options.first_slot_ms),
            pings_per_s: options.stalled_pings,
        });
        settings.receive_buffer = Some(4 * 1024);
    }
    settings
}

/// The guarded value, also after a panic elsewhere.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
