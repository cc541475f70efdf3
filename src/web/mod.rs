//! HTTP: one file per resource; `routes` is the table of the API, `courier` the way out.

mod account;
mod account_body;
mod archive;
mod asset;
mod audit;
mod auth;
mod blocklist;
mod brand;
mod caller;
mod campaign;
mod campaign_body;
mod campaign_plays;
mod campaign_view;
mod click;
mod conflict_rule;
mod conflict_rule_body;
mod contract;
mod cors;
pub mod courier;
mod creative_body;
mod cursor;
mod entrance;
mod etag;
mod fields;
mod health;
mod json;
mod key;
mod key_body;
mod key_routes;
mod limit;
mod listing;
mod metrics;
mod overlay_key;
mod pages;
mod participation;
mod patch;
mod problem;
mod problem_kind;
#[rustfmt::skip]
mod profile_routes;
mod rate;
mod reason_body;
#[rustfmt::skip]
mod routes;
mod rule_override;
mod schema;
mod settings;
mod statement;
mod streamer;
mod table;
mod targeting_body;
mod violation;
mod wallet;
mod wallet_body;
mod webhook;
mod webhook_body;
mod webhook_delivery;
mod why;
mod why_view;
mod wire;

pub use asset::{Gate, Library, Limits as AssetLimits, Studio, keep as keep_asset};
pub use entrance::entered;
pub use limit::Clicks;
pub use pages::overlay_build;
pub use problem::Problem;
pub use rate::{Allowance, Allowances, Rates};

use crate::config::Network;
use crate::identity::Identity;
use crate::session::request_id::RequestIds;
use crate::web::courier::Allowed;
use crate::web::table::Section;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, guard};
use gametriggers_actors::engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// What every request may need.
#[derive(Clone)]
pub struct Shared {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Who signs in.
    pub identity: Arc<Identity>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Uploads.
    pub library: Library,
    /// What short links start with.
    pub public_url: String,
    /// Which endpoints of others may be called.
    pub endpoints: Arc<Allowed>,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Arc<[Network]>,
    /// What requests are called.
    pub request_ids: Arc<RequestIds>,
    /// How many requests are answered.
    pub rates: Arc<Rates>,
    /// Origins whose pages may call the API, or `*` alone.
    pub cors_origins: Arc<[String]>,
    /// What is known of clicks in this process.
    pub clicks: Arc<Clicks>,
    /// When the database was last seen to take a write.
    pub written_at: Arc<AtomicI64>,
    /// Whether an operator looks at what brands want to run.
    pub review: bool,
}

/// The route table of the internal listener. Whoever reaches it is believed to be a service of the same
/// house.
pub fn internal_routes(app: &mut ServiceConfig, shared: &Shared) {
    app.app_data(Data::new(shared.clone())).configure(read_as_problems);
    app.app_data(Data::new(auth::service::Internal)).route("/health/live", read().to(health::live));
    table::register(vec![routes::services()], app, &[]);
    app.default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) }));
}

/// The route table: pages and files here, the API in `routes`.
pub fn routes(app: &mut ServiceConfig, shared: &Shared) {
    app.app_data(Data::new(shared.clone())).configure(read_as_problems);
    app.route("/", read().to(pages::home))
        .route("/overlay/", read().to(pages::overlay))
        .route("/dashboard/", read().to(pages::dashboard))
        .route("/overlay", read().to(|| pages::moved("/overlay/")))
        .route("/dashboard", read().to(|| pages::moved("/dashboard/")))
        .route("/assets/{name}", read().to(asset::serve))
        .route("/qr/{code}.svg", read().to(click::qr))
        .service(web::resource("/r/{code}").get(click::follow).head(click::preview))
        .route("/health/live", read().to(health::live))
        .route("/health/ready", read().to(health::ready))
        .route("/metrics", read().to(health::metrics))
        .route("/problems/{name}", read().to(pages::problem))
        // Before the scope of the API: a page costs nothing of what a caller may ask.
        .route("/api/docs", read().to(pages::docs))
        .route("/api/docs/", read().to(|| pages::moved("/api/docs")));
    let (api, elsewhere): (Vec<_>, Vec<_>) = routes::table().into_iter().partition(Section::is_api);
    table::register(elsewhere, app, &shared.cors_origins);
    let api = web::scope("/api").configure(|scope| {
        scope.route("/openapi.json", read().to(contract::show));
        table::register(api, scope, &[]);
        scope.default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) }));
    });
    // The last one is asked first: a refusal has to tell pages of other origins why as well.
    app.service(api.wrap(from_fn(rate::limited)).wrap(cors::allowed(&shared.cors_origins)));
    // After the API: its paths may have three parts as well.
    app.route("/{page}/{build}/{file}", read().to(pages::file));
    app.default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) }));
}

/// What can not be read is answered with a problem.
fn read_as_problems(app: &mut ServiceConfig) {
    let path = web::PathConfig::default().error_handler(|_, _| Problem::not_found().into());
    let query =
        web::QueryConfig::default().error_handler(|error, _| Problem::malformed(error.to_string()).into());
    app.app_data(path).app_data(query);
}

/// GET, and HEAD, which some monitors and players ask first.
fn read() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
