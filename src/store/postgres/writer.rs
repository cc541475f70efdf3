//! The one connection that writes, and the rules under which it does.
//!
//! A write transaction runs in a task of its own, on a thread of its own: when the caller goes away (a
//! closed request, a lost `select!`), the transaction still ends one way or the other, and never stays half
//! done on a connection that somebody else takes. The connection is taken out of its slot for the time of the
//! transaction and put back only when the end is certain; else it is dropped, which ends it on the server.
//!
//! Every transaction begins by raising `turn` in the writer's row. That fails when a newer process has taken
//! the epoch, and it makes the end of the transaction known: when the connection is lost after COMMIT was
//! sent, the writer connects again, takes its lock, so that the old server process is surely gone, and looks
//! whether the row was last changed by that transaction.

use super::connection::{Backend, Target, backend, connect, end, keeps, lock};
use super::failure::{Attempt, Failure, Kind};
use super::lane::Lane;
use crate::store::OpenError;
use futures_util::future::BoxFuture;
use gametriggers_actors::ports::StoreError;
use gametriggers_actors::proof::{self, Plant};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, watch};

/// The future of a piece of work inside a transaction.
pub(super) type Work<'c, T> = BoxFuture<'c, Attempt<T>>;

/// Transactions that may wait for their turn. More means that the database is away: who asks for another one
/// hears so at once.
const WAITERS_MAX: usize = 4096;

/// How often a transaction that met a deadlock is tried.
const TRIES_MAX: u32 = 5;

/// The longest that a transaction may take. The server ends a statement sooner, so this is for a connection
/// on which nothing comes back any more: it is dropped, with all that is on it. Sooner in tests, which wait
/// for it, but not before the server's own limits.
const TRANSACTION_MAX: Duration = Duration::from_secs(if cfg!(test) { 12 } else { 15 });

/// How long a lock of our own lost connection may linger before its server process is ended.
const LINGER: Duration = Duration::from_secs(1);

/// How long another connection attempt waits at least and at most.
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The writer of a database.
pub(super) struct Writer {
    id: i64,
    production: bool,
    options: PgConnectOptions,
    lane: Lane,
    slot: Mutex<Slot>,
    seats: Semaphore,
    /// True from `close` on. Outside of the slot, since it ends a wait that holds the slot.
    closed: watch::Sender<bool>,
    /// The epoch that this process took; zero before it took one.
    epoch: AtomicI64,
}

/// What a transaction needs.
struct Slot {
    /// None when the last transaction left it in doubt, and once the store is closed.
    connection: Option<PgConnection>,
    /// The server process of the last connection.
    backend: Option<Backend>,
}

/// A transaction that has begun: the row that it raised, as nobody else can.
#[derive(Clone, Debug)]
struct Mark {
    turn: i64,
    version: String,
}

/// How an attempt ended.
enum End<T> {
    /// Committed or rolled back, and the connection is outside of any transaction.
    Certain(Attempt<T>),
    /// Nothing was committed, and the connection is of no use any more.
    Lost(Failure),
    /// The COMMIT was not answered.
    Unknown(T, Mark, Failure),
}

impl Writer {
    /// Connects and takes the lock of the writer.
    pub(super) async fn open(target: &Target) -> Result<Arc<Self>, OpenError> {
        let failed = |error: std::io::Error| OpenError::Server { reason: error.to_string() };
        let writer = Arc::new(Self {
            id: target.writer,
            production: target.production,
            options: target.writing()?,
            lane: Lane::start(target.writer).map_err(failed)?,
            slot: Mutex::new(Slot { connection: None, backend: None }),
            seats: Semaphore::new(WAITERS_MAX),
            closed: watch::Sender::new(false),
            epoch: AtomicI64::new(0),
        });
        let own = Arc::clone(&writer);
        let begun = writer.lane.spawn(async move { own.begin_row().await }).await;
        begun.map_err(|stopped| OpenError::Server { reason: stopped.to_string() })??;
        Ok(writer)
    }

