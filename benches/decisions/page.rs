//! Overlay pages in this process: each is a session with its outbox, and answers as the page in OBS does.
//!
//! The pages of one thread share a list of what they will say and when; each has a task that waits at its
//! outbox. Streamers' actors live on the same threads as their pages, as behind sockets.

use crate::Outcome;
use crate::scale::Watch;
use actix::Addr;
use futures_channel::mpsc::Receiver;
use futures_util::StreamExt;
use gametriggers_actors::domain::id::{PlayId, StreamerId};
use gametriggers_actors::domain::settlement::Outcome as Settled;
use gametriggers_actors::domain::streamer::command::Command;
use gametriggers_actors::domain::streamer::live::{FromPage, ToPage};
use gametriggers_actors::domain::streamer::page::{Active, HostKind, Page, PageStatus};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::domain::verification::Evidence;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::messages::{AttachPage, FromDashboard, PageSaid};
use gametriggers_actors::session::{Credential, SessionHandle, ToSession};
use gametriggers_actors::streamer::StreamerActor;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// From `prepare` to `prepared`, and from `play` to the first frame: what the simulated overlays take.
const LOAD_US: i64 = 20_000;
const PAINT_US: i64 = 33_000;
/// A claim that is not acked is sent again after this.
const AGAIN_US: i64 = 5_000_000;
/// Nothing came for so long in a flood: the slots that are missing stayed empty.
const STAND_STILL_US: i64 = 300_000;
/// How often a thread looks at what its pages have to say.
const TICK: Duration = Duration::from_millis(2);
/// Pages that are attached before the database is waited for: their actors read the log.
const ATTACH_STEP: usize = 64;

/// What was seen on one thread.
#[derive(Default)]
pub(crate) struct Seen {
    /// Plays that pages were told to prepare.
    pub(crate) prepared: u64,
    /// The first of them on each stream: when its slot fell due, and how much later `prepare` reached its
    /// page, in microseconds.
    pub(crate) late: Vec<(i64, i64)>,
    /// Plays that were settled.
    pub(crate) settled: u64,
    /// What must not happen: claims refused, mailboxes full, sessions closed.
    pub(crate) faults: BTreeMap<&'static str, u64>,
}

/// The pages of one thread.
pub(crate) struct Pages {
    engine: Arc<Engine>,
    watch: Arc<Watch>,
    pages: RefCell<Vec<Attached>>,
    /// What pages will say, by the moment and a number that keeps two of one moment apart.
    later: RefCell<BTreeMap<(i64, u64), (usize, FromPage)>>,
    count: Cell<u64>,
    /// Claims that are not acked.
    outbox: RefCell<HashMap<PlayId, usize>>,
    seen: RefCell<Seen>,
    /// Plays asked for in the flood whose `prepare` has not come.
    wanted: Cell<usize>,
}

struct Attached {
    streamer: StreamerId,
    session: Arc<SessionHandle>,
    addr: Option<Addr<StreamerActor>>,
    /// When its first slot falls due; none before it is attached, and once it was used.
    due: Option<i64>,
    play: Option<(PlayId, Millis)>,
    /// When it was last told to prepare.
    last: i64,
}

impl Pages {
    /// Opens a session for each streamer, with its task; no actor knows of them yet.
    pub(crate) fn open(engine: &Arc<Engine>, watch: &Arc<Watch>, streamers: &[StreamerId]) -> Rc<Self> {
        let all = Rc::new(Self {
            engine: Arc::clone(engine),
            watch: Arc::clone(watch),
            pages: RefCell::new(Vec::with_capacity(streamers.len())),
            later: RefCell::default(),
            count: Cell::new(0),
            outbox: RefCell::default(),
            seen: RefCell::default(),
            wanted: Cell::new(0),
        });
        for (at, streamer) in streamers.iter().enumerate() {
            let (session, outbox) =
                SessionHandle::open(Some(*streamer), Credential::Key([0; 32]), engine.now());
            engine.directory.open(Arc::clone(&session));
            actix_rt::spawn(read(Rc::clone(&all), at, outbox));
            let (addr, due, play, last) = (None, None, None, 0);
            all.pages.borrow_mut().push(Attached { streamer: *streamer, session, addr, due, play, last });
        }
        actix_rt::spawn(speak(Rc::clone(&all)));
        all
    }

