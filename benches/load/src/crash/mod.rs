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
//!   charged though their ack said `rejected`.
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

mod audit;
mod fault;
mod kills;
mod options;
mod report;
mod scrape;
mod service;
mod stage;
mod witness;

pub use kills::run;
pub use options::{Database, Kind, Options};
pub use report::Report;
