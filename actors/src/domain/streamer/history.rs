//! What was shown on a stream: the memory of conflict rules and frequency caps.

use crate::domain::campaign::{Campaign, FrequencyCap};
use crate::domain::conflict::Presence;
use crate::domain::id::CampaignId;
use crate::domain::reason::Reason;
use crate::domain::time::{Millis, UnixMillis};
use std::collections::VecDeque;

const HOUR: Millis = Millis::minutes(60);
const DAY: Millis = Millis::minutes(24 * 60);

/// Most plays of one campaign that are remembered: a cap above it is refused at the API.
pub const CAP_MAX: u32 = 500;

/// One entry for each campaign that played, the last shown first; its times are kept only as far as its
/// cap looks back.
#[derive(Debug, Default)]
pub struct History {
    present: Vec<Presence>,
    plays: Vec<Plays>,
}

/// The plays of a campaign.
#[derive(Debug, Default)]
struct Plays {
    times: VecDeque<UnixMillis>,
    shown: u32,
}

impl History {
    /// What conflict rules look at: the last shown first.
    #[must_use]
    pub fn present(&self) -> &[Presence] {
        &self.present
    }

    /// A campaign was on screen once, as far as rules are concerned: its cap does not look so far back.
    pub fn recall(&mut self, presence: Presence) {
        self.place(presence);
    }

    /// The plays of a campaign, which is there from now on, and stands where its last play puts it.
    fn place(&mut self, mut presence: Presence) -> Option<&mut Plays> {
        let there = self.present.iter().position(|p| p.campaign == presence.campaign);
        let from = there.unwrap_or(self.present.len());
        match self.present.get(from) {
            Some(known) => presence.last_shown = presence.last_shown.max(known.last_shown),
            None => {
                self.present.push(presence.clone());
                self.plays.push(Plays::default());
            }
        }
        let before = self.present.get(..from).unwrap_or_default();
        let to = before.partition_point(|p| p.last_shown > presence.last_shown);
        if let (Some(presences), Some(plays)) =
            (self.present.get_mut(to..=from), self.plays.get_mut(to..=from))
        {
            presences.rotate_right(1);
            plays.rotate_right(1);
        }
        if let Some(place) = self.present.get_mut(to) {
            *place = presence;
        }
        self.plays.get_mut(to)
    }

    /// A campaign came on screen.
    pub fn record(&mut self, campaign: &Campaign, now: UnixMillis) {
        let keep = campaign.cap.per_hour.max(campaign.cap.per_day).min(CAP_MAX);
        let Some(plays) = self.place(Presence::of(campaign, now)) else { return };
        plays.shown = plays.shown.wrapping_add(1);
        plays.times.push_back(now);
        while plays.times.len() > usize::try_from(keep).unwrap_or(usize::MAX) {
            plays.times.pop_front();
        }
    }

    /// Plays of a campaign so far: whose turn it is among its creatives.
    #[must_use]
    pub fn shown(&self, campaign: CampaignId) -> u32 {
        let at = self.present.iter().position(|p| p.campaign == campaign);
        at.and_then(|at| self.plays.get(at)).map_or(0, |plays| plays.shown)
    }

    /// Whether the campaign's own cap allows another play.
    ///
    /// # Errors
    /// `frequency_cap`.
    pub fn allows(&self, campaign: CampaignId, cap: FrequencyCap, now: UnixMillis) -> Result<(), Reason> {
        let Some(at) = self.present.iter().position(|p| p.campaign == campaign) else { return Ok(()) };
        let (Some(presence), Some(plays)) = (self.present.get(at), self.plays.get(at)) else { return Ok(()) };
        let in_last = |span: Millis| {
            u32::try_from(plays.times.iter().filter(|t| now - **t < span).count()).unwrap_or(u32::MAX)
        };
        let full = |max: u32, span: Millis| max > 0 && in_last(span) >= max;
        if now - presence.last_shown < cap.minimum_gap || full(cap.per_hour, HOUR) || full(cap.per_day, DAY) {
            return Err(Reason::FrequencyCap);
        }
        Ok(())
    }

    /// When the cap allows another play, if none comes meanwhile; none when it never forbade one.
    #[must_use]
    pub fn allows_at(&self, campaign: CampaignId, cap: FrequencyCap) -> Option<UnixMillis> {
        let at = self.present.iter().position(|p| p.campaign == campaign)?;
        let (presence, times) = (self.present.get(at)?, &self.plays.get(at)?.times);
        // The window is full until the oldest of its last `max` plays leaves it.
        let leaves = |max: u32, span: Millis| {
            let back = usize::try_from(max).ok().filter(|max| *max > 0)?;
            Some(*times.get(times.len().checked_sub(back)?)? + span)
        };
        let gap = Some(presence.last_shown + cap.minimum_gap);
        gap.max(leaves(cap.per_hour, HOUR)).max(leaves(cap.per_day, DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::tests::campaign;
    use proptest::prelude::*;

    #[test]
    fn the_turn_counts_every_play_of_a_campaign_and_of_no_other() {
        let (one, other) = (campaign(1), campaign(2));
        let mut history = History::default();
        for (now, campaign) in [(1, &one), (2, &other), (3, &one), (4, &one)] {
            history.record(campaign, UnixMillis(now));
        }
        assert_eq!((history.shown(one.id), history.shown(other.id)), (3, 1));
        assert_eq!(history.shown(CampaignId(3)), 0);
    }

    proptest! {
        #[test]
        fn the_last_shown_comes_first(plays in proptest::collection::vec((0_i64..8, 0_i64..100), 0..60)) {
            let mut history = History::default();
            let mut last = std::collections::BTreeMap::new();
            for (id, at) in plays {
                history.record(&campaign(id), UnixMillis(at));
                let known = last.entry(id).or_insert((0, 0));
                *known = (known.0.max(at), known.1 + 1);
            }
            prop_assert!(history.present().is_sorted_by_key(|p| std::cmp::Reverse(p.last_shown)));
            prop_assert_eq!(history.present().len(), last.len());
            for presence in history.present() {
                let (at, shown) = last[&presence.campaign.0];
                prop_assert_eq!((presence.last_shown.0, history.shown(presence.campaign)), (at, shown));
            }
        }

        #[test]
        fn no_window_has_more_plays_than_its_cap(
            gaps in proptest::collection::vec(0_i64..2_000_000, 1..120),
            per_hour in 0_u32..4, per_day in 0_u32..12, gap_min in 0_i64..100_000,
        ) {
            let mut c = campaign(1);
            c.cap = FrequencyCap { per_hour, per_day, minimum_gap: Millis(gap_min) };
            let (mut now, mut history, mut shown) = (0, History::default(), Vec::<i64>::new());
            for gap in gaps {
                now += gap;
                // Not a moment before it says, and not a moment after.
                let free = history.allows_at(c.id, c.cap).is_none_or(|at| at <= UnixMillis(now));
                prop_assert_eq!(history.allows(c.id, c.cap, UnixMillis(now)).is_ok(), free);
                if free {
                    prop_assert!(shown.last().is_none_or(|last| now - last >= gap_min));
                    history.record(&c, UnixMillis(now));
                    shown.push(now);
                }
                let in_last = |span: Millis| shown.iter().filter(|t| now - **t < span.0).count();
                prop_assert!(per_hour == 0 || in_last(HOUR) <= usize::try_from(per_hour).unwrap());
                prop_assert!(per_day == 0 || in_last(DAY) <= usize::try_from(per_day).unwrap());
            }
        }
    }
}
