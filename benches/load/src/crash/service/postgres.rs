//! A throw-away Postgres that keeps what it has promised: fsync is on.

use crate::failure::Failure;
use crate::process::signal;
use crate::server::free_address;
use gametriggers_simulated_overlay::{Random, now};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
const SUPERUSER: &str = "postgres";

/// Backends of clients other than the one that asks.
const BACKENDS: &str = "SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = $1 ORDER BY pid";

/// A running Postgres, or one that was stopped.
#[derive(Debug)]
pub(crate) struct Postgres {
    address: SocketAddr,
    programs: PathBuf,
    owner: Option<Owner>,
    folder: TempDir,
    child: Child,
    pid: u32,
}

/// Whose the files are: Postgres refuses to run as root.
#[derive(Clone, Copy, Debug)]
struct Owner {
    user: u32,
    group: u32,
}

impl Postgres {
    /// Makes a cluster in a temporary directory below that one and starts it on a free port.
    pub(crate) async fn start(below: &Path) -> Result<Self, Failure> {
        let programs = programs()?;
        let folder = tempfile::tempdir_in(below).map_err(Failure::io("a directory for Postgres"))?;
        let owner = owner()?;
        if let Some(Owner { user, group }) = owner {
            chown(folder.path(), Some(user), Some(group)).map_err(Failure::io("a directory for Postgres"))?;
        }
        let mut make = run_as(owner, &programs.join("initdb"));
        make.args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8", "--no-locale"])
            .args(["--no-sync", "--pgdata"])
            .arg(folder.path().join("data"));
        let made = make.output().await.map_err(Failure::io("run initdb"))?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            return Err(Failure::Refused(format!("initdb ended with {}: {}", made.status, why.trim())));
        }
        let address = free_address()?;
        let (child, pid) = spawn(&programs, owner, folder.path(), address)?;
        let mut postgres = Self { address, programs, owner, folder, child, pid };
        postgres.ready().await?;
        Ok(postgres)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes an empty database.
    pub(crate) async fn create(&self, name: &str) -> Result<(), Failure> {
        let mut connection = self.connect(SUPERUSER).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// A connection that goes past the proxy.
    pub(crate) async fn connect(&self, database: &str) -> Result<PgConnection, Failure> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.address.port())
            .username(SUPERUSER)
            .ssl_mode(PgSslMode::Disable)
            .database(database)
            .disable_statement_logging();
        Ok(options.connect().await?)
    }

    /// What `pg_ctl stop -m immediate` does: no checkpoint, no farewell, recovery at the next start.
    pub(crate) async fn stop_at_once(&mut self) -> Result<(), Failure> {
        signal(self.pid, "QUIT")?;
        match timeout(STOP_MAX, self.child.wait()).await {
            Ok(ended) => ended.map(|_| ()).map_err(Failure::io("wait for Postgres")),
            Err(_) => Err(Failure::Late("Postgres does not stop".into())),
        }
    }

    /// Starts it again, on the same port.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        (self.child, self.pid) = spawn(&self.programs, self.owner, self.folder.path(), self.address)?;
        self.ready().await
    }

    /// Starts it again if it has ended by itself.
    pub(crate) async fn revive(&mut self) -> Result<(), Failure> {
        // A server that ends after all does so within this.
        let _ = timeout(LOOK * 10, self.child.wait()).await;
        match self.child.try_wait() {
            Ok(Some(_)) => self.restart().await,
            _ => self.ready().await,
        }
    }

    /// The postmaster, and what it has started.
    pub(crate) fn processes(&self) -> Result<Vec<u32>, Failure> {
        let mut processes = vec![self.pid];
        for entry in fs::read_dir("/proc").map_err(Failure::io("processes"))?.flatten() {
            let process = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let Some(process) = process else { continue };
            // One that has ended meanwhile is nobody's.
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
            if parent.and_then(|parent| parent.parse().ok()) == Some(self.pid) {
                processes.push(process);
            }
        }
        Ok(processes)
    }

    /// SIGKILL of one backend of the database, after which Postgres restarts all of them. False when
    /// there was none.
    pub(crate) async fn kill_backend(&self, database: &str, random: &mut Random) -> Result<bool, Failure> {
        let mut connection = self.connect(SUPERUSER).await?;
        let backends: Vec<i32> =
            sqlx::query_scalar(BACKENDS).bind(database).fetch_all(&mut connection).await?;
        let chosen = random.below(u64::try_from(backends.len()).unwrap_or(0));
        let chosen = usize::try_from(chosen).ok().and_then(|chosen| backends.get(chosen));
        let Some(pid) = chosen.and_then(|pid| u32::try_from(*pid).ok()) else { return Ok(false) };
        signal(pid, "KILL")?;
        // Its peer is gone too.
        drop(connection);
        Ok(true)
    }

    /// Waits until it takes connections.
    pub(crate) async fn ready(&mut self) -> Result<(), Failure> {
        let began = now().at;
        while self.connect(SUPERUSER).await.is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = fs::read_to_string(self.folder.path().join("postgres.log")).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().take(5).collect();
                return Err(Failure::Refused(format!("Postgres ended with {status}: {end:?}")));
            }
            if now().at.saturating_duration_since(began) > START_MAX {
                return Err(Failure::Late("Postgres is not ready".into()));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    /// Its children would outlive a SIGKILL for a while, and hold on to the folder.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = signal(self.pid, "QUIT");
        let began = now().at;
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < STOP_MAX {
            std::thread::sleep(LOOK);
        }
    }
}

fn spawn(
    programs: &Path,
    owner: Option<Owner>,
    folder: &Path,
    address: SocketAddr,
) -> Result<(Child, u32), Failure> {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("postgres.log"));
    let child = run_as(owner, &programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=on", "-c", "max_connections=60"])
        .args(["-c", &format!("port={}", address.port()), "-c", "unix_socket_directories="])
        .stdout(Stdio::null())
        .stderr(log.map_err(Failure::io("postgres.log"))?)
        .spawn()
        .map_err(Failure::io("start Postgres"))?;
    let pid = child.id().ok_or_else(|| Failure::Refused("Postgres ended at once".into()))?;
    Ok((child, pid))
}

fn run_as(owner: Option<Owner>, program: &Path) -> Command {
    let mut command = Command::new(program);
    // The user may not be allowed to look at the folder that this process stands in.
    command.stdin(Stdio::null()).current_dir("/");
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// The newest server that is installed.
fn programs() -> Result<PathBuf, Failure> {
    let missing = || Failure::Refused("no Postgres server: apt-get install postgresql".into());
    let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_| missing())?;
    let has_server = |path: &PathBuf| path.join("initdb").exists() && path.join("postgres").exists();
    let version = |path: &PathBuf| {
        let name = path.parent().and_then(|path| path.file_name()).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    let found = versions.flatten().map(|entry| entry.path().join("bin")).filter(has_server);
    found.max_by_key(version).ok_or_else(missing)
}

/// Nobody special when this process is not root.
fn owner() -> Result<Option<Owner>, Failure> {
    if fs::metadata("/proc/self").map_err(Failure::io("own user"))?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(Failure::io("/etc/passwd"))?;
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        let (user, group) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        Some(Owner { user, group })
    };
    let owner = of("postgres").or_else(|| of("nobody"));
    owner.map(Some).ok_or_else(|| Failure::Refused("no user to run Postgres as".into()))
}
