//! The audit against small databases, sound ones and broken ones.

use super::audit::{Findings, audit, drift_micros};
use super::witness::Answers;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::collections::HashMap;
use std::path::PathBuf;
use tempfile::TempDir;

const PLAY: &str = "01920000-0000-7000-8000-00000000000A";

/// The columns that the audit reads, without the constraints that keep a real database sound.
const SCHEMA: &str = "
    CREATE TABLE settle_event (event_id BLOB, kind TEXT, play_id BLOB, campaign_id INTEGER, price INTEGER);
    CREATE TABLE campaign_budget (campaign_id INTEGER, funded INTEGER, spent INTEGER, leased INTEGER);
    CREATE TABLE budget_lease (lease_id INTEGER, granted INTEGER, settled INTEGER);
    CREATE TABLE ledger_account (id INTEGER, owner_kind TEXT, owner_id INTEGER);
    CREATE TABLE ledger_tx (writer INTEGER, seq INTEGER, kind TEXT);
    CREATE TABLE ledger_entry (
        writer INTEGER, seq INTEGER, account_id INTEGER, is_debit INTEGER, amount INTEGER);
    INSERT INTO settle_event VALUES (x'01', 'play', x'0192000000007000800000000000000a', 7, 100);
    INSERT INTO campaign_budget VALUES (7, 1000, 100, 200);
    INSERT INTO budget_lease VALUES (1, 300, 100);
    INSERT INTO ledger_account VALUES (1, 'campaign', 7);
    INSERT INTO ledger_tx VALUES (1, 1, 'fund'), (1, 2, 'settle');
    INSERT INTO ledger_entry VALUES (1, 1, 1, 0, 1000), (1, 2, 1, 1, 100);";

async fn database(change: &'static str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.db");
    let mut made =
        SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    for sql in [SCHEMA, change] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut made).await.unwrap();
    }
    made.close().await.unwrap();
    (directory, path)
}

async fn found(change: &'static str, answers: &[(&str, Answers)]) -> Findings {
    let (_directory, path) = database(change).await;
    let answers: HashMap<String, Answers> = answers.iter().map(|(id, a)| ((*id).to_owned(), *a)).collect();
    audit(&path, &answers).await.unwrap()
}

const SETTLED: Answers = Answers { settled: 1, duplicate: 0, rejected: 0 };
const REJECTED: Answers = Answers { settled: 0, duplicate: 0, rejected: 1 };
const SOUND: Findings = Findings {
    rows: 1,
    acked_lost: 0,
    doubled: 0,
    spent_wrong: 0,
    ledger_wrong: 0,
    rejected_charged: 0,
    overspend_micros: 0,
    stranded_micros: 200,
};

#[tokio::test]
async fn a_sound_database_has_no_findings() {
    assert_eq!(found("", &[(PLAY, SETTLED)]).await, SOUND);
}

#[tokio::test]
async fn each_fault_is_found() {
    let lost = [("01920000-0000-7000-8000-00000000000b", SETTLED)];
    assert_eq!(found("", &lost).await, Findings { acked_lost: 1, ..SOUND });
    assert_eq!(found("", &[(PLAY, REJECTED)]).await, Findings { rejected_charged: 1, ..SOUND });
    let doubled =
        "INSERT INTO settle_event VALUES (x'02', 'play', x'0192000000007000800000000000000a', 7, 0)";
    assert_eq!(found(doubled, &[]).await, Findings { doubled: 1, ..SOUND });
    let spent = "UPDATE campaign_budget SET spent = 150";
    assert_eq!(found(spent, &[]).await, Findings { spent_wrong: 1, ..SOUND });
    let ledger = "UPDATE ledger_entry SET amount = 90 WHERE is_debit = 1";
    assert_eq!(found(ledger, &[]).await, Findings { ledger_wrong: 1, ..SOUND });
    let over = "UPDATE campaign_budget SET funded = 250; UPDATE budget_lease SET granted = 95";
    assert_eq!(found(over, &[]).await, Findings { overspend_micros: 55, ..SOUND });
}

#[test]
fn a_reconciliation_without_checks_is_no_zero() {
    assert_eq!(drift_micros(""), None);
    assert_eq!(drift_micros("R1 rows=3 drift_micros=0 ok\nR2 drift_micros=-7"), Some(7));
    assert_eq!(drift_micros("R1 drift_micros=oops"), Some(i64::MAX));
}
