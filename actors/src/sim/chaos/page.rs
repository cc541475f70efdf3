//! A page with its outbox: what it shows, says and claims. It outlives sockets and servers.

use crate::domain::creative::Creative;
use crate::domain::id::{PlayId, StreamerId};
use crate::domain::reason::Reason;
use crate::domain::streamer::live::{FromPage, ToPage};
use crate::domain::streamer::page::{Active, SessionId};
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::verification::Evidence;
use crate::sim::random::Random;
use std::collections::{BTreeMap, BTreeSet};

/// A claim that is not acked.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) token: Vec<u8>,
    pub(super) nonce: String,
    pub(super) evidence: Evidence,
}

/// How far a play is on the page.
#[derive(Clone, Debug)]
enum Phase {
    Loading { ready: UnixMillis, breaks: bool },
    Ready,
    OnScreen { token: Vec<u8>, nonce: String, paints: UnixMillis, painted: bool, ends: UnixMillis },
}

#[derive(Clone, Debug)]
struct Held {
    play: PlayId,
    duration: Millis,
    expires: UnixMillis,
    phase: Phase,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) streamer: StreamerId,
    pub(super) instance: Box<str>,
    pub(super) socket: Option<SessionId>,
    primary: bool,
    held: Option<Held>,
    /// Plays that it is through with: what comes late of them changes nothing.
    done: BTreeSet<PlayId>,
    pub(super) outbox: BTreeMap<PlayId, Kept>,
    /// Last words for the next socket.
    notices: Vec<FromPage>,
}

