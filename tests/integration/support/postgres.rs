//! Databases of their own on the Postgres server that `scripts/databases` starts.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};

/// The address of a database with nothing in it.
pub(crate) async fn database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("GAMETRIGGERS_TEST_POSTGRES").expect(
        "GAMETRIGGERS_TEST_POSTGRES is not set: this test needs a Postgres; run it with \
         `scripts/databases cargo test`, which starts one",
    );
    let name = format!("whole_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let (address, _) = server.rsplit_once('/').unwrap();
    format!("{address}/{name}")
}
