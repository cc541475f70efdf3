//! Creatives of a campaign: those that it begins with, and what becomes of them.

use super::read;
use super::write::bump;
use crate::store::fact::Fact;
use crate::store::sqlite::failure::{Attempt, Failure};
use crate::store::sqlite::statements;
use crate::store::sqlite::wallet::{Deed, funds, record};
use crate::store::sqlite::webhook::tell;
use gametriggers_actors::domain::campaign::{CREATIVES_KEPT, CREATIVES_MAX, Campaign, Status};
use gametriggers_actors::domain::creative::{Content, CreativeStatus};
use gametriggers_actors::domain::id::{CampaignId, CreativeId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{CreativeChange, NewCreative, StoreError};
use sqlx::SqliteConnection;

statements! {
    INSERT = "INSERT INTO creative
        (campaign_id, kind, asset, width, height, headline, body, placement, duration, accent,
         sound, weight, status)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        RETURNING id";
    CHANGE = "UPDATE creative SET status = coalesce(?3, status), weight = coalesce(?4, weight)
        WHERE campaign_id = ?1 AND id = ?2";
}

/// Makes a creative.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    campaign: CampaignId,
    creative: &NewCreative,
) -> Attempt<CreativeId> {
    let (media, words) = match &creative.content {
        Content::Image { asset, width, height } | Content::Video { asset, width, height } => {
            (Some((asset, *width, *height)), None)
        }
        Content::Text { headline, body } | Content::Qr { headline, body } => (None, Some((headline, body))),
    };
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(campaign.0)
        .bind(creative.content.code())
        .bind(media.map(|(asset, _, _)| asset.as_ref()))
        .bind(media.map(|(_, width, _)| width))
        .bind(media.map(|(_, _, height)| height))
        .bind(words.map(|(headline, _)| headline.as_ref()))
        .bind(words.map(|(_, body)| body.as_ref()))
        .bind(creative.placement.code())
        .bind(creative.duration.0)
        .bind(&creative.accent)
        .bind(creative.sound)
        .bind(creative.weight)
        .bind(creative.status.code())
        .fetch_one(connection)
        .await?;
    Ok(CreativeId(id))
}

/// The campaign of a version, for a change of its creatives.
async fn hold(
    connection: &mut SqliteConnection,
    (id, version): (CampaignId, Option<i64>),
    now: UnixMillis,
) -> Attempt<Campaign> {
    bump(connection, id, version, now).await?;
    let campaign = read::one(connection, id).await?;
    if campaign.status == Status::Ended {
        return Err(Failure::refused("the campaign has ended"));
    }
    Ok(campaign)
}

/// Tells who listens that a campaign is another one.
async fn changed(connection: &mut SqliteConnection, before: &Campaign, now: UnixMillis) -> Attempt<Campaign> {
    let after = read::one(connection, before.id).await?;
    let budget = funds(connection, (after.brand.id, after.currency), after.id).await?.1;
    tell(connection, Fact::changed(before, &after, &budget).as_slice(), now).await?;
    Ok(after)
}

/// Gives a campaign one more.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    of: (CampaignId, Option<i64>),
    new: &NewCreative,
    now: UnixMillis,
) -> Attempt<CreativeId> {
    let before = hold(connection, of, now).await?;
    let used = before.creatives.iter().filter(|one| one.status != CreativeStatus::Archived).count();
    if used >= CREATIVES_MAX || before.creatives.len() >= CREATIVES_KEPT {
        return Err(Failure::refused("the campaign has as many creatives as it may have"));
    }
    let id = insert(connection, before.id, new).await?;
    changed(connection, &before, now).await?;
    Ok(id)
}

/// Changes one.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    of: (CampaignId, Option<i64>),
    (id, change): (CreativeId, &CreativeChange),
    now: UnixMillis,
) -> Attempt<()> {
    let before = hold(connection, of, now).await?;
    let was = before.creatives.iter().find(|creative| creative.id == id).ok_or(StoreError::NotFound)?;
    if was.status == CreativeStatus::Archived {
        return Err(Failure::refused("an archived creative stays archived"));
    }
    sqlx::query(CHANGE)
        .bind(before.id.0)
        .bind(id.0)
        .bind(change.status.map(CreativeStatus::code))
        .bind(change.weight)
        .execute(&mut *connection)
        .await?;
    let after = changed(connection, &before, now).await?;
    if !after.creatives.iter().any(|creative| creative.status == CreativeStatus::Active) {
        return Err(Failure::refused("a campaign keeps a creative that may be shown"));
    }
    let let_out = was.status == CreativeStatus::Review && change.status == Some(CreativeStatus::Active);
    if let Some(hand) = change.by.as_ref().filter(|_| let_out) {
        let (subject, detail) = (format!("campaign:{}", before.id), format!("creative {id}"));
        record(connection, hand, &Deed { action: "approve_creative", subject, detail }, now).await?;
    }
    Ok(())
}
