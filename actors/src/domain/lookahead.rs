//! Whether the best play now is worth what it spoils: a play keeps its category, its brand and itself off the
//! streamer's next slots, and sometimes a better one would have had those.
//!
//! Of the few that are worth most, each that may play now is tried, and after it the best pair for the
//! next two slots, as if the audience stayed as it is. A coming slot counts half of the one before: it
//! may never come.

use super::campaign::Campaign;
use super::conflict::{Contender, Presence, RuleIndex};
use super::decision::Slot;
use super::id::CampaignId;
use super::time::Millis;
use std::cmp::Reverse;

/// Candidates that may play now and are remembered.
const FREE_MAX: usize = 4;
/// Candidates that rules or caps keep off this slot, and that may have a later one.
const HELD_MAX: usize = 2;
/// Slots that are looked at after this one.
const SLOTS: usize = 2;

/// A candidate with its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prospect {
    /// Its place in the caller's list.
    pub place: usize,
    /// The campaign.
    pub id: CampaignId,
    /// Value times weight.
    pub score: i64,
}

/// The best few, best first; equal scores in the order of their ids.
#[derive(Debug)]
struct Top<const N: usize> {
    list: [Prospect; N],
    count: usize,
}

impl<const N: usize> Default for Top<N> {
    fn default() -> Self {
        Self { list: [Prospect { place: 0, id: CampaignId(0), score: 0 }; N], count: 0 }
    }
}

impl<const N: usize> Top<N> {
    fn as_slice(&self) -> &[Prospect] {
        self.list.get(..self.count).unwrap_or_default()
    }

    /// Puts the one at `place` before all others.
    fn lead(&mut self, place: usize) {
        if let Some(before) = self.list.get_mut(..=place) {
            before.rotate_right(1);
        }
    }

    fn note(&mut self, prospect: Prospect) {
        let key = |p: &Prospect| (Reverse(p.score), p.id);
        let at = self.as_slice().partition_point(|p| key(p) < key(&prospect));
        if at >= N {
            return;
        }
        self.count = (self.count + 1).min(N);
        if let Some(rest) = self.list.get_mut(at..self.count) {
            rest.rotate_right(1);
            rest.iter_mut().take(1).for_each(|first| *first = prospect);
        }
    }
}

/// The candidates that are worth most.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    free: Top<FREE_MAX>,
    held: Top<HELD_MAX>,
}

impl Ranking {
    /// Takes in a candidate that could pay; `free` when it may play now.
    pub(super) fn note(&mut self, prospect: Prospect, free: bool) {
        if free { self.free.note(prospect) } else { self.held.note(prospect) }
    }

    /// Those that may play now, best first.
    pub(super) fn free(&self) -> &[Prospect] {
        self.free.as_slice()
    }
}

/// What is known of a candidate and the coming slots.
struct Outlook<'a> {
    score: i128,
    campaign: &'a Campaign,
    /// Whether what was shown before keeps it off them.
    held: [bool; SLOTS],
    /// It, as it would be remembered if it played now.
    shown: [Presence; 1],
}

impl Outlook<'_> {
    /// In which of the coming slots a play of `self` now keeps `other` off. What does not hold in one
    /// does not hold in the next.
    fn spoils(&self, other: &Self, rules: &RuleIndex, slot: Slot<'_>) -> [bool; SLOTS] {
        let mut spoiled = [false; SLOTS];
        for (spoiled, ahead) in spoiled.iter_mut().zip(ahead(slot)) {
            let same = self.campaign.id == other.campaign.id && ahead < other.campaign.cap.minimum_gap;
            let contender = Contender::of(other.campaign, slot.streamer);
            *spoiled = same || rules.blocks(contender, &self.shown, slot.now + ahead, |_| ()).is_some();
            if !*spoiled {
                break;
            }
        }
        spoiled
    }
}

/// From this slot to the coming ones.
fn ahead(slot: Slot<'_>) -> [Millis; SLOTS] {
    [slot.gap, Millis(slot.gap.0.saturating_mul(2))]
}

