//! What the overlays saw: the harness's own log, against which the database is audited.

use gametriggers_protocol::overlay::{AckResult, Content, FromOverlay, Prepare};
use gametriggers_simulated_overlay::{Event, Lost, Observer, now};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The settings of the run give tokens a life of ten seconds, to which the server adds thirty; two more
/// for the way of a frame.
const TOKEN_DEAD: Duration = Duration::from_secs(42);

/// What was answered about one play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) settled: u32,
    pub(super) duplicate: u32,
    pub(super) rejected: u32,
}

impl Answers {
    /// Whether the server has said that the claim is durable.
    pub(super) const fn durable(self) -> bool {
        self.settled + self.duplicate > 0
    }
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// By play id.
    pub(super) answers: HashMap<String, Answers>,
    /// Every play that was claimed.
    pub(super) claimed: HashSet<String>,
    pub(super) resent: u64,
    /// Reasons of rejections.
    pub(super) reasons: BTreeMap<String, u64>,
    /// Sockets the server told to stay away, by close code.
    pub(super) banished: BTreeMap<u16, u64>,
    pub(super) recoveries: Vec<Duration>,
    /// When each play was sent, with its token.
    pub(super) played: HashMap<String, Instant>,
    /// When each play was first claimed from the server that runs now.
    pub(super) asked: HashMap<String, Instant>,
    /// Plays that were settled though their token was dead for sure.
    pub(super) late_paid: u64,
    /// Of any result.
    pub(super) acks: u64,
    /// Codes of the links of plays that are not shown yet.
    pub(super) links: HashMap<String, String>,
    /// Plays with a link that were shown, with its code.
    pub(super) links_shown: Vec<(String, String)>,
    /// Plays whose link was followed, by one viewer.
    pub(super) clicked: HashSet<String>,
    /// How often links were followed in all.
    pub(super) clicks: u64,
    /// When the server was started whose first `welcome` has not come yet.
    pub(super) spawned: Option<Instant>,
}

/// Listens to all overlays.
#[derive(Debug, Default)]
pub(super) struct Witness {
    log: Mutex<Log>,
    welcomed: Notify,
    answered: Notify,
}

impl Witness {
    /// A server is about to start: the next `welcome` is the end of its recovery.
    pub(super) fn server_starts(&self) {
        let log = &mut *self.lock();
        log.spawned = Some(now().at);
        log.asked.clear();
    }

    /// Waits for that `welcome`. False when it did not come.
    pub(super) async fn welcome(&self, limit: Duration) -> bool {
        let wait = async {
            while self.lock().spawned.is_some() {
                self.welcomed.notified().await;
            }
        };
        timeout(limit, wait).await.is_ok()
    }

    /// Waits for the next ack; how long that took. None when it did not come.
    pub(super) async fn acked(&self, limit: Duration) -> Option<Duration> {
        let (began, before) = (now().at, self.lock().acks);
        let wait = async {
            while self.lock().acks == before {
                self.answered.notified().await;
            }
        };
        timeout(limit, wait).await.ok().map(|()| now().at.saturating_duration_since(began))
    }

    /// Of the plays with a link that were shown, those from that one on.
    pub(super) fn links_from(&self, first: usize) -> Vec<(String, String)> {
        self.lock().links_shown.get(first..).unwrap_or_default().to_vec()
    }

    /// A viewer is about to follow the link of a play.
    pub(super) fn clicks(&self, play_id: &str) {
        let log = &mut *self.lock();
        log.clicked.insert(play_id.to_owned());
        log.clicks += 1;
    }

    /// Acks so far, of any result.
    pub(super) fn acks(&self) -> u64 {
        self.lock().acks
    }

    /// Plays that were acked as durable so far.
    pub(super) fn durable(&self) -> HashSet<String> {
        let log = self.lock();
        let durable = log.answers.iter().filter(|(_, answers)| answers.durable());
        durable.map(|(play_id, _)| play_id.clone()).collect()
    }

    /// All that was seen.
    pub(super) fn log(&self) -> Log {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Witness {
    fn event(&self, _overlay: u32, event: &Event<'_>) {
        let log = &mut *self.lock();
        match event {
            Event::Welcome { began, at, .. } => {
                // A greeting of the server before, read late, began before this one was started.
                if let Some(spawned) = log.spawned.filter(|spawned| *spawned <= began.at) {
                    log.recoveries.push(at.at.saturating_duration_since(spawned));
                    log.spawned = None;
                    self.welcomed.notify_one();
                }
            }
            Event::Prepare(Prepare { play_id, creative, .. }) => {
                if let Content::Qr { link_text, .. } = &creative.content
                    && let Some((_, code)) = link_text.rsplit_once('/')
                {
                    log.links.insert(play_id.clone(), code.to_owned());
                }
            }
            Event::Said(FromOverlay::Started { play_id, .. }) => {
                log.links_shown.extend(log.links.remove_entry(play_id.as_str()));
            }
            Event::Play { play, .. } => {
                log.played.insert(play.play_id.clone(), now().at);
            }
            Event::Claim { claim, times } => {
                log.claimed.insert(claim.play_id.clone());
                log.asked.entry(claim.play_id.clone()).or_insert_with(|| now().at);
                log.resent += u64::from(*times > 1);
            }
            Event::Ack { play_id, result, reason, .. } => {
                log.acks += 1;
                self.answered.notify_one();
                let answers = log.answers.entry((*play_id).to_owned()).or_default();
                match result {
                    AckResult::Settled => {
                        answers.settled += 1;
                        // An answer may wait for the database; the token has to live when it is shown.
                        let age = log.asked.get(*play_id).zip(log.played.get(*play_id));
                        let age = age.map(|(asked, played)| asked.saturating_duration_since(*played));
                        log.late_paid += u64::from(age.is_some_and(|age| age > TOKEN_DEAD));
                    }
                    AckResult::Duplicate => answers.duplicate += 1,
                    AckResult::Rejected => {
                        answers.rejected += 1;
                        *log.reasons.entry(reason.unwrap_or("none").to_owned()).or_default() += 1;
                    }
                }
            }
            Event::Lost(lost) if lost.is_final() => {
                if let Lost::Closed(code) = lost {
                    *log.banished.entry(*code).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}
