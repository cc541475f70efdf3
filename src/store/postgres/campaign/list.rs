//! Campaigns in any state, one by one and in lists.

use super::read::with_creatives;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::{Columns, known};
use crate::store::requirements;
use gametriggers_actors::domain::campaign::{Brand, Campaign};
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    CampaignQuery, CampaignRecord, CampaignState, Draft, ListedCampaigns, Mark, Place, Recorded, SortBy,
    Stage, StoreError,
};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

const ONE: &str = "SELECT c.*, b.name AS brand_name FROM campaign AS c JOIN brand AS b ON b.id = c.brand_id
    WHERE c.id = $1";

/// A page in one order, behind a place of it.
macro_rules! page {
    ($value:literal, $behind:literal, $order:literal, $of:literal) => {
        concat!(
            "SELECT c.*, b.name AS brand_name, ",
            $value,
            " AS place FROM campaign AS c JOIN brand AS b ON b.id = c.brand_id WHERE ",
            $behind,
            $of,
            " AND CASE WHEN c.archived_at IS NOT NULL THEN 'archived' ELSE coalesce(c.stage, c.status) END
                = ANY ($3)
              AND ($4::text IS NULL OR strpos(lower(c.name), lower($4)) > 0)
              AND ($5::text IS NULL OR c.category = $5)
              AND c.created_at >= $6 AND c.created_at < $7 AND c.starts < $8 AND c.ends > $9
              ORDER BY ",
            $value,
            " ",
            $order,
            ", c.id ",
            $order,
            " LIMIT $10"
        )
    };
}

/// Of all brands, and of one.
macro_rules! pages {
    ($value:literal, $behind:literal, $order:literal) => {
        [page!($value, $behind, $order, ""), page!($value, $behind, $order, " AND c.brand_id = $11")]
    };
}

const ID_UP: [&str; 2] = pages!("c.id", "c.id > $1 AND $2::bigint IS NOT NULL", "ASC");
const ID_DOWN: [&str; 2] = pages!("c.id", "c.id < $1 AND $2::bigint IS NOT NULL", "DESC");
const NAME_UP: [&str; 2] =
    pages!("lower(c.name) COLLATE \"C\"", "(lower(c.name) COLLATE \"C\", c.id) > ($1, $2)", "ASC");
const NAME_DOWN: [&str; 2] =
    pages!("lower(c.name) COLLATE \"C\"", "(lower(c.name) COLLATE \"C\", c.id) < ($1, $2)", "DESC");
const STARTS_UP: [&str; 2] = pages!("c.starts", "(c.starts, c.id) > ($1, $2)", "ASC");
const STARTS_DOWN: [&str; 2] = pages!("c.starts", "(c.starts, c.id) < ($1, $2)", "DESC");
const ENDS_UP: [&str; 2] = pages!("c.ends", "(c.ends, c.id) > ($1, $2)", "ASC");
const ENDS_DOWN: [&str; 2] = pages!("c.ends", "(c.ends, c.id) < ($1, $2)", "DESC");

/// Every statement, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let pages = [ID_UP, ID_DOWN, NAME_UP, NAME_DOWN, STARTS_UP, STARTS_DOWN, ENDS_UP, ENDS_DOWN];
    [pages.as_flattened(), &[ONE]].concat()
}

/// One campaign in any state.
pub(super) async fn one(connection: &mut PgConnection, id: CampaignId) -> Attempt<CampaignRecord> {
    let rows = sqlx::query(ONE).bind(id.0).fetch_all(&mut *connection).await?;
    records(connection, &rows).await?.pop().ok_or_else(|| Failure::from(StoreError::NotFound))
}