/// Puts the candidate first that leaves most, over this slot and the next two. Nothing changes unless the one
/// that is worth most keeps another one off.
pub(super) fn prefer<'a>(
    ranking: &mut Ranking,
    campaign: impl Fn(usize) -> Option<&'a Campaign>,
    rules: &RuleIndex,
    slot: Slot<'_>,
) {
    let free = ranking.free.as_slice();
    let outlook = |prospect: &Prospect| {
        let campaign = campaign(prospect.place)?;
        let contender = Contender::of(campaign, slot.streamer);
        let present = slot.history.present();
        let held = ahead(slot).map(|ahead| {
            let at = slot.now + ahead;
            rules.blocks(contender, present, at, |_| ()).is_some()
                || slot.history.allows(campaign.id, campaign.cap, at).is_err()
        });
        let shown = [Presence::of(campaign, slot.now)];
        Some(Outlook { score: i128::from(prospect.score), campaign, held, shown })
    };
    let Some(leader) = free.first().and_then(outlook) else { return };
    let mut options: Vec<Outlook<'a>> = Vec::with_capacity(FREE_MAX + HELD_MAX);
    options.push(leader);
    options.extend(free.iter().skip(1).chain(ranking.held.as_slice()).filter_map(outlook));
    let spoils = |one: &Outlook<'a>| -> [[bool; SLOTS]; FREE_MAX + HELD_MAX] {
        let mut all = [[false; SLOTS]; FREE_MAX + HELD_MAX];
        all.iter_mut().zip(&options).for_each(|(spoiled, other)| *spoiled = one.spoils(other, rules, slot));
        all
    };
    let Some(by_leader) = options.first().map(spoils) else { return };
    if !by_leader.iter().skip(1).any(|[next, _]| *next) {
        return;
    }
    let mut matrix = [by_leader; FREE_MAX + HELD_MAX];
    matrix.iter_mut().zip(&options).skip(1).for_each(|(row, one)| *row = spoils(one));
    let worth = |first: &[[bool; SLOTS]; FREE_MAX + HELD_MAX]| coming(&options, &matrix, first);
    let firsts = options.iter().zip(&matrix).take(free.len()).enumerate();
    // The earlier one of equals, as everywhere.
    let best = firsts.map(|(place, (one, row))| (4 * one.score + worth(row), Reverse(place))).max();
    if let Some((_, Reverse(place))) = best {
        ranking.free.lead(place);
    }
}

/// What the next two slots bring at best, after a play that spoils `first`; four times their value.
fn coming<const N: usize>(
    options: &[Outlook<'_>],
    matrix: &[[[bool; SLOTS]; N]; N],
    first: &[[bool; SLOTS]; N],
) -> i128 {
    let last = |row: Option<&[[bool; SLOTS]; N]>| {
        let spoiled = |at: usize| row.and_then(|row| row.get(at)).is_some_and(|[next, _]| *next);
        let may = options.iter().zip(first).enumerate();
        let may = may.filter(|(at, (one, [_, later]))| !one.held[1] && !later && !spoiled(*at));
        may.map(|(_, (one, _))| one.score).max().unwrap_or(0)
    };
    let next = options.iter().zip(first).zip(matrix);
    let next = next.filter(|((one, [next, _]), _)| !one.held[0] && !next);
    next.map(|((one, _), row)| 2 * one.score + last(Some(row))).max().unwrap_or(0).max(last(None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_kept_in_order(scores in proptest::collection::vec(0_i64..50, 0..40)) {
            let mut top = Top::<4>::default();
            let mut all: Vec<Prospect> = Vec::new();
            for (place, score) in scores.into_iter().enumerate() {
                let prospect = Prospect { place, id: CampaignId(i64::try_from(place).unwrap()), score };
                top.note(prospect);
                all.push(prospect);
            }
            all.sort_by_key(|p| (Reverse(p.score), p.id));
            all.truncate(4);
            prop_assert_eq!(top.as_slice(), &all[..]);
        }
    }
}
