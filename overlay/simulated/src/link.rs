//! One socket from `hello` to its end.

use crate::client::{Client, Mode, Next};
use crate::clock::{Stamp, now};
use crate::connect::{GREETING_MAX, Socket};
use crate::event::{Event, Lost};
use futures_util::{SinkExt, StreamExt};
use gametriggers_protocol::VERSION;
use gametriggers_protocol::overlay::{
    AckResult, FromOverlay, Hello, Host, HostKind, PageSize, ToOverlay, Welcome,
};
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

const CLOSING_MAX: Duration = Duration::from_secs(1);
const STALL_LOOK: Duration = Duration::from_millis(200);
/// Frames read after a stall, in search of the close frame.
const STALL_FRAMES_MAX: u32 = 100_000;

pub(crate) struct Link<'c> {
    client: &'c mut Client,
    socket: Socket,
    began: Stamp,
    heard: Instant,
    silence_max: Duration,
    stall_at: Option<Instant>,
    up: bool,
    next: Next,
    out: Vec<FromOverlay>,
}

impl<'c> Link<'c> {
    pub(crate) fn new(client: &'c mut Client, socket: Socket, began: Stamp) -> Self {
        let (next, out) = (Next { drain: None, lasted: false }, Vec::new());
        let (heard, silence_max) = (began.at, GREETING_MAX);
        Self { client, socket, began, heard, silence_max, stall_at: None, up: false, next, out }
    }

    pub(crate) const fn next(&self) -> Next {
        self.next
    }

    pub(crate) async fn run(&mut self) -> Lost {
        let Err(lost) = self.serve().await;
        if matches!(lost, Lost::Closed(_)) {
            // Sends the answer to the close frame. The socket is over, whether that works or not.
            let _ = timeout(CLOSING_MAX, self.socket.flush()).await;
        }
        lost
    }

    async fn serve(&mut self) -> Result<Infallible, Lost> {
        self.heard = now().at;
        let hello = self.hello();
        self.send([FromOverlay::Hello(hello)].iter()).await?;
        loop {
            let wake = self.wake();
            tokio::select! {
                biased;
                changed = self.client.mode.changed() => self.obey(changed.is_ok()).await?,
                message = self.socket.next() => self.receive(message)?,
                () = sleep_until(wake.into()) => {}
            }
            self.work().await?;
        }
    }

    fn hello(&self) -> Hello {
        let settings = &self.client.settings;
        let obs = settings.host == HostKind::Obs;
        Hello {
            v: VERSION,
            token: settings.key.clone(),
            instance_id: self.client.instance_id.clone(),
            build: self.client.build.clone(),
            host: Host {
                kind: settings.host,
                plugin_version: obs.then(|| "2.24.5".into()),
                chrome: Some(127),
            },
            page: PageSize { width: 1_920, height: 1_080, dpr: 1.0 },
            status: self.client.page.status(),
            outbox: u32::try_from(self.client.outbox.len()).unwrap_or(u32::MAX),
        }
    }

    fn wake(&self) -> Instant {
        let silent = self.heard + self.silence_max;
        let claims_from = self.client.settings.claims_from.filter(|from| now().at < *from);
        [self.client.page.due(), self.stall_at, claims_from].into_iter().flatten().fold(silent, Instant::min)
    }

    /// Does what is due and sends what there is to say.
    async fn work(&mut self) -> Result<(), Lost> {
        let at = now();
        if at.at >= self.heard + self.silence_max {
            return Err(Lost::Silent);
        }
        if self.stall_at.is_some_and(|stall_at| stall_at <= at.at) {
            return Err(self.stall().await);
        }
        self.client.page.advance(at, &mut self.out);
        let mut frames = Vec::new();
        for frame in std::mem::take(&mut self.out) {
            self.route(frame, &mut frames);
        }
        let held = self.client.settings.claims_from.is_some_and(|from| at.at < from);
        if self.up && !held {
            while let Some((claim, times)) = self.client.outbox.next(at.at) {
                self.client.tell(&Event::Claim { claim: &claim, times });
                frames.push(FromOverlay::Claim(claim));
            }
        }
        self.client.publish_idle();
        self.send(frames.iter()).await
    }

    fn route(&self, frame: FromOverlay, frames: &mut Vec<FromOverlay>) {
        match frame {
            FromOverlay::Claim(claim) => self.client.outbox.keep(claim, 0),
            frame => {
                if matches!(
                    frame,
                    FromOverlay::Started { .. }
                        | FromOverlay::Ended { .. }
                        | FromOverlay::Skipped { .. }
                        | FromOverlay::Failed { .. }
                ) {
                    self.client.tell(&Event::Said(&frame));
                }
                frames.push(frame);
            }
        }
    }

    /// Writes all of it with one flush. A server that takes nothing is as good as dead.
    async fn send(&mut self, frames: impl Iterator<Item = &FromOverlay>) -> Result<(), Lost> {
        let mut texts = Vec::new();
        for frame in frames {
            texts.push(serde_json::to_string(frame).map_err(|error| Lost::Ended(error.to_string()))?);
        }
        if texts.is_empty() {
            return Ok(());
        }
        let socket = &mut self.socket;
        let write = async {
            for text in texts {
                socket.feed(Message::text(text)).await?;
            }
            socket.flush().await
        };
        match timeout(GREETING_MAX, write).await {
            Ok(Ok(())) => Ok(()),
            // The close frame may lie unread behind a failed write; the next read finds it.
            Ok(Err(tungstenite::Error::Io(_))) if self.up => Err(self.parting().await),
            Ok(Err(error)) => Err(Lost::Ended(error.to_string())),
            Err(_) => Err(Lost::Silent),
        }
    }

