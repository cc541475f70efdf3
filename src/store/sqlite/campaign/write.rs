//! Making and changing campaigns.

use super::{creative, read};
use crate::store::fact::Fact;
use crate::store::requirements::column;
use crate::store::sqlite::failure::{Attempt, Failure, expect_rows};
use crate::store::sqlite::ledger::{Request, recall, remember, withdraw};
use crate::store::sqlite::row::{json, known};
use crate::store::sqlite::statements;
use crate::store::sqlite::wallet::{fund_to, funds, kept_funds, recall_funds, recalled_funds};
use crate::store::sqlite::webhook::tell;
use gametriggers_actors::domain::campaign::{Campaign, PacingMode, Status};
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{CampaignChange, Funds, NewCampaign, StoreError};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row, Sqlite, SqliteConnection};
use std::sync::Arc;

statements! {
    /// One that is not archived.
    BRAND = "SELECT id FROM brand WHERE id = ?1 AND archived_at IS NULL";
    INSERT = "INSERT INTO campaign
        (brand_id, name, status, category, currency, pricing, rate, starts, ends, pacing, cap_per_hour,
         cap_per_day, cap_minimum_gap, wants_categories, wants_languages, wants_countries, viewers_min,
         viewers_max, open_to_all, landing_url, created_at, updated_at, pacing_mode,
         daily_cap, followers_min, followers_max, wants_platforms, wants_mature, blocked_streamers, dayparts,
         utc_offset, rotation, requirements)
        VALUES (?1, ?2, 'active', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
            ?13, ?14, ?15, ?16, ?17, ?18, ?19,
          ?20, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
        RETURNING id";
    INSERT_BUDGET = "INSERT INTO campaign_budget (campaign_id, currency) VALUES (?1, ?2)";
    /// A change of one version, or of whatever is there.
    BUMP = "UPDATE campaign SET version = version + 1, updated_at = ?3
        WHERE id = ?1 AND stage IS NULL AND (?2 IS NULL OR version = ?2)";
    CHANGE = "UPDATE campaign SET name = coalesce(?2, name), status = coalesce(?3, status),
          ends = coalesce(?4, ends), pacing = coalesce(?5, pacing),
          cap_per_hour = coalesce(?6, cap_per_hour), cap_per_day = coalesce(?7, cap_per_day),
          cap_minimum_gap = coalesce(?8, cap_minimum_gap), updated_at = ?9,
          pacing_mode = CASE WHEN ?10 THEN ?11 ELSE pacing_mode END,
          daily_cap = CASE WHEN ?12 THEN ?13 ELSE daily_cap END, rotation = coalesce(?14, rotation),
          requirements = CASE WHEN ?15 THEN ?16 ELSE requirements END
        WHERE id = ?1";
    /// One whose flight was over.
    OVER = "SELECT id FROM campaign
        WHERE id = ?1 AND stage IS NULL AND status <> 'ended' AND ends <= ?2";
    RETARGET = "UPDATE campaign SET wants_categories = ?2, wants_languages = ?3, wants_countries = ?4,
          viewers_min = ?5, viewers_max = ?6, followers_min = ?7, followers_max = ?8,
          wants_platforms = ?9, wants_mature = ?10, blocked_streamers = ?11, dayparts = ?12,
          utc_offset = ?13
        WHERE id = ?1";
}

/// Makes a campaign with its creatives and its budget, and funds it.
pub(super) async fn create(
    connection: &mut SqliteConnection,
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
    let id: i64 = bound(INSERT, new, request.now)?.fetch_one(&mut *connection).await?.try_get("id")?;
    fund_new(connection, CampaignId(id), new, request).await
}

/// Gives a campaign that was just made its creatives, its budget and the money for it.
pub(super) async fn fund_new(
    connection: &mut SqliteConnection,
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
) -> Attempt<Query<'q, Sqlite, SqliteArguments>> {
    let wants = &new.targeting;
    Ok(sqlx::query(sql)
        .bind(new.brand.0)
        .bind(&new.name)
        .bind(new.category.text().as_ref())
        .bind(new.currency.to_string())
        .bind(new.pricing.code())
        .bind(new.pricing.rate().0)
        .bind(new.flight.starts.0)
        .bind(new.flight.ends.0)
        .bind(plain(new.pacing))
        .bind(new.cap.per_hour)
        .bind(new.cap.per_day)
        .bind(new.cap.minimum_gap.0)
        .bind(texts(&wants.categories)?)
        .bind(texts(&wants.languages)?)
        .bind(texts(&wants.countries)?)
        .bind(wants.viewers_min)
        .bind(wants.viewers_max)
        .bind(new.open)
        .bind(&new.landing_url)
        .bind(now.0)
        .bind(beyond(new.pacing))
        .bind(new.daily_cap.map(|cap| cap.0))
        .bind(wants.followers_min)
        .bind(wants.followers_max)
        .bind(json(&platforms(wants))?)
        .bind(wants.mature.code())
        .bind(json(&blocked(wants))?)
        .bind(json(&windows(wants))?)
        .bind(wants.dayparts.utc_offset)
        .bind(new.rotation.code())
        .bind(new.requirements.as_ref().map(column)))
}

