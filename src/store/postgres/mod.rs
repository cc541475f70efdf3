//! The store on a Postgres database.
//!
//! One connection writes (`writer`), a few read. An advisory lock makes this process the only one that
//! writes under its number; the epoch in the writer's row does the same for the case that the lock was lost
//! and another process took over in between.

mod account;
mod asset;
mod audit;
mod campaign;
mod connection;
mod failure;
mod key;
mod lane;
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

use self::failure::{Attempt, Failure};
use self::ledger::{AccountIds, Marks, Pace};
use self::writer::{Work, Writer};
use crate::store::OpenError;
use gametriggers_actors::ports::{StoreError, StoreResult};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// Names statements, and lists them for the test that prepares each one on a migrated database.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(in crate::store::postgres) const STATEMENTS: &[&str] = &[$($name),*];
    };
}
use statements;

pub use self::connection::Target;

/// Readers at most: reads are short, and the server has other guests.
const READERS_MAX: u32 = 4;

/// How long a read waits for a reader.
const READER_WAIT: Duration = Duration::from_secs(5);

/// How long a read may take in all.
const READ_MAX: Duration = Duration::from_secs(12);

/// A database on a server.
pub struct PostgresStore {
    /// None in a store that only reads.
    writer: Option<Arc<Writer>>,
    /// A second writer, for what is not money and may not hold it up.
    log: Option<Arc<Writer>>,
    readers: PgPool,
    /// The numbers of the accounts that batches move.
    accounts: std::sync::Mutex<AccountIds>,
    /// How much the roll-up does, and when again.
    pace: std::sync::Mutex<Pace>,
    /// How far the reconciliation has looked.
    marks: tokio::sync::Mutex<Marks>,
}

impl PostgresStore {
    /// Opens the database and owns its writer until the store is closed or dropped. Outside production the
    /// schema is brought up to date first. Needs a Tokio runtime.
    ///
    /// # Errors
    /// Another process owns the writer, the server can not be reached, it does not flush every commit or
    /// the role may do too much (production), or the schema is not the one of this program.
    pub async fn open(target: &Target) -> Result<Arc<Self>, OpenError> {
        let options = target.options()?;
        if target.production {
            let mut connection = connection::connect(&options).await?;
            migrations::verify(&mut connection).await?;
            connection::restricted(&mut connection).await?;
        } else {
            let mut connection = connection::connect(&options).await?;
            migrations::run(&mut connection).await?;
            migrations::verify(&mut connection).await?;
        }
        let writer = Writer::open(target).await?;
        let log = Writer::open(&Target { writer: -target.writer, ..target.clone() }).await?;
        Self::new(Some(writer), Some(log), target)
    }

    /// Brings the schema up to date, as the role of the URL, and names the steps that were missing.
    ///
    /// # Errors
    /// The server can not be reached, the role may not do it, or a step is another one.
    pub async fn migrate(target: &Target) -> Result<Vec<String>, OpenError> {
        migrations::run(&mut connection::connect(&target.options()?).await?).await
    }

    /// Opens the database for reading, whether or not a process writes. Every write answers `Unavailable`.
    ///
    /// # Errors
    /// The server can not be reached, or the schema is not the one of this program.
    pub async fn open_read_only(target: &Target) -> Result<Arc<Self>, OpenError> {
        let options = target.options()?;
        migrations::verify(&mut connection::connect(&options).await?).await?;
        Self::new(None, None, target)
    }

    fn new(
        writer: Option<Arc<Writer>>,
        log: Option<Arc<Writer>>,
        target: &Target,
    ) -> Result<Arc<Self>, OpenError> {
        let readers = readers(target)?;
        Ok(Arc::new(Self {
            writer,
            log,
            readers,
            accounts: Default::default(),
            pace: Default::default(),
            marks: Default::default(),
        }))
    }

    /// Waits for the transaction in progress, closes every connection and gives the writer up. Everything
    /// after that is `Unavailable`.
    pub async fn close(&self) {
        for writer in [&self.log, &self.writer].into_iter().flatten() {
            writer.close().await;
        }
        self.readers.close().await;
    }

    fn writer(&self) -> StoreResult<&Arc<Writer>> {
        self.writer.as_ref().ok_or_else(read_only)
    }

    fn log(&self) -> StoreResult<&Arc<Writer>> {
        self.log.as_ref().ok_or_else(read_only)
    }

    /// One write transaction. The work may run more than once: what a deadlock undid is tried again.
    async fn write<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Clone + Send + 'static,
    {
        Ok(self.writer()?.run(work).await?)
    }

    /// A read that does not wait for ever for a server which is gone without a word. What is dropped then
    /// only reads: its connection is of no use, and nothing stays half done.
    async fn read<T>(&self, work: impl Future<Output = Attempt<T>> + Send) -> StoreResult<T> {
        match tokio::time::timeout(READ_MAX, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(StoreError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// One snapshot for several reads. It begins in a task of its own: the driver does not roll back a BEGIN
    /// whose caller went away meanwhile, and whoever took the connection next would read old rows.
    async fn snapshot(&self) -> Attempt<Transaction<'static, Postgres>> {
        let readers = self.readers.clone();
        let begin =
            async move { readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await };
        match tokio::spawn(begin).await {
            Ok(begun) => begun.map_err(Failure::from),
            Err(stopped) => Err(Failure::unavailable(format!("the read did not begin: {stopped}"))),
        }
    }
}

fn read_only() -> StoreError {
    StoreError::Unavailable("opened for reading only".to_owned())
}

fn readers(target: &Target) -> Result<PgPool, OpenError> {
    let options = PgPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READER_WAIT);
    Ok(options.connect_lazy_with(target.reading()?))
}

/// Every statement of the store, for the test that prepares them.
#[cfg(test)]
fn every_statement() -> Vec<&'static str> {
    let mut statements = ledger::statements();
    statements.extend(campaign::statements());
    statements.extend(rule::statements());
    statements.extend(wallet::statements());
    statements.extend(webhook::statements());
    statements.extend(user::statements());
    statements.extend(profile::statements());
    statements.extend(
        [
            account::STATEMENTS,
            asset::STATEMENTS,
            audit::STATEMENTS,
            key::STATEMENTS,
            participation::STATEMENTS,
            play_log::STATEMENTS,
            streamer::STATEMENTS,
            supply::STATEMENTS,
        ]
        .concat(),
    );
    statements
}

#[cfg(test)]
mod tests;
