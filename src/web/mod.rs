//! HTTP: one file per resource, and the route table on one screen; the way out is `courier`.

mod account;
mod account_body;
mod asset;
mod auth;
mod blocklist;
mod caller;
mod campaign;
mod campaign_body;
mod campaign_view;
mod click;
mod conflict_rule;
mod conflict_rule_body;
pub mod courier;
mod creative_body;
mod cursor;
mod etag;
mod fields;
mod health;
mod limit;
mod metrics;
mod overlay_key;
mod pages;
mod participation;
mod problem;
mod reason_body;
mod rule_override;
mod settings;
mod statement;
mod streamer;
mod targeting_body;
mod violation;
mod wallet;
mod wallet_body;
mod webhook;
mod webhook_body;
mod webhook_delivery;
mod why;
mod wire;

pub use asset::{Gate, Library, Limits as AssetLimits, Studio, keep as keep_asset};
pub use limit::Clicks;
pub use pages::overlay_build;
pub use problem::Problem;

use crate::config::Network;
use crate::identity::Identity;
use crate::web::courier::Allowed;
use actix_web::dev::Service;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, guard, http::header};
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
    /// What is known of clicks in this process.
    pub clicks: Arc<Clicks>,
    /// When the database was last seen to take a write.
    pub written_at: Arc<AtomicI64>,
    /// Whether an operator looks at what brands want to run.
    pub review: bool,
}

/// JSON bodies are small.
const JSON_BYTES_MAX: usize = 64 * 1024;

/// Who signs in: under `/api`.
fn auth_routes(app: &mut ServiceConfig) {
    app.service(resource("/auth/sign-up").post(auth::sign_up))
        .service(resource("/auth/sign-in").post(auth::sign_in))
        .service(resource("/auth/refresh").post(auth::refresh))
        .service(resource("/auth/validate").post(auth::validate))
        .service(resource("/auth/sign-out").post(auth::sign_out))
        .service(resource("/auth/me").get(auth::me))
        .service(resource("/auth/password").post(auth::change_password))
        .service(resource("/auth/two-factor").post(auth::factor::enrol))
        .service(resource("/auth/two-factor/confirm").post(auth::factor::confirm))
        .service(resource("/auth/two-factor/recovery-codes").post(auth::factor::renew))
        .service(resource("/auth/two-factor/disable").post(auth::factor::give_up))
        .service(resource("/auth/exchange").post(auth::provider::exchange))
        // Last, since their first part may be any word.
        .service(resource("/auth/{provider}").get(auth::provider::start))
        .service(resource("/auth/{provider}/callback").get(auth::provider::finish))
        .service(resource("/auth/{provider}/link").post(auth::provider::link))
        .service(resource("/admin/users").get(auth::user::list).post(auth::user::add))
        .service(resource("/admin/users/{id}").patch(auth::user::change));
}

/// What services of the same house ask, at the paths that they know.
fn service_routes(app: &mut ServiceConfig) {
    app.service(resource("/users/oauth").post(auth::service::account))
        .service(resource("/auth/refresh").post(auth::refresh))
        .service(resource("/auth/validate").post(auth::validate))
        .route("/.well-known/jwks.json", read().to(auth::keys));
}

/// The route table of the internal listener. Whoever reaches it is believed to be a service of the same
/// house.
pub fn internal_routes(app: &mut ServiceConfig, shared: &Shared) {
    app.app_data(Data::new(shared.clone())).configure(read_as_problems);
    app.app_data(Data::new(auth::service::Internal)).route("/health/live", read().to(health::live));
    service_routes(app);
    app.default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) }));
}

/// The route table.
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
        .route("/metrics", read().to(health::metrics));
    service_routes(app);
    app.service(
        web::scope("/api")
            .configure(auth_routes)
            .configure(campaigns)
            .configure(rules)
            .configure(money)
            .configure(people)
            .service(resource("/assets").get(asset::list).post(asset::add))
            .service(resource("/assets/{name}").get(asset::show).delete(asset::archive))
            .configure(webhooks)
            .default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) })),
    );
    // After the API: its paths may have three parts as well.
    app.route("/{page}/{build}/{file}", read().to(pages::file));
    app.default_service(web::to(|| async { HttpResponse::from_error(Problem::not_found()) }));
}

/// Campaigns, and who takes part in them.
fn campaigns(api: &mut ServiceConfig) {
    api.service(resource("/campaigns").get(campaign::list::list).post(campaign::create))
        .service(
            resource("/campaigns/{id}")
                .get(campaign::show)
                .put(campaign::draft::replace)
                .patch(campaign::change::change),
        )
        .service(resource("/campaigns/{id}/submit").post(campaign::launch::submit))
        .service(resource("/campaigns/{id}/withdraw-submission").post(campaign::launch::withdraw))
        .service(resource("/campaigns/{id}/archive").post(campaign::archive))
        .service(resource("/campaigns/{id}/creatives").post(campaign::creative::add))
        .service(resource("/campaigns/{id}/creatives/{creative_id}").patch(campaign::creative::change))
        .service(resource("/admin/campaigns/{id}/approve").post(campaign::launch::approve))
        .service(resource("/admin/campaigns/{id}/reject").post(campaign::launch::reject))
        .service(resource("/campaigns/{id}/live").get(campaign::live))
        .service(resource("/campaigns/{id}/metrics").get(metrics::series))
        .service(resource("/campaigns/{id}/why").get(why::of_campaign))
        .service(
            resource("/campaigns/{id}/participations")
                .get(participation::of_campaign)
                .post(participation::propose),
        )
        .service(
            resource("/campaigns/{id}/participations/{streamer_id}")
                .get(participation::show)
                .patch(participation::answer),
        );
}

