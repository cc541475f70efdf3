//! Databases of their own on the Postgres server that the tests are given.

use super::database::{Database, Store};
use crate::store::postgres::{PostgresStore, Target};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Where the server is, as a superuser's address of its database `postgres`.
const SERVER: &str = "GAMETRIGGERS_TEST_POSTGRES";

#[async_trait]
impl Store for PostgresStore {
    async fn close(&self) {
        Self::close(self).await;
    }
}

/// A database on the server.
pub(in crate::store) struct PostgresDatabase {
    /// Its address.
    pub(in crate::store) url: String,
}

impl PostgresDatabase {
    /// A database with nothing in it.
    pub(in crate::store) async fn new() -> Self {
        let server = std::env::var(SERVER).unwrap_or_else(|_| {
            panic!("{SERVER} names no server: run `scripts/databases cargo test`, which starts one")
        });
        // Not by the process: on a server that lives for long its number comes again.
        let name = format!("store_{:016x}", RandomState::new().build_hasher().finish());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{address}/{name}") }
    }

    /// How a store is opened on it.
    pub(in crate::store) fn target(&self) -> Target {
        Target { url: self.url.clone(), writer: 1, production: false }
    }

    /// A connection beside the store's.
    pub(in crate::store) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn open(&self) -> Arc<dyn Store> {
        PostgresStore::open(&self.target()).await.unwrap()
    }

    async fn read_only(&self) -> Result<(), String> {
        let opened = PostgresStore::open_read_only(&self.target()).await;
        opened.map(drop).map_err(|error| error.to_string())
    }

    async fn try_sql(&self, sql: &str) -> Result<u64, String> {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    }

    async fn tamper(&self, sql: &str) -> u64 {
        // Of a partition's check there is one at its parent as well, and another of its own.
        const CHECKS: &str = "SELECT c.conrelid::regclass::text, quote_ident(c.conname),
              pg_get_constraintdef(c.oid), t.relispartition
            FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
            WHERE c.contype = 'c' AND c.connamespace = current_schema()::regnamespace
            ORDER BY t.relispartition";
        let mut connection = self.connect().await;
        let mut transaction = connection.begin().await.unwrap();
        let checks: Vec<(String, String, String, bool)> =
            sqlx::query_as(CHECKS).fetch_all(&mut *transaction).await.unwrap();
        let mut script = "SET LOCAL session_replication_role = replica;".to_owned();
        for (table, name, _, _) in &checks {
            script.push_str(&format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};"));
        }
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *transaction).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await.unwrap();
        let mut script = String::new();
        for (table, name, check, _) in checks.iter().filter(|(_, _, _, partition)| !partition) {
            script.push_str(&format!("ALTER TABLE {table} ADD CONSTRAINT {name} {check} NOT VALID;"));
        }
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        done.rows_affected()
    }

    async fn numbers(&self, sql: &str) -> Vec<i64> {
        let mut connection = self.connect().await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
    }
}
