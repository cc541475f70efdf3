//! The server as a process: started on a directory and a port, watched, ended by its id.

use crate::failure::Failure;
use crate::http::get;
use crate::process::signal;
use crate::site::Site;
use gametriggers_simulated_overlay::{Random, now};
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const ENDING_MAX: Duration = Duration::from_secs(30);
const COMMAND_MAX: Duration = Duration::from_secs(300);
const READY_MAX: Duration = Duration::from_secs(60);
const READY_LOOK: Duration = Duration::from_millis(20);

/// How the server is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// What it serves. What it logs goes to `server.log` in that folder.
    pub(crate) site: Site,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Settings, as environment variables.
    pub(crate) env: Vec<(&'static str, String)>,
    /// A command that runs the server in its own place, with its arguments; none is usual.
    pub(crate) through: Vec<String>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pid: u32,
    address: SocketAddr,
    log: PathBuf,
    started: Instant,
}

impl Launch {
    /// Starts it and returns at once.
    pub(crate) fn start(&self) -> Result<Server, Failure> {
        let log = self.site.path().join("server.log");
        let sink =
            OpenOptions::new().create(true).append(true).open(&log).map_err(Failure::io("server.log"))?;
        let mut command = match self.through.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        let child = command
            .arg("serve")
            .args(self.site.arguments()?)
            .env("GAMETRIGGERS__SERVER__BIND", self.address.to_string())
            .env("GAMETRIGGERS__PLAY__MINIMUM_GAP_MS", "0")
            // The demo's rules are in its configuration; they would keep one brand's campaigns apart.
            .env("GAMETRIGGERS__CONFLICT_RULES", "[]")
            // What the runs ask for is more than one caller is allowed.
            .env("GAMETRIGGERS__LIMITS__KEY_PER_MINUTE", "0")
            .env("GAMETRIGGERS__LIMITS__USER_PER_MINUTE", "0")
            .env("GAMETRIGGERS__LIMITS__WRITE_PER_MINUTE", "0")
            .env("GAMETRIGGERS__LIMITS__ADDRESS_PER_MINUTE", "0")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(sink)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::io("start the server"))?;
        let pid = child.id().ok_or_else(|| Failure::Server("ended at once".into()))?;
        Ok(Server { child, pid, address: self.address, log, started: now().at })
    }
}

impl Server {
    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it says that it can take work.
    pub(crate) async fn ready(&mut self) -> Result<(), Failure> {
        let began = now().at;
        while get(self.address, "/health/ready").await != Some(200) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::Server(format!("ended with {status}; {}", self.last_words())));
            }
            if now().at.saturating_duration_since(began) > READY_MAX {
                return Err(Failure::Late(format!("the server is not ready; {}", self.last_words())));
            }
            sleep(READY_LOOK).await;
        }
        Ok(())
    }

    /// SIGKILL, and waits until the process is gone. Says how it ended: not by the signal when it
    /// had ended by itself before.
    pub(crate) async fn kill(&mut self) -> Result<ExitStatus, Failure> {
        // Fails only when the process is gone; the status tells.
        let _ = self.child.start_kill();
        self.end().await
    }

    /// Waits until the process ends by itself; none when it does not.
    pub(crate) async fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        timeout(limit, self.child.wait()).await.ok().and_then(Result::ok)
    }

    /// SIGTERM, and waits for the orderly end.
    pub(crate) async fn terminate(&mut self) -> Result<(), Failure> {
        signal(self.pid, "TERM")?;
        let status = self.end().await?;
        if !status.success() {
            return Err(Failure::Server(format!("stopped with {status}; {}", self.last_words())));
        }
        Ok(())
    }

    /// Whether it was started within this time.
    pub(crate) fn is_young(&self, age: Duration) -> bool {
        self.started.elapsed() < age
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        format!("its log ends: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" | "))
    }

    async fn end(&mut self) -> Result<ExitStatus, Failure> {
        match timeout(ENDING_MAX, self.child.wait()).await {
            Ok(ended) => ended.map_err(Failure::io("wait for the server")),
            Err(_) => Err(Failure::Late("the server does not end".into())),
        }
    }
}

/// Runs one of the server's commands to its end.
pub(crate) async fn command(binary: &Path, arguments: &[&str]) -> Result<Output, Failure> {
    let run = Command::new(binary).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    match timeout(COMMAND_MAX, run).await {
        Ok(output) => output.map_err(Failure::io("run a command of the server")),
        Err(_) => Err(Failure::Late(format!("`{}`", arguments.join(" ")))),
    }
}

/// A free address whose port lies below the range from which the kernel takes source ports: while
/// a server is dead, an overlay that got the very port as its own would connect to itself. Not out of a
/// run's seed: two runs at once must not meet.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    let mut random =
        Random::new(now().wall_us.unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32));
    for _ in 0..100 {
        let port = u16::try_from(random.between(20_000, 29_999)).unwrap_or(20_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Failure::Refused("no free port".into()))
}
