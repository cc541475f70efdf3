//! Making and changing campaigns.

use super::read;
use crate::store::fact::Fact;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::ledger::{Request, recall, remember, withdraw};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{funds, kept_funds, recalled_funds};
use crate::store::postgres::webhook::tell;
use gametriggers_actors::domain::campaign::{Campaign, PacingMode, Status};
use gametriggers_actors::domain::creative::Content;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{CampaignChange, Funds, NewCampaign, NewCreative};
use sqlx::PgConnection;
use std::sync::Arc;

statements! {
    /// One that is not archived, and is not while this goes on.
    BRAND = "SELECT id FROM brand WHERE id = $1 AND archived_at IS NULL FOR SHARE";
    INSERT = "INSERT INTO campaign
        (brand_id, name, status, category, currency, pricing, rate, starts, ends, pacing, cap_per_hour,
         cap_per_day, cap_minimum_gap, wants_categories, wants_languages, wants_countries, viewers_min,
         viewers_max, open_to_all, landing_url, created_at, updated_at, pacing_mode,
         daily_cap, followers_min, followers_max, wants_platforms, wants_mature, blocked_streamers, dayparts,
         utc_offset, rotation)
        VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
          $19, $20, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)
        RETURNING id";
    INSERT_CREATIVE = "INSERT INTO creative
        (campaign_id, kind, asset, width, height, headline, body, placement, duration, accent,
         sound, weight)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    INSERT_BUDGET = "INSERT INTO campaign_budget (campaign_id, currency) VALUES ($1, $2)";
    /// Two changes of one campaign come one after the other: each is told once, and by what it changed.
    HOLD = "SELECT id FROM campaign WHERE id = $1 FOR NO KEY UPDATE";
    /// Ended is final, also when another node ends it meanwhile.
    CHANGE = "UPDATE campaign SET name = coalesce($2, name), status = coalesce($3, status),
          ends = coalesce($4, ends), pacing = coalesce($5, pacing),
          cap_per_hour = coalesce($6, cap_per_hour), cap_per_day = coalesce($7, cap_per_day),
          cap_minimum_gap = coalesce($8, cap_minimum_gap), updated_at = $9,
          pacing_mode = CASE WHEN $10 THEN $11 ELSE pacing_mode END,
          daily_cap = CASE WHEN $12 THEN $13 ELSE daily_cap END, rotation = coalesce($14, rotation)
        WHERE id = $1 AND (status <> 'ended' OR coalesce($3, 'ended') = 'ended')";
    RETARGET = "UPDATE campaign SET wants_categories = $2, wants_languages = $3, wants_countries = $4,
          viewers_min = $5, viewers_max = $6, followers_min = $7, followers_max = $8,
          wants_platforms = $9, wants_mature = $10, blocked_streamers = $11, dayparts = $12,
          utc_offset = $13
        WHERE id = $1 AND status <> 'ended'";
}

/// Makes a campaign with its creatives and its budget, and funds it.
pub(super) async fn create(
    connection: &mut PgConnection,
    new: &NewCampaign,
    request: &Request,
) -> Attempt<(Campaign, Funds)> {
    let payer = (new.brand, new.currency);
    if let Some(kept) = recall(connection, request).await? {
        let (id, kept) = known("result", kept.split_first())?;
        let campaign = read::one(connection, CampaignId(*id)).await?;
        let funds = recalled_funds(connection, payer, campaign.id, kept).await?;
        return Ok((campaign, funds));
    }
    if new.creatives.is_empty() {
        return Err(Failure::refused("a campaign needs a creative"));
    }
    // Asked first: a missing brand is not found, where a foreign key would call it a bad value.
    sqlx::query(BRAND).bind(new.brand.0).fetch_one(&mut *connection).await?;
    let id = insert(connection, new, request.now).await?;
    for creative in &new.creatives {
        insert_creative(connection, id, creative).await?;
    }
    sqlx::query(INSERT_BUDGET).bind(id.0).bind(new.currency.to_string()).execute(&mut *connection).await?;
    if new.budget != Micros::ZERO {
        let money = Money { amount: new.budget, currency: new.currency };
        withdraw(connection, new.brand, id, money, request).await?;
    }
    let funds = funds(connection, payer, id).await?;
    remember(connection, request, &[vec![id.0], kept_funds(&funds)].concat()).await?;
    let campaign = read::one(connection, id).await?;
    tell(connection, &[Fact::created(&campaign, &funds.1)], request.now).await?;
    Ok((campaign, funds))
}

async fn insert(connection: &mut PgConnection, new: &NewCampaign, now: UnixMillis) -> Attempt<CampaignId> {
    let wants = &new.targeting;
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(new.brand.0)
        .bind(&new.name)
        .bind(new.category.text().as_ref())
        .bind(new.currency.to_string())
        .bind(new.pricing.code())
        .bind(new.pricing.rate().0)
        .bind(new.flight.starts.0)
        .bind(new.flight.ends.0)
        .bind(plain(new.pacing))
        .bind(i64::from(new.cap.per_hour))
        .bind(i64::from(new.cap.per_day))
        .bind(new.cap.minimum_gap.0)
        .bind(texts(&wants.categories))
        .bind(texts(&wants.languages))
        .bind(texts(&wants.countries))
        .bind(i64::from(wants.viewers_min))
        .bind(i64::from(wants.viewers_max))
        .bind(new.open)
        .bind(&new.landing_url)
        .bind(now.0)
        .bind(beyond(new.pacing))
        .bind(new.daily_cap.map(|cap| cap.0))
        .bind(i64::from(wants.followers_min))
        .bind(i64::from(wants.followers_max))
        .bind(platforms(wants))
        .bind(wants.mature.code())
        .bind(blocked(wants))
        .bind(windows(wants))
        .bind(i64::from(wants.dayparts.utc_offset))
        .bind(new.rotation.code())
        .fetch_one(connection)
        .await?;
    Ok(CampaignId(id))
}

