//! `/api/streamers/{id}/overlay-keys` and `.../overlay-key`: the keys in the addresses of a streamer's
//! overlays. One for each scene or canvas, so that one that was seen on stream can go alone.

use super::Shared;
use super::caller::Caller;
use super::fields::{Fields, line};
use super::problem::Problem;
use super::wire::rfc3339;
use crate::world::new_key;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Event, KeyHash, OverlayKey, Principal, StoreResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Keys that a streamer may have at once.
const KEYS_MAX: usize = 20;

/// A key by its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NameBody {
    name: String,
}

/// A key as it may be shown. Of keys that are older than the mask nothing may.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OverlayKeyView")]
pub(super) struct KeyView {
    key_id: String,
    name: String,
    prefix: Option<String>,
    last_four: Option<String>,
    created_at: String,
}

/// A key that was just made: the only time that it is shown.
#[derive(Serialize, JsonSchema)]
pub(super) struct NewKeyView {
    #[serde(flatten)]
    key: KeyView,
    overlay_key: String,
    overlay_url: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OverlayKeysView")]
pub(super) struct KeysView {
    items: Vec<KeyView>,
}

impl KeyView {
    fn of(key: &OverlayKey) -> Self {
        let (prefix, last_four) = key.masked.as_deref().and_then(|masked| masked.split_once('…')).unzip();
        Self {
            key_id: key_id(&key.hash),
            name: key.name.clone(),
            prefix: prefix.map(str::to_owned),
            last_four: last_four.map(str::to_owned),
            created_at: rfc3339(key.created),
        }
    }
}

/// The start of its hash: it says nothing about the key.
fn key_id(hash: &KeyHash) -> String {
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Up to its last `_`, and its last four characters.
fn mask(key: &str) -> Option<String> {
    let (kind, secret) = key.rsplit_once('_')?;
    let (_, last_four) = secret.split_at_checked(secret.len().checked_sub(4)?)?;
    Some(format!("{kind}_…{last_four}"))
}

fn answer(status: &mut actix_web::HttpResponseBuilder, body: impl Serialize) -> HttpResponse {
    status.insert_header(("cache-control", "no-store")).json(body)
}

/// A streamer that the caller may act for.
fn own(shared: &Shared, caller: Caller, id: i64) -> Result<StreamerId, Problem> {
    let id = StreamerId(id);
    caller.is_streamer(id)?;
    if shared.engine.streamers.contains_key(&id) { Ok(id) } else { Err(Problem::not_found()) }
}

async fn make(shared: &Shared, streamer: StreamerId, name: String) -> Result<HttpResponse, Problem> {
    let engine = &shared.engine;
    let key = new_key(if engine.numbers.demo { "demo_overlay" } else { "overlay" });
    let row = OverlayKey { hash: Keyring::hash(&key), name, masked: mask(&key), created: engine.now() };
    engine.ports.accounts.add_overlay_key(streamer, &row).await?;
    engine.keyring.add([(row.hash, Principal::Overlay(streamer))]);
    // Other nodes read it: the page may open there.
    engine.ports.bus.publish(Event::KeyChanged(row.hash));
    let overlay_url = format!("{}/overlay/#k={key}", shared.public_url);
    let body = NewKeyView { key: KeyView::of(&row), overlay_key: key, overlay_url };
    Ok(answer(&mut HttpResponse::Created(), body))
}

/// The key is dead, and its pages with it within a second.
async fn revoke(shared: &Shared, hash: KeyHash) -> StoreResult<()> {
    let engine = &shared.engine;
    engine.ports.accounts.revoke_key(hash, None, engine.now()).await?;
    engine.ports.bus.publish(Event::KeyRevoked(hash));
    Ok(())
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let streamer = own(&shared, caller, *id)?;
    let keys = shared.engine.ports.accounts.overlay_keys(streamer).await?;
    Ok(answer(&mut HttpResponse::Ok(), KeysView { items: keys.iter().map(KeyView::of).collect() }))
}

pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<NameBody>,
) -> Result<HttpResponse, Problem> {
    let streamer = own(&shared, caller, *id)?;
    let mut fields = Fields::default();
    let name = fields.need("name", line(&body.name, 1, 40), "1 to 40 characters");
    fields.end()?;
    let keys = shared.engine.ports.accounts.overlay_keys(streamer).await?;
    if keys.len() >= KEYS_MAX {
        return Err(Problem::conflict(
            "too-many-keys",
            format!("a streamer has at most {KEYS_MAX} overlay keys; delete one that is not used"),
        ));
    }
    make(&shared, streamer, name.unwrap_or_default()).await
}

pub(super) async fn delete(
    shared: Data<Shared>,
    caller: Caller,
    path: Path<(i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, wanted) = path.into_inner();
    let streamer = own(&shared, caller, id)?;
    let keys = shared.engine.ports.accounts.overlay_keys(streamer).await?;
    let key = keys.iter().find(|key| key_id(&key.hash) == wanted).ok_or_else(Problem::not_found)?;
    revoke(&shared, key.hash).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A new key in the place of all that there are: what was seen on stream is of no use a second later.
pub(super) async fn rotate(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let streamer = own(&shared, caller, *id)?;
    let old = shared.engine.ports.accounts.overlay_keys(streamer).await?;
    let made = make(&shared, streamer, "rotated".to_owned()).await?;
    for key in old {
        revoke(&shared, key.hash).await?;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_the_kind_of_a_key_and_its_last_four_characters() {
        assert_eq!(mask("gt_demo_overlay_0123456789abcdef").as_deref(), Some("gt_demo_overlay_…cdef"));
        for odd in ["", "gt", "gt_", "gt_abc", "gt_aé…é"] {
            assert!(mask(odd).is_none_or(|masked| masked.len() < 16), "{odd}");
        }
    }
}
