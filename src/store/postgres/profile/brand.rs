//! Brands as they say they are.

use super::pages;
use crate::store::listing::{begin, page_sql, pattern};
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, record};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::vetting::{Vetted, Vetting};
use gametriggers_actors::ports::{
    BrandDraft, BrandFilter, BrandRecord, Details, Mark, OnRecord, PageFrom, StoreError,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};

statements! {
    ONE = "SELECT * FROM brand WHERE id = $1";
    CHANGE = "UPDATE brand SET name = $3, details = $4, verification = $5, requested_at = $6, decided_at = $7,
          decided_why = $8, updated_at = $9, version = version + 1
        WHERE id = $1 AND version = $2";
}

pages!(
    "SELECT * FROM brand WHERE ($1::text IS NULL OR name ILIKE $1 ESCAPE '\\')
       AND ($2::text IS NULL OR verification = $2)
       AND ($3::boolean IS NULL OR (archived_at IS NOT NULL) = $3)",
    "$4",
    "$5",
    "$6",
    "brand"
);

/// One brand.
pub(super) async fn one(executor: impl PgExecutor<'_>, id: BrandId) -> Attempt<BrandRecord> {
    brand(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// A page of them.
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    of: &BrandFilter,
    from: &PageFrom,
    limit: u32,
) -> Attempt<Vec<BrandRecord>> {
    let query = sqlx::query(page_sql(PAGES, from)).bind(of.part.as_deref().map(pattern));
    let query = query.bind(of.verification.map(Vetting::code)).bind(of.archived);
    let (mark, id) = begin(from);
    let query = match mark {
        Mark::Number(number) => query.bind(number),
        Mark::Text(text) => query.bind(text.to_string()),
    };
    query.bind(id).bind(i64::from(limit)).fetch_all(executor).await?.iter().map(brand).collect()
}

/// Changes one, if it still has the version that the change was made out of.
pub(super) async fn change(
    connection: &mut PgConnection,
    id: BrandId,
    draft: &BrandDraft,
    (on_record, now): (Option<&OnRecord>, UnixMillis),
) -> Attempt<BrandRecord> {
    let vetted = &draft.vetted;
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(draft.version)
        .bind(&*draft.name)
        .bind(&*draft.details.0)
        .bind(vetted.state.code())
        .bind(vetted.requested.map(|at| at.0))
        .bind(vetted.decided.map(|at| at.0))
        .bind(vetted.reason.as_deref())
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        // Not found, when there is none.
        one(connection, id).await?;
        return Err(Failure::from(StoreError::Changed));
    }
    if let Some(OnRecord { action, detail, hand }) = on_record {
        let deed = Deed { action, subject: format!("brand:{id}"), detail: detail.clone() };
        record(connection, hand, &deed, now).await?;
    }
    one(connection, id).await
}

fn brand(row: &PgRow) -> Attempt<BrandRecord> {
    let created = row.moment("created_at")?;
    Ok(BrandRecord {
        id: BrandId(row.number("id")?),
        name: row.shared("name")?,
        details: Details(row.shared("details")?),
        vetted: Vetted {
            state: row.code("verification", Vetting::from_code)?,
            requested: row.optional("requested_at")?.map(UnixMillis),
            decided: row.optional("decided_at")?.map(UnixMillis),
            reason: row.optional_text("decided_why")?,
        },
        version: row.number("version")?,
        created,
        // An older server that made the brand does not know the column.
        updated: row.moment("updated_at")?.max(created),
        archived: row.optional("archived_at")?.map(UnixMillis),
    })
}
