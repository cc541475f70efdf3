//! What the streamer's dashboard shows.

use super::hand::Hand;
use super::live::{LiveStreamer, RECENT_MAX, Terms};
use super::page::{Page, SessionId};
use super::{Sample, Streamer};
use crate::domain::campaign::Campaign;
use crate::domain::id::PlayId;
use crate::domain::log::{PlayOutcome, PlayRecord};
use crate::domain::money::{Currency, Micros};
use crate::domain::play::Phase;
use crate::domain::reason::Reason;
use crate::domain::time::UnixMillis;
use std::sync::Arc;

/// One slot and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// The play; none when the slot stayed empty.
    pub play: Option<PlayId>,
    /// When the slot fell due.
    pub at: UnixMillis,
    /// For whom.
    pub campaign: Option<Arc<Campaign>>,
    /// How it ended; none when the slot stayed empty.
    pub outcome: Option<PlayOutcome>,
    /// Why.
    pub reason: Option<Reason>,
    /// The audience when the price was fixed.
    pub viewers: u32,
    /// What the streamer earns by it.
    pub earn: Micros,
}

impl Recent {
    /// A play.
    pub(super) fn of(
        hand: &Hand,
        campaign: &Arc<Campaign>,
        outcome: PlayOutcome,
        reason: Option<Reason>,
    ) -> Self {
        let earn = if hand.quote.clicks_max > 0 { Micros::ZERO } else { hand.split.earn };
        Self {
            play: Some(hand.play),
            at: hand.due,
            campaign: Some(Arc::clone(campaign)),
            outcome: Some(outcome),
            reason,
            viewers: hand.viewers,
            earn,
        }
    }

    /// A play of an earlier process; `campaign` when it still runs.
    #[must_use]
    pub fn from_log(play: &PlayRecord, campaign: Option<Arc<Campaign>>) -> Self {
        Self {
            play: Some(play.play),
            at: play.at,
            campaign,
            outcome: Some(play.outcome),
            reason: play.reason,
            viewers: play.viewers,
            earn: play.split.earn,
        }
    }

    /// A slot that stayed empty.
    pub(super) const fn empty(at: UnixMillis, reason: Reason) -> Self {
        Self {
            play: None,
            at,
            campaign: None,
            outcome: None,
            reason: Some(reason),
            viewers: 0,
            earn: Micros::ZERO,
        }
    }
}

/// The ad in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InHand {
    /// The play.
    pub play: PlayId,
    /// For whom; none for a test.
    pub campaign: Option<Arc<Campaign>>,
    /// Where it is.
    pub phase: Phase,
    /// When the first frame was painted.
    pub started: Option<UnixMillis>,
    /// When it will be over.
    pub ends: Option<UnixMillis>,
    /// What the streamer earns by it.
    pub earn: Micros,
}

/// Everything that the dashboard shows.
#[derive(Clone, Debug)]
pub struct Board {
    /// The moment.
    pub now: UnixMillis,
    /// The streamer.
    pub streamer: Streamer,
    /// What the platform says.
    pub sample: Option<Sample>,
    /// The pages that are connected.
    pub pages: Vec<Page>,
    /// The one that gets the plays.
    pub primary: Option<SessionId>,
    /// Why no ad can be shown now.
    pub blocked_by: Option<Reason>,
    /// The ad in hand.
    pub in_hand: Option<InHand>,
    /// When the next slot falls due.
    pub next_slot: Option<UnixMillis>,
    /// Durable earnings, all time.
    pub earned: Option<(Currency, Micros, u64)>,
    /// Claimed and not yet durable.
    pub in_flight: Micros,
    /// The last slots, newest first.
    pub recent: Vec<Recent>,
}

impl LiveStreamer {
    /// The view for the dashboard.
    pub fn board(&mut self, now: UnixMillis, sample: Option<Sample>, terms: &Terms) -> Board {
        let blocked_by = self.fit(now, sample, terms).err();
        let in_hand = self.hand.as_ref().map(|hand| InHand {
            play: hand.play,
            campaign: hand.campaign.clone(),
            phase: hand.machine.phase(),
            started: hand.started,
            ends: hand.started.map(|started| started + hand.creative.duration),
            earn: if hand.quote.clicks_max > 0 { Micros::ZERO } else { hand.split.earn },
        });
        Board {
            now,
            streamer: self.streamer.clone(),
            sample,
            pages: self.pages.clone(),
            primary: self.primary,
            blocked_by,
            in_hand,
            next_slot: self.clock.next(self.streamer.settings.slot_interval),
            earned: self.money.earned,
            in_flight: Micros(
                self.money.in_flight.iter().fold(0, |sum, claim| sum.saturating_add(claim.earn.0)),
            ),
            recent: self.recent.iter().rev().cloned().collect(),
        }
    }

    /// Remembers a slot, and forgets the oldest.
    pub(super) fn note(&mut self, recent: Recent) {
        // An empty slot for the same reason as the last one says nothing new.
        if let Some(last) = self.recent.back_mut().filter(|last| last.play.is_none() && recent.play.is_none())
            && last.reason == recent.reason
        {
            last.at = recent.at;
            return;
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(recent);
    }

    /// Slots of an earlier process, oldest first, as the log has them.
    pub fn recall(&mut self, earlier: impl IntoIterator<Item = Recent>) {
        earlier.into_iter().for_each(|recent| self.note(recent));
    }

    /// What all nodes settled for the streamer; whether it is more than was known.
    pub fn shared(&mut self, plays: u64, earned: Micros) -> bool {
        let known = self.money.earned.as_mut().filter(|(_, _, known)| plays > *known);
        known.map(|known| (known.1, known.2) = (known.1.max(earned), plays)).is_some()
    }

    /// What the ledger says of the streamer's earnings.
    pub fn earned(&mut self, earned: (Currency, Micros, u64)) {
        self.money.earned = Some(earned);
    }
}
