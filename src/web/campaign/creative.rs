//! `/api/campaigns/{id}/creatives`: what a campaign that runs may show.

use super::own;
use crate::web::Shared;
use crate::web::account_body::reason;
use crate::web::asset;
use crate::web::caller::Caller;
use crate::web::creative_body::{Assets, CreativeBody};
use crate::web::etag::{IfMatch, versioned};
use crate::web::fields::Fields;
use crate::web::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use gametriggers_actors::domain::campaign::{Campaign, Pricing, Status};
use gametriggers_actors::domain::creative::{CreativeStatus, WEIGHT_MAX};
use gametriggers_actors::domain::id::CreativeId;
use gametriggers_actors::ports::{ByHand, CreativeChange, Event, Principal, Recorded, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;

/// `PATCH /api/campaigns/{id}/creatives/{creative_id}`: what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct CreativeChangeBody {
    /// active, paused or archived, which is final. Only an operator lets one out of review.
    status: Option<String>,
    /// Its share of the plays in weighted rotation, 1 to 1000.
    weight: Option<u16>,
    /// Why an operator lets it out of review, for the record.
    reason: Option<String>,
}

fn running(campaign: &Campaign) -> Result<(), Problem> {
    match campaign.status {
        Status::Active | Status::Paused => Ok(()),
        Status::Ended => {
            Err(Problem::conflict("campaign-ended", "an ended campaign does not change any more"))
        }
    }
}

/// Gives a campaign one more creative. Where campaigns are reviewed, that of a brand waits for an operator.
pub(in crate::web) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    expected: IfMatch,
    body: Json<CreativeBody>,
) -> Result<HttpResponse, Problem> {
    let (campaign, engine) = (own(&shared, caller, *id).await?, &shared.engine);
    running(&campaign)?;
    let mut assets = Assets::new();
    if let Some(name) = body.asset()
        && let Some(asset) = asset::usable(&shared, caller, name).await?
    {
        assets.insert(name.to_owned(), asset);
    }
    let mut fields = Fields::default();
    let per_click = matches!(campaign.pricing, Pricing::Cpc(_));
    let new = body.read("", (per_click, &assets), &mut fields);
    fields.end()?;
    let mut new = new.ok_or_else(|| Problem::malformed("a field is missing"))?;
    if shared.review && caller.0 != Principal::Admin {
        new.status = CreativeStatus::Review;
    }
    let of = (campaign.id, expected.0);
    let made =
        engine.ports.campaigns.add_creative(of, &new, engine.now()).await.map_err(|error| match error {
            StoreError::Constraint(_) => Problem::conflict(
                "too-many-creatives",
                "a campaign has at most 10 creatives besides archived ones, and 100 in all",
            ),
            other => other.into(),
        })?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    answer(&shared, &campaign, made, &mut HttpResponse::Created()).await
}

/// Stops a creative, lets it go on, puts it away, or changes its weight.
pub(in crate::web) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    ids: Path<(i64, i64)>,
    expected: IfMatch,
    body: Json<CreativeChangeBody>,
) -> Result<HttpResponse, Problem> {
    let (id, creative) = ids.into_inner();
    let (campaign, engine) = (own(&shared, caller, id).await?, &shared.engine);
    let there = campaign.creatives.iter().find(|one| one.id.0 == creative).ok_or_else(Problem::not_found)?;
    running(&campaign)?;
    let change = read(&body, caller, there.status)?;
    let of = (campaign.id, expected.0);
    let done = engine.ports.campaigns.change_creative(of, there.id, &change, engine.now()).await;
    done.map_err(|error| match error {
        StoreError::Constraint(_) => Problem::conflict(
            "last-creative",
            "a campaign keeps one active creative at least; end or pause the campaign itself",
        ),
        other => other.into(),
    })?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    answer(&shared, &campaign, there.id, &mut HttpResponse::Ok()).await
}

fn read(body: &CreativeChangeBody, caller: Caller, there: CreativeStatus) -> Result<CreativeChange, Problem> {
    let (mut fields, mut change) = (Fields::default(), CreativeChange::default());
    if let Some(status) = &body.status {
        let status = CreativeStatus::from_code(status).filter(|status| *status != CreativeStatus::Review);
        change.status = fields.need("status", status, "active, paused or archived");
    }
    if let Some(weight) = body.weight {
        let weight = (1..=WEIGHT_MAX).contains(&weight).then_some(weight);
        change.weight = fields.need("weight", weight, "1 to 1000");
    }
    fields.end()?;
    if there == CreativeStatus::Archived {
        return Err(Problem::conflict("creative-archived", "an archived creative does not change any more"));
    }
    // Once it is out of review nothing brings it back in: a look at it before the change is enough.
    if there == CreativeStatus::Review && change.status.is_some_and(|to| to != CreativeStatus::Archived) {
        if caller.0 != Principal::Admin {
            return Err(Problem::conflict("creative-in-review", "an operator lets it out of review"));
        }
        let why = reason(body.reason.as_deref(), "approved")?;
        change.by = Some(ByHand { actor: caller.operator()?, reason: why });
    }
    Ok(change)
}

/// One creative, with the version of its campaign.
async fn answer(
    shared: &Shared,
    campaign: &Campaign,
    id: CreativeId,
    response: &mut actix_web::HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    let record = shared.engine.ports.campaigns.record(campaign.id).await?;
    let Recorded::Campaign(after) = &record.what else { return Err(Problem::not_found()) };
    let creative = after.creatives.iter().find(|one| one.id == id).ok_or_else(Problem::not_found)?;
    Ok(versioned(response, record.version).json(CreativeBody::of(creative)))
}
