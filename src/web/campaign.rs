//! `/api/campaigns`: a brand makes, changes and watches its campaigns.

use super::Shared;
use super::asset;
use super::caller::Caller;
use super::campaign_body::{CampaignBody, CampaignView, CapBody, PACINGS, ROTATIONS, daily_cap};
use super::creative_body::Assets;
use super::fields::{Fields, line};
use super::problem::Problem;
use super::targeting_body::TargetingBody;
use super::wallet_body::MovedView;
use super::wire::{MoneyBody, PageBody, idempotency, idempotency_key, moment, present};
use crate::session::campaign::counters;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::campaign::{Campaign, PacingMode, Status};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::policy::Policies;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::messages::{CampaignLive, GetLive};
use gametriggers_actors::ports::{CampaignChange, Event, Funds, Principal, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items on a page, unless asked otherwise.
const PAGE: u32 = 50;
/// Items on a page at most.
const PAGE_MAX: u32 = 200;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    after: Option<i64>,
    limit: Option<u32>,
}

/// `PATCH /api/campaigns/{id}`: what is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "CampaignChangeBody")]
pub(super) struct ChangeBody {
    name: Option<String>,
    status: Option<String>,
    ends_at: Option<String>,
    pacing: Option<String>,
    /// Null takes the cap away.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    daily_cap: Option<Option<MoneyBody>>,
    frequency_cap: Option<CapBody>,
    /// What is left out of it stays as well.
    targeting: Option<TargetingBody>,
    rotation: Option<String>,
    /// The new budget in all; it can only grow. Needs an Idempotency-Key.
    budget: Option<MoneyBody>,
}

/// A campaign that was made or changed, and the money of it afterwards.
#[derive(Serialize, JsonSchema)]
pub(super) struct ChangedView {
    #[serde(flatten)]
    campaign: CampaignView,
    #[serde(flatten)]
    money: MovedView,
    /// Platforms on which it can never run.
    warnings: Vec<WarningView>,
}

/// Something that the brand may not have meant.
#[derive(Serialize, JsonSchema)]
struct WarningView {
    reason: &'static str,
    platform: &'static str,
    policy: String,
    version: u32,
    message: &'static str,
}

/// Where a campaign can never run, whatever stream comes. A platform on which nothing runs is named only to
/// who asked for it.
fn warnings(campaign: &Campaign, policies: &Policies) -> Vec<WarningView> {
    let wanted = &campaign.targeting.platforms;
    let platforms = Platform::ALL.into_iter().filter(|one| wanted.is_empty() || wanted.contains(one));
    let warning = |platform: Platform| {
        let policy = policies.of(platform);
        let refusal = policy.never(campaign).filter(|_| policy.enabled || !wanted.is_empty())?;
        Some(WarningView {
            reason: Reason::Policy.code(),
            platform: platform.code(),
            policy: policy.name.to_string(),
            version: policy.version,
            message: refusal.words(),
        })
    };
    platforms.filter_map(warning).collect()
}

impl ChangedView {
    fn of(campaign: &Campaign, funds: &Funds, policies: &Policies) -> Self {
        Self {
            campaign: CampaignView::of(campaign),
            money: MovedView::of(campaign.id, funds),
            warnings: warnings(campaign, policies),
        }
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let brand = match caller.0 {
        Principal::Admin => None,
        Principal::Brand(brand) => Some(brand),
        _ => return Err(Problem::forbidden("a brand's key is needed")),
    };
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let campaigns = shared.engine.ports.campaigns.page(brand, query.after.map(CampaignId), limit).await?;
    let full = campaigns.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = campaigns.last().filter(|_| full).map(|campaign| campaign.id.to_string());
    Ok(HttpResponse::Ok().json(PageBody { items: campaigns.iter().map(CampaignView::of).collect(), next }))
}

pub(super) async fn create(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    body: Json<CampaignBody>,
) -> Result<HttpResponse, Problem> {
    let brand = caller.brand(body.brand_id)?;
    let key = idempotency(&format!("brand:{brand}"), &idempotency_key(&request)?, &*body)?;
    let mut assets = Assets::new();
    for name in body.assets() {
        if let Some(asset) = asset::usable(&shared, caller, name).await? {
            assets.insert(name.to_owned(), asset);
        }
    }
    let new = body.into_inner().read(brand, &assets, shared.engine.now())?;
    let (campaign, funds) = shared.engine.ports.campaigns.create(&new, &key, shared.engine.now()).await?;
    shared.engine.ports.bus.publish(Event::CatalogueChanged);
    let location = format!("/api/campaigns/{}", campaign.id);
    let body = ChangedView::of(&campaign, &funds, &shared.engine.numbers.policies);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(body))
}

