//! Conflict rules as rows.

use crate::store::postgres::failure::{Attempt, Failure, expect_rows};
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, record};
use gametriggers_actors::domain::campaign::Category;
use gametriggers_actors::domain::conflict::{NewRule, Rule, RuleKind, Scope, Severity};
use gametriggers_actors::domain::id::{BrandId, RuleId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{BY_CONFIG, ByHand, RULES_MAX, RuleRecord, StoreError};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{PgConnection, PgExecutor, Postgres};
use std::sync::Arc;

statements! {
    IN_FORCE = "SELECT * FROM conflict_rule WHERE enabled ORDER BY id";
    PAGE = "SELECT * FROM conflict_rule WHERE retired_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
    ONE = "SELECT * FROM conflict_rule WHERE retired_at IS NULL AND id = $1";
    OF_CONFIG = "SELECT * FROM conflict_rule
        WHERE retired_at IS NULL AND created_by = 'config' ORDER BY id";
    /// Nodes that start at the same time make each rule once.
    ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('conflict_rule', 0))";
    NAMES = "SELECT id, name FROM conflict_rule WHERE id = ANY($1) ORDER BY id";
    COUNT = "SELECT count(*) FROM conflict_rule WHERE retired_at IS NULL";
    INSERT = "INSERT INTO conflict_rule
        (name, description, kind, severity, priority, span, scope, campaigns_max,
         categories, brands, competitors, enabled, updated_at, created_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14) RETURNING id";
    CHANGE = "UPDATE conflict_rule SET name = $1, description = $2, kind = $3, severity = $4, priority = $5,
          span = $6, scope = $7, campaigns_max = $8, categories = $9, brands = $10, competitors = $11,
          enabled = $12, updated_at = $13, version = version + 1
        WHERE id = $14 AND retired_at IS NULL AND ($15::bigint IS NULL OR version = $15)";
    SWITCH_OFF = "UPDATE conflict_rule SET enabled = FALSE, updated_at = $2, version = version + 1
        WHERE id = $1";
    DELETE = "UPDATE conflict_rule SET enabled = FALSE, updated_at = $2, retired_at = $2
        WHERE id = $1 AND retired_at IS NULL";
}

/// Every rule that is in force.
pub(in crate::store::postgres) async fn in_force(connection: &mut PgConnection) -> Attempt<Vec<Rule>> {
    sqlx::query(IN_FORCE).fetch_all(connection).await?.iter().map(rule).collect()
}

/// Rules that are not deleted, by ascending id, after `after`.
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    after: Option<RuleId>,
    limit: u32,
) -> Attempt<Vec<RuleRecord>> {
    let query = sqlx::query(PAGE).bind(after.map_or(i64::MIN, |id| id.0)).bind(i64::from(limit));
    query.fetch_all(executor).await?.iter().map(kept).collect()
}

