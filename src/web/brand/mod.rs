//! `/api/brands`: who advertises. A brand says what it is, asks to be verified, and sees what operators did
//! to it; operators see all brands, decide, and archive.

mod details;
mod view;

use self::details::BrandDetails;
pub(super) use self::details::{BrandPatch, check_list, language, text, web_address};
use self::view::details;
pub(super) use self::view::{BrandLine, BrandView};
use super::Shared;
use super::account_body::reason;
use super::archive::{ArchiveBody, set_archived};
use super::caller::Caller;
use super::etag::{IfMatch, TRIES, answer, versioned};
use super::fields::{Fields, line};
use super::listing::{Sort, begin, limit, page, part};
use super::patch::{Patch, merge};
use super::problem::{FieldError, Problem};
use super::schema::{Line, OneOf, Text};
use super::wallet_body::REASON_MAX;
use super::wire::PageBody;
use crate::web::json::Json;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::vetting::{Vetted, Vetting};
use gametriggers_actors::ports::{
    BrandDraft, BrandFilter, BrandRecord, ByHand, DETAILS_BYTES_MAX, Details, Event, OnRecord, Owner,
    Principal, StoreError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which brands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct BrandsQuery {
    /// Part of the name.
    #[schemars(with = "Option<Line<80>>")]
    q: Option<String>,
    /// Only those that came so far.
    #[schemars(with = "Option<OneOf<Vetting>>")]
    verification: Option<String>,
    /// Only those that are archived, or only the others; all when it is left out.
    #[schemars(extend("enum" = ["active", "archived"]))]
    status: Option<String>,
    /// The order, with a minus for the largest first; `id` when it is left out.
    #[schemars(with = "Option<OneOf<Sort>>")]
    sort: Option<String>,
    /// The `next` of the page before, in the same order.
    #[serde(alias = "cursor")]
    #[schemars(with = "Option<Text<1024>>")]
    after: Option<String>,
    /// Brands on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// What an operator decides about a brand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DecisionBody {
    /// What was decided.
    #[schemars(extend("enum" = ["verified", "rejected"]), example = &"verified")]
    status: String,
    /// Why. The brand reads it.
    #[schemars(with = "Line<200>", example = &"papers seen")]
    reason: String,
}

/// Whether only those that are archived are asked for, or only the others.
pub(super) fn archived(status: Option<&str>, fields: &mut Fields) -> Option<bool> {
    let known = match status {
        None => return None,
        Some("active") => Some(false),
        Some("archived") => Some(true),
        Some(_) => None,
    };
    fields.need("status", known, "active or archived")
}

/// The state of a verification that is asked for.
pub(super) fn vetting(code: Option<&str>, fields: &mut Fields) -> Option<Vetting> {
    let message = "unverified, pending, verified or rejected";
    code.and_then(|code| fields.need("verification", Vetting::from_code(code), message))
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<BrandsQuery>,
) -> Result<HttpResponse, Problem> {
    let profiles = &shared.engine.ports.profiles;
    let mut fields = Fields::default();
    let of = BrandFilter {
        part: part(query.q.as_deref(), &mut fields),
        verification: vetting(query.verification.as_deref(), &mut fields),
        archived: archived(query.status.as_deref(), &mut fields),
    };
    let from = begin(query.sort.as_deref(), query.after.as_deref(), &mut fields);
    fields.end()?;
    let (from, limit) = (from.ok_or_else(Problem::not_found)?, limit(query.limit)?);
    if let Principal::Brand(own) = caller.0 {
        let items = vec![BrandLine::of(&profiles.brand_record(own).await?)];
        return Ok(private(&PageBody { items, next: None }));
    }
    caller.operator()?;
    let brands = profiles.brand_page(&of, &from, limit).await?;
    Ok(private(&page(
        &brands,
        (&from, limit),
        |one| (one.id.0, one.name.clone(), one.created),
        BrandLine::of,
    )))
}

/// An answer that nobody keeps.
pub(super) fn private(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view)
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    caller.owns(BrandId(*id))?;
    let record = shared.engine.ports.profiles.brand_record(BrandId(*id)).await?;
    Ok(answer(&request, record.version, BrandView::of(&record)?))
}

