//! One run: events in the order of a virtual clock, faults by the seed.

use super::event::{Agenda, Event, Inside};
use super::journal::{Entry as In, Journal};
use super::ledger::Ledger;
use super::page::{Kept, Page};
use super::process::Process;
use super::stage::Stage;
use super::watch::{Broken, Watch};
use super::{Counts, Scope};
use crate::domain::campaign::Status;
use crate::domain::id::{PlayId, StreamerId};
use crate::domain::log::{PlayOutcome, PlayRecord};
use crate::domain::money::Micros;
use crate::domain::streamer::command::Command;
use crate::domain::streamer::live::{FromPage, LiveStreamer, ToPage};
use crate::domain::streamer::page::{Active, HostKind, PageStatus, SessionId};
use crate::domain::time::{Millis, UnixMillis};
use crate::sim::random::Random;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

/// From one sending of what is not acked to the next.
const RESEND: Millis = Millis::seconds(15);
/// The longest delay of a message that is passed by others.
const LATE: i64 = 60_000;
/// Events that are told of when something broke.
const LAST: usize = 30;

/// A run under way.
pub(super) struct Run {
    pub(super) stage: Stage,
    pub(super) now: UnixMillis,
    pub(super) agenda: Agenda,
    /// What goes wrong.
    pub(super) random: Random,
    /// The server's own chance.
    pub(super) chance: Random,
    pub(super) ledger: Ledger,
    pub(super) journal: Journal,
    pub(super) log: BTreeMap<PlayId, PlayRecord>,
    pub(super) pages: Vec<Page>,
    pub(super) process: Option<Process>,
    pub(super) watch: Watch,
    pub(super) counts: Counts,
    pub(super) store_works: bool,
    pub(super) faults: bool,
    pub(super) finishing: bool,
    sessions: u64,
    /// The last events, when somebody wants to read them.
    pub(super) told: Option<VecDeque<String>>,
}

impl Run {
    /// The evening before the first event.
    pub(super) fn new(seed: u64, scope: Scope, told: bool) -> Result<Self, Broken> {
        let mut random = Random::new(seed);
        let stage = Stage::new(&mut random, scope.minutes).map_err(|fault| Broken {
            invariant: crate::domain::invariants::Invariant::PlaysGoForward,
            what: fault.to_string(),
        })?;
        let mut pages = Vec::new();
        for streamer in &stage.streamers {
            for page in 0..=random.below(2) {
                pages.push(Page::new(streamer.id, format!("{}-{page}", streamer.id)));
            }
        }
        let mut run = Self {
            now: stage.begins,
            agenda: Agenda::default(),
            chance: Random::new(random.bits()),
            ledger: Ledger::default(),
            journal: Journal::default(),
            log: BTreeMap::new(),
            pages,
            process: None,
            watch: Watch::default(),
            counts: Counts::default(),
            store_works: true,
            faults: scope.faults,
            finishing: false,
            sessions: 0,
            told: told.then(VecDeque::new),
            random,
            stage,
        };
        run.foresee(scope)?;
        Ok(run)
    }

    /// Money, the first process, its pages, and every fault that has a time.
    fn foresee(&mut self, scope: Scope) -> Result<(), Broken> {
        let listed: Vec<_> = self.stage.campaigns.iter().map(|l| (l.campaign.clone(), l.budget)).collect();
        for (campaign, budget) in listed {
            self.ledger.list(campaign.id, campaign.daily_cap);
            self.journal.note(self.now, In::List(campaign.id));
            self.fund(campaign.id, budget)?;
        }
        let (begins, length) = (self.now, Millis::minutes(scope.minutes).0);
        let at = |run: &mut Self, event| {
            let when = begins + Millis(run.random.between(length / 10, length * 9 / 10));
            run.agenda.at(when, event);
        };
        if scope.faults {
            (0..scope.crashes).for_each(|_| at(self, Event::Crash));
            for page in 0..self.pages.len() {
                for _ in 0..2 {
                    let longest = if self.random.percent(10) { 400_000 } else { 40_000 };
                    let away = Millis(self.random.between(200, longest));
                    at(self, Event::Drop(page, away));
                }
            }
            for _ in 0..2 {
                let begin = begins + Millis(self.random.between(0, length));
                let end = begin + Millis(self.random.between(100, 50_000));
                self.agenda.at(begin, Event::Store(false));
                self.agenda.at(end, Event::Store(true));
            }
        }
        (0..scope.minutes).for_each(|_| at(self, Event::Meddle));
        self.agenda.at(begins, Event::Start);
        self.agenda.at(begins + Millis(500), Event::Chores);
        for page in 0..self.pages.len() {
            let when = begins + Millis(self.random.between(100, 3000));
            self.agenda.at(when, Event::Connect(page));
            self.agenda.at(when + RESEND, Event::Resend(page));
        }
        self.agenda.at(begins + Millis(length), Event::Finish);
        Ok(())
    }

