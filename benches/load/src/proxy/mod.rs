//! A proxy that stands between the server and a database, and misbehaves on demand.
//!
//! It can make everything late, let nothing through (half-open connections), reset all connections,
//! and cut one at the worst moment: after the bytes of a COMMIT have gone to Postgres and before the
//! answer has come back. Then the client can not know whether the transaction is durable, and has to
//! find out. So that both is true at times, some cuts wait for the answer and swallow it, some reset
//! at once, and some lose the COMMIT itself.

mod frame;

use crate::failure::Failure;
use frame::Frontend;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PIECE: usize = 64 * 1024;
/// An answer that is swallowed comes within this, or the cut is made without it.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Where a COMMIT is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The answer is swallowed: the transaction is durable.
    Answer,
    /// Right after the COMMIT: it may be either.
    AtOnce,
    /// The COMMIT is swallowed: the transaction is not durable.
    Commit,
}

/// How many COMMITs were cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    /// After their bytes had gone to the database.
    pub(crate) after: u64,
    /// Before.
    pub(crate) before: u64,
}

#[derive(Debug)]
struct Control {
    target: SocketAddr,
    reads_frames: bool,
    latency_us: AtomicU64,
    stalled: watch::Sender<bool>,
    resets: watch::Sender<u64>,
    armed: watch::Sender<Option<Cut>>,
    after: AtomicU64,
    before: AtomicU64,
}

/// A proxy that listens. It ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    control: Arc<Control>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of the target. It looks for COMMITs when it `reads_frames`.
    pub(crate) async fn start(target: SocketAddr, reads_frames: bool) -> Result<Self, Failure> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::io("bind the proxy"))?;
        let address = listener.local_addr().map_err(Failure::io("bind the proxy"))?;
        let control = Arc::new(Control {
            target,
            reads_frames,
            latency_us: AtomicU64::new(0),
            stalled: watch::Sender::new(false),
            resets: watch::Sender::new(0),
            armed: watch::Sender::new(None),
            after: AtomicU64::new(0),
            before: AtomicU64::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&control)));
        Ok(Self { address, control, task })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Each piece, in each direction, waits so long.
    pub(crate) fn delay(&self, latency: Duration) {
        let latency = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.control.latency_us.store(latency, Ordering::Relaxed);
    }

    /// Lets nothing through, until it is told otherwise. Nobody sees a connection close.
    pub(crate) fn stall(&self, stalled: bool) {
        self.control.stalled.send_replace(stalled);
    }

    /// Resets every connection, with RST instead of FIN.
    pub(crate) fn reset(&self) {
        self.control.resets.send_modify(|resets| *resets += 1);
    }

    /// The next COMMIT is cut. Waits for it; false when none came.
    pub(crate) async fn cut(&self, cut: Cut, limit: Duration) -> bool {
        self.control.armed.send_replace(Some(cut));
        let mut armed = self.control.armed.subscribe();
        let came = timeout(limit, armed.wait_for(Option::is_none)).await.is_ok();
        self.control.armed.send_replace(None);
        came
    }

    /// How many COMMITs were cut so far.
    pub(crate) fn cuts(&self) -> Cuts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Cuts { after: read(&self.control.after), before: read(&self.control.before) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.reset();
    }
}

async fn accept(listener: TcpListener, control: Arc<Control>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(serve(client, Arc::clone(&control)));
    }
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    /// Both sides are reset.
    Reset,
    /// The client is reset, the database sees an orderly end: it has read all that was sent.
    ResetClient,
}

async fn serve(mut client: TcpStream, control: Arc<Control>) {
    let mut resets = control.resets.subscribe();
    let Ok(mut server) = TcpStream::connect(control.target).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let pair = Pair { control: &control, cutting: AtomicBool::new(false), answered: Notify::new() };
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            end = pair.up(from_client, to_server) => end,
            end = pair.down(from_server, to_client) => end,
            _ = resets.changed() => End::Reset,
        }
    };
    if end != End::Closed {
        let _ = client.set_zero_linger();
    }
    if end == End::Reset {
        let _ = server.set_zero_linger();
    }
}

/// The two directions of a connection.
struct Pair<'c> {
    control: &'c Control,
    /// The client hears no more.
    cutting: AtomicBool,
    answered: Notify,
}