fn shown(record: &BrandRecord) -> Result<HttpResponse, Problem> {
    Ok(versioned(&mut HttpResponse::Ok(), record.version).json(BrandView::of(record)?))
}

/// Changes a brand: `edit` says what is to become of what is there. When somebody else changes it
/// meanwhile, it is asked again, unless the change is meant for one version only.
async fn edit(
    shared: &Shared,
    id: BrandId,
    (if_match, record): (IfMatch, Option<&OnRecord>),
    edit: impl Fn(&BrandRecord) -> Result<BrandDraft, Problem>,
) -> Result<(BrandRecord, BrandRecord), Problem> {
    let (engine, profiles) = (&shared.engine, &shared.engine.ports.profiles);
    for _ in 0..TRIES {
        let before = profiles.brand_record(id).await?;
        if if_match.0.is_some_and(|version| version != before.version) {
            return Err(Problem::changed());
        }
        match profiles.change_brand(id, &edit(&before)?, record, engine.now()).await {
            Err(StoreError::Changed) if if_match.0.is_none() => {}
            done => return Ok((before, done?)),
        }
    }
    Err(Problem::unavailable())
}

/// The brand as it was read, to be changed.
fn draft(before: &BrandRecord, vetted: Vetted) -> BrandDraft {
    BrandDraft { version: before.version, name: before.name.clone(), details: before.details.clone(), vetted }
}

/// A document, if it is not too large.
pub(super) fn document(value: &Value) -> Result<Details, Problem> {
    let text = value.to_string();
    if text.len() > DETAILS_BYTES_MAX {
        return Err(Problem::too_large(format!(
            "all details together have at most {DETAILS_BYTES_MAX} bytes"
        )));
    }
    Ok(Details(text.into()))
}

/// The groups that a patch names, for the record.
pub(super) fn groups(sent: &Value) -> String {
    let names = sent.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str);
    names.filter(|name| *name != "reason").collect::<Vec<_>>().join(", ")
}

/// Who changes it by hand, if an operator does.
pub(super) fn by_hand(
    caller: Caller,
    said: Option<&str>,
    (action, usual): (&'static str, &str),
    detail: String,
) -> Result<Option<OnRecord>, Problem> {
    let reason = reason(said, usual)?;
    if caller.0 != Principal::Admin {
        return Ok(None);
    }
    Ok(Some(OnRecord { action, detail, hand: ByHand { actor: caller.operator()?, reason } }))
}

pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<Patch<BrandPatch>>,
) -> Result<HttpResponse, Problem> {
    let id = BrandId(*id);
    caller.owns(id)?;
    let usual = ("change_brand", "a changed brand");
    let record = by_hand(caller, body.read.reason.as_deref(), usual, groups(&body.sent))?;
    if let Some(name) = body.read.profile.as_ref().and_then(|profile| profile.logo_asset.as_deref()) {
        logo(&shared, id, name).await?;
    }
    let now = shared.engine.now();
    let patched = |before: &BrandRecord| patched(before, &body.sent, now);
    let (before, after) = edit(&shared, id, (if_match, record.as_ref()), patched).await?;
    if before.name != after.name {
        // It stands in the label of every ad.
        shared.engine.ports.bus.publish(Event::CatalogueChanged);
    }
    shown(&after)
}

