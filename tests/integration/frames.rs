//! What a client may not say, and the close code that it gets for it.

use crate::support::page::{hello, open_page, open_page_at};
use crate::support::socket::{BINARY, Frame, PING, SOON, Socket, TEXT, masked};
use crate::support::{Streamer, TestApp, free_addr};
use gametriggers::web::overlay_build;
use gametriggers_protocol::overlay::PLUGIN_VERSION_CHARS_MAX;
use serde_json::{Value, json};
use std::time::Duration;

/// A socket that has not greeted says something and is closed for it.
async fn assert_closed(app: &TestApp, text: &str, code: u16, reason: &'static str) {
    let closed = app.watch("gametriggers_sockets_closed_total", reason).await;
    let mut socket = app.open("/ws/overlay").await;
    socket.text(text).await;
    assert_eq!(socket.closed().await, (code, reason.to_owned()), "{text}");
    closed.grows(app, 1).await;
}

/// A page that has greeted sends bytes and is closed for it.
async fn assert_page_closed(app: &TestApp, streamer: &Streamer, bytes: &[u8], end: (u16, &'static str)) {
    let closed = app.watch("gametriggers_sockets_closed_total", end.1).await;
    let mut page = open_page(app, streamer, "instance-1").await;
    page.raw(bytes).await;
    assert_eq!(page.closed().await, (end.0, end.1.to_owned()));
    closed.grows(app, 1).await;
}

#[actix_rt::test]
async fn what_is_not_a_message_is_malformed() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let frames = app.watch("gametriggers_frames_refused_total", "").await;
    let with = |change: fn(&mut Value)| {
        let mut message = hello(&streamer.overlay_key, "instance-1");
        message["build"] = json!(overlay_build());
        change(&mut message);
        message.to_string()
    };
    for text in [
        "{".to_owned(),
        String::new(),
        "[]".to_owned(),
        r#"{"type":"dance"}"#.to_owned(),
        with(|m| m["v"] = json!("1")),
        with(|m| m["outbox"] = json!(-1)),
        format!("{}{}", r#"{"type":"#, "[".repeat(4000)),
    ] {
        assert_closed(&app, &text, 3502, "malformed").await;
    }
    frames.grows(&app, 7).await;
    for text in [with(|m| m["instance_id"] = json!("short")), with(|m| m["instance_id"] = json!("<script>"))]
    {
        assert_closed(&app, &text, 3502, "malformed").await;
    }
    app.finish().await;
}

#[actix_rt::test]
async fn nothing_is_said_before_the_greeting_and_no_second_one() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let play = "0190163d-8694-739b-aea5-966c26f8ad91";
    for message in [
        json!({ "type": "heartbeat" }),
        json!({ "type": "prepared", "play_id": play }),
        json!({ "type": "progress", "play_id": play, "painted_ms": 1, "frames": 1 }),
    ] {
        assert_closed(&app, &message.to_string(), 3506, "out_of_order").await;
    }
    let again = masked(TEXT, hello(&streamer.overlay_key, "instance-1").to_string().as_bytes());
    assert_page_closed(&app, &streamer, &again, (3506, "out_of_order")).await;
    for (path, first) in [
        ("/ws/dashboard", json!({ "type": "command", "id": "1", "command": { "name": "skip" } })),
        ("/ws/campaigns/1", json!({ "type": "heartbeat" })),
    ] {
        let mut socket = app.open(path).await;
        socket.say(&first).await;
        assert_eq!(socket.closed().await.0, 3506, "{path}");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_page_of_another_version_is_told_to_reload_and_may_come_back() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "outdated").await;
    let ours = || {
        let mut message = hello(&streamer.overlay_key, "instance-1");
        message["build"] = json!(overlay_build());
        message
    };
    let (mut later, mut shape, mut unread) = (ours(), ours(), ours());
    later["v"] = json!(2);
    (shape["build"], shape["status"]) = (json!("later"), json!("new"));
    (unread["build"], unread["instance_id"]) = (json!("later"), json!("short"));
    for message in [later, shape, unread] {
        let mut socket = app.open("/ws/overlay").await;
        socket.say(&message).await;
        socket.expect("reload").await;
        assert_eq!(socket.closed().await, (3007, "outdated".to_owned()), "{message}");
    }
    // Greeted, and then it says what this server does not know.
    let mut page = open_page(&app, &streamer, "instance-1").await;
    page.expect("reload").await;
    page.say(&json!({ "type": "dance" })).await;
    page.expect("reload").await;
    assert_eq!(page.closed().await, (3007, "outdated".to_owned()));
    closed.grows(&app, 4).await;
    let mut dashboard = app.open("/ws/dashboard").await;
    dashboard.say(&json!({ "type": "hello", "v": 2, "token": streamer.key })).await;
    assert_eq!(dashboard.closed().await, (3504, "unsupported_version".to_owned()), "somebody sits there");
    app.finish().await;
}

#[actix_rt::test]
async fn what_a_newer_page_says_more_is_ignored_and_long_words_are_cut() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut message = hello(&streamer.overlay_key, "instance-1");
    message["surprise"] = json!(1);
    message["status"]["surprise"] = json!(1);
    message["host"]["plugin_version"] = json!("\u{e9}".repeat(200));
    let mut page = app.open("/ws/overlay").await;
    page.say(&message).await;
    page.expect("welcome").await;
    page.say(&json!({ "type": "heartbeat", "surprise": 1 })).await;
    assert_alive(&mut page).await;
    let mut dashboard = app.open("/ws/dashboard").await;
    dashboard.greet(&streamer.key).await;
    let seen = |state: &Value| state["overlays"][0]["plugin_version"].as_str().map(str::to_owned);
    let state = dashboard.find(SOON, "state", |state| seen(state).is_some()).await;
    assert_eq!(seen(&state).unwrap(), "\u{e9}".repeat(PLUGIN_VERSION_CHARS_MAX));
    app.finish().await;
}

