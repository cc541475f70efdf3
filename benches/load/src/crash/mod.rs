//! The crash harness: SIGKILL at seeded moments, restart, resend, and an audit at the end.
//!
//! Overlays with outboxes play against a server that is killed 20 to 500 ms after it greets its
//! first overlay, and sometimes while it starts. What was acked must be in the ledger exactly once;
//! nothing may be charged twice; no budget may be overspent. Claims are resent after every
//! reconnect, and some are sent again on purpose after their ack.
//!
//! What the figures mean:
//! - `acked`: plays that some ack called settled or duplicate, each counted once.
//! - `resent`: claims sent that had been sent before; `dup_rejected`: acks that said `duplicate`.
//! - `acked_lost`: plays of `acked` without a row in `settle_event`.
//! - `double_charged`: plays with more than one row, plus campaigns whose `spent`, or whose ledger
//!   lines, are not the sum of their events, plus plays that were charged though their ack said
//!   `rejected`.
//! - `overspend_micros`: over all campaigns, what `spent + leased` has above `funded`, plus what
//!   leases have settled above their grant.
//! - `recover_ms_p99`: from the start of the process after a kill to the first `welcome` read by any
//!   overlay; the overlays' own backoff is part of it. A server that is killed while it starts
//!   gives no sample.
//! - `unacked_lost`: claims that were never acked; `stranded_micros`: leased at the end.

mod audit;
mod kills;
mod report;
mod witness;

#[cfg(test)]
mod audit_tests;

pub use kills::run;
pub use report::Report;

use std::path::PathBuf;

/// What to run.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "gametriggers-crash",
    about = "Kills a Gametriggers server over and over and audits the money"
)]
pub struct Options {
    /// How many times to kill the server.
    #[arg(long, default_value_t = 100)]
    pub kills: u32,
    /// The moments of the kills follow from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Overlays, one streamer each.
    #[arg(long, default_value_t = 150)]
    pub streamers: u32,
    /// Of a hundred kills, so many hit the server while it starts.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub early_percent: u8,
    /// Of a hundred settled claims, so many are sent once more.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub repeat_percent: u8,
    /// How long the last server may take to ack what is left.
    #[arg(long, default_value_t = 60)]
    pub drain_seconds: u64,
    /// The server's binary.
    #[arg(long, default_value = "target/release/gametriggers")]
    pub server: PathBuf,
    /// Keep the database here (it must not exist yet) instead of in a temporary directory.
    #[arg(long)]
    pub keep: Option<PathBuf>,
}
