//! The statements of the checks.
//!
//! Rows that are only ever added are looked at from the marks on: `$1` are the writers, `$2` the last ledger
//! transaction of each that was looked at, `$3` the last one that was rolled up by then. `$4` and `$5` are
//! the lowest of each: no row below is new, and an index finds that. All zero means everything.

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

/// A statement that may speak of `mark`, the marks; of `fresh`, the events that came since; and of `rolled`,
/// those that were rolled up since.
macro_rules! marked {
    ($sql:literal) => {
        concat!(
            "WITH mark AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
               AS m (id, seen, rolled) WHERE $4::bigint IS NOT NULL AND $5::bigint IS NOT NULL),
             fresh AS (SELECT e.* FROM mark AS m JOIN settle_event AS e
               ON e.writer = m.id AND e.seq > m.seen AND e.seq > $4),
             rolled AS (SELECT e.* FROM mark AS m JOIN writer AS w ON w.id = m.id JOIN settle_event AS e
               ON e.writer = m.id AND e.seq > m.rolled AND e.seq <= w.rolled AND e.seq > $5),
             line AS (SELECT e.*, CASE WHEN e.is_debit THEN e.amount ELSE -e.amount END AS signed
               FROM mark AS m JOIN ledger_entry AS e ON e.writer = m.id AND e.seq > m.seen) ",
            $sql
        )
    };
}

