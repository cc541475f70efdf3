//! What went in, and the same once more without a fault.
//!
//! **The same claims in** means this. Play ids, prices and tokens are decided before a claim exists, so they
//! are those of the run. In are
//!
//! * every claim that a page composed, once, with the evidence that the page measured, judged at the moment
//!   at which it was composed. A page that came back when its token was dead is in with a claim that is too
//!   late: the run has to show that it was;
//! * every refusal of the server on its own account (a play that was skipped, paused away, or whose page says
//!   that nothing was shown) and every click whose process lived until it was written. What died with its
//!   process never was: the page may still claim, and a viewer waits for nothing;
//! * of one play both a refusal and a claim: the one that was written first, since the other one changes
//!   nothing. Two batches are under way at once, and one of them may fail;
//! * money given and taken back, leases granted, given back and closed, at their times, with their amounts.
//!
//! A cap of the day is judged in the run alone: a claim counts for the day on which it is settled, and a
//! fault may carry it over midnight.
//!
//! A play whose process died before its token left does not exist in either. The ledger without faults
//! takes these one by one, each in a transaction of its own, at once. Both are then written as text and
//! compared byte for byte.

use super::event::Waiting;
use super::ledger::{Ledger, NotWritten};
use super::stage::Stage;
use super::watch::{Broken, holds};
use crate::domain::id::{CampaignId, LeaseId, PlayId};
use crate::domain::invariants::Invariant;
use crate::domain::money::Micros;
use crate::domain::reason::Reason;
use crate::domain::settlement::Claim;
use crate::domain::time::UnixMillis;
use crate::domain::verification::{Evidence, verify};
use std::collections::{BTreeMap, BTreeSet};

/// What the ledger was asked for, or a claim's place among it.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    List(CampaignId),
    Fund(CampaignId, Micros),
    Grant(CampaignId, (LeaseId, Micros)),
    GiveBack(LeaseId, Micros),
    Open(UnixMillis),
    CloseDue,
    /// The first time that a page's claim was taken.
    Claim(PlayId),
    /// A refusal of the server's own, or a click.
    Own(Box<Claim>),
}

/// A claim as its page composed it.
#[derive(Clone, Copy, Debug)]
struct Composed {
    claim: Claim,
    dead: UnixMillis,
}

/// Whose word an event came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Server,
    Page,
}

/// Everything that went in.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<(UnixMillis, Entry)>,
    composed: BTreeMap<PlayId, Composed>,
    taken: BTreeSet<PlayId>,
    /// What was written first of an event: the server's own word, or else the page's.
    first: BTreeMap<PlayId, Word>,
}

impl Journal {
    pub(super) fn note(&mut self, at: UnixMillis, entry: Entry) {
        self.entries.push((at, entry));
    }

    /// A page composed a claim.
    pub(super) fn composed(
        &mut self,
        play: PlayId,
        (token, nonce): (&[u8], &str),
        evidence: &Evidence,
        (stage, now): (&Stage, UnixMillis),
    ) -> Result<(), Broken> {
        let terms = stage.keys.verify(token, nonce).map_err(|reason| Broken {
            invariant: Invariant::PriceIsFeeAndEarn,
            what: format!("the page's token of {play} is not the server's: {reason:?}"),
        })?;
        let verdict = verify(&terms, evidence, stage.terms.strict, now);
        let claim = Claim { debit: terms.debit(now), verdict };
        self.composed.insert(play, Composed { claim, dead: terms.dead() });
        Ok(())
    }

    /// The server took a claim.
    pub(super) fn taken(&mut self, now: UnixMillis, claim: &Claim, of_page: bool) {
        let play = claim.debit.play;
        if !of_page {
            self.note(now, Entry::Own(Box::new(*claim)));
        } else if self.taken.insert(play) {
            self.note(now, Entry::Claim(play));
        }
    }

    /// A batch was written.
    pub(super) fn written(&mut self, batch: &[Waiting]) {
        for one in batch {
            let word = if one.session.is_none() { Word::Server } else { Word::Page };
            self.first.entry(one.claim.debit.event).or_insert(word);
        }
    }

    /// The claim as the ledger without faults takes it.
    fn claim(&self, play: PlayId, ran: &Ledger) -> Result<Claim, Broken> {
        let lost = || Broken {
            invariant: Invariant::SameClaimsSameLedger,
            what: format!("{play} was claimed, and no page composed it"),
        };
        let Composed { mut claim, dead } = self.composed.get(&play).copied().ok_or_else(lost)?;
        if let Some(Err((debit, Reason::TokenExpired))) = ran.outcome(play) {
            holds(debit.occurred > dead, Invariant::SameClaimsSameLedger, || {
                format!("{play} was refused as too late at {:?}, and lives until {dead:?}", debit.occurred)
            })?;
            claim.verdict = Err(Reason::TokenExpired);
        }
        Ok(claim)
    }

    /// The ledger of the same claims without a fault.
    pub(super) fn replay(&self, ran: &Ledger) -> Result<Ledger, Broken> {
        for play in self.composed.keys() {
            holds(ran.outcome(*play).is_some(), Invariant::SettledOnceAndAckedAfterCommit, || {
                format!("the claim of {play} is lost")
            })?;
        }
        let mut ledger = Ledger::default();
        let mut epoch = 0;
        for (at, entry) in &self.entries {
            match entry {
                Entry::List(campaign) => ledger.list(*campaign, None),
                Entry::Fund(campaign, amount) => same(ledger.fund(*campaign, *amount)?, entry)?,
                Entry::Grant(campaign, got) => {
                    same(ledger.grant(epoch, *campaign, got.1, *at) == Some(*got), entry)?;
                }
                Entry::GiveBack(lease, amount) => same(ledger.give_back(*lease, *amount), entry)?,
                Entry::Open(closes) => epoch = ledger.open_epoch(*closes),
                Entry::CloseDue => {
                    ledger.roll_up()?;
                    ledger.close_due(*at);
                }
                Entry::Claim(play) if self.first.get(play) == Some(&Word::Page) => {
                    write(&mut ledger, epoch, self.claim(*play, ran)?, *at)?;
                }
                Entry::Own(claim) if self.first.get(&claim.debit.event) == Some(&Word::Server) => {
                    write(&mut ledger, epoch, **claim, *at)?;
                }
                Entry::Claim(_) | Entry::Own(_) => {}
            }
            ledger.check(*at)?;
        }
        Ok(ledger)
    }
}

fn same(so: bool, entry: &Entry) -> Result<(), Broken> {
    holds(so, Invariant::SameClaimsSameLedger, || format!("without faults it is not so: {entry:?}"))
}

fn write(ledger: &mut Ledger, epoch: i64, claim: Claim, at: UnixMillis) -> Result<(), Broken> {
    match ledger.settle(epoch, &[claim], at) {
        Ok(_) => Ok(()),
        Err(NotWritten::Broken(broken)) => Err(broken),
        Err(NotWritten::Fenced) => same(false, &Entry::Claim(claim.debit.play)),
    }
}
