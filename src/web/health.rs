//! `/health` and `/metrics`.

use super::Shared;
use actix_web::HttpResponse;
use actix_web::web::Data;
use gametriggers_actors::engine::Payouts;
use gametriggers_actors::ports::{StoreError, StoreResult};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The process runs.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// New work may come. The database is asked for a real write.
pub(super) async fn ready(shared: Data<Shared>) -> HttpResponse {
    let health = &shared.engine.health;
    let draining = health.draining.load(Ordering::Relaxed);
    let fenced = health.fenced.load(Ordering::Relaxed);
    let failing = health.store_failing();
    // While claims wait for the database it is known to fail, and a probe would only stand in their way.
    let database = if failing {
        "unavailable"
    } else {
        match probe(&shared).await {
            Ok(()) => "ok",
            Err(error) => {
                // Whatever the database says of itself is for the log: anybody may ask.
                tracing::warn!(%error, "the database could not be written when somebody asked");
                "unavailable"
            }
        }
    };
    let ready = health.is_ready() && database == "ok";
    // Plays and money go on without these parts: new work may come.
    let ports = &shared.engine.ports;
    let drift = health.drift.load(Ordering::Relaxed);
    let parts = [
        (!ready, "the node"),
        (!ports.live.is_up(), "redis: live counters"),
        (!ports.bus.is_up(), "redis: events of other nodes"),
        (drift, "ledger drift"),
    ];
    let degraded: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, part)| *part).collect();
    let body = json!({
        "status": if degraded.is_empty() { "ready" } else { "degraded" },
        "degraded": degraded,
        "payouts": match health.payouts() {
            Payouts::Open => "ok",
            Payouts::Unchecked => "not checked yet",
            Payouts::Frozen => "frozen",
        },
        "database": database,
        "claims": if failing { "waiting for the database" } else { "ok" },
        "draining": draining,
        "fenced": fenced,
        "sockets": shared.engine.directory.sessions(),
    });
    if ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// The longest that the question may take.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// A real write, rolled back; at most one a second while it succeeds, because anybody may ask.
async fn probe(shared: &Shared) -> StoreResult<()> {
    const FRESH: i64 = 1000;
    let now = shared.engine.now().0;
    if now - shared.written_at.load(Ordering::Relaxed) < FRESH {
        return Ok(());
    }
    // What it waits for goes on without it: a transaction that is resolved, or a database that is silent.
    let probe = tokio::time::timeout(PROBE_MAX, shared.engine.ports.ledger.probe());
    probe.await.map_err(|_| StoreError::Unavailable("no answer in time".to_owned()))??;
    shared.written_at.store(now, Ordering::Relaxed);
    Ok(())
}

/// Prometheus text.
pub(super) async fn metrics(shared: Data<Shared>) -> HttpResponse {
    shared.metrics.run_upkeep();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(shared.metrics.render())
}
