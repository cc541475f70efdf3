//! Connections to Redis: how they are set up, and the one that carries commands.
//!
//! A command never waits for a connection: without one it fails at once, and whoever asked goes on. A
//! task of its own opens the connection again and proves every second that what is written comes back.

use super::NodeId;
use arc_swap::ArcSwapOption;
use gametriggers_actors::ports::LiveError;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, RedisError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// A command without an answer after this has failed, whatever became of it.
const RESPONSE: Duration = Duration::from_millis(300);
/// Opening a connection may take this long.
const CONNECT: Duration = Duration::from_secs(1);
/// Bytes that the other side does not take for so long end the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(5);
/// Commands that wait to be written.
const PIPELINE: usize = 1024;
/// Commands that wait for their answer.
const IN_FLIGHT: usize = 4096;
/// The proof that Redis keeps what it is given, this often.
const PROBE: Duration = Duration::from_secs(1);
/// The wait before a lost connection is opened again, doubled each time.
const RETRY_MIN: Duration = Duration::from_millis(250);
/// The longest such wait.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// The mark of a node that does not come back goes away after this, in seconds.
const MARK_SECONDS: u64 = 3600;

/// The waits between attempts.
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(RETRY_MIN)
    }
}

impl Backoff {
    /// Waits, and longer the next time.
    pub(super) async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(RETRY_MAX);
    }
}

/// A client for a URL: TCP without delay, RESP3.
pub(super) fn client(url: &str) -> Result<Client, RedisError> {
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(10));
    let tcp =
        TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(USER_TIMEOUT);
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_tcp_settings(tcp).set_redis_settings(settings))
}

/// How every connection is set up.
pub(super) fn settings() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(RESPONSE))
        .set_pipeline_buffer_size(PIPELINE)
        .set_concurrency_limit(IN_FLIGHT)
}

/// Opens a connection, and gives up in time whatever the other side does.
pub(super) async fn open(
    client: &Client,
    settings: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let opening = client.get_multiplexed_async_connection_with_config(settings);
    timeout(CONNECT * 2, opening).await.unwrap_or_else(|_| Err(std::io::Error::other("no answer").into()))
}

/// The connection that carries commands.
#[derive(Default)]
pub(super) struct Link {
    connection: ArcSwapOption<MultiplexedConnection>,
    up: AtomicBool,
    /// A command failed: look at once.
    look: Notify,
}

/// What a probe found.
enum Probe {
    /// What was written last time is there.
    Kept,
    /// Redis answers, but refuses writes or has lost what was written.
    NotKept(String),
    /// The connection is of no use.
    Lost(RedisError),
}

impl Link {
    /// Whether Redis keeps what it is given.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The connection, if there is one now.
    pub(super) fn get(&self) -> Result<MultiplexedConnection, LiveError> {
        let connection = self.connection.load_full();
        connection.map(|c| MultiplexedConnection::clone(&c)).ok_or_else(|| LiveError("no connection".into()))
    }

    /// A command failed. The probe finds out why.
    pub(super) fn failed(&self, error: &RedisError) -> LiveError {
        self.up.store(false, Ordering::Relaxed);
        self.look.notify_one();
        LiveError(error.to_string())
    }

    /// Keeps the connection open and probes it, for ever.
    pub(super) async fn keep(self: Arc<Self>, client: Client, mark: String, node: NodeId) {
        let (mut backoff, mut turn) = (Backoff::default(), Turn { mark, node, number: 0 });
        let mut said = false;
        loop {
            match open(&client, &settings()).await {
                Ok(connection) => {
                    self.connection.store(Some(Arc::new(connection.clone())));
                    let error = self.watch(connection, &mut turn, &mut backoff).await;
                    tracing::warn!(%error, "redis is lost; plays and money go on without it");
                    said = true;
                }
                Err(error) => {
                    // Once, not at each attempt.
                    if !std::mem::replace(&mut said, true) {
                        tracing::warn!(%error, "redis can not be reached; plays and money go on without it");
                    }
                }
            }
            self.connection.store(None);
            self.up.store(false, Ordering::Relaxed);
            backoff.wait().await;
        }
    }

    /// Probes until the connection is lost.
    async fn watch(
        &self,
        mut connection: MultiplexedConnection,
        turn: &mut Turn,
        backoff: &mut Backoff,
    ) -> RedisError {
        loop {
            match turn.probe(&mut connection).await {
                Probe::Kept => {
                    *backoff = Backoff::default();
                    if !self.up.swap(true, Ordering::Relaxed) {
                        tracing::info!("redis keeps what it is given");
                    }
                }
                Probe::NotKept(why) => {
                    *backoff = Backoff::default();
                    if self.up.swap(false, Ordering::Relaxed) {
                        tracing::warn!(%why, "redis does not keep what it is given");
                    }
                }
                Probe::Lost(error) => return error,
            }
            // A failed command has a look at once, but not without any pause.
            tokio::select! {
                () = sleep(PROBE) => {}
                () = self.look.notified() => sleep(RETRY_MIN).await,
            }
        }
    }
}

/// A number that grows, written each time over the last one.
struct Turn {
    mark: String,
    node: NodeId,
    number: u64,
}

impl Turn {
    async fn probe(&mut self, connection: &mut MultiplexedConnection) -> Probe {
        let last = format!("{:x}:{}", self.node.0, self.number);
        let next = format!("{:x}:{}", self.node.0, self.number + 1);
        let mut set = redis::cmd("SET");
        set.arg(&self.mark).arg(next).arg("EX").arg(MARK_SECONDS).arg("GET");
        let answer: Result<Option<String>, RedisError> = set.query_async(connection).await;
        match answer {
            Ok(found) => {
                let kept = self.number == 0 || found.as_deref() == Some(last.as_str());
                self.number += 1;
                if kept { Probe::Kept } else { Probe::NotKept("what was written is gone".into()) }
            }
            // Out of memory, loading, or read-only: it will say so until it is over.
            Err(error) if !error.is_unrecoverable_error() && !error.is_timeout() => {
                Probe::NotKept(error.to_string())
            }
            Err(error) => Probe::Lost(error),
        }
    }
}
