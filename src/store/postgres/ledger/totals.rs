//! Totals of many campaigns and streamers at once, for counters that everybody may read.

use super::wallet::budget_of;
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{CampaignTotals, StreamerTotals, Totals};
use sqlx::PgConnection;

statements! {
    CAMPAIGNS = "SELECT campaign_id, version, funded, spent, leased, plays, viewers, clicks, rejected
        FROM campaign_budget WHERE campaign_id = ANY($1) ORDER BY campaign_id";
    /// Of several currencies the one that earned most, as for one streamer. What is not rolled up is read
    /// once for all of them.
    STREAMERS = "WITH part AS (
          SELECT owner_id AS streamer_id, currency, credits AS earn, 0 AS plays FROM ledger_account
            WHERE owner_kind = 'streamer' AND owner_id = ANY($1) AND code = 'pending' AND shard = 0
          UNION ALL
          SELECT streamer_id, currency, 0, plays + clicks FROM streamer_wallet WHERE streamer_id = ANY($1)
          UNION ALL
          SELECT e.streamer_id, e.currency, e.price - e.fee, 1
            FROM writer AS w JOIN settle_event AS e ON e.seq > w.rolled AND e.writer = w.id
            WHERE e.streamer_id = ANY($1)),
        total AS (SELECT streamer_id, currency, sum(earn)::bigint AS earn, sum(plays)::bigint AS plays
          FROM part GROUP BY streamer_id, currency)
        SELECT DISTINCT ON (s.id) s.id, coalesce(t.earn, 0) AS earn, coalesce(t.plays, 0) AS plays
        FROM streamer AS s LEFT JOIN total AS t ON t.streamer_id = s.id WHERE s.id = ANY($1)
        ORDER BY s.id, t.earn DESC NULLS LAST, t.currency";
}

/// The totals of those that there are.
pub(super) async fn totals(
    connection: &mut PgConnection,
    campaigns: &[i64],
    streamers: &[i64],
) -> Attempt<Totals> {
    let (mut of_campaigns, mut of_streamers) = (Vec::new(), Vec::new());
    if !campaigns.is_empty() {
        for row in sqlx::query(CAMPAIGNS).bind(campaigns).fetch_all(&mut *connection).await? {
            let totals = CampaignTotals { version: row.number("version")?, budget: budget_of(&row)? };
            of_campaigns.push((CampaignId(row.number("campaign_id")?), totals));
        }
    }
    if !streamers.is_empty() {
        for row in sqlx::query(STREAMERS).bind(streamers).fetch_all(connection).await? {
            let totals = StreamerTotals { plays: row.number("plays")?, earned: row.micros("earn")? };
            of_streamers.push((StreamerId(row.number("id")?), totals));
        }
    }
    Ok((of_campaigns, of_streamers))
}
