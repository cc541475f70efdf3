//! What is true of Postgres alone. What every store has to do is in `store::tests`.

mod cluster;
mod commit;
mod log;
mod nodes;
mod open;
mod proxy;
mod right;
mod settle;
mod snapshot;
mod tls;

use super::{PostgresStore, Target};
use crate::store::tests::postgres::PostgresDatabase;
use crate::store::tests::{Bench, Database, Store};
use sqlx::{AssertSqlSafe, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A database with the schema, and a store on it.
async fn opened() -> (PostgresDatabase, Arc<PostgresStore>) {
    let database = PostgresDatabase::new().await;
    let store = PostgresStore::open(&database.target()).await.unwrap();
    (database, store)
}

/// The same, for what the suite's tests can do.
fn bench(database: PostgresDatabase, store: &Arc<PostgresStore>) -> Bench {
    let store: Arc<dyn Store> = Arc::<PostgresStore>::clone(store);
    Bench { database: Box::new(database), store }
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// Waits until so many connections of this name (a pattern) wait for a lock, one of them the task's.
async fn wait_for_waiters<T>(eye: &mut PgConnection, name: &str, count: i64, task: &JoinHandle<T>) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $1
        AND datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(sql).bind(name).fetch_one(&mut *eye).await.unwrap() < count {
        assert!(!task.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_statement_prepares_on_a_migrated_database() {
    use sqlx::{Executor, SqlSafeStr};
    let (database, _store) = opened().await;
    let statements = super::every_statement();
    assert!(statements.len() > 90, "{}", statements.len());
    let mut connection = database.connect().await;
    for statement in statements {
        if let Err(error) = connection.prepare(statement.into_sql_str()).await {
            panic!("{error}: {statement}");
        }
    }
}
