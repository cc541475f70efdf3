//! What the streams had to give, by the quarter hour.

use super::failure::{Attempt, Failure};
use super::row::{Columns, columns, count, known};
use super::{PostgresStore, statements};
use futures_util::TryStreamExt;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::supply::{Cell, Supplied, SupplyHistory, SupplyRow};
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

statements! {
    /// Rows are taken in the order of the key: two nodes that write the same ones wait for each other, and
    /// never in a circle.
    ADD = "INSERT INTO supply_quarter AS s
          (quarter, category, language, country, platform, mature, band, slots, viewers)
        SELECT u.quarter, u.category, u.language, u.country, u.platform, u.mature, u.band,
          sum(u.slots)::bigint, sum(u.viewers)::bigint
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::boolean[])
          AS u (quarter, band, slots, viewers, category, language, country, platform, mature)
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (quarter, category, language, country, platform, mature, band)
        DO UPDATE SET slots = s.slots + excluded.slots, viewers = s.viewers + excluded.viewers";
    /// A look for each quarter hour there may be finds the last of each step of the week; only their rows are
    /// read.
    LAST_WEEK = "WITH seen AS (
          SELECT max(step.at) AS last FROM generate_series($1::bigint, $2::bigint - 1, 900000) AS step (at)
          CROSS JOIN LATERAL (SELECT FROM supply_quarter AS s WHERE s.quarter = step.at LIMIT 1) AS found
          GROUP BY step.at % 604800000)
        SELECT s.* FROM seen JOIN supply_quarter AS s ON s.quarter = seen.last";
    PRUNE = "SELECT supply_prune($1)";
}

/// What a flush adds, column by column in the order of the statement.
pub(super) struct Rows {
    numbers: [Vec<i64>; 4],
    texts: [Vec<String>; 4],
    mature: Vec<bool>,
}

impl Rows {
    pub(super) fn of(supply: &[SupplyRow]) -> Attempt<Self> {
        let numbers = |(quarter, cell, supplied): &SupplyRow| {
            Ok([quarter.0, i64::from(cell.band), count(supplied.slots)?, count(supplied.viewers)?])
        };
        let texts = |(_, cell, _): &SupplyRow| {
            let Cell { content_category, language, country, platform, .. } = cell;
            [content_category, language, country, platform.code()].map(str::to_owned)
        };
        Ok(Self {
            numbers: columns(supply.iter().map(numbers).collect::<Attempt<Vec<_>>>()?),
            texts: columns(supply.iter().map(texts)),
            mature: supply.iter().map(|(_, cell, _)| cell.mature).collect(),
        })
    }
}

pub(super) async fn add(connection: &mut PgConnection, rows: &Rows) -> Attempt<()> {
    if !rows.mature.is_empty() {
        let query = rows.numbers.iter().fold(sqlx::query(ADD), |query, column| query.bind(column));
        let query = rows.texts.iter().fold(query, |query, column| query.bind(column));
        query.bind(&rows.mature).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn read(store: &PostgresStore, from: UnixMillis, to: UnixMillis) -> Attempt<SupplyHistory> {
    let rows = sqlx::query(LAST_WEEK).bind(from.0).bind(to.0).fetch(&store.readers).err_into::<Failure>();
    let add = |mut history: SupplyHistory, row: PgRow| async move {
        // A platform that only a newer release knows can be no campaign's wish here.
        if let Some(platform) = Platform::from_code(&row.text("platform")?) {
            history.add(row.moment("quarter")?, cell(&row, platform)?, supplied(&row)?);
        }
        Ok(history)
    };
    rows.try_fold(SupplyHistory::default(), add).await
}

fn cell(row: &PgRow, platform: Platform) -> Attempt<Cell> {
    Ok(Cell {
        content_category: row.shared("category")?,
        language: row.shared("language")?,
        country: row.shared("country")?,
        platform,
        mature: row.flag("mature")?,
        band: row.number("band")?,
    })
}

fn supplied(row: &PgRow) -> Attempt<Supplied> {
    Ok(Supplied { slots: row.number("slots")?, viewers: row.number("viewers")? })
}

pub(super) async fn prune(connection: &mut PgConnection, before: UnixMillis) -> Attempt<u64> {
    let rows: i64 = sqlx::query_scalar(PRUNE).bind(before.0).fetch_one(connection).await?;
    known("rows", u64::try_from(rows).ok())
}
