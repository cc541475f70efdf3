//! `gametriggers simulate`: replays a trace through the code that decides for real, and says how near the
//! outcome is to the best possible one. The day comes from a file or is made from a seed. With `--nodes` it
//! is played on several nodes; `--chaos` puts whole lives of plays through faults instead.

mod chaos;
mod file;
mod generate;
mod write;

pub use chaos::chaos;
pub use file::{TraceError, read};
pub use generate::{Kind, generate};
pub use write::packed;

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
#[command(group(clap::ArgGroup::new("what").required(true).args(["trace", "generate", "chaos"])))]
pub(crate) struct Options {
    /// The trace to replay.
    #[arg(long, value_name = "FILE.json.gz")]
    trace: Option<PathBuf>,
    /// Make the day of a seed instead.
    #[arg(long, value_enum)]
    generate: Option<Kind>,
    /// Put whole lives of plays through duplicates, reordering, lost acks, crashes and failing writes. Exit
    /// status 1 when an invariant breaks.
    #[arg(long)]
    chaos: bool,
    /// The seed of a made day, or the only one of a chaos run.
    #[arg(long)]
    seed: Option<u64>,
    /// Budgets of a made day against its supply: 0.01 to 10.
    #[arg(long, default_value = "0.5", value_parser = generate::hundredths)]
    #[arg(conflicts_with_all = ["trace", "chaos"])]
    ratio: i64,
    /// Write the made day here, instead of replaying it.
    #[arg(long, value_name = "FILE.json.gz", conflicts_with_all = ["trace", "chaos"])]
    out: Option<PathBuf>,
    /// Chaos runs: this many seeds, from 1.
    #[arg(long, default_value_t = 100, conflicts_with_all = ["seed", "trace", "generate"])]
    seeds: u64,
    /// Play the day on so many nodes, a line each, with a crash of one at 20:30.
    #[arg(long, value_delimiter = ',', conflicts_with = "chaos")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    nodes: Vec<u32>,
    /// How slots are given away.
    #[arg(long, value_enum, default_value_t = Algorithm::TokenBucket)]
    algorithm: Algorithm,
    /// Write what was decided here: `slot_index,campaign_id` for each slot, nothing after the comma for no
    /// fill.
    #[arg(long, value_name = "OUT.csv", conflicts_with_all = ["chaos", "nodes", "out"])]
    decisions: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long, conflicts_with_all = ["chaos", "nodes", "out"])]
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
    /// None without a bound.
    lp_percent: Option<f64>,
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
    /// The trace can not be read, a file not written, or a chaos run broke an invariant.
    pub(crate) fn run(&self) -> Result<(), Box<dyn std::error::Error>> {
        if self.chaos {
            return chaos::run(self.seed, self.seeds);
        }
        let trace = match (&self.trace, self.generate) {
            (Some(path), _) => read(path)?,
            (None, Some(kind)) => generate(kind, self.seed.unwrap_or(1), self.ratio),
            (None, None) => return Ok(()),
        };
        if let Some(path) = &self.out {
            std::fs::write(path, packed(&trace)?)?;
            say(&format!(
                "{}: {} slots, {} campaigns",
                path.display(),
                trace.slots.len(),
                trace.campaigns.len()
            ));
            return Ok(());
        }
        if !self.nodes.is_empty() {
            chaos::fleets(&trace, self.algorithm, &self.nodes);
            return Ok(());
        }
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
        lp_percent: Some(score.lp_percent).filter(|percent| percent.is_finite()),
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
        "{} algorithm={} value_micros={} lp={} utilisation={:.2}% early={}/{} shape_rmse={:.4} jain={:.4} \
         overspend_micros={} plays={} fill={:.2}% decisions_per_s={:.0}",
        report.name,
        report.algorithm,
        report.value_micros,
        report.lp_percent.map_or_else(|| "n/a".to_owned(), |percent| format!("{percent:.3}%")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parsed(arguments: &str) -> Result<Options, clap::Error> {
        let words = std::iter::once("simulate").chain(arguments.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[test]
    fn a_made_day_is_written_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (day, csv) = (folder.path().join("day.json.gz"), folder.path().join("decisions.csv"));
        parsed(&format!("--generate t2b --out {}", day.display())).unwrap().run().unwrap();
        let again = format!("--trace {} --decisions {} --json", day.display(), csv.display());
        parsed(&again).unwrap().run().unwrap();
        assert_eq!(std::fs::read_to_string(csv).unwrap().lines().count(), 201);
        parsed(&format!("--trace {} --nodes 1,8", day.display())).unwrap().run().unwrap();
    }

    #[test]
    fn one_seed_of_chaos_or_many() {
        parsed("--chaos --seed 3").unwrap().run().unwrap();
        parsed("--chaos --seeds 2").unwrap().run().unwrap();
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for bad in [
            "",
            "--trace a --chaos",
            "--generate t9",
            "--generate t1 --ratio 0",
            "--chaos --seed 1 --seeds 2",
            "--trace a --out b",
            "--trace a --nodes 0",
            "--chaos --json",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_without_a_bound_has_no_share_of_it() {
        let trace = generate(Kind::T1, 1, 50);
        let replayed = replay(&trace, Algorithm::Greedy);
        let report = report(&trace, "greedy".to_owned(), &replayed);
        assert!(line(&report).contains(" lp=n/a "), "{}", line(&report));
        assert!(serde_json::to_string(&report).unwrap().contains("\"lp_percent\":null"));
    }
}
