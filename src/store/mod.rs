//! The only SQL. One implementation of the store's ports per database; nothing outside this
//! module knows which one runs.

mod fact;
mod listing;
#[cfg(feature = "proof")]
mod plant;
pub mod postgres;
mod requirements;
pub mod sqlite;
mod standing;

use crate::config::{Config, Mode, WRITER_MAX};
use gametriggers_actors::ports::{
    AccountStore, AssetStore, AuditStore, CampaignStore, LedgerStore, ParticipationStore, PlayLog,
    ProfileStore, RuleStore, StoreError, UserStore, WalletStore, WebhookStore,
};
use postgres::{PostgresStore, Target};
use sqlite::SqliteStore;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Numbers above those of servers, for commands: so many of them may run at the same time.
const COMMANDS: i64 = 8;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store of this one, owns the database.
    #[error(
        "{} is locked: another process owns this database; stop it, or if it is the server, ask its API",
        .0.display()
    )]
    Locked(PathBuf),
    /// The file, or its lock file, can not be opened.
    #[error("can not open {}: {reason}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The server can not be reached, or refuses us.
    #[error("can not open the database: {reason}")]
    Server {
        /// What the server or the system said.
        reason: String,
    },
    /// Another process writes under this number.
    #[error(
        "writer {0} is taken: another process writes under this number; give each its own database.writer"
    )]
    WriterTaken(i64),
    /// The database does not keep what money needs.
    #[error("{pragma} is {found}, but money needs {wanted}")]
    Refused {
        /// The setting.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The role may do what the server must not.
    #[error(
        "database.url: the role {role} is {is}; in production the server is a member of gametriggers_app and \
         nothing else: CREATE ROLE name LOGIN PASSWORD '...' IN ROLE gametriggers_app"
    )]
    Role {
        /// Its name.
        role: String,
        /// What it is.
        is: &'static str,
    },
    /// The schema is not the one of this program, and could not be brought there.
    #[error("the schema is not the one of this program: {0}")]
    Migration(String),
    /// No store of this program speaks this URL.
    #[error("no store for {0:?}: sqlite:<path> and postgres://... are known")]
    Unsupported(String),
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// An open database: every port of the store.
#[derive(Clone)]
pub struct Stores {
    /// The money.
    pub ledger: Arc<dyn LedgerStore>,
    /// Campaigns.
    pub campaigns: Arc<dyn CampaignStore>,
    /// Conflict rules.
    pub rules: Arc<dyn RuleStore>,
    /// Who takes part in which campaign.
    pub participations: Arc<dyn ParticipationStore>,
    /// Brands, streamers and keys.
    pub accounts: Arc<dyn AccountStore>,
    /// What brands and streamers say of themselves.
    pub profiles: Arc<dyn ProfileStore>,
    /// Uploads.
    pub assets: Arc<dyn AssetStore>,
    /// Who signs in.
    pub users: Arc<dyn UserStore>,
    /// Plays and counters.
    pub log: Arc<dyn PlayLog>,
    /// Wallets.
    pub wallets: Arc<dyn WalletStore>,
    /// The chain of hashes.
    pub audit: Arc<dyn AuditStore>,
    /// Who is told what over HTTP.
    pub webhooks: Arc<dyn WebhookStore>,
    of: Of,
}

#[derive(Clone)]
enum Of {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Stores {
    fn sqlite(store: Arc<SqliteStore>) -> Self {
        Self {
            ledger: Arc::<SqliteStore>::clone(&store),
            campaigns: Arc::<SqliteStore>::clone(&store),
            rules: Arc::<SqliteStore>::clone(&store),
            participations: Arc::<SqliteStore>::clone(&store),
            accounts: Arc::<SqliteStore>::clone(&store),
            profiles: Arc::<SqliteStore>::clone(&store),
            assets: Arc::<SqliteStore>::clone(&store),
            users: Arc::<SqliteStore>::clone(&store),
            log: Arc::<SqliteStore>::clone(&store),
            wallets: Arc::<SqliteStore>::clone(&store),
            audit: Arc::<SqliteStore>::clone(&store),
            webhooks: Arc::<SqliteStore>::clone(&store),
            of: Of::Sqlite(store),
        }
    }

    fn postgres(store: Arc<PostgresStore>) -> Self {
        Self {
            ledger: Arc::<PostgresStore>::clone(&store),
            campaigns: Arc::<PostgresStore>::clone(&store),
            rules: Arc::<PostgresStore>::clone(&store),
            participations: Arc::<PostgresStore>::clone(&store),
            accounts: Arc::<PostgresStore>::clone(&store),
            profiles: Arc::<PostgresStore>::clone(&store),
            assets: Arc::<PostgresStore>::clone(&store),
            users: Arc::<PostgresStore>::clone(&store),
            log: Arc::<PostgresStore>::clone(&store),
            wallets: Arc::<PostgresStore>::clone(&store),
            audit: Arc::<PostgresStore>::clone(&store),
            webhooks: Arc::<PostgresStore>::clone(&store),
            of: Of::Postgres(store),
        }
    }

