//! Reading campaigns with their creatives.

use crate::store::postgres::failure::Attempt;
use crate::store::postgres::row::{Columns, known};
use crate::store::postgres::statements;
use gametriggers_actors::domain::area::Drawn;
use gametriggers_actors::domain::campaign::{
    Brand, Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status,
};
use gametriggers_actors::domain::creative::{Content, Creative, CreativeStatus, Format, Placement};
use gametriggers_actors::domain::daypart::Dayparts;
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, StreamerId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::rotation::{CreativeCounts, Rotation};
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::targeting::{Mature, Targeting};
use gametriggers_actors::ports::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor};
use std::collections::HashMap;
use std::sync::Arc;

statements! {
    ONE = "SELECT c.*, b.name AS brand_name FROM campaign AS c JOIN brand AS b ON b.id = c.brand_id
        WHERE c.id = $1 AND c.stage IS NULL";
    LIVE = "SELECT c.*, b.name AS brand_name FROM campaign AS c JOIN brand AS b ON b.id = c.brand_id
        WHERE c.status <> 'ended' ORDER BY c.id";
    CREATIVES = "SELECT c.*, coalesce(n.plays, 0) AS plays, coalesce(n.impressions, 0) AS impressions,
          coalesce(n.viewers, 0) AS viewers, coalesce(n.clicks, 0) AS clicks
        FROM creative AS c LEFT JOIN creative_count AS n ON n.creative_id = c.id
        WHERE c.campaign_id = ANY($1) ORDER BY c.campaign_id, c.id";
    PARTICIPATIONS = "SELECT p.streamer_id, p.campaign_id FROM participation AS p
        JOIN campaign AS c ON c.id = p.campaign_id WHERE p.status = 'approved' AND c.status <> 'ended'
        ORDER BY p.streamer_id, p.campaign_id";
    LANDING = "SELECT c.landing_url FROM creative AS r JOIN campaign AS c ON c.id = r.campaign_id
        WHERE r.id = $1";
}

/// One campaign that was launched, whatever its status.
pub(in crate::store::postgres) async fn one(
    connection: &mut PgConnection,
    id: CampaignId,
) -> Attempt<Campaign> {
    let rows = sqlx::query(ONE).bind(id.0).fetch_all(&mut *connection).await?;
    with_creatives(connection, &rows.iter().collect::<Vec<_>>())
        .await?
        .pop()
        .ok_or_else(|| StoreError::NotFound.into())
}

/// Every campaign that has not ended, with the creatives that may be shown.
pub(super) async fn live(connection: &mut PgConnection) -> Attempt<Vec<Campaign>> {
    let rows = sqlx::query(LIVE).fetch_all(&mut *connection).await?;
    let mut campaigns = with_creatives(connection, &rows.iter().collect::<Vec<_>>()).await?;
    for campaign in &mut campaigns {
        campaign.creatives.retain(|creative| creative.status == CreativeStatus::Active);
    }
    Ok(campaigns)
}

/// Approved participations in campaigns that have not ended.
pub(super) async fn participations(connection: &mut PgConnection) -> Attempt<Vec<(StreamerId, CampaignId)>> {
    let pairs: Vec<(i64, i64)> = sqlx::query_as(PARTICIPATIONS).fetch_all(connection).await?;
    Ok(pairs.into_iter().map(|(streamer, campaign)| (StreamerId(streamer), CampaignId(campaign))).collect())
}

/// Where a click on a creative leads.
pub(super) async fn landing(executor: impl PgExecutor<'_>, creative: CreativeId) -> Attempt<Arc<str>> {
    let url: String = sqlx::query_scalar(LANDING).bind(creative.0).fetch_one(executor).await?;
    Ok(url.into())
}

/// The campaigns of the rows; their creatives come with one more statement, not one for each.
pub(super) async fn with_creatives(connection: &mut PgConnection, rows: &[&PgRow]) -> Attempt<Vec<Campaign>> {
    let mut campaigns = rows.iter().map(|row| campaign(row)).collect::<Attempt<Vec<_>>>()?;
    let ids: Vec<i64> = campaigns.iter().map(|campaign| campaign.id.0).collect();
    let mut creatives: HashMap<i64, Vec<Creative>> = HashMap::new();
    for row in sqlx::query(CREATIVES).bind(ids).fetch_all(connection).await? {
        creatives.entry(row.number("campaign_id")?).or_default().push(creative(&row)?);
    }
    for campaign in &mut campaigns {
        campaign.creatives = creatives.remove(&campaign.id.0).unwrap_or_default();
    }
    Ok(campaigns)
}

