//! The one connection that writes, and the rules under which it does.
//!
//! A write transaction runs in a task of its own: when the caller goes away (a closed request, a
//! lost `select!`), the transaction still ends one way or the other, and never stays half done on
//! a connection that somebody else takes. There is no timeout around it for the same reason. The
//! connection is taken out of its slot for the time of the transaction and put back only when the
//! end is certain; else it is closed, which rolls back, and the next transaction opens another.
//!
//! A COMMIT that fails has written nothing as far as this process can see. Only when the process
//! dies right after it may the log still hold the whole transaction, and the next one find it:
//! then nobody is left to repeat a grant or a return, and claims, deposits and funds carry a key.

use super::connection::{LockFile, connect};
use super::failure::{Attempt, Failure};
use futures_util::future::BoxFuture;
use gametriggers_actors::ports::StoreError;
use gametriggers_actors::proof;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Mutex;

/// The future of a piece of work inside a transaction.
pub(super) type Work<'c, T> = BoxFuture<'c, Attempt<T>>;

/// The writer of a database.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    slot: Mutex<Slot>,
    /// The epoch that this process took; zero before it took one.
    epoch: AtomicI64,
    #[cfg(test)]
    pub(super) pages_max: AtomicI64,
}

/// What a transaction needs.
struct Slot {
    /// None once the store is closed: without it nothing is written any more.
    lock: Option<LockFile>,
    /// None when the last transaction left it in doubt.
    connection: Option<SqliteConnection>,
}

impl Writer {
    /// A writer on a connection that is open and asserted.
    pub(super) fn new(options: SqliteConnectOptions, connection: SqliteConnection, lock: LockFile) -> Self {
        Self {
            options,
            slot: Mutex::new(Slot { lock: Some(lock), connection: Some(connection) }),
            epoch: AtomicI64::new(0),
            #[cfg(test)]
            pages_max: AtomicI64::new(0),
        }
    }

    /// The epoch that this process took; zero before it took one.
    pub(super) fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Remembers the epoch, after the transaction that took it is durable.
    pub(super) fn set_epoch(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::Release);
    }

    /// Runs `work` in a transaction that is committed when it returns `Ok`, else rolled back.
    pub(super) async fn run<T, F>(self: &Arc<Self>, work: F) -> Attempt<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        let writer = Arc::clone(self);
        let task = tokio::spawn(async move { writer.transact(work).await });
        task.await.unwrap_or_else(|stopped| {
            Err(Failure(StoreError::Unavailable(format!("the transaction did not end: {stopped}"))))
        })
    }

    async fn transact<T, F>(&self, work: F) -> Attempt<T>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send,
    {
        let mut slot = self.slot.lock().await;
        if slot.lock.is_none() {
            return Err(Failure(StoreError::Unavailable("the store is closed".to_owned())));
        }
        let mut connection = match slot.connection.take() {
            Some(connection) => connection,
            None => connect(&self.options).await.map_err(StoreError::from)?,
        };
        #[cfg(test)]
        self.limit_pages(&mut connection).await?;
        let (result, certain) = attempt(&mut connection, work).await;
        if certain {
            slot.connection = Some(connection);
        } else {
            // Closing rolls back whatever may still be open; there is nothing to do about an
            // error of it.
            let _ = connection.close().await;
        }
        result
    }

    /// Waits for the transaction in progress, closes the connection and gives the database up.
    pub(super) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = slot.connection.take() {
            let _ = connection.close().await;
        }
        slot.lock = None;
    }

    /// Makes a full disk, for the tests.
    #[cfg(test)]
    async fn limit_pages(&self, connection: &mut SqliteConnection) -> Attempt<()> {
        let pages = self.pages_max.load(Ordering::Acquire);
        if pages > 0 {
            let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(sql).execute(connection).await?;
        }
        Ok(())
    }
}

/// The transaction itself; the second value says whether the connection is surely outside of any
/// transaction again.
async fn attempt<T, F>(connection: &mut SqliteConnection, work: F) -> (Attempt<T>, bool)
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send,
{
    // IMMEDIATE: a transaction that first reads and then writes could otherwise find that its
    // snapshot is too old to be written on, and no waiting helps against that.
    let mut transaction = match connection.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction,
        Err(error) => return (Err(error.into()), false),
    };
    proof::reach_in::<F>("after_begin");
    let worked = work(&mut transaction).await;
    proof::reach_in::<F>("before_commit");
    match worked {
        Ok(value) => match transaction.commit().await {
            Ok(()) => {
                proof::reach_in::<F>("after_commit");
                (Ok(value), true)
            }
            Err(error) => (Err(error.into()), false),
        },
        // A full disk rolls back by itself, after which the driver's count of open transactions
        // is wrong: the rollback fails, and the connection goes.
        Err(failure) => {
            let certain = transaction.rollback().await.is_ok();
            (Err(failure), certain)
        }
    }
}
