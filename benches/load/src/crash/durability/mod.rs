//! The durability witness: what a killed process can not show.
//!
//! SIGKILL leaves the kernel's memory alone, so a commit that was never flushed survives it. Here the
//! server runs under strace, and two things are shown; on Postgres only the first one, and how is told in
//! `postgres`:
//!
//! - `ack_before_fsync`: for each play whose ack was seen leaving, the row (the sixteen bytes of its
//!   id) was in a write to the log that had ended, then a flush of the log began and ended with
//!   success, and only then did the call begin that gave the ack to its socket. Counted are the plays
//!   for which this is not so.
//! - `wal_cuts`: the server is frozen and its files are copied, some time after a flush that was
//!   witnessed; the log of the copy is cut off at random places at or behind the end of what that
//!   flush covered. Every play that was acked before is there, and the money adds up. Cuts before that
//!   place are made as well, to see that a loss would be seen.

mod cut;
mod postgres;
mod trace;
mod wire;

use super::kills::Run;
use super::options::{Database, Kind, Options};
use super::stage::Ledger;
use crate::failure::Failure;
use crate::server::Server;
use cut::{Cuts, copy};
use gametriggers_simulated_overlay::now;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;
use trace::{CALLS, Trace, Verdict};

/// A page of the log, and more than any frame.
const STRING_MAX: &str = "8192";
/// All that Postgres writes to its log at once.
const LOG_WRITE_MAX: &str = "1048576";
/// Copies to spread the cuts over.
const COPIES: u64 = 20;
const CONTROLS: u64 = 2;
/// Between two copies.
const PAUSE: Duration = Duration::from_millis(200);
/// Under strace everything takes longer, and on a slow machine much longer.
const COPYING_MAX: Duration = Duration::from_secs(600);
const WARM_UP: Duration = Duration::from_secs(2);
/// In the scenario of a planted bug.
const WATCHED: Duration = Duration::from_secs(3);
const WATCHED_CLUSTER: Duration = Duration::from_secs(20);

/// What to watch.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "gametriggers-witness", about = "Watches the system calls of a server that takes claims")]
pub struct Watch {
    /// The database. For Postgres the run starts one of its own.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    pub db: Database,
    /// Overlays, one streamer each.
    #[arg(long, default_value_t = 40)]
    pub streamers: u32,
    /// Cuts of the log of SQLite.
    #[arg(long, default_value_t = 1_000)]
    pub cuts: u64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The server's binary.
    #[arg(long, default_value = "target/release/gametriggers")]
    pub server: PathBuf,
}

/// What was seen.
#[derive(Debug)]
pub struct Witnessed {
    verdict: Verdict,
    cuts: Cuts,
    wanted: u64,
    faults: Vec<String>,
}

impl Witnessed {
    /// Whether all was as it has to be, and there was something to see.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Self { verdict, cuts, wanted, faults } = self;
        let acks = verdict.acks > 0 && verdict.flushes > 0 && verdict.before_flush == 0;
        let cut = cuts.cuts >= *wanted && cuts.corrupt == 0 && cuts.acked_lost == 0;
        acks && cut && (*wanted == 0 || cuts.controls_lost > 0) && faults.is_empty()
    }

    /// For people first, the lines of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Self { verdict, cuts, faults, .. } = self;
        let acks = format!(
            "acks={} fsyncs={} ack_before_fsync={}",
            verdict.acks, verdict.flushes, verdict.before_flush
        );
        if cuts.cuts == 0 && self.wanted == 0 {
            return vec![format!("faults={}", faults.join(",")), acks];
        }
        vec![
            format!(
                "cuts_that_shortened={} control_cuts_before_fsync={} of_which_lost_acked={} faults={}",
                cuts.shorter,
                cuts.controls,
                cuts.controls_lost,
                faults.join(",")
            ),
            acks,
            format!("wal_cuts={} corrupt={} acked_lost={}", cuts.cuts, cuts.corrupt, cuts.acked_lost),
        ]
    }
}

