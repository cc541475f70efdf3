//! Opening a connection, and refusing one that would not keep money.

use crate::store::OpenError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::str::FromStr;
use std::time::Duration;

/// Names the locks of writers among other advisory locks of a database: the letters `gtwr`. Under the number
/// zero, which no writer has, it is that of whoever makes the schema.
pub(super) const LOCK_CLASS: i32 = 0x6774_7772;

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Prepared statements that a connection keeps: all that there are.
const STATEMENTS_MAX: usize = 256;

/// What the server does for every connection of ours. A client that is gone without a word is noticed within
/// seconds, so that its locks end with it; a statement that waits is refused before the caller gives up.
const SESSION: [(&str, &str); 9] = [
    // A large batch is sorted and joined in memory, not in files.
    ("work_mem", "64MB"),
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "20s"),
    ("client_connection_check_interval", "2s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

/// Which database, and how it is opened.
#[derive(Clone)]
pub struct Target {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: String,
    /// The number of the writer; each process that writes at the same time has its own.
    pub writer: i64,
    /// Refuse a server that may lose a commit, a schema that is not current, and a role that may do anything.
    pub production: bool,
}

impl Target {
    /// The options of a connection to it, without any limit of time.
    pub(super) fn options(&self) -> Result<PgConnectOptions, OpenError> {
        let options = PgConnectOptions::from_str(&self.url)
            .map_err(|error| OpenError::Server { reason: error.to_string() })?;
        Ok(options
            .application_name("gametriggers schema")
            .statement_cache_capacity(STATEMENTS_MAX)
            .disable_statement_logging())
    }

    /// The options of the one connection that writes.
    pub(super) fn writing(&self) -> Result<PgConnectOptions, OpenError> {
        let own = [("gametriggers.writer", self.writer.to_string())];
        let name = format!("gametriggers writer {}", self.writer);
        Ok(self.options()?.application_name(&name).options(SESSION).options(own))
    }

    /// The options of a connection that only reads.
    pub(super) fn reading(&self) -> Result<PgConnectOptions, OpenError> {
        let read_only = [("default_transaction_read_only", "on")];
        Ok(self.options()?.application_name("gametriggers reader").options(SESSION).options(read_only))
    }
}

/// Connects, and does not wait for ever.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let failed = |reason: String| OpenError::Server { reason };
    match tokio::time::timeout(CONNECT_WAIT, options.connect()).await {
        Ok(connected) => connected.map_err(|error| failed(error.to_string())),
        Err(_) => Err(failed("no answer in time".to_owned())),
    }
}

/// Looks at what the server does with a commit, and asks for what money needs as far as a connection may.
pub(super) async fn keeps(connection: &mut PgConnection, production: bool) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::Server { reason: error.to_string() };
    for pragma in ["fsync", "full_page_writes", "synchronous_commit"] {
        let found: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(pragma)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if found != "off" {
            continue;
        }
        if production {
            return Err(OpenError::Refused { pragma, found, wanted: "on" });
        }
        tracing::warn!(setting = pragma, "this server may lose a commit with its power");
    }
    // `remote_apply` is more than `on`, everything else is less.
    let on = "SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') <> 'remote_apply'";
    sqlx::query(on).execute(&mut *connection).await.map_err(failed)?;
    #[cfg(feature = "proof")]
    crate::store::plant::spoil(connection).await.map_err(failed)?;
    Ok(())
}

/// Refuses a role that may do more than the server's work.
pub(super) async fn restricted(connection: &mut PgConnection) -> Result<(), OpenError> {
    const ROLE: &str = "SELECT current_user::text, r.rolsuper,
          EXISTS (SELECT FROM pg_class AS t WHERE t.relnamespace = current_schema()::regnamespace
            AND t.relname IN ('writer', 'ledger_tx', 'settle_event') AND pg_has_role(t.relowner, 'MEMBER'))
        FROM pg_roles AS r WHERE r.rolname = current_user";
    let (role, superuser, owner): (String, bool, bool) = sqlx::query_as(ROLE)
        .fetch_one(connection)
        .await
        .map_err(|error| OpenError::Server { reason: error.to_string() })?;
    match (superuser, owner) {
        (true, _) => Err(OpenError::Role { role, is: "a superuser" }),
        (false, true) => Err(OpenError::Role { role, is: "an owner of the tables" }),
        (false, false) => Ok(()),
    }
}

/// Takes the lock of a writer, without waiting.
pub(super) async fn lock(connection: &mut PgConnection, writer: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2::int)")
        .bind(LOCK_CLASS)
        .bind(writer)
        .fetch_one(connection)
        .await
}

/// A server process, told from a later one with the same number by when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pid: i32,
    began: String,
}

/// The server process of a connection.
pub(super) async fn backend(connection: &mut PgConnection) -> Result<Backend, sqlx::Error> {
    let (pid, began) =
        sqlx::query_as("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            .fetch_one(connection)
            .await?;
    Ok(Backend { pid, began })
}

/// Ends a server process of ours that lingers after its connection is gone.
pub(super) async fn end(connection: &mut PgConnection, old: &Backend) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2",
    )
    .bind(old.pid)
    .bind(&old.began)
    .execute(connection)
    .await?;
    Ok(())
}
