//! Opening: one owner, one schema.

use super::*;
use crate::store::OpenError;
use crate::store::sqlite::{connection, migrations};
use gametriggers_actors::ports::StoreError;

#[tokio::test]
async fn a_second_owner_is_told_which_file_is_locked() {
    let bench = Bench::new().await;
    let error = SqliteStore::open(&bench.path).await.err().unwrap();
    assert!(matches!(error, OpenError::Locked(_)));
    let named = connection::lock_path(&bench.path);
    assert!(error.to_string().contains(&named.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_reopened_database_keeps_everything() {
    let (mut bench, brand, campaign) = Bench::funded(10_000, 5_000).await;
    let lease = bench.lease(campaign, 2_000).await;
    let claims = [ok(debit(1, lease, campaign, 100)), ok(debit(2, lease, campaign, 9_000))];
    let first = bench.settle(&claims).await;
    let (before, row) = (bench.budget(campaign).await, bench.store.campaign(campaign).await.unwrap());
    bench.reopen().await;
    assert_eq!(bench.budget(campaign).await, before);
    assert_eq!(bench.store.campaign(campaign).await.unwrap(), row);
    assert_eq!(bench.store.available(brand, Currency::INR).await.unwrap(), Micros(5_000));
    assert_eq!(bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap(), 2);
    assert_eq!(bench.settle(&claims).await, [Outcome::Duplicate, first[1]]);
    bench.reconciles().await;
}

#[tokio::test]
async fn a_closed_store_answers_nothing_and_owns_nothing() {
    let (bench, brand, campaign) = Bench::funded(10_000, 5_000).await;
    bench.store.close().await;
    let write = bench.store.deposit(brand, inr(1), &key("c"), NOW).await;
    assert!(matches!(write, Err(StoreError::Unavailable(_))));
    assert!(matches!(bench.store.budget(campaign).await, Err(StoreError::Unavailable(_))));
    assert!(SqliteStore::open(&bench.path).await.is_ok());
}

#[tokio::test]
async fn a_reader_works_beside_the_owner_and_writes_nothing() {
    let (bench, brand, campaign) = Bench::funded(10_000, 5_000).await;
    let reader = SqliteStore::open_read_only(&bench.path).await.unwrap();
    assert!(wrong(reader.reconcile(true).await.unwrap()).is_empty());
    assert_eq!(reader.budget(campaign).await.unwrap().funded, Micros(5_000));
    let write = reader.deposit(brand, inr(1), &key("r"), NOW).await;
    assert!(matches!(write, Err(StoreError::Unavailable(_))));
    let direct = sqlx::query("UPDATE writer SET seq = 0").execute(&reader.readers).await;
    assert!(direct.is_err(), "a reader's connections only read");
    let missing = SqliteStore::open_read_only(&bench.path.with_extension("none")).await;
    assert!(missing.is_err());
}

#[tokio::test]
async fn migrations_run_twice_and_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let options = connection::writing(&dir.path().join("new.db"));
    let mut one = connection::connect(&options).await.unwrap();
    let mut two = connection::connect(&options).await.unwrap();
    let (first, second) = tokio::join!(migrations::run(&mut one), migrations::run(&mut two));
    first.unwrap();
    second.unwrap();
    migrations::run(&mut one).await.unwrap();
    migrations::verify(&mut two).await.unwrap();
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let bench = Bench::new().await;
    bench.raw_sql("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2").await;
    assert!(matches!(SqliteStore::open_read_only(&bench.path).await, Err(OpenError::Migration(_))));
    bench.store.close().await;
    assert!(matches!(SqliteStore::open(&bench.path).await, Err(OpenError::Migration(_))));
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
