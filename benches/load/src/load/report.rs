//! What a run found, in words and in one line.

use crate::number::{millis, per, real};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) streamers: u32,
    pub(super) handshakes_per_s: f64,
    pub(super) empty_kb: u64,
    pub(super) attached_kb: u64,
    pub(super) after_kb: u64,
    pub(super) idle: Duration,
    pub(super) cpu_us_per_idle_socket_s: f64,
    pub(super) plays_in_idle: u64,
    pub(super) play_cpu_percent: f64,
    pub(super) plays_per_s: f64,
    pub(super) settled: u64,
    pub(super) peak_per_s: u64,
    pub(super) refused: u64,
    pub(super) unshown: u64,
    pub(super) round_trip_us: Histogram<u64>,
    pub(super) one_way_us: Histogram<u64>,
    pub(super) lost: BTreeMap<String, u64>,
    pub(super) stalled: (u64, u64),
    /// Age of plays when they were first visible: on the socket, in the series.
    pub(super) visible_us: (Histogram<u64>, Histogram<u64>),
}

impl Report {
    /// Whether every figure rests on something: plays were settled, answers were timed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.settled > 0 && !self.round_trip_us.is_empty()
    }

    /// For people first, the line of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.background(), self.heartbeats(), self.visible()];
        lines.extend(self.stalls());
        lines.push(self.figures());
        lines
    }

    fn figures(&self) -> String {
        let grown_kb = real(self.attached_kb.saturating_sub(self.empty_kb));
        format!(
            "streamers={} handshakes_per_s={:.0} rss_kb_per_streamer={:.2} cpu_us_per_idle_socket_s={:.2} \
             plays_per_s={:.1} latency_ms_p50={:.3} latency_ms_p99={:.3} \
             visible_ms_p50={:.0} visible_ms_p99={:.0}",
            self.streamers,
            self.handshakes_per_s,
            per(grown_kb, real(self.streamers.into())),
            self.cpu_us_per_idle_socket_s,
            self.plays_per_s,
            at(&self.round_trip_us, 0.5),
            at(&self.round_trip_us, 0.99),
            at(&self.visible_us.0, 0.5).max(at(&self.visible_us.1, 0.5)),
            at(&self.visible_us.0, 0.99).max(at(&self.visible_us.1, 0.99)),
        )
    }

    fn visible(&self) -> String {
        let way = |name: &str, ages: &Histogram<u64>| {
            format!(
                "{name} plays={} ms_p50={:.0} ms_p99={:.0} ms_max={:.0}",
                ages.len(),
                at(ages, 0.5),
                at(ages, 0.99),
                millis(ages.max())
            )
        };
        format!("visible {}; {}", way("socket", &self.visible_us.0), way("series", &self.visible_us.1))
    }

    fn background(&self) -> String {
        format!(
            "server rss_kb_empty={} rss_kb_attached={} rss_kb_after_plays={} idle_window_s={:.1} \
             plays_in_idle_window={} cpu_percent_while_playing={:.1} plays_settled={} \
             plays_peak_per_s={} claims_refused={} \
             plays_not_shown={} sockets_lost={:?}",
            self.empty_kb,
            self.attached_kb,
            self.after_kb,
            self.idle.as_secs_f64(),
            self.plays_in_idle,
            self.play_cpu_percent,
            self.settled,
            self.peak_per_s,
            self.refused,
            self.unshown,
            self.lost,
        )
    }

    fn heartbeats(&self) -> String {
        format!(
            "heartbeat one_way_ms_p50={:.3} one_way_ms_p99={:.3} samples={} (server stamp in whole ms to \
             receipt, up to 1 ms too high); prepared_to_play samples={} round_trip_ms_max={:.3}",
            at(&self.one_way_us, 0.5),
            at(&self.one_way_us, 0.99),
            self.one_way_us.len(),
            self.round_trip_us.len(),
            millis(self.round_trip_us.max()),
        )
    }

    fn stalls(&self) -> Option<String> {
        let (stalled, closed) = self.stalled;
        let grown_kb = self.after_kb.saturating_sub(self.attached_kb);
        (stalled > 0).then(|| {
            format!(
                "stalled sockets={stalled} closed_by_server={closed} rss_growth_kb={grown_kb} \
                 rss_growth_kb_per_stalled={:.2}",
                per(real(grown_kb), real(stalled)),
            )
        })
    }
}

fn at(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    millis(histogram.value_at_quantile(quantile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_holds_the_figures() {
        let mut round_trip_us = Histogram::new(3).unwrap();
        round_trip_us.record(1_500).unwrap();
        let mut visible = Histogram::new(3).unwrap();
        visible.record(250_000).unwrap();
        let report = Report {
            streamers: 100,
            handshakes_per_s: 4_000.4,
            empty_kb: 1_000,
            attached_kb: 1_350,
            after_kb: 1_400,
            idle: Duration::from_secs(30),
            cpu_us_per_idle_socket_s: 2.0,
            plays_in_idle: 0,
            play_cpu_percent: 3.0,
            plays_per_s: 1.666,
            settled: 100,
            peak_per_s: 3,
            refused: 0,
            unshown: 0,
            round_trip_us,
            one_way_us: Histogram::new(3).unwrap(),
            lost: BTreeMap::new(),
            stalled: (2, 2),
            visible_us: (Histogram::new(3).unwrap(), visible),
        };
        assert!(report.is_whole());
        let lines = report.lines();
        assert_eq!(
            lines.last().unwrap(),
            "streamers=100 handshakes_per_s=4000 rss_kb_per_streamer=3.50 cpu_us_per_idle_socket_s=2.00 \
             plays_per_s=1.7 latency_ms_p50=1.500 latency_ms_p99=1.500 visible_ms_p50=250 visible_ms_p99=250"
        );
        assert!(lines[3].starts_with("stalled sockets=2 closed_by_server=2"), "{lines:?}");
    }
}
