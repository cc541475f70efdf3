//! `/assets` and `/api/assets`: images and videos, named by the hash of their content.
//!
//! A brand sees what it uploaded and nothing else. Whoever has the name of a file is served it, as the
//! overlay is: names can not be guessed.

mod gate;
mod intake;
mod serve;
mod studio;
mod view;

pub use gate::Gate;
pub(super) use serve::serve;
pub use studio::{Studio, keep};

pub(super) use self::view::AssetView;
use self::view::refused;
use super::Shared;
use super::caller::Caller;
use super::entrance;
use super::problem::Problem;
use super::schema::{FileName, Id};
use super::wire::{PageBody, refused as refused_field};
use crate::blob::{BlobError, Blobs};
use crate::web::listing::{is_full, limit};
use actix_web::http::ConnectionType;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::asset::{Asset, Media, Verdict, findings};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::ports::{BrandAsset, Principal};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// What uploads may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an image.
    pub image: usize,
    /// Bytes of a video.
    pub video: usize,
    /// Bytes of all uploads of a brand.
    pub brand: i64,
    /// Silence in a body that ends it.
    pub stall: Duration,
    /// Time for a whole body.
    pub whole: Duration,
}

/// Everything about uploads.
#[derive(Clone)]
pub struct Library {
    /// The files.
    pub blobs: Blobs,
    /// Where they are drawn anew.
    pub studio: Studio,
    /// Who may send one now.
    pub gate: Gate,
    /// What they may be.
    pub limits: Limits,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct OfQuery {
    /// For an operator, who needs it: the brand.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>", example = 1)]
    brand_id: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ListQuery {
    /// For an operator, who needs it: the brand.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>", example = 1)]
    brand_id: Option<i64>,
    /// The `next` of the page before: the name of the last one that was seen.
    #[schemars(with = "Option<FileName>")]
    before: Option<String>,
    /// Uploads on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// Also those that were put away.
    #[serde(default)]
    archived: bool,
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        // Is the disk full, or the bucket away?
        Self::unavailable().caused_by(&format_args!("files can not be reached: {error}"))
    }
}

/// Takes an upload, judges it and keeps it. Every refusal is counted by its reason.
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<OfQuery>,
    request: HttpRequest,
    body: Payload,
) -> HttpResponse {
    let body = intake::Body::new(body);
    take(&shared, caller, &query, (&request, body.clone())).await.unwrap_or_else(|problem| {
        let mut response = entrance::answer(&problem, &request);
        response.head_mut().set_connection_type(ConnectionType::Close);
        body.until_answered(response)
    })
}

async fn take(
    shared: &Shared,
    caller: Caller,
    query: &OfQuery,
    (request, body): (&HttpRequest, intake::Body),
) -> Result<HttpResponse, Problem> {
    let owner = match (caller.0, query.brand_id) {
        (Principal::Admin, None) => None,
        (_, named) => Some(caller.brand(named)?),
    };
    let library = &shared.library;
    let ticket = library.gate.enter(owner).ok_or_else(|| {
        refused("busy");
        Problem::busy("as many uploads as may run at once are running; try again soon")
    })?;
    let upload = intake::read(request, body, &library.limits).await?;
    let (ticket, made) = library.studio.make(upload, ticket).await?;
    let judged = findings(&made.asset, &shared.engine.numbers.policies);
    if judged.iter().any(|finding| finding.verdict == Verdict::Refused) {
        refused("policy");
        return Err(view::against(&judged));
    }
    let (engine, quota) = (&shared.engine, library.limits.brand);
    let counted = engine.ports.assets.keep_asset(owner, &made.asset, quota, engine.now()).await?;
    if !counted {
        refused("quota");
        let detail =
            format!("all uploads of a brand have at most {quota} bytes, and this one would go beyond");
        return Err(Problem::no_room("asset-quota", detail));
    }
    for (name, bytes) in made.files {
        library.blobs.put(&name, bytes).await?;
    }
    drop(ticket);
    metrics::counter!("gametriggers_assets_total", "media" => made.asset.file.media.extension()).increment(1);
    let upload = match owner {
        Some(brand) => Some(engine.ports.assets.brand_asset(brand, &made.asset.file.name).await?),
        None => None,
    };
    let view = AssetView::of(&made.asset, upload.as_ref(), judged);
    let location = format!("/assets/{}", made.asset.file.name);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(view))
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let brand = caller.brand(query.brand_id)?;
    let limit = limit(query.limit)?;
    let before = query.before.as_deref();
    if before.is_some_and(|name| Media::of_name(name).is_none()) {
        return Err(refused_field("before", "the name that ended the last page"));
    }
    let uploads = shared.engine.ports.assets.brand_assets(brand, query.archived, before, limit).await?;
    let full = is_full(&uploads, limit);
    let next = uploads.last().filter(|_| full).map(|upload| upload.name.to_string());
    let mut items = Vec::with_capacity(uploads.len());
    for upload in &uploads {
        items.push(shown(&shared, upload).await?);
    }
    Ok(HttpResponse::Ok().json(PageBody { items, next }))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    name: Path<String>,
    query: Query<OfQuery>,
) -> Result<HttpResponse, Problem> {
    let brand = owner(caller, query.brand_id)?;
    let upload = shared.engine.ports.assets.brand_asset(brand, &name).await?;
    Ok(HttpResponse::Ok().json(shown(&shared, &upload).await?))
}

pub(super) async fn archive(
    shared: Data<Shared>,
    caller: Caller,
    name: Path<String>,
    query: Query<OfQuery>,
) -> Result<HttpResponse, Problem> {
    let brand = owner(caller, query.brand_id)?;
    let engine = &shared.engine;
    let upload = engine.ports.assets.archive_asset(brand, &name, engine.now()).await?;
    Ok(HttpResponse::Ok().json(shown(&shared, &upload).await?))
}

/// The brand whose upload is asked for. To a streamer it is as if there were none.
fn owner(caller: Caller, named: Option<i64>) -> Result<BrandId, Problem> {
    match caller.0 {
        Principal::Streamer(_) | Principal::Overlay(_) => Err(Problem::not_found()),
        _ => caller.brand(named),
    }
}

async fn shown(shared: &Shared, upload: &BrandAsset) -> Result<AssetView, Problem> {
    let asset = match &upload.asset {
        Some(asset) => asset.clone(),
        None => {
            studio::described(&shared.library.blobs, &upload.name).await?.ok_or_else(Problem::not_found)?
        }
    };
    let judged = findings(&asset, &shared.engine.numbers.policies);
    Ok(AssetView::of(&asset, Some(upload), judged))
}

/// The asset that a creative may be made of: an upload of the brand that is not put away, or anything there
/// is for an operator. None for anything else.
///
/// # Errors
/// Database or files can not be reached.
pub(super) async fn usable(shared: &Shared, caller: Caller, name: &str) -> Result<Option<Asset>, Problem> {
    if Media::of_name(name).is_none() {
        return Ok(None);
    }
    let assets = &shared.engine.ports.assets;
    let known = match caller.0 {
        Principal::Admin => assets.asset(name).await?,
        Principal::Brand(brand) => match assets.brand_asset(brand, name).await {
            Ok(upload) if upload.archived_at.is_some() => return Ok(None),
            Ok(upload) => upload.asset,
            Err(gametriggers_actors::ports::StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        },
        Principal::Streamer(_) | Principal::Overlay(_) => return Ok(None),
    };
    let blobs = &shared.library.blobs;
    match known {
        Some(asset) => Ok(blobs.has(name).await?.then_some(asset)),
        None => studio::described(blobs, name).await,
    }
}
