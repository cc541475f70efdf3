//! An overlay page that a test leads by the hand.

use super::socket::{SOON, Socket};
use super::{Streamer, TestApp};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// A play that the page was told to show.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) play_id: String,
    pub(crate) token: String,
    pub(crate) nonce: String,
}

/// A greeting as the page in OBS says it.
pub(crate) fn hello(key: &str, instance: &str) -> Value {
    json!({
        "type": "hello", "v": 1, "token": key, "instance_id": instance, "build": "test",
        "host": { "kind": "obs", "plugin_version": "2.24.0", "chrome": 127 },
        "page": { "width": 1920, "height": 1080, "dpr": 1.0 },
        "status": { "active": "active", "visible": true, "streaming": true },
        "outbox": 0,
    })
}

/// A page that has been greeted.
pub(crate) async fn open_page(app: &TestApp, streamer: &Streamer, instance: &str) -> Socket {
    open_page_at(app.addr, streamer, instance).await
}

pub(crate) async fn open_page_at(addr: SocketAddr, streamer: &Streamer, instance: &str) -> Socket {
    let mut page = Socket::open(addr, "/ws/overlay").await;
    page.say(&hello(&streamer.overlay_key, instance)).await;
    let welcome = page.expect("welcome").await;
    assert_eq!(welcome["v"], 1);
    page
}

/// A dashboard that has seen its first state.
pub(crate) async fn open_dashboard(addr: SocketAddr, streamer: &Streamer) -> Socket {
    let mut socket = Socket::open(addr, "/ws/dashboard").await;
    socket.greet(&streamer.key).await;
    socket.expect("welcome").await;
    socket.expect("state").await;
    socket
}

/// What an honest page measures in so many milliseconds.
pub(crate) fn evidence(painted_ms: u32) -> Value {
    json!({
        "painted_ms": painted_ms, "frames": painted_ms * 60 / 1000,
        "in_view_percent": 100, "area_ppm": 40_000, "label_visible": true,
        "active": "active", "streaming": true,
    })
}

impl Shown {
    /// The claim of this play with a second on screen.
    pub(crate) fn claim(&self) -> Value {
        self.claim_with(&evidence(1000))
    }

    pub(crate) fn claim_with(&self, evidence: &Value) -> Value {
        json!({
            "type": "claim", "play_id": self.play_id, "token": self.token, "nonce": self.nonce,
            "evidence": evidence,
        })
    }
}

/// A page and a dashboard of one streamer.
pub(crate) struct Stage {
    pub(crate) page: Socket,
    pub(crate) dashboard: Socket,
    commands: u32,
}

impl Stage {
    /// Both connected, the page in charge.
    pub(crate) async fn open(app: &TestApp, streamer: &Streamer) -> Self {
        Self::at(app.addr, streamer).await
    }

    pub(crate) async fn at(addr: SocketAddr, streamer: &Streamer) -> Self {
        let dashboard = open_dashboard(addr, streamer).await;
        let mut page = open_page_at(addr, streamer, "instance-1").await;
        assert_eq!(page.expect("role").await["primary"], true);
        Self { page, dashboard, commands: 0 }
    }

    /// Says a command and gives the answer.
    pub(crate) async fn command(&mut self, command: Value) -> Value {
        self.commands += 1;
        let id = format!("c{}", self.commands);
        self.dashboard.say(&json!({ "type": "command", "id": id, "command": command })).await;
        self.dashboard.find(SOON, "result", |result| result["id"] == id).await
    }

    /// Asks for an ad now. While the log of plays is still being read the answer is "draining".
    pub(crate) async fn play_next(&mut self) -> Value {
        loop {
            let answer = self.command(json!({ "name": "play_next" })).await;
            if answer["reason"] != "draining" {
                return answer;
            }
            super::sleep_ms(20).await;
        }
    }

    /// Up to `prepare`.
    pub(crate) async fn prepare(&mut self) -> Value {
        let answer = self.play_next().await;
        assert_eq!(answer["ok"], true, "{answer}");
        self.page.expect("prepare").await
    }

    /// Up to `play`: the token is out.
    pub(crate) async fn play(&mut self) -> Shown {
        let prepare = self.prepare().await;
        let play_id = prepare["play_id"].as_str().unwrap().to_owned();
        self.page.say(&json!({ "type": "prepared", "play_id": play_id })).await;
        let play = self.page.expect("play").await;
        assert_eq!(play["play_id"], play_id.as_str());
        let text = |name: &str| play[name].as_str().unwrap().to_owned();
        Shown { token: text("token"), nonce: text("nonce"), play_id }
    }

    /// Up to `ended`, on screen for long enough that a second of it can be claimed.
    pub(crate) async fn show(&mut self) -> Shown {
        let shown = self.play().await;
        self.page.say(&json!({ "type": "started", "play_id": shown.play_id })).await;
        super::sleep_ms(600).await;
        self.page.say(&json!({ "type": "ended", "play_id": shown.play_id })).await;
        shown
    }

    /// Says a claim and gives its ack.
    pub(crate) async fn claim(&mut self, claim: &Value) -> Value {
        claim_on(&mut self.page, claim).await
    }

    /// Waits for a state of the dashboard.
    pub(crate) async fn state(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        self.dashboard.find(Duration::from_secs(10), "state", fits).await
    }
}

/// Says a claim and gives its ack.
pub(crate) async fn claim_on(page: &mut Socket, claim: &Value) -> Value {
    page.say(claim).await;
    let play = claim["play_id"].clone();
    page.find(SOON, "ack", |ack| ack["play_id"] == play).await
}

/// An ack that says no for this reason.
pub(crate) fn assert_rejected(ack: &Value, reason: &str) {
    assert_eq!((ack["result"].as_str(), ack["reason"].as_str()), (Some("rejected"), Some(reason)), "{ack}");
}