/// One rule that is not deleted.
pub(super) async fn one(executor: impl PgExecutor<'_>, id: RuleId) -> Attempt<RuleRecord> {
    kept(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// The names of rules, deleted ones too.
pub(super) async fn names(executor: impl PgExecutor<'_>, ids: &[RuleId]) -> Attempt<Vec<(RuleId, Arc<str>)>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<(i64, String)> = sqlx::query_as(NAMES).bind(ids).fetch_all(executor).await?;
    Ok(rows.into_iter().map(|(id, name)| (RuleId(id), name.into())).collect())
}

/// Adds a rule.
pub(super) async fn add(
    connection: &mut PgConnection,
    new: &NewRule,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<RuleRecord> {
    let count: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut *connection).await?;
    if count >= i64::from(RULES_MAX) {
        return Err(Failure::refused(format!("there are {RULES_MAX} rules")));
    }
    let query = columns(sqlx::query(INSERT), new, now).bind(&hand.actor);
    let id = RuleId(query.fetch_one(&mut *connection).await?.number("id")?);
    done(connection, ("add_rule", id, new.summary()), hand, now).await?;
    one(connection, id).await
}

/// Puts another rule in its place.
pub(super) async fn change(
    connection: &mut PgConnection,
    (id, version, new): (RuleId, Option<i64>, &NewRule),
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<RuleRecord> {
    let changed = columns(sqlx::query(CHANGE), new, now).bind(id.0).bind(version);
    if changed.execute(&mut *connection).await?.rows_affected() == 0 {
        // Not found, when there is none.
        one(connection, id).await?;
        return Err(StoreError::Changed.into());
    }
    done(connection, ("change_rule", id, new.summary()), hand, now).await?;
    one(connection, id).await
}

/// Deletes it.
pub(super) async fn delete(
    connection: &mut PgConnection,
    id: RuleId,
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<()> {
    let name = one(&mut *connection, id).await?.name;
    let deleted = sqlx::query(DELETE).bind(id.0).bind(now.0).execute(&mut *connection).await?;
    expect_rows("conflict_rule", 1, deleted.rows_affected())?;
    done(connection, ("delete_rule", id, name.to_string()), hand, now).await
}

/// Makes the rules of the configuration file what the file says. The number of rows written.
pub(super) async fn configure(
    connection: &mut PgConnection,
    rules: &[NewRule],
    now: UnixMillis,
) -> Attempt<u64> {
    let hand = ByHand { actor: BY_CONFIG.to_owned(), reason: "the configuration file".to_owned() };
    sqlx::query(ONE_BY_ONE).execute(&mut *connection).await?;
    let rows = sqlx::query(OF_CONFIG).fetch_all(&mut *connection).await?;
    let there = rows.iter().map(kept).collect::<Attempt<Vec<_>>>()?;
    let mut written = 0_u64;
    for new in rules {
        match there.iter().find(|kept| *kept.name == *new.name) {
            Some(kept) if kept.says(new) => continue,
            Some(kept) => drop(change(connection, (kept.rule.id, None, new), &hand, now).await?),
            None => drop(add(connection, new, &hand, now).await?),
        }
        written = written.saturating_add(1);
    }
    let gone = |kept: &&RuleRecord| kept.active && !rules.iter().any(|new| *new.name == *kept.name);
    for kept in there.iter().filter(gone) {
        sqlx::query(SWITCH_OFF).bind(kept.rule.id.0).bind(now.0).execute(&mut *connection).await?;
        let detail = format!("{} stands there no more", kept.name);
        done(connection, ("change_rule", kept.rule.id, detail), &hand, now).await?;
        written = written.saturating_add(1);
    }
    Ok(written)
}

async fn done(
    connection: &mut PgConnection,
    (action, id, detail): (&'static str, RuleId, String),
    hand: &ByHand,
    now: UnixMillis,
) -> Attempt<()> {
    record(connection, hand, &Deed { action, subject: format!("rule:{id}"), detail }, now).await
}

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Binds what people may change: thirteen columns, in the order of the statements.
fn columns<'q>(query: Query<'q>, new: &'q NewRule, now: UnixMillis) -> Query<'q> {
    let (scope, campaigns_max) = match &new.kind {
        RuleKind::CooldownPeriod { scope, .. } => (Some(scope), None),
        RuleKind::SimultaneousLimit { scope, campaigns_max, .. } => (Some(scope), Some(*campaigns_max)),
        RuleKind::CategoryExclusivity { .. } | RuleKind::BrandExclusivity { .. } => (None, None),
    };
    let draft = new.kind.draft();
    query
        .bind(&new.name)
        .bind(&new.description)
        .bind(new.kind.code())
        .bind(new.severity.code())
        .bind(i64::from(new.priority))
        .bind(new.kind.span().0)
        .bind(scope.map(Scope::code))
        .bind(campaigns_max.map(i64::from))
        .bind(draft.categories)
        .bind(draft.brands)
        .bind(draft.competitors)
        .bind(new.active)
        .bind(now.0)
}

fn kept(row: &PgRow) -> Attempt<RuleRecord> {
    Ok(RuleRecord {
        rule: rule(row)?,
        name: row.shared("name")?,
        description: row.shared("description")?,
        created_by: row.shared("created_by")?,
        active: row.flag("enabled")?,
        times_triggered: row.number("times_triggered")?,
        conflicts_blocked: row.number("conflicts_blocked")?,
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
        version: row.number("version")?,
    })
}

fn rule(row: &PgRow) -> Attempt<Rule> {
    let span = row.span("span")?;
    let brands =
        |column| -> Attempt<Vec<BrandId>> { Ok(row.numbers(column)?.into_iter().map(BrandId).collect()) };
    let categories = || -> Attempt<Vec<Category>> {
        Ok(row.texts("categories")?.into_iter().map(Category::new).collect())
    };
    let scope = || {
        let (categories, brands) = (categories()?, brands("brands")?);
        row.code("scope", |code| Scope::from_code(code, categories, brands))
    };
    let kind = match row.text("kind")?.as_str() {
        "category_exclusivity" => RuleKind::CategoryExclusivity { categories: categories()?, span },
        "brand_exclusivity" => RuleKind::BrandExclusivity {
            brands: brands("brands")?,
            competitors: brands("competitors")?,
            span,
        },
        "cooldown_period" => RuleKind::CooldownPeriod { scope: scope()?, span },
        "simultaneous_limit" => {
            RuleKind::SimultaneousLimit { scope: scope()?, campaigns_max: row.number("campaigns_max")?, span }
        }
        _ => return known("kind", None),
    };
    Ok(Rule {
        id: RuleId(row.number("id")?),
        kind,
        severity: row.code("severity", Severity::from_code)?,
        priority: row.number("priority")?,
    })
}
