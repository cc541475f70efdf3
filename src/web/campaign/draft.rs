//! Drafts: made, changed and replaced.

use super::{assets, record};
use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::campaign_body::CampaignBody;
use crate::web::campaign_view::RecordView;
use crate::web::etag::{IfMatch, versioned};
use crate::web::problem::Problem;
use crate::web::wire::{idempotency, idempotency_key};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::ports::{CampaignRecord, Draft, DraftStep, NewDraft, Recorded, Stage, StoreError};

/// How often a change of a draft is made again when somebody else was faster.
const TRIES: usize = 4;

/// Makes a draft, or a submission at once. With a key it is made once.
pub(super) async fn make(
    shared: &Shared,
    caller: Caller,
    request: &HttpRequest,
    (brand, stage, body): (BrandId, Stage, CampaignBody),
) -> Result<HttpResponse, Problem> {
    let engine = &shared.engine;
    let key = match request.headers().contains_key("idempotency-key") {
        true => Some(idempotency(&format!("brand:{brand}"), &idempotency_key(request)?, &body)?),
        false => None,
    };
    let row = {
        let assets = assets(shared, caller, &body).await?;
        body.row(brand, &assets, engine.now())?
    };
    let new = NewDraft { brand, stage, row };
    let made = engine.ports.campaigns.draft(&new, key.as_ref(), engine.now()).await?;
    let mut response = match stage {
        Stage::Draft => HttpResponse::Created(),
        Stage::Review => HttpResponse::Accepted(),
    };
    response.insert_header(("location", format!("/api/campaigns/{}", made.id)));
    Ok(versioned(&mut response, made.version).json(RecordView::of(&made)?))
}

/// A record as a draft that can be changed.
///
/// # Errors
/// It is launched, in review or archived: 409, each with its own type.
pub(super) fn changeable(record: &CampaignRecord) -> Result<&Draft, Problem> {
    match &record.what {
        _ if record.archived.is_some() => Err(archived()),
        Recorded::Campaign(_) => Err(launched()),
        Recorded::Draft(Draft { stage: Stage::Review, .. }) => Err(Problem::conflict(
            "campaign-in-review",
            "what is in review does not change; withdraw the submission first",
        )),
        Recorded::Draft(draft) => Ok(draft),
    }
}

/// 409: it is put away.
pub(super) fn archived() -> Problem {
    Problem::conflict("campaign-archived", "an archived campaign does not change any more")
}

/// 409: it is a draft no more.
pub(super) fn launched() -> Problem {
    Problem::conflict(
        "campaign-launched",
        "the campaign is launched; PATCH changes what can still be changed",
    )
}

/// Replaces a draft: what is left out is open again.
pub(in crate::web) async fn replace(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    expected: IfMatch,
    body: Json<CampaignBody>,
) -> Result<HttpResponse, Problem> {
    let (before, body) = (record(&shared, caller, *id).await?, body.into_inner());
    if body.brand_id.is_some_and(|brand| brand != before.brand.id.0) {
        return Err(Problem::forbidden("a campaign stays with its brand"));
    }
    rewrite(&shared, caller, (before, expected), |_| body.clone()).await
}

/// Makes of a draft what `change` makes of its body, and of nothing else: when somebody was faster it is done
/// again with what is there then, unless one version is meant.
pub(super) async fn rewrite(
    shared: &Shared,
    caller: Caller,
    (mut before, expected): (CampaignRecord, IfMatch),
    change: impl Fn(CampaignBody) -> CampaignBody,
) -> Result<HttpResponse, Problem> {
    let engine = &shared.engine;
    for _ in 0..TRIES {
        let draft = changeable(&before)?;
        if expected.0.is_some_and(|version| version != before.version) {
            return Err(Problem::changed());
        }
        let body = change(CampaignBody::kept(&draft.body)?);
        let assets = assets(shared, caller, &body).await?;
        let step = DraftStep::Change(body.row(before.brand.id, &assets, engine.now())?);
        match engine.ports.campaigns.step_draft(before.id, before.version, &step, engine.now()).await {
            Ok(after) => {
                return Ok(versioned(&mut HttpResponse::Ok(), after.version).json(RecordView::of(&after)?));
            }
            Err(StoreError::Changed) => before = record(shared, caller, before.id.0).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Unavailable("the draft changes all the time".to_owned()).into())
}
