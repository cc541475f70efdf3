//! The run: start, break, kill, start again, and let the last server finish.

use super::click::Clicker;
use super::fault::{Damage, Fault, strike};
use super::full::{Full, fill};
use super::options::{Database, Options};
use super::scrape::Commits;
use super::stage::Stage;
use super::witness::Witness;
use super::{Report, audit};
use crate::failure::Failure;
use crate::market;
use crate::provision::{FIRST_SLOT_MS, SPREAD_MS, Streamers};
use crate::server::{Launch, Server, command, free_address};
use gametriggers_simulated_overlay::{Backoff, Observer, Outbox, Overlay, Random, Settings, now, spawn};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;
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
/// How often a server is started again that does not find its database, and after what pause.
const STARTS_MAX: u32 = 60;
const START_AGAIN: Duration = Duration::from_millis(250);
/// A server that ends by itself within this has not started.
const YOUNG: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);
const RECOVERY_MAX: Duration = Duration::from_secs(30);
const SIGKILL: i32 = 9;
/// Each campaign waits so long before it plays on the same streamer again: all of them take turns.
const CAMPAIGN_GAP_S: u32 = 9;
/// Every so many kills, a server lives on for a while before its kill, so that leases of earlier ones are due
/// and closed within the run.
const REST_EVERY: u32 = 25;
const REST: Duration = Duration::from_secs(3);
/// Of a hundred lives, so many see something else break before they end,
const FAULT_PERCENT: u8 = 75;
/// and of a hundred of these, so many end in the middle of it.
const HASTY_PERCENT: u8 = 25;
const TOKEN_LIFE_S: &str = "GAMETRIGGERS__PLAY__TOKEN_LIFE_S";
const PLANT: &str = "GAMETRIGGERS_PLANT";
/// Long enough for every claim of a page that waits for the next server, short enough for leases to
/// close within a run.
const TOKEN_LIFE: u32 = 10;

/// Runs it all and audits the database.
pub(super) async fn run(options: Options) -> Result<Report, Failure> {
    let mut run = Run::prepare(options).await?;
    let kills = run.kill_loop().await?;
    run.finish(kills).await
}

/// One server, whose COMMITs are lost again and again, on their way or on the way back.
pub(super) async fn run_cuts(options: Options, times: u32) -> Result<Report, Failure> {
    let mut run = Run::prepare(options).await?;
    let mut server = run.up().await?;
    for _ in 0..times {
        for fault in [Fault::CutCommit, Fault::CutAnswer] {
            run.strike(fault, false, &server).await?;
        }
    }
    run.look(&server).await;
    server.kill().await?;
    run.finish(1).await
}

/// A run under way.
pub(super) struct Run {
    pub(super) options: Options,
    pub(super) stage: Stage,
    pub(super) launch: Launch,
    pub(super) witness: Arc<Witness>,
    pub(super) random: Random,
    /// The key of the brand.
    pub(super) brand: String,
    /// Its first campaign, and what that was given at the beginning.
    pub(super) campaign: i64,
    pub(super) funded_micros: i64,
    overlays: Vec<Overlay>,
    clicker: Clicker,
    damage: Damage,
    full: Full,
    /// Servers that ended at once, because their database was not there.
    refused_starts: u64,
    commits: Commits,
    stranded_micros_max: i64,
}

impl Run {
    /// Streamers, a brand, campaigns, and overlays that look for a server.
    pub(super) async fn prepare(options: Options) -> Result<Self, Failure> {
        let stage = Stage::build(&options).await?;
        let mut env = vec![
            (FIRST_SLOT_MS, SLOT_FIRST_MS.to_string()),
            (SPREAD_MS, "0".into()),
            (TOKEN_LIFE_S, TOKEN_LIFE.to_string()),
        ];
        env.extend(options.plant.iter().map(|plant| (PLANT, plant.clone())));
        let launch = Launch {
            binary: options.server.clone(),
            site: stage.site.clone(),
            address: free_address()?,
            env,
            through: Vec::new(),
        };
        let (keys, brand, campaign) = provision(&options, &launch).await?;
        let witness = Arc::new(Witness::default());
        let overlays = overlays(&options, launch.address, keys, &witness);
        let clicker = Clicker::start(launch.address, Arc::clone(&witness), options.seed);
        Ok(Self {
            random: Random::new(options.seed),
            options,
            stage,
            launch,
            witness,
            brand,
            campaign,
            funded_micros: market::BUDGET_MICROS,
            overlays,
            clicker,
            damage: Damage::default(),
            full: Full::default(),
            refused_starts: 0,
            commits: Commits::default(),
            stranded_micros_max: 0,
        })
    }

