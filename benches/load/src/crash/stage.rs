//! Where a run takes place: the database, what stands around it, and how the server is told of it.

use super::disk::SmallDisk;
use super::options::{Database, Kind, Options};
use super::service::{Postgres, Redis};
use crate::failure::Failure;
use crate::proxy::Proxy;
use crate::site::{DATABASE, Site, postgres_url};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Room for a run, and little more.
const SQLITE_MEGABYTES: u32 = 48;
/// A fresh cluster with one segment of its log takes about half of it.
const POSTGRES_MEGABYTES: u32 = 160;

/// The database as the audit reads it: not through the proxy.
#[derive(Clone, Debug)]
pub(super) enum Ledger {
    /// A file.
    Sqlite(PathBuf),
    /// A database of the run's own server.
    Postgres(Box<PgConnectOptions>),
}

/// Everything that a run stands on. Ends with what it started when it is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) site: Site,
    pub(super) ledger: Ledger,
    /// None for SQLite.
    pub(super) cluster: Option<Cluster>,
    /// The database is on it, when it has to fill up.
    pub(super) disk: Option<SmallDisk>,
    _home: Home,
}

/// What a node stands on.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) postgres: Postgres,
    pub(super) redis: Redis,
    /// Between the server and Postgres.
    pub(super) database: Proxy,
    /// Between the server and Redis.
    pub(super) cache: Proxy,
}

impl Stage {
    /// Builds it.
    pub(super) async fn build(options: &Options) -> Result<Self, Failure> {
        let home = Home::make(options.keep.as_deref())?;
        let fills = options.faults.contains(&Kind::Full);
        match options.db {
            Database::Sqlite => {
                let disk = fills.then(|| SmallDisk::mount(SQLITE_MEGABYTES)).transpose()?;
                Self::on_file(home, disk)
            }
            Database::Postgres => {
                let disk = fills.then(|| SmallDisk::mount(POSTGRES_MEGABYTES)).transpose()?;
                Self::on_cluster(home, disk).await
            }
        }
    }

    fn on_file(home: Home, disk: Option<SmallDisk>) -> Result<Self, Failure> {
        let Some(disk) = disk else {
            let (site, ledger) = (Site::folder(home.path()), Ledger::Sqlite(home.path().join("demo.db")));
            return Ok(Self { site, ledger, cluster: None, disk: None, _home: home });
        };
        let database = disk.path().join("demo.db");
        let site = Site::at(home.path(), &format!("sqlite:{}", database.display()), None)?;
        Ok(Self { site, ledger: Ledger::Sqlite(database), cluster: None, disk: Some(disk), _home: home })
    }

    async fn on_cluster(home: Home, disk: Option<SmallDisk>) -> Result<Self, Failure> {
        let below = disk.as_ref().map_or_else(std::env::temp_dir, |disk| disk.path().to_owned());
        let (postgres, redis) = (Postgres::start(&below).await?, Redis::start().await?);
        postgres.create(DATABASE).await?;
        let database = Proxy::start(postgres.address(), true).await?;
        let cache = Proxy::start(redis.address(), false).await?;
        let url = postgres_url(database.address());
        let site = Site::at(home.path(), &url, Some(cache.address()))?;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(postgres.address().port())
            .username("postgres")
            .database(DATABASE)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        let ledger = Ledger::Postgres(Box::new(options));
        let cluster = Some(Cluster { postgres, redis, database, cache });
        Ok(Self { site, ledger, cluster, disk, _home: home })
    }

    /// The folder of the run.
    pub(super) fn path(&self) -> &Path {
        self.site.path()
    }
}

/// The folder.
#[derive(Debug)]
enum Home {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Home {
    fn make(keep: Option<&Path>) -> Result<Self, Failure> {
        let failed = Failure::io("a directory for the server");
        match keep {
            Some(path) => std::fs::create_dir(path).map(|()| Self::Kept(path.to_owned())).map_err(failed),
            None => tempfile::tempdir().map(Self::Temporary).map_err(failed),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}
