//! Who gets a socket at all.

use crate::support::page::open_page;
use crate::support::socket::{Frame, Handshake, handshake, upgrade};
use crate::support::{TestApp, eventually};
use tokio::net::TcpStream;

async fn knock(app: &TestApp, request: &str) -> Handshake {
    handshake(TcpStream::connect(app.addr).await.unwrap(), request).await
}

#[actix_rt::test]
async fn a_path_that_is_no_socket_is_not_found() {
    let app = TestApp::start().await;
    let refused = app.watch("gametriggers_handshakes_refused_total", "404").await;
    for path in ["/ws", "/ws/other", "/ws/campaigns/", "/ws/campaigns/one", "/", "/api/campaigns"] {
        assert_eq!(knock(&app, &upgrade(app.addr, path, &[])).await.status, 404, "{path}");
    }
    refused.grows(&app, 6).await;
    assert_eq!(app.send(crate::support::http::Request::get("/ws/overlay")).await.status, 404);
    app.finish().await;
}

#[actix_rt::test]
async fn a_foreign_page_opens_no_socket_and_our_own_does() {
    let app = TestApp::with(&[("SERVER__ALLOWED_ORIGINS", r#"["https://studio.example.com"]"#)]).await;
    let refused = app.watch("gametriggers_handshakes_refused_total", "403").await;
    let opened = app.watch("gametriggers_handshakes_total", "overlay").await;
    let own = format!("http://{}", app.addr);
    let nearly = format!("{own}.evil.example");
    for origin in ["https://evil.example", "null", "", nearly.as_str(), "http://127.0.0.1"] {
        let answer = knock(&app, &upgrade(app.addr, "/ws/overlay", &[("Origin", origin)])).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    for origin in [own.as_str(), "https://studio.example.com"] {
        let answer = knock(&app, &upgrade(app.addr, "/ws/overlay", &[("Origin", origin)])).await;
        assert_eq!(answer.status, 101, "{origin}");
    }
    assert_eq!(knock(&app, &upgrade(app.addr, "/ws/overlay", &[])).await.status, 101, "no browser");
    refused.grows(&app, 5).await;
    opened.grows(&app, 3).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_handshake_that_is_none_is_a_bad_request() {
    let app = TestApp::start().await;
    let refused = app.watch("gametriggers_handshakes_refused_total", "400").await;
    let good = upgrade(app.addr, "/ws/overlay", &[]);
    for (what, request) in [
        ("POST", good.replace("GET ", "POST ")),
        ("version 8", good.replace("Version: 13", "Version: 8")),
        ("no version", good.replace("Sec-WebSocket-Version: 13\r\n", "")),
        ("no key", good.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")),
    ] {
        assert_eq!(knock(&app, &request).await.status, 400, "{what}");
    }
    refused.grows(&app, 4).await;
    app.finish().await;
}

#[actix_rt::test]
async fn one_socket_too_many_is_told_to_come_back() {
    let app = TestApp::with(&[("SERVER__SOCKETS_MAX", "2")]).await;
    let streamer = app.streamer("Nova").await;
    let refused = app.watch("gametriggers_handshakes_refused_total", "503").await;
    let first = open_page(&app, &streamer, "instance-1").await;
    let _second = open_page(&app, &streamer, "instance-2").await;
    let answer = knock(&app, &upgrade(app.addr, "/ws/overlay", &[])).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers.get("retry-after").map(String::as_str), Some("2"));
    refused.grows(&app, 1).await;
    drop(first);
    let knocks = async || knock(&app, &upgrade(app.addr, "/ws/overlay", &[])).await.status == 101;
    eventually("there is room again", knocks).await;
    app.finish().await;
}

#[actix_rt::test]
async fn an_address_and_a_key_have_so_many_sockets_and_others_have_theirs() {
    let app = TestApp::with(&[
        ("SERVER__SOCKETS_PER_ADDRESS", "3"),
        ("SERVER__SOCKETS_PER_KEY", "2"),
        ("SERVER__TRUSTED_PROXIES", r#"["127.0.0.1"]"#),
    ])
    .await;
    let streamer = app.streamer("Nova").await;
    let refused = app.watch("gametriggers_handshakes_refused_total", "429").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "too_many_sockets").await;
    let from = |address: &str| upgrade(app.addr, "/ws/dashboard", &[("X-Forwarded-For", address)]);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(knock(&app, &from("203.0.113.7")).await);
    }
    assert!(open.iter().all(|answer| answer.status == 101));
    let answer = knock(&app, &from("203.0.113.7")).await;
    assert_eq!((answer.status, answer.headers.get("retry-after").map(String::as_str)), (429, Some("2")));
    assert_eq!(knock(&app, &from("203.0.113.8")).await.status, 101, "another address");
    refused.grows(&app, 1).await;
    for socket in open.iter_mut().map(|answer| &mut answer.socket).take(2) {
        socket.greet(&streamer.key).await;
        socket.expect("welcome").await;
    }
    let third = &mut open[2].socket;
    third.greet(&streamer.key).await;
    assert_eq!(third.closed().await, (3006, "too_many_sockets".to_owned()));
    closed.grows(&app, 1).await;
    drop(open);
    eventually("there is room again", async || knock(&app, &from("203.0.113.7")).await.status == 101).await;
    let greets = async || {
        let mut socket = app.open("/ws/dashboard").await;
        socket.greet(&streamer.key).await;
        matches!(socket.next().await, Frame::Text(_))
    };
    eventually("the key has room again", greets).await;
    app.finish().await;
}

#[actix_rt::test]
async fn who_has_not_greeted_takes_a_place_as_well() {
    let app = TestApp::with(&[("SERVER__SOCKETS_MAX", "3")]).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(app.open("/ws/overlay").await);
    }
    assert_eq!(knock(&app, &upgrade(app.addr, "/ws/overlay", &[])).await.status, 503);
    drop(silent);
    let knocks = async || knock(&app, &upgrade(app.addr, "/ws/overlay", &[])).await.status == 101;
    eventually("there is room again", knocks).await;
    app.finish().await;
}