    /// Attaches every page to its streamer's actor, which starts with it.
    pub(crate) async fn attach(&self) -> Outcome<()> {
        let count = self.pages.borrow().len();
        for at in 0..count {
            let (streamer, session) = {
                let pages = self.pages.borrow();
                let page = pages.get(at).ok_or("no page")?;
                (page.streamer, Arc::clone(&page.session))
            };
            let addr = self.engine.directory.streamer(&self.engine, streamer).ok_or("no streamer")?;
            let message = AttachPage { page: page(&session, streamer, &self.engine), session };
            // The actor's clock starts between here and the answer. So a slot counts as due a little too
            // early, and what is measured from it as a little too long.
            let terms = &self.engine.numbers.terms;
            let phase = streamer.0.wrapping_mul(2_654_435_761).rem_euclid(terms.first_slot_spread.0);
            let due = self.engine.now().0 + terms.first_slot.0 + phase;
            addr.send(message).await?;
            if let Some(page) = self.pages.borrow_mut().get_mut(at) {
                (page.addr, page.due) = (Some(addr), Some(due * 1000));
            }
            if at % ATTACH_STEP == ATTACH_STEP - 1 {
                // Readers are handed out in turn: when this one was served all before it were.
                self.engine.ports.log.recent(streamer, None, 1).await?;
            }
        }
        Ok(())
    }

    /// First slots that fall due within a span of microseconds.
    pub(crate) fn due(&self, (from, to): (i64, i64)) -> usize {
        self.pages.borrow().iter().filter(|page| page.due.is_some_and(|due| due >= from && due < to)).count()
    }

