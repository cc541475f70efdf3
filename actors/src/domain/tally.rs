//! What is shown and counted, by the minute, until it is written: bounded, and never asked about money.
//!
//! Under a flood, or while the database is away, counts lose detail before they are lost: what finds no row
//! of its streamer and no room for one counts for its campaign alone.
//!
//! A play's end may be told twice: by the streamer who gives it up, and by the ledger that writes the
//! refusal. It counts once. A play that was given up in silence and is claimed after all counts as lost
//! and as an impression: the loss may be written already, and a counter only grows.

use super::id::{CampaignId, CreativeId, PlayId, StreamerId};
use super::log::{ClickKind, PlayOutcome, PlayRecord};
use super::money::Micros;
use super::reason::Reason;
use super::rotation::CreativeCounts;
use super::settlement::{Claim, EventKind, Outcome};
use super::supply::{Supply, SupplyRow};
use super::time::UnixMillis;
use super::violation::{RuleCounts, Violations};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

/// Records, and rows of counts, that wait to be written, at most; the database may be away for a while.
pub const WAITING_MAX: usize = 20_000;
/// Plays whose end is remembered: this many, and at least as many before them.
const ENDED_MAX: usize = 20_000;
const MINUTE: i64 = 60_000;

/// A minute of one campaign on one streamer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteCounts {
    /// Plays that came on screen.
    pub plays: u64,
    /// Plays settled.
    pub impressions: u64,
    /// Viewers of those impressions.
    pub viewers: u64,
    /// Clicks billed that followed the link itself.
    pub clicks_link: u64,
    /// Clicks billed that came through the QR code.
    pub clicks_qr: u64,
    /// Clicks billed that came through a command in the chat.
    pub clicks_chat: u64,
    /// Plays that ended without money.
    pub lost: u64,
    /// Spent.
    pub spend: Micros,
    /// Earned by the streamer.
    pub earn: Micros,
}

impl MinuteCounts {
    /// Adds what another minute, or another node, counted.
    pub const fn add(&mut self, more: &Self) {
        self.plays += more.plays;
        self.impressions += more.impressions;
        self.viewers += more.viewers;
        self.clicks_link += more.clicks_link;
        self.clicks_qr += more.clicks_qr;
        self.clicks_chat += more.clicks_chat;
        self.lost += more.lost;
        self.spend.0 = self.spend.0.saturating_add(more.spend.0);
        self.earn.0 = self.earn.0.saturating_add(more.earn.0);
    }
}

/// Where a minute's counts belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinuteKey {
    /// Start of the minute.
    pub minute: UnixMillis,
    /// The campaign.
    pub campaign: CampaignId,
    /// The streamer; zero when there were too many to count each of them.
    pub streamer: StreamerId,
}

impl MinuteKey {
    /// The minute of a moment.
    #[must_use]
    pub const fn at(at: UnixMillis, campaign: CampaignId, streamer: StreamerId) -> Self {
        Self { minute: UnixMillis(at.0 - at.0.rem_euclid(MINUTE)), campaign, streamer }
    }

    /// The same without the streamer.
    const fn coarse(self) -> Self {
        Self { streamer: StreamerId(0), ..self }
    }
}

/// What one transaction writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Records of plays.
    pub plays: Vec<PlayRecord>,
    /// Counts to add.
    pub minutes: Vec<(MinuteKey, MinuteCounts)>,
    /// Plays and clicks that came to nothing, to add.
    pub rejects: Vec<(MinuteKey, Reason, u64)>,
    /// How often rules spoke, to add.
    pub rules: RuleCounts,
    /// What creatives achieved, to add.
    pub creatives: Vec<(CreativeId, CreativeCounts)>,
    /// What the streams had to give, to add.
    pub supply: Vec<SupplyRow>,
}

/// What found no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Records of plays.
    pub plays: u64,
    /// Counts.
    pub counts: u64,
    /// Rows of rules that spoke.
    pub rules: u64,
    /// Slots that were decided.
    pub supply: u64,
}

