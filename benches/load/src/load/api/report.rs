//! What a run found, in one line.

use super::connection::Heard;
use super::{Kind, Options};
use crate::crash::Database;
use crate::failure::Failure;
use crate::number::{millis, per, real};
use hdrhistogram::Histogram;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt::Write;
use std::time::Duration;

const ANSWER_US_MAX: u64 = 60_000_000;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    db: Database,
    connections: u32,
    seconds: u64,
    all: Histogram<u64>,
    each: BTreeMap<Kind, Histogram<u64>>,
    errors: u64,
    server_cpu: Duration,
    plays_settled: u64,
    overlays: u32,
    overlays_connected: u64,
}

impl Report {
    pub(super) fn of(
        options: &Options,
        heard: Vec<Heard>,
        (server_cpu, plays_settled, overlays_connected): (Duration, u64, u64),
    ) -> Result<Self, Failure> {
        let histogram = || {
            let made = Histogram::new_with_bounds(1, ANSWER_US_MAX, 3);
            made.map_err(|error| Failure::Refused(error.to_string()))
        };
        let (mut all, mut each, mut errors) = (histogram()?, BTreeMap::new(), 0);
        for heard in heard {
            errors += heard.errors;
            for (kind, micros) in heard.answers {
                all.saturating_record(micros);
                let of_kind = match each.entry(kind) {
                    Entry::Occupied(there) => there.into_mut(),
                    Entry::Vacant(free) => free.insert(histogram()?),
                };
                of_kind.saturating_record(micros);
            }
        }
        let Options { db, connections, seconds, overlays, .. } = *options;
        Ok(Self {
            db,
            connections,
            seconds,
            all,
            each,
            errors,
            server_cpu,
            plays_settled,
            overlays,
            overlays_connected,
        })
    }

    /// Whether everything was answered while everybody played.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let played = self.overlays == 0 || self.plays_settled > 0;
        let stayed = self.overlays_connected >= u64::from(self.overlays);
        self.errors == 0 && !self.all.is_empty() && played && stayed
    }

    /// The figures.
    #[must_use]
    pub fn line(&self) -> String {
        let seconds = real(self.seconds);
        let mut line = format!(
            "db={} connections={} requests_per_s={:.0} {}",
            if self.db == Database::Sqlite { "sqlite" } else { "postgres" },
            self.connections,
            per(real(self.all.len()), seconds),
            quantiles("", &self.all),
        );
        for (kind, histogram) in &self.each {
            let _ = write!(line, " {}", quantiles(&format!("{}_", kind.name()), histogram));
        }
        let _ = write!(
            line,
            " errors={} server_cpu_percent={:.0} plays_settled={} overlays_connected={}",
            self.errors,
            per(self.server_cpu.as_secs_f64() * 100.0, seconds),
            self.plays_settled,
            self.overlays_connected,
        );
        line
    }
}

fn quantiles(name: &str, histogram: &Histogram<u64>) -> String {
    let at = |quantile| millis(histogram.value_at_quantile(quantile));
    let most = millis(histogram.max());
    format!("{name}ms_p50={:.2} {name}ms_p99={:.2} {name}ms_max={most:.2}", at(0.5), at(0.99))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_line_holds_the_figures_and_an_error_is_no_result() {
        let options = Options::parse_from(["api", "--seconds", "2", "--overlays", "3"]);
        let heard = || Heard { answers: vec![(Kind::Live, 1_000), (Kind::Me, 3_000)], errors: 0 };
        let report =
            |heard, connected| Report::of(&options, heard, (Duration::from_secs(1), 5, connected)).unwrap();
        let good = report(vec![heard(), heard()], 3);
        assert!(good.is_whole());
        assert_eq!(
            good.line(),
            "db=sqlite connections=64 requests_per_s=2 ms_p50=1.00 ms_p99=3.00 ms_max=3.00 \
             live_ms_p50=1.00 live_ms_p99=1.00 live_ms_max=1.00 me_ms_p50=3.00 me_ms_p99=3.00 me_ms_max=3.00 \
             errors=0 server_cpu_percent=50 plays_settled=5 overlays_connected=3"
        );
        assert!(!report(vec![heard()], 2).is_whole(), "an overlay was lost");
        assert!(!report(vec![Heard { errors: 1, ..heard() }], 3).is_whole());
        assert!(!report(vec![], 3).is_whole());
    }
}
