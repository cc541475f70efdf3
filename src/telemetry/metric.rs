//! The catalogue of metric names. Labels come from closed sets, never an id.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

/// Every metric with its meaning. `tests/tidy.rs` holds the code to this list.
pub const CATALOGUE: &[(&str, &str)] = &[
    ("gametriggers_actor_respawned_total", "actors that were lost and started anew, by actor"),
    ("gametriggers_assets_refused_total", "uploads that were refused, by reason"),
    ("gametriggers_assets_total", "uploads that were taken, by what is served of them"),
    ("gametriggers_auth_total", "attempts to sign in or to go on, by kind and by what became of them"),
    (
        "gametriggers_bus_dropped_total",
        "events that other nodes were not told; they are told to read everything again",
    ),
    (
        "gametriggers_campaigns_completed_total",
        "campaigns that this server ended because their flight was over",
    ),
    (
        "gametriggers_candidates_lost_total",
        "campaigns that did not get a slot they were candidates for, by reason",
    ),
    (
        "gametriggers_claims_not_taken_total",
        "claims that found the settlement queue full; the page sends them again",
    ),
    ("gametriggers_claims_rejected_total", "claims refused for good, by reason"),
    ("gametriggers_claims_total", "claims answered after their commit, by result"),
    ("gametriggers_clicks_total", "clicks on short links and QR codes, by what became of them"),
    ("gametriggers_frames_refused_total", "frames that are not a message of the protocol"),
    ("gametriggers_handshakes_refused_total", "WebSocket handshakes refused, by HTTP status"),
    ("gametriggers_handshakes_total", "WebSocket handshakes, by socket"),
    ("gametriggers_http_limited_total", "requests that were one too many, by what they were counted for"),
    ("gametriggers_http_problems_total", "problem details sent, by status"),
    (
        "gametriggers_minute_counts_dropped_total",
        "counts for the series per minute that found no room; money is not concerned",
    ),
    (
        "gametriggers_ledger_checked_timestamp_seconds",
        "when the books were last checked to the end, whatever was found; it stands still when checks do",
    ),
    (
        "gametriggers_ledger_drift_micros",
        "what the last reconciliation found the books to be off by, by check",
    ),
    ("gametriggers_ledger_mismatches", "rows that the last reconciliation found to break a rule, by check"),
    (
        "gametriggers_live_publishes_failed_total",
        "flushes of live counters that redis did not take; they are written again",
    ),
    ("gametriggers_outbox_dropped_total", "messages that found the outbox of a socket full or gone"),
    (
        "gametriggers_play_log_dropped_total",
        "records of plays that found the log's queue full; money is not concerned",
    ),
    ("gametriggers_plays_total", "records of plays, by outcome"),
    ("gametriggers_redis_up", "whether redis keeps what it is given and other nodes are heard, 1 or 0"),
    (
        "gametriggers_rule_counts_dropped_total",
        "counts of rules that spoke which found no room; no rule is concerned",
    ),
    ("gametriggers_rules_spoke_total", "conflict rules that spoke against a candidate, by type and severity"),
    ("gametriggers_settlement_batch_size", "claims in one transaction"),
    (
        "gametriggers_settlement_batches_failed_total",
        "transactions of claims that could not be written and are tried again",
    ),
    ("gametriggers_slots_unfilled_total", "slots that stayed empty, by reason"),
    ("gametriggers_sockets", "open sockets after their greeting"),
    ("gametriggers_sockets_closed_total", "sockets closed by the server, by reason"),
    (
        "gametriggers_store_unknown_commits_total",
        "transactions whose COMMIT was not answered, by what was found when looking: committed or absent",
    ),
    (
        "gametriggers_supply_dropped_total",
        "slots that found no room when supply was counted; plans know less of it",
    ),
    ("gametriggers_webhook_attempts_total", "requests to endpoints of others, by what came of them"),
    ("gametriggers_webhook_deliveries_total", "webhooks that are done with, by state: delivered or failed"),
    ("gametriggers_webhook_endpoints_disabled_total", "endpoints that are told nothing any more, by reason"),
    ("gametriggers_webhooks_waiting", "webhooks that are not delivered yet, of all nodes"),
];

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Starts the recorder, once a process, and gives the handle that renders it.
///
/// # Errors
/// The recorder can not be built.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    // Held to the end: two servers may start at once in one process, as tests do it.
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = recorder.as_ref() {
        return Ok(handle.clone());
    }
    let sizes = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("gametriggers_settlement_batch_size".to_owned()), &sizes)?
        .install_recorder()?;
    for (name, meaning) in CATALOGUE {
        if name.ends_with("_total") {
            metrics::describe_counter!(*name, *meaning);
        } else if name.ends_with("_size") {
            metrics::describe_histogram!(*name, *meaning);
        } else {
            metrics::describe_gauge!(*name, *meaning);
        }
    }
    Ok(recorder.insert(handle).clone())
}
