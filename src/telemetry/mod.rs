//! Logs and metrics.

pub mod metric;

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts the log on standard error: standard output belongs to what a command prints.
///
/// # Errors
/// The level is not a filter.
pub fn start_log(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level).map_err(|error| format!("log.level: {error}"))?;
    let pretty = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process, as tests do it, keeps the first log.
    let _ = if pretty { builder.compact().try_init() } else { builder.json().flatten_event(true).try_init() };
    Ok(())
}