    /// Kills the server as often as was asked, each time at another moment. The number of servers that
    /// really died of it.
    async fn kill_loop(&mut self) -> Result<u32, Failure> {
        let faults = Fault::chosen(&self.options);
        let mut killed = 0;
        for round in 0..self.options.kills.saturating_mul(2) {
            if killed == self.options.kills {
                break;
            }
            killed += u32::from(self.one_life(round, &faults).await?);
            if round % 50 == 49 {
                eprintln!("gametriggers-crash: {killed} kills {}", self.damage.line());
            }
        }
        Ok(killed)
    }

    /// One server, from its start to its kill. False when it did not get so far: it does not start
    /// while its database is not there.
    async fn one_life(&mut self, round: u32, faults: &[Fault]) -> Result<bool, Failure> {
        let rests = round % REST_EVERY == REST_EVERY - 1;
        let mut server = if !rests && self.random.chance(self.options.early_percent) {
            let server = self.start()?;
            sleep(Duration::from_millis(self.random.between(0, EARLY_MS))).await;
            server
        } else {
            let server = self.up().await?;
            sleep(if rests { REST } else { Duration::ZERO }).await;
            self.break_something(faults, &server).await?;
            self.fill_the_disk(&server).await?;
            sleep(Duration::from_millis(self.random.between(ALIVE_MS.0, ALIVE_MS.1))).await;
            server
        };
        let young = server.is_young(YOUNG);
        self.look(&server).await;
        let status = server.kill().await?;
        if status.signal() == Some(SIGKILL) {
            return Ok(true);
        }
        if self.options.db == Database::Postgres && young {
            self.refused_starts += 1;
            return Ok(false);
        }
        Err(Failure::Server(format!("ended by itself with {status}; {}", server.last_words())))
    }

    async fn break_something(&mut self, faults: &[Fault], server: &Server) -> Result<(), Failure> {
        let count = u64::try_from(faults.len()).unwrap_or(0);
        let chosen = usize::try_from(self.random.below(count)).ok().and_then(|chosen| faults.get(chosen));
        let (Some(fault), true) = (chosen, self.random.chance(FAULT_PERCENT)) else { return Ok(()) };
        let hasty = self.random.chance(HASTY_PERCENT);
        self.strike(*fault, hasty, server).await
    }

    async fn strike(&mut self, fault: Fault, hasty: bool, server: &Server) -> Result<(), Failure> {
        let Some(cluster) = &mut self.stage.cluster else { return Ok(()) };
        let told = (&*self.witness, &mut self.damage);
        strike(fault, cluster, told, hasty, &mut self.random).await.map_err(|failure| match failure {
            Failure::Late(what) => Failure::Late(format!("{what}; {}", server.last_words())),
            failure => failure,
        })
    }

    async fn fill_the_disk(&mut self, server: &Server) -> Result<(), Failure> {
        let mut full = std::mem::take(&mut self.full);
        let filled = fill(self, server, &mut full).await;
        self.full = full;
        filled
    }

    pub(super) fn start(&self) -> Result<Server, Failure> {
        self.witness.server_starts();
        self.launch.start()
    }

    /// Starts a server and waits until it greets an overlay. One that ends because its database is not
    /// there yet is started again, as whoever watches over it does.
    pub(super) async fn up(&mut self) -> Result<Server, Failure> {
        for _ in 0..STARTS_MAX {
            let mut server = self.start()?;
            if self.welcomed(&mut server).await? {
                return Ok(server);
            }
            self.refused_starts += 1;
            sleep(START_AGAIN).await;
        }
        Err(Failure::Late("the server does not start".into()))
    }

    /// Waits for the first welcome; false when the server has ended instead.
    async fn welcomed(&self, server: &mut Server) -> Result<bool, Failure> {
        let began = now().at;
        while !self.witness.welcome(LOOK).await {
            if let Some(status) = server.ended(Duration::ZERO).await {
                if self.options.db == Database::Postgres && status.code().is_some() {
                    return Ok(false);
                }
                let why = server.last_words();
                return Err(Failure::Server(format!("ended by itself with {status}; {why}")));
            }
            if now().at.saturating_duration_since(began) > RECOVERY_MAX {
                return Err(Failure::Late(format!("no overlay was welcomed; {}", server.last_words())));
            }
        }
        Ok(true)
    }

