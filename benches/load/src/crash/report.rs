//! What the run found, and whether it is good enough.

use super::audit::Findings;
use super::witness::{Answers, Log};
use crate::number::{micros, millis};
use std::time::Duration;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) kills: u32,
    pub(super) wanted: u32,
    pub(super) log: Log,
    pub(super) findings: Findings,
    pub(super) unsettled: usize,
    pub(super) drift_micros: Option<i64>,
}

impl Report {
    /// Whether nothing was lost, nothing was charged twice and nothing was overspent, in a run that
    /// had something to lose.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.kills >= self.wanted
            && self.wanted > 0
            && self.acked() > 0
            && self.findings.acked_lost == 0
            && self.double_charged() == 0
            && self.findings.overspend_micros == 0
            && self.drift_micros == Some(0)
    }

    /// For people first, the line of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        vec![self.background(), self.figures()]
    }

    fn acked(&self) -> usize {
        self.log.answers.values().filter(|answers| answers.durable()).count()
    }

    fn sum(&self, of: impl Fn(&Answers) -> u32) -> u64 {
        self.log.answers.values().map(|answers| u64::from(of(answers))).sum()
    }

    const fn double_charged(&self) -> u64 {
        let found = &self.findings;
        found.doubled + found.spent_wrong + found.ledger_wrong + found.rejected_charged
    }

    fn figures(&self) -> String {
        format!(
            "kills={} acked={} resent={} dup_rejected={} acked_lost={} double_charged={} overspend_micros={} \
             recover_ms_p99={:.0}",
            self.kills,
            self.acked(),
            self.log.resent,
            self.sum(|answers| answers.duplicate),
            self.findings.acked_lost,
            self.double_charged(),
            self.findings.overspend_micros,
            self.recover_ms(99),
        )
    }

    fn background(&self) -> String {
        let claimed = self.log.claimed.iter();
        let unacked = claimed.filter(|play_id| !self.log.answers.contains_key(*play_id)).count();
        let drift = self.drift_micros.map_or_else(|| "none".into(), |drift| drift.to_string());
        let settled_twice = self.log.answers.values().filter(|answers| answers.settled > 1).count();
        format!(
            "unacked_lost={unacked} stranded_micros={} drift_micros={drift} settled_rows={} rejected={} {:?} \
             settled_twice={settled_twice} overlays_not_drained={} sockets_banished={:?} recoveries={} \
             recover_ms_p50={:.0}",
            self.findings.stranded_micros,
            self.findings.rows,
            self.sum(|answers| answers.rejected),
            self.log.reasons,
            self.unsettled,
            self.log.banished,
            self.log.recoveries.len(),
            self.recover_ms(50),
        )
    }

    /// The value that so many percent of the recoveries do not exceed.
    fn recover_ms(&self, percent: usize) -> f64 {
        let mut recoveries = self.log.recoveries.clone();
        recoveries.sort_unstable();
        let rank = (recoveries.len() * percent).div_ceil(100).saturating_sub(1);
        millis(micros(recoveries.get(rank).copied().unwrap_or(Duration::ZERO)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Report {
        let mut log = Log { resent: 3, ..Log::default() };
        log.answers.insert("a".into(), Answers { settled: 1, duplicate: 2, rejected: 0 });
        log.claimed.extend(["a".into(), "b".into()]);
        log.recoveries = (1..=100).map(Duration::from_millis).collect();
        Report {
            kills: 5,
            wanted: 5,
            log,
            findings: Findings::default(),
            unsettled: 0,
            drift_micros: Some(0),
        }
    }

    #[test]
    fn the_last_line_holds_the_figures() {
        let lines = clean().lines();
        assert_eq!(
            lines.last().unwrap(),
            "kills=5 acked=1 resent=3 dup_rejected=2 acked_lost=0 double_charged=0 overspend_micros=0 \
             recover_ms_p99=99"
        );
        assert!(lines[0].starts_with("unacked_lost=1 stranded_micros=0 drift_micros=0"), "{lines:?}");
        assert!(clean().is_clean());
    }

    #[test]
    fn each_fault_and_each_empty_run_fails() {
        let faults: [fn(&mut Report); 9] = [
            |report| report.kills = 4,
            |report| (report.kills, report.wanted) = (0, 0),
            |report| report.log.answers.clear(),
            |report| report.findings.acked_lost = 1,
            |report| report.findings.doubled = 1,
            |report| report.findings.rejected_charged = 1,
            |report| report.findings.overspend_micros = 1,
            |report| report.drift_micros = Some(1),
            |report| report.drift_micros = None,
        ];
        for (number, fault) in faults.iter().enumerate() {
            let mut report = clean();
            fault(&mut report);
            assert!(!report.is_clean(), "fault {number}");
        }
    }
}
