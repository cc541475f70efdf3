//! `gametriggers-api`: how fast the HTTP API answers while overlays play.

use clap::Parser;
use gametriggers_load::load::api;
use gametriggers_load::{say, unless_interrupted};
use std::process::ExitCode;

// One thread, so that the server gets the other core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match unless_interrupted(api::run(api::Options::parse())).await {
        Ok(report) => {
            say(&report.line());
            if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("gametriggers-api: {failure}");
            ExitCode::FAILURE
        }
    }
}
