//! What is true of Postgres alone. What every store has to do is in `store::tests`.

mod nodes;

use crate::store::tests::Database;
use crate::store::tests::postgres::PostgresDatabase;

#[tokio::test]
async fn every_statement_prepares_on_a_migrated_database() {
    use sqlx::{Executor, SqlSafeStr};
    let database = PostgresDatabase::new().await;
    database.open().await.close().await;
    let statements = super::every_statement();
    assert!(statements.len() > 90, "{}", statements.len());
    let mut connection = database.connect().await;
    for statement in statements {
        if let Err(error) = connection.prepare(statement.into_sql_str()).await {
            panic!("{error}: {statement}");
        }
    }
}