/// What a patch makes of a brand.
fn patched(
    before: &BrandRecord,
    sent: &Value,
    now: gametriggers_actors::domain::time::UnixMillis,
) -> Result<BrandDraft, Problem> {
    let was = details(before)?;
    let mut value: Value = serde_json::from_str(&before.details.0).unwrap_or_default();
    let named = serde_json::json!({ "profile": { "name": *before.name } });
    merge(&mut value, &named);
    merge(&mut value, sent);
    if sent.get("profile").is_some_and(Value::is_null) {
        // All of it is cleared but the name: there is no brand without one.
        merge(&mut value, &named);
    }
    if let Some(fields) = value.as_object_mut() {
        fields.remove("reason");
    }
    let is: BrandDetails =
        serde_json::from_value(value.clone()).map_err(|error| Problem::malformed(error.to_string()))?;
    let mut fields = Fields::default();
    is.check(&mut fields);
    fields.end()?;
    if let Some(profile) = value.get_mut("profile").and_then(Value::as_object_mut) {
        profile.remove("name");
    }
    let restated = was.company != is.company;
    let whole = is.company.missing().is_empty();
    let vetted = if restated { before.vetted.restated(whole, now) } else { before.vetted.clone() };
    let name = is.profile.name.unwrap_or_default().into();
    Ok(BrandDraft { version: before.version, name, details: document(&value)?, vetted })
}

/// The logo has to be an upload of the brand that is not put away.
async fn logo(shared: &Shared, brand: BrandId, name: &str) -> Result<(), Problem> {
    let found = match shared.engine.ports.assets.brand_asset(brand, name).await {
        Ok(upload) => upload.archived_at.is_none(),
        Err(StoreError::NotFound) => false,
        Err(error) => return Err(error.into()),
    };
    let mut fields = Fields::default();
    fields.need("profile.logo_asset", found.then_some(()), "the name of an upload of this brand");
    fields.end()
}

/// The brand asks an operator to look at its company.
pub(super) async fn ask(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (BrandId(*id), shared.engine.now());
    caller.owns(id)?;
    let asked = |before: &BrandRecord| {
        let missing = details(before)?.company.missing();
        if !missing.is_empty() {
            let needed = |field: &&str| FieldError {
                field: (*field).to_owned(),
                message: "a verification needs it".to_owned(),
            };
            return Err(Problem::invalid(missing.iter().map(needed).collect()));
        }
        Ok(draft(before, before.vetted.asked(now)))
    };
    let record = by_hand(caller, None, ("ask_verification", "asked for the brand"), String::new())?;
    shown(&edit(&shared, id, (IfMatch(None), record.as_ref()), asked).await?.1)
}

/// An operator decides.
pub(super) async fn decide(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<DecisionBody>,
) -> Result<HttpResponse, Problem> {
    let (actor, id, now) = (caller.operator()?, BrandId(*id), shared.engine.now());
    let mut fields = Fields::default();
    let state = Vetting::from_code(&body.status);
    let state = state.filter(|state| matches!(state, Vetting::Verified | Vetting::Rejected));
    let state = fields.need("status", state, "verified or rejected");
    let why = fields.need("reason", line(&body.reason, 1, REASON_MAX), "1 to 200 characters");
    fields.end()?;
    let (state, reason) = state.zip(why).ok_or_else(Problem::not_found)?;
    let decided = |before: &BrandRecord| {
        let never = || Problem::conflict("not-requested", "the brand has not asked to be verified");
        Ok(draft(before, before.vetted.decided(state, &reason, now).ok_or_else(never)?))
    };
    let hand = ByHand { actor, reason: reason.clone() };
    let record = OnRecord { action: "verify_brand", detail: state.code().to_owned(), hand };
    shown(&edit(&shared, id, (if_match, Some(&record)), decided).await?.1)
}

pub(super) async fn archive(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ArchiveBody>,
) -> Result<HttpResponse, Problem> {
    put_away(&shared, caller, (*id, true), &body).await
}

pub(super) async fn restore(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ArchiveBody>,
) -> Result<HttpResponse, Problem> {
    put_away(&shared, caller, (*id, false), &body).await
}

async fn put_away(
    shared: &Shared,
    caller: Caller,
    (id, archived): (i64, bool),
    body: &ArchiveBody,
) -> Result<HttpResponse, Problem> {
    let hand = body.read(caller)?;
    set_archived(shared, Owner::Brand(BrandId(id)), archived, &hand).await?;
    shown(&shared.engine.ports.profiles.brand_record(BrandId(id)).await?)
}