    async fn begin_row(&self) -> Result<(), OpenError> {
        let mut slot = self.slot.lock().await;
        let mut connection = self.connect(&mut slot).await?;
        sqlx::query("INSERT INTO writer (id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(self.id)
            .execute(&mut connection)
            .await
            .map_err(|error| OpenError::Server { reason: error.to_string() })?;
        slot.connection = Some(connection);
        Ok(())
    }

    /// The number of the writer.
    pub(super) const fn id(&self) -> i64 {
        self.id
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
        F: for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Clone + Send + 'static,
    {
        let writer = Arc::clone(self);
        let task = self.lane.spawn(async move { writer.transact(work).await });
        task.await.unwrap_or_else(|stopped| {
            Err(Failure::unavailable(format!("the transaction did not end: {stopped}")))
        })
    }

    async fn transact<T, F>(&self, work: F) -> Attempt<T>
    where
        T: Send,
        F: for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Clone + Send,
    {
        let _seat =
            self.seats.try_acquire().map_err(|_| Failure::unavailable("too many transactions wait"))?;
        let mut slot = self.slot.lock().await;
        let mut tries = 0;
        loop {
            if *self.closed.borrow() {
                return Err(Failure::unavailable("the store is closed"));
            }
            let (mut connection, fresh) = match slot.connection.take() {
                Some(connection) => (connection, false),
                None => (self.connect(&mut slot).await.map_err(StoreError::from)?, true),
            };
            tries += 1;
            match self.attempt(&mut connection, work.clone()).await {
                End::Certain(Err(failure)) if failure.kind == Kind::Conflict && tries < TRIES_MAX => {
                    slot.connection = Some(connection);
                }
                End::Certain(result) => {
                    slot.connection = Some(connection);
                    return result;
                }
                // A server that was restarted since the last transaction is no reason to fail this one.
                End::Lost(failure) if failure.kind == Kind::Lost && !fresh && tries < TRIES_MAX => {}
                End::Lost(failure) => return Err(failure),
                End::Unknown(value, mark, failure) => {
                    drop(connection);
                    if proof::planted(Plant::UnknownCommit) {
                        return Ok(value);
                    }
                    return self
                        .resolve(&mut slot, &mark)
                        .await
                        .and_then(|there| if there { Ok(value) } else { Err(failure) });
                }
            }
        }
    }

    /// The transaction itself.
    async fn attempt<T, F>(&self, connection: &mut PgConnection, work: F) -> End<T>
    where
        F: for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send,
    {
        let limit = tokio::time::Instant::now() + TRANSACTION_MAX;
        let stalled = || Failure::unavailable("no answer in time");
        // Only a connection that is dropped right after it is left in the middle of something.
        let begun = async {
            let mark = self.begin(&mut *connection).await?;
            proof::reach_in::<F>("after_begin");
            Ok::<_, Failure>((work(&mut *connection).await, mark))
        };
        let (result, mark) = match tokio::time::timeout_at(limit, begun).await {
            Ok(Ok(worked)) => worked,
            Ok(Err(failure)) if failure.kind == Kind::Lost => return End::Lost(failure),
            Ok(Err(failure)) => return rolled_back(connection, failure).await,
            Err(_) => return End::Lost(stalled()),
        };
        let value = match result {
            Ok(value) => value,
            Err(failure) if failure.kind == Kind::Lost => return End::Lost(failure),
            Err(failure) => return rolled_back(connection, failure).await,
        };
        proof::reach_in::<F>("before_commit");
        match tokio::time::timeout_at(limit, sqlx::raw_sql("COMMIT").execute(connection)).await {
            Ok(Ok(_)) => {
                proof::reach_in::<F>("after_commit");
                End::Certain(Ok(value))
            }
            Ok(Err(error)) => End::Unknown(value, mark, error.into()),
            Err(_) => End::Unknown(value, mark, stalled()),
        }
    }

    /// Begins and raises the turn, in one round trip.
    async fn begin(&self, connection: &mut PgConnection) -> Attempt<Mark> {
        let (id, epoch) = (self.id, self.epoch());
        let held = if epoch == 0 { String::new() } else { format!(" AND epoch = {epoch}") };
        let sql = format!(
            "BEGIN; UPDATE writer SET turn = turn + 1 WHERE id = {id}{held}
             RETURNING turn, xmin::text AS version"
        );
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await?;
        let row = rows.first().ok_or(StoreError::Fenced)?;
        Ok(Mark { turn: row.try_get("turn")?, version: row.try_get("version")? })
    }

    /// Whether a transaction was committed whose COMMIT was not answered. Does not give up before it knows,
    /// or the store is closed.
    async fn resolve(&self, slot: &mut Slot, mark: &Mark) -> Attempt<bool> {
        let mut wait = WAIT_MIN;
        let mut closed = self.closed.subscribe();
        loop {
            match self.look_up(slot, mark).await {
                Ok(there) => {
                    let outcome = if there { "committed" } else { "absent" };
                    metrics::counter!("gametriggers_store_unknown_commits_total", "outcome" => outcome)
                        .increment(1);
                    tracing::warn!(writer = self.id, turn = mark.turn, outcome, "a COMMIT was not answered");
                    return Ok(there);
                }
                Err(failure) => {
                    let error = failure.error;
                    tracing::warn!(%error, "looking for a transaction whose COMMIT was not answered");
                }
            }
            if tokio::time::timeout(wait, closed.wait_for(|closed| *closed)).await.is_ok() {
                tracing::error!(
                    turn = mark.turn,
                    "closed without knowing whether the last transaction is there"
                );
                return Err(Failure::unavailable("the store is closed"));
            }
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn look_up(&self, slot: &mut Slot, mark: &Mark) -> Attempt<bool> {
        let mut connection = self.connect(slot).await.map_err(StoreError::from)?;
        let (turn, version): (i64, String) =
            sqlx::query_as("SELECT turn, xmin::text FROM writer WHERE id = $1")
                .bind(self.id)
                .fetch_one(&mut connection)
                .await?;
        slot.connection = Some(connection);
        // The version tells our turn from that of a process which took the lock, and the same turn, between.
        Ok(turn == mark.turn && version == mark.version)
    }

    /// Connects, takes the lock, and makes sure that commits are kept.
    async fn connect(&self, slot: &mut Slot) -> Result<PgConnection, OpenError> {
        let failed = |error: sqlx::Error| OpenError::Server { reason: error.to_string() };
        let mut connection = connect(&self.options).await?;
        let mut waited = Duration::ZERO;
        while !lock(&mut connection, self.id).await.map_err(failed)? {
            // The lock of a process that has just ended goes a moment after it. The one of our own lost
            // connection is worth a longer wait.
            let own = slot.backend.as_ref();
            if waited >= if own.is_some() { LINGER * 3 } else { LINGER } {
                return Err(OpenError::WriterTaken(self.id));
            }
            if let Some(old) = own.filter(|_| waited >= LINGER) {
                end(&mut connection, old).await.map_err(failed)?;
            }
            tokio::time::sleep(WAIT_MIN * 2).await;
            waited += WAIT_MIN * 2;
        }
        keeps(&mut connection, self.production).await?;
        slot.backend = Some(backend(&mut connection).await.map_err(failed)?);
        Ok(connection)
    }

    /// Waits for the transaction in progress, and gives the lock up with the connection.
    pub(super) async fn close(self: &Arc<Self>) {
        self.closed.send_replace(true);
        let writer = Arc::clone(self);
        let close = async move {
            let mut slot = writer.slot.lock().await;
            if let Some(connection) = slot.connection.take() {
                let _ = tokio::time::timeout(LINGER, sqlx::Connection::close(connection)).await;
            }
        };
        let _ = self.lane.spawn(close).await;
    }
}

/// Undoes a transaction that failed by itself.
async fn rolled_back<T>(connection: &mut PgConnection, failure: Failure) -> End<T> {
    match tokio::time::timeout(LINGER, sqlx::raw_sql("ROLLBACK").execute(connection)).await {
        Ok(Ok(_)) => End::Certain(Err(failure)),
        _ => End::Lost(failure),
    }
}
