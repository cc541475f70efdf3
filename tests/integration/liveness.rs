//! Clients that say nothing, answer nothing or read nothing.

use crate::support::page::{Stage, open_page};
use crate::support::socket::{SOON, Socket, handshake, upgrade};
use crate::support::{TestApp, eventually};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

#[actix_rt::test]
async fn who_does_not_greet_in_time_is_closed() {
    let app = TestApp::start().await;
    let closed = app.watch("gametriggers_sockets_closed_total", "authentication_timeout").await;
    let began = Instant::now();
    let mut sockets = Vec::new();
    for path in ["/ws/overlay", "/ws/dashboard", "/ws/campaigns/1"] {
        sockets.push(app.open(path).await);
    }
    for mut socket in sockets {
        assert_eq!(socket.closed().await, (3003, "authentication_timeout".to_owned()));
    }
    let passed = began.elapsed();
    assert!(passed >= Duration::from_millis(4900), "closed before its time: {passed:?}");
    closed.grows(&app, 3).await;
    app.finish().await;
}

#[actix_rt::test]
async fn who_does_not_answer_heartbeats_is_closed_and_who_does_is_not() {
    let app = TestApp::with(&[("SESSION__HEARTBEAT_MS", "1000"), ("SESSION__DEAD_AFTER_MS", "2000")]).await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "heartbeat_missed").await;
    let began = Instant::now();
    let mut silent = open_page(&app, &streamer, "instance-1").await;
    let mut answering = open_page(&app, &streamer, "instance-2").await;
    let answer = async {
        loop {
            let beat = answering.expect("heartbeat").await;
            assert!(beat["server_ms"].as_i64().is_some_and(|at| at > 1_600_000_000_000));
            answering.say(&json!({ "type": "heartbeat" })).await;
        }
    };
    let end = tokio::select! {
        end = silent.closed() => end,
        () = answer => unreachable!("it beats for ever"),
    };
    assert_eq!(end, (3002, "heartbeat_missed".to_owned()));
    let passed = began.elapsed();
    assert!(passed >= Duration::from_secs(2), "closed before it was dead: {passed:?}");
    closed.grows(&app, 1).await;
    answering.expect("heartbeat").await;
    eventually("one page is left", async || app.engine().directory.sessions() == 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn who_does_not_read_is_closed_at_the_write_deadline_and_the_others_go_on() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "slow_consumer").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let mut stalled = Socket::narrow(app.addr, "/ws/dashboard").await;
    stalled.greet(&streamer.key).await;
    stalled.expect("state").await;
    let began = Instant::now();
    // Each of these changes what a dashboard shows. The stalled one reads none of it.
    let before = app.engine().directory.sessions();
    let mut active = true;
    while app.engine().directory.sessions() == before {
        assert!(began.elapsed() < Duration::from_secs(60), "a reader that stalls is still there");
        for _ in 0..20 {
            active = !active;
            let word = if active { "active" } else { "inferred" };
            stage
                .page
                .say(&json!({ "type": "status", "active": word, "visible": true, "streaming": true }))
                .await;
        }
        let fresh = |state: &serde_json::Value| state["overlays"][0]["primary"] == true;
        stage.dashboard.find(SOON, "state", fresh).await;
        // Reads what has come, so that this one does not stall as well.
        let _ = timeout(Duration::from_millis(300), async {
            loop {
                stage.dashboard.expect("state").await;
            }
        })
        .await;
    }
    let passed = began.elapsed();
    assert!(passed > Duration::from_secs(10), "closed before the deadline: {passed:?}");
    closed.grows(&app, 1).await;
    assert_eq!(stage.command(json!({ "name": "resume" })).await["ok"], true);
    app.finish().await;
}

#[actix_rt::test]
async fn a_server_that_stops_says_so_to_every_socket() {
    // It goes on as soon as all sockets are closed.
    let app = TestApp::with(&[("SERVER__DRAIN_MS", "3000")]).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let addr = app.addr;
    let closed = app.watch("gametriggers_sockets_closed_total", "shutdown").await;
    let readers = async {
        for socket in [&mut stage.page, &mut stage.dashboard] {
            assert!(socket.expect("drain").await["reconnect_after_ms"].as_u64().is_some());
            assert_eq!(socket.closed().await, (3000, "shutdown".to_owned()));
        }
    };
    let (_, world) = tokio::join!(readers, app.stop());
    let next = world.start(Some(addr)).await;
    closed.grows(&next, 2).await;
    let answer = handshake(TcpStream::connect(addr).await.unwrap(), &upgrade(addr, "/ws/overlay", &[])).await;
    assert_eq!(answer.status, 101);
    next.finish().await;
}
