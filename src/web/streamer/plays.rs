//! `/api/streamers/{id}/plays`: what was shown on a stream, and why the rest was not.

use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::problem::Problem;
use crate::web::wire::{MoneyBody, PageBody, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::ports::PlayRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Plays on a page, unless asked otherwise.
const PAGE: u32 = 50;
/// Plays on a page at most.
const PAGE_MAX: u32 = 200;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct PlaysQuery {
    before: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct PlayView {
    play_id: String,
    at: String,
    campaign_id: i64,
    creative_id: i64,
    outcome: &'static str,
    reason: Option<&'static str>,
    viewers: u32,
    price: MoneyBody,
    earned: MoneyBody,
    click_code: Option<String>,
}

impl PlayView {
    fn of(play: &PlayRecord) -> Self {
        Self {
            play_id: play.play.to_string(),
            at: rfc3339(play.at),
            campaign_id: play.campaign.0,
            creative_id: play.creative.0,
            outcome: play.outcome.code(),
            reason: play.reason.map(|reason| reason.code()),
            viewers: play.viewers,
            price: MoneyBody::of(play.split.price, play.currency),
            earned: MoneyBody::of(play.split.earn, play.currency),
            click_code: play.click_code.as_ref().map(ToString::to_string),
        }
    }
}

pub(in crate::web) async fn plays(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<PlaysQuery>,
) -> Result<HttpResponse, Problem> {
    let id = StreamerId(*id);
    caller.is_streamer(id)?;
    let before = query.before.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Problem::malformed("before is the play_id that ended the last page"))?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let plays = shared.engine.ports.log.recent(id, before, limit).await?;
    let full = plays.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = plays.last().filter(|_| full).map(|play| play.play.to_string());
    Ok(HttpResponse::Ok().json(PageBody { items: plays.iter().map(PlayView::of).collect(), next }))
}
