//! `/api/streamers/{id}/plays`: what was shown on a stream, and why the rest was not.

use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::listing::{is_full, limit};
use crate::web::problem::Problem;
use crate::web::schema::{Id, Moment, OneOf, PlayText};
use crate::web::wire::{MoneyBody, PageBody, refused, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::ports::{PlayOutcome, PlayRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PlaysQuery {
    /// The `next` of the page before.
    #[schemars(with = "Option<PlayText>")]
    before: Option<String>,
    /// Plays on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// A play, as its streamer sees it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct PlayView {
    /// A UUID that sorts by time.
    #[schemars(with = "PlayText")]
    play_id: String,
    /// When it was decided.
    #[schemars(with = "Moment")]
    at: String,
    /// Of which campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// What was shown.
    #[schemars(with = "Id")]
    creative_id: i64,
    /// How far it came.
    #[schemars(with = "OneOf<PlayOutcome>", example = &"settled")]
    outcome: &'static str,
    /// Why it ended so.
    #[schemars(with = "Option<OneOf<Reason>>", example = &"too_short")]
    reason: Option<&'static str>,
    /// Who was watching.
    #[schemars(example = 840)]
    viewers: u32,
    /// What the brand pays for it if it is settled.
    #[schemars(example = MoneyBody::rupees(8))]
    price: MoneyBody,
    /// What the streamer gets of that.
    #[schemars(example = MoneyBody::rupees(5))]
    earned: MoneyBody,
    /// What its short link ends with, if it has one.
    #[schemars(example = &"k3v9")]
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
    let before = before.map_err(|_| refused("before", "the play_id that ended the last page"))?;
    let limit = limit(query.limit)?;
    let plays = shared.engine.ports.log.recent(id, before, limit).await?;
    let full = is_full(&plays, limit);
    let next = plays.last().filter(|_| full).map(|play| play.play.to_string());
    Ok(HttpResponse::Ok().json(PageBody { items: plays.iter().map(PlayView::of).collect(), next }))
}
