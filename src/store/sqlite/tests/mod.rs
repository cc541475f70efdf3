//! What is true of SQLite alone; what every store has to do stands in `store/tests`.

mod fault;
mod open;
mod speed;

use super::SqliteStore;
use crate::store::tests::database::SqliteFile;
use crate::store::tests::{Bench, NOW, Store, debit, inr, key, ok, wrong};
use gametriggers_actors::ports::LedgerStore;
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
        let shared: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
        let bench = Bench { database: Box::new(file), store: shared };
        Self { bench, path, store }
    }
}

#[tokio::test]
async fn every_statement_prepares_on_a_migrated_database() {
    use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
    let local = Local::new().await;
    let mut statements = super::ledger::statements();
    let fixed = [
        super::campaign::statements(),
        super::rule::statements(),
        super::wallet::statements(),
        super::webhook::statements(),
        super::user::statements(),
        super::profile::statements(),
        super::participation::STATEMENTS.to_vec(),
        super::audit::STATEMENTS.to_vec(),
        super::account::STATEMENTS.to_vec(),
        super::key::STATEMENTS.to_vec(),
        super::asset::STATEMENTS.to_vec(),
        super::streamer::STATEMENTS.to_vec(),
        super::play_log::STATEMENTS.to_vec(),
        super::supply::STATEMENTS.to_vec(),
    ];
    statements.extend(fixed.concat().into_iter().map(str::to_owned));
    assert!(statements.len() > 60, "{}", statements.len());
    let mut connection = local.store.readers.acquire().await.unwrap();
    for statement in statements {
        if let Err(error) = (&mut *connection).prepare(AssertSqlSafe(statement.clone()).into_sql_str()).await
        {
            panic!("{error}: {statement}");
        }
    }
}

#[tokio::test]
async fn a_roll_up_takes_a_bounded_part() {
    let Local { bench, store, .. } = Local::new().await;
    let (_, campaign) = bench.fund(10_000, 9_000).await;
    let lease = bench.lease(campaign, 9_000).await;
    let claims: Vec<_> = (0..5_001).map(|n| ok(debit(n, lease, campaign, 1))).collect();
    bench.settle(&claims).await;
    for posted in [5_000, 1, 0] {
        assert_eq!(store.roll_up(NOW).await.unwrap(), posted);
    }
}