    /// When everything has come to its end: the last token of the last process is dead, and its lease closed.
    pub(super) fn ends(&self, scope: Scope) -> UnixMillis {
        self.stage.begins
            + Millis::minutes(scope.minutes)
            + Millis(2 * LATE)
            + Millis(2 * self.stage.last_token().0)
    }

    /// Does everything until then; the invariants hold after each step.
    pub(super) fn until(&mut self, end: UnixMillis) -> Result<(), Broken> {
        while let Some((at, event)) = self.agenda.next() {
            if at > end {
                break;
            }
            self.now = at;
            self.counts.steps += 1;
            if let Some(told) = &mut self.told {
                told.push_back(format!("{} ms: {event:?}", (at - self.stage.begins).0));
                if told.len() > LAST {
                    told.pop_front();
                }
            }
            self.step(event)?;
            self.check()?;
        }
        self.now = end;
        Ok(())
    }

    fn check(&mut self) -> Result<(), Broken> {
        let desk = self.process.as_ref().map(|process| &process.desk);
        self.watch.check(&self.ledger, |play| desk.is_some_and(|desk| desk.holds(play)), self.now)?;
        match &mut self.process {
            Some(process) => process.check(),
            None => Ok(()),
        }
    }

    fn step(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Inside(epoch, inside) => {
                if self.process.as_ref().is_some_and(|process| process.epoch == epoch) {
                    self.inside(inside)?;
                }
            }
            Event::ToPage(page, session, said) => self.page_hears(page, session, said),
            Event::Page(page) => self.page_goes_on(page)?,
            Event::Connect(page) => self.connect(page)?,
            Event::Drop(page, away) => self.cut_off(page, away)?,
            Event::Resend(page) => self.send_again(page),
            Event::Click(play, viewer) => self.click(play, viewer),
            Event::Commit(epoch, batch, fate) => self.commit(epoch, &batch, fate)?,
            Event::Chores => self.chores()?,
            Event::Meddle => self.meddle()?,
            Event::Store(works) => self.store_works = works || !self.faults,
            Event::Crash => self.crash(),
            Event::Start => self.start(),
            Event::Finish => self.finish()?,
        }
        Ok(())
    }

    /// In a moment.
    pub(super) fn soon(&mut self, most: i64, event: Event) {
        let at = self.now + Millis(self.random.between(0, most));
        self.agenda.at(at, event);
    }

    /// Within the process that runs, in a moment.
    pub(super) fn soon_inside(&mut self, most: i64, inside: Inside) {
        if let Some(epoch) = self.process.as_ref().map(|process| process.epoch) {
            self.soon(most, Event::Inside(epoch, inside));
        }
    }

    fn fund(&mut self, campaign: crate::domain::id::CampaignId, amount: Micros) -> Result<(), Broken> {
        if self.ledger.fund(campaign, amount)? {
            self.journal.note(self.now, In::Fund(campaign, amount));
        }
        Ok(())
    }

    /// How long a message is under way; some are passed by others.
    fn delay(&mut self) -> Millis {
        if self.faults && self.random.percent(10) {
            self.counts.reordered += 1;
            return Millis(self.random.between(0, LATE));
        }
        Millis(self.random.between(1, 40))
    }

    /// A page's words leave, some of them twice.
    fn page_says(&mut self, page: usize, said: Vec<FromPage>) {
        let Some(session) = self.pages.get(page).and_then(|page| page.socket) else { return };
        let Some(epoch) = self.process.as_ref().map(|process| process.epoch) else { return };
        for word in said {
            let twice = self.faults && self.random.percent(20);
            self.counts.duplicates += u64::from(twice);
            for _ in 0..=u32::from(twice) {
                let at = self.now + self.delay();
                self.agenda.at(at, Event::Inside(epoch, Inside::Said(page, session, word.clone())));
            }
        }
    }

    /// The server's word leaves. An ack may be lost.
    pub(super) fn send(&mut self, session: SessionId, said: ToPage) {
        let Some(page) = self.pages.iter().position(|page| page.socket == Some(session)) else { return };
        let ack = matches!(said, ToPage::Ack { .. });
        if ack && self.faults && self.random.percent(2) {
            self.counts.lost_acks += 1;
            return;
        }
        let at = self.now + self.delay();
        self.agenda.at(at, Event::ToPage(page, session, said));
    }

    fn page_hears(&mut self, index: usize, session: SessionId, said: ToPage) {
        let (now, random) = (self.now, &mut self.random);
        let Some(page) = self.pages.get_mut(index).filter(|page| page.socket == Some(session)) else {
            return;
        };
        let out = page.hear(said, now, random);
        self.page_says(index, out);
        self.wake_page(index);
    }

    fn wake_page(&mut self, index: usize) {
        if let Some(due) = self.pages.get(index).and_then(Page::due) {
            self.agenda.at(due.max(self.now), Event::Page(index));
        }
    }

    fn page_goes_on(&mut self, index: usize) -> Result<(), Broken> {
        let (now, random) = (self.now, &mut self.random);
        let Some(page) = self.pages.get_mut(index) else { return Ok(()) };
        if page.due().is_none_or(|due| now < due) {
            return Ok(());
        }
        let (out, born) = page.advance(now, random);
        if let Some((play, Kept { token, nonce, evidence })) = born {
            self.counts.claims += 1;
            self.journal.composed(play, (&token, &nonce), &evidence, (&self.stage, now))?;
        }
        let painted = out.iter().find_map(|word| match word {
            FromPage::Started(play) => Some(*play),
            _ => None,
        });
        if let Some(play) = painted {
            self.scanned(play);
        }
        self.page_says(index, out);
        self.wake_page(index);
        Ok(())
    }

    fn send_again(&mut self, index: usize) {
        let Some(page) = self.pages.get(index) else { return };
        let words = page.unacked();
        if page.socket.is_some() {
            self.counts.resent += u64::try_from(words.len()).unwrap_or(0);
            self.page_says(index, words);
        }
        self.agenda.at(self.now + RESEND, Event::Resend(index));
    }

    fn connect(&mut self, index: usize) -> Result<(), Broken> {
        let Some(streamer) = self.pages.get(index).filter(|p| p.socket.is_none()).map(|p| p.streamer) else {
            return Ok(());
        };
        if self.process.is_none() {
            self.soon(3000, Event::Connect(index));
            return Ok(());
        }
        self.revive(streamer);
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let Some(page) = self.pages.get_mut(index) else { return Ok(()) };
        let came = crate::domain::streamer::page::Page {
            session,
            instance_id: page.instance.clone(),
            host: HostKind::Obs,
            plugin_version: None,
            chrome: None,
            width: 1920,
            height: 1080,
            status: PageStatus { active: Active::Active, visible: true, streaming: Some(true) },
            connected: self.now,
        };
        // The socket is there before anything is said on it.
        let words = page.connected(session);
        let draining = self.finishing;
        self.counts.resent += u64::try_from(page.outbox.len()).unwrap_or(0);
        self.live(streamer, |live, world, effects| {
            live.attach(came, world, effects);
            if draining {
                live.drain(effects);
            }
        })?;
        self.page_says(index, words);
        Ok(())
    }

    /// The actor of a streamer, as it starts: what was shown comes from the log.
    fn revive(&mut self, streamer: StreamerId) {
        let Some(process) = self.process.as_mut() else { return };
        let row = self.stage.streamers.iter().find(|row| row.id == streamer);
        let (Some(row), false) = (row, process.live.contains_key(&streamer)) else { return };
        let mut live = LiveStreamer::new(row.clone());
        let own = |play: &&PlayRecord| play.streamer == streamer && play.shown.is_some();
        let shown: Vec<PlayRecord> = self.log.values().filter(own).cloned().collect();
        live.remember_slots(shown.iter().map(|play| play.play.minted()));
        let known = |play: &PlayRecord| Some((self.stage.campaign(play.campaign)?.clone(), play.shown?));
        live.remember(shown.iter().filter_map(known));
        process.live.insert(streamer, live);
        shown.iter().for_each(|play| self.watch.shown(play, play.play.minted()));
    }

    fn cut_off(&mut self, index: usize, away: Millis) -> Result<(), Broken> {
        let Some(page) = self.pages.get_mut(index) else { return Ok(()) };
        let (streamer, socket) = (page.streamer, page.socket);
        page.cut_off();
        let Some(session) = socket else { return Ok(()) };
        self.watch.detached(streamer, session);
        self.live(streamer, |live, world, effects| live.detach(session, world, effects))?;
        self.agenda.at(self.now + away, Event::Connect(index));
        Ok(())
    }

    /// A record of a play reaches the log, as in the store.
    pub(super) fn log(&mut self, record: PlayRecord) {
        if record.outcome == PlayOutcome::Shown {
            self.watch.shown(&record, record.at);
        }
        match self.log.entry(record.play) {
            Entry::Occupied(mut before) => before.get_mut().merge(record),
            Entry::Vacant(free) => {
                free.insert(record);
            }
        }
    }

    fn chores(&mut self) -> Result<(), Broken> {
        let failing = self.process.as_ref().is_some_and(|process| process.desk.failing.is_some());
        if self.store_works && !failing {
            self.ledger.roll_up()?;
            self.ledger.close_due(self.now);
            self.journal.note(self.now, In::CloseDue);
        }
        self.agenda.at(self.now + Millis(2000), Event::Chores);
        Ok(())
    }

    /// A brand tops up, takes back, pauses or goes on; a streamer gives a command.
    fn meddle(&mut self) -> Result<(), Broken> {
        let campaigns = u64::try_from(self.stage.campaigns.len()).unwrap_or(0);
        let place = usize::try_from(self.random.below(campaigns)).unwrap_or(0);
        let Some(listed) = self.stage.campaigns.get(place).cloned() else { return Ok(()) };
        let id = listed.campaign.id;
        match self.random.below(8) {
            0 | 1 => {
                let part = self.random.between(2, 9);
                self.fund(id, Micros(listed.budget.0 / part))?;
            }
            2 => {
                let (unleased, part) = (self.ledger.budget(id).unleased().0, self.random.between(1, 4));
                self.fund(id, Micros(-(unleased / part)))?;
            }
            3 => {
                let paused = listed.campaign.status == Status::Paused;
                self.stage.set_status(id, if paused { Status::Active } else { Status::Paused });
            }
            _ => return self.command(),
        }
        self.reload(id);
        Ok(())
    }

    fn command(&mut self) -> Result<(), Broken> {
        let streamers = u64::try_from(self.stage.streamers.len()).unwrap_or(0);
        let place = usize::try_from(self.random.below(streamers)).unwrap_or(0);
        let Some(streamer) = self.stage.streamers.get(place).map(|streamer| streamer.id) else {
            return Ok(());
        };
        let command = match self.random.below(8) {
            0 => Command::Pause,
            1 | 2 => Command::Resume,
            3 => Command::Snooze(Millis(self.random.between(1000, 60_000))),
            4 | 5 => Command::Skip,
            6 => Command::Test,
            _ => Command::PlayNext,
        };
        self.live(streamer, |live, world, effects| {
            // Refused or not: the stream goes on.
            let _ = live.command(command, world, effects);
        })
    }

    fn crash(&mut self) {
        if self.process.take().is_none() {
            return;
        }
        self.counts.crashes += 1;
        self.watch.crashed();
        let down = self.random.between(300, 20_000);
        self.agenda.at(self.now + Millis(down), Event::Start);
        for index in 0..self.pages.len() {
            if let Some(page) = self.pages.get_mut(index) {
                page.cut_off();
            }
            let at = self.now + Millis(down + self.random.between(100, 5000));
            self.agenda.at(at, Event::Connect(index));
        }
    }

    fn start(&mut self) {
        if self.process.is_some() {
            return;
        }
        let closes = self.now + self.stage.last_token();
        let epoch = self.ledger.open_epoch(closes);
        self.journal.note(self.now, In::Open(closes));
        self.process = Some(Process::new(epoch, &self.stage, self.now));
        let ids: Vec<_> = self.stage.campaigns.iter().map(|listed| listed.campaign.id).collect();
        ids.into_iter().for_each(|id| self.reload(id));
        self.soon_inside(5000, Inside::Sweep);
    }

    /// Nothing new begins and nothing goes wrong any more; what is under way comes to its end.
    fn finish(&mut self) -> Result<(), Broken> {
        (self.faults, self.finishing, self.store_works) = (false, true, true);
        let ids: Vec<StreamerId> = self.stage.streamers.iter().map(|streamer| streamer.id).collect();
        for id in ids {
            self.live(id, |live, _, effects| live.drain(effects))?;
        }
        for index in 0..self.pages.len() {
            self.soon(5000, Event::Connect(index));
        }
        Ok(())
    }
}
