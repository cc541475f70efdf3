//! Streamers as they say they are.

use super::pages;
use crate::store::listing::{begin, page_sql, pattern};
use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::row::Columns;
use crate::store::sqlite::wallet::{Deed, record};
use crate::store::sqlite::{statements, streamer as looked_at};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::vetting::Vetting;
use gametriggers_actors::ports::{
    Details, Mark, OnRecord, PageFrom, StoreError, StreamerDraft, StreamerFilter, StreamerRecord,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    ONE = "SELECT * FROM streamer WHERE id = ?1";
    SEES = "SELECT EXISTS (SELECT 1 FROM streamer AS s WHERE s.id = ?2 AND s.archived_at IS NULL
        AND (s.listed OR EXISTS (SELECT 1 FROM participation AS p JOIN campaign AS c ON c.id = p.campaign_id
          WHERE p.streamer_id = s.id AND c.brand_id = ?1
            AND (p.status IN ('applied', 'approved') OR p.detail = 'completed'))))";
    CHANGE = "UPDATE streamer SET details = ?3, verification = ?4, listed = ?5, updated_at = ?6
        WHERE id = ?1 AND version = ?2";
}

// Who was only invited takes no part: a brand would see anybody by inviting them.
pages!(
    "SELECT s.* FROM streamer AS s WHERE (?1 IS NULL OR s.name LIKE ?1 ESCAPE '\\')
       AND (?2 IS NULL OR s.platform = ?2) AND (?3 IS NULL OR s.language = ?3)
       AND (?4 IS NULL OR s.verification = ?4) AND (?5 IS NULL OR (s.archived_at IS NOT NULL) = ?5)
       AND (?6 IS NULL OR s.listed OR EXISTS (SELECT 1 FROM participation AS p
         JOIN campaign AS c ON c.id = p.campaign_id WHERE p.streamer_id = s.id AND c.brand_id = ?6
           AND (p.status IN ('applied', 'approved') OR p.detail = 'completed')))",
    "?7",
    "?8",
    "?9",
    "s"
);

/// One streamer.
pub(super) async fn one(executor: impl SqliteExecutor<'_>, id: StreamerId) -> Attempt<StreamerRecord> {
    streamer(&sqlx::query(ONE).bind(id.0).fetch_one(executor).await?)
}

/// A page of them.
pub(super) async fn page(
    executor: impl SqliteExecutor<'_>,
    of: &StreamerFilter,
    from: &PageFrom,
    limit: u32,
) -> Attempt<Vec<StreamerRecord>> {
    let query = sqlx::query(page_sql(PAGES, from)).bind(of.part.as_deref().map(pattern));
    let query = query.bind(of.platform.map(Platform::code)).bind(of.language.as_deref());
    let query = query.bind(of.verification.map(Vetting::code)).bind(of.archived);
    let query = query.bind(of.seen_by.map(|brand| brand.0));
    let (mark, id) = begin(from);
    let query = match mark {
        Mark::Number(number) => query.bind(number),
        Mark::Text(text) => query.bind(text.to_string()),
    };
    query.bind(id).bind(i64::from(limit)).fetch_all(executor).await?.iter().map(streamer).collect()
}

/// Whether a brand may see one.
pub(super) async fn sees(
    executor: impl SqliteExecutor<'_>,
    brand: BrandId,
    streamer: StreamerId,
) -> Attempt<bool> {
    Ok(sqlx::query_scalar(SEES).bind(brand.0).bind(streamer.0).fetch_one(executor).await?)
}

/// Changes one, if they still have the version that the change was made out of.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    id: StreamerId,
    draft: &StreamerDraft,
    (on_record, now): (Option<&OnRecord>, UnixMillis),
) -> Attempt<StreamerRecord> {
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(draft.version)
        .bind(&*draft.details.0)
        .bind(draft.verification.code())
        .bind(draft.listed)
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() == 0 {
        // Not found, when there is none.
        one(connection, id).await?;
        return Err(Failure::from(StoreError::Changed));
    }
    // Which makes it another version.
    looked_at::change_profile(connection, id, &draft.profile, now).await?;
    if let Some(OnRecord { action, detail, hand }) = on_record {
        let deed = Deed { action, subject: format!("streamer:{id}"), detail: detail.clone() };
        record(connection, hand, &deed, now).await?;
    }
    one(connection, id).await
}

fn streamer(row: &SqliteRow) -> Attempt<StreamerRecord> {
    Ok(StreamerRecord {
        streamer: looked_at::streamer(row)?,
        details: Details(row.shared("details")?),
        verification: row.code("verification", Vetting::from_code)?,
        listed: row.flag("listed")?,
        version: row.number("version")?,
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
        archived: row.optional("archived_at")?.map(UnixMillis),
    })
}
