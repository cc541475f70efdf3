//! `/api/brands/{id}/keys` and `/api/streamers/{id}/keys`: API keys in the hands of their owners.
//!
//! A key has a name, scopes and perhaps an end. Rotation makes a successor; the old key is good beside it for
//! a while and then dies by itself, on every node. What is revoked is dead within a second, its sockets with
//! it.

use super::Shared;
use super::account::{RevokeQuery, fresh};
use super::caller::Caller;
use super::key_body::{KeyBody, KeyView, KeysView, NameBody, RotateBody};
use super::problem::Problem;
use actix_web::dev::Payload;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::ports::{
    ByHand, Event, KEYS_MAX, KeyRefusal, KeyRow, KeyTerms, NewKey, Principal, StoreError, Successor, key_id,
};
use serde::Serialize;
use std::future::{Ready, ready};

/// Characters of a key's secret that may be shown: a tenth of it, far from what could be guessed.
const SHOWN: usize = 6;

/// Whose keys the path names, and who asks: the owner, or an operator.
pub(super) struct Keys {
    caller: Caller,
    owner: Principal,
}

impl FromRequest for Keys {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        ready(caller.and_then(|caller| Self::named(request, caller)))
    }
}

impl Keys {
    fn named(request: &HttpRequest, caller: Caller) -> Result<Self, Problem> {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        let id: i64 = id.ok_or_else(Problem::not_found)?;
        // The pattern, and not the path: what a client may write in more than one way is not looked at.
        let is_brand = request.match_pattern().is_some_and(|path| path.starts_with("/api/brands/"));
        let owner = if is_brand {
            caller.owns(BrandId(id))?;
            Principal::Brand(BrandId(id))
        } else {
            caller.is_streamer(StreamerId(id))?;
            Principal::Streamer(StreamerId(id))
        };
        Ok(Self { caller, owner })
    }

    /// Who stands in the record: an operator. What an owner does is their own.
    fn hand(&self, reason: String) -> Result<Option<ByHand>, Problem> {
        match self.caller.0 {
            Principal::Admin => Ok(Some(ByHand { actor: self.caller.operator()?, reason })),
            _ => Ok(None),
        }
    }

    /// A key of the owner that is good now.
    async fn one(&self, shared: &Shared, id: &str) -> Result<KeyRow, Problem> {
        let keys = shared.engine.ports.accounts.keys_of(self.owner, shared.engine.now()).await?;
        keys.into_iter().find(|key| key_id(&key.hash) == id).ok_or_else(Problem::not_found)
    }
}

fn answer(status: &mut actix_web::HttpResponseBuilder, view: impl Serialize) -> HttpResponse {
    status.insert_header(("cache-control", "no-store")).json(view)
}

/// Up to its last `_`, and a few characters more.
pub(super) fn mask(key: &str) -> Option<String> {
    let (kind, secret) = key.rsplit_once('_')?;
    let (shown, _) = secret.split_at_checked(SHOWN)?;
    Some(format!("{kind}_{shown}…"))
}

/// Makes a key, here at once and on other nodes within a second.
pub(super) async fn make(shared: &Shared, new: &NewKey, by: Option<&ByHand>) -> Result<KeyRow, Problem> {
    let (engine, now) = (&shared.engine, shared.engine.now());
    let issued = engine.ports.accounts.issue_key(new, by, now).await.map_err(|error| match error {
        StoreError::Constraint(_) => Problem::not_found(),
        other => other.into(),
    })?;
    issued.map_err(refused)?;
    let terms = KeyTerms {
        scopes: new.scopes.unwrap_or(new.holder.scopes()),
        expires: new.expires,
        ..new.holder.into()
    };
    engine.keyring.add([(new.hash, terms)]);
    engine.ports.bus.publish(Event::KeyChanged(new.hash));
    Ok(KeyRow {
        hash: new.hash,
        terms,
        label: new.name.clone(),
        masked: new.masked.clone(),
        created: now,
        used: None,
        successor: None,
        revoked: None,
    })
}

fn refused(refusal: KeyRefusal) -> Problem {
    match refusal {
        KeyRefusal::TooMany => Problem::conflict(
            "too-many-keys",
            format!("an owner has at most {KEYS_MAX} keys; revoke one that is not used"),
        ),
        KeyRefusal::Replaced => {
            Problem::conflict("key-replaced", "this key has a successor; rotate that one, or revoke this one")
        }
    }
}