    /// Waits for the transaction in progress and gives the database up.
    pub async fn close(&self) {
        match &self.of {
            Of::Sqlite(store) => store.close().await,
            Of::Postgres(store) => store.close().await,
        }
    }
}

fn target(config: &Config) -> Target {
    let (url, writer) = (config.database.url.clone(), config.database.writer);
    Target { url, writer, production: config.mode == Mode::Production }
}

fn sqlite_file(config: &Config) -> Result<PathBuf, OpenError> {
    let path = sqlite_path(&config.database.url)?.to_path_buf();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let failed =
            |error: std::io::Error| OpenError::File { path: path.clone(), reason: error.to_string() };
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    Ok(path)
}

/// Opens the configured database, to read and to write.
///
/// # Errors
/// Another process writes there, it can not be reached or opened, it does not keep what money needs, or its
/// schema is not the one of this program.
pub async fn open(config: &Config) -> Result<Stores, OpenError> {
    if config.database.is_postgres() {
        Ok(Stores::postgres(PostgresStore::open(&target(config)).await?))
    } else {
        Ok(Stores::sqlite(SqliteStore::open(&sqlite_file(config)?).await?))
    }
}

/// Opens the configured database for a command that changes something by hand. On Postgres it may run beside
/// servers: it has a number of its own, the first of a few that is free.
///
/// # Errors
/// As for `open`.
pub async fn open_by_hand(config: &Config) -> Result<Stores, OpenError> {
    if !config.database.is_postgres() {
        return open(config).await;
    }
    for writer in (WRITER_MAX + 1..=WRITER_MAX + COMMANDS).rev() {
        match PostgresStore::open(&Target { writer, ..target(config) }).await {
            Err(OpenError::WriterTaken(_)) => {}
            opened => return Ok(Stores::postgres(opened?)),
        }
    }
    Err(OpenError::WriterTaken(WRITER_MAX + COMMANDS))
}

/// Opens the configured database for reading, whether or not a server runs on it.
///
/// # Errors
/// It can not be reached or opened, or its schema is not the one of this program.
pub async fn open_read_only(config: &Config) -> Result<Stores, OpenError> {
    if config.database.is_postgres() {
        Ok(Stores::postgres(PostgresStore::open_read_only(&target(config)).await?))
    } else {
        Ok(Stores::sqlite(SqliteStore::open_read_only(sqlite_path(&config.database.url)?).await?))
    }
}

/// Brings the schema of the configured database up to date; the steps that were missing. Safe to run twice,
/// at the same time, and beside a server.
///
/// # Errors
/// The database can not be reached or opened, or a step in it is another than that of this program.
pub async fn migrate(config: &Config) -> Result<Vec<String>, OpenError> {
    if config.database.is_postgres() {
        PostgresStore::migrate(&target(config)).await
    } else {
        SqliteStore::migrate(&sqlite_file(config)?).await
    }
}

/// Compares the steps that were applied, by number and checksum, with those of this program. One that is
/// missing or another is refused; more of them are a newer release's, which keeps what this one needs.
fn compare<'a>(
    applied: &[(i64, Vec<u8>)],
    wanted: impl Iterator<Item = &'a sqlx::migrate::Migration>,
) -> Result<(), OpenError> {
    let mut known = 0;
    for step in wanted {
        known += 1;
        let name = format!("step {:04} {}", step.version, step.description);
        match applied.iter().find(|(version, _)| *version == step.version) {
            None => {
                let why = format!("{name} is missing; run `gametriggers migrate`");
                return Err(OpenError::Migration(why));
            }
            Some((_, checksum)) if checksum[..] != step.checksum[..] => {
                let why = format!("{name} was applied by a program that had another one of this number");
                return Err(OpenError::Migration(why));
            }
            Some(_) => {}
        }
    }
    if applied.len() > known {
        let newer = applied.len() - known;
        tracing::warn!(newer, "the schema has steps of a newer release; this one goes on with what it knows");
    }
    Ok(())
}

/// The path of a SQLite database in `database.url`: `sqlite:<path>`, `sqlite://<path>` or a path
/// alone.
///
/// # Errors
/// `Unsupported` for the scheme of another database, or an empty path.
pub fn sqlite_path(url: &str) -> Result<&Path, OpenError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    // An in-memory database keeps nothing, and has no write-ahead log to keep it with.
    if path.is_empty() || path.contains("://") || path.starts_with(':') {
        return Err(OpenError::Unsupported(url.to_owned()));
    }
    Ok(Path::new(path))
}

#[cfg(test)]
mod tests;