/// What is not written yet.
#[derive(Debug, Default)]
pub struct Tally {
    plays: HashMap<PlayId, PlayRecord>,
    minutes: BTreeMap<MinuteKey, MinuteCounts>,
    rejects: BTreeMap<(MinuteKey, Reason), u64>,
    creatives: BTreeMap<CreativeId, CreativeCounts>,
    /// The last row of counts that was taken: the next ones have their turn, however many come before them.
    taken: Option<MinuteKey>,
    /// Plays that ended: the newer ones, and those before them.
    ended: (HashSet<PlayId>, HashSet<PlayId>),
    /// How often rules spoke.
    pub violations: Violations,
    /// What the streams had to give.
    pub supply: Supply,
    dropped: Dropped,
}

impl Tally {
    /// A streamer's record of a play, which joins an earlier one.
    pub fn played(&mut self, record: PlayRecord) {
        let key = MinuteKey::at(record.at, record.campaign, record.streamer);
        match record.outcome {
            PlayOutcome::Shown => {
                self.count(key, |counts| counts.plays += 1);
                self.achieved(record.creative, |counts| counts.plays += 1);
            }
            PlayOutcome::Expired | PlayOutcome::Skipped | PlayOutcome::Failed => {
                self.lost(key, record.play, record.reason);
            }
            // Counted when the ledger says so.
            PlayOutcome::Settled | PlayOutcome::Rejected => {}
        }
        let full = self.plays.len() >= WAITING_MAX;
        match self.plays.entry(record.play) {
            Entry::Occupied(mut before) => join(before.get_mut(), record),
            Entry::Vacant(_) if full => self.dropped.plays += 1,
            Entry::Vacant(free) => {
                free.insert(record);
            }
        }
    }

    /// The ledger's word on a claim.
    pub fn settled(&mut self, claim: &Claim, outcome: Outcome) {
        let debit = &claim.debit;
        let key = MinuteKey::at(debit.occurred, debit.campaign, debit.streamer);
        match (outcome, debit.kind) {
            (Outcome::Settled, kind) => {
                if kind == EventKind::Play {
                    self.ends(debit.play);
                }
                self.achieved(debit.creative, |counts| match kind {
                    EventKind::Play => {
                        counts.impressions += 1;
                        counts.viewers += u64::from(debit.viewers);
                    }
                    EventKind::Click => counts.clicks += 1,
                });
                self.count(key, |counts| {
                    counts.add(&MinuteCounts {
                        impressions: u64::from(kind == EventKind::Play),
                        viewers: if kind == EventKind::Play { u64::from(debit.viewers) } else { 0 },
                        spend: debit.split.price,
                        earn: debit.split.earn,
                        ..MinuteCounts::default()
                    });
                });
            }
            (Outcome::Rejected(reason), EventKind::Play) => self.lost(key, debit.play, Some(reason)),
            (Outcome::Rejected(reason), EventKind::Click) => self.reject(key, reason),
            (Outcome::Duplicate, _) => {}
        }
    }

    /// A click that was billed. Its money came with the ledger's word.
    pub fn clicked(&mut self, key: MinuteKey, kind: ClickKind) {
        self.count(key, |counts| match kind {
            ClickKind::Link => counts.clicks_link += 1,
            ClickKind::Qr => counts.clicks_qr += 1,
            ClickKind::Chat => counts.clicks_chat += 1,
        });
    }

    /// The next transaction, of at most `max` rows of each kind; none when nothing waits.
    pub fn take(&mut self, max: usize) -> Option<Batch> {
        let plays = if self.plays.len() <= max {
            std::mem::take(&mut self.plays).into_values().collect()
        } else {
            let some: Vec<PlayId> = self.plays.keys().take(max).copied().collect();
            some.iter().filter_map(|play| self.plays.remove(play)).collect()
        };
        let minutes = self.take_minutes(max);
        let rejects = std::iter::from_fn(|| self.rejects.pop_first())
            .take(max)
            .map(|((key, reason), times)| (key, reason, times))
            .collect();
        let rules = self.violations.take(max);
        let creatives = std::iter::from_fn(|| self.creatives.pop_first()).take(max).collect();
        let supply = self.supply.take(max);
        let batch = Batch { plays, minutes, rejects, rules, creatives, supply };
        Some(batch).filter(|batch| *batch != Batch::default())
    }

