//! Totals of many campaigns and streamers at once, for whoever keeps live counters.

use super::wallet::budget_of;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::{Columns, json};
use crate::store::sqlite::{WRITER, statements};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{CampaignTotals, StreamerTotals, Totals};
use sqlx::SqliteConnection;

statements! {
    CAMPAIGNS = "SELECT b.* FROM json_each(?1) AS j
        CROSS JOIN campaign_budget AS b ON b.campaign_id = j.value";
    /// Earnings in the currency that earned most; the number counts all of them, so that it never falls.
    STREAMERS = "SELECT streamer_id, sum(events) AS events, max(earn) AS earned FROM (
          SELECT streamer_id, currency, sum(earn) AS earn, sum(events) AS events FROM (
            SELECT a.owner_id AS streamer_id, a.currency, a.credits AS earn, 0 AS events
              FROM json_each(?1) AS j CROSS JOIN ledger_account AS a
                ON a.owner_kind = 'streamer' AND a.owner_id = j.value AND a.code = 'pending'
            UNION ALL
            SELECT w.streamer_id, w.currency, 0, w.plays + w.clicks
              FROM json_each(?1) AS j CROSS JOIN streamer_wallet AS w ON w.streamer_id = j.value
            UNION ALL
            SELECT streamer_id, currency, price - fee, 1 FROM settle_event
              WHERE row > (SELECT rolled FROM writer WHERE id = ?2)
                AND streamer_id IN (SELECT value FROM json_each(?1)))
          GROUP BY streamer_id, currency)
        GROUP BY streamer_id";
}

/// The totals. Who is not known, or never earned, is left out.
pub(super) async fn totals(
    connection: &mut SqliteConnection,
    campaigns: &[CampaignId],
    streamers: &[StreamerId],
) -> Attempt<Totals> {
    let ids = json(&campaigns.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let mut of_campaigns = Vec::with_capacity(campaigns.len());
    for row in sqlx::query(CAMPAIGNS).bind(ids).fetch_all(&mut *connection).await? {
        let totals = CampaignTotals { version: row.number("version")?, budget: budget_of(&row)? };
        of_campaigns.push((CampaignId(row.number("campaign_id")?), totals));
    }
    let ids = json(&streamers.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let mut of_streamers = Vec::with_capacity(streamers.len());
    for row in sqlx::query(STREAMERS).bind(ids).bind(WRITER).fetch_all(connection).await? {
        let totals = StreamerTotals { plays: row.number("events")?, earned: row.micros("earned")? };
        of_streamers.push((StreamerId(row.number("streamer_id")?), totals));
    }
    Ok((of_campaigns, of_streamers))
}
