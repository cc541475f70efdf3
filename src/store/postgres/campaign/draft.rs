//! Drafts: campaigns that hold no money and never play, until they are launched.

use super::{list, read, write};
use crate::store::fact::Fact;
use crate::store::postgres::failure::{Attempt, Failure};
use crate::store::postgres::ledger::{Request, recall, remember};
use crate::store::postgres::row::known;
use crate::store::postgres::statements;
use crate::store::postgres::wallet::{Deed, recalled_funds, record};
use crate::store::postgres::webhook::tell;
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{CampaignRecord, DraftStep, Funds, Launch, NewDraft, Stage, StoreError};
use sqlx::PgConnection;

statements! {
    /// A draft without a flight stands in lists as if it began when it was made, for thirty days.
    INSERT = "INSERT INTO campaign
        (brand_id, name, status, category, currency, pricing, rate, starts, ends, pacing, cap_per_hour,
         cap_per_day, cap_minimum_gap, wants_categories, wants_languages, wants_countries, viewers_min,
         viewers_max, open_to_all, landing_url, created_at, updated_at, stage, draft, submitted_at)
        VALUES ($1, $2, 'ended', $3, 'XXX', 'flat', 1, coalesce($4, $8::bigint),
          coalesce($5, $8::bigint + 2592000000),
          'even', 0, 0, 0, '{}', '{}', '{}', 0, 0, true, '', $8, $8, $6, $7,
          CASE WHEN $6::text = 'review' THEN $8::bigint END)
        RETURNING id";
    STEP = "UPDATE campaign SET stage = $4, version = version + 1, updated_at = $5::bigint,
          submitted_at = CASE WHEN $4 = 'review' THEN $5::bigint END,
          rejection = CASE WHEN $4 = 'review' THEN NULL ELSE coalesce($6, rejection) END
        WHERE id = $1 AND version = $2 AND stage = $3 AND archived_at IS NULL";
    REWRITE = "UPDATE campaign SET draft = $2, name = $3, category = $4, starts = coalesce($5, created_at),
          ends = coalesce($6, created_at + 2592000000)
        WHERE id = $1 AND stage = 'draft'";
    LAUNCH = "UPDATE campaign SET name = $2, status = 'active', category = $3, currency = $4, pricing = $5,
          rate = $6, starts = $7, ends = $8, pacing = $9, cap_per_hour = $10, cap_per_day = $11,
          cap_minimum_gap = $12, wants_categories = $13, wants_languages = $14, wants_countries = $15,
          viewers_min = $16, viewers_max = $17, open_to_all = $18, landing_url = $19, updated_at = $20,
          pacing_mode = $21, daily_cap = $22, followers_min = $23, followers_max = $24, wants_platforms = $25,
          wants_mature = $26, blocked_streamers = $27, dayparts = $28, utc_offset = $29, rotation = $30,
          requirements = $31, stage = NULL, draft = NULL, submitted_at = NULL, rejection = NULL,
          version = version + 1
        WHERE brand_id = $1 AND id = $32 AND stage = $33 AND version = $34 AND archived_at IS NULL";
    ARCHIVE = "UPDATE campaign SET archived_at = $3, version = version + 1, updated_at = $3
        WHERE id = $1 AND ($2::bigint IS NULL OR version = $2) AND archived_at IS NULL AND status = 'ended'
          AND coalesce(stage, 'draft') = 'draft'";
}

/// Makes a draft; with a request, once.
pub(super) async fn create(
    connection: &mut PgConnection,
    new: &NewDraft,
    request: Option<&Request>,
    now: UnixMillis,
) -> Attempt<CampaignRecord> {
    if let Some(request) = request
        && let Some(kept) = recall(connection, request).await?
    {
        let id = known("result", kept.first())?;
        return list::one(connection, CampaignId(*id)).await;
    }
    if !write::is_open(connection, new.brand).await? {
        return Err(Failure::from(StoreError::NotFound));
    }
    let id: i64 = sqlx::query_scalar(INSERT)
        .bind(new.brand.0)
        .bind(&new.row.name)
        .bind(&new.row.category)
        .bind(new.row.flight.map(|flight| flight.starts.0))
        .bind(new.row.flight.map(|flight| flight.ends.0))
        .bind(new.stage.code())
        .bind(&new.row.body)
        .bind(now.0)
        .fetch_one(&mut *connection)
        .await?;
    if let Some(request) = request {
        remember(connection, request, &[id]).await?;
    }
    let made = list::one(connection, CampaignId(id)).await?;
    if new.stage == Stage::Review {
        tell(connection, &[Fact::record(EventType::CampaignSubmitted, &made, None)], now).await?;
    }
    Ok(made)
}

