//! Conflict rules as rows.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::campaign::Category;
use gametriggers_actors::domain::conflict::{Rule, RuleKind, Scope, Severity};
use gametriggers_actors::domain::id::{BrandId, RuleId};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    IN_FORCE = "SELECT * FROM conflict_rule WHERE enabled ORDER BY id";
    INSERT = "INSERT INTO conflict_rule
        (name, kind, severity, priority, span, scope, campaigns_max,
         categories, brands, competitors, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
}

/// Every rule that is in force.
pub(super) async fn in_force(connection: &mut PgConnection) -> Attempt<Vec<Rule>> {
    sqlx::query(IN_FORCE).fetch_all(connection).await?.iter().map(rule).collect()
}

/// Adds a rule; the id that comes with it is replaced.
pub(super) async fn add(
    connection: &mut PgConnection,
    rule: Rule,
    name: &str,
    now: UnixMillis,
) -> Attempt<Rule> {
    let row = describe(&rule.kind);
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(name)
        .bind(rule.kind.code())
        .bind(rule.severity.code())
        .bind(i64::from(rule.priority))
        .bind(row.span.0)
        .bind(row.scope.map(Scope::code))
        .bind(row.campaigns_max.map(i64::from))
        .bind(row.categories.iter().map(|category| category.0.as_ref()).collect::<Vec<&str>>())
        .bind(row.brands.iter().map(|brand| brand.0).collect::<Vec<i64>>())
        .bind(row.competitors.iter().map(|brand| brand.0).collect::<Vec<i64>>())
        .bind(now.0)
        .fetch_one(connection)
        .await?;
    Ok(Rule { id: RuleId(id), ..rule })
}

/// The columns that the kinds share.
struct Parts<'a> {
    span: Millis,
    scope: Option<Scope>,
    campaigns_max: Option<u32>,
    categories: &'a [Category],
    brands: &'a [BrandId],
    competitors: &'a [BrandId],
}

fn describe(kind: &RuleKind) -> Parts<'_> {
    let of = |span| Parts {
        span,
        scope: None,
        campaigns_max: None,
        categories: &[],
        brands: &[],
        competitors: &[],
    };
    match kind {
        RuleKind::CategoryExclusivity { categories, span } => Parts { categories, ..of(*span) },
        RuleKind::BrandExclusivity { brands, competitors, span } => {
            Parts { brands, competitors, ..of(*span) }
        }
        RuleKind::CooldownPeriod { scope, span } => Parts { scope: Some(*scope), ..of(*span) },
        RuleKind::SimultaneousLimit { scope, campaigns_max, span } => {
            Parts { scope: Some(*scope), campaigns_max: Some(*campaigns_max), ..of(*span) }
        }
    }
}

fn rule(row: &PgRow) -> Attempt<Rule> {
    let span = row.span("span")?;
    let brands =
        |column| -> Attempt<Vec<BrandId>> { Ok(row.numbers(column)?.into_iter().map(BrandId).collect()) };
    let scope = || row.code("scope", Scope::from_code);
    let kind = match row.text("kind")?.as_str() {
        "category_exclusivity" => {
            let categories = row.texts("categories")?.into_iter().map(Category).collect();
            RuleKind::CategoryExclusivity { categories, span }
        }
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
