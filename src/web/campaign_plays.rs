//! `/api/campaigns/{id}/plays`: what became of each play of a campaign, as its brand sees it.

use super::Shared;
use super::brand::private;
use super::caller::Caller;
use super::campaign::own;
use super::fields::Fields;
use super::listing::limit;
use super::problem::Problem;
use super::wire::{MoneyBody, PageBody, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{PlayFilter, PlayOutcome, PlayRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/campaigns/{id}/plays`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct CampaignPlaysQuery {
    /// `shown`, `expired`, `skipped`, `failed`, `rejected` or `settled`.
    outcome: Option<String>,
    /// A name from the list of reasons.
    reason: Option<String>,
    /// The `next` of the last page.
    before: Option<String>,
    /// Plays on a page: 1 to 200, 50 when it is left out.
    limit: Option<u32>,
}

/// A play of a campaign.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct CampaignPlayView {
    /// A UUID that sorts by time.
    play_id: String,
    /// RFC 3339.
    at: String,
    /// On whose stream.
    streamer_id: i64,
    /// Their name.
    streamer_name: String,
    /// What was shown.
    creative_id: i64,
    /// How far it came.
    outcome: &'static str,
    /// Why it ended so.
    reason: Option<&'static str>,
    /// What the play itself costs if it is settled; clicks come on top.
    price: MoneyBody,
}

impl CampaignPlayView {
    fn of(play: &PlayRecord, engine: &Engine) -> Self {
        let name = engine.streamers.get(&play.streamer).map(|one| one.profile.name.to_string());
        Self {
            play_id: play.play.to_string(),
            at: rfc3339(play.at),
            streamer_id: play.streamer.0,
            streamer_name: name.unwrap_or_default(),
            creative_id: play.creative.0,
            outcome: play.outcome.code(),
            reason: play.reason.map(|reason| reason.code()),
            price: MoneyBody::of(play.split.price, play.currency),
        }
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<CampaignPlaysQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    let mut fields = Fields::default();
    let outcome = query.outcome.as_deref().and_then(|code| {
        let message = "shown, expired, skipped, failed, rejected or settled";
        fields.need("outcome", PlayOutcome::from_code(code), message)
    });
    let reason = query
        .reason
        .as_deref()
        .and_then(|code| fields.need("reason", Reason::from_code(code), "a name from the list of reasons"));
    let before = query
        .before
        .as_deref()
        .and_then(|id| fields.need("before", id.parse().ok(), "the next of the last page"));
    fields.end()?;
    let (log, of) = (&shared.engine.ports.log, PlayFilter { outcome, reason });
    let (plays, next) = log.of_campaign(campaign.id, of, before, limit(query.limit)).await?;
    let items = plays.iter().map(|play| CampaignPlayView::of(play, &shared.engine)).collect();
    Ok(private(&PageBody { items, next: next.map(|play| play.to_string()) }))
}
