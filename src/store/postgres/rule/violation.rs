//! How often rules spoke, by the day.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::{Columns, columns, count};
use crate::store::postgres::statements;
use gametriggers_actors::ports::{RuleCounts, ViolationCounts, ViolationOf, ViolationSum, ViolationsBy};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{PgConnection, Postgres};

statements! {
    /// Rows are taken in the order of the key, here and below: two nodes that write the same ones wait for
    /// each other, and never in a circle.
    ADD_VIOLATIONS = "INSERT INTO rule_violation AS v
          (day, rule_id, brand_id, streamer_id, spoken, blocked, overridden, category)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
          $6::bigint[], $7::bigint[], $8::text[]) ORDER BY 1, 2, 3, 8, 4
        ON CONFLICT (day, rule_id, brand_id, category, streamer_id) DO UPDATE SET
          spoken = v.spoken + excluded.spoken, blocked = v.blocked + excluded.blocked,
          overridden = v.overridden + excluded.overridden";
    ADD_TO_RULES = "WITH held AS (
          SELECT id FROM conflict_rule WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        UPDATE conflict_rule AS r SET times_triggered = r.times_triggered + u.spoken,
          conflicts_blocked = r.conflicts_blocked + u.blocked
        FROM held, unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, spoken, blocked)
        WHERE r.id = held.id AND u.id = held.id";
    ADD_TO_OVERRIDES = "WITH held AS (
          SELECT id FROM rule_override WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        UPDATE rule_override AS o SET times_used = o.times_used + u.times
        FROM held, unnest($1::bigint[], $2::bigint[]) AS u (id, times)
        WHERE o.id = held.id AND u.id = held.id";
    BY_RULE = "SELECT s.*, n.name FROM (
          SELECT rule_id AS of, sum(spoken)::bigint AS spoken, sum(blocked)::bigint AS blocked,
            sum(overridden)::bigint AS overridden
          FROM rule_violation WHERE day >= $1 AND day < $2 AND rule_id > $3
          GROUP BY rule_id ORDER BY rule_id LIMIT $4) AS s
        LEFT JOIN conflict_rule AS n ON n.id = s.of ORDER BY s.of";
    BY_BRAND = "SELECT s.*, n.name FROM (
          SELECT brand_id AS of, sum(spoken)::bigint AS spoken, sum(blocked)::bigint AS blocked,
            sum(overridden)::bigint AS overridden
          FROM rule_violation WHERE day >= $1 AND day < $2 AND brand_id > $3
          GROUP BY brand_id ORDER BY brand_id LIMIT $4) AS s
        LEFT JOIN brand AS n ON n.id = s.of ORDER BY s.of";
    BY_STREAMER = "SELECT s.*, n.name FROM (
          SELECT streamer_id AS of, sum(spoken)::bigint AS spoken, sum(blocked)::bigint AS blocked,
            sum(overridden)::bigint AS overridden
          FROM rule_violation WHERE day >= $1 AND day < $2 AND streamer_id > $3
          GROUP BY streamer_id ORDER BY streamer_id LIMIT $4) AS s
        LEFT JOIN streamer AS n ON n.id = s.of ORDER BY s.of";
    BY_DAY = "SELECT day AS of, NULL::text AS name, sum(spoken)::bigint AS spoken,
          sum(blocked)::bigint AS blocked, sum(overridden)::bigint AS overridden
        FROM rule_violation WHERE day >= $1 AND day < $2 AND day > $3 GROUP BY day ORDER BY day LIMIT $4";
    /// In the order of bytes, whatever the database's language is: a page goes on where the last one ended.
    BY_CATEGORY = "SELECT category AS of, NULL::text AS name, sum(spoken)::bigint AS spoken,
          sum(blocked)::bigint AS blocked, sum(overridden)::bigint AS overridden
        FROM rule_violation WHERE day >= $1 AND day < $2 AND category COLLATE \"C\" > $3
        GROUP BY category ORDER BY category COLLATE \"C\" LIMIT $4";
}

/// What a flush adds, column by column in the order of the statements.
pub(in crate::store::postgres) struct Rows {
    violations: [Vec<i64>; 7],
    categories: Vec<String>,
    rules: [Vec<i64>; 3],
    overrides: [Vec<i64>; 2],
}

impl Rows {
    /// The columns of these counts.
    pub(in crate::store::postgres) fn of(counts: &RuleCounts) -> Attempt<Self> {
        let violations = counts.violations.iter().map(|(key, counts)| {
            let ViolationCounts { spoken, blocked, overridden } = *counts;
            let counted = (count(spoken)?, count(blocked)?, count(overridden)?);
            let (rule, brand, streamer) = (key.rule.0, key.brand.0, key.streamer.0);
            Ok([key.day, rule, brand, streamer, counted.0, counted.1, counted.2])
        });
        let rules = counts.rules.iter().map(|(id, n)| Ok([id.0, count(n.spoken)?, count(n.blocked)?]));
        let overrides = counts.overrides.iter().map(|(id, times)| Ok([id.0, count(*times)?]));
        Ok(Self {
            violations: columns(violations.collect::<Attempt<Vec<_>>>()?),
            categories: counts.violations.iter().map(|(key, _)| key.category.text().to_string()).collect(),
            rules: columns(rules.collect::<Attempt<Vec<_>>>()?),
            overrides: columns(overrides.collect::<Attempt<Vec<_>>>()?),
        })
    }
}

/// Adds it.
pub(in crate::store::postgres) async fn add(connection: &mut PgConnection, rows: &Rows) -> Attempt<()> {
    if !rows.categories.is_empty() {
        let query =
            rows.violations.iter().fold(sqlx::query(ADD_VIOLATIONS), |query, column| query.bind(column));
        query.bind(&rows.categories).execute(&mut *connection).await?;
    }
    for (statement, columns) in [(ADD_TO_RULES, &rows.rules[..]), (ADD_TO_OVERRIDES, &rows.overrides[..])] {
        if columns.iter().any(|column| !column.is_empty()) {
            let query = columns.iter().fold(sqlx::query(statement), |query, column| query.bind(column));
            query.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// The query of sums.
pub(super) fn sums(
    (from, to): (i64, i64),
    by: ViolationsBy,
    after: Option<&ViolationOf>,
    limit: u32,
) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(match by {
        ViolationsBy::Rule => BY_RULE,
        ViolationsBy::Category => BY_CATEGORY,
        ViolationsBy::Brand => BY_BRAND,
        ViolationsBy::Streamer => BY_STREAMER,
        ViolationsBy::Day => BY_DAY,
    });
    let query = query.bind(from).bind(to);
    let query = match (by, after) {
        (ViolationsBy::Category, Some(ViolationOf::Name(name))) => query.bind(name.to_string()),
        (ViolationsBy::Category, _) => query.bind(String::new()),
        (_, Some(ViolationOf::Number(number))) => query.bind(*number),
        (_, _) => query.bind(i64::MIN),
    };
    query.bind(i64::from(limit))
}

/// A sum as it is read.
pub(super) fn sum(row: &PgRow, by: ViolationsBy) -> Attempt<ViolationSum> {
    let of = match by {
        ViolationsBy::Category => ViolationOf::Name(row.shared("of")?),
        _ => ViolationOf::Number(row.number("of")?),
    };
    let counts = ViolationCounts {
        spoken: row.number("spoken")?,
        blocked: row.number("blocked")?,
        overridden: row.number("overridden")?,
    };
    Ok(ViolationSum { of, name: row.optional_text("name")?, counts })
}
