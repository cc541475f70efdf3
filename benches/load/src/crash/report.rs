//! What the run found, and whether it is good enough.

use super::audit::{Budget, Findings};
use super::fault::Damage;
use super::full::Full;
use super::scrape::Commits;
use super::witness::{Answers, Log};
use crate::number::{micros, millis};
use crate::proxy::Cuts;
use std::time::Duration;

/// Reasons of a lease, as the protocol spells them.
const LEASE_REASONS: [&str; 2] = ["lease_closed", "lease_exhausted"];

/// Kills from which on a run is long,
const LONG: usize = 100;
/// and the acks that it must have had for each of them.
const ACKED_PER_KILL_MIN: usize = 10;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) kills: u32,
    pub(super) wanted: u32,
    pub(super) damage: Damage,
    pub(super) full: Full,
    pub(super) refused_starts: u64,
    pub(super) cuts: Cuts,
    pub(super) commits: Commits,
    pub(super) stranded_micros_max: i64,
    pub(super) log: Log,
    pub(super) findings: Findings,
    pub(super) budgets: Vec<Budget>,
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
            && !self.is_idle()
            && self.findings.acked_lost == 0
            && self.double_charged() == 0
            && self.findings.overspend_micros == 0
            && self.drift_micros() == Some(0)
            && self.commits.unknown == self.commits.resolved
            && self.unsettled == 0
            && self.unacked() == 0
            && self.refused_by_lease() == 0
            && self.log.late_paid == 0
            && self.full.acks == 0
            && self.full.times == self.full.not_ready
            && self.full.times == self.full.recovered
    }

    /// What is wrong, by name; nothing when the run is clean.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let found = [
            ("idle", u64::from(self.is_idle())),
            ("acked_lost", self.findings.acked_lost),
            ("double_charged", self.double_charged()),
            ("overspend_micros", self.findings.overspend_micros.unsigned_abs()),
            ("drift_micros", self.drift_micros().map_or(u64::MAX, i64::unsigned_abs)),
            ("unresolved", self.commits.unknown - self.commits.resolved.min(self.commits.unknown)),
            ("refused_by_lease", self.refused_by_lease()),
            ("late_paid", self.log.late_paid),
            ("unacked", u64::try_from(self.unacked()).unwrap_or(u64::MAX)),
        ];
        found.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}={count}")).collect()
    }

    /// What a campaign was given in all.
    pub(super) fn funded(&self, campaign: i64) -> Option<i64> {
        self.budgets.iter().find(|budget| budget.campaign == campaign).map(|budget| budget.funded)
    }

    /// Whether a long run hardly had anything to lose: too few plays, or no click that was billed.
    fn is_idle(&self) -> bool {
        let kills = usize::try_from(self.kills).unwrap_or(usize::MAX);
        kills >= LONG && (self.acked() < kills * ACKED_PER_KILL_MIN || self.findings.clicks == 0)
    }

    /// Claims that no answer ever came to.
    fn unacked(&self) -> usize {
        self.log.claimed.iter().filter(|play_id| !self.log.answers.contains_key(*play_id)).count()
    }

    /// Claims that their lease could not pay, though their price was set aside.
    fn refused_by_lease(&self) -> u64 {
        LEASE_REASONS.iter().filter_map(|reason| self.log.reasons.get(*reason)).sum()
    }

    /// None when the server's own check did not speak.
    fn drift_micros(&self) -> Option<i64> {
        Some(self.drift_micros?.saturating_add(self.findings.share_drift_micros))
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
        found.doubled
            + found.unclaimed
            + found.spent_wrong
            + found.ledger_wrong
            + found.rejected_charged
            + found.clicks_wrong
    }

    fn figures(&self) -> String {
        format!(
            "kills={} db_kills={} cuts_after_commit={} unknown_commits={} resolved={} acked={} resent={} \
             dup_rejected={} acked_lost={} double_charged={} overspend_micros={} drift_micros={} \
             stranded_micros_max={} recover_ms_p99={:.0}",
            self.kills,
            self.damage.db_kills,
            self.cuts.after,
            self.commits.unknown,
            self.commits.resolved,
            self.acked(),
            self.log.resent,
            self.sum(|answers| answers.duplicate),
            self.findings.acked_lost,
            self.double_charged(),
            self.findings.overspend_micros,
            self.drift_micros().map_or_else(|| "none".into(), |drift| drift.to_string()),
            self.stranded_micros_max,
            percentile_ms(&self.log.recoveries, 99),
        )
    }

    fn background(&self) -> String {
        let settled_twice = self.log.answers.values().filter(|answers| answers.settled > 1).count();
        format!(
            "unacked={} refused_by_lease={} late_paid={} settled_rows={} clicks={} clicks_billed={} \
             rejected={} {:?} settled_twice={settled_twice} overlays_not_drained={} \
             sockets_banished={:?} recoveries={} \
             recover_ms_p50={:.0} cuts_before_commit={} fault_recover_ms_p99={:.0} disk_full={} \
             not_ready={} acks_while_full={} recovered={} refused_starts={} {}",
            self.unacked(),
            self.refused_by_lease(),
            self.log.late_paid,
            self.findings.rows,
            self.log.clicks,
            self.findings.clicks,
            self.sum(|answers| answers.rejected),
            self.log.reasons,
            self.unsettled,
            self.log.banished,
            self.log.recoveries.len(),
            percentile_ms(&self.log.recoveries, 50),
            self.cuts.before,
            percentile_ms(&self.damage.recoveries, 99),
            self.full.times,
            self.full.not_ready,
            self.full.acks,
            self.full.recovered,
            self.refused_starts,
            self.damage.line(),
        )
    }
}

