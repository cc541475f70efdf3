//! Messages that more than one actor or the shell sends. A message that only one actor knows
//! stands in that actor's file.

use crate::domain::campaign::Status;
use crate::domain::campaign::account::Want;
use crate::domain::id::{CampaignId, LeaseId, PlayId, StreamerId};
use crate::domain::log::{ClickKind, PlayRecord};
use crate::domain::money::{Currency, Micros};
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::streamer::command::Command;
use crate::domain::streamer::live::FromPage;
use crate::domain::streamer::page::{Page, SessionId};
use crate::domain::streamer::why::Why;
use crate::domain::supply::Cell;
use crate::domain::time::UnixMillis;
use crate::domain::violation::Spoken;
use crate::session::SessionHandle;
use actix::prelude::*;
use std::sync::Arc;

/// A page came.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttachPage {
    /// What it said of itself.
    pub page: Page,
    /// Its socket.
    pub session: Arc<SessionHandle>,
}

/// A page said something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PageSaid(pub SessionId, pub FromPage);

/// What dashboards want of a streamer.
#[derive(Message)]
#[rtype(result = "()")]
pub enum FromDashboard {
    /// One came.
    Attach(Arc<SessionHandle>),
    /// One gave a command; the answer goes to its socket under the same id.
    Said {
        /// Its socket.
        session: SessionId,
        /// Chosen by the page.
        id: Box<str>,
        /// What to do.
        command: Command,
    },
}

/// Who would get a slot now, and why nobody else would; with a campaign, about that one. No answer while what
/// was shown before is still being read.
#[derive(Message)]
#[rtype(result = "Option<Box<Why>>")]
pub struct AskWhy(pub Option<CampaignId>);

/// A socket is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Detach(pub SessionId);

/// Set money aside for a play, or say why not.
#[derive(Message)]
#[rtype(result = "Result<LeaseId, Reason>")]
pub struct Reserve(pub Want);

/// Give the money of a play back: its token never left the server.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Release(pub PlayId);

/// Claims that are durable now, with what became of them.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ClaimsSettled {
    /// The whole batch.
    pub batch: Arc<[(Claim, Outcome)]>,
    /// The places in it of the campaign's own.
    pub own: Vec<usize>,
}

/// A brand's client wants the counters, now and after each change.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Watch(pub Arc<SessionHandle>);

/// The counters of a campaign, now.
#[derive(Message)]
#[rtype(result = "Option<CampaignLive>")]
pub struct GetLive {
    /// Whether what other nodes settled counts as well, or only what the actor knows by itself.
    pub shared: bool,
}

/// The counters of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignLive {
    /// The campaign.
    pub campaign: CampaignId,
    /// Whether it may play.
    pub status: Status,
    /// The currency of its money.
    pub currency: Currency,
    /// Given to it.
    pub funded: Micros,
    /// Settled.
    pub spent: Micros,
    /// Set aside for plays that are decided.
    pub reserved: Micros,
    /// Held by this node, and neither settled nor set aside.
    pub free: Micros,
    /// Plays settled.
    pub plays: u64,
    /// Viewers of those plays.
    pub viewers: u64,
    /// Clicks billed.
    pub clicks: u64,
    /// Claims refused.
    pub rejected: u64,
    /// Plays with money set aside.
    pub in_flight: u64,
    /// The moment.
    pub now: UnixMillis,
}

/// Write a claim. The answer comes when it is durable. A way back that closes without an answer means that
/// the claim was not taken, or its batch was lost: nothing is known to be written, send it again.
#[derive(Message)]
#[rtype(result = "Outcome")]
pub struct Settle(pub Claim);

/// Write a play to the log.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LogPlay(pub Box<PlayRecord>);

/// Count what was settled.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountSettled(pub Arc<[(Claim, Outcome)]>);

/// Count a click that was billed, by the way it came. Its money is in `CountSettled`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountClick {
    /// The campaign that paid.
    pub campaign: CampaignId,
    /// Who earned.
    pub streamer: StreamerId,
    /// When.
    pub at: UnixMillis,
    /// The way it came.
    pub kind: ClickKind,
}

/// Count rules that spoke on a stream, before a play or at an assignment.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountRules {
    /// On whose stream.
    pub streamer: StreamerId,
    /// When.
    pub at: UnixMillis,
    /// What they said, and against whom.
    pub spoken: Vec<Spoken>,
}

/// Count a slot that was decided.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountSlot {
    /// The kind of stream it was on.
    pub cell: Cell,
    /// The audience.
    pub viewers: u32,
    /// When.
    pub at: UnixMillis,
}

/// Check due work. Sent by the sweeper.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Sweep;

/// The row behind this actor changed: read it again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reload;

/// The server stops: finish what can be finished. The answer comes when it is done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;