/// A list of words as a column.
fn texts(list: &[Arc<str>]) -> Attempt<String> {
    json(&list.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
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
async fn retarget(connection: &mut SqliteConnection, id: CampaignId, wants: &Targeting) -> Attempt<()> {
    sqlx::query(RETARGET)
        .bind(id.0)
        .bind(texts(&wants.categories)?)
        .bind(texts(&wants.languages)?)
        .bind(texts(&wants.countries)?)
        .bind(wants.viewers_min)
        .bind(wants.viewers_max)
        .bind(wants.followers_min)
        .bind(wants.followers_max)
        .bind(json(&platforms(wants))?)
        .bind(wants.mature.code())
        .bind(json(&blocked(wants))?)
        .bind(json(&windows(wants))?)
        .bind(wants.dayparts.utc_offset)
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
    connection: &mut SqliteConnection,
    id: CampaignId,
    version: Option<i64>,
    now: UnixMillis,
) -> Attempt<()> {
    let query = sqlx::query(BUMP).bind(id.0).bind(version).bind(now.0);
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        read::one(connection, id).await?;
        return Err(Failure(StoreError::Changed));
    }
    Ok(())
}

/// Whether a brand is there and not archived.
pub(super) async fn is_open(connection: &mut SqliteConnection, brand: BrandId) -> Attempt<bool> {
    Ok(sqlx::query(BRAND).bind(brand.0).fetch_optional(connection).await?.is_some())
}

/// A campaign does not begin to run for a brand that is archived.
pub(super) async fn may_run(connection: &mut SqliteConnection, brand: BrandId) -> Attempt<()> {
    if is_open(connection, brand).await? { Ok(()) } else { Err(Failure::refused("the brand is archived")) }
}

/// A budget that is raised with the change.
pub(super) struct Raise {
    /// The budget in all.
    pub(super) total: Micros,
    /// The request that does it.
    pub(super) request: Request,
}

/// Changes a campaign, and raises its budget.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    (id, change): (CampaignId, &CampaignChange),
    raise: Option<&Raise>,
    now: UnixMillis,
) -> Attempt<(Campaign, Funds)> {
    // A repeated key was answered before, and everything of its change is done.
    if let Some(raise) = raise
        && let Some(funds) = recall_funds(connection, id, &raise.request).await?
    {
        return Ok((read::one(connection, id).await?, funds));
    }
    bump(connection, id, change.version, now).await?;
    if let Some(Raise { total, request }) = raise {
        fund_to(connection, id, *total, request).await?;
    }
    let before = read::one(connection, id).await?;
    // Nor does it get a longer flight: who asks for one is not told that it goes on.
    let goes_on = change.ends.is_some() || change.status.is_some_and(|status| status != Status::Ended);
    if before.status == Status::Ended && goes_on {
        return Err(Failure(StoreError::Constraint("an ended campaign stays ended".to_owned())));
    }
    if change.status == Some(Status::Active) {
        may_run(connection, before.brand.id).await?;
    }
    let changed = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(change.name.as_deref())
        .bind(change.status.map(Status::code))
        .bind(change.ends.map(|ends| ends.0))
        .bind(change.pacing.map(plain))
        .bind(change.cap.map(|cap| cap.per_hour))
        .bind(change.cap.map(|cap| cap.per_day))
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
    expect_rows("campaign", 1, changed.rows_affected())?;
    if let Some(wants) = &change.targeting {
        retarget(connection, id, wants).await?;
    }
    let after = read::one(connection, id).await?;
    let funds = funds(connection, (after.brand.id, after.currency), id).await?;
    let fact = Fact::changed(&before, &after, &funds.1);
    tell(connection, fact.as_slice(), now).await?;
    Ok((after, funds))
}

/// Ends a campaign whose flight was over by `over`; whether it did.
pub(super) async fn complete(
    connection: &mut SqliteConnection,
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
