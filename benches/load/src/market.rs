//! A brand with money and campaigns without limits: the runs are about the server, so nothing but
//! the slots of the streamers may decide how much is played. Made like a customer would: the brand
//! by the command line, the campaigns through the API.

use crate::failure::Failure;
use crate::http::post;
use crate::server::command;
use crate::site::Site;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// Budget of each campaign. Every kill strands a slice of it until the lease closes.
pub(crate) const BUDGET_MICROS: i64 = 1_000_000_000_000_000;
/// Name, way to pay, rate, kind of creative. A play of the last costs nothing by itself.
const CAMPAIGNS: [(&str, &str, i64, &str); 4] = [
    ("Thousand", "cpm", 250_000_000, "text"),
    ("Flat", "flat", 20_000_003, "text"),
    ("Odd", "flat", 7, "text"),
    ("Click", "cpc", 90_000_000, "qr"),
];
/// One that runs out, and the number of plays that it has money for. The dearest: it is chosen first.
const SCARCE: (&str, &str, i64, &str) = ("Scarce", "flat", 150_000_007, "text");
const SCARCE_PLAYS: i64 = 120;
const CURRENCY: &str = "INR";

/// Adds the brand to the database of a server that does not run; its key.
pub(crate) async fn brand(binary: &Path, site: &Site) -> Result<String, Failure> {
    named(binary, site, "Load", BUDGET_MICROS.saturating_mul(5)).await.map(|(_, key)| key)
}

/// Adds another one; its id and key.
pub(crate) async fn named(
    binary: &Path,
    site: &Site,
    name: &str,
    deposit_micros: i64,
) -> Result<(i64, String), Failure> {
    let [option, place] = site.arguments()?;
    let deposit = deposit_micros.to_string();
    let arguments = ["brand", "add", option, place, "--name", name, "--deposit-micros", &deposit];
    let output = command(binary, &arguments).await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let key = said.split_whitespace().find(|word| word.starts_with("gt_brand_"));
    let id = said.split_whitespace().nth(1).and_then(|id| id.parse().ok());
    id.zip(key.map(str::to_owned)).ok_or_else(|| {
        Failure::Server(format!(
            "`brand add` said {said:?}, {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    })
}

/// Adds the campaigns to a server that runs. Each waits for the gap before it plays on the same
/// streamer again, so that with a gap they take turns. Their ids.
pub(crate) async fn campaigns(server: SocketAddr, key: &str, gap_s: u32) -> Result<Vec<i64>, Failure> {
    let mut ids = Vec::new();
    for offer in CAMPAIGNS {
        ids.push(campaign(server, key, offer, BUDGET_MICROS, gap_s).await?);
    }
    Ok(ids)
}

/// Adds a campaign whose budget is soon spent.
pub(crate) async fn scarce(server: SocketAddr, key: &str, gap_s: u32) -> Result<i64, Failure> {
    campaign(server, key, SCARCE, SCARCE.2.saturating_mul(SCARCE_PLAYS), gap_s).await
}

async fn campaign(
    server: SocketAddr,
    key: &str,
    (name, pays, rate, kind): (&str, &str, i64, &str),
    budget_micros: i64,
    gap_s: u32,
) -> Result<i64, Failure> {
    let money = |amount_micros: i64| json!({ "amount_micros": amount_micros, "currency": CURRENCY });
    let body: Value = json!({
        "name": name,
        "category": "load",
        "pricing": { "type": pays, "rate": money(rate) },
        "budget": money(budget_micros),
        "pacing": "asap",
        "frequency_cap": { "minimum_gap_s": gap_s },
        "open": true,
        "landing_url": "http://127.0.0.1/",
        "creatives": [{
            "kind": kind, "placement": "corner", "duration_ms": 8_000,
            "accent": "#d9ff3d", "headline": name,
        }],
    });
    let once = format!("campaign-{name}");
    let made = post(server, "/api/campaigns", key, &once, &body.to_string()).await?;
    let made: Value = serde_json::from_str(&made).unwrap_or_default();
    let id = made.get("campaign_id").or_else(|| made.get("id")).and_then(Value::as_i64);
    id.ok_or_else(|| Failure::Server(format!("a campaign without an id: {made}")))
}
