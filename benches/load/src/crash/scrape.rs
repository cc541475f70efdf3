//! What the server counts, summed over its lives: each begins at zero.

use crate::http;
use std::net::SocketAddr;

const UNKNOWN_COMMITS: &str = "gametriggers_store_unknown_commits_total";
const UNRESOLVED: &str = "outcome=\"unresolved\"";

/// COMMITs whose answer was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commits {
    /// All of them.
    pub(super) unknown: u64,
    /// Those of which the server found out what became of them.
    pub(super) resolved: u64,
}

impl Commits {
    /// Adds what a server has counted. A server that is gone adds nothing.
    pub(super) async fn add(&mut self, server: SocketAddr) {
        if let Some(text) = http::read(server, "/metrics").await {
            let more = read(&text);
            self.unknown += more.unknown;
            self.resolved += more.resolved;
        }
    }
}

fn read(text: &str) -> Commits {
    let mut commits = Commits::default();
    for line in text.lines().filter(|line| line.starts_with(UNKNOWN_COMMITS)) {
        let count = line.split_whitespace().next_back().and_then(|count| count.parse().ok()).unwrap_or(0);
        commits.unknown += count;
        if !line.contains(UNRESOLVED) {
            commits.resolved += count;
        }
    }
    commits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unresolved_is_not_resolved() {
        let text = "# TYPE gametriggers_store_unknown_commits_total counter\n\
            gametriggers_store_unknown_commits_total{outcome=\"durable\"} 3\n\
            gametriggers_store_unknown_commits_total{outcome=\"absent\"} 2\n\
            gametriggers_store_unknown_commits_total{outcome=\"unresolved\"} 1\n\
            gametriggers_claims_total{result=\"settled\"} 7";
        assert_eq!(read(text), Commits { unknown: 6, resolved: 5 });
        assert_eq!(read(""), Commits::default());
    }
}
