//! `/api/conflict-rules/overrides`: an operator lets a campaign pass what would block it, for a while.
//!
//! Each grant and each early end is on record, with its reason. An override that nobody ends expires by
//! itself, at its second, on every node.

use super::Shared;
use super::account_body::reason;
use super::caller::Caller;
use super::fields::{Fields, line};
use super::json::Json;
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{Id, Line, Moment, soon};
use super::wallet_body::REASON_MAX;
use super::wire::{PageBody, moment, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::conflict::OVERRIDE_MAX;
use gametriggers_actors::domain::id::{CampaignId, OverrideId, RuleId, StreamerId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{ByHand, Event, NewOverride, OverrideRecord, StoreError, StoreResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may pass, on whose stream, and until when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideBody {
    /// The campaign that may pass.
    #[schemars(with = "Id", example = 1)]
    campaign_id: i64,
    /// On whose stream; on all of them when left out.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// Which rule; all of them when left out, as in an emergency.
    #[schemars(with = "Option<Id>")]
    rule_id: Option<i64>,
    /// Why, for the record.
    #[schemars(with = "Line<200>", example = &"both brands share this launch event")]
    reason: String,
    /// When it ends by itself, within the next 30 days.
    #[schemars(with = "Moment", example = soon())]
    expires_at: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverridesQuery {
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    before: Option<i64>,
    /// Overrides on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeQuery {
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>")]
    reason: Option<String>,
}

/// An override, in force or over.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OverrideView {
    /// Its number.
    #[schemars(with = "Id")]
    id: i64,
    /// The campaign that may pass.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// On whose stream; null for all of them.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// Which rule; null for all of them.
    #[schemars(with = "Option<Id>")]
    rule_id: Option<i64>,
    /// Why it was granted.
    #[schemars(with = "Line<200>", example = &"both brands share this launch event")]
    reason: String,
    /// Who granted it: the start of an operator's key's hash, or `user:` and a number.
    #[schemars(example = &"9c56cc51")]
    granted_by: String,
    /// When it was granted.
    #[schemars(with = "Moment")]
    created_at: String,
    /// When it ends by itself.
    #[schemars(with = "Moment", example = &"2026-12-08T18:00:00Z")]
    expires_at: String,
    /// When it was ended by hand.
    #[schemars(with = "Option<Moment>")]
    revoked_at: Option<String>,
    /// Whether it lets anything pass right now.
    in_force: bool,
    /// How often it let something pass.
    #[schemars(example = 12)]
    times_used: u64,
}

impl OverrideView {
    fn of(record: &OverrideRecord, now: UnixMillis) -> Self {
        let terms = record.terms;
        Self {
            id: terms.id.0,
            campaign_id: terms.campaign.0,
            streamer_id: terms.streamer.map(|id| id.0),
            rule_id: terms.rule.map(|id| id.0),
            reason: record.reason.to_string(),
            granted_by: record.granted_by.to_string(),
            created_at: rfc3339(record.created),
            expires_at: rfc3339(terms.expires),
            revoked_at: record.revoked.map(rfc3339),
            in_force: record.revoked.is_none() && now < terms.expires,
            times_used: record.times_used,
        }
    }
}

impl OverrideBody {
    /// The override and why, when everything that it names is there.
    async fn read(&self, engine: &Engine) -> Result<(NewOverride, String), Problem> {
        let (now, mut fields) = (engine.now(), Fields::default());
        let why = fields.need("reason", line(&self.reason, 1, REASON_MAX), "1 to 200 characters");
        let fits = |at: &UnixMillis| now < *at && *at - now <= OVERRIDE_MAX;
        let expires = moment(&self.expires_at).filter(fits);
        let expires = fields.need("expires_at", expires, "a time of RFC 3339 within the next 30 days");
        let campaign = CampaignId(self.campaign_id);
        let there = is_there(engine.ports.campaigns.campaign(campaign).await.map(drop))?;
        fields.need("campaign_id", there, "there is no such campaign");
        let streamer = self.streamer_id.map(StreamerId);
        if let Some(id) = streamer {
            let there = is_there(engine.ports.accounts.streamer(id).await.map(drop))?;
            fields.need("streamer_id", there, "there is no such streamer");
        }
        let rule = self.rule_id.map(RuleId);
        if let Some(id) = rule {
            let there = is_there(engine.ports.rules.rule(id).await.map(drop))?;
            fields.need("rule_id", there, "there is no such rule");
        }
        fields.end()?;
        let (expires, why) = expires.zip(why).ok_or_else(|| Problem::malformed("a field is missing"))?;
        Ok((NewOverride { campaign, streamer, rule, expires }, why))
    }
}

fn is_there(found: StoreResult<()>) -> Result<Option<()>, Problem> {
    match found {
        Ok(()) => Ok(Some(())),
        Err(StoreError::NotFound) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<OverridesQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let engine = &shared.engine;
    let limit = limit(query.limit)?;
    let page = engine.ports.rules.override_page(query.before.map(OverrideId), limit).await?;
    let full = is_full(&page, limit);
    let next = page.last().filter(|_| full).map(|record| record.terms.id.to_string());
    let items = page.iter().map(|record| OverrideView::of(record, engine.now())).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next }))
}

pub(super) async fn grant(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<OverrideBody>,
) -> Result<HttpResponse, Problem> {
    let (actor, engine) = (caller.operator()?, &shared.engine);
    let (new, why) = body.read(engine).await?;
    let (hand, now) = (ByHand { actor, reason: why }, engine.now());
    let granted = engine.ports.rules.grant_override(&new, &hand, now).await.map_err(|error| match error {
        StoreError::Constraint(_) => Problem::conflict(
            "too-many-overrides",
            "there are as many overrides in force as there may be; revoke one",
        ),
        other => other.into(),
    })?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    let location = format!("/api/conflict-rules/overrides/{}", granted.terms.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(OverrideView::of(&granted, now)))
}

pub(super) async fn revoke(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<RevokeQuery>,
) -> Result<HttpResponse, Problem> {
    let (actor, engine) = (caller.operator()?, &shared.engine);
    let hand = ByHand { actor, reason: reason(query.reason.as_deref(), "revoked")? };
    engine.ports.rules.revoke_override(OverrideId(*id), &hand, engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(HttpResponse::NoContent().finish())
}
