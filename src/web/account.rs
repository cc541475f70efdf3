//! `/api/admin`: accounts and keys, which an operator opens and revokes while the server runs.
//!
//! A new key works when the answer is there, and within a second on the other nodes; a revoked one is dead as
//! soon, and its sockets with it. Keys are named by the start of their hash: nobody can show a key again.

use super::Shared;
use super::account_body::{
    BrandBody, HolderBody, KeyView, OpenedView, OperatorBody, ProfileBody, ProfileView, StreamerBody,
};
use super::caller::Caller;
use super::json::Json;
use super::key::{make, mask};
use super::key_body::Wish;
use super::listing::is_full;
use super::problem::{FieldError, Problem};
use super::schema::{KeyId, Line};
use super::wire::{PageBody, limit};
use crate::world::new_key;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::streamer::Settings;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{
    ByHand, Event, KeyHash, NewAccount, NewKey, NewStreamer, Principal, StoreError, key_id,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Keys on a page, unless asked otherwise.
const PAGE: u32 = 100;
/// Keys on a page at most.
const PAGE_MAX: u32 = 1000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysQuery {
    /// The `next` of the page before.
    #[schemars(with = "Option<KeyId>")]
    after: Option<String>,
    /// Keys on a page; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// Why a key is revoked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeQuery {
    /// In the words of an operator, for the record.
    #[schemars(with = "Option<Line<200>>")]
    reason: Option<String>,
}

impl RevokeQuery {
    /// Why, or that it was.
    ///
    /// # Errors
    /// The field is refused.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        super::account_body::reason(self.reason.as_deref(), "revoked")
    }
}

fn created(view: &OpenedView) -> HttpResponse {
    HttpResponse::Created().insert_header(("cache-control", "no-store")).json(view)
}

pub(super) async fn add_brand(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<BrandBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (name, reason) = body.read()?;
    let (key, hash) = fresh(&shared, "brand");
    let new = NewAccount::Brand { name, key: hash };
    let holder = open(&shared, &new, &ByHand { actor, reason }, &[hash]).await?;
    Ok(created(&OpenedView::of(holder, hash).with_key(key)))
}

pub(super) async fn add_streamer(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<StreamerBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (profile, reason) = body.read()?;
    let ((key, hash), (overlay_key, overlay)) = (fresh(&shared, "streamer"), fresh(&shared, "overlay"));
    let new = NewStreamer { profile, settings: Settings::default(), key: hash, overlay_key: overlay };
    let (new, hand) = (NewAccount::Streamers(vec![new]), ByHand { actor, reason });
    let holder = open(&shared, &new, &hand, &[hash, overlay]).await?;
    let view = OpenedView::of(holder, hash).with_pages(&shared.public_url, &key, &overlay_key);
    Ok(created(&view.with_key(key)))
}

/// What targeting looks at. The bridge of every node hears of it and tells the streamer's actor.
pub(super) async fn change_streamer(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ProfileBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (id, engine) = (StreamerId(*id), &shared.engine);
    let accounts = &engine.ports.accounts;
    let (change, reason) = body.read(&accounts.streamer(id).await?.profile)?;
    let changed = accounts.change_profile(id, &change, &ByHand { actor, reason }, engine.now()).await?;
    engine.ports.bus.publish(Event::StreamerChanged(id));
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(ProfileView::of(&changed)))
}

pub(super) async fn add_operator(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<OperatorBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (wish, reason) = body.read(shared.engine.now())?;
    add_key_of(&shared, (caller, Principal::Admin), &wish, &ByHand { actor, reason }).await
}

pub(super) async fn add_key(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<HolderBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (holder, wish, reason) = body.read(shared.engine.now())?;
    add_key_of(&shared, (caller, holder), &wish, &ByHand { actor, reason }).await
}

async fn add_key_of(
    shared: &Shared,
    (caller, holder): (Caller, Principal),
    wish: &Wish,
    hand: &ByHand,
) -> Result<HttpResponse, Problem> {
    let scopes = wish.granted(caller, holder)?;
    let kind = match holder {
        Principal::Brand(_) => "brand",
        Principal::Streamer(_) => "streamer",
        Principal::Overlay(_) => "overlay",
        Principal::Admin => "admin",
    };
    let (key, hash) = fresh(shared, kind);
    let (name, masked) = (wish.name.clone(), mask(&key));
    let new = NewKey { hash, holder, name, masked, scopes, expires: wish.expires };
    make(shared, &new, Some(hand)).await?;
    Ok(created(&OpenedView::of(holder, hash).with_key(key)))
}

/// A new key and its hash.
pub(super) fn fresh(shared: &Shared, kind: &str) -> (String, KeyHash) {
    let key = new_key(&format!("{}{kind}", if shared.engine.numbers.demo { "demo_" } else { "" }));
    let hash = Keyring::hash(&key);
    (key, hash)
}

/// Opens it, here at once and on other nodes within a second.
async fn open(
    shared: &Shared,
    new: &NewAccount,
    hand: &ByHand,
    keys: &[KeyHash],
) -> Result<Principal, Problem> {
    let engine = &shared.engine;
    let accounts = &engine.ports.accounts;
    let holders = accounts.open_account(new, hand, engine.now()).await.map_err(|error| match error {
        StoreError::Constraint(_) => Problem::not_found(),
        other => other.into(),
    })?;
    let holder = *holders.first().ok_or_else(Problem::unavailable)?;
    let holders = match (new, holder) {
        (NewAccount::Streamers(_), Principal::Streamer(id)) => {
            engine.streamers.insert(id, accounts.streamer(id).await?);
            vec![holder, Principal::Overlay(id)]
        }
        _ => holders,
    };
    engine.keyring.add(keys.iter().copied().zip(holders));
    engine.ports.bus.publish(Event::AccountsChanged);
    Ok(holder)
}

pub(super) async fn keys(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<KeysQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let after = query.after.as_deref().map(|id| begin(id, 0xff).ok_or_else(unknown_key)).transpose()?;
    let limit = limit(query.limit, (PAGE, PAGE_MAX))?;
    let keys = shared.engine.ports.accounts.key_page(after, limit).await?;
    let full = is_full(&keys, limit);
    let next = keys.last().filter(|_| full).map(|key| key_id(&key.hash));
    let page = PageBody { items: keys.iter().map(KeyView::of).collect(), next };
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(page))
}

pub(super) async fn revoke(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<String>,
    query: Query<RevokeQuery>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let hand = ByHand { actor, reason: query.reason()? };
    let engine = &shared.engine;
    let first = begin(&id, 0).ok_or_else(Problem::not_found)?;
    let found = engine.ports.accounts.key_page(Some(first), 1).await?;
    let found = found.first().filter(|key| key_id(&key.hash) == *id).ok_or_else(Problem::not_found)?;
    let now = engine.now();
    engine.ports.accounts.revoke_key(found.hash, Some(&hand), now).await?;
    engine.keyring.revoke(&found.hash, now);
    engine.ports.bus.publish(Event::KeyRevoked(found.hash));
    Ok(HttpResponse::NoContent().finish())
}

fn unknown_key() -> Problem {
    let message = "the key_id that ended the last page".to_owned();
    Problem::invalid(vec![FieldError { field: "after".to_owned(), message }])
}

/// The first or the last hash of a key's id, as the remaining bytes say.
fn begin(id: &str, rest: u8) -> Option<KeyHash> {
    let mut hash = [rest; 32];
    if id.len() != 16 || !id.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().take(8).enumerate() {
        *byte = u8::from_str_radix(id.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}
