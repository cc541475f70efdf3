//! The store on one SQLite file.
//!
//! One connection writes (`writer`), a few read. A lock file beside the database makes this
//! process its only owner; within the database an epoch does the same, for the case that a file
//! was copied or a lock was lost.

mod account;
mod asset;
mod audit;
mod bulk;
mod campaign;
mod connection;
mod failure;
mod key;
mod ledger;
mod migrations;
mod participation;
mod play_log;
mod profile;
mod row;
mod rule;
mod streamer;
mod supply;
mod user;
mod wallet;
mod webhook;
mod writer;

use self::connection::{LockFile, connect, reading, writing};
use self::failure::{Attempt, Failure};
use self::writer::{Work, Writer};
use crate::store::OpenError;
use gametriggers_actors::ports::{StoreError, StoreResult};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Names statements, and lists them for the test that prepares each one on a migrated database.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(in crate::store::sqlite) const STATEMENTS: &[&str] = &[$($name),*];
    };
}
use statements;

/// Readers at most: reads are short, and the machine is small.
const READERS_MAX: u32 = 4;

/// How long a read waits for a reader.
const READER_WAIT: Duration = Duration::from_secs(5);

/// How long a migration waits for others that write.
const MIGRATE_WAIT: Duration = Duration::from_secs(30);

/// The writer that this store is. There is one per database file.
const WRITER: i64 = 1;

/// A database in one file.
pub struct SqliteStore {
    /// None in a store that only reads.
    writer: Option<Arc<Writer>>,
    readers: SqlitePool,
    /// How far the last reconciliation of this process looked.
    marks: tokio::sync::Mutex<ledger::Marks>,
}

impl SqliteStore {
    /// Opens the database, makes it when there is none, brings its schema up to date, and owns it
    /// until the store is closed or dropped. Needs a Tokio runtime.
    ///
    /// # Errors
    /// Another process owns it, the file can not be opened or written, it does not keep
    /// `journal_mode = wal` and `synchronous = FULL`, or a step of its schema is another one.
    pub async fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        let lock = LockFile::acquire(path)?;
        let options = writing(path);
        let mut connection = connect_in_time(&options).await?;
        migrations::run(&mut connection).await?;
        migrations::verify(&mut connection).await?;
        let writer = Arc::new(Writer::new(options, connection, lock));
        Ok(Arc::new(Self { writer: Some(writer), readers: readers(path), marks: Default::default() }))
    }

    /// Brings the schema up to date, and names the steps that were missing. A server may own the database
    /// meanwhile, and others may migrate: all steps are one transaction, for which this waits.
    ///
    /// # Errors
    /// The file can not be written, others hold it for longer than anybody should, or a step is another one.
    pub async fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
        let mut connection = connect_in_time(&writing(path).busy_timeout(MIGRATE_WAIT)).await?;
        let steps = migrations::run(&mut connection).await?;
        let _ = sqlx::Connection::close(connection).await;
        Ok(steps)
    }

    /// Opens a database for reading, whether or not a process owns it. Every write answers
    /// `Unavailable`.
    ///
    /// # Errors
    /// There is no such file, or its schema is not the one of this program.
    pub async fn open_read_only(path: &Path) -> Result<Arc<Self>, OpenError> {
        let readers = readers(path);
        let failed =
            |error: sqlx::Error| OpenError::File { path: path.to_path_buf(), reason: error.to_string() };
        let mut connection = readers.acquire().await.map_err(failed)?;
        migrations::verify(&mut connection).await?;
        drop(connection);
        Ok(Arc::new(Self { writer: None, readers, marks: Default::default() }))
    }

    /// Waits for the transaction in progress, closes every connection, so that the log is merged
    /// into the file, and gives the database up. Everything after that is `Unavailable`.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    fn writer(&self) -> StoreResult<&Arc<Writer>> {
        self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("opened for reading only".to_owned()))
    }

    /// One write transaction.
    async fn write<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        Ok(self.writer()?.run(work).await?)
    }

    /// One snapshot for several reads.
    async fn snapshot(&self) -> Attempt<Transaction<'static, Sqlite>> {
        self.readers.begin().await.map_err(Failure::from)
    }
}

/// Connects, and waits for others that make the file at the same moment: they are in the way of the first
/// statement, for which the database itself does not wait.
async fn connect_in_time(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let give_up = Instant::now() + MIGRATE_WAIT;
    loop {
        match connect(options).await {
            Err(OpenError::File { reason, .. }) if reason.contains("locked") && Instant::now() < give_up => {
                sleep(Duration::from_millis(50)).await;
            }
            connected => return connected,
        }
    }
}

fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(reading(path))
}

#[cfg(test)]
mod tests;