/// A campaign that the caller may see.
///
/// # Errors
/// There is none, or it is another brand's: 404 for both.
pub(super) async fn own(shared: &Shared, caller: Caller, id: i64) -> Result<Campaign, Problem> {
    let campaign = shared.engine.ports.campaigns.campaign(CampaignId(id)).await?;
    caller.owns(campaign.brand.id)?;
    Ok(campaign)
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    Ok(HttpResponse::Ok().json(CampaignView::of(&campaign)))
}

pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<ChangeBody>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    let change = read_change(&body, &campaign)?;
    let engine = &shared.engine;
    let mut funded = None;
    if let Some(budget) = &body.budget {
        let wanted = budget.positive().filter(|money| money.currency == campaign.currency);
        let mut fields = Fields::default();
        let wanted = fields.need("budget", wanted, "an amount above zero in the campaign's currency");
        fields.end()?;
        let total = wanted.map_or(Micros::ZERO, |wanted| wanted.amount);
        let key = idempotency(&format!("campaign:{}", campaign.id), &idempotency_key(&request)?, &*body)?;
        let raised = engine.ports.wallets.fund_to(campaign.id, total, &key, engine.now()).await;
        funded = Some(raised.map_err(shrinks)?);
    }
    let (campaign, funds) = engine.ports.campaigns.change(campaign.id, &change, engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    // A repeated key is answered as it was the first time.
    let funds = funded.unwrap_or(funds);
    Ok(HttpResponse::Ok().json(ChangedView::of(&campaign, &funds, &engine.numbers.policies)))
}

fn shrinks(error: StoreError) -> Problem {
    match error {
        StoreError::Constraint(_) => Problem::conflict(
            "budget-shrinks",
            "a budget only grows here; release what is left of it, or end the campaign",
        ),
        other => other.into(),
    }
}

fn read_change(body: &ChangeBody, campaign: &Campaign) -> Result<CampaignChange, Problem> {
    let mut fields = Fields::default();
    let mut change = CampaignChange::default();
    if let Some(name) = &body.name {
        change.name = fields.need("name", line(name, 1, 80), "1 to 80 characters");
    }
    if let Some(status) = &body.status {
        change.status = fields.need("status", Status::from_code(status), "active, paused or ended");
    }
    if let Some(ends) = &body.ends_at {
        let ends = moment(ends).filter(|ends| *ends > campaign.flight.starts);
        change.ends = fields.need("ends_at", ends, "a time of RFC 3339 after the flight starts");
    }
    if let Some(pacing) = &body.pacing {
        change.pacing = fields.need("pacing", PacingMode::from_code(pacing), PACINGS);
    }
    if let Some(cap) = &body.daily_cap {
        change.daily_cap = daily_cap(cap.as_ref(), Some(campaign.currency), &mut fields);
    }
    if let Some(cap) = body.frequency_cap {
        change.cap =
            fields.need("frequency_cap", cap.read(), "at most 500 plays, and a gap of at most a day");
    }
    if let Some(targeting) = &body.targeting {
        change.targeting = targeting.read(&campaign.targeting, &mut fields);
    }
    if let Some(rotation) = &body.rotation {
        change.rotation = fields.need("rotation", Rotation::from_code(rotation), ROTATIONS);
    }
    fields.end()?;
    if campaign.status == Status::Ended && body_json(body) != body_json(&ChangeBody::default()) {
        return Err(Problem::conflict("campaign-ended", "an ended campaign does not change any more"));
    }
    Ok(change)
}

fn body_json(body: &ChangeBody) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

pub(super) async fn live(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    let engine = &shared.engine;
    let known =
        engine.directory.campaign(engine, campaign.id).send(GetLive { shared: true }).await.ok().flatten();
    let live = match known {
        Some(live) => live,
        // The actor has not read its numbers yet: the database has them.
        None => {
            let budget = engine.ports.ledger.budget(campaign.id).await?;
            CampaignLive {
                campaign: campaign.id,
                status: campaign.status,
                currency: campaign.currency,
                funded: budget.funded,
                spent: budget.spent,
                reserved: Micros::ZERO,
                free: Micros::ZERO,
                plays: budget.plays,
                viewers: budget.viewers,
                clicks: budget.clicks,
                rejected: budget.rejected,
                in_flight: 0,
                now: engine.now(),
            }
        }
    };
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(counters(&live)))
}