pub(super) async fn list(shared: Data<Shared>, keys: Keys) -> Result<HttpResponse, Problem> {
    let items = shared.engine.ports.accounts.keys_of(keys.owner, shared.engine.now()).await?;
    Ok(answer(&mut HttpResponse::Ok(), KeysView { items: items.iter().map(KeyView::of).collect() }))
}

pub(super) async fn add(
    shared: Data<Shared>,
    keys: Keys,
    request: HttpRequest,
    body: Json<KeyBody>,
) -> Result<HttpResponse, Problem> {
    let wish = body.read(keys.owner, shared.engine.now())?;
    let hand = keys.hand(body.reason()?)?;
    let scopes = wish.granted(keys.caller, keys.owner)?;
    let kind = if matches!(keys.owner, Principal::Brand(_)) { "brand" } else { "streamer" };
    let (key, hash) = fresh(&shared, kind);
    let (holder, masked) = (keys.owner, mask(&key));
    let new = NewKey { hash, holder, name: wish.name, masked, scopes, expires: wish.expires };
    let row = make(&shared, &new, hand.as_ref()).await?;
    let mut status = HttpResponse::Created();
    status.insert_header(("location", format!("{}/{}", request.path(), key_id(&row.hash))));
    Ok(answer(&mut status, KeyView::of(&row).with_key(key)))
}

pub(super) async fn show(
    shared: Data<Shared>,
    keys: Keys,
    path: Path<(i64, String)>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(&mut HttpResponse::Ok(), KeyView::of(&keys.one(&shared, &path.1).await?)))
}

pub(super) async fn rename(
    shared: Data<Shared>,
    keys: Keys,
    path: Path<(i64, String)>,
    body: Json<NameBody>,
) -> Result<HttpResponse, Problem> {
    let (name, reason) = body.read()?;
    let (hand, row) = (keys.hand(reason)?, keys.one(&shared, &path.1).await?);
    let (engine, accounts) = (&shared.engine, &shared.engine.ports.accounts);
    accounts.rename_key(row.hash, &name, hand.as_ref(), engine.now()).await?;
    Ok(answer(&mut HttpResponse::Ok(), KeyView::of(&KeyRow { label: name, ..row })))
}

pub(super) async fn rotate(
    shared: Data<Shared>,
    keys: Keys,
    path: Path<(i64, String)>,
    body: Json<RotateBody>,
) -> Result<HttpResponse, Problem> {
    let (overlap, reason) = body.read()?;
    let (hand, old) = (keys.hand(reason)?, keys.one(&shared, &path.1).await?);
    // Whoever rotates it sees the successor, and may do with it what it may do.
    if let Some(beyond) = old.terms.scopes.beyond(keys.caller.scopes()) {
        return Err(Problem::out_of_scope(beyond));
    }
    let kind = if matches!(keys.owner, Principal::Brand(_)) { "brand" } else { "streamer" };
    let (key, hash) = fresh(&shared, kind);
    let (engine, now) = (&shared.engine, shared.engine.now());
    let next = Successor { old: old.hash, hash, masked: mask(&key), overlap };
    let rotated = engine.ports.accounts.rotate_key(&next, hand.as_ref(), now).await?;
    let row = rotated.map_err(refused)?;
    let replaced = KeyTerms { replaced: Some(now + overlap), ..old.terms };
    engine.keyring.add([(row.hash, row.terms), (old.hash, replaced)]);
    for hash in [row.hash, old.hash] {
        engine.ports.bus.publish(Event::KeyChanged(hash));
    }
    Ok(answer(&mut HttpResponse::Created(), KeyView::of(&row).with_key(key)))
}

pub(super) async fn revoke(
    shared: Data<Shared>,
    keys: Keys,
    path: Path<(i64, String)>,
    query: Query<RevokeQuery>,
) -> Result<HttpResponse, Problem> {
    let (hand, row) = (keys.hand(query.reason()?)?, keys.one(&shared, &path.1).await?);
    let (engine, now) = (&shared.engine, shared.engine.now());
    engine.ports.accounts.revoke_key(row.hash, hand.as_ref(), now).await?;
    engine.keyring.revoke(&row.hash, now);
    engine.ports.bus.publish(Event::KeyRevoked(row.hash));
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_the_kind_of_a_key_and_its_first_six_characters() {
        assert_eq!(mask("gt_demo_brand_0123456789abcdef").as_deref(), Some("gt_demo_brand_012345…"));
        for odd in ["", "gt", "gt_", "gt_abc", "gt_aéééé"] {
            assert!(mask(odd).is_none_or(|masked| masked.len() < 16), "{odd}");
        }
    }
}
