//! `gametriggers-witness`: watches the system calls of a server, and cuts the log of its copies.

use clap::Parser;
use gametriggers_load::{crash, say, unless_interrupted};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match unless_interrupted(crash::watch(crash::Watch::parse())).await {
        Ok(witnessed) => {
            witnessed.lines().iter().for_each(|line| say(line));
            if witnessed.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("gametriggers-witness: {failure}");
            ExitCode::FAILURE
        }
    }
}
