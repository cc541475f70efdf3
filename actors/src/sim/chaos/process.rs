//! A process of the server: the shells of its actors around the pure steps, without threads and sockets.
//!
//! What the actors in `streamer.rs`, `campaign/mod.rs` and `settlement.rs` do with a message, these do with
//! an event. All of it is lost in a crash.

use super::event::Waiting;
use super::stage::Stage;
use crate::domain::campaign::account::{Account, Want};
use crate::domain::campaign::click_rate_ppm;
use crate::domain::decision::{Bid, Candidate, Guide};
use crate::domain::id::{CampaignId, PlayId, StreamerId};
use crate::domain::money::Micros;
use crate::domain::pacing::{Attainments, TUNED};
use crate::domain::streamer::Streamer;
use crate::domain::streamer::live::{LiveStreamer, Market};
use crate::domain::time::{Millis, UnixMillis};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// After this long without a write no slot is used, at most.
const STORE_GRACE: Millis = Millis::seconds(30);

/// A campaign's actor.
#[derive(Debug, Default)]
pub(super) struct Spender {
    pub(super) account: Account,
    pub(super) parked: VecDeque<(StreamerId, Want)>,
    pub(super) asking: bool,
    pub(super) again: bool,
    pub(super) batches: u64,
    pub(super) claims_wait: bool,
}

/// The settlement's actor.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) waiting: VecDeque<Waiting>,
    /// Batches on their way to the ledger, by number.
    pub(super) writing: BTreeMap<u64, Vec<Waiting>>,
    pub(super) batches: u64,
    pub(super) scheduled: bool,
    pub(super) behind: usize,
    pub(super) failing: Option<UnixMillis>,
}

impl Desk {
    /// Whether the claim of a play, or of a click on it, is taken and not written.
    pub(super) fn holds(&self, play: PlayId) -> bool {
        self.waiting.iter().chain(self.writing.values().flatten()).any(|one| one.claim.debit.play == play)
    }
}

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) epoch: i64,
    pub(super) live: BTreeMap<StreamerId, LiveStreamer>,
    pub(super) wakes: BTreeMap<StreamerId, UnixMillis>,
    pub(super) spenders: BTreeMap<CampaignId, Spender>,
    pub(super) desk: Desk,
    /// Clicks under way: the play, and the click as often as it is.
    pub(super) clicks: Vec<(PlayId, PlayId)>,
    pub(super) attained: Attainments,
    /// Accounts that the last step touched.
    pub(super) touched: BTreeSet<CampaignId>,
}

impl Process {
    /// A process that knows what the catalogue says.
    pub(super) fn new(epoch: i64, stage: &Stage, now: UnixMillis) -> Self {
        let spender = |listed: &super::stage::Listed| {
            let mut spender = Spender::default();
            let terms = (std::sync::Arc::clone(&listed.campaign), std::sync::Arc::clone(&listed.plan));
            spender.account.change(terms, &TUNED, now);
            (listed.campaign.id, spender)
        };
        Self {
            epoch,
            live: BTreeMap::new(),
            wakes: BTreeMap::new(),
            spenders: stage.campaigns.iter().map(spender).collect(),
            desk: Desk::default(),
            clicks: Vec::new(),
            attained: Attainments::default(),
            touched: BTreeSet::new(),
        }
    }

    /// Whether the ledger has been failing for so long that no slot is used.
    pub(super) fn store_is_away(&self, stage: &Stage, now: UnixMillis) -> bool {
        let patience = stage.terms.patience;
        let play = patience.reserve.0 + patience.prepare.0 + patience.start.0 + patience.end.0;
        let grace = Millis(stage.terms.token_life.0 - play).min(STORE_GRACE);
        self.desk.failing.is_some_and(|since| now - since >= grace)
    }
}

/// What decisions choose from.
pub(super) struct Shelf<'a> {
    pub(super) stage: &'a Stage,
    pub(super) spenders: &'a BTreeMap<CampaignId, Spender>,
}

impl Market for Shelf<'_> {
    fn guide(&self) -> Guide<'_> {
        Guide { rules: &self.stage.rules, pacing: &TUNED, charge_max_bps: 10_000, offers: false }
    }

    fn candidates(&self, _: &Streamer, viewers: u32) -> Vec<Candidate<'_>> {
        let candidate = |listed: &'_ super::stage::Listed| {
            let spender = self.spenders.get(&listed.campaign.id).filter(|one| one.account.is_known())?;
            let quote = listed.campaign.pricing.quote(viewers);
            let seen = spender.account.budget();
            let rate = click_rate_ppm(seen.viewers, seen.clicks);
            let value = quote.map_or(Micros::ZERO, |quote| quote.expected(viewers, rate));
            Some((&spender.account, Bid { quote, value }))
        };
        let all = self.stage.campaigns.iter();
        let one = |listed| {
            let listed: &super::stage::Listed = listed;
            let (account, bid) = candidate(listed)?;
            Some(Candidate::new(&listed.campaign, account, &listed.plan, bid))
        };
        all.filter_map(one).collect()
    }
}
