//! Whether the best play now is worth what it spoils: a play keeps its category, its brand and itself off the
//! streamer's next slots, and sometimes a better one would have had those.
//!
//! Of the few that are worth most, each that may play now is tried, and after it the best pair for the
//! next two slots, as if the audience stayed as it is. A coming slot counts half of the one before: it
//! may never come.

use super::conflict::{Contender, Presence, RuleIndex};
use super::decision::{Candidate, Slot, TRIES};
use super::id::CampaignId;
use super::time::{Millis, UnixMillis};
use std::cmp::Reverse;

/// Candidates that may play now and are remembered.
const FREE_MAX: usize = TRIES;
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

    /// Whether as many may play now as are asked for money.
    pub(super) const fn is_full(&self) -> bool {
        self.free.count == FREE_MAX
    }

    /// Those that may play now, best first.
    pub(super) fn free(&self) -> &[Prospect] {
        self.free.as_slice()
    }
}

/// A candidate and how it would be remembered if it played now.
struct Contestant<'c, 'a> {
    score: i128,
    candidate: &'c Candidate<'a>,
    shown: [Presence; 1],
}

/// In which of the coming slots something does not hold.
type Coming = [bool; SLOTS];
/// The same for each of the options.
type Row = [Coming; FREE_MAX + HELD_MAX];

impl Contestant<'_, '_> {
    /// Whether rules keep it off a slot before which `present` was shown.
    fn is_kept(&self, present: &[Presence], at: UnixMillis, rules: &RuleIndex, slot: Slot<'_>) -> bool {
        let contender = Contender::of(self.candidate.campaign, slot.streamer);
        match self.candidate.rules {
            Some(known) => rules.blocks_known(contender, known, (present, at), |_| ()).is_some(),
            None => rules.blocks(contender, present, at, |_| ()).is_some(),
        }
    }

    /// In which of the coming slots a play of `self` now keeps `other` off. What does not hold in one
    /// does not hold in the next.
    fn spoils(&self, other: &Self, rules: &RuleIndex, slot: Slot<'_>) -> Coming {
        let same = self.candidate.campaign.id == other.candidate.campaign.id;
        let mut spoiled = Coming::default();
        for (spoiled, ahead) in spoiled.iter_mut().zip(ahead(slot)) {
            *spoiled = (same && ahead < other.candidate.campaign.cap.minimum_gap)
                || other.is_kept(&self.shown, slot.now + ahead, rules, slot);
            if !*spoiled {
                break;
            }
        }
        spoiled
    }

    /// In which of the coming slots what was shown before keeps it off.
    fn is_held(&self, rules: &RuleIndex, slot: Slot<'_>) -> Coming {
        let campaign = self.candidate.campaign;
        ahead(slot).map(|ahead| {
            let at = slot.now + ahead;
            slot.history.allows(campaign.id, campaign.cap, at).is_err()
                || self.is_kept(slot.history.present(), at, rules, slot)
        })
    }
}

/// From this slot to the coming ones.
fn ahead(slot: Slot<'_>) -> [Millis; SLOTS] {
    [slot.gap, Millis(slot.gap.0.saturating_mul(2))]
}

/// Puts the candidate first that leaves most, over this slot and the next two. Nothing changes unless the one
/// that is worth most keeps another one off.
pub(super) fn prefer<'c, 'a: 'c>(
    ranking: &mut Ranking,
    candidate: impl Fn(usize) -> Option<&'c Candidate<'a>>,
    rules: &RuleIndex,
    slot: Slot<'_>,
) {
    let free = ranking.free.as_slice();
    let option = |prospect: &Prospect| {
        let candidate = candidate(prospect.place)?;
        let shown = [Presence::of(candidate.campaign, slot.now)];
        Some(Contestant { score: i128::from(prospect.score), candidate, shown })
    };
    let mut options = Vec::with_capacity(FREE_MAX + HELD_MAX);
    options.extend(free.iter().chain(ranking.held.as_slice()).filter_map(option));
    let spoils = |one: &Contestant<'_, '_>| {
        let mut row = Row::default();
        row.iter_mut().zip(&options).for_each(|(spoiled, other)| *spoiled = one.spoils(other, rules, slot));
        row
    };
    let Some(by_leader) = options.first().filter(|_| options.len() > 1).map(spoils) else { return };
    if free.is_empty() || !by_leader.iter().skip(1).any(|[next, _]| *next) {
        return;
    }
    let mut matrix = [by_leader; FREE_MAX + HELD_MAX];
    matrix.iter_mut().zip(&options).skip(1).for_each(|(row, one)| *row = spoils(one));
    let mut held = Row::default();
    held.iter_mut().zip(&options).for_each(|(held, one)| *held = one.is_held(rules, slot));
    let scores: Vec<i128> = options.iter().map(|one| one.score).collect();
    let firsts = scores.iter().zip(&matrix).take(free.len()).enumerate();
    // The earlier one of equals, as everywhere.
    let worth = |(place, (score, row))| (4 * score + coming(&scores, (&matrix, &held), row), Reverse(place));
    if let Some((_, Reverse(place))) = firsts.map(worth).max() {
        ranking.free.lead(place);
    }
}

/// What the next two slots bring at best, after a play that spoils `first`; four times their value.
fn coming(scores: &[i128], (matrix, held): (&[Row], &Row), first: &Row) -> i128 {
    let last = |row: Option<&Row>| {
        let spoiled = |at: usize| row.and_then(|row| row.get(at)).is_some_and(|[next, _]| *next);
        let may = scores.iter().zip(first).zip(held).enumerate();
        let may = may.filter(|(at, ((_, [_, spoiled_by_first]), [_, held]))| {
            !held && !spoiled_by_first && !spoiled(*at)
        });
        may.map(|(_, ((score, _), _))| *score).max().unwrap_or(0)
    };
    let next = scores.iter().zip(first).zip(held).zip(matrix);
    let next = next.filter(|(((_, [spoiled, _]), [held, _]), _)| !held && !spoiled);
    next.map(|(((score, _), _), row)| 2 * score + last(Some(row))).max().unwrap_or(0).max(last(None))
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
