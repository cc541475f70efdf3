//! Where a run takes place: the database, what stands around it, and how the server is told of it.

use super::options::{Database, Options};
use super::service::{Postgres, Redis};
use crate::failure::Failure;
use crate::proxy::Proxy;
use crate::site::Site;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The database's name.
pub(super) const DATABASE: &str = "gametriggers";

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
        match options.db {
            Database::Sqlite => Ok(Self::on_file(home)),
            Database::Postgres => Self::on_cluster(home).await,
        }
    }

    fn on_file(home: Home) -> Self {
        let site = Site::folder(home.path());
        let ledger = Ledger::Sqlite(home.path().join("demo.db"));
        Self { site, ledger, cluster: None, _home: home }
    }

    async fn on_cluster(home: Home) -> Result<Self, Failure> {
        let (postgres, redis) = (Postgres::start().await?, Redis::start().await?);
        postgres.create(DATABASE).await?;
        let database = Proxy::start(postgres.address(), true).await?;
        let cache = Proxy::start(redis.address(), false).await?;
        let config = format!(
            "mode = \"development\"\n\
             [database]\nurl = \"postgres://postgres@{}/{DATABASE}?sslmode=disable\"\n\
             [redis]\nurl = \"redis://{}\"\n\
             [assets]\ndir = \"{}\"\n\
             [play]\nrequire_streaming = false\n\
             [platform]\nkind = \"simulated\"\n\
             [secrets]\ntoken_keys = [\"1:{}\"]\n",
            database.address(),
            cache.address(),
            home.path().join("assets").display(),
            "5a".repeat(32),
        );
        let site = Site::configured(home.path(), &config)?;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(postgres.address().port())
            .username("postgres")
            .database(DATABASE)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        let ledger = Ledger::Postgres(Box::new(options));
        let cluster = Some(Cluster { postgres, redis, database, cache });
        Ok(Self { site, ledger, cluster, _home: home })
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