    /// The same where an end is a failure.
    pub(super) async fn greeted(&self, server: &mut Server) -> Result<(), Failure> {
        if self.welcomed(server).await? {
            return Ok(());
        }
        Err(Failure::Server(format!("ended before its first welcome; {}", server.last_words())))
    }

    /// What is gone with the process, and what it leaves stranded.
    async fn look(&mut self, server: &Server) {
        if self.options.db == Database::Postgres {
            self.commits.add(server.address()).await;
        }
        // While a server starts, the tables may not be there.
        if let Ok(stranded) = audit::stranded(&self.stage.ledger).await {
            self.stranded_micros_max = self.stranded_micros_max.max(stranded);
        }
    }

    /// The last server acks what is left and is stopped in order; then the audit.
    pub(super) async fn finish(mut self, kills: u32) -> Result<Report, Failure> {
        let mut server = self.up().await?;
        sleep(Duration::from_secs(self.options.play_seconds)).await;
        self.overlays.iter().for_each(Overlay::retire);
        let began = now().at;
        let limit = Duration::from_secs(self.options.drain_seconds);
        let waiting = |overlays: &[Overlay]| overlays.iter().filter(|o| !o.is_settled()).count();
        while waiting(&self.overlays) > 0 && now().at.duration_since(began) < limit {
            sleep(Duration::from_millis(50)).await;
        }
        let unsettled = waiting(&self.overlays);
        futures_util::future::join_all(self.overlays.drain(..).map(Overlay::stop)).await;
        self.look(&server).await;
        drop(self.clicker);
        server.terminate().await?;
        if self.stage.disk.is_some() && self.full.times == 0 {
            return Err(Failure::Refused("the disk never filled up: no life was long enough".into()));
        }
        let [option, place] = self.stage.site.arguments()?;
        let reconcile = command(&self.options.server, &["ledger", "reconcile", option, place]).await?;
        let drift_micros = audit::drift_micros(&String::from_utf8_lossy(&reconcile.stdout));
        let log = self.witness.log();
        let rows = audit::read(&self.stage.ledger).await?;
        let findings = audit::audit(&rows, &log);
        let cuts = self.stage.cluster.as_ref().map(|cluster| cluster.database.cuts()).unwrap_or_default();
        Ok(Report {
            kills,
            wanted: self.options.kills,
            damage: self.damage,
            full: self.full,
            refused_starts: self.refused_starts,
            cuts,
            commits: self.commits,
            stranded_micros_max: self.stranded_micros_max,
            log,
            findings,
            budgets: rows.budgets,
            unsettled,
            drift_micros,
        })
    }
}

/// Keys of the overlays, key of the brand, and its first campaign.
async fn provision(options: &Options, launch: &Launch) -> Result<(Vec<String>, String, i64), Failure> {
    let streamers = Streamers { count: options.streamers, slot_interval_ms: SLOT_INTERVAL_MS };
    let keys = streamers.provision(&launch.binary, &launch.site).await?;
    let brand = market::brand(&launch.binary, &launch.site).await?;
    let mut server = launch.start()?;
    server.ready().await?;
    let campaigns = market::campaigns(launch.address, &brand, CAMPAIGN_GAP_S).await?;
    market::scarce(launch.address, &brand, CAMPAIGN_GAP_S).await?;
    server.terminate().await?;
    let first = campaigns.first().copied();
    Ok((keys, brand, first.ok_or_else(|| Failure::Refused("no campaign".into()))?))
}

fn overlays(
    options: &Options,
    server: SocketAddr,
    keys: Vec<String>,
    witness: &Arc<Witness>,
) -> Vec<Overlay> {
    let observer: Arc<dyn Observer> = witness.clone();
    let held = Duration::from_secs(options.hold_seconds);
    let claims_from = (!held.is_zero()).then(|| now().at + held);
    let overlay = |(number, key)| {
        let mut settings = Settings::new(server, key);
        settings.number = number;
        settings.seed = options.seed;
        settings.backoff = BACKOFF;
        settings.screen.show = Some(SHOW);
        settings.repeat_claim_percent = options.repeat_percent;
        settings.claims_from = claims_from;
        spawn(settings, Outbox::default(), Arc::clone(&observer))
    };
    (0_u32..).zip(keys).map(overlay).collect()
}