/// The value that so many percent of the times do not exceed.
fn percentile_ms(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
    millis(micros(times.get(rank).copied().unwrap_or(Duration::ZERO)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Report {
        let mut log = Log { resent: 3, ..Log::default() };
        log.answers.insert("a".into(), Answers { settled: 1, duplicate: 2, rejected: 0 });
        log.claimed.insert("a".into());
        log.recoveries = (1..=100).map(Duration::from_millis).collect();
        Report {
            kills: 5,
            wanted: 5,
            damage: Damage::default(),
            full: Full { times: 1, not_ready: 1, acks: 0, recovered: 1 },
            refused_starts: 0,
            cuts: Cuts { after: 2, before: 1 },
            commits: Commits { unknown: 2, resolved: 2 },
            stranded_micros_max: 70,
            log,
            findings: Findings::default(),
            budgets: Vec::new(),
            unsettled: 0,
            drift_micros: Some(0),
        }
    }

    #[test]
    fn the_last_line_holds_the_figures() {
        let lines = clean().lines();
        assert_eq!(
            lines.last().unwrap(),
            "kills=5 db_kills=0 cuts_after_commit=2 unknown_commits=2 resolved=2 acked=1 resent=3 \
             dup_rejected=2 acked_lost=0 double_charged=0 overspend_micros=0 drift_micros=0 \
             stranded_micros_max=70 recover_ms_p99=99"
        );
        assert!(lines[0].starts_with("unacked=0 refused_by_lease=0 late_paid=0 settled_rows=0"), "{lines:?}");
        assert!(clean().is_clean());
    }

    #[test]
    fn each_fault_and_each_empty_run_fails() {
        let faults: [fn(&mut Report); 21] = [
            |report| report.kills = 4,
            |report| report.kills = 100,
            |report| (report.kills, report.wanted) = (0, 0),
            |report| report.log.answers.clear(),
            |report| report.findings.acked_lost = 1,
            |report| report.findings.doubled = 1,
            |report| report.findings.rejected_charged = 1,
            |report| report.findings.clicks_wrong = 1,
            |report| report.findings.overspend_micros = 1,
            |report| report.drift_micros = Some(1),
            |report| report.drift_micros = None,
            |report| report.findings.unclaimed = 1,
            |report| report.findings.share_drift_micros = 1,
            |report| report.commits.resolved = 1,
            |report| report.unsettled = 1,
            |report| report.full.acks = 1,
            |report| report.full.not_ready = 0,
            |report| report.full.recovered = 0,
            |report| report.log.late_paid = 1,
            |report| report.log.claimed.extend(["b".into()]),
            |report| report.log.reasons.extend([("lease_closed".into(), 1)]),
        ];
        for (number, fault) in faults.iter().enumerate() {
            let mut report = clean();
            fault(&mut report);
            assert!(!report.is_clean(), "fault {number}");
        }
    }
}
