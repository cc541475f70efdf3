//! The run: start, kill, start again, and let the last server finish.

use super::witness::Witness;
use super::{Options, Report, audit};
use crate::failure::Failure;
use crate::market;
use crate::provision::{FIRST_SLOT_MS, SPREAD_MS, Streamers};
use crate::server::{Launch, Server, command, free_address};
use gametriggers_simulated_overlay::{Backoff, Observer, Outbox, Overlay, Random, Settings, now, spawn};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::sleep;

/// An ad is shown for so long: the page is hidden just after the viewable time.
const SHOW: Duration = Duration::from_millis(1_100);
const SLOT_INTERVAL_MS: u64 = 1_000;
const SLOT_FIRST_MS: u64 = 50;
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(20), cap: Duration::from_millis(200) };
/// From the first welcome to the kill.
const ALIVE_MS: (u64, u64) = (20, 500);
/// From the start of the process to an early kill.
const EARLY_MS: u64 = 300;
const RECOVERY_MAX: Duration = Duration::from_secs(30);
/// The last server plays on for so long before the overlays take no more.
const LAST_PLAYS: Duration = Duration::from_secs(3);
const SIGKILL: i32 = 9;
/// Each campaign waits so long before it plays on the same streamer again: they take turns.
const CAMPAIGN_GAP_S: u32 = 3;
/// Every so many kills, a server lives on for a while before its kill. Each server takes a lease of
/// a twentieth of what a campaign has left; without a pause in which due leases are closed a long run
/// would end with every budget stranded and nothing played.
const REST_EVERY: u32 = 25;
const REST: Duration = Duration::from_secs(3);
const TOKEN_LIFE_S: &str = "GAMETRIGGERS__PLAY__TOKEN_LIFE_S";
/// Long enough for every claim of a page that waits for the next server, short enough for leases to
/// close within a run.
const TOKEN_LIFE: u32 = 10;

/// Runs it all and audits the database.
pub async fn run(options: Options) -> Result<Report, Failure> {
    let home = Home::make(&options)?;
    let mut random = Random::new(options.seed);
    let launch = Launch {
        binary: options.server.clone(),
        data: home.path().to_owned(),
        address: free_address(&mut random)?,
        env: vec![
            (FIRST_SLOT_MS, SLOT_FIRST_MS.to_string()),
            (SPREAD_MS, "0".into()),
            (TOKEN_LIFE_S, TOKEN_LIFE.to_string()),
        ],
    };
    let keys = provision(&options, &launch).await?;
    let witness = Arc::new(Witness::default());
    let overlays = overlays(&options, launch.address, keys, &witness);
    let kills = kill_loop(&options, &launch, &witness, &mut random).await?;
    let unsettled = last_server(&options, &launch, &witness, overlays).await?;
    let data = home.path().to_str().unwrap_or_default();
    let reconcile = command(&options.server, &["ledger", "reconcile", "--data", data]).await?;
    let drift_micros = audit::drift_micros(&String::from_utf8_lossy(&reconcile.stdout));
    let log = witness.log();
    let findings = audit::audit(&home.path().join("demo.db"), &log.answers).await?;
    Ok(Report { kills, wanted: options.kills, log, findings, unsettled, drift_micros })
}

/// Streamers, a brand and campaigns; the keys of the overlays.
async fn provision(options: &Options, launch: &Launch) -> Result<Vec<String>, Failure> {
    let streamers = Streamers { count: options.streamers, slot_interval_ms: SLOT_INTERVAL_MS };
    let keys = streamers.provision(&launch.binary, &launch.data).await?;
    let brand = market::brand(&launch.binary, &launch.data).await?;
    let mut server = launch.start()?;
    server.ready().await?;
    market::campaigns(launch.address, &brand, CAMPAIGN_GAP_S).await?;
    server.terminate().await?;
    Ok(keys)
}

/// Kills the server as often as was asked, each time at another moment. The number of servers that
/// really died of it.
async fn kill_loop(
    options: &Options,
    launch: &Launch,
    witness: &Witness,
    random: &mut Random,
) -> Result<u32, Failure> {
    let mut killed = 0;
    for round in 0..options.kills {
        let mut server = start(launch, witness)?;
        let rests = round % REST_EVERY == REST_EVERY - 1;
        if !rests && random.chance(options.early_percent) {
            sleep(Duration::from_millis(random.between(0, EARLY_MS))).await;
        } else {
            greeted(&server, witness).await?;
            let rest = if rests { REST } else { Duration::ZERO };
            sleep(rest + Duration::from_millis(random.between(ALIVE_MS.0, ALIVE_MS.1))).await;
        }
        let status = server.kill().await?;
        if status.signal() != Some(SIGKILL) {
            return Err(Failure::Server(format!("ended by itself with {status}; {}", server.last_words())));
        }
        killed += 1;
        if round % 50 == 49 {
            eprintln!("gametriggers-crash: {killed} kills");
        }
    }
    Ok(killed)
}

fn start(launch: &Launch, witness: &Witness) -> Result<Server, Failure> {
    witness.server_starts();
    let server = launch.start()?;
    Ok(server)
}

async fn greeted(server: &Server, witness: &Witness) -> Result<(), Failure> {
    if witness.welcome(RECOVERY_MAX).await {
        return Ok(());
    }
    Err(Failure::Late(format!("no overlay was welcomed; {}", server.last_words())))
}

/// The last server acks what is left and is stopped in order. The number of overlays that were not
/// done by then.
async fn last_server(
    options: &Options,
    launch: &Launch,
    witness: &Witness,
    overlays: Vec<Overlay>,
) -> Result<usize, Failure> {
    let mut server = start(launch, witness)?;
    greeted(&server, witness).await?;
    sleep(LAST_PLAYS).await;
    overlays.iter().for_each(Overlay::retire);
    let began = now().at;
    let limit = Duration::from_secs(options.drain_seconds);
    while overlays.iter().any(|overlay| !overlay.is_settled()) && now().at.duration_since(began) < limit {
        sleep(Duration::from_millis(50)).await;
    }
    let unsettled = overlays.iter().filter(|overlay| !overlay.is_settled()).count();
    futures_util::future::join_all(overlays.into_iter().map(Overlay::stop)).await;
    server.terminate().await?;
    Ok(unsettled)
}

fn overlays(
    options: &Options,
    server: SocketAddr,
    keys: Vec<String>,
    witness: &Arc<Witness>,
) -> Vec<Overlay> {
    let observer: Arc<dyn Observer> = witness.clone();
    let overlay = |(number, key)| {
        let mut settings = Settings::new(server, key);
        settings.number = number;
        settings.seed = options.seed;
        settings.backoff = BACKOFF;
        settings.screen.show = Some(SHOW);
        settings.repeat_claim_percent = options.repeat_percent;
        spawn(settings, Outbox::default(), Arc::clone(&observer))
    };
    (0_u32..).zip(keys).map(overlay).collect()
}

/// Where the database lives.
enum Home {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Home {
    fn make(options: &Options) -> Result<Self, Failure> {
        let failed = Failure::io("a directory for the server");
        match &options.keep {
            Some(path) => std::fs::create_dir(path).map(|()| Self::Kept(path.clone())).map_err(failed),
            None => tempfile::tempdir().map(Self::Temporary).map_err(failed),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}
