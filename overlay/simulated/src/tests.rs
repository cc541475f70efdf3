//! The client against a small server of its own: real sockets, scripted answers.

use crate::{Backoff, Event, Lost, Outbox, Overlay, Screen, Settings, Stall, spawn};
use futures_util::{SinkExt, StreamExt};
use gametriggers_protocol::overlay::FromOverlay;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

type Log = Arc<Mutex<Vec<String>>>;

struct Server {
    listener: TcpListener,
}

struct Peer {
    socket: WebSocketStream<TcpStream>,
    address: SocketAddr,
}

impl Server {
    async fn start() -> (Self, Settings) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut settings = Settings::new(listener.local_addr().unwrap(), "key");
        settings.backoff = Backoff { first: Duration::from_millis(5), cap: Duration::from_millis(20) };
        settings.screen =
            Screen { prepare: Duration::ZERO, paint: Duration::ZERO, show: Some(Duration::from_millis(50)) };
        (Self { listener }, settings)
    }

    /// Takes a socket and its `hello`, and says `welcome`.
    async fn greet(&self) -> (Peer, FromOverlay) {
        let (stream, address) = self.listener.accept().await.unwrap();
        let mut peer = Peer { socket: tokio_tungstenite::accept_async(stream).await.unwrap(), address };
        let hello = peer.hear().await;
        peer.say(
            r#"{"type":"welcome","v":1,"server_ms":0,"build":"b7","heartbeat_ms":10000,"dead_after_ms":25000,
            "primary":true,"settings":{"volume_percent":0,"motion":"full"}}"#,
        )
        .await;
        (peer, hello)
    }
}

impl Peer {
    async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    async fn hear(&mut self) -> FromOverlay {
        let message = tokio::time::timeout(Duration::from_secs(5), self.socket.next()).await.unwrap();
        serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
    }

    /// Brings play `id` to the screen.
    async fn show(&mut self, id: &str) {
        self.say(&format!(
            r##"{{"type":"prepare","play_id":"{id}","not_after_ms":5000,
            "creative":{{"content":{{"kind":"text",
            "headline":"h","body":""}},"placement":"corner","corner":"top_left","duration_ms":3000,
            "label":"Ad","brand":"b","accent":"#000000"}}}}"##
        ))
        .await;
        assert_eq!(self.hear().await, FromOverlay::Prepared { play_id: id.into() });
        self.say(&format!(
            r#"{{"type":"play","play_id":"{id}","token":"tok","nonce":"n","not_after_ms":5000}}"#
        ))
        .await;
        assert_eq!(self.hear().await, FromOverlay::Started { play_id: id.into() });
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

fn start(settings: Settings, outbox: &Outbox) -> (Overlay, Log) {
    let log = Log::default();
    let sink = Arc::clone(&log);
    let observer = move |_: u32, event: &Event<'_>| {
        sink.lock().unwrap().push(match event {
            Event::Lost(lost) => format!("{lost:?}"),
            Event::Claim { times, .. } => format!("claim {times}"),
            Event::Ack { result, .. } => format!("{result:?}"),
            Event::Play { .. } => "play".into(),
            Event::Welcome { .. } => "welcome".into(),
            Event::Stalled => "stalled".into(),
            Event::Heartbeat { .. } | Event::Prepare(_) | Event::Said(_) | Event::Drain { .. } => return,
        });
    };
    (spawn(settings, outbox.clone(), Arc::new(observer)), log)
}

#[tokio::test]
async fn a_claim_survives_the_server_and_a_repeat_is_a_duplicate() {
    let (server, mut settings) = Server::start().await;
    settings.repeat_claim_percent = 100;
    // Long enough that the socket is lost while the ad is on screen, and too short for a report of it.
    settings.screen.show = Some(Duration::from_millis(900));
    let outbox = Outbox::default();
    let (overlay, log) = start(settings, &outbox);
    let (mut peer, hello) = server.greet().await;
    assert!(matches!(hello, FromOverlay::Hello(hello) if hello.outbox == 0 && hello.token == "key"));
    peer.show("p1").await;
    drop(peer);

    let (mut peer, hello) = server.greet().await;
    assert!(matches!(hello, FromOverlay::Hello(hello) if hello.build == "b7"));
    let (mut claims, mut ended) = (0, 0);
    for result in ["settled", "duplicate"] {
        loop {
            match peer.hear().await {
                FromOverlay::Claim(claim) => {
                    assert_eq!(claim.play_id, "p1");
                    break claims += 1;
                }
                FromOverlay::Ended { .. } => ended += 1,
                other => panic!("{other:?}"),
            }
        }
        peer.say(&format!(r#"{{"type":"ack","play_id":"p1","result":"{result}"}}"#)).await;
    }
    peer.say(r#"{"type":"heartbeat","server_ms":0}"#).await;
    assert_eq!(peer.hear().await, FromOverlay::Heartbeat {});
    assert_eq!((claims, ended), (2, 1));
    assert!(overlay.is_settled());
    overlay.stop().await;
    let log = log.lock().unwrap().clone();
    assert!(
        log.ends_with(&["claim 1", "Settled", "claim 2", "Duplicate", "Stopped"].map(String::from)),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_code_decides_between_coming_back_and_staying_away() {
    let (server, mut settings) = Server::start().await;
    settings.source = Some(Ipv4Addr::new(127, 0, 0, 9));
    let (overlay, log) = start(settings, &Outbox::default());
    let (peer, _) = server.greet().await;
    assert_eq!(peer.address.ip(), Ipv4Addr::new(127, 0, 0, 9));
    peer.close(3_000).await;
    let (peer, _) = server.greet().await;
    peer.close(3_501).await;
    overlay.stop().await;
    let expected = [
        "welcome".into(),
        format!("{:?}", Lost::Closed(3_000)),
        "welcome".into(),
        format!("{:?}", Lost::Closed(3_501)),
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_retired_overlay_says_that_it_is_hidden() {
    let (server, settings) = Server::start().await;
    let (overlay, _) = start(settings, &Outbox::default());
    let (mut peer, _) = server.greet().await;
    peer.show("p1").await;
    overlay.retire();
    assert_eq!(peer.hear().await, FromOverlay::Ended { play_id: "p1".into() });
    let rest = [peer.hear().await, peer.hear().await];
    assert!(
        rest.iter().any(|frame| matches!(frame, FromOverlay::Status(status) if !status.visible)),
        "{rest:?}"
    );
    assert!(rest.iter().any(|frame| matches!(frame, FromOverlay::Claim(_))), "{rest:?}");
    assert!(!overlay.is_settled());
    drop(overlay);
    while let Some(Ok(_)) = peer.socket.next().await {}
}

#[tokio::test]
async fn a_stalled_reader_sees_that_it_was_closed() {
    let (server, mut settings) = Server::start().await;
    settings.stall = Some(Stall { after: Duration::ZERO, pings_per_s: 20 });
    let (overlay, log) = start(settings, &Outbox::default());
    let (mut peer, _) = server.greet().await;
    for _ in 0..100 {
        peer.say(r#"{"type":"heartbeat","server_ms":0}"#).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let frame = CloseFrame { code: 3_002.into(), reason: "".into() };
    peer.socket.send(Message::Close(Some(frame))).await.unwrap();
    peer.socket.get_mut().shutdown().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), async {
        while !overlay.is_over() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        ["welcome".into(), "stalled".into(), format!("{:?}", Lost::Closed(3_002))]
    );
}
