//! `gametriggers simulate`: replays a trace through the code that decides for real, and says how near the
//! outcome is to the best possible one.

mod file;

pub use file::{TraceError, read};

use crate::cli::say;
use clap::{Args, ValueEnum};
use gametriggers_actors::domain::pacing::{Greedy, Pacing, TUNED, TokenBucket};
use gametriggers_actors::sim::replay::Replay;
use gametriggers_actors::sim::score::{Score, score};
use gametriggers_actors::sim::trace::Trace;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// How slots are given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// What a server runs: token buckets with a look at the streamer's next slots.
    TokenBucket,
    /// The same with the published constants and without the look.
    TbMsvv,
    /// The highest charge first.
    Greedy,
}

impl Algorithm {
    /// The rule of pacing.
    #[must_use]
    pub fn pacing(self) -> &'static dyn Pacing {
        match self {
            Self::TokenBucket => &TUNED,
            Self::TbMsvv => &TokenBucket::PUBLISHED,
            Self::Greedy => &Greedy,
        }
    }
}

#[derive(Args)]
pub(crate) struct Options {
    /// The trace to replay.
    #[arg(long, value_name = "FILE.json.gz")]
    trace: PathBuf,
    /// How slots are given away.
    #[arg(long, value_enum, default_value_t = Algorithm::TokenBucket)]
    algorithm: Algorithm,
    /// Write what was decided here: `slot_index,campaign_id` for each slot, nothing after the comma for
    /// no fill.
    #[arg(long, value_name = "OUT.csv")]
    decisions: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

/// What came of a replay.
pub struct Replayed {
    /// For each slot the campaign that got it.
    pub decisions: Vec<Option<u32>>,
    /// How good it was.
    pub score: Score,
    /// Decisions a second, with reserving and settling.
    pub decisions_per_s: f64,
}

/// Replays a trace.
#[must_use]
pub fn replay(trace: &Trace, algorithm: Algorithm) -> Replayed {
    let replay = Replay::new(trace, algorithm.pacing());
    let begun = Instant::now();
    let decisions = replay.run();
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    let count = u32::try_from(decisions.len()).unwrap_or(u32::MAX);
    Replayed { score: score(trace, &decisions), decisions, decisions_per_s: f64::from(count) / seconds }
}

/// The outcome as it is printed.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    algorithm: String,
    value_micros: i64,
    lp_percent: f64,
    utilisation_percent: f64,
    early: usize,
    campaigns: usize,
    shape_rmse: f64,
    jain: f64,
    overspend_micros: i64,
    plays: usize,
    slots: usize,
    fill_percent: f64,
    decisions_per_s: f64,
}

impl Options {
    /// Replays, prints, and writes the decisions.
    ///
    /// # Errors
    /// The trace can not be read, or the decisions not written.
    pub(crate) fn run(&self) -> Result<(), Box<dyn std::error::Error>> {
        let trace = read(&self.trace)?;
        let replayed = replay(&trace, self.algorithm);
        if let Some(path) = &self.decisions {
            write(path, &replayed.decisions)?;
        }
        let name = self.algorithm.to_possible_value().map(|value| value.get_name().to_owned());
        let report = report(&trace, name.unwrap_or_default(), &replayed);
        say(&if self.json { serde_json::to_string(&report)? } else { line(&report) });
        Ok(())
    }
}

fn report<'a>(trace: &'a Trace, algorithm: String, replayed: &Replayed) -> Report<'a> {
    let score = &replayed.score;
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Report {
        name: &trace.name,
        algorithm,
        value_micros: score.value.0,
        lp_percent: score.lp_percent,
        utilisation_percent: score.utilisation_percent,
        early: score.early,
        campaigns: trace.campaigns.len(),
        shape_rmse: score.shape_rmse,
        jain: score.jain,
        overspend_micros: score.overspend.0,
        plays: score.plays,
        slots: score.slots,
        fill_percent: 100.0 * count(score.plays) / count(score.slots).max(1.0),
        decisions_per_s: replayed.decisions_per_s,
    }
}

fn line(report: &Report<'_>) -> String {
    format!(
        "{} algorithm={} value_micros={} lp={:.3}% utilisation={:.2}% early={}/{} shape_rmse={:.4} \
         jain={:.4} overspend_micros={} plays={} fill={:.2}% decisions_per_s={:.0}",
        report.name,
        report.algorithm,
        report.value_micros,
        report.lp_percent,
        report.utilisation_percent,
        report.early,
        report.campaigns,
        report.shape_rmse,
        report.jain,
        report.overspend_micros,
        report.plays,
        report.fill_percent,
        report.decisions_per_s,
    )
}

fn write(path: &Path, decisions: &[Option<u32>]) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "slot_index,campaign_id")?;
    for (slot, chosen) in decisions.iter().enumerate() {
        let chosen = chosen.map_or_else(String::new, |campaign| campaign.to_string());
        writeln!(out, "{slot},{chosen}")?;
    }
    out.flush()
}