    fn receive(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), Lost> {
        let at = now();
        self.heard = at.at;
        match message {
            None => Err(Lost::Ended("end of stream".into())),
            Some(Err(error)) => Err(Lost::Ended(error.to_string())),
            Some(Ok(Message::Close(frame))) => {
                Err(Lost::Closed(frame.map_or(1005, |frame| frame.code.into())))
            }
            Some(Ok(Message::Text(text))) => {
                // A message of a later server is none of this client's business.
                if let Ok(message) = serde_json::from_str::<ToOverlay>(&text) {
                    self.hear(&message, at);
                }
                Ok(())
            }
            Some(Ok(_)) => Ok(()),
        }
    }

    fn hear(&mut self, message: &ToOverlay, at: Stamp) {
        let client = &mut *self.client;
        match message {
            ToOverlay::Welcome(welcome) => self.welcome(welcome, at),
            ToOverlay::Heartbeat { server_ms } => {
                self.next.lasted = true;
                let one_way_us = at.wall_us.saturating_sub(server_ms.saturating_mul(1_000));
                client.tell(&Event::Heartbeat { one_way_us });
            }
            ToOverlay::Prepare(prepare) => {
                self.next.lasted = true;
                client.tell(&Event::Prepare(prepare));
            }
            ToOverlay::Play(play) => {
                if let Some(said) = client.page.prepared_at(&play.play_id) {
                    let round_trip = at.at.saturating_duration_since(said);
                    client.tell(&Event::Play { play, round_trip });
                }
            }
            ToOverlay::Ack { play_id, result, reason } => {
                self.acked(play_id, *result, reason.as_deref(), at);
            }
            ToOverlay::Drain { reconnect_after_ms } => {
                let reconnect_after = Duration::from_millis((*reconnect_after_ms).into());
                self.next.drain = Some(reconnect_after);
                client.tell(&Event::Drain { reconnect_after });
            }
            ToOverlay::Role { .. }
            | ToOverlay::Settings(_)
            | ToOverlay::Stop { .. }
            | ToOverlay::Reload {} => {}
        }
        self.client.page.hear(message, at, &mut self.out);
    }

    fn welcome(&mut self, welcome: &Welcome, at: Stamp) {
        self.up = true;
        self.silence_max = Duration::from_millis(welcome.dead_after_ms.into());
        self.stall_at = self.client.settings.stall.map(|stall| at.at + stall.after);
        self.client.build.clone_from(&welcome.build);
        self.client.outbox.restart();
        self.client.tell(&Event::Welcome { welcome, began: self.began, at });
    }

    fn acked(&mut self, play_id: &str, result: AckResult, reason: Option<&str>, at: Stamp) {
        let acked = self.client.outbox.ack(play_id, at.at);
        let waited = acked.as_ref().and_then(|acked| acked.waited);
        self.client.tell(&Event::Ack { play_id, result, reason, waited });
        let Some(acked) = acked else { return };
        if result == AckResult::Settled
            && self.client.random.chance(self.client.settings.repeat_claim_percent)
        {
            self.client.outbox.keep(acked.claim, acked.times);
        }
    }

    async fn obey(&mut self, handle_lives: bool) -> Result<(), Lost> {
        let mode = *self.client.mode.borrow_and_update();
        if mode == Mode::Stop || !handle_lives {
            let _ = timeout(CLOSING_MAX, self.socket.close(None)).await;
            return Err(Lost::Stopped);
        }
        if mode == Mode::Retire {
            self.client.page.retire(&mut self.out);
        }
        Ok(())
    }

    /// Reads nothing until the server closes or this overlay is stopped.
    async fn stall(&mut self) -> Lost {
        self.client.tell(&Event::Stalled);
        let pings = self.client.settings.stall.map_or(0, |stall| stall.pings_per_s);
        let pause = Duration::from_secs(1).checked_div(pings).map_or(STALL_LOOK, |gap| gap.min(STALL_LOOK));
        loop {
            tokio::select! {
                stop = self.client.mode.wait_for(|mode| *mode == Mode::Stop) => {
                    drop(stop);
                    return Lost::Stopped;
                }
                () = sleep(pause) => {}
            }
            let ready = self.socket.get_ref().ready(Interest::READABLE | Interest::WRITABLE);
            let closed = match timeout(STALL_LOOK, ready).await {
                Ok(Ok(ready)) => ready.is_read_closed() || ready.is_write_closed(),
                Ok(Err(_)) => true,
                Err(_) => false,
            };
            if closed {
                return self.parting().await;
            }
            if pings > 0 {
                let ping = Message::Ping(Bytes::from_static(&[0; 120]));
                // Without room the ping is left out: this socket must not wait for anything.
                let _ = timeout(Duration::from_millis(1), self.socket.send(ping)).await;
            }
        }
    }

    /// Reads what is left of a closed socket and says how it ended.
    async fn parting(&mut self) -> Lost {
        for _ in 0..STALL_FRAMES_MAX {
            match timeout(CLOSING_MAX, self.socket.next()).await {
                Ok(Some(Ok(Message::Close(frame)))) => {
                    return Lost::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Lost::Ended(error.to_string()),
                Ok(None) | Err(_) => break,
            }
        }
        Lost::Ended("end of stream".into())
    }
}
