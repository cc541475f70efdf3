//! What the streams had to give, by the quarter hour.

use super::failure::{Attempt, Failure};
use super::row::{Columns, count, json};
use super::{SqliteStore, statements};
use futures_util::TryStreamExt;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::supply::{Cell, Supplied, SupplyHistory, SupplyRow};
use gametriggers_actors::domain::time::UnixMillis;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

statements! {
    ADD = "INSERT INTO supply_quarter
          (quarter, category, language, country, platform, mature, band, slots, viewers)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
          value ->> 7, value ->> 8
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET slots = slots + excluded.slots, viewers = viewers + excluded.viewers";
    /// A look for each quarter hour there may be finds the last of each step of the week; only their rows are
    /// read.
    LAST_WEEK = "WITH RECURSIVE step (at) AS (
          SELECT ?1 UNION ALL SELECT at + 900000 FROM step WHERE at + 900000 < ?2),
        seen (last) AS (SELECT max(at) FROM step
          WHERE EXISTS (SELECT 1 FROM supply_quarter WHERE quarter = at) GROUP BY at % 604800000)
        SELECT s.* FROM seen CROSS JOIN supply_quarter AS s ON s.quarter = seen.last";
    PRUNE = "DELETE FROM supply_quarter WHERE quarter = (SELECT min(quarter) FROM supply_quarter)
        AND quarter < ?1";
}

type Row<'a> = (i64, &'a str, &'a str, &'a str, &'static str, i64, u32, i64, i64);

/// Rows as `ADD` takes them.
pub(super) fn rows(supply: &[SupplyRow]) -> Attempt<String> {
    json(&supply.iter().map(row).collect::<Attempt<Vec<_>>>()?)
}

fn row((quarter, cell, supplied): &SupplyRow) -> Attempt<Row<'_>> {
    let Cell { content_category, language, country, platform, mature, band } = cell;
    let (slots, viewers) = (count(supplied.slots)?, count(supplied.viewers)?);
    let mature = i64::from(*mature);
    Ok((quarter.0, content_category, language, country, platform.code(), mature, *band, slots, viewers))
}

pub(super) async fn add(connection: &mut SqliteConnection, rows: String) -> Attempt<()> {
    sqlx::query(ADD).bind(rows).execute(connection).await?;
    Ok(())
}

pub(super) async fn read(store: &SqliteStore, from: UnixMillis, to: UnixMillis) -> Attempt<SupplyHistory> {
    let rows = sqlx::query(LAST_WEEK).bind(from.0).bind(to.0).fetch(&store.readers).err_into::<Failure>();
    let add = |mut history: SupplyHistory, row: SqliteRow| async move {
        // A platform that only a newer release knows can be no campaign's wish here.
        if let Some(platform) = Platform::from_code(&row.text("platform")?) {
            history.add(row.moment("quarter")?, cell(&row, platform)?, supplied(&row)?);
        }
        Ok(history)
    };
    rows.try_fold(SupplyHistory::default(), add).await
}

fn cell(row: &SqliteRow, platform: Platform) -> Attempt<Cell> {
    Ok(Cell {
        content_category: row.shared("category")?,
        language: row.shared("language")?,
        country: row.shared("country")?,
        platform,
        mature: row.flag("mature")?,
        band: row.number("band")?,
    })
}

fn supplied(row: &SqliteRow) -> Attempt<Supplied> {
    Ok(Supplied { slots: row.number("slots")?, viewers: row.number("viewers")? })
}

pub(super) async fn prune(connection: &mut SqliteConnection, before: UnixMillis) -> Attempt<u64> {
    Ok(sqlx::query(PRUNE).bind(before.0).execute(connection).await?.rows_affected())
}
