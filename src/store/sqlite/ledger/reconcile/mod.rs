//! The checks: what must hold between the tables, whatever happened.
//!
//! All of them read one snapshot, so that they can run beside the writer. Rows that are only ever added
//! are read once: a call goes on from the marks of the one before, unless that one found something wrong,
//! which then is found again until it is put right.

mod check;

use self::check::{By, RULES, Rule};
use crate::store::sqlite::WRITER;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::Columns;
use gametriggers_actors::ports::Check;
use sqlx::SqliteConnection;
use std::collections::HashMap;

/// How far the checks have looked, and what they have summed up to there.
#[derive(Clone, Debug, Default)]
pub(in crate::store::sqlite) struct Marks {
    writer: i64,
    seq: i64,
    row: i64,
    rolled: i64,
    sums: HashMap<&'static str, Sums>,
}

/// Three sums for each key.
type Sums = HashMap<String, [i64; 3]>;

const NOW: &str = "SELECT id, seq, coalesce((SELECT max(row) FROM settle_event), 0), rolled
    FROM writer WHERE id = ?1";

/// Runs every check from the marks on; the marks for the next call.
pub(super) async fn reconcile(
    connection: &mut SqliteConnection,
    from: &Marks,
) -> Attempt<(Vec<Check>, Marks)> {
    let (writer, seq, row, rolled): (i64, i64, i64, i64) =
        sqlx::query_as(NOW).bind(WRITER).fetch_one(&mut *connection).await?;
    let mut next = Marks { writer, seq, row, rolled, sums: HashMap::new() };
    let mut checks = Vec::with_capacity(RULES.len());
    for rule in RULES {
        checks.push(match rule.by {
            By::One(sql) => one(connection, rule, sql, from).await?,
            By::Sums { added, kept, money } => {
                let mut sums = from.sums.get(rule.name).cloned().unwrap_or_default();
                for (key, more) in read(connection, added, from).await? {
                    let sum = sums.entry(key).or_default();
                    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(more));
                }
                let check = compare(rule, &sums, read(connection, kept, from).await?, money);
                next.sums.insert(rule.name, sums);
                check
            }
        });
    }
    let is_sound = checks.iter().all(|check| check.mismatches == 0 && check.drift_micros == 0);
    Ok((checks, if is_sound { next } else { from.clone() }))
}

async fn one(
    connection: &mut SqliteConnection,
    rule: &Rule,
    sql: &'static str,
    from: &Marks,
) -> Attempt<Check> {
    let marked = sqlx::query(sql).bind(from.writer).bind(from.seq).bind(from.row).bind(from.rolled);
    let row = marked.fetch_one(connection).await?;
    Ok(Check {
        id: rule.id,
        name: rule.name,
        rows: row.number("n")?,
        mismatches: row.number("bad")?,
        drift_micros: row.number("drift")?,
    })
}

async fn read(connection: &mut SqliteConnection, sql: &'static str, from: &Marks) -> Attempt<Sums> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(sql)
        .bind(from.writer)
        .bind(from.seq)
        .bind(from.row)
        .bind(from.rolled)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(key, a, b, c)| (key, [a, b, c])).collect())
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