impl Page {
    pub(super) fn new(streamer: StreamerId, instance: String) -> Self {
        Self {
            streamer,
            instance: instance.into(),
            socket: None,
            primary: false,
            held: None,
            done: BTreeSet::new(),
            outbox: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// It has a socket: last words first, then every claim.
    pub(super) fn connected(&mut self, socket: SessionId) -> Vec<FromPage> {
        self.socket = Some(socket);
        let mut out = std::mem::take(&mut self.notices);
        out.extend(self.unacked());
        out
    }

    /// The claims that are not acked, to be sent again.
    pub(super) fn unacked(&self) -> Vec<FromPage> {
        let claim = |(play, kept): (&PlayId, &Kept)| {
            let Kept { token, nonce, evidence } = kept.clone();
            FromPage::Claim { play: *play, token, nonce, evidence }
        };
        self.outbox.iter().map(claim).collect()
    }

    /// The socket is gone. What is on screen goes on; what is not is forgotten.
    pub(super) fn cut_off(&mut self) {
        self.socket = None;
        self.primary = false;
        if !self.is_on_screen() {
            self.drop_held(Reason::Disconnected);
        }
    }

    fn is_on_screen(&self) -> bool {
        matches!(self.held, Some(Held { phase: Phase::OnScreen { .. }, .. }))
    }

    fn say(&mut self, said: FromPage) -> Vec<FromPage> {
        if self.socket.is_some() {
            return vec![said];
        }
        if matches!(said, FromPage::Ended(_) | FromPage::Lost(..)) {
            self.notices.push(said);
        }
        Vec::new()
    }

    fn drop_held(&mut self, reason: Reason) -> Vec<FromPage> {
        let Some(held) = self.held.take() else { return Vec::new() };
        self.done.insert(held.play);
        self.say(FromPage::Lost(held.play, reason))
    }

    /// The server said something.
    pub(super) fn hear(&mut self, said: ToPage, now: UnixMillis, random: &mut Random) -> Vec<FromPage> {
        match said {
            ToPage::Role(primary) => {
                self.primary = primary;
                if primary || self.is_on_screen() {
                    Vec::new()
                } else {
                    self.drop_held(Reason::OverlayHidden)
                }
            }
            ToPage::Prepare { play, creative, not_after, .. } => {
                self.prepare(play, &creative, not_after, (now, random))
            }
            ToPage::Play { play, token, nonce, not_after } => {
                self.play(play, (token, nonce), not_after, (now, random))
            }
            ToPage::Stop(play) if self.held.as_ref().is_some_and(|held| held.play == play) => {
                self.drop_held(Reason::SkippedByStreamer)
            }
            // What was stopped before it came is not shown any more.
            ToPage::Stop(play) => {
                self.done.insert(play);
                Vec::new()
            }
            ToPage::Ack { play, .. } => {
                self.outbox.remove(&play);
                Vec::new()
            }
            ToPage::Settings(_) => Vec::new(),
        }
    }

    fn prepare(
        &mut self,
        play: PlayId,
        creative: &Creative,
        expires: UnixMillis,
        (now, random): (UnixMillis, &mut Random),
    ) -> Vec<FromPage> {
        if self.done.contains(&play) || self.held.as_ref().is_some_and(|held| held.play == play) {
            return Vec::new();
        }
        if !self.primary || self.is_on_screen() {
            self.done.insert(play);
            return self.say(FromPage::Lost(play, Reason::OverlayHidden));
        }
        let out = self.drop_held(Reason::Disconnected);
        let phase =
            Phase::Loading { ready: now + Millis(random.between(20, 900)), breaks: random.percent(3) };
        self.held = Some(Held { play, duration: creative.duration, expires, phase });
        out
    }

    fn play(
        &mut self,
        play: PlayId,
        (token, nonce): (Option<Vec<u8>>, String),
        not_after: UnixMillis,
        (now, random): (UnixMillis, &mut Random),
    ) -> Vec<FromPage> {
        let Some(held) = self.held.as_mut().filter(|held| held.play == play) else {
            let first = self.done.insert(play);
            return if first { self.say(FromPage::Lost(play, Reason::Disconnected)) } else { Vec::new() };
        };
        if !matches!(held.phase, Phase::Ready) {
            return Vec::new();
        }
        if now >= not_after {
            return self.drop_held(Reason::Expired);
        }
        let paints = now + Millis(random.between(10, 200));
        let (token, ends) = (token.unwrap_or_default(), paints + held.duration);
        held.phase = Phase::OnScreen { token, nonce, paints, painted: false, ends };
        Vec::new()
    }

    /// When there is something to do without a message.
    pub(super) fn due(&self) -> Option<UnixMillis> {
        let held = self.held.as_ref()?;
        Some(match &held.phase {
            Phase::Loading { ready, .. } => *ready,
            Phase::Ready => held.expires,
            Phase::OnScreen { paints, painted: false, .. } => *paints,
            Phase::OnScreen { ends, .. } => *ends,
        })
    }

    /// Does what is due; a claim that is born comes with it.
    pub(super) fn advance(
        &mut self,
        now: UnixMillis,
        random: &mut Random,
    ) -> (Vec<FromPage>, Option<(PlayId, Kept)>) {
        if self.due().is_none_or(|due| now < due) {
            return (Vec::new(), None);
        }
        let Some(held) = self.held.as_mut() else { return (Vec::new(), None) };
        let play = held.play;
        match &mut held.phase {
            Phase::Loading { breaks: true, .. } => (self.drop_held(Reason::Load), None),
            Phase::Loading { .. } if now >= held.expires => (self.drop_held(Reason::Expired), None),
            Phase::Loading { .. } => {
                held.phase = Phase::Ready;
                // It waits for `play` longer than the server waits for it to be ready.
                held.expires = now + Millis::seconds(10);
                (self.say(FromPage::Prepared(play)), None)
            }
            Phase::Ready => (self.drop_held(Reason::Expired), None),
            Phase::OnScreen { painted: painted @ false, .. } => {
                *painted = true;
                (self.say(FromPage::Started(play)), None)
            }
            Phase::OnScreen { .. } if random.percent(4) => (self.drop_held(Reason::LabelHidden), None),
            // A test has no token and is never claimed.
            Phase::OnScreen { token, .. } if token.is_empty() => {
                self.held = None;
                self.done.insert(play);
                (self.say(FromPage::Ended(play)), None)
            }
            Phase::OnScreen { token, nonce, .. } => {
                let evidence = evidence(held.duration, random);
                let kept = Kept { token: std::mem::take(token), nonce: std::mem::take(nonce), evidence };
                self.held = None;
                self.done.insert(play);
                self.outbox.insert(play, kept.clone());
                let mut out = self.say(FromPage::Ended(play));
                if self.socket.is_some() {
                    let Kept { token, nonce, evidence } = kept.clone();
                    out.push(FromPage::Claim { play, token, nonce, evidence });
                }
                (out, Some((play, kept)))
            }
        }
    }
}

/// Mostly what a sound page measures.
fn evidence(duration: Millis, random: &mut Random) -> Evidence {
    let mut evidence = Evidence {
        painted: duration,
        frames: u32::try_from(duration.0 * 60 / 1000).unwrap_or(0),
        in_view_percent: 100,
        area_ppm: 40_000,
        label_visible: true,
        active: Active::Active,
        streaming: Some(true),
    };
    match random.below(60) {
        0 => evidence.label_visible = false,
        1 => evidence.painted = Millis(400),
        2 => evidence.frames = 1,
        _ => {}
    }
    evidence
}
