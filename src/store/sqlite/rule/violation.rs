//! How often rules spoke, by the day.

use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::{Columns, count, json};
use crate::store::sqlite::statements;
use gametriggers_actors::ports::{RuleCounts, ViolationCounts, ViolationOf, ViolationSum, ViolationsBy};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};

statements! {
    ADD_VIOLATIONS = "INSERT INTO rule_violation
          (day, rule_id, brand_id, category, streamer_id, spoken, blocked, overridden)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
          value ->> 7
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET spoken = spoken + excluded.spoken, blocked = blocked + excluded.blocked,
          overridden = overridden + excluded.overridden";
    ADD_TO_RULES = "UPDATE conflict_rule SET times_triggered = times_triggered + (u.value ->> 1),
          conflicts_blocked = conflicts_blocked + (u.value ->> 2)
        FROM json_each(?1) AS u WHERE conflict_rule.id = u.value ->> 0";
    ADD_TO_OVERRIDES = "UPDATE rule_override SET times_used = times_used + (u.value ->> 1)
        FROM json_each(?1) AS u WHERE rule_override.id = u.value ->> 0";
    BY_RULE = "SELECT s.*, n.name FROM (
          SELECT rule_id AS of, sum(spoken) AS spoken, sum(blocked) AS blocked, sum(overridden) AS overridden
          FROM rule_violation WHERE day >= ?1 AND day < ?2 AND rule_id > ?3
          GROUP BY rule_id ORDER BY rule_id LIMIT ?4) AS s
        LEFT JOIN conflict_rule AS n ON n.id = s.of ORDER BY s.of";
    BY_BRAND = "SELECT s.*, n.name FROM (
          SELECT brand_id AS of, sum(spoken) AS spoken, sum(blocked) AS blocked,
            sum(overridden) AS overridden
          FROM rule_violation WHERE day >= ?1 AND day < ?2 AND brand_id > ?3
          GROUP BY brand_id ORDER BY brand_id LIMIT ?4) AS s
        LEFT JOIN brand AS n ON n.id = s.of ORDER BY s.of";
    BY_STREAMER = "SELECT s.*, n.name FROM (
          SELECT streamer_id AS of, sum(spoken) AS spoken, sum(blocked) AS blocked,
            sum(overridden) AS overridden
          FROM rule_violation WHERE day >= ?1 AND day < ?2 AND streamer_id > ?3
          GROUP BY streamer_id ORDER BY streamer_id LIMIT ?4) AS s
        LEFT JOIN streamer AS n ON n.id = s.of ORDER BY s.of";
    BY_DAY = "SELECT day AS of, NULL AS name, sum(spoken) AS spoken, sum(blocked) AS blocked,
          sum(overridden) AS overridden
        FROM rule_violation WHERE day >= ?1 AND day < ?2 AND day > ?3 GROUP BY day ORDER BY day LIMIT ?4";
    BY_CATEGORY = "SELECT category AS of, NULL AS name, sum(spoken) AS spoken, sum(blocked) AS blocked,
          sum(overridden) AS overridden
        FROM rule_violation WHERE day >= ?1 AND day < ?2 AND category > ?3
        GROUP BY category ORDER BY category LIMIT ?4";
}

/// What a flush adds: the parameters of its statements.
pub(in crate::store::sqlite) fn rows(counts: &RuleCounts) -> Attempt<[String; 3]> {
    let violations = counts.violations.iter().map(|(key, counts)| {
        let ViolationCounts { spoken, blocked, overridden } = *counts;
        let counted = (count(spoken)?, count(blocked)?, count(overridden)?);
        let (day, rule, brand, streamer) = (key.day, key.rule.0, key.brand.0, key.streamer.0);
        Ok((day, rule, brand, &**key.category.text(), streamer, counted.0, counted.1, counted.2))
    });
    let rules = counts.rules.iter().map(|(id, n)| Ok((id.0, count(n.spoken)?, count(n.blocked)?)));
    let overrides = counts.overrides.iter().map(|(id, times)| Ok((id.0, count(*times)?)));
    Ok([
        json(&violations.collect::<Attempt<Vec<_>>>()?)?,
        json(&rules.collect::<Attempt<Vec<_>>>()?)?,
        json(&overrides.collect::<Attempt<Vec<_>>>()?)?,
    ])
}

/// Adds it.
pub(in crate::store::sqlite) async fn add(
    connection: &mut SqliteConnection,
    rows: [String; 3],
) -> Attempt<()> {
    for (statement, rows) in [ADD_VIOLATIONS, ADD_TO_RULES, ADD_TO_OVERRIDES].into_iter().zip(rows) {
        if rows != "[]" {
            sqlx::query(statement).bind(rows).execute(&mut *connection).await?;
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
) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
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
pub(super) fn sum(row: &SqliteRow, by: ViolationsBy) -> Attempt<ViolationSum> {
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
