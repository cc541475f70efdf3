//! What one settled play costs, from claim to ack, beside what the same Postgres does in other ways.
//!
//! In one run, on one server with fsync on: one naive transaction per play (debit, credit, event row),
//! pgbench's own TPC-B for scale, and the real `SettlementActor` on the real store, cold (1 000 campaigns
//! and 100 000 streamers at random) and hot (one campaign). Then the same on SQLite. `scripts/bench settle`
//! starts the server and runs this; the last line is the summary.

#![expect(clippy::disallowed_methods, reason = "a bench looks at the system's clock")]

mod naive;
mod ours;
mod postgres;
mod wire;

use self::ours::{Shape, Trial};
use self::postgres::Server;
use std::time::Duration;

/// Campaigns of the cold trials.
const COLD: usize = 1_000;
/// Batches that are tried; the best one counts.
const BATCHES: [usize; 3] = [500, 5_000, 20_000];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Prints a line: this is a tool, and its output is the point.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn main() {
    let system = actix::System::new();
    if let Err(error) = system.block_on(run()) {
        say(&format!("settle: {error}"));
        std::process::exit(1);
    }
}

async fn run() -> Outcome<()> {
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(move |argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse::<u64>().ok())
    };
    let span = Duration::from_secs(argument("--seconds").unwrap_or(8));
    let server = Server::of_environment()?;
    say(&format!("postgres: {}", server.settings().await?));
    // For those who work on the settlement: only what they change, or only one trial of it.
    if std::env::args().any(|argument| argument == "--ours") {
        if let Some(batch) = argument("--batch") {
            let campaigns = usize::try_from(argument("--campaigns").unwrap_or(1))?;
            flood(&server, span, (campaigns, usize::try_from(batch)?)).await?;
            return Ok(());
        }
        ours_at_best(&server, span).await?;
    }
    if std::env::args().any(|argument| argument == "--ours" || argument == "--calm") {
        calm(&server, span).await?;
        return Ok(());
    }
    let [naive_cold, naive_hot] =
        [naive::measure(&server, COLD, span).await?, naive::measure(&server, 1, span).await?];
    say(&format!(
        "naive, one transaction per play: cold {:.0}/s, hot {:.0}/s; with one client {:.0}/s and {:.0}/s",
        naive_cold.best, naive_hot.best, naive_cold.alone, naive_hot.alone
    ));
    let tpcb = server.tpcb(span).await?;
    say(&format!("pgbench TPC-B, best number of clients: {tpcb:.0}/s"));
    let ([cold, hot], bytes_max) = ours_at_best(&server, span).await?;
    let trips = round_trips(&server, span).await?;
    let calm = calm(&server, span).await?;
    let sqlite = sqlite(span).await?;
    say(&format!(
        "against one naive client, as we are one writer: ratio_cold={:.1} ratio_hot={:.1}",
        cold / naive_cold.alone,
        hot / naive_hot.alone,
    ));
    let [naive_cold, naive_hot] = [naive_cold.best, naive_hot.best];
    say(&format!(
        "naive_cold_plays_per_s={naive_cold:.0} naive_hot_plays_per_s={naive_hot:.0} tpcb_tps={tpcb:.0} \
         ours_cold_plays_per_s={cold:.0} ours_hot_plays_per_s={hot:.0} ratio_cold={:.1} ratio_hot={:.1} \
         hot_to_cold={:.2} round_trips_per_play={trips:.4} bytes_per_play={bytes_max:.1} \
         claim_to_ack_ms_p99={calm:.1} sqlite_plays_per_s={sqlite:.0}",
        cold / naive_cold,
        hot / naive_hot,
        hot / cold,
    ));
    Ok(())
}

/// Plays a second, cold and hot, at the batch that is best for each; and the bytes of a play there.
async fn ours_at_best(server: &Server, span: Duration) -> Outcome<([f64; 2], f64)> {
    let (mut best, mut bytes_at_best) = ([0.0_f64; 2], [0.0_f64; 2]);
    for ((slot, at_best), campaigns) in best.iter_mut().zip(&mut bytes_at_best).zip([COLD, 1]) {
        for batch in BATCHES {
            let (rate, bytes) = flood(server, span, (campaigns, batch)).await?;
            if rate > *slot {
                (*slot, *at_best) = (rate, bytes);
            }
        }
    }
    let [cold, hot] = bytes_at_best;
    Ok((best, cold.max(hot)))
}

/// Plays a second with so many campaigns and so large a batch, and the bytes of a play.
async fn flood(server: &Server, span: Duration, (campaigns, batch): (usize, usize)) -> Outcome<(f64, f64)> {
    let database = server.database("settle").await?;
    let trial = Trial { url: database.url.clone(), campaigns, batch, shape: Shape::Flood, span };
    let result = ours::run(&trial).await?;
    let bytes = database.bytes_per_event().await?;
    say(&format!(
        "ours, {campaigns} campaigns, batch {batch}: {:.0} plays/s, {bytes:.1} bytes a play",
        result.plays_per_s
    ));
    database.drop().await?;
    Ok((result.plays_per_s, bytes))
}

/// Answers that were waited for per play, at batch 500, by the settlement: counted on the wire, between store
/// and server.
async fn round_trips(server: &Server, span: Duration) -> Outcome<f64> {
    let database = server.database("trips").await?;
    let tap = wire::Tap::open(&database.url).await?;
    let url = tap.url.clone();
    let trial = Trial { url, campaigns: COLD, batch: 500, shape: Shape::Flood, span };
    let before = std::sync::Arc::clone(&tap.waits);
    let (settlement, all) = ours::run_counted(&trial, &before).await?;
    say(&format!("round trips a play at batch 500: settlement {settlement:.4}, all connections {all:.4}"));
    drop(tap);
    database.drop().await?;
    Ok(settlement)
}

/// The 99th percentile from claim to ack at 2 000 plays a second, with the settings of `default.toml`.
async fn calm(server: &Server, span: Duration) -> Outcome<f64> {
    let database = server.database("calm").await?;
    let shape = Shape::Steady { per_second: 2_000 };
    let trial = Trial { url: database.url.clone(), campaigns: COLD, batch: 500, shape, span };
    let result = ours::run(&trial).await?;
    say(&format!(
        "ours at 2 000 plays/s: claim to ack p50 {:.1} ms, p99 {:.1} ms",
        result.p50_ms, result.p99_ms
    ));
    database.drop().await?;
    Ok(result.p99_ms)
}

async fn sqlite(span: Duration) -> Outcome<f64> {
    let mut best = 0.0_f64;
    for batch in BATCHES {
        let folder = tempfile::tempdir_in(std::env::var("CARGO_TARGET_TMPDIR").as_deref().unwrap_or("."))?;
        let url = format!("sqlite:{}", folder.path().join("settle.db").display());
        let trial = Trial { url, campaigns: COLD, batch, shape: Shape::Flood, span };
        let result = ours::run(&trial).await?;
        say(&format!("ours on SQLite, {COLD} campaigns, batch {batch}: {:.0} plays/s", result.plays_per_s));
        best = best.max(result.plays_per_s);
    }
    Ok(best)
}
