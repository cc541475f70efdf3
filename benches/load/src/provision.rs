//! Streamers for a run, made by the server's own command before it starts.

use crate::failure::Failure;
use crate::server::command;
use crate::site::Site;
use serde::Deserialize;
use std::path::Path;

/// What streamers to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamers {
    /// How many.
    pub(crate) count: u32,
    /// Time between two slots of one of them.
    pub(crate) slot_interval_ms: u64,
}

/// The variable that tells the server how long after the attachment of an overlay its first slot is
/// due.
pub(crate) const FIRST_SLOT_MS: &str = "GAMETRIGGERS__PLAY__FIRST_SLOT_MS";

/// The variable that spreads the first slots over this time.
pub(crate) const SPREAD_MS: &str = "GAMETRIGGERS__PLAY__FIRST_SLOT_SPREAD_MS";

#[derive(Deserialize)]
struct Made {
    overlay_key: String,
}

impl Streamers {
    /// Makes them; one overlay key each.
    pub(crate) async fn provision(&self, binary: &Path, site: &Site) -> Result<Vec<String>, Failure> {
        let (count, interval) = (self.count.to_string(), self.slot_interval_ms.to_string());
        let hourly = (3_600_000 / self.slot_interval_ms.max(1) + 10).to_string();
        let [option, place] = site.arguments()?;
        let mut arguments = vec!["streamer", "add", option, place, "--count", &count];
        arguments.extend(["--slot-interval-ms", &interval, "--hourly-max", &hourly]);
        arguments.extend(["--first-ad-delay-ms", "0", "--json"]);
        let output = command(binary, &arguments).await?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::Server(format!(
                "`streamer add` ended with {}: {}",
                output.status,
                why.trim()
            )));
        }
        let keys = keys(&String::from_utf8_lossy(&output.stdout))?;
        if keys.len() != usize::try_from(self.count).unwrap_or(usize::MAX) {
            return Err(Failure::Server(format!("`streamer add` made {} of {count}", keys.len())));
        }
        Ok(keys)
    }
}

fn keys(stdout: &str) -> Result<Vec<String>, Failure> {
    let lines = stdout.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| match serde_json::from_str::<Made>(line) {
            Ok(made) => Ok(made.overlay_key),
            Err(error) => Err(Failure::Server(format!("`streamer add` said {line:?}: {error}"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_one_streamer() {
        let line = r#"{"streamer_id":1,"overlay_key":"a","streamer_key":"b"}"#;
        assert_eq!(keys(&format!("{line}\n{line}\n")).unwrap(), ["a", "a"]);
        assert!(keys("made 1 streamer").is_err());
    }
}
