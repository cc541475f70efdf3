//! The page: what it shows and what it says about that. Pure: the time is a parameter, frames go in
//! and come out. It outlives its sockets, as the real page does: an ad on screen runs to its end
//! while the server is away, an ad that is not on screen yet is forgotten.

use crate::clock::Stamp;
use crate::settings::Screen;
use gametriggers_protocol::overlay::{
    Active, Claim, Content, Evidence, FromOverlay, PageStatus, Play, Prepare, SkipReason, ToOverlay,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Last words on plays that wait for a socket.
const NOTICES_MAX: usize = 16;
/// A video is viewable after two seconds, anything else after one.
const VIDEO_LONGER: Duration = Duration::from_secs(1);
const PROGRESS: Duration = Duration::from_secs(1);
const FRAMES_PER_S: u32 = 60;
/// 480 by 180 pixels of 1920 by 1080.
const AREA_PPM: u32 = 41_667;

/// One page. At most one creative at a time.
#[derive(Debug)]
pub(crate) struct Page {
    screen: Screen,
    status: PageStatus,
    primary: bool,
    up: bool,
    retired: bool,
    /// The server's clock minus this machine's.
    ahead_ms: i64,
    held: Option<Held>,
    notices: VecDeque<FromOverlay>,
}

#[derive(Debug)]
struct Held {
    play_id: String,
    show: Duration,
    play: Option<Play>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Preparing { ready: Instant, expires: Instant },
    Ready { said: Instant, expires: Instant },
    OnScreen { paint: Instant, painted: bool, progress: Instant },
}

impl Page {
    pub(crate) const fn new(screen: Screen, status: PageStatus) -> Self {
        let notices = VecDeque::new();
        Self { screen, status, primary: false, up: false, retired: false, ahead_ms: 0, held: None, notices }
    }

    /// What the page would say of itself now. A retired page looks hidden once nothing is on it.
    pub(crate) const fn status(&self) -> PageStatus {
        if self.retired && !self.on_screen() {
            return PageStatus { active: Active::Inactive, visible: false, streaming: self.status.streaming };
        }
        self.status
    }

    /// Whether no play is in hand.
    pub(crate) const fn is_idle(&self) -> bool {
        self.held.is_none()
    }

    /// When `prepared` was said for this play, if it waits for `play`.
    pub(crate) fn prepared_at(&self, play_id: &str) -> Option<Instant> {
        match self.held.as_ref()? {
            Held { phase: Phase::Ready { said, .. }, play_id: held, .. } if held == play_id => Some(*said),
            _ => None,
        }
    }

    /// When there is something to do without a message.
    pub(crate) fn due(&self) -> Option<Instant> {
        let held = self.held.as_ref()?;
        Some(match held.phase {
            Phase::Preparing { ready, expires } => ready.min(expires),
            Phase::Ready { expires, .. } => expires,
            Phase::OnScreen { paint, painted: false, .. } => paint,
            Phase::OnScreen { paint, progress, .. } => progress.min(paint + held.show),
        })
    }

    /// The socket is gone.
    pub(crate) fn link_lost(&mut self, out: &mut Vec<FromOverlay>) {
        self.up = false;
        if !self.on_screen() {
            self.skip(SkipReason::Disconnected, out);
        }
    }

    /// Take no new plays; what is on screen runs to its end.
    pub(crate) fn retire(&mut self, out: &mut Vec<FromOverlay>) {
        if self.retired {
            return;
        }
        self.retired = true;
        if !self.on_screen() {
            self.skip(SkipReason::Hidden, out);
            self.say(FromOverlay::Status(self.status()), out);
        }
    }

    /// The server said something.
    pub(crate) fn hear(&mut self, message: &ToOverlay, now: Stamp, out: &mut Vec<FromOverlay>) {
        match message {
            ToOverlay::Welcome(welcome) => {
                self.sync(welcome.server_ms, now);
                self.up = true;
                self.role(welcome.primary, out);
                out.extend(self.notices.drain(..));
            }
            ToOverlay::Heartbeat { server_ms } => {
                self.sync(*server_ms, now);
                self.say(FromOverlay::Heartbeat {}, out);
            }
            ToOverlay::Role { primary } => self.role(*primary, out),
            ToOverlay::Prepare(prepare) => self.prepare(prepare, now, out),
            ToOverlay::Play(play) => self.play(play, now, out),
            ToOverlay::Stop { play_id } => {
                if self.held.as_ref().is_some_and(|held| held.play_id == *play_id) {
                    self.skip(SkipReason::Stopped, out);
                }
            }
            ToOverlay::Settings(_)
            | ToOverlay::Ack { .. }
            | ToOverlay::Reload {}
            | ToOverlay::Drain { .. } => {}
        }
    }

    /// Does what has fallen due. Late calls catch up, with the times as they would have been.
    pub(crate) fn advance(&mut self, now: Stamp, out: &mut Vec<FromOverlay>) {
        // Each round brings the page one step further, so a few are enough to catch up with all.
        for _ in 0..64 {
            if self.due().is_none_or(|due| due > now.at) {
                return;
            }
            self.step(now, out);
        }
    }

    fn step(&mut self, now: Stamp, out: &mut Vec<FromOverlay>) {
        let Some(held) = self.held.as_mut() else { return };
        let play_id = held.play_id.clone();
        match &mut held.phase {
            Phase::Preparing { expires, .. } | Phase::Ready { expires, .. } if *expires <= now.at => {
                self.skip(SkipReason::Expired, out);
            }
            Phase::Preparing { expires, .. } => {
                held.phase = Phase::Ready { said: now.at, expires: *expires };
                self.say(FromOverlay::Prepared { play_id }, out);
                self.show(now, out);
            }
            Phase::Ready { .. } => {}
            Phase::OnScreen { painted: painted @ false, .. } => {
                *painted = true;
                self.say(FromOverlay::Started { play_id }, out);
            }
            Phase::OnScreen { paint, .. } if *paint + held.show <= now.at => self.end(out),
            Phase::OnScreen { paint, progress, .. } => {
                let painted_ms = millis(progress.saturating_duration_since(*paint));
                *progress += PROGRESS;
                self.say(FromOverlay::Progress { play_id, painted_ms, frames: frames(painted_ms) }, out);
            }
        }
    }

    fn prepare(&mut self, prepare: &Prepare, now: Stamp, out: &mut Vec<FromOverlay>) {
        let refusal = if !self.primary {
            Some(SkipReason::Stopped)
        } else if self.retired {
            Some(SkipReason::Hidden)
        } else if self.on_screen() {
            Some(SkipReason::Busy)
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.say(FromOverlay::Skipped { play_id: prepare.play_id.clone(), reason }, out);
        }
        // The server has moved on from a play that it never started: the newer one wins.
        self.skip(SkipReason::Stopped, out);
        let whole = Duration::from_millis(prepare.creative.duration_ms.into());
        let video = matches!(prepare.creative.content, Content::Video { .. });
        let more = if video { VIDEO_LONGER } else { Duration::ZERO };
        self.held = Some(Held {
            play_id: prepare.play_id.clone(),
            show: self.screen.show.map_or(whole, |show| (show + more).min(whole)),
            play: None,
            phase: Phase::Preparing {
                ready: now.at + self.screen.prepare,
                expires: now.at + self.left(prepare.not_after_ms, now),
            },
        });
    }

    fn play(&mut self, play: &Play, now: Stamp, out: &mut Vec<FromOverlay>) {
        let busy = self.on_screen();
        match self.held.as_mut() {
            Some(held) if held.play_id == play.play_id => {
                if held.play.is_none() {
                    held.play = Some(play.clone());
                    self.show(now, out);
                }
            }
            _ => {
                let reason = if busy { SkipReason::Busy } else { SkipReason::Disconnected };
                self.say(FromOverlay::Skipped { play_id: play.play_id.clone(), reason }, out);
            }
        }
    }

    /// Puts the creative on screen when it is ready and asked for.
    fn show(&mut self, now: Stamp, out: &mut Vec<FromOverlay>) {
        let Some(Held { play: Some(play), phase: Phase::Ready { .. }, .. }) = &self.held else { return };
        if self.left(play.not_after_ms, now).is_zero() {
            return self.skip(SkipReason::Expired, out);
        }
        let paint = now.at + self.screen.paint;
        if let Some(held) = &mut self.held {
            held.phase = Phase::OnScreen { paint, painted: false, progress: paint + PROGRESS };
        }
    }

    fn end(&mut self, out: &mut Vec<FromOverlay>) {
        let Some(held) = self.held.take() else { return };
        let painted_ms = millis(held.show);
        self.say(FromOverlay::Ended { play_id: held.play_id.clone() }, out);
        // A test has no token and is never claimed.
        if let Some(Play { token: Some(token), nonce, .. }) = held.play {
            let evidence = Evidence {
                painted_ms,
                frames: frames(painted_ms),
                in_view_percent: 100,
                area_ppm: AREA_PPM,
                label_visible: true,
                active: self.status.active,
                streaming: self.status.streaming,
            };
            out.push(FromOverlay::Claim(Claim { play_id: held.play_id, token, nonce, evidence }));
        }
        if self.retired {
            self.say(FromOverlay::Status(self.status()), out);
        }
    }

    fn skip(&mut self, reason: SkipReason, out: &mut Vec<FromOverlay>) {
        if let Some(held) = self.held.take() {
            self.say(FromOverlay::Skipped { play_id: held.play_id, reason }, out);
            if self.retired {
                self.say(FromOverlay::Status(self.status()), out);
            }
        }
    }

    fn role(&mut self, primary: bool, out: &mut Vec<FromOverlay>) {
        self.primary = primary;
        if !primary && !self.on_screen() {
            self.skip(SkipReason::Stopped, out);
        }
    }

    /// Without a socket only last words on plays are kept: they free the brand's reservation.
    fn say(&mut self, frame: FromOverlay, out: &mut Vec<FromOverlay>) {
        if self.up {
            out.push(frame);
        } else if matches!(
            frame,
            FromOverlay::Ended { .. } | FromOverlay::Skipped { .. } | FromOverlay::Failed { .. }
        ) {
            if self.notices.len() == NOTICES_MAX {
                self.notices.pop_front();
            }
            self.notices.push_back(frame);
        }
    }

    const fn on_screen(&self) -> bool {
        matches!(self.held, Some(Held { phase: Phase::OnScreen { .. }, .. }))
    }

    const fn sync(&mut self, server_ms: i64, now: Stamp) {
        self.ahead_ms = server_ms - now.wall_ms();
    }

    /// The time until a moment on the server's clock.
    fn left(&self, server_ms: i64, now: Stamp) -> Duration {
        let left_ms = server_ms.saturating_sub(now.wall_ms().saturating_add(self.ahead_ms));
        // An hour stands for any longer time: nothing here waits for that long.
        Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)).min(Duration::from_secs(3_600))
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

const fn frames(painted_ms: u32) -> u32 {
    painted_ms.saturating_mul(FRAMES_PER_S) / 1_000
}
