//! The database against the log of acks. Read-only, and independent of the server's own checks.

use super::witness::Answers;
use crate::failure::Failure;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::collections::HashMap;
use std::path::Path;

/// What the database says. All of it but `rows` and `stranded_micros` must be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Plays in `settle_event`.
    pub(super) rows: u64,
    /// Acked as durable, but not there.
    pub(super) acked_lost: u64,
    /// Plays with more than one row.
    pub(super) doubled: u64,
    /// Campaigns whose `spent` is not the sum of their events.
    pub(super) spent_wrong: u64,
    /// Campaigns whose ledger lines are not the sum of their events.
    pub(super) ledger_wrong: u64,
    /// Acked as rejected and never as durable, but charged.
    pub(super) rejected_charged: u64,
    /// Above the budget, or above a lease.
    pub(super) overspend_micros: i64,
    /// Leased at the end.
    pub(super) stranded_micros: i64,
}

/// Rows of each play, by its id in lower-case hexadecimal digits.
const PLAYS: &str =
    "SELECT lower(hex(play_id)), count(*) FROM settle_event WHERE kind = 'play' GROUP BY play_id";

const SPENT_WRONG: &str = "SELECT count(*) FROM campaign_budget b WHERE b.spent <>
    (SELECT coalesce(sum(e.price), 0) FROM settle_event e WHERE e.campaign_id = b.campaign_id)";

const LEDGER_WRONG: &str = "SELECT count(*) FROM campaign_budget b WHERE
    (SELECT coalesce(sum(e.price), 0) FROM settle_event e WHERE e.campaign_id = b.campaign_id) <>
    (SELECT coalesce(sum(l.amount), 0) FROM ledger_account a
       JOIN ledger_entry l ON l.account_id = a.id AND l.is_debit = 1
       JOIN ledger_tx t ON t.writer = l.writer AND t.seq = l.seq AND t.kind = 'settle'
      WHERE a.owner_kind = 'campaign' AND a.owner_id = b.campaign_id)";

const OVERSPEND: &str = "SELECT
    (SELECT coalesce(sum(max(0, spent + leased - funded)), 0) FROM campaign_budget) +
    (SELECT coalesce(sum(max(0, settled - granted)), 0) FROM budget_lease)";

const STRANDED: &str = "SELECT coalesce(sum(leased), 0) FROM campaign_budget";

/// Compares the database with what the overlays were told.
pub(super) async fn audit(database: &Path, answers: &HashMap<String, Answers>) -> Result<Findings, Failure> {
    let mut database = SqliteConnectOptions::new().filename(database).read_only(true).connect().await?;
    let plays: HashMap<String, i64> =
        sqlx::query_as::<_, (String, i64)>(PLAYS).fetch_all(&mut database).await?.into_iter().collect();
    let mut findings = compare(&plays, answers);
    findings.spent_wrong = number(&mut database, SPENT_WRONG).await?.unsigned_abs();
    findings.ledger_wrong = number(&mut database, LEDGER_WRONG).await?.unsigned_abs();
    findings.overspend_micros = number(&mut database, OVERSPEND).await?;
    findings.stranded_micros = number(&mut database, STRANDED).await?;
    database.close().await?;
    Ok(findings)
}

async fn number(database: &mut SqliteConnection, query: &'static str) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar(query).fetch_one(database).await?)
}

fn compare(plays: &HashMap<String, i64>, answers: &HashMap<String, Answers>) -> Findings {
    let mut findings = Findings::default();
    for (play_id, answers) in answers {
        let is_there = plays.contains_key(&digits(play_id));
        if answers.durable() {
            findings.acked_lost += u64::from(!is_there);
        } else {
            findings.rejected_charged += u64::from(is_there);
        }
    }
    for rows in plays.values() {
        findings.rows += 1;
        findings.doubled += u64::from(*rows > 1);
    }
    findings
}

/// A UUID as the database prints it.
fn digits(play_id: &str) -> String {
    play_id.replace('-', "").to_ascii_lowercase()
}

/// The sum of the absolute drifts that `ledger reconcile` printed; none when it printed no check.
pub(super) fn drift_micros(stdout: &str) -> Option<i64> {
    let mut sum = None;
    for value in stdout.split_whitespace().filter_map(|word| word.strip_prefix("drift_micros=")) {
        // What is not a number must not pass as zero.
        let drift = value.parse::<i64>().map_or(i64::MAX, i64::saturating_abs);
        sum = Some(sum.unwrap_or(0_i64).saturating_add(drift));
    }
    sum
}
