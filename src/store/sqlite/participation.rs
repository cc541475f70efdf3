//! Who takes part in which campaign.

use super::failure::{Attempt, Failure, expect_rows};
use super::row::Columns;
use super::webhook::tell;
use super::{SqliteStore, statements};
use crate::store::fact::Fact;
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Category;
use gametriggers_actors::domain::conflict::Presence;
use gametriggers_actors::domain::id::{BrandId, CampaignId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Participation, ParticipationStore, Standing, StoreError, StoreResult};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

statements! {
    ONE = "SELECT * FROM participation WHERE streamer_id = ?1 AND campaign_id = ?2";
    BRAND = "SELECT brand_id FROM campaign WHERE id = ?1";
    ASSIGNED = "SELECT c.id, c.brand_id, c.category FROM participation AS p
        JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.streamer_id = ?1 AND p.status = 'approved' AND c.status <> 'ended' ORDER BY c.id";
    APPLY = "INSERT INTO participation (streamer_id, campaign_id, status, created_at, updated_at)
        VALUES (?1, ?2, 'applied', ?3, ?3) ON CONFLICT DO NOTHING";
    ANSWER = "UPDATE participation SET status = ?3, updated_at = ?4
        WHERE streamer_id = ?1 AND campaign_id = ?2";
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

    async fn apply(
        &self,
        streamer: StreamerId,
        campaign: CampaignId,
        now: UnixMillis,
    ) -> StoreResult<Participation> {
        self.write(move |c| Box::pin(async move { apply(c, streamer, campaign, now).await })).await
    }

    async fn answer(
        &self,
        of: (StreamerId, CampaignId),
        standing: Standing,
        assigned: &[CampaignId],
        now: UnixMillis,
    ) -> StoreResult<Option<Participation>> {
        let judged = assigned.to_vec();
        self.write(move |c| Box::pin(async move { answer(c, of, (standing, &judged), now).await })).await
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

async fn apply(
    connection: &mut SqliteConnection,
    streamer: StreamerId,
    campaign: CampaignId,
    now: UnixMillis,
) -> Attempt<Participation> {
    let query = sqlx::query(APPLY).bind(streamer.0).bind(campaign.0).bind(now.0);
    let applied = query.execute(&mut *connection).await?.rows_affected();
    let there = one(&mut *connection, streamer, campaign).await?;
    let there = there.ok_or_else(|| Failure::from(StoreError::NotFound))?;
    if applied > 0 {
        told(connection, &there, now).await?;
    }
    Ok(there)
}

async fn answer(
    connection: &mut SqliteConnection,
    (streamer, campaign): (StreamerId, CampaignId),
    (standing, judged): (Standing, &[CampaignId]),
    now: UnixMillis,
) -> Attempt<Option<Participation>> {
    let before = one(&mut *connection, streamer, campaign).await?.ok_or(StoreError::NotFound)?;
    if standing == Standing::Approved {
        let there = assigned(&mut *connection, streamer, now).await?;
        if !there.iter().map(|presence| presence.campaign).eq(judged.iter().copied()) {
            return Ok(None);
        }
    }
    let query = sqlx::query(ANSWER).bind(streamer.0).bind(campaign.0).bind(standing.code()).bind(now.0);
    expect_rows("participation", 1, query.execute(&mut *connection).await?.rows_affected())?;
    let after = one(&mut *connection, streamer, campaign).await?;
    if let Some(after) = after.filter(|after| after.standing != before.standing) {
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
        standing: row.code("status", Standing::from_code)?,
        created: row.moment("created_at")?,
        updated: row.moment("updated_at")?,
    })
}
