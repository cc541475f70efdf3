//! Totals of many campaigns and streamers at once, for counters that everybody may read.

use super::roll_up::rolled_mark;
use super::wallet::budget_of;
use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::Columns;
use crate::store::postgres::statements;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::ports::{CampaignTotals, StreamerTotals, Totals};
use sqlx::PgConnection;

statements! {
    CAMPAIGNS = "SELECT campaign_id, version, funded, spent, leased, plays, viewers, clicks, rejected, day,
          spent_before FROM campaign_budget WHERE campaign_id = ANY($1) ORDER BY campaign_id";
    /// Earnings in the currency that earned most; the number counts all of them, so that it never falls. What
    /// is not rolled up is read once for all of them.
    STREAMERS = "SELECT streamer_id, sum(events)::bigint AS events, max(earn) AS earned FROM (
          SELECT streamer_id, currency, sum(earn)::bigint AS earn, sum(events) AS events FROM (
            SELECT owner_id AS streamer_id, currency, credits AS earn, 0 AS events FROM ledger_account
              WHERE owner_kind = 'streamer' AND owner_id = ANY($1) AND code = 'pending' AND shard = 0
            UNION ALL
            SELECT streamer_id, currency, 0, plays + clicks FROM streamer_wallet WHERE streamer_id = ANY($1)
            UNION ALL
            -- Joined, and so hashed: with ANY each event would be compared with each streamer.
            SELECT e.streamer_id, e.currency, e.price - e.fee, 1
              FROM writer AS w JOIN settle_event AS e ON e.writer = w.id AND e.seq > w.rolled
                JOIN unnest($1) AS asked (id) ON asked.id = e.streamer_id
              WHERE e.seq > $2) AS part
          GROUP BY streamer_id, currency) AS wallet
        GROUP BY streamer_id ORDER BY streamer_id";
}

/// The totals. Who is not known, or never earned, is left out.
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
        let mark = rolled_mark(&mut *connection).await?;
        for row in sqlx::query(STREAMERS).bind(streamers).bind(mark).fetch_all(connection).await? {
            let totals = StreamerTotals { plays: row.number("events")?, earned: row.micros("earned")? };
            of_streamers.push((StreamerId(row.number("streamer_id")?), totals));
        }
    }
    Ok((of_campaigns, of_streamers))
}
