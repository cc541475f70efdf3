//! What campaigns settled since they were last told of, out of their counters: no play has a row here.

use super::record::tell;
use crate::store::fact::Reading;
use crate::store::sqlite::failure::Attempt;
use crate::store::sqlite::row::{Columns, json};
use crate::store::sqlite::statements;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::{Counts, Mark};
use gametriggers_actors::ports::SUMMARIES_MAX;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    LISTENED = "SELECT EXISTS (SELECT 1 FROM webhook_endpoint
        WHERE disabled_at IS NULL AND deleted_at IS NULL
          AND EXISTS (SELECT 1 FROM json_each(events) AS w
            WHERE w.value IN ('play.settled', 'budget.threshold')))";
    /// Campaigns that somebody listens to and that moved. What went back when a campaign ended was a part
    /// of its budget.
    MOVED = "SELECT c.id, c.brand_id, c.created_at, b.currency, b.plays, b.viewers, b.clicks, b.rejected,
          b.spent, m.at, m.plays AS told_plays, m.viewers AS told_viewers, m.clicks AS told_clicks,
          m.rejected AS told_rejected, m.spent AS told_spent, m.budget AS told_budget, m.told,
          b.funded + CASE WHEN c.status = 'ended' THEN coalesce((SELECT e.amount FROM ledger_tx AS t
            JOIN ledger_entry AS e ON e.writer = t.writer AND e.seq = t.seq
            WHERE t.idem_key = 'return:' || c.id LIMIT 1), 0) ELSE 0 END AS budget
        FROM campaign_budget AS b JOIN campaign AS c ON c.id = b.campaign_id
        LEFT JOIN webhook_mark AS m ON m.campaign_id = c.id
        WHERE (b.plays <> coalesce(m.plays, 0) OR b.clicks <> coalesce(m.clicks, 0)
            OR b.rejected <> coalesce(m.rejected, 0) OR b.spent <> coalesce(m.spent, 0)
            OR (c.status <> 'ended' AND b.funded <> coalesce(m.budget, 0)))
          AND EXISTS (SELECT 1 FROM webhook_endpoint AS e WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL
            AND e.waiting < ?1
            AND (e.owner_kind = 'platform' OR (e.owner_kind = 'brand' AND e.owner_id = c.brand_id))
            AND EXISTS (SELECT 1 FROM json_each(e.events) AS w
              WHERE w.value IN ('play.settled', 'budget.threshold')))
        ORDER BY c.id LIMIT ?2";
    MARK = "INSERT INTO webhook_mark (campaign_id, at, plays, viewers, clicks, rejected, spent, budget, told)
        SELECT value ->> 0, ?2, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
          value ->> 7
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET at = excluded.at, plays = excluded.plays, viewers = excluded.viewers,
          clicks = excluded.clicks, rejected = excluded.rejected, spent = excluded.spent,
          budget = excluded.budget, told = excluded.told";
    COUNTED = "SELECT EXISTS (SELECT 1 FROM webhook_endpoint AS e WHERE e.deleted_at IS NULL
        AND e.waiting <> (SELECT count(*) FROM webhook_delivery AS d
          WHERE d.endpoint_id = e.id AND d.state = 'waiting'))";
    COUNT = "UPDATE webhook_endpoint SET waiting = (SELECT count(*) FROM webhook_delivery AS d
          WHERE d.endpoint_id = webhook_endpoint.id AND d.state = 'waiting')
        WHERE deleted_at IS NULL AND waiting <> (SELECT count(*) FROM webhook_delivery AS d
          WHERE d.endpoint_id = webhook_endpoint.id AND d.state = 'waiting')";
    WAITING = "SELECT coalesce(sum(waiting), 0) FROM webhook_endpoint WHERE deleted_at IS NULL";
}

/// Campaigns in one transaction.
const CAMPAIGNS_MAX: i64 = 200;

/// Whether there is something to write. Campaigns are looked at when somebody listens.
pub(super) async fn is_due(connection: &mut SqliteConnection) -> Attempt<bool> {
    let off: i64 = sqlx::query_scalar(COUNTED).fetch_one(&mut *connection).await?;
    let listened: i64 = sqlx::query_scalar(LISTENED).fetch_one(&mut *connection).await?;
    if off != 0 || listened == 0 {
        return Ok(off != 0);
    }
    let query = sqlx::query(MOVED).bind(i64::from(SUMMARIES_MAX)).bind(1_i64);
    Ok(query.fetch_optional(connection).await?.is_some())
}

/// Deliveries that are not done.
pub(super) async fn waiting(executor: impl SqliteExecutor<'_>) -> Attempt<u64> {
    let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(executor).await?;
    Ok(u64::try_from(waiting).unwrap_or(0))
}

/// Records what there is to tell, and how far it is told. The number of events.
pub(super) async fn write(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<u64> {
    sqlx::query(COUNT).execute(&mut *connection).await?;
    let moved = sqlx::query(MOVED).bind(i64::from(SUMMARIES_MAX)).bind(CAMPAIGNS_MAX);
    let (mut facts, mut marks) = (Vec::new(), Vec::new());
    for row in moved.fetch_all(&mut *connection).await? {
        let reading = reading(&row)?;
        let (news, mark) = reading.news(now);
        facts.extend(news);
        let (id, counts) = (reading.campaign.0, mark.counts);
        let spent = (counts.spent.0, mark.budget.0, mark.told);
        marks.push((
            id,
            counts.plays,
            counts.viewers,
            counts.clicks,
            counts.rejected,
            spent.0,
            spent.1,
            spent.2,
        ));
    }
    if marks.is_empty() {
        return Ok(0);
    }
    sqlx::query(MARK).bind(json(&marks)?).bind(now.0).execute(&mut *connection).await?;
    tell(connection, &facts, now).await
}

fn reading(row: &SqliteRow) -> Attempt<Reading> {
    let mark = match row.optional("at")?.map(UnixMillis) {
        None => None,
        Some(at) => Some(Mark {
            at,
            counts: Counts {
                plays: row.number("told_plays")?,
                viewers: row.number("told_viewers")?,
                clicks: row.number("told_clicks")?,
                rejected: row.number("told_rejected")?,
                spent: row.micros("told_spent")?,
            },
            budget: row.micros("told_budget")?,
            told: row.number("told")?,
        }),
    };
    Ok(Reading {
        campaign: CampaignId(row.number("id")?),
        brand: BrandId(row.number("brand_id")?),
        created: row.moment("created_at")?,
        currency: row.currency("currency")?,
        budget: Micros(row.number("budget")?),
        counts: Counts {
            plays: row.number("plays")?,
            viewers: row.number("viewers")?,
            clicks: row.number("clicks")?,
            rejected: row.number("rejected")?,
            spent: row.micros("spent")?,
        },
        mark,
    })
}