    /// What was seen so far; begins anew.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.take()
    }

    /// Has every streamer whose page is free ask for an ad now; so many at a time wait for it.
    pub(crate) async fn flood(&self, at_once: usize) {
        let rested = self.watch.micros() - self.engine.numbers.terms.minimum_gap.0 * 1000;
        let free = |page: &&Attached| page.play.is_none() && page.last < rested;
        let ready: Vec<_> = self
            .pages
            .borrow()
            .iter()
            .filter(free)
            .filter_map(|page| Some((page.session.id, page.addr.clone()?)))
            .collect();
        for (session, addr) in ready {
            self.wait_for(at_once - 1).await;
            let ask = FromDashboard::Said { session, id: "now".into(), command: Command::PlayNext };
            match addr.try_send(ask) {
                Ok(()) => self.wanted.set(self.wanted.get() + 1),
                Err(_) => self.fault("mailbox_full"),
            }
        }
        self.wait_for(0).await;
    }

    /// Until no more than so many wait for an ad. Those that wait while nothing comes stay without.
    async fn wait_for(&self, most: usize) {
        let mut moved = (self.watch.micros(), self.wanted.get());
        while self.wanted.get() > most {
            actix_rt::task::yield_now().await;
            let now = self.watch.micros();
            if self.wanted.get() != moved.1 {
                moved = (now, self.wanted.get());
            } else if now - moved.0 > STAND_STILL_US {
                self.wanted.set(0);
            }
        }
    }

    fn fault(&self, what: &'static str) {
        *self.seen.borrow_mut().faults.entry(what).or_default() += 1;
    }

    fn say_at(&self, moment: i64, at: usize, said: FromPage) {
        self.count.set(self.count.get() + 1);
        self.later.borrow_mut().insert((moment, self.count.get()), (at, said));
    }

    /// The server said something to a page.
    fn heard(&self, at: usize, message: ToSession) {
        let now = self.watch.micros();
        match message {
            ToSession::Page(message) => self.told(at, *message, now),
            ToSession::Heartbeat(_) => {
                if let Some(page) = self.pages.borrow().get(at) {
                    page.session.hear(self.engine.now());
                }
            }
            ToSession::Close(_) => self.fault("session_closed"),
            _ => self.fault("not_for_a_page"),
        }
    }

    fn told(&self, at: usize, message: ToPage, now: i64) {
        let mut pages = self.pages.borrow_mut();
        let Some(page) = pages.get_mut(at) else { return };
        match message {
            ToPage::Prepare { play, creative, .. } => {
                self.wanted.set(self.wanted.get().saturating_sub(1));
                let mut seen = self.seen.borrow_mut();
                seen.prepared += 1;
                seen.late.extend(page.due.take().map(|due| (due, now - due)));
                page.play = Some((play, creative.duration));
                page.last = now;
                self.say_at(now + LOAD_US, at, FromPage::Prepared(play));
            }
            ToPage::Play { play, token, nonce, .. } => {
                let Some((_, show)) = page.play.filter(|(held, _)| *held == play) else { return };
                let painted = now + PAINT_US;
                self.say_at(painted, at, FromPage::Started(play));
                self.say_at(painted + show.0 * 1000, at, FromPage::Ended(play));
                let evidence = evidence(show);
                let claim = FromPage::Claim { play, token: token.unwrap_or_default(), nonce, evidence };
                self.outbox.borrow_mut().insert(play, at);
                self.say_at(painted + show.0 * 1000, at, claim);
            }
            ToPage::Stop(play) => {
                if page.play.is_some_and(|(held, _)| held == play) {
                    page.play = None;
                    self.outbox.borrow_mut().remove(&play);
                    self.fault("stopped");
                }
            }
            ToPage::Ack { play, outcome } => {
                if self.outbox.borrow_mut().remove(&play).is_some() {
                    match outcome {
                        Settled::Settled | Settled::Duplicate => self.seen.borrow_mut().settled += 1,
                        Settled::Rejected(reason) => self.fault(reason.code()),
                    }
                }
            }
            ToPage::Role(_) | ToPage::Settings(_) => {}
        }
    }

    /// Says what is due.
    fn speak(&self) {
        let now = self.watch.micros();
        loop {
            let first = self.later.borrow().first_key_value().map(|((moment, _), _)| *moment);
            let Some((_, (at, said))) =
                first.filter(|moment| *moment <= now).and_then(|_| self.later.borrow_mut().pop_first())
            else {
                return;
            };
            if let FromPage::Claim { play, .. } = &said {
                if !self.outbox.borrow().contains_key(play) {
                    continue;
                }
                self.say_at(now + AGAIN_US, at, said.clone());
            }
            let mut pages = self.pages.borrow_mut();
            let Some(page) = pages.get_mut(at) else { continue };
            if let FromPage::Ended(play) = &said {
                page.play = page.play.filter(|(held, _)| held != play);
            }
            let sent = page.addr.as_ref().map(|addr| addr.try_send(PageSaid(page.session.id, said)));
            if !matches!(sent, Some(Ok(()))) {
                self.fault("mailbox_full");
            }
        }
    }
}

/// The task of a page: what waits in its outbox.
async fn read(pages: Rc<Pages>, at: usize, mut outbox: Receiver<ToSession>) {
    while let Some(message) = outbox.next().await {
        pages.heard(at, message);
    }
}

/// The task of a thread: what its pages say by themselves.
async fn speak(pages: Rc<Pages>) {
    loop {
        tokio::time::sleep(TICK).await;
        pages.speak();
    }
}

fn page(session: &SessionHandle, streamer: StreamerId, engine: &Engine) -> Page {
    Page {
        session: session.id,
        instance_id: format!("sim-{:016x}", streamer.0).into(),
        host: HostKind::Obs,
        plugin_version: Some("2.24.0".into()),
        chrome: Some(127),
        width: 1920,
        height: 1080,
        status: PageStatus { active: Active::Active, visible: true, streaming: Some(true) },
        connected: engine.now(),
    }
}

/// What an honest page measures in this time: 60 frames a second, a card of 480 by 180 pixels.
fn evidence(show: Millis) -> Evidence {
    Evidence {
        painted: show,
        frames: u32::try_from(show.0 * 60 / 1000).unwrap_or(0),
        in_view_percent: 100,
        area_ppm: 41_667,
        label_visible: true,
        active: Active::Active,
        streaming: Some(true),
    }
}
