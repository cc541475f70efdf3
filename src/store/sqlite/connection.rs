//! Opening a connection, and refusing one that would not keep money.

use crate::store::OpenError;
use gametriggers_actors::proof::{Plant, planted};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a statement waits for a lock that another connection holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// The log is cut back to this after a checkpoint, in bytes.
const LOG_SIZE_LIMIT: &str = "67108864";

/// Pages in the log before a checkpoint: a checkpoint holds a commit up, and a page that many commits
/// change is copied once.
const CHECKPOINT_PAGES: &str = "8192";

/// The writer's cache in KiB, below zero. A large batch touches pages all over the accounts; with the
/// default of 2 MB it writes them out and reads them again within one transaction.
const CACHE: &str = "-65536";

/// The options of the one connection that writes.
pub(super) fn writing(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would survive a killed process and lose the last commits with the power.
        .synchronous(if planted(Plant::SyncFull) {
            SqliteSynchronous::Normal
        } else {
            SqliteSynchronous::Full
        })
        .foreign_keys(true)
        // Without it INSERT OR REPLACE deletes a row past the append-only triggers.
        .pragma("recursive_triggers", "ON")
        .pragma("ignore_check_constraints", if planted(Plant::LeaseCheck) { "ON" } else { "OFF" })
        .pragma("journal_size_limit", LOG_SIZE_LIMIT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("cache_size", CACHE)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// The options of a connection that only reads.
pub(super) fn reading(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .pragma("query_only", "ON")
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// Connects the writer and reads back what was asked for: a pragma that is not understood, or not
/// possible on this file system, is silently something else.
pub(super) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let failed = |error: sqlx::Error| OpenError::File {
        path: options.get_filename().to_path_buf(),
        reason: error.to_string(),
    };
    let mut connection = options.connect().await.map_err(failed)?;
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.map_err(failed)?;
    refuse_unless("journal_mode", mode, "wal")?;
    let level: i64 =
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.map_err(failed)?;
    if !planted(Plant::SyncFull) {
        refuse_unless("synchronous", level.to_string(), "2")?;
    }
    let keys: i64 =
        sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut connection).await.map_err(failed)?;
    refuse_unless("foreign_keys", keys.to_string(), "1")?;
    Ok(connection)
}

fn refuse_unless(pragma: &'static str, found: String, wanted: &'static str) -> Result<(), OpenError> {
    if found == wanted { Ok(()) } else { Err(OpenError::Refused { pragma, found, wanted }) }
}

/// The ownership of a database: a lock on a file beside it, released by the system when the
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock, without waiting.
    pub(super) fn acquire(database: &Path) -> Result<Self, OpenError> {
        let path = lock_path(database);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| OpenError::File { path: path.clone(), reason: error.to_string() })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path)),
            Err(TryLockError::Error(error)) => Err(OpenError::File { path, reason: error.to_string() }),
        }
    }
}

/// `<database>.lock`.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
