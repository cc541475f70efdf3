//! Whom brands block for all of their campaigns.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, record};
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Blocklist, ByHand, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};
use std::collections::HashMap;

statements! {
    /// There is no list before it is set for the first time.
    ONE = "SELECT coalesce(l.blocked_streamers, '{}') AS blocked_streamers, l.updated_at
        FROM brand AS b LEFT JOIN brand_blocklist AS l ON l.brand_id = b.id WHERE b.id = $1";
    ALL = "SELECT brand_id, blocked_streamers FROM brand_blocklist WHERE blocked_streamers <> '{}'";
    SET = "INSERT INTO brand_blocklist (brand_id, blocked_streamers, updated_at)
        SELECT id, $2, $3 FROM brand WHERE id = $1
        ON CONFLICT (brand_id) DO UPDATE SET blocked_streamers = excluded.blocked_streamers,
          updated_at = excluded.updated_at";
}

/// A brand's list.
pub(super) async fn one(executor: impl PgExecutor<'_>, brand: BrandId) -> Attempt<Blocklist> {
    let row = sqlx::query(ONE).bind(brand.0).fetch_one(executor).await?;
    Ok(Blocklist { streamers: blocked(&row)?, updated: row.optional("updated_at")?.map(UnixMillis) })
}

/// Campaigns as decisions look at them: each blocks whom its brand blocks for all.
pub(super) async fn merge(connection: &mut PgConnection, campaigns: &mut [Campaign]) -> Attempt<()> {
    let mut lists: HashMap<i64, Vec<StreamerId>> = HashMap::new();
    for row in sqlx::query(ALL).fetch_all(connection).await? {
        lists.insert(row.number("brand_id")?, blocked(&row)?);
    }
    for campaign in campaigns {
        if let Some(list) = lists.get(&campaign.brand.id.0) {
            campaign.targeting.block(list);
        }
    }
    Ok(())
}

/// Puts another list in its place.
pub(super) async fn set(
    connection: &mut PgConnection,
    brand: BrandId,
    streamers: &[StreamerId],
    (by, now): (Option<&ByHand>, UnixMillis),
) -> Attempt<Blocklist> {
    let ids: Vec<i64> = streamers.iter().map(|streamer| streamer.0).collect();
    let query = sqlx::query(SET).bind(brand.0).bind(&ids).bind(now.0);
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound.into());
    }
    if let Some(hand) = by {
        let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let (subject, detail) = (format!("brand:{brand}"), format!("streamers {}", words.join(" ")));
        record(connection, hand, &Deed { action: "set_blocklist", subject, detail }, now).await?;
    }
    Ok(Blocklist { streamers: streamers.to_vec(), updated: Some(now) })
}

fn blocked(row: &PgRow) -> Attempt<Vec<StreamerId>> {
    Ok(row.numbers("blocked_streamers")?.into_iter().map(StreamerId).collect())
}
