//! The run, phase by phase.

use super::fleet::{Fleet, Seen, lock};
use super::visible::Watch;
use super::{Options, Report};
use crate::crash::Database;
use crate::crash::service::{Postgres, Redis};
use crate::failure::Failure;
use crate::market;
use crate::number::{per, real};
use crate::process::{cpu, open_files_max, rss_kb};
use crate::provision::{FIRST_SLOT_MS, SPREAD_MS, Streamers};
use crate::server::{Launch, Server, free_address};
use crate::site::{DATABASE, Site, postgres_url};
use gametriggers_simulated_overlay::now;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const CONNECT_MAX: Duration = Duration::from_secs(180);
const SETTLE_LOOK: Duration = Duration::from_millis(500);
const SETTLE_LOOKS_MAX: u32 = 20;
const IDLE_MIN: Duration = Duration::from_secs(5);
/// From the last moment of the first slots to the first ack: an ad and a commit.
const FIRST_ACK_MARGIN: Duration = Duration::from_secs(60);

/// Runs it all and ends the server.
pub async fn run(options: Options) -> Result<Report, Failure> {
    check(&options)?;
    let data = tempfile::tempdir().map_err(Failure::io("a directory for the server"))?;
    // What runs beside the server ends after it.
    let (site, _services) = ground(options.db, data.path()).await?;
    let (launch, keys, brand) = provision(&options, site).await?;
    let mut server = launch.start()?;
    server.ready().await?;
    let campaigns = market::campaigns(launch.address, &brand, 0).await?;
    note("connect");
    let empty_kb = settled_rss_kb(server.pid()).await?;
    let fleet = Fleet::connect(&options, launch.address, keys, CONNECT_MAX).await?;
    let watch = Watch::start(launch.address, &brand, &campaigns);
    let report = measure(&options, &fleet, &server, (empty_kb, &watch)).await;
    drop(watch);
    fleet.stop().await;
    server.terminate().await?;
    report
}

/// Where the server keeps what it knows.
pub(super) async fn ground(db: Database, data: &Path) -> Result<(Site, Option<(Postgres, Redis)>), Failure> {
    if db == Database::Sqlite {
        return Ok((Site::folder(data), None));
    }
    let (postgres, redis) = (Postgres::start(&std::env::temp_dir()).await?, Redis::start().await?);
    postgres.create(DATABASE).await?;
    let site = Site::at(data, &postgres_url(postgres.address()), Some(redis.address()))?;
    Ok((site, Some((postgres, redis))))
}

pub(super) async fn provision(
    options: &Options,
    site: Site,
) -> Result<(Launch, Vec<String>, String), Failure> {
    note("provision");
    let slot_interval_ms = 60_000 / u64::from(options.plays_per_minute.max(1));
    let streamers = Streamers { count: options.streamers, slot_interval_ms };
    let keys = streamers.provision(&options.server, &site).await?;
    let brand = market::brand(&options.server, &site).await?;
    let env =
        vec![(FIRST_SLOT_MS, options.first_slot_ms.to_string()), (SPREAD_MS, slot_interval_ms.to_string())];
    let address = free_address()?;
    Ok((Launch { binary: options.server.clone(), site, address, env, through: Vec::new() }, keys, brand))
}

