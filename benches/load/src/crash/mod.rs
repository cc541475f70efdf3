//! The crash harness: SIGKILL at seeded moments, restart, resend, and an audit at the end.
//!
//! Overlays with outboxes play against a server that is killed 20 to 500 ms after it greets its
//! first overlay, and sometimes while it starts. On Postgres the database, one of its backends, Redis
//! and the network between them break as well (`fault`). What was acked must be in the ledger exactly
//! once; nothing may be charged twice; no budget may be overspent. Claims are resent after every
//! reconnect, and some are sent again on purpose after their ack.
//!
//! What the figures mean:
//! - `kills`: of the server; `db_kills`: immediate stops of Postgres and SIGKILLs of one backend;
//!   `cuts_after_commit`: connections cut after the bytes of a COMMIT had gone to Postgres and before
//!   its answer came back.
//! - `unknown_commits`, `resolved`: what the server counted of COMMITs without an answer, summed over
//!   its lives as far as they could be asked before their end.
//! - `acked`: plays that some ack called settled or duplicate, each counted once.
//! - `resent`: claims sent that had been sent before; `dup_rejected`: acks that said `duplicate`.
//! - `acked_lost`: plays of `acked` without a row in `settle_event`.
//! - `double_charged`: plays with more than one row, plus plays with a row that nobody claimed, plus
//!   campaigns whose `spent`, or whose account, is not the sum of their events, plus plays that were
//!   charged though their ack said `rejected`, plus clicks that were billed again (one viewer follows the
//!   links of plays again and again) or though nobody clicked.
//! - `overspend_micros`: over all campaigns, what `spent + leased` has above `funded`, plus what
//!   leases have settled above their grant.
//! - `drift_micros`: what `ledger reconcile` finds, plus what fees and earnings in the ledger differ
//!   from the sum over the events.
//! - `stranded_micros_max`: the most that leases of earlier lives held at the end of any life.
//! - `recover_ms_p99`: from the start of the process after a kill to the first `welcome` read by any
//!   overlay; the overlays' own backoff is part of it. A server that is killed while it starts
//!   gives no sample.
//!
//! The run fails, too, when a claim is never acked, and when a lease refuses a claim: a token that is
//! alive has its price set aside.

use crate::failure::Failure;

mod audit;
mod click;
mod desk;
mod disk;
mod durability;
mod fault;
mod full;
mod kills;
mod options;
mod plants;
mod points;
mod report;
mod scrape;
pub(crate) mod service;
mod stage;
mod witness;

pub use durability::{Watch, Witnessed, watch};
pub use options::{Database, Kind, Options};
pub use plants::Planted;
pub use points::Crashes;
pub use report::Report;

/// Which of the runs, and what it found.
#[derive(Debug)]
pub enum Outcome {
    /// Kills.
    Kills(Box<Report>),
    /// Fail points.
    Points(Box<Crashes>),
    /// Planted bugs.
    Plants(Planted),
}

impl Outcome {
    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self {
            Self::Kills(report) => report.is_clean(),
            Self::Points(crashes) => crashes.is_clean(),
            Self::Plants(planted) => planted.is_clean(),
        }
    }

    /// For people first, the line of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Kills(report) => report.lines(),
            Self::Points(crashes) => crashes.lines(),
            Self::Plants(planted) => planted.lines(),
        }
    }
}

/// Runs what the options ask for.
///
/// # Errors
/// The run has no result.
pub async fn run(options: Options) -> Result<Outcome, Failure> {
    if options.planted_bugs {
        return plants::run(&options).await.map(Outcome::Plants);
    }
    if let Some(crashes) = options.points {
        return points::run(options, crashes).await.map(|crashes| Outcome::Points(Box::new(crashes)));
    }
    kills::run(options).await.map(|report| Outcome::Kills(Box::new(report)))
}
