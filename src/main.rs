//! The `gametriggers` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    gametriggers::cli::main()
}
