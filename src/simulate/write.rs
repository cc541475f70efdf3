//! Writing a trace, byte for byte the same each time: fields in a fixed order, no time in the archive.

use flate2::{Compression, GzBuilder};
use gametriggers_actors::sim::trace::{Charge, Trace, TraceCampaign};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

#[derive(Serialize)]
struct TraceFile<'a> {
    version: u32,
    name: &'a str,
    day_ms: i64,
    rules: RulesFile,
    streamers: Vec<StreamerFile>,
    campaigns: Vec<CampaignFile<'a>>,
    slots: Vec<(i64, u32, u32)>,
    plan: &'a [Vec<u32>],
    #[serde(skip_serializing_if = "Option::is_none")]
    lp: Option<BoundFile>,
}

#[derive(Serialize)]
struct RulesFile {
    max_charge_share_bps: u32,
    campaign_cooldown_ms: i64,
    brand_cooldown_ms: i64,
    category_cooldown_ms: i64,
    plays_per_campaign_streamer_day: u32,
    plan_bucket_ms: i64,
    pacing: &'static str,
}

#[derive(Serialize)]
struct StreamerFile {
    id: u32,
    category: u32,
    language: u32,
    base_viewers: u32,
}

#[derive(Serialize)]
struct CampaignFile<'a> {
    id: u32,
    brand: u32,
    category: u32,
    kind: &'static str,
    rate_micros: i64,
    budget_micros: i64,
    start_ms: i64,
    end_ms: i64,
    content_categories: &'a BTreeSet<u32>,
    languages: &'a BTreeSet<u32>,
    min_viewers: u32,
    participants: &'a BTreeSet<u32>,
    ctr_ppm: BTreeMap<u32, u32>,
}

#[derive(Serialize)]
struct BoundFile {
    optimum_micros: i64,
}

fn campaign((id, campaign): (u32, &TraceCampaign)) -> CampaignFile<'_> {
    let (kind, rate, clicks) = match &campaign.charge {
        Charge::Cpm(rate) => ("cpm", rate, None),
        Charge::Cpc(rate, clicks) => ("cpc", rate, Some(clicks)),
        Charge::Flat(rate) => ("flat", rate, None),
    };
    CampaignFile {
        id,
        brand: campaign.brand,
        category: campaign.category,
        kind,
        rate_micros: rate.0,
        budget_micros: campaign.budget.0,
        start_ms: campaign.flight.starts.0,
        end_ms: campaign.flight.ends.0,
        content_categories: &campaign.content_categories,
        languages: &campaign.languages,
        min_viewers: campaign.viewers_min,
        participants: &campaign.participants,
        ctr_ppm: clicks.cloned().unwrap_or_default(),
    }
}

/// A trace as a file of `benches/traces` has it.
///
/// # Errors
/// There is no memory for it.
pub fn packed(trace: &Trace) -> std::io::Result<Vec<u8>> {
    let limits = &trace.limits;
    let file = TraceFile {
        version: super::file::VERSION,
        name: &trace.name,
        day_ms: trace.day.0,
        rules: RulesFile {
            max_charge_share_bps: limits.charge_max_bps,
            campaign_cooldown_ms: limits.campaign_cooldown.0,
            brand_cooldown_ms: limits.brand_cooldown.0,
            category_cooldown_ms: limits.category_cooldown.0,
            plays_per_campaign_streamer_day: limits.per_day,
            plan_bucket_ms: limits.plan_step.0,
            pacing: if limits.asap { "asap" } else { "planned" },
        },
        streamers: (0..)
            .zip(&trace.streamers)
            .map(|(id, streamer)| StreamerFile {
                id,
                category: streamer.category,
                language: streamer.language,
                base_viewers: streamer.base_viewers,
            })
            .collect(),
        campaigns: (0..).zip(&trace.campaigns).map(campaign).collect(),
        slots: trace.slots.iter().map(|slot| (slot.at.0, slot.streamer, slot.viewers)).collect(),
        plan: &trace.plans,
        lp: trace.optimum.map(|optimum| BoundFile { optimum_micros: optimum.0 }),
    };
    let mut out = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    out.write_all(&serde_json::to_vec(&file)?)?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Kind, generate, read};
    use sha2::{Digest, Sha256};
    use std::io::Read;

    /// Whole numbers only on the way here: another math library can not change a digit. The text is pinned,
    /// not the archive, whose bytes are the compressor's.
    #[test]
    fn a_seed_is_the_same_day_everywhere() {
        let found = [Kind::T1, Kind::T3, Kind::T2].map(|kind| {
            let day = packed(&generate(kind, 1, 50)).unwrap();
            assert_eq!(day, packed(&generate(kind, 1, 50)).unwrap());
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(day.as_slice()).read_to_end(&mut text).unwrap();
            Sha256::digest(&text).iter().take(8).fold(String::new(), |all, byte| format!("{all}{byte:02x}"))
        });
        assert_eq!(found, ["6fe14a1ad394319e", "60633aea6a505b2c", "76fae9b9447893c6"]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        for kind in [Kind::T1, Kind::T2b] {
            let (day, path) = (generate(kind, 2, 25), folder.path().join("day.json.gz"));
            std::fs::write(&path, packed(&day).unwrap()).unwrap();
            let again = read(&path).unwrap();
            assert_eq!(packed(&again).unwrap(), packed(&day).unwrap());
            assert_eq!(again.optimum.is_some(), kind == Kind::T2b);
        }
    }
}
