//! Redis under test: the shared server that `scripts/databases` starts, each test with a prefix of its
//! own; and servers of a test's own, to be stopped, killed and starved.

use super::socket::SOON;
use super::{eventually, free_port, random};
use gametriggers::bus::redis::Redis;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{CampaignTotals, Heard, LiveError, StreamerTotals, Subscription};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, tcp};
use tokio::process::{Child, Command};

/// The shared server.
pub(crate) fn shared_url() -> String {
    std::env::var("GAMETRIGGERS_TEST_REDIS").expect(
        "GAMETRIGGERS_TEST_REDIS is not set: this test needs a Redis; run it with \
         `scripts/databases cargo test`, which starts one",
    )
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    format!("test:{:016x}", random())
}

/// A node of its own, as far as Redis is concerned; it hears itself.
pub(crate) async fn node(url: &str, prefix: &str, number: u64) -> Redis {
    let node = Redis::start(url, prefix, number).unwrap();
    up(&node).await;
    node
}

/// Waits until a node has Redis.
pub(crate) async fn up(node: &Redis) {
    eventually("the node has redis", async || node.live.is_up() && node.bus.is_up()).await;
}

/// Asks until there is an answer: a node waits for Redis less long than a busy machine may need.
pub(crate) async fn answered<T>(ask: impl AsyncFn() -> Result<T, LiveError>) -> T {
    let wait = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("redis answers")
}

/// Publishes until it is certain that Redis has it; twice is as good as once.
pub(crate) async fn publish(
    node: &Redis,
    campaigns: &[(CampaignId, CampaignTotals)],
    streamers: &[(StreamerId, StreamerTotals)],
) {
    answered(async || node.live.publish(campaigns, streamers).await).await;
}

/// A client that is no node.
pub(crate) async fn client(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let patient =
        AsyncConnectionConfig::new().set_connection_timeout(Some(SOON)).set_response_timeout(Some(SOON));
    redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await
}

/// Everything that a listener heard until nothing more came for `quiet`.
pub(crate) async fn heard(listener: &mut Box<dyn Subscription>, quiet: Duration) -> Vec<Heard> {
    let mut all = Vec::new();
    while let Ok(Some(heard)) = tokio::time::timeout(quiet, listener.next()).await {
        all.push(heard);
    }
    all
}

/// Waits until a listener hears that it missed something.
pub(crate) async fn hears_of_a_gap(listener: &mut Box<dyn Subscription>) {
    let wait = async { while listener.next().await != Some(Heard::Missed) {} };
    tokio::time::timeout(SOON, wait).await.expect("a gap that nobody is told of");
}

/// A server of a test's own, without anything on disk.
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    /// A server that does not run yet.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), port: free_port(), process: None }
    }

    pub(crate) async fn started() -> Self {
        let mut server = Self::new();
        server.start().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, empty.
    pub(crate) async fn start(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", port.as_str(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        self.process = Some(child.expect("redis-server has to be installed: apt-get install redis-server"));
        eventually("redis answers", async || self.try_connect().await.is_some()).await;
    }

    /// SIGKILL: what it knew is gone.
    pub(crate) async fn kill(&mut self) {
        self.process.take().expect("it does not run").kill().await.unwrap();
    }

    /// SIGSTOP: it holds its connections and says nothing.
    pub(crate) async fn stall(&self) {
        self.signal("-STOP").await;
    }

    /// SIGCONT.
    pub(crate) async fn go_on(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.as_ref().and_then(Child::id).expect("it does not run").to_string();
        assert!(Command::new("kill").args([signal, id.as_str()]).status().await.unwrap().success());
    }

    /// A client beside the one under test.
    pub(crate) async fn client(&self) -> MultiplexedConnection {
        self.try_connect().await.expect("redis answers")
    }

    async fn try_connect(&self) -> Option<MultiplexedConnection> {
        let mut connection = client(&self.url()).await.ok()?;
        redis::cmd("PING").query_async::<String>(&mut connection).await.ok()?;
        Some(connection)
    }

    /// Changes a setting while it runs.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        let mut client = self.client().await;
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec_async(&mut client).await.unwrap();
    }
}

/// Between a node and Redis: while it is deaf, what Redis says to whoever has subscribed is lost, and
/// every connection stays open.
pub(crate) struct DeafProxy {
    pub(crate) url: String,
    deaf: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl DeafProxy {
    pub(crate) async fn start(server: &RedisServer) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (deaf, port) = (Arc::<AtomicBool>::default(), server.port);
        let is_deaf = Arc::clone(&deaf);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let subscribed = Arc::<AtomicBool>::default();
                tokio::spawn(ask(from_client, to_server, Arc::clone(&subscribed)));
                tokio::spawn(answer(from_server, to_client, subscribed, Arc::clone(&is_deaf)));
            }
        });
        Self { url, deaf, task }
    }

    pub(crate) fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::Relaxed);
    }
}

impl Drop for DeafProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, subscribed: Arc<AtomicBool>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if buffer[..count].windows(9).any(|word| word == b"SUBSCRIBE") {
            subscribed.store(true, Ordering::Relaxed);
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn answer(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    subscribed: Arc<AtomicBool>,
    deaf: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let lost = subscribed.load(Ordering::Relaxed) && deaf.load(Ordering::Relaxed);
        if !lost && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
