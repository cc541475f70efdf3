//! `PATCH /api/campaigns/{id}`: what is left out stays as it is.

use super::{changed, draft, record};
use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::campaign_body::{
    CAPS, CampaignBody, CapBody, FlightBody, PACINGS, PricingBody, ROTATIONS, RequirementsBody, daily_cap,
};
use crate::web::creative_body::CreativeBody;
use crate::web::etag::IfMatch;
use crate::web::fields::{Fields, line};
use crate::web::problem::Problem;
use crate::web::targeting_body::TargetingBody;
use crate::web::wire::{MoneyBody, idempotency, idempotency_key, moment, present};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::campaign::{Campaign, PacingMode, Status};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::ports::{CampaignChange, Event, Recorded, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `PATCH /api/campaigns/{id}`: what is left out stays as it is. A draft can be changed in everything, a
/// campaign that was launched in some of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "CampaignChangeBody")]
pub(in crate::web) struct ChangeBody {
    /// 1 to 80 characters.
    name: Option<String>,
    /// active, paused or completed, which is final. A draft has none: it is submitted.
    status: Option<String>,
    /// The moment after the last, in RFC 3339.
    ends_at: Option<String>,
    /// even, asap or front_loaded.
    pacing: Option<String>,
    /// What may be spent in a day of UTC at most. Null takes the cap away.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    daily_cap: Option<Option<MoneyBody>>,
    /// How often it may play on one streamer.
    frequency_cap: Option<CapBody>,
    /// Which streams it wants. What is left out of it stays as well.
    targeting: Option<TargetingBody>,
    /// even, weighted or best.
    rotation: Option<String>,
    /// The new budget in all; once it is launched it can only grow, which needs an Idempotency-Key.
    budget: Option<MoneyBody>,
    /// What it asks of streamers. Null takes it away.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    requirements: Option<Option<RequirementsBody>>,
    /// Of a draft: what it advertises.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Of a draft: how it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<PricingBody>,
    /// Of a draft: when it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    flight: Option<FlightBody>,
    /// Of a draft: whether every streamer may play it.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    /// Of a draft: where a click leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    landing_url: Option<String>,
    /// Of a draft: all that may be shown. Those of a launched campaign are changed one by one, at
    /// `/api/campaigns/{id}/creatives`.
    #[serde(skip_serializing_if = "Option::is_none")]
    creatives: Option<Vec<CreativeBody>>,
}

/// Changes a campaign in any state.
pub(in crate::web) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    (id, expected): (Path<i64>, IfMatch),
    body: Json<ChangeBody>,
) -> Result<HttpResponse, Problem> {
    let before = record(&shared, caller, *id).await?;
    let Recorded::Campaign(campaign) = &before.what else {
        body.fits_draft(&before)?;
        return draft::rewrite(&shared, caller, (before, expected), |kept| body.over(kept)).await;
    };
    let engine = &shared.engine;
    let change = CampaignChange { version: expected.0, ..read(&body, campaign, &request)? };
    if before.archived.is_some() && !body.is_empty() {
        return Err(draft::archived());
    }
    let done = engine.ports.campaigns.change(before.id, &change, engine.now()).await;
    let (_, funds) = done.map_err(|error| match error {
        StoreError::Constraint(_) if change.budget.is_some() => Problem::conflict(
            "budget-shrinks",
            "a budget only grows here; release what is left of it, or end the campaign",
        ),
        other => other.into(),
    })?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    let after = engine.ports.campaigns.record(before.id).await?;
    changed(&shared, &mut HttpResponse::Ok(), (&after, &funds))
}

impl ChangeBody {
    fn is_empty(&self) -> bool {
        let text = |body: &Self| serde_json::to_string(body).unwrap_or_default();
        text(self) == text(&Self::default())
    }

    /// What a draft has not.
    fn fits_draft(&self, before: &gametriggers_actors::ports::CampaignRecord) -> Result<(), Problem> {
        draft::changeable(before)?;
        let mut fields = Fields::default();
        let none = |there: bool| (!there).then_some(());
        fields.need("status", none(self.status.is_some()), "nothing: POST .../submit brings a draft further");
        fields.need("ends_at", none(self.ends_at.is_some()), "nothing: a draft has a flight");
        fields.end()
    }

    /// What a launched campaign can not change any more.
    fn fits_launched(&self, fields: &mut Fields) {
        for (field, there) in [
            ("category", self.category.is_some()),
            ("pricing", self.pricing.is_some()),
            ("flight", self.flight.is_some()),
            ("open", self.open.is_some()),
            ("landing_url", self.landing_url.is_some()),
            ("creatives", self.creatives.is_some()),
        ] {
            fields.need(field, (!there).then_some(()), "nothing: it is fixed when the campaign is launched");
        }
    }

    /// What it makes of a draft.
    fn over(&self, kept: CampaignBody) -> CampaignBody {
        let body = self.clone();
        CampaignBody {
            brand_id: None,
            draft: false,
            name: body.name.or(kept.name),
            category: body.category.or(kept.category),
            pricing: body.pricing.or(kept.pricing),
            budget: body.budget.or(kept.budget),
            flight: body.flight.or(kept.flight),
            pacing: body.pacing.or(kept.pacing),
            daily_cap: body.daily_cap.unwrap_or(kept.daily_cap),
            frequency_cap: body.frequency_cap.unwrap_or(kept.frequency_cap),
            targeting: match body.targeting {
                Some(targeting) => targeting.over(kept.targeting),
                None => kept.targeting,
            },
            open: body.open.or(kept.open),
            landing_url: body.landing_url.or(kept.landing_url),
            rotation: body.rotation.or(kept.rotation),
            requirements: body.requirements.unwrap_or(kept.requirements),
            creatives: body.creatives.or(kept.creatives),
        }
    }
}

/// What is to change on a campaign that was launched.
fn read(body: &ChangeBody, campaign: &Campaign, request: &HttpRequest) -> Result<CampaignChange, Problem> {
    let mut fields = Fields::default();
    let mut change = CampaignChange::default();
    if let Some(name) = &body.name {
        change.name = fields.need("name", line(name, 1, 80), "1 to 80 characters");
    }
    if let Some(status) = &body.status {
        change.status = fields.need("status", Status::from_name(status), "active, paused or completed");
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
        change.cap = fields.need("frequency_cap", cap.read(), CAPS);
    }
    if let Some(targeting) = &body.targeting {
        change.targeting = targeting.read(&campaign.targeting, &mut fields);
    }
    if let Some(rotation) = &body.rotation {
        change.rotation = fields.need("rotation", Rotation::from_code(rotation), ROTATIONS);
    }
    if let Some(asked) = &body.requirements {
        change.requirements = Some(asked.as_ref().and_then(|asked| asked.read(&mut fields)));
    }
    body.fits_launched(&mut fields);
    fields.end()?;
    if campaign.status == Status::Ended && !body.is_empty() {
        return Err(Problem::conflict("campaign-ended", "an ended campaign does not change any more"));
    }
    if let Some(budget) = &body.budget {
        let wanted = budget.positive().filter(|money| money.currency == campaign.currency);
        let mut fields = Fields::default();
        let wanted = fields.need("budget", wanted, "an amount above zero in the campaign's currency");
        fields.end()?;
        let key = idempotency(&format!("campaign:{}", campaign.id), &idempotency_key(request)?, body)?;
        change.budget = wanted.map(|wanted| (wanted.amount, key));
    }
    Ok(change)
}