/// A list of words as a column.
fn texts(list: &[Arc<str>]) -> Vec<&str> {
    list.iter().map(AsRef::as_ref).collect()
}

fn platforms(wants: &Targeting) -> Vec<&'static str> {
    wants.platforms.iter().map(|platform| platform.code()).collect()
}

fn blocked(wants: &Targeting) -> Vec<i64> {
    wants.blocked_streamers.iter().map(|streamer| streamer.0).collect()
}

fn windows(wants: &Targeting) -> Vec<String> {
    wants.dayparts.windows.iter().map(ToString::to_string).collect()
}

/// Writes what a campaign wants, as a whole.
async fn retarget(connection: &mut PgConnection, id: CampaignId, wants: &Targeting) -> Attempt<()> {
    sqlx::query(RETARGET)
        .bind(id.0)
        .bind(texts(&wants.categories))
        .bind(texts(&wants.languages))
        .bind(texts(&wants.countries))
        .bind(i64::from(wants.viewers_min))
        .bind(i64::from(wants.viewers_max))
        .bind(i64::from(wants.followers_min))
        .bind(i64::from(wants.followers_max))
        .bind(platforms(wants))
        .bind(wants.mature.code())
        .bind(blocked(wants))
        .bind(windows(wants))
        .bind(i64::from(wants.dayparts.utc_offset))
        .execute(connection)
        .await?;
    Ok(())
}

/// What the column `pacing` says: older servers read it, and know two modes.
const fn plain(pacing: PacingMode) -> &'static str {
    match pacing {
        PacingMode::Asap => "asap",
        PacingMode::Even | PacingMode::FrontLoaded => "even",
    }
}

/// What `pacing_mode` says where `pacing` can not say it.
const fn beyond(pacing: PacingMode) -> Option<&'static str> {
    match pacing {
        PacingMode::Even | PacingMode::Asap => None,
        PacingMode::FrontLoaded => Some(pacing.code()),
    }
}

async fn insert_creative(
    connection: &mut PgConnection,
    campaign: CampaignId,
    creative: &NewCreative,
) -> Attempt<()> {
    let (media, words) = match &creative.content {
        Content::Image { asset, width, height } | Content::Video { asset, width, height } => {
            (Some((asset, *width, *height)), None)
        }
        Content::Text { headline, body } | Content::Qr { headline, body } => (None, Some((headline, body))),
    };
    sqlx::query(INSERT_CREATIVE)
        .bind(campaign.0)
        .bind(creative.content.code())
        .bind(media.map(|(asset, _, _)| asset.as_ref()))
        .bind(media.map(|(_, width, _)| i64::from(width)))
        .bind(media.map(|(_, _, height)| i64::from(height)))
        .bind(words.map(|(headline, _)| headline.as_ref()))
        .bind(words.map(|(_, body)| body.as_ref()))
        .bind(creative.placement.code())
        .bind(creative.duration.0)
        .bind(&creative.accent)
        .bind(creative.sound)
        .bind(i64::from(creative.weight))
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes a campaign.
pub(super) async fn change(
    connection: &mut PgConnection,
    id: CampaignId,
    change: &CampaignChange,
    now: UnixMillis,
) -> Attempt<(Campaign, Funds)> {
    sqlx::query(HOLD).bind(id.0).fetch_optional(&mut *connection).await?;
    let before = read::one(connection, id).await?;
    if change.status == Some(Status::Active) {
        let there = sqlx::query(BRAND).bind(before.brand.id.0).fetch_optional(&mut *connection).await?;
        there.ok_or_else(|| Failure::refused("the brand is archived"))?;
    }
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(change.name.as_deref())
        .bind(change.status.map(Status::code))
        .bind(change.ends.map(|ends| ends.0))
        .bind(change.pacing.map(plain))
        .bind(change.cap.map(|cap| i64::from(cap.per_hour)))
        .bind(change.cap.map(|cap| i64::from(cap.per_day)))
        .bind(change.cap.map(|cap| cap.minimum_gap.0))
        .bind(now.0)
        .bind(change.pacing.is_some())
        .bind(change.pacing.and_then(beyond))
        .bind(change.daily_cap.is_some())
        .bind(change.daily_cap.flatten().map(|cap| cap.0))
        .bind(change.rotation.map(Rotation::code))
        .execute(&mut *connection)
        .await?;
    if let Some(wants) = &change.targeting {
        retarget(connection, id, wants).await?;
    }
    let after = read::one(connection, id).await?;
    if changed.rows_affected() == 0 {
        return Err(Failure::refused("an ended campaign stays ended"));
    }
    let funds = funds(connection, (after.brand.id, after.currency), id).await?;
    let fact = Fact::changed(&before, &after, &funds.1);
    tell(connection, fact.as_slice(), now).await?;
    Ok((after, funds))
}