#[actix_rt::test]
async fn a_key_opens_its_own_door_and_no_other() {
    let app = TestApp::start().await;
    let (streamer, brand, admin) =
        (app.streamer("Nova").await, app.brand("Crisp", 0).await, app.admin_key().await);
    for key in ["", "gt_overlay_00", &streamer.key, &brand.key, &admin] {
        assert_closed(&app, &hello(key, "instance-1").to_string(), 3500, "unauthorized").await;
    }
    for key in [&streamer.overlay_key, &brand.key, &admin] {
        let mut socket = app.open("/ws/dashboard").await;
        socket.greet(key).await;
        assert_eq!(socket.closed().await, (3500, "unauthorized".to_owned()));
    }
    for request in ["/api/campaigns", "/api/streamers/1/plays"] {
        let answer = app.send(crate::support::http::Request::get(request).key(&streamer.overlay_key)).await;
        answer.problem(401, "unauthorized");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn fragments_and_binary_frames_are_not_taken() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let end = (3505, "unsupported_frame");
    assert_page_closed(&app, &streamer, &masked(0x01, b"{\"type\":"), end).await;
    assert_page_closed(&app, &streamer, &masked(0x80, b"\"heartbeat\"}"), end).await;
    assert_page_closed(&app, &streamer, &masked(BINARY, b"{\"type\":\"heartbeat\"}"), end).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_frame_without_a_mask_or_with_foreign_bits_is_malformed() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let end = (3502, "malformed");
    assert_page_closed(&app, &streamer, b"\x81\x14{\"type\":\"heartbeat\"}", end).await;
    assert_page_closed(&app, &streamer, &masked(0xc1, b"{}"), end).await;
    assert_page_closed(&app, &streamer, &masked(0x83, b"{}"), end).await;
    assert_page_closed(&app, &streamer, &masked(TEXT, b"{\"type\":\"\xff\xfe\"}"), end).await;
    app.finish().await;
}

fn resident_bytes(process: u32) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap() * 4096
}

/// A header that announces a gibibyte.
fn gibibyte() -> Vec<u8> {
    [&[0x81, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[1, 2, 3, 4]].concat()
}

#[actix_rt::test]
async fn a_frame_too_large_is_never_kept() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    // In a process of its own, whose memory no other test takes.
    let (world, addr) = (app.stop().await, free_addr());
    let mut server = world.serve(addr).await;
    let mut page = open_page_at(addr, &streamer, "instance-1").await;
    let process = server.id().unwrap();
    let before = resident_bytes(process);
    page.raw(&gibibyte()).await;
    page.flood(128 << 20, Duration::from_millis(800)).await;
    let grown = resident_bytes(process).saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes more after 128 MiB of one frame");
    server.kill().await.unwrap();
    world.assert_money().await;
}

#[actix_rt::test]
async fn a_frame_too_large_is_refused_at_its_header() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    // The header alone, and not a byte of the body.
    assert_page_closed(&app, &streamer, &gibibyte(), (3503, "frame_too_large")).await;
    assert_page_closed(&app, &streamer, &masked(TEXT, &[b' '; 8193]), (3503, "frame_too_large")).await;
    // The largest that is allowed is read.
    let mut page = open_page(&app, &streamer, "instance-2").await;
    let mut padded = json!({ "type": "heartbeat" }).to_string().into_bytes();
    padded.resize(8192, b' ');
    page.frame(TEXT, &padded).await;
    assert_alive(&mut page).await;
    app.finish().await;
}

async fn assert_alive(socket: &mut Socket) {
    socket.frame(PING, b"there?").await;
    let pong = async {
        loop {
            match socket.next().await {
                Frame::Pong(data) => return data,
                Frame::Text(_) => {}
                end => panic!("{end:?}"),
            }
        }
    };
    assert_eq!(tokio::time::timeout(SOON, pong).await.expect("a pong"), b"there?");
}

#[actix_rt::test]
async fn a_ping_is_answered_with_its_own_words() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    assert_alive(&mut open_page(&app, &streamer, "instance-1").await).await;
    assert_alive(&mut app.open("/ws/dashboard").await).await;
    app.finish().await;
}

#[actix_rt::test]
async fn who_talks_too_fast_is_sent_away_and_a_patient_one_is_not() {
    let app = TestApp::with(&[("SESSION__FRAMES_PER_SECOND", "20"), ("SESSION__BURST", "40")]).await;
    let streamer = app.streamer("Nova").await;
    let beat = masked(TEXT, br#"{"type":"heartbeat"}"#);
    assert_page_closed(&app, &streamer, &beat.repeat(100), (3005, "too_fast")).await;
    let pings = masked(PING, b"").repeat(100);
    assert_page_closed(&app, &streamer, &pings, (3005, "too_fast")).await;
    let mut page = open_page(&app, &streamer, "instance-2").await;
    for _ in 0..4 {
        page.raw(&beat.repeat(15)).await;
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    assert_alive(&mut page).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_goodbye_is_answered_with_a_goodbye() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut page = open_page(&app, &streamer, "instance-1").await;
    page.frame(0x88, &1001_u16.to_be_bytes()).await;
    page.closed().await;
    crate::support::eventually("the socket is forgotten", async || app.engine().directory.sessions() == 0)
        .await;
    app.finish().await;
}
