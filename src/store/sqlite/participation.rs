//! Who takes part in which campaign.

use super::failure::{Attempt, Failure};
use super::row::{Columns, known};
use super::webhook::tell;
use super::{SqliteStore, statements};
use crate::store::fact::Fact;
use crate::store::standing::{columns, read};
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Category;
use gametriggers_actors::domain::conflict::Presence;
use gametriggers_actors::domain::id::{BrandId, CampaignId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Participation, ParticipationStore, ParticipationsOf, Standing, StoreError, StoreResult,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    ONE = "SELECT * FROM participation WHERE streamer_id = ?1 AND campaign_id = ?2";
    BRAND = "SELECT brand_id FROM campaign WHERE id = ?1";
    ASSIGNED = "SELECT c.id, c.brand_id, c.category FROM participation AS p
        JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.streamer_id = ?1 AND p.status = 'approved' AND c.status <> 'ended' ORDER BY c.id";
    PROPOSE = "INSERT INTO participation (streamer_id, campaign_id, status, detail, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING";
    MOVE = "UPDATE participation SET status = ?5, detail = ?6, updated_at = ?7
        WHERE streamer_id = ?1 AND campaign_id = ?2 AND status = ?3 AND detail IS ?4";
    OF_CAMPAIGN = "SELECT * FROM participation WHERE campaign_id = ?1 AND streamer_id > ?2
          AND (?3 IS NULL OR (status = ?3 AND detail IS ?4))
        ORDER BY streamer_id LIMIT ?5";
    OF_STREAMER = "SELECT * FROM participation WHERE streamer_id = ?1 AND campaign_id > ?2
          AND (?3 IS NULL OR (status = ?3 AND detail IS ?4))
        ORDER BY campaign_id LIMIT ?5";
}

#[async_trait]
impl ParticipationStore for SqliteStore {
    async fn participation(
        &self,
        streamer: StreamerId,
        campaign: CampaignId,
    ) -> StoreResult<Option<Participation>> {
        Ok(one(&self.readers, streamer, campaign).await?)
    }

    async fn assigned(&self, streamer: StreamerId, now: UnixMillis) -> StoreResult<Vec<Presence>> {
        Ok(assigned(&self.readers, streamer, now).await?)
    }

    async fn propose(
        &self,
        of: (StreamerId, CampaignId),
        standing: Standing,
        now: UnixMillis,
    ) -> StoreResult<Participation> {
        self.write(move |c| Box::pin(async move { propose(c, of, standing, now).await })).await
    }

    async fn move_on(
        &self,
        of: (StreamerId, CampaignId),
        step: (Standing, Standing),
        assigned: &[CampaignId],
        now: UnixMillis,
    ) -> StoreResult<Option<Participation>> {
        let judged = assigned.to_vec();
        self.write(move |c| Box::pin(async move { move_on(c, of, (step, &judged), now).await })).await
    }

    async fn participations(
        &self,
        of: ParticipationsOf,
        standing: Option<Standing>,
        after: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<Participation>> {
        Ok(page(&self.readers, of, standing, (after, limit)).await?)
    }
}

async fn one(
    executor: impl SqliteExecutor<'_>,
    streamer: StreamerId,
    campaign: CampaignId,
) -> Attempt<Option<Participation>> {
    let row = sqlx::query(ONE).bind(streamer.0).bind(campaign.0).fetch_optional(executor).await?;
    row.as_ref().map(participation).transpose()
}

async fn assigned(
    executor: impl SqliteExecutor<'_>,
    streamer: StreamerId,
    now: UnixMillis,
) -> Attempt<Vec<Presence>> {
    let rows = sqlx::query(ASSIGNED).bind(streamer.0).fetch_all(executor).await?;
    let presence = |row: &SqliteRow| {
        Ok(Presence {
            campaign: CampaignId(row.number("id")?),
            brand: BrandId(row.number("brand_id")?),
            category: Category::new(row.shared("category")?),
            last_shown: now,
        })
    };
    rows.iter().map(presence).collect()
}

async fn page(
    executor: impl SqliteExecutor<'_>,
    of: ParticipationsOf,
    standing: Option<Standing>,
    (after, limit): (Option<i64>, u32),
) -> Attempt<Vec<Participation>> {
    let (statement, id) = match of {
        ParticipationsOf::Campaign(id) => (OF_CAMPAIGN, id.0),
        ParticipationsOf::Streamer(id) => (OF_STREAMER, id.0),
    };
    let (status, detail) = standing.map(columns).unzip();
    let query = sqlx::query(statement).bind(id).bind(after.unwrap_or(i64::MIN));
    let rows = query.bind(status).bind(detail.flatten()).bind(limit).fetch_all(executor).await?;
    rows.iter().map(participation).collect()
}

async fn propose(
    connection: &mut SqliteConnection,
    (streamer, campaign): (StreamerId, CampaignId),
    standing: Standing,
    now: UnixMillis,
) -> Attempt<Participation> {
    let (status, detail) = columns(standing);
    let query = sqlx::query(PROPOSE).bind(streamer.0).bind(campaign.0).bind(status).bind(detail).bind(now.0);
    let proposed = query.execute(&mut *connection).await?.rows_affected();
    let there = one(&mut *connection, streamer, campaign).await?;
    let there = there.ok_or_else(|| Failure::from(StoreError::NotFound))?;
    if proposed > 0 {
        told(connection, &there, now).await?;
    }
    Ok(there)
}

async fn move_on(
    connection: &mut SqliteConnection,
    (streamer, campaign): (StreamerId, CampaignId),
    ((from, to), judged): ((Standing, Standing), &[CampaignId]),
    now: UnixMillis,
) -> Attempt<Option<Participation>> {
    one(&mut *connection, streamer, campaign).await?.ok_or(StoreError::NotFound)?;
    if to == Standing::Approved {
        let there = assigned(&mut *connection, streamer, now).await?;
        if !there.iter().map(|presence| presence.campaign).eq(judged.iter().copied()) {
            return Ok(None);
        }
    }
    let ((was, was_detail), (is, is_detail)) = (columns(from), columns(to));
    let query = sqlx::query(MOVE).bind(streamer.0).bind(campaign.0).bind(was).bind(was_detail);
    let moved = query.bind(is).bind(is_detail).bind(now.0).execute(&mut *connection).await?;
    if moved.rows_affected() == 0 {
        return Ok(None);
    }
    let after = one(&mut *connection, streamer, campaign).await?;
    if let Some(after) = after.filter(|_| from != to) {
        told(connection, &after, now).await?;
    }
    Ok(after)
}

/// Tells who listens how far it came.
async fn told(connection: &mut SqliteConnection, of: &Participation, now: UnixMillis) -> Attempt<()> {
    let brand: i64 = sqlx::query_scalar(BRAND).bind(of.campaign.0).fetch_one(&mut *connection).await?;
    tell(connection, &[Fact::participation(of, BrandId(brand))], now).await?;
    Ok(())
}

fn participation(row: &SqliteRow) -> Attempt<Participation> {
    Ok(Participation {
        streamer: StreamerId(row.number("streamer_id")?),
        campaign: CampaignId(row.number("campaign_id")?),
        standing: known("status", read(&row.text("status")?, row.optional_text("detail")?.as_deref()))?,
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
    })
}