/// Moves a draft on.
pub(super) async fn step(
    connection: &mut PgConnection,
    (id, version): (CampaignId, i64),
    step: &DraftStep,
    now: UnixMillis,
) -> Attempt<CampaignRecord> {
    let (from, to) = step.stages();
    let reason = match step {
        DraftStep::Reject(hand) => Some(hand.reason.as_str()),
        _ => None,
    };
    let query = sqlx::query(STEP).bind(id.0).bind(version).bind(from.code()).bind(to.code()).bind(now.0);
    if query.bind(reason).execute(&mut *connection).await?.rows_affected() == 0 {
        list::one(connection, id).await?;
        return Err(Failure::from(StoreError::Changed));
    }
    if let DraftStep::Change(row) = step {
        sqlx::query(REWRITE)
            .bind(id.0)
            .bind(&row.body)
            .bind(&row.name)
            .bind(&row.category)
            .bind(row.flight.map(|flight| flight.starts.0))
            .bind(row.flight.map(|flight| flight.ends.0))
            .execute(&mut *connection)
            .await?;
    }
    let after = list::one(connection, id).await?;
    if let DraftStep::Reject(hand) = step {
        let (subject, detail) = (format!("campaign:{id}"), format!("version {version}"));
        record(connection, hand, &Deed { action: "reject_campaign", subject, detail }, now).await?;
    }
    let event = match step {
        DraftStep::Submit => EventType::CampaignSubmitted,
        DraftStep::Reject(_) => EventType::CampaignRejected,
        DraftStep::Change(_) | DraftStep::Withdraw => return Ok(after),
    };
    tell(connection, &[Fact::record(event, &after, reason)], now).await?;
    Ok(after)
}

/// Makes a campaign of a draft and funds it.
pub(super) async fn launch(
    connection: &mut PgConnection,
    launch: &Launch,
    request: &Request,
) -> Attempt<(Campaign, Funds)> {
    if let Some(before) = launched(connection, launch.campaign, request).await? {
        return Ok(before);
    }
    if launch.new.creatives.is_empty() {
        return Err(Failure::refused("a campaign needs a creative"));
    }
    write::may_run(connection, launch.new.brand).await?;
    let query = write::bound(LAUNCH, &launch.new, request.now);
    let query = query.bind(launch.campaign.0).bind(launch.stage.code()).bind(launch.version);
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        // Another node may have been given the same request and was faster.
        if let Some(before) = launched(connection, launch.campaign, request).await? {
            return Ok(before);
        }
        list::one(connection, launch.campaign).await?;
        return Err(Failure::from(StoreError::Changed));
    }
    let (campaign, funds) = write::fund_new(connection, launch.campaign, &launch.new, request).await?;
    if let Some(hand) = &launch.by {
        let subject = format!("campaign:{}", campaign.id);
        let detail =
            format!("version {} budget {} {}", launch.version, campaign.currency, launch.new.budget.0);
        let deed = Deed { action: "approve_campaign", subject, detail };
        record(connection, hand, &deed, request.now).await?;
        tell(connection, &[Fact::approved(&campaign, &funds.1)], request.now).await?;
    }
    Ok((campaign, funds))
}

/// What a launch of this request gave.
pub(super) async fn launched(
    connection: &mut PgConnection,
    id: CampaignId,
    request: &Request,
) -> Attempt<Option<(Campaign, Funds)>> {
    let Some(kept) = recall(connection, request).await? else { return Ok(None) };
    let campaign = read::one(connection, id).await?;
    let (_, kept) = known("result", kept.split_first())?;
    let payer = (campaign.brand.id, campaign.currency);
    let funds = recalled_funds(connection, payer, id, kept).await?;
    Ok(Some((campaign, funds)))
}

/// Puts a draft or an ended campaign away.
pub(super) async fn archive(
    connection: &mut PgConnection,
    id: CampaignId,
    version: Option<i64>,
    now: UnixMillis,
) -> Attempt<CampaignRecord> {
    let query = sqlx::query(ARCHIVE).bind(id.0).bind(version).bind(now.0);
    let archived = query.execute(&mut *connection).await?.rows_affected();
    let after = list::one(connection, id).await?;
    if archived == 0 {
        return Err(match version {
            Some(version) if version != after.version => Failure::from(StoreError::Changed),
            _ => Failure::refused("only a draft or an ended campaign is put away, and once"),
        });
    }
    tell(connection, &[Fact::record(EventType::CampaignArchived, &after, None)], now).await?;
    Ok(after)
}
