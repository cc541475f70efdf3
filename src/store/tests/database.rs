//! The databases that the suite runs on, and what a test may do to them behind the store's back.

use super::postgres::PostgresDatabase;
use crate::store::sqlite::SqliteStore;
use async_trait::async_trait;
use gametriggers_actors::ports::{
    AccountStore, AssetStore, AuditStore, CampaignStore, LedgerStore, ParticipationStore, PlayLog,
    ProfileStore, RuleStore, UserStore, WalletStore, WebhookStore,
};
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum On {
    /// A file in a directory of its own.
    Sqlite,
    /// A database of its own on the server that the tests are given.
    Postgres,
}

/// A store with every port.
#[async_trait]
pub(in crate::store) trait Store:
    LedgerStore
    + CampaignStore
    + RuleStore
    + ParticipationStore
    + AccountStore
    + ProfileStore
    + AssetStore
    + UserStore
    + PlayLog
    + WalletStore
    + AuditStore
    + WebhookStore
{
    /// Gives the database up.
    async fn close(&self);
}

/// A database of one test, gone with it.
///
/// The statements that tests give it are understood by every database. It takes them on connections of
/// its own, past the store.
#[async_trait]
pub(in crate::store) trait Database: Send + Sync {
    /// Opens a store on it, and brings its schema up to date.
    async fn open(&self) -> Arc<dyn Store>;

    /// Opens a store that only reads, and closes it; or why that is refused.
    async fn read_only(&self) -> Result<(), String>;

    /// Runs one statement in a transaction, with every wall of the schema that the store has. The number
    /// of rows, or what the database said; nothing is changed then.
    async fn try_sql(&self, sql: &str) -> Result<u64, String>;

    /// Runs statements with every wall down: checks, foreign keys and triggers look away. The number of
    /// rows.
    async fn tamper(&self, sql: &str) -> u64;

    /// A query's one column of whole numbers.
    async fn numbers(&self, sql: &str) -> Vec<i64>;
}

/// A new database.
pub(super) async fn create(on: On) -> Box<dyn Database> {
    match on {
        On::Sqlite => Box::new(SqliteFile::new()),
        On::Postgres => Box::new(PostgresDatabase::new().await),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn close(&self) {
        Self::close(self).await;
    }
}

/// SQLite, in a directory of its own.
pub(in crate::store) struct SqliteFile {
    _dir: TempDir,
    /// Where the database is.
    pub(in crate::store) path: PathBuf,
}

impl SqliteFile {
    /// A place for a database.
    pub(in crate::store) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        Self { _dir: dir, path }
    }

    /// A connection beside the store's.
    pub(in crate::store) async fn connect(&self, walls: bool) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(walls)
            .pragma("ignore_check_constraints", if walls { "OFF" } else { "ON" })
            .pragma("recursive_triggers", "ON")
            .connect()
            .await
            .unwrap()
    }
}

#[async_trait]
impl Database for SqliteFile {
    async fn open(&self) -> Arc<dyn Store> {
        SqliteStore::open(&self.path).await.unwrap()
    }

    async fn read_only(&self) -> Result<(), String> {
        let opened = SqliteStore::open_read_only(&self.path).await;
        opened.map(drop).map_err(|error| error.to_string())
    }

    async fn try_sql(&self, sql: &str) -> Result<u64, String> {
        let mut connection = self.connect(true).await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    }

    async fn tamper(&self, sql: &str) -> u64 {
        use sqlx::Connection;
        let mut connection = self.connect(false).await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let triggers: Vec<(String, String)> =
            sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&mut *transaction)
                .await
                .unwrap();
        for (name, _) in &triggers {
            let drop = AssertSqlSafe(format!("DROP TRIGGER {name}"));
            sqlx::query(drop).execute(&mut *transaction).await.unwrap();
        }
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await.unwrap();
        for (_, create) in triggers {
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        done.rows_affected()
    }

    async fn numbers(&self, sql: &str) -> Vec<i64> {
        let mut connection = self.connect(false).await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
    }
}