impl Pair<'_> {
    async fn up(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> End {
        let mut frontend = Frontend::default();
        let mut piece = vec![0; PIECE];
        loop {
            let Some(read) = next(&mut from, &mut piece).await else { return End::Closed };
            self.wait().await;
            let commits = self.control.reads_frames && frontend.read(read);
            let cut = if commits { self.control.armed.send_replace(None) } else { None };
            if cut == Some(Cut::Commit) {
                self.control.before.fetch_add(1, Ordering::Relaxed);
                return End::Reset;
            }
            self.cutting.store(cut.is_some(), Ordering::Relaxed);
            if to.write_all(read).await.is_err() {
                return End::Closed;
            }
            let Some(cut) = cut else { continue };
            self.control.after.fetch_add(1, Ordering::Relaxed);
            if cut == Cut::Answer {
                let _ = timeout(ANSWER_MAX, self.answered.notified()).await;
                return End::ResetClient;
            }
            return End::Reset;
        }
    }

    async fn down(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> End {
        let mut piece = vec![0; PIECE];
        loop {
            let Some(read) = next(&mut from, &mut piece).await else { return End::Closed };
            if self.cutting.load(Ordering::Relaxed) {
                self.answered.notify_one();
                continue;
            }
            self.wait().await;
            if to.write_all(read).await.is_err() {
                return End::Closed;
            }
        }
    }

    async fn wait(&self) {
        let latency = self.control.latency_us.load(Ordering::Relaxed);
        if latency > 0 {
            sleep(Duration::from_micros(latency)).await;
        }
        let mut stalled = self.control.stalled.subscribe();
        let _ = stalled.wait_for(|stalled| !*stalled).await;
    }
}

async fn next<'b>(from: &mut ReadHalf<'_>, piece: &'b mut [u8]) -> Option<&'b [u8]> {
    let read = from.read(piece).await.ok().filter(|read| *read > 0)?;
    piece.get(..read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that answers every piece with `ok`.
    async fn database() -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut piece = [0; 1024];
                    while matches!(stream.read(&mut piece).await, Ok(1..)) {
                        let _ = stream.write_all(b"ok").await;
                    }
                });
            }
        });
        (address, task)
    }

    async fn say(stream: &mut TcpStream, words: &[u8]) -> std::io::Result<usize> {
        say_in(Duration::from_secs(5), stream, words).await
    }

    async fn say_in(limit: Duration, stream: &mut TcpStream, words: &[u8]) -> std::io::Result<usize> {
        stream.write_all(words).await?;
        let mut answer = [0; 8];
        timeout(limit, stream.read(&mut answer)).await?
    }

    const START: &[u8] = b"\0\0\0\x08\0\x03\0\0";
    const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

    #[tokio::test]
    async fn a_commit_goes_through_unless_it_is_cut() {
        let (target, task) = database().await;
        let proxy = Proxy::start(target, true).await.unwrap();
        for (cut, after, before) in [(Cut::Answer, 1, 0), (Cut::AtOnce, 2, 0), (Cut::Commit, 2, 1)] {
            let mut client = TcpStream::connect(proxy.address()).await.unwrap();
            assert_eq!(say(&mut client, START).await.unwrap(), 2);
            assert_eq!(say(&mut client, COMMIT).await.unwrap(), 2);
            let (came, said) = tokio::join!(proxy.cut(cut, Duration::from_secs(5)), say(&mut client, COMMIT));
            assert!(came);
            assert_eq!(said.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset, "{cut:?}");
            assert_eq!(proxy.cuts(), Cuts { after, before });
        }
        assert!(!proxy.cut(Cut::Answer, Duration::from_millis(10)).await);
        task.abort();
    }

    #[tokio::test]
    async fn it_stalls_and_resets() {
        let (target, task) = database().await;
        let proxy = Proxy::start(target, false).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.stall(true);
        let nothing = say_in(Duration::from_millis(300), &mut client, b"a").await;
        assert_eq!(nothing.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        proxy.stall(false);
        let mut answer = [0; 2];
        client.read_exact(&mut answer).await.unwrap();
        proxy.delay(Duration::from_millis(1));
        assert_eq!(say(&mut client, b"b").await.unwrap(), 2);
        proxy.reset();
        let mut rest = [0; 8];
        let error = client.read(&mut rest).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        task.abort();
    }
}
