//! `/api/streamers`: what was shown on a stream, and why the rest was not.

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use super::wire::{MoneyBody, PageBody, rfc3339};
use crate::world::new_key;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Event, PlayRecord, Principal};
use serde::{Deserialize, Serialize};

/// Plays on a page, unless asked otherwise.
const PAGE: u32 = 50;
/// Plays on a page at most.
const PAGE_MAX: u32 = 200;

#[derive(Deserialize)]
pub(super) struct PlaysQuery {
    before: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
struct PlayView {
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

#[derive(Serialize)]
struct RotatedView {
    overlay_key: String,
    overlay_url: String,
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

/// A new key for the overlay's address. The old one is dead at once, and its pages with it: a key
/// that was seen on stream is of no use a second later.
pub(super) async fn rotate(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = StreamerId(*id);
    caller.is_streamer(id)?;
    let engine = &shared.engine;
    if !engine.streamers.contains_key(&id) {
        return Err(Problem::not_found());
    }
    let (holder, now) = (Principal::Overlay(id), engine.now());
    let old = engine.keyring.of(holder);
    let key = new_key(if engine.numbers.demo { "demo_overlay" } else { "overlay" });
    let hash = Keyring::hash(&key);
    engine.ports.accounts.add_key(hash, holder, "rotated", now).await?;
    engine.keyring.add([(hash, holder)]);
    for hash in old {
        engine.ports.accounts.revoke_key(hash, None, now).await?;
        engine.ports.bus.publish(Event::KeyRevoked(hash));
    }
    let overlay_url = format!("{}/overlay/#k={key}", shared.public_url);
    let body = RotatedView { overlay_key: key, overlay_url };
    Ok(HttpResponse::Created().insert_header(("cache-control", "no-store")).json(body))
}

pub(super) async fn plays(
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