async fn measure(
    options: &Options,
    fleet: &Fleet,
    server: &Server,
    (empty_kb, watch): (u64, &Watch),
) -> Result<Report, Failure> {
    let (seen, pid) = (&*fleet.seen, server.pid());
    note("settle");
    let attached_kb = settled_rss_kb(pid).await?;
    note("idle");
    let (idle, idle_cpu) = idle(options, fleet, pid).await?;
    let plays_in_idle = Seen::count(&seen.prepares);
    note("play");
    let window = play(options, fleet, pid).await?;
    let after_kb = rss_kb(pid)?;
    let visible_us = watch.ages(lock(&seen.ended).clone())?;
    let streamers = real(u64::from(options.streamers));
    Ok(Report {
        streamers: options.streamers,
        handshakes_per_s: per(streamers, fleet.connecting.as_secs_f64()),
        empty_kb,
        attached_kb,
        after_kb,
        idle,
        cpu_us_per_idle_socket_s: per(idle_cpu.as_secs_f64() * 1e6, streamers * idle.as_secs_f64()),
        plays_in_idle,
        play_cpu_percent: per(window.cpu.as_secs_f64() * 100.0, window.length.as_secs_f64()),
        plays_per_s: per(real(window.settled), window.length.as_secs_f64()),
        settled: window.settled,
        peak_per_s: lock(&seen.started_in).values().copied().max().unwrap_or(0),
        refused: Seen::count(&seen.refused),
        unshown: Seen::count(&seen.unshown),
        round_trip_us: lock(&seen.round_trip_us).clone(),
        one_way_us: lock(&seen.one_way_us).clone(),
        lost: lock(&seen.lost).clone(),
        stalled: (Seen::count(&seen.stalled), Seen::count(&seen.stalled_closed)),
        visible_us,
    })
}

pub(super) fn check(options: &Options) -> Result<(), Failure> {
    let files = open_files_max()?;
    if files < u64::from(options.streamers) + 64 {
        return Err(Failure::Refused(format!(
            "{files} open files are too few for {} sockets",
            options.streamers
        )));
    }
    if options.streamers == 0 || options.seconds == 0 || options.plays_per_minute == 0 {
        return Err(Failure::Refused("streamers, seconds and plays must be above zero".into()));
    }
    Ok(())
}

/// Resident memory once it stands still: four looks within one percent, or the last of twenty.
async fn settled_rss_kb(pid: u32) -> Result<u64, Failure> {
    let (mut last, mut still) = (rss_kb(pid)?, 0);
    for _ in 0..SETTLE_LOOKS_MAX {
        sleep(SETTLE_LOOK).await;
        let new = rss_kb(pid)?;
        still = if new.abs_diff(last) * 100 <= last { still + 1 } else { 0 };
        last = new;
        if still == 4 {
            break;
        }
    }
    Ok(last)
}

/// The window in which only heartbeats run; it must close before the first slot is due.
async fn idle(options: &Options, fleet: &Fleet, pid: u32) -> Result<(Duration, Duration), Failure> {
    let first_slot = fleet.began + Duration::from_millis(options.first_slot_ms);
    let left = first_slot.saturating_duration_since(now().at);
    let length = left.min(Duration::from_secs(options.idle_seconds)).max(IDLE_MIN);
    let (began, before) = (now().at, cpu(pid)?);
    sleep(length).await;
    Ok((since(began), cpu(pid)?.saturating_sub(before)))
}

/// What happened in the window that the first ack opened.
struct Window {
    length: Duration,
    cpu: Duration,
    settled: u64,
}

async fn play(options: &Options, fleet: &Fleet, pid: u32) -> Result<Window, Failure> {
    let first_slot = fleet.began + Duration::from_millis(options.first_slot_ms);
    let interval = Duration::from_secs(60) / options.plays_per_minute.max(1);
    let limit = first_slot.saturating_duration_since(now().at) + interval + FIRST_ACK_MARGIN;
    fleet.seen.until(limit, "the first settled play", |seen| Seen::count(&seen.settled) > 0).await?;
    let (began, before, settled) = (now().at, cpu(pid)?, Seen::count(&fleet.seen.settled));
    sleep(Duration::from_secs(options.seconds)).await;
    Ok(Window {
        length: since(began),
        cpu: cpu(pid)?.saturating_sub(before),
        settled: Seen::count(&fleet.seen.settled).saturating_sub(settled),
    })
}

fn since(began: Instant) -> Duration {
    now().at.saturating_duration_since(began)
}

fn note(phase: &str) {
    eprintln!("gametriggers-load: {phase}");
}
