//! The statements of the checks.
//!
//! Rows that are only ever added are looked at from the marks on: `?1` and `?2` are the writer and the
//! number of the last ledger transaction that was looked at, `?3` the last row of `settle_event`, `?4` the
//! last one that was rolled up. All zero means everything.

/// A check.
pub(super) struct Rule {
    /// `R1` and so on.
    pub(super) id: &'static str,
    /// What must hold.
    pub(super) name: &'static str,
    /// How it is found out.
    pub(super) by: By,
}

/// How a check is made.
pub(super) enum By {
    /// One statement that gives one row: rows looked at, rows that break the rule, and the sum of the
    /// absolute differences.
    One(&'static str),
    /// What was added, summed by a key, against the rows that keep the sums. Sums up to the marks are
    /// remembered, so that what was added before is not read again.
    Sums {
        /// A key and three sums, of what was added since the marks.
        added: &'static str,
        /// A key and what its sums have to be.
        kept: &'static str,
        /// Whether the sums are money.
        money: bool,
    },
}

const fn one(id: &'static str, name: &'static str, sql: &'static str) -> Rule {
    Rule { id, name, by: By::One(sql) }
}

const fn sums(
    id: &'static str,
    name: &'static str,
    money: bool,
    (added, kept): (&'static str, &'static str),
) -> Rule {
    Rule { id, name, by: By::Sums { added, kept, money } }
}

/// Every check.
pub(super) const RULES: &[Rule] = &[
    one(
        "R1",
        "debits equal credits in every transaction and currency",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(iif(is_debit, amount, -amount)) AS d FROM ledger_entry
           WHERE (writer, seq) > (?1, ?2) GROUP BY writer, seq, currency)",
    ),
    one(
        "R1",
        "no transaction number is missing",
        "SELECT count(*) AS n, coalesce(sum(found <> wanted OR last > seq), 0) AS bad, 0 AS drift FROM (
           SELECT w.seq AS seq, w.seq - ?2 AS wanted, count(t.seq) AS found, coalesce(max(t.seq), 0) AS last
           FROM writer AS w LEFT JOIN ledger_tx AS t ON t.writer = w.id AND t.seq > ?2 GROUP BY w.id)",
    ),
    sums(
        "R2",
        "an account is the sum of its entries",
        true,
        (
            "SELECT account_id || '' AS k, sum(iif(is_debit, amount, 0)) AS a,
               sum(iif(is_debit, 0, amount)) AS b, 0 AS c
             FROM ledger_entry WHERE (writer, seq) > (?1, ?2) GROUP BY account_id",
            "SELECT id || '' AS k, debits AS a, credits AS b, 0 AS c FROM ledger_account",
        ),
    ),
    one(
        "R3",
        "the prices of a batch are what its campaigns paid",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, seq, campaign_id AS owner, currency, price AS amount
             FROM settle_event WHERE row > ?3
             UNION ALL
             SELECT e.writer, e.seq, a.owner_id, e.currency, iif(e.is_debit, -e.amount, e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE (e.writer, e.seq) > (?1, ?2) AND t.kind = 'settle' AND a.owner_kind = 'campaign')
           GROUP BY writer, seq, owner, currency)",
    ),
    one(
        "R3",
        "the fees and earnings of a batch are what the platform took in",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, seq, currency, 'fee' AS code, sum(fee) AS amount FROM settle_event
             WHERE row > ?3 GROUP BY writer, seq, currency
             UNION ALL
             SELECT writer, seq, currency, 'accrual_clearing', sum(price - fee) FROM settle_event
             WHERE row > ?3 GROUP BY writer, seq, currency
             UNION ALL
             SELECT e.writer, e.seq, e.currency, a.code, iif(e.is_debit, e.amount, -e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE (e.writer, e.seq) > (?1, ?2) AND t.kind = 'settle' AND a.owner_kind = 'platform')
           GROUP BY writer, seq, currency, code)",
    ),
    one(
        "R3",
        "the roll-up paid every wallet what its events earned",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT streamer_id AS owner, currency, price - fee AS amount FROM settle_event
             WHERE row > ?4 AND row <= (SELECT rolled FROM writer WHERE id = 1)
             UNION ALL
             SELECT a.owner_id, e.currency, iif(e.is_debit, e.amount, -e.amount)
             FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
             JOIN ledger_tx AS t ON t.writer = e.writer AND t.seq = e.seq
             WHERE (e.writer, e.seq) > (?1, ?2) AND t.kind = 'roll_up' AND a.owner_kind = 'streamer')
           GROUP BY owner, currency)",
    ),
    sums(
        "R4",
        "a lease settled what its events cost",
        true,
        (
            "SELECT lease_id || '' AS k, sum(price) AS a, 0 AS b, 0 AS c FROM settle_event
             WHERE row > ?3 GROUP BY lease_id",
            "SELECT lease_id || '' AS k, settled AS a, 0 AS b, 0 AS c FROM budget_lease",
        ),
    ),
    one(
        "R4",
        "a campaign leased what its open leases have left",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT campaign_id, leased AS amount FROM campaign_budget
             UNION ALL SELECT campaign_id, settled - granted FROM budget_lease WHERE state <> 'closed')
           GROUP BY campaign_id)",
    ),
    sums(
        "R4",
        "a campaign spent what its events cost",
        true,
        (
            "SELECT campaign_id || '' AS k, sum(price) AS a, 0 AS b, 0 AS c FROM settle_event
             WHERE row > ?3 GROUP BY campaign_id",
            "SELECT campaign_id || '' AS k, spent AS a, 0 AS b, 0 AS c FROM campaign_budget",
        ),
    ),
    sums(
        "R4",
        "a campaign counts its events",
        false,
        (
            "SELECT campaign_id || '' AS k, sum(kind = 'play') AS a,
               sum(iif(kind = 'play', viewers, 0)) AS b, sum(kind = 'click') AS c
             FROM settle_event WHERE row > ?3 GROUP BY campaign_id",
            "SELECT campaign_id || '' AS k, plays AS a, viewers AS b, clicks AS c FROM campaign_budget",
        ),
    ),
    one(
        "R4",
        "a campaign's account holds what is not spent",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT campaign_id, currency, funded - spent AS amount FROM campaign_budget
             UNION ALL
             SELECT owner_id, currency, debits - credits FROM ledger_account WHERE owner_kind = 'campaign')
           GROUP BY campaign_id, currency)",
    ),
    one(
        "R5",
        "the clearing account holds what is not rolled up",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT writer, currency, price - fee AS amount FROM settle_event
             WHERE row > (SELECT rolled FROM writer WHERE id = 1)
             UNION ALL
             SELECT shard, currency, debits - credits FROM ledger_account
             WHERE owner_kind = 'platform' AND code = 'accrual_clearing')
           GROUP BY writer, currency)",
    ),
    sums(
        "R5",
        "a wallet counts the plays that are rolled up",
        false,
        (
            "SELECT streamer_id || ' ' || currency AS k, sum(kind = 'play') AS a, sum(kind = 'click') AS b,
               0 AS c
             FROM settle_event WHERE row > ?4 AND row <= (SELECT rolled FROM writer WHERE id = 1)
             GROUP BY streamer_id, currency",
            "SELECT streamer_id || ' ' || currency AS k, plays AS a, clicks AS b, 0 AS c
             FROM streamer_wallet",
        ),
    ),
    one(
        "R5",
        "a wallet's pending money is what its days have not released",
        "SELECT count(*) AS n, coalesce(sum(d <> 0), 0) AS bad, coalesce(sum(abs(d)), 0) AS drift FROM (
           SELECT sum(amount) AS d FROM (
             SELECT streamer_id AS owner, currency, amount - matured AS amount FROM streamer_day
             WHERE matured < amount
             UNION ALL
             SELECT owner_id, currency, debits - credits FROM ledger_account
             WHERE owner_kind = 'streamer' AND code = 'pending')
           GROUP BY owner, currency)",
    ),
    one(
        "R6",
        "no account is overdrawn",
        "SELECT count(*) AS n, coalesce(sum(b < 0), 0) AS bad, coalesce(sum(max(-b, 0)), 0) AS drift FROM (
           SELECT credit_limit + iif(credit_normal, credits - debits, debits - credits) AS b
           FROM ledger_account WHERE no_overdraft)",
    ),
    one(
        "R6",
        "no budget is overspent",
        "SELECT count(*) AS n, coalesce(sum(spent + leased > funded OR spent < 0 OR leased < 0), 0) AS bad,
           coalesce(sum(max(spent + leased - funded, -spent, -leased, 0)), 0) AS drift FROM campaign_budget",
    ),
    one(
        "R6",
        "no lease is overdrawn",
        "SELECT count(*) AS n, coalesce(sum(settled > granted OR settled < 0), 0) AS bad,
           coalesce(sum(max(settled - granted, -settled, 0)), 0) AS drift FROM budget_lease",
    ),
];
