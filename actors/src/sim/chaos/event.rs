//! What can happen next, and the clock that says in which order.

use crate::domain::campaign::account::Want;
use crate::domain::campaign::budget::Budget;
use crate::domain::id::{CampaignId, LeaseId, PlayId, StreamerId};
use crate::domain::money::Micros;
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Debit, Outcome};
use crate::domain::streamer::live::{FromPage, ToPage};
use crate::domain::streamer::page::SessionId;
use crate::domain::time::{Millis, UnixMillis};
use std::collections::BTreeMap;
use std::fmt;

/// A claim that waits for the ledger.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) claim: Claim,
    /// Who waits for the answer; none for a refusal of the server's own, and for a click.
    pub(super) session: Option<SessionId>,
}

/// How a write ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Written and answered.
    Written,
    /// Not written.
    Failed,
    /// Written, and the answer is lost: it has to be looked up.
    Unanswered,
}

/// What an actor of one process is told. It dies with the process.
#[derive(Clone, Debug)]
pub(super) enum Inside {
    /// A streamer's timer.
    Wake(StreamerId),
    /// A page's word arrives.
    Said(usize, SessionId, FromPage),
    /// A streamer asks a campaign.
    Reserve(StreamerId, CampaignId, Want),
    /// A campaign answers.
    Answer(StreamerId, CampaignId, PlayId, Result<LeaseId, Reason>),
    /// A price comes back.
    Release(CampaignId, PlayId),
    /// The ledger answers a campaign that asked for money.
    Granted(CampaignId, Option<(LeaseId, Micros)>, Budget, u64),
    /// The ledger has taken money back.
    HandedBack(CampaignId, Option<Micros>),
    /// The ledger tells a campaign its numbers.
    Totals(CampaignId, Budget, u64),
    /// A batch is written.
    Flush,
    /// The ledger has answered a batch.
    Written(u64, Result<Vec<Outcome>, ()>),
    /// The ledger is asked how many clicks of a play are billed; so many are under way together.
    Count(Box<Debit>, usize),
    /// It has answered whether this one may be.
    Bill(Box<Debit>, bool),
    /// A streamer hears what became of a claim.
    Settled(Box<Waiting>, Outcome),
    /// A campaign hears what was settled.
    Told(CampaignId, Vec<(Claim, Outcome)>),
    /// Looks after everything that a lost message may have left.
    Sweep,
}

/// What can happen.
#[derive(Clone)]
pub(super) enum Event {
    /// Inside the process of an epoch.
    Inside(i64, Inside),
    /// A word of the server arrives at a page.
    ToPage(usize, SessionId, ToPage),
    /// A page has something to do.
    Page(usize),
    /// A page opens a socket.
    Connect(usize),
    /// A page's socket breaks; it stays away for so long.
    Drop(usize, Millis),
    /// A page sends again what is not acked.
    Resend(usize),
    /// A viewer follows the link of a play.
    Click(PlayId, u8),
    /// A transaction reaches the ledger.
    Commit(i64, (u64, Vec<Waiting>), Fate),
    /// Wallets are posted, leases closed.
    Chores,
    /// Somebody changes a campaign or gives a command.
    Meddle,
    /// The ledger fails from now on, or works again.
    Store(bool),
    /// The process dies.
    Crash,
    /// The next one starts.
    Start,
    /// No more slots, and no more faults.
    Finish,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside(epoch, Inside::Said(page, session, said)) => {
                let what = match said {
                    FromPage::Claim { play, .. } => format!("claim {play}"),
                    other => format!("{other:?}"),
                };
                write!(f, "epoch {epoch}: page {page} on {session:?} says {what}")
            }
            Self::Inside(epoch, inside) => write!(f, "epoch {epoch}: {inside:?}"),
            Self::ToPage(page, session, said) => {
                let what = match said {
                    ToPage::Play { play, .. } => format!("play {play}"),
                    ToPage::Prepare { play, .. } => format!("prepare {play}"),
                    other => format!("{other:?}"),
                };
                write!(f, "page {page} on {session:?} hears {what}")
            }
            Self::Page(page) => write!(f, "page {page} goes on"),
            Self::Connect(page) => write!(f, "page {page} connects"),
            Self::Drop(page, away) => write!(f, "page {page} is cut off for {} ms", away.0),
            Self::Resend(page) => write!(f, "page {page} sends again"),
            Self::Click(play, viewer) => write!(f, "viewer {viewer} clicks on {play}"),
            Self::Commit(epoch, (number, batch), fate) => {
                let plays: Vec<PlayId> = batch.iter().map(|one| one.claim.debit.event).collect();
                write!(f, "epoch {epoch}: commit {number} of {plays:?}: {fate:?}")
            }
            Self::Chores => f.write_str("chores of the ledger"),
            Self::Meddle => f.write_str("somebody meddles"),
            Self::Store(works) => write!(f, "the store works: {works}"),
            Self::Crash => f.write_str("crash"),
            Self::Start => f.write_str("start"),
            Self::Finish => f.write_str("finish"),
        }
    }
}

/// Events by time; of the same moment in the order in which they were foreseen.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    events: BTreeMap<(UnixMillis, u64), Event>,
    foreseen: u64,
}

impl Agenda {
    /// Foresees an event.
    pub(super) fn at(&mut self, at: UnixMillis, event: Event) {
        self.foreseen += 1;
        self.events.insert((at, self.foreseen), event);
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<(UnixMillis, Event)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}
