//! Planted bugs: with each safeguard left out in turn, a run that passes with all of them must fail.
//!
//! It has to fail by a figure that is zero without the plant. A run that has no result, because a server
//! did not start or a service did not come back, catches nothing.

use super::durability;
use super::kills;
use super::options::{Database, Kind, Options};
use super::points;
use crate::failure::Failure;

/// A safeguard to leave out, and the run that has to miss it.
const PLANTS: [(&str, Scenario); 8] = [
    ("dedupe", Scenario::Kills),
    ("ack-before-commit", Scenario::Commit),
    ("lease-check", Scenario::Scarce),
    ("lease-epoch", Scenario::Kills),
    ("unknown-commit", Scenario::Cuts),
    ("sync-full", Scenario::Witness),
    ("token-expiry", Scenario::Late),
    ("per-event-fee", Scenario::Kills),
];

const STREAMERS: u32 = 60;
/// So many that some hit a batch of claims: most do.
const CUTS: u32 = 12;

/// A short run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// The server is killed a few times.
    Kills,
    /// It ends itself right before a commit.
    Commit,
    /// A budget runs out.
    Scarce,
    /// Connections to Postgres are cut at a COMMIT. With a file there is no answer to be lost, so this
    /// runs on Postgres always.
    Cuts,
    /// System calls are watched.
    Witness,
    /// Claims come when their tokens are dead.
    Late,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Planted {
    /// Scenarios that failed without any plant.
    false_alarms: Vec<String>,
    planted: usize,
    caught: usize,
    lines: Vec<String>,
}

impl Planted {
    /// Whether each was caught, and nothing else.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.false_alarms.is_empty() && self.planted == PLANTS.len() && self.caught == self.planted
    }

    /// For people first, the line of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.lines.clone();
        lines.push(format!("planted={} caught={}", self.planted, self.caught));
        lines
    }
}

/// Runs all of them, those without a plant first.
pub(super) async fn run(options: &Options) -> Result<Planted, Failure> {
    let mut planted = Planted::default();
    let all = [
        Scenario::Kills,
        Scenario::Commit,
        Scenario::Scarce,
        Scenario::Cuts,
        Scenario::Witness,
        Scenario::Late,
    ];
    for scenario in all {
        let missed = faults(options, scenario, None).await?;
        eprintln!("gametriggers-crash: plant=none {scenario:?} {missed:?}");
        planted.lines.push(format!("plant=none run={scenario:?} faults={}", missed.join(",")));
        if !missed.is_empty() {
            planted.false_alarms.push(format!("{scenario:?}"));
        }
    }
    for (plant, scenario) in PLANTS {
        let line = match faults(options, scenario, Some(plant)).await {
            Ok(mut caught) => {
                // A claim without an answer says that something is wrong, and not what.
                caught.retain(|fault| !fault.starts_with("unacked="));
                planted.caught += usize::from(!caught.is_empty());
                format!("plant={plant} run={scenario:?} caught_by={}", caught.join(","))
            }
            Err(failure) => format!("plant={plant} run={scenario:?} no_result={failure}"),
        };
        eprintln!("gametriggers-crash: {line}");
        planted.lines.push(line);
        planted.planted += 1;
    }
    Ok(planted)
}

/// Runs a scenario; what was wrong.
async fn faults(options: &Options, scenario: Scenario, plant: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut options = Options {
        faults: vec![Kind::Server],
        kills: 4,
        streamers: STREAMERS,
        early_percent: 0,
        keep: None,
        plant: plant.map(str::to_owned),
        ..options.clone()
    };
    match scenario {
        Scenario::Kills => {}
        Scenario::Scarce => (options.kills, options.play_seconds) = (1, 12),
        Scenario::Late => (options.kills, options.play_seconds, options.hold_seconds) = (1, 2, 45),
        Scenario::Commit => {
            // The transaction takes its time, in which acks that do not wait for it are read.
            let point = match options.db {
                Database::Sqlite => "settle.after_begin=sleep(100);settle.before_commit",
                // A batch in which something comes twice goes the careful way, which has the other name.
                Database::Postgres => {
                    "settle_at_once.after_begin=sleep(100);settle_at_once.before_commit=return;\
                     settle.before_commit"
                }
            };
            return points::faults_at(options, point, 5).await;
        }
        Scenario::Witness => return durability::faults(&options).await,
        Scenario::Cuts => {
            (options.db, options.kills) = (Database::Postgres, 1);
            return Ok(kills::run_cuts(options, CUTS).await?.faults());
        }
    }
    Ok(kills::run(options).await?.faults())
}