/// Watches, cuts, and audits at the end.
///
/// # Errors
/// The run has no result.
pub async fn watch(watch: Watch) -> Result<Witnessed, Failure> {
    let options = Options {
        kills: 0,
        db: watch.db,
        faults: vec![Kind::Server],
        points: None,
        seed: watch.seed,
        streamers: watch.streamers,
        early_percent: 0,
        repeat_percent: 20,
        drain_seconds: 60,
        play_seconds: 1,
        hold_seconds: 0,
        server: watch.server,
        keep: None,
        planted_bugs: false,
        plant: None,
    };
    let mut run = Run::prepare(options).await?;
    if run.stage.cluster.is_some() {
        let verdict = watch_cluster(&run, WATCHED_CLUSTER).await?;
        let faults = run.finish(0).await?.faults();
        return Ok(Witnessed { verdict, cuts: Cuts::default(), wanted: 0, faults });
    }
    let (mut server, mut trace) = under_strace(&run).await?;
    sleep(WARM_UP).await;
    let mut cuts = Cuts::default();
    let began = now().at;
    while cuts.cuts < watch.cuts && now().at.duration_since(began) < COPYING_MAX {
        sleep(PAUSE).await;
        let Ledger::Sqlite(database) = &run.stage.ledger else { break };
        let acked = run.witness.durable();
        if let Some(copy) = copy(&server, &mut trace, database, acked, &mut run.random).await? {
            let share = watch.cuts.div_ceil(COPIES).min(watch.cuts - cuts.cuts);
            copy.cut((share, CONTROLS), &run.options.server, &mut run.random, &mut cuts).await?;
        }
    }
    server.terminate().await?;
    trace.read()?;
    let verdict = trace.judge();
    let report = run.finish(0).await?;
    Ok(Witnessed { verdict, cuts, wanted: watch.cuts, faults: report.faults() })
}

/// Watches a server for a short time; what was wrong.
pub(super) async fn faults(options: &Options) -> Result<Vec<String>, Failure> {
    let run = Run::prepare(Options { kills: 0, ..options.clone() }).await?;
    let verdict = if run.stage.cluster.is_some() {
        watch_cluster(&run, WATCHED).await?
    } else {
        let (mut server, mut trace) = under_strace(&run).await?;
        sleep(WATCHED).await;
        server.terminate().await?;
        trace.read()?;
        trace.judge()
    };
    let mut faults = run.finish(0).await?.faults();
    if verdict.acks == 0 {
        return Err(Failure::Refused("no ack was seen leaving".into()));
    }
    if verdict.before_flush > 0 {
        faults.push(format!("ack_before_fsync={}", verdict.before_flush));
    }
    Ok(faults)
}

/// Watches the server and Postgres, for a while.
async fn watch_cluster(run: &Run, time: Duration) -> Result<Verdict, Failure> {
    let Some(cluster) = &run.stage.cluster else { return Ok(Verdict::default()) };
    let attached: Vec<String> = cluster
        .postgres
        .processes()?
        .into_iter()
        .flat_map(|process| ["-p".to_owned(), process.to_string()])
        .collect();
    let (mut server, path) = traced(run, (postgres::CALLS, LOG_WRITE_MAX), attached).await?;
    sleep(time).await;
    // The one that serves the writer was made while strace looked on, and is there as long as the server.
    let processes: HashSet<u32> = cluster.postgres.processes()?.into_iter().collect();
    server.terminate().await?;
    postgres::judge(&path, &processes)
}

async fn under_strace(run: &Run) -> Result<(Server, Trace), Failure> {
    let (server, path) = traced(run, (CALLS, STRING_MAX), Vec::new()).await?;
    Ok((server, Trace::of(path)))
}

/// Starts the server under a strace that watches these processes as well.
async fn traced(
    run: &Run,
    (calls, string_max): (&str, &str),
    attached: Vec<String>,
) -> Result<(Server, PathBuf), Failure> {
    let path = run.stage.path().join("strace.txt");
    let mut launch = run.launch.clone();
    // With -D the server keeps the process that is started here, and strace watches from aside.
    let through = ["strace", "-f", "-D", "-y", "-xx", "-s", string_max, "-e", calls, "-o"];
    launch.through = through.map(str::to_owned).to_vec();
    launch.through.push(path.display().to_string());
    launch.through.extend(attached);
    run.witness.server_starts();
    let mut server =
        launch.start().map_err(|_| Failure::Refused("no strace: apt-get install strace".into()))?;
    run.greeted(&mut server).await?;
    Ok((server, path))
}
