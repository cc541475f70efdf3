//! `/api/brands/{id}/blocklist`: the streamers that a brand wants on none of its campaigns.
//!
//! Each campaign may block more by itself. A change is in force within a second on every node; what is on
//! screen by then goes on.

use super::Shared;
use super::account_body::reason;
use super::caller::Caller;
use super::fields::Fields;
use super::json::Json;
use super::problem::Problem;
use super::schema::{Id, Line, Moment};
use super::targeting_body::blocked;
use super::wire::rfc3339;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::ports::{Blocklist, ByHand, Event, Principal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlocklistBody {
    /// All of them, in any order.
    #[schemars(with = "Vec<Id>", length(max = 1000), example = [1])]
    blocked_streamers: Vec<i64>,
    /// Why an operator does it, for the record.
    #[schemars(with = "Option<Line<200>>", example = &"asked for by the brand")]
    reason: Option<String>,
}

/// The streamers that a brand blocks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BlocklistView {
    /// The brand.
    #[schemars(with = "Id")]
    brand_id: i64,
    /// By ascending id.
    #[schemars(with = "Vec<Id>", length(max = 1000))]
    blocked_streamers: Vec<i64>,
    /// Null when it was never set.
    #[schemars(with = "Option<Moment>")]
    updated_at: Option<String>,
}

fn answer(brand: BrandId, list: &Blocklist) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(BlocklistView {
        brand_id: brand.0,
        blocked_streamers: list.streamers.iter().map(|streamer| streamer.0).collect(),
        updated_at: list.updated.map(rfc3339),
    })
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let brand = BrandId(*id);
    caller.owns(brand)?;
    Ok(answer(brand, &shared.engine.ports.campaigns.blocklist(brand).await?))
}

pub(super) async fn set(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<BlocklistBody>,
) -> Result<HttpResponse, Problem> {
    let (brand, engine) = (BrandId(*id), &shared.engine);
    caller.owns(brand)?;
    let mut fields = Fields::default();
    let list =
        fields.need("blocked_streamers", blocked(&body.blocked_streamers), "at most 1000 ids of streamers");
    fields.end()?;
    let reason = reason(body.reason.as_deref(), "the blocklist of a brand")?;
    let hand = match caller.0 {
        Principal::Admin => Some(ByHand { actor: caller.operator()?, reason }),
        _ => None,
    };
    let list = list.unwrap_or_default();
    let set = engine.ports.campaigns.set_blocklist(brand, &list, hand.as_ref(), engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(answer(brand, &set))
}
