//! The database against the log of acks. Read-only, and independent of the server's own checks: rows
//! are read as they are, and added up here.

mod postgres;
mod sqlite;

#[cfg(test)]
mod tests;

use super::stage::Ledger;
use super::witness::Log;
use crate::failure::Failure;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the database says. All of it but `rows` must be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Plays in `settle_event`.
    pub(super) rows: u64,
    /// Acked as durable, but not there.
    pub(super) acked_lost: u64,
    /// Plays with more than one row.
    pub(super) doubled: u64,
    /// Plays with a row that no overlay ever claimed.
    pub(super) unclaimed: u64,
    /// Clicks that were billed.
    pub(super) clicks: u64,
    /// Clicks beyond the first of a play, and those of plays that nobody clicked: there is one viewer.
    pub(super) clicks_wrong: u64,
    /// Campaigns whose `spent` is not the sum of their events.
    pub(super) spent_wrong: u64,
    /// Campaigns whose account in the ledger is not what was given to them less their events.
    pub(super) ledger_wrong: u64,
    /// Acked as rejected and never as durable, but charged.
    pub(super) rejected_charged: u64,
    /// Above the budget, or above a lease.
    pub(super) overspend_micros: i64,
    /// Between the fees, and the earnings, of the events and what the ledger has of them.
    pub(super) share_drift_micros: i64,
}

/// A row of `settle_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Lower-case hexadecimal digits.
    pub(super) id: String,
    pub(super) is_play: bool,
    pub(super) campaign: i64,
    pub(super) price: i64,
    pub(super) fee: i64,
}

/// A row of `campaign_budget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) campaign: i64,
    pub(super) funded: i64,
    pub(super) spent: i64,
    pub(super) leased: i64,
}

/// A row of `ledger_account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) owner_kind: String,
    pub(super) owner: i64,
    pub(super) code: String,
    pub(super) debits: i64,
    pub(super) credits: i64,
}

/// The rows of all of them, as of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) events: Vec<Event>,
    pub(super) budgets: Vec<Budget>,
    pub(super) accounts: Vec<Account>,
    /// The play of each click, in lower-case hexadecimal digits.
    pub(super) clicks: Vec<String>,
    /// Granted and settled, lease by lease.
    pub(super) leases: Vec<(i64, i64)>,
}

/// Reads the rows.
pub(super) async fn read(ledger: &Ledger) -> Result<Rows, Failure> {
    match ledger {
        Ledger::Sqlite(path) => sqlite::read(path).await,
        Ledger::Postgres(options) => postgres::read(options).await,
    }
}

/// How many actions by hand are on record.
pub(super) async fn actions(ledger: &Ledger) -> Result<i64, Failure> {
    match ledger {
        Ledger::Sqlite(path) => sqlite::actions(path).await,
        Ledger::Postgres(options) => postgres::actions(options).await,
    }
}

/// What leases of earlier lives hold that nobody can promise any more and that is not back yet.
pub(super) async fn stranded(ledger: &Ledger) -> Result<i64, Failure> {
    match ledger {
        Ledger::Sqlite(path) => sqlite::stranded(path).await,
        Ledger::Postgres(options) => postgres::stranded(options).await,
    }
}

/// Compares the rows with what the overlays were told.
pub(super) fn audit(rows: &Rows, log: &Log) -> Findings {
    let mut findings = Findings::default();
    plays(rows, log, &mut findings);
    clicks(rows, log, &mut findings);
    money(rows, &mut findings);
    findings
}

fn plays(rows: &Rows, log: &Log, findings: &mut Findings) {
    let mut plays: HashMap<&str, u64> = HashMap::new();
    for event in rows.events.iter().filter(|event| event.is_play) {
        *plays.entry(&event.id).or_default() += 1;
    }
    for (play_id, answers) in &log.answers {
        let is_there = plays.contains_key(digits(play_id).as_str());
        if answers.durable() {
            findings.acked_lost += u64::from(!is_there);
        } else {
            findings.rejected_charged += u64::from(is_there);
        }
    }
    let mut claimed: Vec<String> = log.claimed.iter().map(|play_id| digits(play_id)).collect();
    claimed.sort_unstable();
    for (play, rows) in &plays {
        findings.rows += 1;
        findings.doubled += u64::from(*rows > 1);
        let was_claimed = claimed.binary_search_by(|claimed| claimed.as_str().cmp(play)).is_ok();
        findings.unclaimed += u64::from(!was_claimed);
    }
}

fn clicks(rows: &Rows, log: &Log, findings: &mut Findings) {
    let mut free: HashSet<String> = log.clicked.iter().map(|play_id| digits(play_id)).collect();
    for play in &rows.clicks {
        findings.clicks += 1;
        findings.clicks_wrong += u64::from(!free.remove(play));
    }
    let events = rows.events.iter().filter(|event| !event.is_play).count();
    findings.clicks_wrong += u64::try_from(events.abs_diff(rows.clicks.len())).unwrap_or(u64::MAX);
}

/// Whether what is there adds up, whatever should be there.
pub(super) fn money_is_sound(rows: &Rows) -> bool {
    let mut findings = Findings::default();
    money(rows, &mut findings);
    findings == Findings::default()
}

fn money(rows: &Rows, findings: &mut Findings) {
    let mut prices: BTreeMap<i64, i64> = BTreeMap::new();
    let (mut fees, mut earned) = (0, 0);
    for event in &rows.events {
        *prices.entry(event.campaign).or_default() += event.price;
        fees += event.fee;
        earned += event.price - event.fee;
    }
    for budget in &rows.budgets {
        let price = prices.remove(&budget.campaign).unwrap_or(0);
        findings.spent_wrong += u64::from(budget.spent != price);
        let mine = |account: &Account| account.owner_kind == "campaign" && account.owner == budget.campaign;
        let left = rows.balance(mine);
        findings.ledger_wrong += u64::from(left != budget.funded - price);
        findings.overspend_micros += (budget.spent + budget.leased - budget.funded).max(0);
    }
    // Events of a campaign that has no budget.
    findings.spent_wrong += u64::try_from(prices.len()).unwrap_or(u64::MAX);
    for (granted, settled) in &rows.leases {
        findings.overspend_micros += (settled - granted).max(0);
    }
    let fee = rows.balance(|account| account.owner_kind == "platform" && account.code == "fee");
    let earning = rows.balance(|account| {
        // What is corrected by hand is nobody's share.
        let clearing = account.owner_kind == "platform" && account.code == "accrual_clearing";
        account.owner_kind == "streamer" || clearing
    });
    findings.share_drift_micros = (fee - fees).abs().saturating_add((earning - earned).abs());
}

impl Rows {
    /// Credits less debits of the accounts.
    fn balance(&self, of: impl Fn(&Account) -> bool) -> i64 {
        self.accounts.iter().filter(|account| of(account)).map(|a| a.credits - a.debits).sum()
    }
}

/// A UUID without its dashes.
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
