//! `gametriggers-load`: what one overlay costs the server, and how fast the server answers it.

use clap::Parser;
use gametriggers_load::{load, say, unless_interrupted};
use std::process::ExitCode;

// One thread, so that the server gets the other core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match unless_interrupted(load::run(load::Options::parse())).await {
        Ok(report) => {
            report.lines().iter().for_each(|line| say(line));
            if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("gametriggers-load: {failure}");
            ExitCode::FAILURE
        }
    }
}
