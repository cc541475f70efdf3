//! A connection that stays open and asks one thing after the other, with as little work as it takes: this
//! process has its share of the cores that the server runs on.

use super::Kind;
use crate::failure::Failure;
use crate::number::micros;
use gametriggers_simulated_overlay::now;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

/// An answer that takes longer is an error.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A request, as it goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    bytes: Vec<u8>,
}

impl Asked {
    /// `GET path` as the holder of a key or a token.
    pub(super) fn new(kind: Kind, server: SocketAddr, path: &str, credential: &str) -> Self {
        let text =
            format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {credential}\r\n\r\n");
        Self { kind, bytes: text.into_bytes() }
    }
}

/// What one connection heard in the window.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Microseconds of each answer.
    pub(super) answers: Vec<(Kind, u64)>,
    pub(super) errors: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(server: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(server).await.map_err(Failure::io("connect"))?;
        stream.set_nodelay(true).map_err(Failure::io("connect"))?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Asks from the given one on, round and round, until the window ends; with `pause`, the first after the
    /// one time and then once in the other.
    pub(super) async fn run(
        mut self,
        asked: &[&Asked],
        first: usize,
        (from, to): (Instant, Instant),
        pause: Option<(Duration, Duration)>,
    ) -> Heard {
        let mut heard = Heard::default();
        let mut due = now().at + pause.map_or(Duration::ZERO, |(before, _)| before);
        for asked in asked.iter().cycle().skip(first % asked.len().max(1)) {
            let began = if let Some((_, gap)) = pause {
                let began = due;
                due += gap;
                sleep_until(began.into()).await;
                began
            } else {
                now().at
            };
            if began >= to {
                break;
            }
            let status = timeout(ANSWER_MAX, self.ask(asked)).await.ok().flatten();
            let ended = now().at;
            if status != Some(200) {
                heard.errors += 1;
            } else if began >= from && ended < to {
                heard.answers.push((asked.kind, micros(ended - began)));
            }
            if status.is_none() {
                break;
            }
        }
        heard
    }

    /// The status of the answer, when it came to its end; none when the connection is of no use any more.
    async fn ask(&mut self, asked: &Asked) -> Option<u16> {
        self.stream.write_all(&asked.bytes).await.ok()?;
        self.buffer.clear();
        loop {
            if let Some((status, length)) = answer(&self.buffer)
                && self.buffer.len() >= length
            {
                // Nothing comes that was not asked for.
                return (self.buffer.len() == length).then_some(status);
            }
            if self.buffer.len() > ANSWER_BYTES_MAX || self.stream.read_buf(&mut self.buffer).await.ok()? == 0
            {
                return None;
            }
        }
    }
}

/// Status and length in all of an answer whose head is there.
fn answer(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    Some((status, end + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(answer(text), Some((200, text.len())));
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\ncontent-le"), None);
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\n\r\n{}"), None);
    }

    #[tokio::test]
    async fn a_connection_counts_what_is_no_200_and_stops_at_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let serve = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            for status in [200, 200, 429, 200] {
                assert!(stream.read(&mut request).await.unwrap() > 0);
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let asked = Asked::new(Kind::Live, server, "/api/campaigns/1/live", "key");
        let (from, to) = (now().at, now().at + Duration::from_secs(60));
        let heard = Connection::open(server).await.unwrap().run(&[&asked], 0, (from, to), None).await;
        serve.await.unwrap();
        assert_eq!((heard.answers.len(), heard.errors), (3, 2), "{heard:?}");
    }
}
