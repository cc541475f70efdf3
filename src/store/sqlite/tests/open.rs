//! Opening: one owner, one schema.

use super::*;
use crate::store::OpenError;
use crate::store::sqlite::{connection, migrations};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::ports::{LedgerStore, StoreError};
use std::time::Duration;

#[tokio::test]
async fn a_second_owner_is_told_which_file_is_locked() {
    let local = Local::new().await;
    let error = SqliteStore::open(&local.path).await.err().unwrap();
    assert!(matches!(error, OpenError::Locked(_)));
    let named = connection::lock_path(&local.path);
    assert!(error.to_string().contains(&named.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_reader_works_beside_the_owner_and_writes_nothing() {
    let Local { bench, path, .. } = Local::new().await;
    let (brand, campaign) = bench.fund(10_000, 5_000).await;
    let reader = SqliteStore::open_read_only(&path).await.unwrap();
    assert!(wrong(reader.reconcile(true).await.unwrap()).is_empty());
    assert_eq!(reader.budget(campaign).await.unwrap().funded, Micros(5_000));
    let write = reader.deposit(brand, inr(1), &key("r"), crate::store::tests::NOW).await;
    assert!(matches!(write, Err(StoreError::Unavailable(_))));
    let direct = sqlx::query("UPDATE writer SET seq = 0").execute(&reader.readers).await;
    assert!(direct.is_err(), "a reader's connections only read");
    let missing = SqliteStore::open_read_only(&path.with_extension("none")).await;
    assert!(missing.is_err());
}

#[tokio::test]
async fn migrations_run_twice_and_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    // The second waits for the first, as long as that takes here.
    let options = connection::writing(&dir.path().join("new.db")).busy_timeout(Duration::from_secs(30));
    let mut one = connection::connect(&options).await.unwrap();
    let mut two = connection::connect(&options).await.unwrap();
    let (first, second) = tokio::join!(migrations::run(&mut one), migrations::run(&mut two));
    first.unwrap();
    second.unwrap();
    migrations::run(&mut one).await.unwrap();
    migrations::verify(&mut two).await.unwrap();
}

#[tokio::test]
async fn whoever_migrates_waits_for_a_writer_and_works_beside_the_owner() {
    let Local { bench, path, .. } = Local::new().await;
    let (brand, _) = bench.fund(10_000, 5_000).await;
    let mut writer = connection::connect(&connection::writing(&path)).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let waits = tokio::spawn({
        let path = path.clone();
        async move { SqliteStore::migrate(&path).await }
    });
    // Longer than a transaction of the server waits.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(!waits.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut writer).await.unwrap();
    assert!(waits.await.unwrap().unwrap().is_empty());
    bench.store.deposit(brand, inr(1), &key("after"), NOW).await.unwrap();
    bench.reconciles().await;
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let Local { bench, path, store } = Local::new().await;
    bench.tamper("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2").await;
    assert!(matches!(SqliteStore::open_read_only(&path).await, Err(OpenError::Migration(_))));
    store.close().await;
    assert!(matches!(SqliteStore::open(&path).await, Err(OpenError::Migration(_))));
}

#[tokio::test]
async fn a_database_without_full_synchronisation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = connection::writing(&dir.path().join("a.db"));
    let weak = options.clone().synchronous(sqlx::sqlite::SqliteSynchronous::Normal);
    let error = connection::connect(&weak).await.err().unwrap();
    assert!(matches!(error, OpenError::Refused { pragma: "synchronous", wanted: "2", .. }));
    let unlogged = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let error = connection::connect(&unlogged).await.err().unwrap();
    assert!(matches!(error, OpenError::Refused { pragma: "journal_mode", .. }));
}