/// Conflict rules.
fn rules(api: &mut ServiceConfig) {
    api.service(resource("/conflict-rules").get(conflict_rule::list).post(conflict_rule::add))
        .service(resource("/conflict-rules/dry-run").post(conflict_rule::dry_run))
        .service(resource("/conflict-rules/overrides").get(rule_override::list).post(rule_override::grant))
        .service(resource("/conflict-rules/overrides/{id}").delete(rule_override::revoke))
        .service(resource("/conflict-rules/violations").get(violation::sums))
        .service(
            resource("/conflict-rules/{id}")
                .get(conflict_rule::show)
                .patch(conflict_rule::change)
                .delete(conflict_rule::delete),
        );
}

/// Wallets and what is moved by hand.
fn money(api: &mut ServiceConfig) {
    api.service(resource("/campaigns/{id}/budget/reservations").post(wallet::reserve))
        .service(resource("/campaigns/{id}/budget/releases").post(wallet::release))
        .service(resource("/brands/{id}/wallet").get(wallet::of_brand))
        .service(resource("/brands/{id}/wallet/deposits").post(wallet::deposit))
        .service(resource("/brands/{id}/wallet/refunds").post(wallet::refund))
        .service(resource("/brands/{id}/wallet/credit-limit").put(wallet::limit))
        .service(resource("/brands/{id}/wallet/statement").get(statement::of_brand))
        .service(resource("/streamers/{id}/wallet").get(wallet::of_streamer))
        .service(resource("/streamers/{id}/wallet/statement").get(statement::of_streamer))
        .service(resource("/admin/adjustments").post(wallet::adjust));
}

/// Accounts, keys and streamers.
fn people(api: &mut ServiceConfig) {
    api.service(resource("/brands/{id}/blocklist").get(blocklist::show).put(blocklist::set))
        .service(resource("/admin/brands").post(account::add_brand))
        .service(resource("/admin/streamers").post(account::add_streamer))
        .service(resource("/admin/streamers/{id}").patch(account::change_streamer))
        .service(resource("/admin/admins").post(account::add_operator))
        .service(resource("/admin/keys").get(account::keys).post(account::add_key))
        .service(resource("/admin/keys/{id}").delete(account::revoke))
        .service(resource("/streamers/{id}/participations").get(participation::of_streamer))
        .service(resource("/streamers/{id}/plays").get(streamer::plays))
        .service(resource("/streamers/{id}/why").get(why::of_streamer))
        .service(resource("/streamers/{id}/settings").get(settings::show).patch(settings::change))
        .service(resource("/streamers/{id}/policy").get(settings::policy))
        .service(resource("/streamers/{id}/overlay-key").post(overlay_key::rotate))
        .service(resource("/streamers/{id}/overlay-keys").get(overlay_key::list).post(overlay_key::add))
        .service(resource("/streamers/{id}/overlay-keys/{key_id}").delete(overlay_key::delete));
}

/// What can not be read is answered with a problem.
fn read_as_problems(app: &mut ServiceConfig) {
    let json =
        web::JsonConfig::default().limit(JSON_BYTES_MAX).error_handler(|error, _| unreadable(&error).into());
    let path = web::PathConfig::default().error_handler(|_, _| Problem::not_found().into());
    let query =
        web::QueryConfig::default().error_handler(|error, _| Problem::malformed(error.to_string()).into());
    app.app_data(json).app_data(path).app_data(query);
}

/// Who is told of events over HTTP.
fn webhooks(api: &mut ServiceConfig) {
    api.service(resource("/webhooks").get(webhook::list).post(webhook::add))
        .service(resource("/webhooks/{id}").get(webhook::show).patch(webhook::change).delete(webhook::delete))
        .service(resource("/webhooks/{id}/secret").post(webhook::rotate))
        .service(resource("/webhooks/{id}/replay").post(webhook_delivery::replay_failed))
        .service(resource("/webhooks/{id}/deliveries").get(webhook_delivery::list))
        .service(resource("/webhooks/{id}/deliveries/{delivery_id}").get(webhook_delivery::show))
        .service(resource("/webhooks/{id}/deliveries/{delivery_id}/replay").post(webhook_delivery::replay));
}

/// GET, and HEAD, which some monitors and players ask first.
fn read() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A resource that answers a method it does not have with a problem.
fn resource(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(|| async { HttpResponse::from_error(Problem::method()) }))
}

fn unreadable(error: &actix_web::error::JsonPayloadError) -> Problem {
    use actix_web::error::JsonPayloadError as E;
    match error {
        E::OverflowKnownLength { .. } | E::Overflow { .. } => {
            Problem::too_large(format!("a JSON body has at most {JSON_BYTES_MAX} bytes"))
        }
        E::ContentType => Problem::unsupported("send application/json"),
        E::Deserialize(error) => Problem::malformed(error.to_string()),
        other => Problem::malformed(other.to_string()),
    }
}

/// Headers that every answer gets.
pub fn secured<S, B>(
    request: actix_web::dev::ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<actix_web::dev::ServiceResponse<B>, actix_web::Error>> + use<S, B>
where
    S: Service<
            actix_web::dev::ServiceRequest,
            Response = actix_web::dev::ServiceResponse<B>,
            Error = actix_web::Error,
        >,
{
    let answer = service.call(request);
    async move {
        let mut response = answer.await?;
        let headers = response.headers_mut();
        let fixed = header::HeaderValue::from_static;
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
        if !headers.contains_key(header::REFERRER_POLICY) {
            headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
        }
        Ok(response)
    }
}
