//! A small HTTP client: one request, one connection, everything visible.

use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest a request may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A request that is put together step by step.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As the holder of a key; an empty one sends none.
    pub(crate) fn key(self, key: &str) -> Self {
        if key.is_empty() { self } else { self.header("authorization", format!("Bearer {key}")) }
    }

    pub(crate) fn idempotent(self, key: &str) -> Self {
        if key.is_empty() { self } else { self.header("idempotency-key", key) }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self, addr: SocketAddr) -> Response {
        let what = format!("{} {}", self.method, self.path);
        match tokio::time::timeout(LIMIT, self.exchange(addr)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => panic!("{what}: {error}"),
            Err(_) => panic!("{what}: no answer in {LIMIT:?}"),
        }
    }

    async fn exchange(self, addr: SocketAddr) -> std::io::Result<Response> {
        let mut stream = TcpStream::connect(addr).await?;
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str(&format!("host: {addr}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        // A server that refuses a body before its end may already have hung up.
        let _ = stream.write_all(&self.body).await;
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer).await
            && answer.is_empty()
        {
            return Err(error);
        }
        Ok(Response::read(&answer))
    }
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head and an empty line");
        let head = std::str::from_utf8(&bytes[..end]).expect("a head of ASCII");
        let (status, headers) = read_head(head);
        Self { status, headers, body: bytes[end + 4..].to_vec() }
    }

    /// A header, empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of an answer that is no problem of the server's own making.
    pub(crate) fn ok_text(&self) -> String {
        assert!(self.status < 500, "{}", self.text());
        self.text()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON of an answer with this status.
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// What is another's: not there for who could have such a thing, out of scope for everybody else.
    pub(crate) fn closed(&self) {
        if self.status == 403 {
            self.problem(403, "forbidden");
            let challenge = self.header("www-authenticate");
            assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
        } else {
            self.problem(404, "not-found");
        }
    }

    /// A problem of this status and name, as RFC 9457 has it.
    pub(crate) fn problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let body = self.json();
        assert_eq!(body["type"], format!("/problems/{name}"));
        assert_eq!(body["status"], status);
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        body
    }
}

/// Status and headers, names in small letters.
pub(crate) fn read_head(head: &str) -> (u16, HashMap<String, String>) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    (status.expect("a status line"), headers)
}
