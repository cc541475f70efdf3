//! What the HTTP API answers while overlays play: a few connections that stay open ask one thing after the
//! other, each the next as soon as it has its answer, or all of them at a rate.
//!
//! What the figures mean:
//! - `requests_per_s`: answers with status 200 by the length of the window.
//! - `ms_p50`, `ms_p99`, `ms_max`: from sending a request to the last byte of its answer, of all and of each
//!   kind; at a rate, from the moment at which it was to be sent. This process, its overlays and the server
//!   share one machine.
//! - `errors`: answers with another status, and connections that ended. Has to be 0.
//! - `plays_settled`: plays that were paid and acked in the window. `overlays_connected`: the server's own
//!   gauge at its end.

mod connection;
mod report;

pub use report::Report;

use self::connection::{Asked, Connection};
use super::Options as Load;
use super::fleet::{Fleet, Seen};
use super::phases::{check, ground, provision};
use crate::crash::Database;
use crate::failure::Failure;
use crate::http::{ask, post, read};
use crate::market;
use crate::process::cpu;
use crate::server::Server;
use futures_util::future::try_join_all;
use gametriggers_simulated_overlay::now;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const CONNECT_MAX: Duration = Duration::from_secs(120);
const FIRST_ACK_MAX: Duration = Duration::from_secs(120);
/// Asked before the window, and not counted.
const WARM_UP: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// One campaign.
    Campaign,
    /// All campaigns of the brand.
    Campaigns,
    /// A campaign's counters.
    Live,
    /// The brand's wallet.
    Wallet,
    /// The user who is signed in.
    Me,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Campaign, Self::Campaigns, Self::Live, Self::Wallet, Self::Me];

    const fn name(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Campaigns => "campaigns",
            Self::Live => "live",
            Self::Wallet => "wallet",
            Self::Me => "me",
        }
    }
}

/// What to run.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "gametriggers-api", about = "Measures the HTTP API while overlays play")]
pub struct Options {
    /// Overlays that play meanwhile, one streamer each.
    #[arg(long, default_value_t = 2_000)]
    pub overlays: u32,
    /// Slots of each streamer.
    #[arg(long, default_value_t = 1)]
    pub plays_per_minute: u32,
    /// Connections that ask.
    #[arg(long, default_value_t = 64)]
    pub connections: u32,
    /// Length of the window.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Requests a second of all connections; 0 asks as fast as it is answered.
    #[arg(long, default_value_t = 0)]
    pub rate: u32,
    /// Ask for this alone.
    #[arg(long, value_enum)]
    pub only: Option<Kind>,
    /// The database. For Postgres the run starts one of its own, and a Redis.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    pub db: Database,
    /// The server's binary.
    #[arg(long, default_value = "target/release/gametriggers")]
    pub server: PathBuf,
}

impl Options {
    /// The overlays, as the load generator runs them.
    fn load(&self) -> Load {
        Load {
            streamers: self.overlays,
            db: self.db,
            seconds: self.seconds,
            connect_rate: 0,
            connects_under_way: 256,
            server: self.server.clone(),
            plays_per_minute: self.plays_per_minute,
            idle_seconds: 0,
            first_slot_ms: 3_000,
            show_ms: 0,
            stalled: 0,
            stalled_pings: 0,
            seed: 1,
        }
    }
}

/// Runs it all and ends the server.
///
/// # Errors
/// The server does not start, or no play is settled in time.
pub async fn run(options: Options) -> Result<Report, Failure> {
    let load = options.load();
    check(&load)?;
    let data = tempfile::tempdir().map_err(Failure::io("a directory for the server"))?;
    // What runs beside the server ends after it.
    let (site, _services) = ground(options.db, data.path()).await?;
    let (launch, keys, brand) = provision(&load, site).await?;
    let mut server = launch.start()?;
    server.ready().await?;
    let address = launch.address;
    let campaigns = market::campaigns(address, &brand, 0).await?;
    let asked = requests(address, &brand, &campaigns).await?;
    let fleet = Fleet::connect(&load, address, keys, CONNECT_MAX).await?;
    let settled = |seen: &Seen| options.overlays == 0 || Seen::count(&seen.settled) > 0;
    let report = match fleet.seen.until(FIRST_ACK_MAX, "the first settled play", settled).await {
        Ok(()) => measure(&options, &fleet, &server, &asked).await,
        Err(late) => Err(late),
    };
    fleet.stop().await;
    server.terminate().await?;
    report
}

