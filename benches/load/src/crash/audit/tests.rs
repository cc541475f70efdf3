//! The audit against small sets of rows, sound ones and broken ones, and against a real file.

use super::{Account, Budget, Event, Findings, Rows, audit, drift_micros, read, stranded};
use crate::crash::stage::Ledger;
use crate::crash::witness::{Answers, Log};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const PLAY: &str = "01920000-0000-7000-8000-00000000000A";
const ID: &str = "0192000000007000800000000000000a";

/// The columns that the audit reads, without the constraints that keep a real database sound.
const SCHEMA: &str = "
    CREATE TABLE settle_event (event_id BLOB, kind TEXT, campaign_id INTEGER, price INTEGER, fee INTEGER);
    CREATE TABLE settle_click (event_id BLOB, play_id BLOB);
    CREATE TABLE campaign_budget (campaign_id INTEGER, funded INTEGER, spent INTEGER, leased INTEGER);
    CREATE TABLE budget_lease (lease_id INTEGER, granted INTEGER, settled INTEGER, state TEXT);
    CREATE TABLE ledger_account (
        owner_kind TEXT, owner_id INTEGER, code TEXT, debits INTEGER, credits INTEGER);
    INSERT INTO settle_event VALUES (x'0192000000007000800000000000000a', 'play', 7, 100, 20);
    INSERT INTO campaign_budget VALUES (7, 1000, 100, 200);
    INSERT INTO budget_lease VALUES (1, 300, 100, 'closing');
    INSERT INTO ledger_account VALUES
        ('psp', 0, 'clearing', 1000, 0), ('brand', 3, 'available', 1000, 1000),
        ('campaign', 7, 'reserved', 100, 1000), ('platform', 0, 'fee', 0, 20),
        ('platform', 0, 'accrual_clearing', 50, 80), ('streamer', 5, 'pending', 0, 50);";

fn account(owner_kind: &str, owner: i64, code: &str, debits: i64, credits: i64) -> Account {
    Account { owner_kind: owner_kind.into(), owner, code: code.into(), debits, credits }
}

fn event() -> Event {
    Event { id: ID.into(), is_play: true, campaign: 7, price: 100, fee: 20 }
}

fn sound() -> Rows {
    Rows {
        events: vec![event()],
        budgets: vec![Budget { campaign: 7, funded: 1_000, spent: 100, leased: 200 }],
        accounts: vec![
            account("psp", 0, "clearing", 1_000, 0),
            account("brand", 3, "available", 1_000, 1_000),
            account("campaign", 7, "reserved", 100, 1_000),
            account("platform", 0, "fee", 0, 20),
            account("platform", 0, "accrual_clearing", 50, 80),
            account("streamer", 5, "pending", 0, 50),
        ],
        clicks: Vec::new(),
        leases: vec![(300, 100)],
    }
}

const SETTLED: Answers = Answers { settled: 1, duplicate: 0, rejected: 0 };
const REJECTED: Answers = Answers { settled: 0, duplicate: 0, rejected: 1 };

fn log(answers: &[(&str, Answers)]) -> Log {
    let mut log = Log::default();
    log.claimed.insert(PLAY.into());
    for (play, answers) in answers {
        log.claimed.insert((*play).into());
        log.answers.insert((*play).into(), *answers);
    }
    log
}

fn found(change: impl FnOnce(&mut Rows)) -> Findings {
    let mut rows = sound();
    change(&mut rows);
    audit(&rows, &log(&[(PLAY, SETTLED)]))
}

const SOUND: Findings = Findings {
    rows: 1,
    acked_lost: 0,
    doubled: 0,
    unclaimed: 0,
    clicks: 0,
    clicks_wrong: 0,
    spent_wrong: 0,
    ledger_wrong: 0,
    rejected_charged: 0,
    overspend_micros: 0,
    share_drift_micros: 0,
};

#[test]
fn sound_rows_have_no_findings() {
    assert_eq!(found(|_| ()), SOUND);
}

#[test]
fn each_fault_of_a_play_is_found() {
    let lost = [(PLAY, SETTLED), ("01920000-0000-7000-8000-00000000000b", SETTLED)];
    assert_eq!(audit(&sound(), &log(&lost)), Findings { acked_lost: 1, ..SOUND });
    assert_eq!(audit(&sound(), &log(&[(PLAY, REJECTED)])), Findings { rejected_charged: 1, ..SOUND });
    let again = |rows: &mut Rows| rows.events.push(Event { price: 0, fee: 0, ..event() });
    assert_eq!(found(again), Findings { doubled: 1, ..SOUND });
    let foreign = |rows: &mut Rows| {
        rows.events.push(Event { id: "0b".into(), price: 0, fee: 0, ..event() });
    };
    assert_eq!(found(foreign), Findings { rows: 2, unclaimed: 1, ..SOUND });
}

#[test]
fn a_click_is_billed_once_and_only_when_somebody_clicked() {
    let mut rows = sound();
    rows.events.push(Event { id: "c1".into(), is_play: false, price: 0, fee: 0, ..event() });
    rows.clicks.push(ID.into());
    let mut seen = log(&[(PLAY, SETTLED)]);
    assert_eq!(audit(&rows, &seen), Findings { clicks: 1, clicks_wrong: 1, ..SOUND });
    seen.clicked.insert(PLAY.into());
    assert_eq!(audit(&rows, &seen), Findings { clicks: 1, ..SOUND });
    rows.events.push(Event { id: "c2".into(), is_play: false, price: 0, fee: 0, ..event() });
    assert_eq!(audit(&rows, &seen), Findings { clicks: 1, clicks_wrong: 1, ..SOUND });
    rows.clicks.push(ID.into());
    assert_eq!(audit(&rows, &seen), Findings { clicks: 2, clicks_wrong: 1, ..SOUND });
}

#[test]
fn each_fault_of_the_money_is_found() {
    assert_eq!(found(|rows| rows.budgets[0].spent = 150), Findings { spent_wrong: 1, ..SOUND });
    assert_eq!(found(|rows| rows.accounts[2].debits = 90), Findings { ledger_wrong: 1, ..SOUND });
    let over = Findings { overspend_micros: 5, ..SOUND };
    assert_eq!(found(|rows| rows.budgets[0].leased = 905), over);
    assert_eq!(found(|rows| rows.leases[0].0 = 95), over);
    let fee = |rows: &mut Rows| {
        (rows.accounts[3].credits, rows.accounts[4].credits) = (21, 79);
    };
    assert_eq!(found(fee), Findings { share_drift_micros: 2, ..SOUND });
    assert_eq!(found(|rows| rows.budgets.clear()), Findings { spent_wrong: 1, ..SOUND });
}

#[tokio::test]
async fn a_file_is_read_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.db");
    let mut made =
        SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(SCHEMA).execute(&mut made).await.unwrap();
    made.close().await.unwrap();
    let ledger = Ledger::Sqlite(path);
    let (rows, expected) = (read(&ledger).await.unwrap(), sound());
    assert_eq!((rows.events, rows.budgets), (expected.events, expected.budgets));
    assert_eq!((rows.accounts, rows.leases), (expected.accounts, expected.leases));
    assert_eq!(stranded(&ledger).await.unwrap(), 200);
}

#[test]
fn a_reconciliation_without_checks_is_no_zero() {
    assert_eq!(drift_micros(""), None);
    assert_eq!(drift_micros("R1 rows=3 drift_micros=0 ok\nR2 drift_micros=-7"), Some(7));
    assert_eq!(drift_micros("R1 drift_micros=oops"), Some(i64::MAX));
}