fn campaign(row: &PgRow) -> Attempt<Campaign> {
    Ok(Campaign {
        id: CampaignId(row.number("id")?),
        brand: Brand { id: BrandId(row.number("brand_id")?), name: row.shared("brand_name")? },
        name: row.shared("name")?,
        status: row.code("status", Status::from_code)?,
        category: Category::new(row.shared("category")?),
        currency: row.currency("currency")?,
        pricing: known("pricing", Pricing::from_code(&row.text("pricing")?, row.micros("rate")?))?,
        flight: Flight { starts: row.moment("starts")?, ends: row.moment("ends")? },
        pacing: pacing(row)?,
        daily_cap: row.optional("daily_cap")?.map(Micros),
        cap: FrequencyCap {
            per_hour: row.number("cap_per_hour")?,
            per_day: row.number("cap_per_day")?,
            minimum_gap: row.span("cap_minimum_gap")?,
        },
        targeting: targeting(row)?,
        open: row.flag("open_to_all")?,
        landing_url: row.shared("landing_url")?,
        rotation: row.code("rotation", Rotation::from_code)?,
        creatives: Vec::new(),
    })
}

fn targeting(row: &PgRow) -> Attempt<Targeting> {
    let platforms = row.texts("wants_platforms")?;
    let windows = row.texts("dayparts")?;
    Ok(Targeting {
        categories: row.texts("wants_categories")?,
        languages: row.texts("wants_languages")?,
        countries: row.texts("wants_countries")?,
        viewers_min: row.number("viewers_min")?,
        viewers_max: row.number("viewers_max")?,
        followers_min: row.number("followers_min")?,
        followers_max: row.number("followers_max")?,
        platforms: known(
            "wants_platforms",
            platforms.iter().map(|code| Platform::from_code(code)).collect(),
        )?,
        mature: row.code("wants_mature", Mature::from_code)?,
        blocked_streamers: row.numbers("blocked_streamers")?.into_iter().map(StreamerId).collect(),
        dayparts: Dayparts {
            windows: known("dayparts", windows.iter().map(|text| text.parse().ok()).collect())?,
            utc_offset: row.number("utc_offset")?,
        },
    })
}

/// `pacing`, unless `pacing_mode` says more. An older server that changed the first since has the last word.
fn pacing(row: &PgRow) -> Attempt<PacingMode> {
    let plain = row.code("pacing", PacingMode::from_code)?;
    match row.optional_text("pacing_mode")? {
        Some(mode) if plain == PacingMode::Even => known("pacing_mode", PacingMode::from_code(&mode)),
        _ => Ok(plain),
    }
}

fn creative(row: &PgRow) -> Attempt<Creative> {
    let content = content(row)?;
    let placement = row.code("placement", Placement::from_code)?;
    Ok(Creative {
        id: CreativeId(row.number("id")?),
        sound: row.optional_flag("sound")?.unwrap_or(content.format() == Format::Video),
        drawn: Drawn::of(&content, placement),
        content,
        placement,
        duration: row.span("duration")?,
        accent: row.shared("accent")?,
        weight: row.number("weight")?,
        status: row.code("status", CreativeStatus::from_code)?,
        counts: CreativeCounts {
            plays: row.number("plays")?,
            impressions: row.number("impressions")?,
            viewers: row.number("viewers")?,
            clicks: row.number("clicks")?,
        },
    })
}

fn content(row: &PgRow) -> Attempt<Content> {
    let kind = row.text("kind")?;
    Ok(match kind.as_str() {
        "text" => Content::Text { headline: row.shared("headline")?, body: row.shared("body")? },
        "qr" => Content::Qr { headline: row.shared("headline")?, body: row.shared("body")? },
        "image" | "video" => {
            let asset = row.shared("asset")?;
            let (width, height) = (row.number("width")?, row.number("height")?);
            if kind == "video" {
                Content::Video { asset, width, height }
            } else {
                Content::Image { asset, width, height }
            }
        }
        _ => return known("kind", None),
    })
}