    fn take_minutes(&mut self, max: usize) -> Vec<(MinuteKey, MinuteCounts)> {
        let after = self.taken.map_or(Bound::Unbounded, Bound::Excluded);
        let keys: Vec<MinuteKey> = if self.minutes.len() <= max {
            self.minutes.keys().copied().collect()
        } else {
            let later = self.minutes.range((after, Bound::Unbounded));
            later.chain(&self.minutes).take(max).map(|(key, _)| *key).collect()
        };
        self.taken = keys.last().copied();
        keys.into_iter().filter_map(|key| self.minutes.remove_entry(&key)).collect()
    }

    /// A batch that could not be written waits. It is taken back whole, even above the bound.
    pub fn put_back(&mut self, batch: Batch) {
        for before in batch.plays {
            match self.plays.entry(before.play) {
                // What came since is newer.
                Entry::Occupied(mut place) => {
                    let newer = std::mem::replace(place.get_mut(), before);
                    join(place.get_mut(), newer);
                }
                Entry::Vacant(free) => {
                    free.insert(before);
                }
            }
        }
        for (key, counts) in batch.minutes {
            self.minutes.entry(key).or_default().add(&counts);
        }
        for (key, reason, times) in batch.rejects {
            *self.rejects.entry((key, reason)).or_default() += times;
        }
        self.violations.put_back(batch.rules);
        for (creative, counts) in batch.creatives {
            self.creatives.entry(creative).or_default().add(&counts);
        }
        self.supply.put_back(batch.supply);
    }

    /// What found no room since this was last asked.
    pub const fn take_dropped(&mut self) -> Dropped {
        let (rules, supply) = (self.violations.take_dropped(), self.supply.take_dropped());
        let none = Dropped { plays: 0, counts: 0, rules: 0, supply: 0 };
        let dropped = std::mem::replace(&mut self.dropped, none);
        Dropped { rules, supply, ..dropped }
    }

    fn count(&mut self, key: MinuteKey, add: impl FnOnce(&mut MinuteCounts)) {
        let full = self.minutes.len() >= WAITING_MAX && !self.minutes.contains_key(&key);
        let key = if full { key.coarse() } else { key };
        // Twice as many is for the minutes of campaigns alone.
        if full && self.minutes.len() >= 2 * WAITING_MAX && !self.minutes.contains_key(&key) {
            self.dropped.counts += 1;
        } else {
            add(self.minutes.entry(key).or_default());
        }
    }

    fn achieved(&mut self, creative: CreativeId, add: impl FnOnce(&mut CreativeCounts)) {
        if self.creatives.len() >= WAITING_MAX && !self.creatives.contains_key(&creative) {
            self.dropped.counts += 1;
        } else {
            add(self.creatives.entry(creative).or_default());
        }
    }

    fn reject(&mut self, key: MinuteKey, reason: Reason) {
        let full = self.rejects.len() >= WAITING_MAX && !self.rejects.contains_key(&(key, reason));
        let key = (if full { key.coarse() } else { key }, reason);
        if full && self.rejects.len() >= 2 * WAITING_MAX && !self.rejects.contains_key(&key) {
            self.dropped.counts += 1;
        } else {
            *self.rejects.entry(key).or_default() += 1;
        }
    }

    fn lost(&mut self, key: MinuteKey, play: PlayId, reason: Option<Reason>) {
        if self.ends(play) {
            self.count(key, |counts| counts.lost += 1);
            if let Some(reason) = reason {
                self.reject(key, reason);
            }
        }
    }

    /// Whether this is the first word of a play's end, as far as is remembered.
    fn ends(&mut self, play: PlayId) -> bool {
        if self.ended.1.contains(&play) || !self.ended.0.insert(play) {
            return false;
        }
        if self.ended.0.len() >= ENDED_MAX {
            self.ended.1 = std::mem::take(&mut self.ended.0);
        }
        true
    }
}

/// The slot of a play stands in its first record.
fn join(first: &mut PlayRecord, later: PlayRecord) {
    let at = first.at;
    first.merge(later);
    first.at = at;
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
