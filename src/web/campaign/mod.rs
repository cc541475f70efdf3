//! `/api/campaigns`: a brand makes, changes and watches its campaigns.
//!
//! draft -> review -> active <-> paused -> completed, and archived at the end. A draft holds no money and is
//! nothing to the engine; its launch sets the budget aside and makes the campaign in one transaction. The
//! number of a campaign stays the same for its whole life.

pub(super) mod change;
pub(super) mod creative;
pub(super) mod draft;
pub(super) mod launch;
pub(super) mod list;
#[rustfmt::skip]
pub(super) mod table;

use super::Shared;
use super::asset;
use super::caller::Caller;
use super::campaign_body::CampaignBody;
use super::campaign_view::{ChangedView, OpenView, RecordView};
use super::creative_body::Assets;
use super::etag::{IfMatch, answer, versioned};
use super::problem::Problem;
use super::wire::{idempotency, idempotency_key};
use crate::session::campaign::counters;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::messages::{CampaignLive, GetLive};
use gametriggers_actors::ports::{CampaignRecord, Event, Funds, Principal, Recorded, Stage, StoreError};

/// Makes a campaign that runs at once; or a draft, or a submission where campaigns are reviewed.
pub(super) async fn create(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    body: Json<CampaignBody>,
) -> Result<HttpResponse, Problem> {
    let (body, engine) = (body.into_inner(), &shared.engine);
    let brand = caller.brand(body.brand_id)?;
    if body.draft {
        return draft::make(&shared, caller, &request, (brand, Stage::Draft, body)).await;
    }
    let key = idempotency(&format!("brand:{brand}"), &idempotency_key(&request)?, &body)?;
    let new = body.read(brand, &assets(&shared, caller, &body).await?, engine.now())?;
    if shared.review && caller.0 != Principal::Admin {
        return draft::make(&shared, caller, &request, (brand, Stage::Review, body)).await;
    }
    let (campaign, funds) = engine.ports.campaigns.create(&new, &key, engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    let record = engine.ports.campaigns.record(campaign.id).await?;
    let mut response = HttpResponse::Created();
    response.insert_header(("location", format!("/api/campaigns/{}", campaign.id)));
    changed(&shared, &mut response, (&record, &funds))
}

/// The assets that the creatives of a body name.
async fn assets(shared: &Shared, caller: Caller, body: &CampaignBody) -> Result<Assets, Problem> {
    let mut assets = Assets::new();
    for name in body.assets() {
        if let Some(asset) = asset::usable(shared, caller, name).await? {
            assets.insert(name.to_owned(), asset);
        }
    }
    Ok(assets)
}

/// Answers with a campaign and its money.
fn changed(
    shared: &Shared,
    response: &mut HttpResponseBuilder,
    (record, funds): (&CampaignRecord, &Funds),
) -> Result<HttpResponse, Problem> {
    let view = ChangedView::of(record, funds, &shared.engine.numbers.policies);
    let view = view.ok_or_else(Problem::not_found)?;
    Ok(versioned(response, record.version).json(view))
}

/// A campaign that was launched and that the caller may see.
///
/// # Errors
/// There is none, or it is another brand's: 404 for both. It is a draft of the caller's: 409.
pub(super) async fn own(shared: &Shared, caller: Caller, id: i64) -> Result<Campaign, Problem> {
    match shared.engine.ports.campaigns.campaign(CampaignId(id)).await {
        Ok(campaign) => {
            caller.owns(campaign.brand.id)?;
            Ok(campaign)
        }
        Err(StoreError::NotFound) => {
            record(shared, caller, id).await?;
            Err(Problem::conflict("campaign-not-launched", "a draft holds no money and does not run"))
        }
        Err(error) => Err(error.into()),
    }
}

/// A campaign in any state that the caller may see and change.
///
/// # Errors
/// There is none, or it is another brand's: 404 for both.
async fn record(shared: &Shared, caller: Caller, id: i64) -> Result<CampaignRecord, Problem> {
    let record = shared.engine.ports.campaigns.record(CampaignId(id)).await?;
    caller.owns(record.brand.id)?;
    Ok(record)
}

/// Shows a campaign to its brand; to a streamer, who may apply for it, in fewer words.
pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    if let Principal::Streamer(streamer) = caller.0 {
        let record = shared.engine.ports.campaigns.record(CampaignId(*id)).await?;
        let view = offer(&shared, &record, streamer).ok_or_else(Problem::not_found)?;
        return Ok(answer(&request, record.version, view));
    }
    let record = record(&shared, caller, *id).await?;
    Ok(answer(&request, record.version, RecordView::of(&record)?))
}

/// A campaign as a streamer sees it: one that is active, not over, and blocks them neither by itself nor for
/// its brand. None for any other.
fn offer(shared: &Shared, record: &CampaignRecord, streamer: StreamerId) -> Option<OpenView> {
    let engine = &shared.engine;
    let Recorded::Campaign(campaign) = &record.what else { return None };
    // The catalogue knows whom the brand blocks; who is not in it yet is shown a moment later.
    let catalogue = engine.catalogue.load();
    let entry = catalogue.entry(campaign.id)?;
    let blocks = entry.campaign.targeting.blocked_streamers.contains(&streamer);
    let runs = campaign.status == Status::Active && campaign.flight.ends > engine.now();
    (runs && !blocks).then(|| OpenView::of(record, campaign, engine.numbers.terms.fee))
}

/// Puts a draft or a completed campaign away: lists leave it out unless they are asked for it.
pub(super) async fn archive(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    expected: IfMatch,
) -> Result<HttpResponse, Problem> {
    let before = record(&shared, caller, *id).await?;
    let engine = &shared.engine;
    let archived = if before.archived.is_some() {
        before
    } else {
        let archived = engine.ports.campaigns.archive_campaign(before.id, expected.0, engine.now()).await;
        archived.map_err(|error| match error {
            StoreError::Constraint(_) => Problem::conflict(
                "campaign-not-over",
                "only a draft or a completed campaign is archived: withdraw or end this one first",
            ),
            other => other.into(),
        })?
    };
    Ok(versioned(&mut HttpResponse::Ok(), archived.version).json(RecordView::of(&archived)?))
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
