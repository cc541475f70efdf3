//! One overlay for its whole life: it connects, serves the socket, and connects again until it is
//! stopped or told to stay away.

use crate::clock::{Stamp, now};
use crate::connect;
use crate::event::{Event, Lost, Observer};
use crate::link::Link;
use crate::outbox::Outbox;
use crate::page::Page;
use crate::random::Random;
use crate::settings::Settings;
use gametriggers_protocol::overlay::{FromOverlay, PageStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the overlay has been told to do. Only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Play,
    Retire,
    Stop,
}

/// A running overlay. Dropping it stops the overlay.
#[derive(Debug)]
#[must_use = "an overlay stops when its handle is dropped"]
pub struct Overlay {
    mode: watch::Sender<Mode>,
    idle: Arc<AtomicBool>,
    outbox: Outbox,
    task: JoinHandle<Lost>,
}

impl Overlay {
    /// Take no new plays. An ad on screen runs to its end, then the page says that it is hidden;
    /// claims are still sent until they are acked.
    pub fn retire(&self) {
        self.raise(Mode::Retire);
    }

    /// Whether no play is in hand and no claim waits.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.idle.load(Ordering::Acquire) && self.outbox.is_empty()
    }

    /// Whether it has ended for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Closes the socket and waits for the end. Claims that were not acked stay in the outbox.
    pub async fn stop(self) {
        self.raise(Mode::Stop);
        // The task ends in bounded time; should it have panicked there is nothing left to close.
        let _ = self.task.await;
    }

    fn raise(&self, mode: Mode) {
        self.mode.send_if_modified(|held| {
            let raised = *held < mode;
            *held = mode.max(*held);
            raised
        });
    }
}

/// Starts an overlay on the current Tokio runtime. The outbox may hold claims of an earlier one.
pub fn spawn(settings: Settings, outbox: Outbox, observer: Arc<dyn Observer>) -> Overlay {
    let (mode, receiver) = watch::channel(Mode::Play);
    let idle = Arc::new(AtomicBool::new(true));
    let client = Client::new(settings, outbox.clone(), observer, (receiver, Arc::clone(&idle)));
    Overlay { mode, idle, outbox, task: tokio::spawn(client.run()) }
}

/// The state of an overlay that outlives its sockets.
pub(crate) struct Client {
    pub(crate) settings: Settings,
    pub(crate) outbox: Outbox,
    pub(crate) page: Page,
    pub(crate) random: Random,
    /// The build of the page: the server's own, once known. There is no page to reload.
    pub(crate) build: String,
    pub(crate) instance_id: String,
    pub(crate) mode: watch::Receiver<Mode>,
    observer: Arc<dyn Observer>,
    idle: Arc<AtomicBool>,
}

impl Client {
    fn new(
        settings: Settings,
        outbox: Outbox,
        observer: Arc<dyn Observer>,
        (mode, idle): (watch::Receiver<Mode>, Arc<AtomicBool>),
    ) -> Self {
        let mut random = Random::new(settings.seed_of_its_own());
        let status = PageStatus { active: settings.active(), visible: true, streaming: settings.streaming };
        Self {
            page: Page::new(settings.screen, status),
            build: "simulated".into(),
            instance_id: format!("sim-{:016x}", random.draw()),
            settings,
            outbox,
            random,
            mode,
            observer,
            idle,
        }
    }

    /// Tells the observer.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.observer.event(self.settings.number, event);
    }

    async fn run(mut self) -> Lost {
        let mut attempt = 0;
        loop {
            let began = now();
            self.work_alone(began);
            let (lost, next) = self.connection(began).await;
            self.off_line();
            self.tell(&Event::Lost(&lost));
            if lost.is_final() || self.settings.stall.is_some() {
                return lost;
            }
            // Only a link that lasted resets the backoff: a server that greets and closes must not
            // be hammered.
            attempt = if next.lasted { 0 } else { attempt + 1 };
            let delay = next.drain.unwrap_or_else(|| self.settings.backoff.delay(attempt, &mut self.random));
            if self.wait(delay).await {
                return Lost::Stopped;
            }
        }
    }

    async fn connection(&mut self, began: Stamp) -> (Lost, Next) {
        // Boxed, because its frame is large and an idle overlay need not carry it.
        match Box::pin(connect::open(&self.settings)).await {
            Ok(socket) => {
                let mut link = Link::new(self, socket, began);
                let lost = link.run().await;
                (lost, link.next())
            }
            Err(error) => (Lost::Refused(error.to_string()), Next::default()),
        }
    }

    /// What fell due while there was no socket.
    fn work_alone(&mut self, at: Stamp) {
        let mut out = Vec::new();
        self.page.advance(at, &mut out);
        self.keep(out);
    }

    fn off_line(&mut self) {
        let mut out = Vec::new();
        self.page.link_lost(&mut out);
        self.keep(out);
    }

    fn keep(&mut self, out: Vec<FromOverlay>) {
        for frame in out {
            if let FromOverlay::Claim(claim) = frame {
                self.outbox.keep(claim, 0);
            }
        }
        self.publish_idle();
    }

    /// After the claims are kept, so that nobody sees an idle page and an empty outbox in between.
    pub(crate) fn publish_idle(&self) {
        self.idle.store(self.page.is_idle(), Ordering::Release);
    }

    /// Waits before the next attempt; true when the overlay has to stop.
    async fn wait(&mut self, delay: Duration) -> bool {
        let stopped = self.mode.wait_for(|mode| *mode == Mode::Stop);
        // An error means that the handle was dropped, which also means to stop.
        let stop = tokio::time::timeout(delay, stopped).await.is_ok();
        if !stop && *self.mode.borrow_and_update() == Mode::Retire {
            self.page.retire(&mut Vec::new());
        }
        stop
    }
}

/// What a link leaves for the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Next {
    /// The server asked to wait so long.
    pub(crate) drain: Option<Duration>,
    /// It lived until a heartbeat or a frame about a play.
    pub(crate) lasted: bool,
}
