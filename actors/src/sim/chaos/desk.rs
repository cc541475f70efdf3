//! The settlement's actor: claims that wait, and the batches that are on their way to the ledger.

use super::event::{Event, Fate, Inside, Waiting};
use super::ledger::NotWritten;
use super::run::Run;
use super::watch::Broken;
use crate::domain::id::CampaignId;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::streamer::page::SessionId;
use std::collections::BTreeMap;

/// Batches on their way to the ledger: one is written, another full one goes beside it.
const WRITING_MAX: usize = 2;
/// The longest wait for more claims, and after a batch that was not written.
const WAIT: i64 = 20;
const RETRY: i64 = 2000;

impl Run {
    /// The settlement takes a claim.
    pub(super) fn take(&mut self, claim: Claim, session: Option<SessionId>) {
        self.journal.taken(self.now, &claim, session.is_some());
        if let Some(desk) = self.desk() {
            desk.waiting.push_back(Waiting { claim, session });
        }
        self.schedule();
    }

    /// A full batch leaves at once, another one soon; after a failure only when its wait is over.
    fn schedule(&mut self) {
        let full = self.stage.batch_max;
        let Some(desk) = self.desk() else { return };
        if desk.waiting.len() >= full && desk.failing.is_none() {
            self.flush();
        } else if desk.writing.is_empty() && !desk.waiting.is_empty() {
            self.flush_in(WAIT);
        }
    }

    fn flush_in(&mut self, wait: i64) {
        if self.desk().is_some_and(|desk| !std::mem::replace(&mut desk.scheduled, true)) {
            self.soon_inside(wait, Inside::Flush);
        }
    }

    /// The wait is over.
    pub(super) fn flush_due(&mut self) {
        if let Some(desk) = self.desk() {
            desk.scheduled = false;
        }
        self.flush();
    }

    fn flush(&mut self) {
        let full = self.stage.batch_max;
        let Some(epoch) = self.process.as_ref().map(|process| process.epoch) else { return };
        let Some(desk) = self.desk() else { return };
        // Only a full batch goes beside another one, and none until the ledger is well again.
        let beside = desk.waiting.len() >= full && desk.failing.is_none();
        if desk.writing.len() >= if beside { WRITING_MAX } else { 1 } || desk.waiting.is_empty() {
            return;
        }
        let count = desk.waiting.len().min(full);
        let batch: Vec<Waiting> = desk.waiting.drain(..count).collect();
        desk.batches += 1;
        let number = desk.batches;
        desk.writing.insert(number, batch.clone());
        let beside = desk.writing.len() > 1;
        self.counts.beside += u64::from(beside);
        let fate = match self.random.below(100) {
            0..5 if self.faults => Fate::Failed,
            5..10 if self.faults => Fate::Unanswered,
            _ => Fate::Written,
        };
        let wait = if self.faults && self.random.percent(5) { 4000 } else { 10 };
        self.soon(wait, Event::Commit(epoch, (number, batch), fate));
    }

    /// A batch reaches the ledger, whether or not its process still lives.
    pub(super) fn commit(
        &mut self,
        epoch: i64,
        (number, batch): &(u64, Vec<Waiting>),
        fate: Fate,
    ) -> Result<(), Broken> {
        let lives = self.process.as_ref().is_some_and(|process| process.epoch == epoch);
        if !lives && self.random.percent(60) {
            return Ok(());
        }
        let claims: Vec<_> = batch.iter().map(|one| one.claim).collect();
        let written = if self.store_works && fate != Fate::Failed {
            match self.ledger.settle(epoch, &claims, self.now) {
                Ok(outcomes) => {
                    self.journal.written(batch);
                    Ok(outcomes)
                }
                Err(NotWritten::Fenced) => Err(()),
                Err(NotWritten::Broken(broken)) => return Err(broken),
            }
        } else {
            Err(())
        };
        if lives {
            let wait = if fate == Fate::Unanswered { 2000 } else { 20 };
            self.soon_inside(wait, Inside::Written(*number, written));
        }
        Ok(())
    }

    /// The batch is durable: everybody is answered, and campaigns hear what was settled. Or it is not, and
    /// waits; what went beside it may have been written before it.
    pub(super) fn written(&mut self, number: u64, written: Result<Vec<Outcome>, ()>) {
        let (now, full) = (self.now, self.stage.batch_max);
        let Some(desk) = self.desk() else { return };
        let batch = desk.writing.remove(&number).unwrap_or_default();
        let Ok(outcomes) = written else {
            desk.failing.get_or_insert(now);
            batch.into_iter().rev().for_each(|one| desk.waiting.push_front(one));
            // Another batch that is under way is a full one.
            desk.behind = desk.waiting.len() + desk.writing.len() * full;
            return self.flush_in(RETRY);
        };
        desk.behind = desk.behind.saturating_sub(batch.len());
        if desk.behind == 0 {
            desk.failing = None;
        }
        let mut told: BTreeMap<CampaignId, Vec<(Claim, Outcome)>> = BTreeMap::new();
        for (waiting, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Settled => self.counts.settled += 1,
                Outcome::Rejected(_) => self.counts.refused += 1,
                Outcome::Duplicate => {}
            }
            told.entry(waiting.claim.debit.campaign).or_default().push((waiting.claim, outcome));
            self.soon_inside(3, Inside::Settled(Box::new(waiting), outcome));
        }
        for (campaign, claims) in told {
            self.soon_inside(3, Inside::Told(campaign, claims));
        }
        self.schedule();
    }
}
