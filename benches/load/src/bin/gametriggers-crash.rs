//! `gametriggers-crash`: kills the server over and over, then audits the money.

use clap::Parser;
use gametriggers_load::{crash, say, unless_interrupted};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match unless_interrupted(crash::run(crash::Options::parse())).await {
        Ok(report) => {
            report.lines().iter().for_each(|line| say(line));
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("gametriggers-crash: {failure}");
            ExitCode::FAILURE
        }
    }
}
