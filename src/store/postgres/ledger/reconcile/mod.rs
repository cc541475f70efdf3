//! The checks: what must hold between the tables, whatever happened.
//!
//! All of them read one snapshot, so that they can run beside the writer. Rows that are only ever added
//! are read once: a call goes on from the marks of the one before, unless that one found something wrong,
//! which then is found again until it is put right.

mod check;

use self::check::{By, RULES, Rule};
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use gametriggers_actors::ports::Check;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use std::collections::{BTreeMap, HashMap};

/// How far the checks have looked, and what they have summed up to there.
#[derive(Clone, Debug, Default)]
pub(in crate::store::postgres) struct Marks {
    /// Of each writer: its last ledger transaction, and the last one that was rolled up.
    writers: BTreeMap<i64, (i64, i64)>,
    sums: HashMap<&'static str, Sums>,
}

/// Three sums for each key.
type Sums = HashMap<String, [i64; 3]>;

const NOW: &str = "SELECT id, seq, rolled FROM writer ORDER BY id";

/// The checks look at everything there is, once in a while: the limit of other reads is not for them.
pub(super) const NO_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// The marks as the statements take them.
#[derive(Default)]
struct From {
    writers: Vec<i64>,
    seen: Vec<i64>,
    rolled: Vec<i64>,
    seen_least: i64,
    rolled_least: i64,
}

/// Runs every check from the marks on; the marks for the next call.
pub(super) async fn reconcile(connection: &mut PgConnection, marks: &Marks) -> Attempt<(Vec<Check>, Marks)> {
    let now: Vec<(i64, i64, i64)> = sqlx::query_as(NOW).fetch_all(&mut *connection).await?;
    let mut next = Marks::default();
    let mut from = From { seen_least: i64::MAX, rolled_least: i64::MAX, ..From::default() };
    for (writer, seq, rolled) in now {
        next.writers.insert(writer, (seq, rolled));
        let (seen, up_to) = marks.writers.get(&writer).copied().unwrap_or_default();
        from.writers.push(writer);
        from.seen.push(seen);
        from.rolled.push(up_to);
        // Only a writer that did something has new rows.
        if seq > seen {
            from.seen_least = from.seen_least.min(seen);
        }
        if rolled > up_to {
            from.rolled_least = from.rolled_least.min(up_to);
        }
    }
    let mut checks = Vec::with_capacity(RULES.len());
    for rule in RULES {
        checks.push(match rule.by {
            By::One(sql) => one(connection, rule, sql, &from).await?,
            By::Sums { added, kept, money } => {
                let mut sums = marks.sums.get(rule.name).cloned().unwrap_or_default();
                for (key, more) in read(connection, added, &from).await? {
                    let sum = sums.entry(key).or_default();
                    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(more));
                }
                let check = compare(rule, &sums, read(connection, kept, &from).await?, money);
                next.sums.insert(rule.name, sums);
                check
            }
        });
    }
    let is_sound = checks.iter().all(|check| check.mismatches == 0 && check.drift_micros == 0);
    Ok((checks, if is_sound { next } else { marks.clone() }))
}

async fn one(connection: &mut PgConnection, rule: &Rule, sql: &'static str, from: &From) -> Attempt<Check> {
    let row = from.bind(sqlx::query(sql)).fetch_one(connection).await?;
    Ok(Check {
        id: rule.id,
        name: rule.name,
        rows: row.number("n")?,
        mismatches: row.number("bad")?,
        drift_micros: row.number("drift")?,
    })
}

async fn read(connection: &mut PgConnection, sql: &'static str, from: &From) -> Attempt<Sums> {
    let rows = from.bind(sqlx::query(sql)).fetch_all(connection).await?;
    let entry = |row: &PgRow| -> Attempt<(String, [i64; 3])> {
        Ok((row.text("k")?, [row.number("a")?, row.number("b")?, row.number("c")?]))
    };
    rows.iter().map(entry).collect()
}

impl From {
    fn bind<'q>(&self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        let query = query.bind(self.writers.clone()).bind(self.seen.clone()).bind(self.rolled.clone());
        query.bind(self.seen_least).bind(self.rolled_least)
    }
}

/// A key that is missing on one side has zeros there.
fn compare(rule: &Rule, sums: &Sums, mut kept: Sums, money: bool) -> Check {
    let mut check = Check { id: rule.id, name: rule.name, rows: 0, mismatches: 0, drift_micros: 0 };
    let mut look = |sum: &[i64; 3], kept: &[i64; 3]| {
        check.rows = check.rows.saturating_add(1);
        if sum != kept {
            check.mismatches = check.mismatches.saturating_add(1);
            for (sum, kept) in sum.iter().zip(kept).filter(|_| money) {
                check.drift_micros =
                    check.drift_micros.saturating_add(sum.saturating_sub(*kept).saturating_abs());
            }
        }
    };
    for (key, sum) in sums {
        look(sum, &kept.remove(key).unwrap_or_default());
    }
    kept.values().for_each(|kept| look(&[0; 3], kept));
    check
}

/// Every statement, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let of = |rule: &Rule| match rule.by {
        By::One(sql) => vec![sql],
        By::Sums { added, kept, .. } => vec![added, kept],
    };
    RULES.iter().flat_map(of).chain([NOW]).collect()
}
