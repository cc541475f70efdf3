//! Chaos: whole lives of plays through the pure steps that the actors take, with everything going wrong
//! that can.
//!
//! `stage` is the world of a seed, `page` a page with its outbox, `process` and `shells` the server's actors
//! without threads (`desk` writes two batches at once, `click` bills what viewers follow), `ledger` the money
//! with the database's constraints, `run` the scheduler that injects faults: messages doubled, late and out
//! of order, acks lost, sockets cut, processes killed at any step, writes that are slow, fail, pass each
//! other, or whose commit nobody answered, a ledger that is away, brands and streamers that change their
//! minds. `watch` judges after each step. In the end `journal` gives the same claims to a ledger without
//! faults, and both have to be the same text.
//!
//! The log of plays is durable at once: what a crash takes from the log's last flush is not modelled.

mod click;
mod desk;
mod event;
mod journal;
mod ledger;
mod page;
mod process;
mod run;
mod shells;
mod stage;
mod watch;

pub use watch::Broken;

use crate::domain::invariants::Invariant;
use run::Run;
use std::fmt;

/// How much happens in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Minutes in which slots are used; afterwards everything comes to its end.
    pub minutes: i64,
    /// Process crashes.
    pub crashes: u32,
    /// Whether anything goes wrong.
    pub faults: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self { minutes: 10, crashes: 2, faults: true }
    }
}

/// What happened in a run, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps, with the invariants checked after each.
    pub steps: u64,
    /// Tokens that left.
    pub plays: u64,
    /// Claims that pages composed.
    pub claims: u64,
    /// Messages of pages that came twice.
    pub duplicates: u64,
    /// Messages that were passed by others.
    pub reordered: u64,
    /// Acks that never came.
    pub lost_acks: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Claims that pages sent again.
    pub resent: u64,
    /// Events that were settled.
    pub settled: u64,
    /// Answers that were a refusal.
    pub refused: u64,
    /// Clicks that were followed on plays that pay for them.
    pub clicks: u64,
    /// Clicks that were settled.
    pub billed: u64,
    /// Batches that went to the ledger beside another one.
    pub beside: u64,
}

impl Counts {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.plays += other.plays;
        self.claims += other.claims;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.lost_acks += other.lost_acks;
        self.crashes += other.crashes;
        self.resent += other.resent;
        self.settled += other.settled;
        self.refused += other.refused;
        self.clicks += other.clicks;
        self.billed += other.billed;
        self.beside += other.beside;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, plays, claims, duplicates, reordered, .. } = self;
        let Self { lost_acks, crashes, resent, settled, refused, clicks, billed, beside, .. } = self;
        write!(
            f,
            "steps={steps} plays={plays} claims={claims} duplicates={duplicates} reordered={reordered} \
             lost_acks={lost_acks} crashes={crashes} resent={resent} settled={settled} refused={refused} \
             clicks={clicks} billed={billed} beside={beside}"
        )
    }
}

/// A run in which something did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed, which gives the same run again.
    pub seed: u64,
    /// The step after which it did not hold.
    pub step: u64,
    /// What.
    pub broken: Broken,
    /// The last events before it.
    pub last: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, broken, last } = self;
        for event in last {
            writeln!(f, "  {event}")?;
        }
        write!(f, "seed={seed} step={step} {:?}: {}", broken.invariant, broken.what)
    }
}

/// Runs a seed.
///
/// # Errors
/// The first thing that did not hold, with the last events.
pub fn run(seed: u64, scope: Scope) -> Result<Counts, Box<Failure>> {
    // Nobody reads the events of a run that goes well: they are written down when it is run again.
    attempt(seed, scope, false).or_else(|_| attempt(seed, scope, true))
}

fn attempt(seed: u64, scope: Scope, told: bool) -> Result<Counts, Box<Failure>> {
    let fail = |broken| Box::new(Failure { seed, step: 0, broken, last: Vec::new() });
    let mut run = Run::new(seed, scope, told).map_err(fail)?;
    let end = run.ends(scope);
    let outcome = run.until(end).and_then(|()| run.compare());
    outcome.map_err(|broken| {
        let last = run.told.iter().flatten().cloned().collect();
        Box::new(Failure { seed, step: run.counts.steps, broken, last })
    })?;
    Ok(run.counts)
}

impl Run {
    /// The last process is gone, and everything is closed: the ledger has to be that of the same claims
    /// without faults.
    fn compare(&mut self) -> Result<(), Broken> {
        self.process = None;
        let closes = self.now + self.stage.last_token();
        self.ledger.open_epoch(self.now);
        self.journal.note(self.now, journal::Entry::Open(self.now));
        self.ledger.roll_up()?;
        self.ledger.close_due(closes);
        self.journal.note(closes, journal::Entry::CloseDue);
        self.ledger.check(closes)?;
        let waits = self.pages.iter().map(|page| page.outbox.len()).sum::<usize>();
        watch::holds(waits == 0, Invariant::SettledOnceAndAckedAfterCommit, || {
            format!("{waits} claims were never acked")
        })?;
        let (ran, without) = (self.ledger.text(), self.journal.replay(&self.ledger)?.text());
        watch::holds(ran == without, Invariant::SameClaimsSameLedger, || {
            let differs = ran.lines().zip(without.lines()).find(|(one, other)| one != other);
            let (one, other) = differs.unwrap_or(("", ""));
            format!("with faults: {one}\n  without: {other}")
        })
    }
}

#[cfg(test)]
mod tests;
