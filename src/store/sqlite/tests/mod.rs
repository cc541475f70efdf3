//! What is true of SQLite alone; what every store has to do stands in `store/tests`.

mod fault;
mod open;

use super::SqliteStore;
use crate::store::tests::database::SqliteFile;
use crate::store::tests::{Bench, Store, debit, inr, key, ok, wrong};
use std::path::PathBuf;
use std::sync::Arc;

/// The shared bench, and what it hides.
struct Local {
    bench: Bench,
    path: PathBuf,
    store: Arc<SqliteStore>,
}

impl Local {
    async fn new() -> Self {
        let file = SqliteFile::new();
        let (path, store) = (file.path.clone(), SqliteStore::open(&file.path).await.unwrap());
        let bench = Bench { database: Box::new(file), store: Arc::clone(&store) as Arc<dyn Store> };
        Self { bench, path, store }
    }
}

#[tokio::test]
async fn every_statement_prepares_on_a_migrated_database() {
    use sqlx::{Executor, SqlSafeStr};
    let local = Local::new().await;
    let mut statements = super::ledger::statements();
    statements.extend(super::campaign::statements());
    statements.extend(
        [super::account::STATEMENTS, super::streamer::STATEMENTS, super::play_log::STATEMENTS].concat(),
    );
    assert!(statements.len() > 60, "{}", statements.len());
    let mut connection = local.store.readers.acquire().await.unwrap();
    for statement in statements {
        if let Err(error) = (&mut *connection).prepare(statement.into_sql_str()).await {
            panic!("{error}: {statement}");
        }
    }
}
