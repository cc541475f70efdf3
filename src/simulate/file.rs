//! The file format of a trace: gzip-compressed JSON, whole numbers only.

use gametriggers_actors::domain::campaign::Flight;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::sim::trace::{Charge, Limits, Trace, TraceCampaign, TraceSlot, TraceStreamer};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// The version of the format that is understood.
pub(super) const VERSION: u32 = 1;
/// Bytes of a trace, unpacked, at most.
const BYTES_MAX: u64 = 1 << 30;

/// Why a trace can not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file can not be read or unpacked.
    #[error("{file}: {source}")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no trace.
    #[error("{file}: {source}")]
    Malformed {
        /// Its name.
        file: String,
        /// Why.
        source: serde_json::Error,
    },
    /// It says something that can not be.
    #[error("{file}: {what}")]
    Wrong {
        /// Its name.
        file: String,
        /// What.
        what: String,
    },
}

#[derive(Deserialize)]
struct TraceFile {
    version: u32,
    name: String,
    day_ms: i64,
    rules: RulesFile,
    streamers: Vec<StreamerFile>,
    campaigns: Vec<CampaignFile>,
    slots: Vec<(i64, u32, u32)>,
    plan: Vec<Vec<u32>>,
    /// None when nobody has computed a bound: days that were made here have none.
    #[serde(default)]
    lp: Option<BoundFile>,
}

#[derive(Deserialize)]
struct RulesFile {
    max_charge_share_bps: u32,
    campaign_cooldown_ms: i64,
    brand_cooldown_ms: i64,
    category_cooldown_ms: i64,
    plays_per_campaign_streamer_day: u32,
    plan_bucket_ms: i64,
    pacing: Spread,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Spread {
    Planned,
    Asap,
}

#[derive(Deserialize)]
struct StreamerFile {
    id: u32,
    category: u32,
    language: u32,
    base_viewers: u32,
}

#[derive(Deserialize)]
struct CampaignFile {
    id: u32,
    brand: u32,
    category: u32,
    kind: Kind,
    rate_micros: i64,
    budget_micros: i64,
    start_ms: i64,
    end_ms: i64,
    content_categories: BTreeSet<u32>,
    languages: BTreeSet<u32>,
    min_viewers: u32,
    participants: BTreeSet<u32>,
    #[serde(default)]
    ctr_ppm: BTreeMap<u32, u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Cpm,
    Cpc,
    Flat,
}

#[derive(Deserialize)]
struct BoundFile {
    optimum_micros: i64,
}

/// Reads a trace.
///
/// # Errors
/// The file can not be read, is no trace of this version, or contradicts itself.
pub fn read(path: &Path) -> Result<Trace, TraceError> {
    let file = || path.display().to_string();
    let packed =
        std::fs::File::open(path).map_err(|source| TraceError::Unreadable { file: file(), source })?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed)
        .take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|source| TraceError::Unreadable { file: file(), source })?;
    let trace =
        serde_json::from_str(&text).map_err(|source| TraceError::Malformed { file: file(), source })?;
    understand(trace).map_err(|what| TraceError::Wrong { file: file(), what })
}

fn understand(file: TraceFile) -> Result<Trace, String> {
    if file.version != VERSION {
        return Err(format!("version {}; this program understands {VERSION}", file.version));
    }
    let dense = |ids: &mut dyn Iterator<Item = u32>| ids.zip(0..).all(|(id, place)| id == place);
    if !dense(&mut file.streamers.iter().map(|s| s.id)) || !dense(&mut file.campaigns.iter().map(|c| c.id)) {
        return Err("ids of streamers and campaigns have to be 0, 1, 2, ...".to_owned());
    }
    if file.plan.len() != file.campaigns.len() {
        return Err(format!("{} plans for {} campaigns", file.plan.len(), file.campaigns.len()));
    }
    if let Some(at) = file.plan.iter().position(|plan| !plan.is_sorted()) {
        return Err(format!("the plan of campaign {at} falls"));
    }
    let streamers = u32::try_from(file.streamers.len()).map_err(|_| "too many streamers".to_owned())?;
    if let Some((at, ..)) = file.slots.iter().find(|(_, streamer, _)| *streamer >= streamers) {
        return Err(format!("the slot at {at} ms is of a streamer who is not in the list"));
    }
    if !file.slots.is_sorted_by_key(|(at, streamer, _)| (*at, *streamer)) {
        return Err("slots have to stand in the order of time and streamer".to_owned());
    }
    let optimum = file.lp.map(|bound| Micros(bound.optimum_micros));
    if file.rules.plan_bucket_ms <= 0 || file.day_ms <= 0 || optimum.is_some_and(|most| !most.is_positive()) {
        return Err("the length of the day, of a plan's step, and the bound have to be above zero".to_owned());
    }
    Ok(Trace {
        name: file.name,
        day: Millis(file.day_ms),
        limits: Limits {
            charge_max_bps: file.rules.max_charge_share_bps,
            campaign_cooldown: Millis(file.rules.campaign_cooldown_ms),
            brand_cooldown: Millis(file.rules.brand_cooldown_ms),
            category_cooldown: Millis(file.rules.category_cooldown_ms),
            per_day: file.rules.plays_per_campaign_streamer_day,
            plan_step: Millis(file.rules.plan_bucket_ms),
            asap: file.rules.pacing == Spread::Asap,
        },
        streamers: file.streamers.iter().map(streamer).collect(),
        campaigns: file.campaigns.into_iter().map(campaign).collect::<Result<_, _>>()?,
        slots: file.slots.iter().map(|(at, streamer, viewers)| slot(*at, *streamer, *viewers)).collect(),
        plans: file.plan,
        optimum,
    })
}

const fn streamer(file: &StreamerFile) -> TraceStreamer {
    TraceStreamer { category: file.category, language: file.language, base_viewers: file.base_viewers }
}

const fn slot(at: i64, streamer: u32, viewers: u32) -> TraceSlot {
    TraceSlot { at: UnixMillis(at), streamer, viewers }
}

fn campaign(file: CampaignFile) -> Result<TraceCampaign, String> {
    let wrong = |what: &str| Err(format!("campaign {}: {what}", file.id));
    let rate = Micros(file.rate_micros);
    if !rate.is_positive() || file.budget_micros <= 0 {
        return wrong("rate and budget have to be above zero");
    }
    // What a reserve of the whole budget, times a part of it, still fits into.
    if file.budget_micros >= 1 << 47 || file.rate_micros >= 1 << 40 {
        return wrong("the budget has to be below 2^47 micros, the rate below 2^40");
    }
    if matches!(file.kind, Kind::Cpm) && rate.0 % 1000 != 0 {
        return wrong("a rate per thousand viewers has to be a multiple of 1000 micros");
    }
    if file.start_ms >= file.end_ms {
        return wrong("it ends before it starts");
    }
    Ok(TraceCampaign {
        brand: file.brand,
        category: file.category,
        charge: match file.kind {
            Kind::Cpm => Charge::Cpm(rate),
            Kind::Cpc => Charge::Cpc(rate, file.ctr_ppm),
            Kind::Flat => Charge::Flat(rate),
        },
        budget: Micros(file.budget_micros),
        flight: Flight { starts: UnixMillis(file.start_ms), ends: UnixMillis(file.end_ms) },
        content_categories: file.content_categories,
        languages: file.languages,
        viewers_min: file.min_viewers,
        participants: file.participants,
    })
}
