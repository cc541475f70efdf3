//! Opening: one writer of each number, one schema, and a server that keeps what it is told.

use super::*;
use crate::store::OpenError;
use crate::store::tests::{NOW, debit, ok};
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::ports::{LedgerStore, StoreError};

#[tokio::test]
async fn a_number_has_one_writer_and_the_next_one_is_told() {
    let (database, store) = opened().await;
    let error = PostgresStore::open(&database.target()).await.err().unwrap();
    assert!(matches!(error, OpenError::WriterTaken(1)), "{error}");
    assert!(error.to_string().contains("database.writer"), "{error}");
    let other = PostgresStore::open(&Target { writer: 2, ..database.target() }).await.unwrap();
    other.probe().await.unwrap();
    other.close().await;
    store.close().await;
    PostgresStore::open(&database.target()).await.unwrap().probe().await.unwrap();
}

#[tokio::test]
async fn a_store_for_reading_writes_nothing_and_needs_no_number() {
    let (database, _owner) = opened().await;
    let reader = PostgresStore::open_read_only(&database.target()).await.unwrap();
    assert!(matches!(reader.probe().await, Err(StoreError::Unavailable(_))));
    assert!(!reader.reconcile(true).await.unwrap().is_empty());
    let refused =
        sqlx::query("INSERT INTO brand (name, created_at) VALUES ('a', 0)").execute(&reader.readers);
    assert!(refused.await.unwrap_err().to_string().contains("read-only"));
}

#[tokio::test]
async fn two_that_migrate_at_once_do_each_step_once() {
    let database = PostgresDatabase::new().await;
    let target = database.target();
    let (one, two) = tokio::join!(PostgresStore::migrate(&target), PostgresStore::migrate(&target));
    let (one, two) = (one.unwrap(), two.unwrap());
    let mut steps = [one.len(), two.len()];
    steps.sort_unstable();
    let all = i64::try_from(steps[1]).unwrap();
    assert!(steps[0] == 0 && all > 1, "{one:?} {two:?}");
    assert!(PostgresStore::migrate(&target).await.unwrap().is_empty());
    let applied = "SELECT count(*) FROM _sqlx_migrations WHERE success";
    assert_eq!(database.numbers(applied).await, [all]);
    PostgresStore::open(&target).await.unwrap().probe().await.unwrap();
}

#[tokio::test]
async fn production_makes_no_schema_and_says_who_does() {
    let database = PostgresDatabase::new().await;
    let target = Target { production: true, ..database.target() };
    let error = PostgresStore::open(&target).await.err().unwrap();
    assert!(error.to_string().contains("gametriggers migrate"), "{error}");
    PostgresStore::migrate(&target).await.unwrap();
    database.tamper("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2").await;
    for open in [target.clone(), database.target()] {
        assert!(matches!(PostgresStore::open(&open).await, Err(OpenError::Migration(_))));
    }
}

#[tokio::test]
async fn production_refuses_a_server_that_answers_before_it_keeps() {
    let (database, target) = right::restricted().await;
    let name = database.url.rsplit_once('/').unwrap().1;
    run(&mut database.connect().await, &format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let error = PostgresStore::open(&target).await.err().unwrap();
    assert!(error.to_string().contains("synchronous_commit is off"), "{error}");
    // Elsewhere it is said aloud, and asked for as far as one connection may.
    let store = PostgresStore::open(&database.target()).await.unwrap();
    let show = "SELECT current_setting('synchronous_commit')";
    let found: String = store
        .write(move |c| Box::pin(async move { Ok(sqlx::query_scalar(show).fetch_one(c).await?) }))
        .await
        .unwrap();
    assert_eq!(found, "on");
}

#[tokio::test]
async fn events_have_partitions_ahead_and_those_before_are_expired() {
    use gametriggers_actors::domain::id::PlayId;
    use gametriggers_actors::domain::reason::Reason;
    use gametriggers_actors::domain::time::Millis;
    let (database, store) = opened().await;
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let day = Millis(86_400_000);
    let start = NOW.0 - NOW.0.rem_euclid(day.0);
    let at = |millis: i64, n: u8| {
        let mut debit = debit(0, lease, campaign, 10);
        debit.event = PlayId::mint(gametriggers_actors::domain::time::UnixMillis(millis), [n; 10]);
        ok(debit)
    };
    // The first and the last of the days that there are, and their neighbours, beside a good claim.
    let (first, last) = (start - day.0, start + 3 * day.0 - 1);
    let claims = [at(first, 1), at(first - 1, 2), at(last, 3), at(last + 1, 4), at(start, 5)];
    let expired = Outcome::Rejected(Reason::TokenExpired);
    let wanted = [Outcome::Settled, expired, Outcome::Settled, expired, Outcome::Settled];
    assert_eq!(bench.settle(&claims).await, wanted);
    let again = [Outcome::Duplicate, expired, Outcome::Duplicate, expired, Outcome::Duplicate];
    assert_eq!(bench.settle(&claims).await, again);
    // A day later there is one more; what was refused stays refused.
    store.close_due(NOW + day).await.unwrap();
    assert_eq!(bench.settle(&[at(last + 1, 6), at(last + 1, 4)]).await, [Outcome::Settled, expired]);
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'settle_event'::regclass";
    assert_eq!(bench.database.numbers(partitions).await, [5]);
    bench.reconciles().await;
}