/// Every check.
pub(super) const RULES: &[Rule] = &[
    one(
        "R1",
        "debits equal credits in every transaction and currency",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift
             FROM (SELECT sum(signed) AS d FROM line GROUP BY writer, seq, currency) AS t"
        ),
    ),
    one(
        "R1",
        "no transaction number is missing",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE found <> wanted OR last > seq) AS bad,
               0::bigint AS drift
             FROM (SELECT w.seq, w.seq - m.seen AS wanted, count(t.seq) AS found,
                 coalesce(max(t.seq), 0) AS last
               FROM mark AS m JOIN writer AS w ON w.id = m.id
               LEFT JOIN ledger_tx AS t ON t.writer = w.id AND t.seq > m.seen GROUP BY w.id, m.seen) AS t"
        ),
    ),
    sums(
        "R2",
        "an account is the sum of its entries",
        true,
        (
            marked!(
                "SELECT account_id::text AS k, coalesce(sum(amount) FILTER (WHERE is_debit), 0)::bigint AS a,
                   coalesce(sum(amount) FILTER (WHERE NOT is_debit), 0)::bigint AS b, 0::bigint AS c
                 FROM line GROUP BY account_id"
            ),
            marked!("SELECT id::text AS k, debits AS a, credits AS b, 0::bigint AS c FROM ledger_account"),
        ),
    ),
    one(
        "R2",
        "a line is in the currency of its account, and belongs to a transaction",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE a.id IS NULL OR t.seq IS NULL) AS bad,
               coalesce(sum(l.amount) FILTER (WHERE a.id IS NULL OR t.seq IS NULL), 0)::bigint AS drift
             FROM line AS l LEFT JOIN ledger_account AS a ON a.id = l.account_id AND a.currency = l.currency
             LEFT JOIN ledger_tx AS t ON t.writer = l.writer AND t.seq = l.seq"
        ),
    ),
    one(
        "R3",
        "the prices of a batch are what its campaigns paid",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT writer, seq, campaign_id AS owner, currency, price AS amount FROM fresh
                 UNION ALL
                 SELECT l.writer, l.seq, a.owner_id, l.currency, -l.signed
                 FROM line AS l JOIN ledger_account AS a ON a.id = l.account_id
                 JOIN ledger_tx AS t ON t.writer = l.writer AND t.seq = l.seq
                 WHERE t.kind = 'settle' AND a.owner_kind = 'campaign') AS parts
               GROUP BY writer, seq, owner, currency) AS t"
        ),
    ),
    one(
        "R3",
        "the fees and earnings of a batch are what the platform took in",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT writer, seq, currency, 'fee' AS code, sum(fee) AS amount FROM fresh
                 GROUP BY writer, seq, currency
                 UNION ALL
                 SELECT writer, seq, currency, 'accrual_clearing', sum(price - fee) FROM fresh
                 GROUP BY writer, seq, currency
                 UNION ALL
                 SELECT l.writer, l.seq, l.currency, a.code, l.signed
                 FROM line AS l JOIN ledger_account AS a ON a.id = l.account_id
                 JOIN ledger_tx AS t ON t.writer = l.writer AND t.seq = l.seq
                 WHERE t.kind = 'settle' AND a.owner_kind = 'platform') AS parts
               GROUP BY writer, seq, currency, code) AS t"
        ),
    ),
    one(
        "R3",
        "the roll-up paid every wallet what its events earned",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT streamer_id AS owner, currency, price - fee AS amount FROM rolled
                 UNION ALL
                 SELECT a.owner_id, l.currency, l.signed
                 FROM line AS l JOIN ledger_account AS a ON a.id = l.account_id
                 JOIN ledger_tx AS t ON t.writer = l.writer AND t.seq = l.seq
                 WHERE t.kind = 'roll_up' AND a.owner_kind = 'streamer') AS parts
               GROUP BY owner, currency) AS t"
        ),
    ),
    sums(
        "R4",
        "a lease settled what its events cost",
        true,
        (
            marked!(
                "SELECT lease_id::text AS k, sum(price)::bigint AS a, 0::bigint AS b, 0::bigint AS c
                 FROM fresh GROUP BY lease_id"
            ),
            marked!(
                "SELECT lease_id::text AS k, settled AS a, 0::bigint AS b, 0::bigint AS c FROM budget_lease"
            ),
        ),
    ),
    one(
        "R4",
        "a campaign leased what its open leases have left",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT campaign_id, leased AS amount FROM campaign_budget
                 UNION ALL SELECT campaign_id, settled - granted FROM budget_lease
                 WHERE state <> 'closed') AS parts
               GROUP BY campaign_id) AS t"
        ),
    ),
    sums(
        "R4",
        "a campaign spent what its events cost",
        true,
        (
            marked!(
                "SELECT campaign_id::text AS k, sum(price)::bigint AS a, 0::bigint AS b, 0::bigint AS c
                 FROM fresh GROUP BY campaign_id"
            ),
            marked!(
                "SELECT campaign_id::text AS k, spent AS a, 0::bigint AS b, 0::bigint AS c
                 FROM campaign_budget"
            ),
        ),
    ),
    sums(
        "R4",
        "a campaign counts its events",
        false,
        (
            marked!(
                "SELECT campaign_id::text AS k, count(*) FILTER (WHERE kind = 'p') AS a,
                   coalesce(sum(viewers) FILTER (WHERE kind = 'p'), 0)::bigint AS b,
                   count(*) FILTER (WHERE kind = 'c') AS c
                 FROM fresh GROUP BY campaign_id"
            ),
            marked!(
                "SELECT campaign_id::text AS k, plays AS a, viewers AS b, clicks AS c FROM campaign_budget"
            ),
        ),
    ),
    one(
        "R4",
        "a campaign's account holds what is not spent",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT campaign_id, currency, funded - spent AS amount FROM campaign_budget
                 UNION ALL
                 SELECT owner_id, currency, debits - credits FROM ledger_account
                 WHERE owner_kind = 'campaign') AS parts
               GROUP BY campaign_id, currency) AS t"
        ),
    ),
    one(
        "R5",
        "the clearing account holds what is not rolled up",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT e.writer, e.currency, e.price - e.fee AS amount
                 FROM writer AS w JOIN settle_event AS e ON e.writer = w.id AND e.seq > w.rolled
                   AND e.seq > (SELECT min(rolled) FROM writer WHERE rolled < seq)
                 UNION ALL
                 SELECT shard, currency, debits - credits FROM ledger_account
                 WHERE owner_kind = 'platform' AND code = 'accrual_clearing') AS parts
               GROUP BY writer, currency) AS t"
        ),
    ),
    sums(
        "R5",
        "a wallet counts the plays that are rolled up",
        false,
        (
            marked!(
                "SELECT streamer_id || ' ' || currency AS k, count(*) FILTER (WHERE kind = 'p') AS a,
                   count(*) FILTER (WHERE kind = 'c') AS b, 0::bigint AS c
                 FROM rolled GROUP BY streamer_id, currency"
            ),
            marked!(
                "SELECT streamer_id || ' ' || currency AS k, plays AS a, clicks AS b, 0::bigint AS c
                 FROM streamer_wallet"
            ),
        ),
    ),
    one(
        "R5",
        "a wallet's pending money is what its days have not released",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE d <> 0) AS bad,
               coalesce(sum(abs(d)), 0)::bigint AS drift FROM (
               SELECT sum(amount) AS d FROM (
                 SELECT streamer_id AS owner, currency, amount - matured AS amount FROM streamer_day
                 WHERE matured < amount
                 UNION ALL
                 SELECT owner_id, currency, debits - credits FROM ledger_account
                 WHERE owner_kind = 'streamer' AND code = 'pending') AS parts
               GROUP BY owner, currency) AS t"
        ),
    ),
    one(
        "R6",
        "no account is overdrawn",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE b < 0) AS bad,
               coalesce(sum(greatest(-b, 0)), 0)::bigint AS drift FROM (
               SELECT credit_limit
                 + CASE WHEN credit_normal THEN credits - debits ELSE debits - credits END AS b
               FROM ledger_account WHERE no_overdraft) AS t"
        ),
    ),
    one(
        "R6",
        "no budget is overspent",
        marked!(
            "SELECT count(*) AS n,
               count(*) FILTER (WHERE spent + leased > funded OR spent < 0 OR leased < 0) AS bad,
               coalesce(sum(greatest(spent + leased - funded, -spent, -leased, 0)), 0)::bigint AS drift
             FROM campaign_budget"
        ),
    ),
    one(
        "R6",
        "no lease is overdrawn",
        marked!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE settled > granted OR settled < 0) AS bad,
               coalesce(sum(greatest(settled - granted, -settled, 0)), 0)::bigint AS drift FROM budget_lease"
        ),
    ),
];
