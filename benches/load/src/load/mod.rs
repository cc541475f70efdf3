//! The load generator: connect, settle, stand idle, play, finish. Each phase is bounded in time.
//!
//! What the figures mean:
//! - `handshakes_per_s`: streamers by the time from the first connect to the last `welcome`
//!   (TCP, upgrade, `hello`, `welcome`).
//! - `rss_kb_per_streamer`: `VmRSS` of the server with all attached, idle and settled, minus the
//!   same with the same database and no socket, by streamers.
//! - `cpu_us_per_idle_socket_s`: the server's user and kernel time over a window with heartbeats
//!   and no plays, by sockets and seconds.
//! - `plays_per_s`: plays settled (committed and acked) in the window that the first ack opens.
//! - `latency_ms`: from sending `prepared` to reading `play` on the client: to the socket's actor,
//!   to the streamer's, and back. An upper bound of the server's own share; this process and the
//!   server share one machine.
//! - `visible_ms`: from the end of a play to the first total that has it, on the campaign's socket and in
//!   `GET /api/campaigns/{id}/metrics` (asked every 250 ms).

pub mod api;
mod fleet;
mod phases;
mod report;
mod visible;

pub use phases::run;
pub use report::Report;

use crate::crash::Database;
use std::path::PathBuf;

/// What to run.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "gametriggers-load", about = "Measures what overlays cost a Gametriggers server")]
pub struct Options {
    /// Overlays to open, one streamer each.
    #[arg(long, default_value_t = 10_000)]
    pub streamers: u32,
    /// The database. For Postgres the run starts one of its own, and a Redis.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    pub db: Database,
    /// Length of the window in which plays are counted.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Connects a second at most; 0 opens as fast as the server answers.
    #[arg(long, default_value_t = 0)]
    pub connect_rate: u32,
    /// Connects under way at once.
    #[arg(long, default_value_t = 256)]
    pub connects_under_way: u32,
    /// The server's binary.
    #[arg(long, default_value = "target/release/gametriggers")]
    pub server: PathBuf,
    /// Slots of each streamer.
    #[arg(long, default_value_t = 1)]
    pub plays_per_minute: u32,
    /// Length of the window in which nothing plays.
    #[arg(long, default_value_t = 30)]
    pub idle_seconds: u64,
    /// From the attachment of an overlay to its first slot; the idle window must fit before it.
    #[arg(long, default_value_t = 60_000)]
    pub first_slot_ms: u64,
    /// End each ad after so long; 0 shows the whole creative.
    #[arg(long, default_value_t = 0)]
    pub show_ms: u64,
    /// Of a hundred sockets, so many stop reading when the plays begin.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub stalled: u8,
    /// Pings a second that each of them sends all the same; their pongs fill the way back.
    #[arg(long, default_value_t = 0)]
    pub stalled_pings: u32,
    /// Jitter follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}