/// Campaigns in the order of a query, behind its place.
pub(super) async fn page(connection: &mut PgConnection, query: &CampaignQuery) -> Attempt<ListedCampaigns> {
    let [of_all, of_one] = statement(query);
    let (mark, id) = query.behind();
    let select = sqlx::query(if query.brand.is_some() { of_one } else { of_all });
    let select = match mark {
        Mark::Number(number) => select.bind(number),
        Mark::Text(text) => select.bind(text.to_string()),
    };
    let moment = |at: Option<UnixMillis>, open: i64| at.map_or(open, |at| at.0);
    let select = select
        .bind(id)
        .bind(states(query))
        .bind(query.name.as_deref())
        .bind(query.category.as_deref())
        .bind(moment(query.created_after, i64::MIN))
        .bind(moment(query.created_before, i64::MAX))
        .bind(moment(query.starts_before, i64::MAX))
        .bind(moment(query.ends_after, i64::MIN))
        .bind(i64::from(query.limit));
    let select = if let Some(brand) = query.brand { select.bind(brand.0) } else { select };
    let rows = select.fetch_all(&mut *connection).await?;
    let places = rows.iter().map(|row| place(row, query)).collect::<Attempt<Vec<_>>>()?;
    Ok(records(connection, &rows).await?.into_iter().zip(places).collect())
}

const fn statement(query: &CampaignQuery) -> [&'static str; 2] {
    match (query.sort.by, query.sort.descending) {
        (SortBy::Id, false) => ID_UP,
        (SortBy::Id, true) => ID_DOWN,
        (SortBy::Name, false) => NAME_UP,
        (SortBy::Name, true) => NAME_DOWN,
        (SortBy::Starts, false) => STARTS_UP,
        (SortBy::Starts, true) => STARTS_DOWN,
        (SortBy::Ends, false) => ENDS_UP,
        (SortBy::Ends, true) => ENDS_DOWN,
    }
}

/// The states that are wanted, as the columns have them.
fn states(query: &CampaignQuery) -> Vec<&'static str> {
    let wanted = |state: &CampaignState| match &query.states {
        Some(states) => states.contains(state),
        None => *state != CampaignState::Archived,
    };
    CampaignState::ALL.iter().filter(|state| wanted(state)).map(|state| state.column()).collect()
}

fn place(row: &PgRow, query: &CampaignQuery) -> Attempt<Place> {
    let mark = match query.sort.by {
        SortBy::Name => Mark::Text(row.text("place")?.into()),
        SortBy::Id | SortBy::Starts | SortBy::Ends => Mark::Number(row.number("place")?),
    };
    Ok((mark, row.number("id")?))
}

async fn records(connection: &mut PgConnection, rows: &[PgRow]) -> Attempt<Vec<CampaignRecord>> {
    let mut launched = Vec::new();
    for row in rows {
        if row.optional_text("stage")?.is_none() {
            launched.push(row);
        }
    }
    let mut campaigns = with_creatives(connection, &launched).await?.into_iter();
    rows.iter().map(|row| record(row, &mut campaigns)).collect()
}

/// The campaign of a row; the next one of `campaigns` when it was launched.
fn record(row: &PgRow, campaigns: &mut impl Iterator<Item = Campaign>) -> Attempt<CampaignRecord> {
    let what = match row.optional_text("stage")? {
        Some(stage) => Recorded::Draft(Draft {
            stage: known("stage", Stage::from_code(&stage))?,
            body: row.shared("draft")?,
            submitted: row.optional("submitted_at")?.map(UnixMillis),
            rejection: row.optional_text("rejection")?,
        }),
        None => Recorded::Campaign(Box::new(known("id", campaigns.next())?)),
    };
    let asked = row.optional_text("requirements")?;
    Ok(CampaignRecord {
        id: CampaignId(row.number("id")?),
        brand: Brand { id: BrandId(row.number("brand_id")?), name: row.shared("brand_name")? },
        version: row.number("version")?,
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
        archived: row.optional("archived_at")?.map(UnixMillis),
        requirements: asked.map(|column| known("requirements", requirements::read(&column))).transpose()?,
        what,
    })
}
