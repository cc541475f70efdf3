//! A WebSocket client of raw frames, so that a test can also say what no library would.

use super::http::read_head;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long a test waits for what has to come.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PING: u8 = 0x89;

/// What the server sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Text(Value),
    Pong(Vec<u8>),
    Close(u16, String),
    /// The connection ended without a close frame.
    End,
}

/// The answer to a handshake.
pub(crate) struct Handshake {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) socket: Socket,
}

/// An open socket.
pub(crate) struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A handshake that the server has to accept, unless `change` spoils it.
pub(crate) fn upgrade(addr: SocketAddr, path: &str, more: &[(&str, &str)]) -> String {
    let mut head =
        format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
    head.push_str("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    for (name, value) in more {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// Sends a handshake and reads the head of the answer.
pub(crate) async fn handshake(stream: TcpStream, request: &str) -> Handshake {
    let mut socket = Socket { stream, buffer: Vec::new() };
    socket.raw(request.as_bytes()).await;
    let end = loop {
        if let Some(end) = socket.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        assert!(timeout(SOON, socket.fill()).await.expect("an answer to a handshake"), "the server hung up");
    };
    let head: Vec<u8> = socket.buffer.drain(..end + 4).collect();
    let (status, headers) = read_head(std::str::from_utf8(&head[..end]).expect("a head of ASCII"));
    Handshake { status, headers, socket }
}

impl Socket {
    pub(crate) async fn open(addr: SocketAddr, path: &str) -> Self {
        Self::on(TcpStream::connect(addr).await.unwrap(), addr, path).await
    }

    /// With buffers so small that the server's writes soon wait for this side's reads.
    pub(crate) async fn narrow(addr: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        // Small segments: with those of the loopback the server's side would have room for megabytes.
        socket2::SockRef::from(&socket).set_tcp_mss(536).unwrap();
        Self::on(socket.connect(addr).await.unwrap(), addr, path).await
    }

    async fn on(stream: TcpStream, addr: SocketAddr, path: &str) -> Self {
        let answer = handshake(stream, &upgrade(addr, path, &[])).await;
        assert_eq!(answer.status, 101);
        assert_eq!(answer.headers.get("sec-websocket-accept").unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        answer.socket
    }

    /// Bytes as they are. What the server does not take any more is no error here.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// As many of `total` zero bytes as the server takes in time.
    pub(crate) async fn flood(&mut self, total: usize, limit: Duration) {
        let chunk = vec![0; 1 << 16];
        let write = async {
            for _ in 0..total / chunk.len() {
                if self.stream.write_all(&chunk).await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(limit, write).await;
    }

    /// One masked frame; `first` is its first byte.
    pub(crate) async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.raw(&masked(first, payload)).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.frame(TEXT, text.as_bytes()).await;
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.text(&message.to_string()).await;
    }

    async fn fill(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk).await {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.buffer.extend_from_slice(&chunk[..read]);
                true
            }
        }
    }

    /// A whole frame of the server, out of the buffer.
    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.buffer.first()?, *self.buffer.get(1)?);
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (start, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(self.buffer.get(2..4)?.try_into().unwrap()))),
            127 => panic!("the server sends no frame of 64 KiB"),
            short => (2, usize::from(short)),
        };
        let payload = self.buffer.get(start..start + length)?.to_vec();
        self.buffer.drain(..start + length);
        Some((first, payload))
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            if let Some((first, payload)) = self.take() {
                return match first & 0x0f {
                    1 => Frame::Text(serde_json::from_slice(&payload).expect("JSON")),
                    10 => Frame::Pong(payload),
                    8 => match payload.split_first_chunk::<2>() {
                        Some((code, reason)) => Frame::Close(
                            u16::from_be_bytes(*code),
                            String::from_utf8_lossy(reason).into_owned(),
                        ),
                        None => Frame::Close(1005, String::new()),
                    },
                    other => panic!("opcode {other}"),
                };
            }
            if !self.fill().await {
                return Frame::End;
            }
        }
    }

    /// The next message of this type; what comes before it is passed over.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        self.expect_in(SOON, kind).await
    }

    pub(crate) async fn expect_in(&mut self, limit: Duration, kind: &str) -> Value {
        self.find(limit, kind, |_| true).await
    }

    /// The next message of this type that fits.
    pub(crate) async fn find(&mut self, limit: Duration, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let search = async {
            loop {
                match self.next().await {
                    Frame::Text(message) if message["type"] == kind && fits(&message) => return message,
                    Frame::Text(_) | Frame::Pong(_) => {}
                    end => panic!("{end:?} while waiting for {kind}"),
                }
            }
        };
        timeout(limit, search).await.unwrap_or_else(|_| panic!("no {kind} in {limit:?}"))
    }

    /// Whether no message of this type comes within the time.
    pub(crate) async fn is_without(&mut self, span: Duration, kind: &str) -> bool {
        let search = async {
            loop {
                match self.next().await {
                    Frame::Text(message) if message["type"] == kind => return,
                    Frame::Text(_) | Frame::Pong(_) => {}
                    end => panic!("{end:?} while nothing was to happen"),
                }
            }
        };
        timeout(span, search).await.is_err()
    }

    /// The close frame of the server and then the end of the connection.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        self.closed_in(SOON).await
    }

    pub(crate) async fn closed_in(&mut self, limit: Duration) -> (u16, String) {
        let search = async {
            loop {
                match self.next().await {
                    Frame::Close(code, reason) => break (code, reason),
                    Frame::End => panic!("the connection ended without a close frame"),
                    Frame::Text(_) | Frame::Pong(_) => {}
                }
            }
        };
        let closed = timeout(limit, search).await.unwrap_or_else(|_| panic!("no close in {limit:?}"));
        assert_eq!(
            timeout(SOON, self.next()).await.expect("the end of TCP"),
            Frame::End,
            "words after the close"
        );
        closed
    }

    /// Greets as a dashboard or a brand's client.
    pub(crate) async fn greet(&mut self, key: &str) {
        self.say(&json!({ "type": "hello", "v": 1, "token": key })).await;
    }
}

/// A frame as a client has to send it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
    let mut bytes = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        Ok(length) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend(u64::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
