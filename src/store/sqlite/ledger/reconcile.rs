//! The checks: what must hold between the tables, whatever happened.
//!
//! Each statement gives one row: rows looked at, rows that break the rule, and the sum of the
//! absolute differences. All of them read one snapshot, so that they can run beside the writer.

use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::Columns;
use gametriggers_actors::ports::Check;
use sqlx::SqliteConnection;

/// Id, name and statement of every check.
pub(in crate::store::sqlite) const CHECKS: &[(&str, &str, &str)] = &[
    (
        "R1",
        "debits equal credits in every transaction and currency",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(iif(is_debit, amount, -amount)) AS d FROM ledger_entry GROUP BY writer, seq, currency)",
    ),
    (
        "R1",
        "no transaction number is missing",
        "SELECT count(*) AS n, coalesce(sum(seq <> found OR seq <> last), 0) AS bad, 0 AS drift FROM (
           SELECT w.seq AS seq, count(t.seq) AS found, coalesce(max(t.seq), 0) AS last
           FROM writer AS w LEFT JOIN ledger_tx AS t ON t.writer = w.id GROUP BY w.id)",
    ),
    (
        "R2",
        "an account is the sum of its entries",
        "SELECT count(*) AS n, coalesce(sum(d <> 0 OR c <> 0), 0) AS bad,
           coalesce(sum(abs(d) + abs(c)), 0) AS drift FROM (
           SELECT a.debits - coalesce(e.debit, 0) AS d, a.credits - coalesce(e.credit, 0) AS c
           FROM ledger_account AS a LEFT JOIN (
             SELECT account_id, sum(iif(is_debit, amount, 0)) AS debit,
                     sum(iif(is_debit, 0, amount)) AS credit
             FROM ledger_entry GROUP BY account_id) AS e ON e.account_id = a.id)",
    ),
    (
        "R3",
        "the prices of a batch are what its campaigns paid",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, seq, campaign_id AS owner, currency, price AS amount FROM settle_event
             UNION ALL
             SELECT e.writer, e.seq, a.owner_id, e.currency, iif(e.is_debit, -e.amount, e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE t.kind = 'settle' AND a.owner_kind = 'campaign')
           GROUP BY writer, seq, owner, currency)",
    ),
    (
        "R3",
        "the fees and earnings of a batch are what the platform took in",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, seq, currency, 'fee' AS code, fee AS amount FROM settle_event
             UNION ALL
             SELECT writer, seq, currency, 'accrual_clearing', earn FROM settle_event
             UNION ALL
             SELECT e.writer, e.seq, e.currency, a.code, iif(e.is_debit, e.amount, -e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE t.kind = 'settle' AND a.owner_kind = 'platform')
           GROUP BY writer, seq, currency, code)",
    ),
    (
        "R3",
        "a roll-up paid every wallet what its events earned",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, rolled_seq AS seq, streamer_id AS owner, currency, earn AS amount
             FROM settle_event WHERE rolled_seq IS NOT NULL
             UNION ALL
             SELECT e.writer, e.seq, a.owner_id, e.currency, iif(e.is_debit, e.amount, -e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE t.kind = 'roll_up' AND a.owner_kind = 'streamer')
           GROUP BY writer, seq, owner, currency)",
    ),
    (
        "R4",
        "a lease settled what its events cost",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT lease_id, settled AS amount FROM budget_lease
             UNION ALL SELECT lease_id, -price FROM settle_event) GROUP BY lease_id)",
    ),
    (
        "R4",
        "a campaign leased what its open leases have left",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT campaign_id, leased AS amount FROM campaign_budget
             UNION ALL SELECT campaign_id, settled - granted FROM budget_lease WHERE state <> 'closed')
           GROUP BY campaign_id)",
    ),
    (
        "R4",
        "a campaign spent what its events cost",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT campaign_id, spent AS amount FROM campaign_budget
             UNION ALL SELECT campaign_id, -price FROM settle_event) GROUP BY campaign_id)",
    ),
    (
        "R4",
        "a campaign counts its events",
        "SELECT count(*) AS n, coalesce(sum(p <> 0 OR v <> 0 OR c <> 0), 0) AS bad, 0 AS drift FROM (
           SELECT sum(plays) AS p, sum(viewers) AS v, sum(clicks) AS c FROM (
             SELECT campaign_id, plays, viewers, clicks FROM campaign_budget
             UNION ALL
             SELECT campaign_id, -(kind = 'play'), iif(kind = 'play', -viewers, 0), -(kind = 'click')
             FROM settle_event) GROUP BY campaign_id)",
    ),
    (
        "R4",
        "a campaign's account holds what is not spent",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT campaign_id, currency, funded - spent AS amount FROM campaign_budget
             UNION ALL
             SELECT owner_id, currency, debits - credits FROM ledger_account WHERE owner_kind = 'campaign')
           GROUP BY campaign_id, currency)",
    ),
    (
        "R5",
        "the clearing account holds what is not rolled up",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, currency, earn AS amount FROM settle_event WHERE rolled_seq IS NULL
             UNION ALL
             SELECT shard, currency, debits - credits FROM ledger_account
             WHERE owner_kind = 'platform' AND code = 'accrual_clearing')
           GROUP BY writer, currency)",
    ),
    (
        "R5",
        "a wallet counts the plays that are rolled up",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, 0 AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT streamer_id, currency, plays AS amount FROM streamer_wallet
             UNION ALL
             SELECT streamer_id, currency, -(kind = 'play') FROM settle_event WHERE rolled_seq IS NOT NULL)
           GROUP BY streamer_id, currency)",
    ),
    (
        "R6",
        "no account is overdrawn",
        "SELECT count(*) AS n, coalesce(sum(b < 0), 0) AS bad, coalesce(sum(max(-b, 0)), 0) AS drift FROM (
           SELECT iif(credit_normal, credits - debits, debits - credits) AS b
           FROM ledger_account WHERE no_overdraft)",
    ),
    (
        "R6",
        "no budget is overspent",
        "SELECT count(*) AS n, coalesce(sum(spent + leased > funded OR spent < 0 OR leased < 0), 0) AS bad,
           coalesce(sum(max(spent + leased - funded, -spent, -leased, 0)), 0) AS drift FROM campaign_budget",
    ),
    (
        "R6",
        "no lease is overdrawn",
        "SELECT count(*) AS n, coalesce(sum(settled > granted OR settled < 0), 0) AS bad,
           coalesce(sum(max(settled - granted, -settled, 0)), 0) AS drift FROM budget_lease",
    ),
];

/// Runs every check.
pub(in crate::store::sqlite) async fn reconcile(connection: &mut SqliteConnection) -> Attempt<Vec<Check>> {
    let mut checks = Vec::with_capacity(CHECKS.len());
    for (id, name, statement) in CHECKS {
        let row = sqlx::query(*statement).fetch_one(&mut *connection).await?;
        checks.push(Check {
            id,
            name,
            rows: row.number("n")?,
            mismatches: row.number("bad")?,
            drift_micros: row.number("drift")?,
        });
    }
    Ok(checks)
}
