//! The `gametriggers` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "proof")]
    let _points = gametriggers_actors::proof::begin();
    gametriggers::cli::main()
}
