//! A tap on the wire between the store and Postgres: counts how often the store waits for an answer.

use crate::Outcome;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Forwards until it is dropped.
pub(crate) struct Tap {
    pub(crate) url: String,
    pub(crate) waits: Arc<Waits>,
    task: tokio::task::JoinHandle<()>,
}

/// `Sync` and `Query` messages so far, by connection: each asks for an answer.
#[derive(Default)]
pub(crate) struct Waits(Mutex<Vec<Arc<AtomicU64>>>);

impl Waits {
    fn connection(&self) -> Arc<AtomicU64> {
        let counter = Arc::<AtomicU64>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counter));
        counter
    }

    pub(crate) fn seen(&self) -> Vec<u64> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
    }
}

impl Tap {
    pub(crate) async fn open(server: &str) -> Outcome<Self> {
        let mut url = Url::parse(server)?;
        let target = (url.host_str().ok_or("no host")?.to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        url.set_port(Some(listener.local_addr()?.port())).map_err(|()| "no port")?;
        url.set_host(Some("127.0.0.1"))?;
        let waits = Arc::<Waits>::default();
        let counter = Arc::clone(&waits);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), counter.connection()));
            }
        });
        Ok(Self { url: url.into(), waits, task })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(client: TcpStream, target: (String, u16), waits: Arc<AtomicU64>) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut frames = Frames { skip: 0, header: Vec::new(), started: false };
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = from_client.read(&mut chunk).await?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        waits.fetch_add(frames.waits(bytes), Ordering::Relaxed);
        to_server.write_all(bytes).await?;
    }
}

/// Follows the frames of the frontend: a type byte, unless it is the first one, and a length.
struct Frames {
    skip: usize,
    header: Vec<u8>,
    started: bool,
}

impl Frames {
    fn waits(&mut self, bytes: &[u8]) -> u64 {
        let mut found = 0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let skipped = self.skip.min(rest.len());
            self.skip -= skipped;
            rest = rest.get(skipped..).unwrap_or_default();
            let wanted = if self.started { 5 } else { 4 };
            while self.skip == 0 && self.header.len() < wanted {
                let Some((byte, after)) = rest.split_first() else { return found };
                self.header.push(*byte);
                rest = after;
            }
            if self.skip == 0 {
                let (kind, length) = self.header.split_at(wanted - 4);
                let length: [u8; 4] = length.try_into().unwrap_or_default();
                self.skip = usize::try_from(u32::from_be_bytes(length)).unwrap_or(4).saturating_sub(4);
                // The first frame without a type may only ask for TLS; then another such one follows.
                self.started = self.started || self.skip > 4;
                found += u64::from(matches!(kind, b"S" | b"Q"));
                self.header.clear();
            }
        }
        found
    }
}
