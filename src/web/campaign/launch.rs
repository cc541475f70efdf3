//! From the draft to the campaign: submitted, withdrawn, approved, rejected.

use super::{assets, changed, draft, record};
use crate::web::Shared;
use crate::web::account_body::reason;
use crate::web::caller::Caller;
use crate::web::campaign_body::CampaignBody;
use crate::web::campaign_view::RecordView;
use crate::web::etag::{IfMatch, versioned};
use crate::web::fields::{Fields, line};
use crate::web::problem::Problem;
use crate::web::wallet_body::REASON_MAX;
use crate::web::wire::{idempotency, idempotency_key};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::ports::{
    ByHand, CampaignRecord, DraftStep, Event, Idempotency, Launch, Principal, Recorded, Stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /api/admin/campaigns/{id}/approve`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ApprovalBody {
    /// For the record, 1 to 200 characters.
    reason: Option<String>,
}

/// `POST /api/admin/campaigns/{id}/reject`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RejectionBody {
    /// Why, 1 to 200 characters: the brand is shown it.
    reason: String,
}

/// The key of a launch: whoever asks for it, it is one.
fn launch_key(id: i64, request: &HttpRequest) -> Result<Idempotency, Problem> {
    idempotency(&format!("campaign:{id}"), &idempotency_key(request)?, &("launch", id))
}

/// A record that is not launched; none when the same request launched it before, which is answered as it was
/// then.
async fn unlaunched(
    shared: &Shared,
    record: &CampaignRecord,
    (expected, key): (IfMatch, &Idempotency),
) -> Result<Option<HttpResponse>, Problem> {
    let campaigns = &shared.engine.ports.campaigns;
    if let Recorded::Campaign(_) = record.what {
        let (_, funds) = campaigns.launched(record.id, key).await?.ok_or_else(draft::launched)?;
        return changed(shared, &mut HttpResponse::Ok(), (record, &funds)).map(Some);
    }
    if record.archived.is_some() {
        return Err(draft::archived());
    }
    if expected.0.is_some_and(|version| version != record.version) {
        return Err(Problem::changed());
    }
    Ok(None)
}

/// Hands a draft in: it runs at once with its budget set aside, or waits in review where campaigns are
/// reviewed.
pub(in crate::web) async fn submit(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    expected: IfMatch,
) -> Result<HttpResponse, Problem> {
    let before = record(&shared, caller, *id).await?;
    let key = launch_key(*id, &request)?;
    if let Some(answer) = unlaunched(&shared, &before, (expected, &key)).await? {
        return Ok(answer);
    }
    let engine = &shared.engine;
    let submitted = match &before.what {
        Recorded::Draft(there) if there.stage == Stage::Draft => {
            if !shared.review || caller.0 == Principal::Admin {
                return launch(&shared, caller, &before, (None, &key)).await;
            }
            // Whatever is missing is said now, and not when an operator has looked at it.
            let body = CampaignBody::kept(&there.body)?;
            body.read(before.brand.id, &assets(&shared, caller, &body).await?, engine.now())?;
            let step = DraftStep::Submit;
            engine.ports.campaigns.step_draft(before.id, before.version, &step, engine.now()).await?
        }
        // It waits already.
        _ => before,
    };
    let mut response = HttpResponse::Accepted();
    Ok(versioned(&mut response, submitted.version).json(RecordView::of(&submitted)?))
}

/// Makes a campaign of a draft, in the version that was looked at.
async fn launch(
    shared: &Shared,
    caller: Caller,
    before: &CampaignRecord,
    (by, key): (Option<ByHand>, &Idempotency),
) -> Result<HttpResponse, Problem> {
    let (engine, Recorded::Draft(there)) = (&shared.engine, &before.what) else {
        return Err(draft::launched());
    };
    let body = CampaignBody::kept(&there.body)?;
    let new = body.read(before.brand.id, &assets(shared, caller, &body).await?, engine.now())?;
    let launch = Launch { campaign: before.id, stage: there.stage, version: before.version, new, by };
    let (campaign, funds) = engine.ports.campaigns.launch(&launch, key, engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    let after = engine.ports.campaigns.record(campaign.id).await?;
    changed(shared, &mut HttpResponse::Ok(), (&after, &funds))
}

/// Takes a submission back: it is a draft again.
pub(in crate::web) async fn withdraw(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    expected: IfMatch,
) -> Result<HttpResponse, Problem> {
    let before = record(&shared, caller, *id).await?;
    step_back(&shared, &before, (expected, DraftStep::Withdraw)).await
}

/// Sends a submission back to its brand, with the reason.
pub(in crate::web) async fn reject(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    expected: IfMatch,
    body: Json<RejectionBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let before = record(&shared, caller, *id).await?;
    let mut fields = Fields::default();
    let said = fields.need("reason", line(&body.reason, 1, REASON_MAX), "1 to 200 characters");
    fields.end()?;
    let hand = ByHand { actor, reason: said.unwrap_or_default() };
    step_back(&shared, &before, (expected, DraftStep::Reject(hand))).await
}

async fn step_back(
    shared: &Shared,
    before: &CampaignRecord,
    (expected, step): (IfMatch, DraftStep),
) -> Result<HttpResponse, Problem> {
    in_review(before)?;
    let engine = &shared.engine;
    let version = expected.0.unwrap_or(before.version);
    let after = engine.ports.campaigns.step_draft(before.id, version, &step, engine.now()).await?;
    Ok(versioned(&mut HttpResponse::Ok(), after.version).json(RecordView::of(&after)?))
}

fn in_review(record: &CampaignRecord) -> Result<(), Problem> {
    match &record.what {
        Recorded::Draft(there) if there.stage == Stage::Review => Ok(()),
        _ => Err(Problem::conflict("campaign-not-in-review", "the campaign is not in review")),
    }
}

/// Lets a submission through: it runs, with its budget set aside. When the wallet is short it stays in
/// review.
pub(in crate::web) async fn approve(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    (id, expected): (Path<i64>, IfMatch),
    body: Option<Json<ApprovalBody>>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let before = record(&shared, caller, *id).await?;
    let key = launch_key(CampaignId(*id).0, &request)?;
    if let Some(answer) = unlaunched(&shared, &before, (expected, &key)).await? {
        return Ok(answer);
    }
    in_review(&before)?;
    let why = body.as_ref().and_then(|body| body.reason.as_deref());
    let hand = ByHand { actor, reason: reason(why, "approved")? };
    launch(&shared, caller, &before, (Some(hand), &key)).await
}
