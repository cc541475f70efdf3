//! What a database is called, closing it and opening it again.

use super::*;
use crate::store::{OpenError, sqlite_path};
use gametriggers_actors::ports::StoreError;
use std::path::Path;

async fn a_reopened_database_keeps_everything(on: On) {
    let (mut bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
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

async fn a_closed_store_answers_nothing_and_owns_nothing(on: On) {
    let (mut bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    bench.store.close().await;
    let write = bench.store.deposit(brand, inr(1), &key("c"), NOW).await;
    assert!(matches!(write, Err(StoreError::Unavailable(_))));
    assert!(matches!(bench.store.budget(campaign).await, Err(StoreError::Unavailable(_))));
    bench.store = bench.database.open().await;
    bench.store.deposit(brand, inr(1), &key("c"), NOW).await.unwrap();
    bench.reconciles().await;
}

async fn a_schema_with_steps_of_a_newer_release_is_opened_and_one_that_lacks_a_step_is_not(on: On) {
    const LATER: &str = "INSERT INTO _sqlx_migrations
        SELECT version + 100, 'later', installed_on, success, checksum, execution_time
        FROM _sqlx_migrations WHERE version = 1";
    let (mut bench, brand, _) = Bench::funded(on, 10_000, 5_000).await;
    // Beside the running one, which goes on and can be opened again.
    bench.database.tamper("ALTER TABLE brand ADD COLUMN later TEXT").await;
    bench.database.tamper(LATER).await;
    bench.store.deposit(brand, inr(1), &key("beside"), NOW).await.unwrap();
    bench.reopen().await;
    bench.store.deposit(brand, inr(1), &key("after"), NOW).await.unwrap();
    assert_eq!(bench.database.read_only().await, Ok(()));
    bench.database.tamper("DELETE FROM _sqlx_migrations WHERE version = 3").await;
    let error = bench.database.read_only().await.unwrap_err();
    assert!(error.contains("0003 play log") && error.contains("gametriggers migrate"), "{error}");
    bench.reconciles().await;
}

#[test]
fn a_url_names_a_file_and_nothing_else() {
    for url in ["sqlite:data/a.db", "sqlite://data/a.db", "data/a.db"] {
        assert_eq!(sqlite_path(url).unwrap(), Path::new("data/a.db"));
    }
    assert_eq!(sqlite_path("sqlite:///var/a.db").unwrap(), Path::new("/var/a.db"));
    for url in ["postgres://h/db", "sqlite::memory:", "", "sqlite:"] {
        assert!(matches!(sqlite_path(url), Err(OpenError::Unsupported(_))), "{url}");
    }
}

on_each! {
    a_reopened_database_keeps_everything;
    a_closed_store_answers_nothing_and_owns_nothing;
    a_schema_with_steps_of_a_newer_release_is_opened_and_one_that_lacks_a_step_is_not;
}
