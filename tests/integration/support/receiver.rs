//! A receiver of webhooks that misbehaves when a test says so.

use super::http::read_head;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// What it does with one request. Without any more it says 204.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Answers with these bytes and closes.
    Says(String),
    /// Takes the request and never answers.
    Hangs,
    /// Says 200 and never stops sending.
    Floods,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

/// The receiver.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    plans: Arc<Mutex<VecDeque<Does>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let receiver = Self { addr, heard: Arc::default(), plans: Arc::default() };
        let own = receiver.clone();
        actix_rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                actix_rt::spawn(async move { own.serve(stream).await });
            }
        });
        receiver
    }

    /// What it does next, after what it was told before.
    pub(crate) fn will(&self, does: Does) {
        self.plans.lock().unwrap().push_back(does);
    }

    pub(crate) fn will_say(&self, status: &str) {
        self.will(Does::Says(format!("HTTP/1.1 {status}\r\n\r\nas you like")));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// What it was told of, in order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The events of one type.
    pub(crate) fn of(&self, event: &str) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.json()["type"] == event).collect()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(heard) = read(&mut stream).await else { return };
        self.heard.lock().unwrap().push(heard);
        let plan = self.plans.lock().unwrap().pop_front();
        match plan.unwrap_or_else(|| Does::Says("HTTP/1.1 204 No Content\r\n\r\n".to_owned())) {
            Does::Says(bytes) => drop(stream.write_all(bytes.as_bytes()).await),
            Does::Hangs => tokio::time::sleep(Duration::from_secs(120)).await,
            Does::Floods => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let (line, rest) = head.split_once("\r\n")?;
        let (_, headers) = read_head(&format!("HTTP/1.1 200\r\n{rest}"));
        let length: usize = headers.get("content-length")?.parse().ok()?;
        let body = &bytes[end + 4..];
        if body.len() >= length {
            let path = line.split(' ').nth(1)?.to_owned();
            return Some(Heard {
                path,
                headers,
                body: String::from_utf8(body.to_vec()).ok()?,
                at: Instant::now(),
            });
        }
    }
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Checks the signature with a program that knows nothing of the server; of a secret `whsec_...`.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = openssl(&["base64", "-d", "-A"], secret.strip_prefix("whsec_").unwrap().as_bytes());
        assert_eq!(key.len(), 32);
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let hex = format!("hexkey:{key}");
        let mac = ["dgst", "-sha256", "-mac", "HMAC", "-macopt", &hex, "-binary"];
        let wanted = openssl(&["base64", "-A"], &openssl(&mac, signed.as_bytes()));
        let wanted = format!("v1,{}", String::from_utf8(wanted).unwrap().trim());
        self.headers["webhook-signature"].split(' ').any(|one| one == wanted)
    }
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}
