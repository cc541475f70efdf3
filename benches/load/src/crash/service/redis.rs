//! A throw-away Redis that keeps nothing: when it comes back, it is empty.

use crate::failure::Failure;
use crate::server::free_address;
use gametriggers_simulated_overlay::now;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const START_MAX: Duration = Duration::from_secs(20);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A running Redis, or one that was killed.
#[derive(Debug)]
pub(crate) struct Redis {
    address: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl Redis {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("a directory for Redis"))?;
        let address = free_address()?;
        let child = spawn(address, &folder)?;
        let mut redis = Self { address, folder, child };
        redis.ready().await?;
        Ok(redis)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill().await.map_err(Failure::io("kill Redis"))
    }

    /// Starts it again, empty.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        self.child = spawn(self.address, &self.folder)?;
        self.ready().await
    }

    /// Forgets everything while it runs.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        self.ask("FLUSHALL").await.map(|_| ()).map_err(Failure::io("flush Redis"))
    }

    async fn ask(&self, question: &str) -> std::io::Result<String> {
        let talk = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(format!("{question}\r\n").as_bytes()).await?;
            let mut answer = vec![0; 256];
            let read = stream.read(&mut answer).await?;
            answer.truncate(read);
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(ANSWER_MAX, talk).await?
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        let began = now().at;
        while !matches!(self.ask("PING").await, Ok(answer) if answer.starts_with("+PONG")) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::Refused(format!("redis-server ended with {status}")));
            }
            if now().at.saturating_duration_since(began) > START_MAX {
                return Err(Failure::Late("redis-server is not ready".into()));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

fn spawn(address: SocketAddr, folder: &TempDir) -> Result<Child, Failure> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::io("start redis-server (apt-get install redis-server)"))
}