/// The requests, as they go over the wire: those of a program with the brand's key, and that of a user who
/// has just opened an account.
async fn requests(server: SocketAddr, key: &str, campaigns: &[i64]) -> Result<Vec<Asked>, Failure> {
    let first = campaigns.first().ok_or_else(|| Failure::Server("no campaign".into()))?;
    let (_, shown) =
        ask(server, &format!("/api/campaigns/{first}"), key).await.map_err(Failure::io("ask"))?;
    let shown: Value = serde_json::from_str(&shown).unwrap_or_default();
    let brand = shown.get("brand_id").and_then(Value::as_i64);
    let brand = brand.ok_or_else(|| Failure::Server(format!("a campaign without a brand: {shown}")))?;
    let user = json!({
        "email": "bench@example.com", "password": "correct horse battery staple 9",
        "name": "Bench", "type": "brand",
    });
    let tokens = post(server, "/api/auth/sign-up", "", "once-and-only", &user.to_string()).await?;
    let tokens: Value = serde_json::from_str(&tokens).unwrap_or_default();
    let token = tokens.get("access_token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Failure::Server("no access token".into()))?;
    let mut all = Vec::new();
    for id in campaigns {
        for kind in Kind::ALL {
            let (path, credential) = match kind {
                Kind::Campaign => (format!("/api/campaigns/{id}"), key),
                Kind::Campaigns => ("/api/campaigns".to_owned(), key),
                Kind::Live => (format!("/api/campaigns/{id}/live"), key),
                Kind::Wallet => (format!("/api/brands/{brand}/wallet"), key),
                Kind::Me => ("/api/auth/me".to_owned(), token),
            };
            all.push(Asked::new(kind, server, &path, credential));
        }
    }
    Ok(all)
}

async fn measure(
    options: &Options,
    fleet: &Fleet,
    server: &Server,
    asked: &[Asked],
) -> Result<Report, Failure> {
    let asked: Vec<&Asked> =
        asked.iter().filter(|asked| options.only.is_none_or(|only| only == asked.kind)).collect();
    let connections = (0..options.connections).map(|_| Connection::open(server.address()));
    let connections = try_join_all(connections).await?;
    let (began, length) = (now().at + WARM_UP, Duration::from_secs(options.seconds));
    let gap = Duration::from_secs(1).checked_div(options.rate).map(|gap| gap * options.connections.max(1));
    let runs = (0_u32..).zip(connections).map(|(number, connection)| {
        let pause = gap.map(|gap| (gap / options.connections.max(1) * number, gap));
        connection.run(&asked, usize::try_from(number).unwrap_or(0), (began, began + length), pause)
    });
    let window = async {
        tokio::time::sleep_until(began.into()).await;
        let before = (cpu(server.pid())?, Seen::count(&fleet.seen.settled));
        tokio::time::sleep_until((began + length).into()).await;
        let settled = Seen::count(&fleet.seen.settled).saturating_sub(before.1);
        Ok::<_, Failure>((cpu(server.pid())?.saturating_sub(before.0), settled))
    };
    let (heard, window) = tokio::join!(futures_util::future::join_all(runs), window);
    let (server_cpu, plays_settled) = window?;
    let overlays_connected = sockets(server.address()).await?;
    Report::of(options, heard, (server_cpu, plays_settled, overlays_connected))
}

/// Open sockets, as the server counts them.
async fn sockets(server: SocketAddr) -> Result<u64, Failure> {
    let text = read(server, "/metrics").await.ok_or_else(|| Failure::Server("no metrics".into()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("gametriggers_sockets "));
    let count = line.and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| Failure::Server("it does not count its sockets".into()))
}
