//! Tools that treat the server as a black box: the load generator (`gametriggers-load`) opens thousands
//! of overlays and measures what they cost, and `gametriggers-api` what HTTP answers meanwhile; the crash
//! harness (`gametriggers-crash`)
//! kills the server over and over and then audits the money. Both start the real server binary on
//! a directory of their own, talk to it over loopback only, and end it by its process id.

pub mod crash;
pub mod load;

mod failure;
mod http;
mod market;
mod number;
mod process;
mod provision;
mod proxy;
mod server;
mod site;

pub use failure::Failure;

use tokio::signal::unix::{SignalKind, signal};

/// Runs to the end, or until this process is told to stop: then the server it started is ended too.
///
/// # Errors
/// Those of the run, and that it was interrupted.
pub async fn unless_interrupted<T>(run: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::io("signals"))?;
    tokio::select! {
        done = run => done,
        _ = terminate.recv() => Err(Failure::Refused("interrupted".into())),
        _ = tokio::signal::ctrl_c() => Err(Failure::Refused("interrupted".into())),
    }
}

/// Writes one line of the result.
#[expect(clippy::print_stdout, reason = "the result of these tools is what they print")]
pub fn say(line: &str) {
    println!("{line}");
}
