//! Making and changing campaigns.

use super::{creative, read};
use crate::store::fact::Fact;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::ledger::{Request, recall, remember, withdraw};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{fund_to, funds, kept_funds, recall_funds, recalled_funds};
use crate::store::postgres::webhook::tell;
use crate::store::requirements::column;
use gametriggers_actors::domain::campaign::{Campaign, PacingMode, Status};
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{CampaignChange, Funds, NewCampaign, StoreError};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};
use std::sync::Arc;

statements! {
    /// One that is not archived, and is not while this goes on.
    BRAND = "SELECT id FROM brand WHERE id = $1 AND archived_at IS NULL FOR SHARE";
    INSERT = "INSERT INTO campaign
        (brand_id, name, status, category, currency, pricing, rate, starts, ends, pacing, cap_per_hour,
         cap_per_day, cap_minimum_gap, wants_categories, wants_languages, wants_countries, viewers_min,
         viewers_max, open_to_all, landing_url, created_at, updated_at, pacing_mode,
         daily_cap, followers_min, followers_max, wants_platforms, wants_mature, blocked_streamers, dayparts,
         utc_offset, rotation, requirements)
        VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
          $19, $20, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)
        RETURNING id";
    INSERT_BUDGET = "INSERT INTO campaign_budget (campaign_id, currency) VALUES ($1, $2)";
    /// A change of one version, or of whatever is there. Two changes of one campaign come one after the
    /// other: each is told once, and by what it changed.
    BUMP = "UPDATE campaign SET version = version + 1, updated_at = $3
        WHERE id = $1 AND stage IS NULL AND ($2::bigint IS NULL OR version = $2)";
    /// Ended is final, also when another node ends it meanwhile: who asks for a longer flight then is not
    /// told that it goes on.
    CHANGE = "UPDATE campaign SET name = coalesce($2, name), status = coalesce($3, status),
          ends = coalesce($4, ends), pacing = coalesce($5, pacing),
          cap_per_hour = coalesce($6, cap_per_hour), cap_per_day = coalesce($7, cap_per_day),
          cap_minimum_gap = coalesce($8, cap_minimum_gap), updated_at = $9,
          pacing_mode = CASE WHEN $10 THEN $11 ELSE pacing_mode END,
          daily_cap = CASE WHEN $12 THEN $13 ELSE daily_cap END, rotation = coalesce($14, rotation),
          requirements = CASE WHEN $15 THEN $16 ELSE requirements END
        WHERE id = $1 AND (status <> 'ended' OR (coalesce($3, 'ended') = 'ended' AND $4::bigint IS NULL))";
    /// One whose flight was over. Waits for another writer that changes it, and looks at what that made of
    /// it; who comes later waits.
    OVER = "SELECT id FROM campaign
        WHERE id = $1 AND stage IS NULL AND status <> 'ended' AND ends <= $2 FOR NO KEY UPDATE";
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
    let id: i64 = bound(INSERT, new, request.now).fetch_one(&mut *connection).await?.try_get("id")?;
    fund_new(connection, CampaignId(id), new, request).await
}

/// Gives a campaign that was just made its creatives, its budget and the money for it.
pub(super) async fn fund_new(
    connection: &mut PgConnection,
    id: CampaignId,
    new: &NewCampaign,
    request: &Request,
) -> Attempt<(Campaign, Funds)> {
    for creative in &new.creatives {
        creative::insert(connection, id, creative).await?;
    }
    sqlx::query(INSERT_BUDGET).bind(id.0).bind(new.currency.to_string()).execute(&mut *connection).await?;
    if new.budget != Micros::ZERO {
        let money = Money { amount: new.budget, currency: new.currency };
        withdraw(connection, new.brand, id, money, request).await?;
    }
    let funds = funds(connection, (new.brand, new.currency), id).await?;
    remember(connection, request, &[vec![id.0], kept_funds(&funds)].concat()).await?;
    let campaign = read::one(connection, id).await?;
    tell(connection, &[Fact::created(&campaign, &funds.1)], request.now).await?;
    Ok((campaign, funds))
}

/// A statement whose first parameters are what a campaign is.
pub(super) fn bound<'q>(
    sql: &'static str,
    new: &'q NewCampaign,
    now: UnixMillis,
) -> Query<'q, Postgres, PgArguments> {
    let wants = &new.targeting;
    sqlx::query(sql)
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
        .bind(new.requirements.as_ref().map(column))
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

/// Raises the version, if it is the one that is meant.
pub(super) async fn bump(
    connection: &mut PgConnection,
    id: CampaignId,
    version: Option<i64>,
    now: UnixMillis,
) -> Attempt<()> {
    let query = sqlx::query(BUMP).bind(id.0).bind(version).bind(now.0);
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        read::one(connection, id).await?;
        return Err(StoreError::Changed.into());
    }
    Ok(())
}

/// Whether a brand is there and not archived.
pub(super) async fn is_open(connection: &mut PgConnection, brand: BrandId) -> Attempt<bool> {
    Ok(sqlx::query(BRAND).bind(brand.0).fetch_optional(connection).await?.is_some())
}

/// A campaign does not begin to run for a brand that is archived.
pub(super) async fn may_run(connection: &mut PgConnection, brand: BrandId) -> Attempt<()> {
    if is_open(connection, brand).await? { Ok(()) } else { Err(Failure::refused("the brand is archived")) }
}

/// A budget that is raised with the change.
#[derive(Clone)]
pub(super) struct Raise {
    /// The budget in all.
    pub(super) total: Micros,
    /// The request that does it.
    pub(super) request: Request,
}

/// What the same raise gave before.
async fn recalled(
    connection: &mut PgConnection,
    id: CampaignId,
    raise: Option<&Raise>,
) -> Attempt<Option<(Campaign, Funds)>> {
    let Some(raise) = raise else { return Ok(None) };
    match recall_funds(connection, id, &raise.request).await? {
        Some(funds) => Ok(Some((read::one(connection, id).await?, funds))),
        None => Ok(None),
    }
}

/// Changes a campaign, and raises its budget.
pub(super) async fn change(
    connection: &mut PgConnection,
    (id, change): (CampaignId, &CampaignChange),
    raise: Option<&Raise>,
    now: UnixMillis,
) -> Attempt<(Campaign, Funds)> {
    // A repeated key was answered before, and everything of its change is done.
    if let Some(before) = recalled(connection, id, raise).await? {
        return Ok(before);
    }
    let bumped = bump(connection, id, change.version, now).await;
    // Another node was given the same request and was faster.
    if bumped.as_ref().is_err_and(|failure| matches!(failure.error, StoreError::Changed))
        && let Some(before) = recalled(connection, id, raise).await?
    {
        return Ok(before);
    }
    bumped?;
    if let Some(Raise { total, request }) = raise {
        fund_to(connection, id, *total, request).await?;
    }
    let before = read::one(connection, id).await?;
    if change.status == Some(Status::Active) {
        may_run(connection, before.brand.id).await?;
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
        .bind(change.requirements.is_some())
        .bind(change.requirements.iter().flatten().next().map(column))
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

/// Ends a campaign whose flight was over by `over`; whether it did.
pub(super) async fn complete(
    connection: &mut PgConnection,
    id: CampaignId,
    over: UnixMillis,
    now: UnixMillis,
) -> Attempt<bool> {
    let found = sqlx::query(OVER).bind(id.0).bind(over.0).fetch_optional(&mut *connection).await?;
    if found.is_none() {
        return Ok(false);
    }
    let end = CampaignChange { status: Some(Status::Ended), ..CampaignChange::default() };
    change(connection, (id, &end), None, now).await?;
    Ok(true)
}
