//! Whose turn it is among the creatives of a campaign.
//!
//! Nothing here is left to chance: the same slot gives the same creative, and over many slots the shares come
//! out as they were asked for, because the slot's time and its stream are hashed.

use super::creative::Creative;
use super::id::{CampaignId, StreamerId};
use super::time::UnixMillis;

/// How the creatives of a campaign take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// One after the other on each stream.
    Even,
    /// In proportion to their weights.
    Weighted,
    /// Nine in ten slots to the one that did best so far; the tenth is shared out evenly, so that the others
    /// can show what they are worth.
    Best,
}

impl Rotation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Even, Self::Weighted, Self::Best];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Weighted => "weighted",
            Self::Best => "best",
        }
    }

    /// The rotation of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }
}

/// What a creative achieved, on all streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreativeCounts {
    /// Plays that came on screen.
    pub plays: u64,
    /// Plays settled.
    pub impressions: u64,
    /// Viewers of those impressions.
    pub viewers: u64,
    /// Clicks billed.
    pub clicks: u64,
}

impl CreativeCounts {
    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, more: &Self) {
        self.plays += more.plays;
        self.impressions += more.impressions;
        self.viewers += more.viewers;
        self.clicks += more.clicks;
    }
}

/// The slot, as far as rotation looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The moment.
    pub now: UnixMillis,
    /// The stream.
    pub streamer: StreamerId,
    /// The campaign.
    pub campaign: CampaignId,
    /// Plays of the campaign on this stream so far, as far as they are remembered.
    pub shown: u32,
}

/// A tenth of the slots of `best` are shared out evenly.
const EXPLORE: u64 = 10;

/// Whose turn it is among those that `fits` lets through; none when it lets nobody through.
pub fn pick(
    creatives: &[Creative],
    rotation: Rotation,
    turn: Turn,
    fits: impl Fn(&Creative) -> bool,
) -> Option<&Creative> {
    let fitting = || creatives.iter().filter(|creative| fits(creative));
    let place = stream(turn);
    match rotation {
        Rotation::Even => nth(fitting, mix(place).wrapping_add(u64::from(turn.shown))),
        Rotation::Weighted => {
            let all = fitting().map(|creative| u64::from(creative.weight)).sum();
            let mut at = slot(turn).checked_rem(all)?;
            fitting().find(|creative| {
                let hit = at < u64::from(creative.weight);
                at = at.saturating_sub(u64::from(creative.weight));
                hit
            })
        }
        Rotation::Best => {
            let slot = slot(turn);
            if slot.is_multiple_of(EXPLORE) { nth(fitting, slot / EXPLORE) } else { best(fitting()) }
        }
    }
}

fn nth<'a, I: Iterator<Item = &'a Creative>>(fitting: impl Fn() -> I, turn: u64) -> Option<&'a Creative> {
    let count = u64::try_from(fitting().count()).ok()?;
    fitting().nth(usize::try_from(turn.checked_rem(count)?).ok()?)
}

/// The highest rate; among equals the first. Once one of them was clicked, clicks of a thousand viewers are
/// compared, before that the share of plays that were seen to their end.
fn best<'a>(fitting: impl Iterator<Item = &'a Creative> + Clone) -> Option<&'a Creative> {
    let clicked = fitting.clone().any(|creative| creative.counts.clicks > 0);
    // A few results say little, so each starts from what is usual: a click of a thousand viewers, or nine of
    // ten plays seen to their end.
    let rate = |counts: &CreativeCounts| -> (u128, u128) {
        let (hits, tries) =
            if clicked { (counts.clicks, counts.viewers) } else { (counts.impressions, counts.plays) };
        let (usual_hits, usual_tries) = if clicked { (1, 1000) } else { (9, 10) };
        (u128::from(hits) + usual_hits, u128::from(tries) + usual_tries)
    };
    fitting.reduce(|leader, next| {
        let ((a, b), (c, d)) = (rate(&leader.counts), rate(&next.counts));
        if c * b > a * d { next } else { leader }
    })
}

fn stream(turn: Turn) -> u64 {
    mix(turn.streamer.0.unsigned_abs()) ^ turn.campaign.0.unsigned_abs()
}

fn slot(turn: Turn) -> u64 {
    mix(stream(turn).wrapping_add(mix(turn.now.0.unsigned_abs())))
}

/// The finalizer of SplitMix64: each bit of the answer hangs on each bit of `x`.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::tests::creative;
    use crate::domain::id::CreativeId;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const TURNS: u32 = 20_000;

    fn many(weights: &[u16]) -> Vec<Creative> {
        (1..).zip(weights).map(|(id, weight)| Creative { weight: *weight, ..creative(id) }).collect()
    }

    /// How often each was shown on one stream with a slot every ten minutes.
    fn shown(creatives: &[Creative], rotation: Rotation, streamer: i64) -> BTreeMap<i64, u32> {
        let mut shown = BTreeMap::new();
        for slot in 0..TURNS {
            let now = UnixMillis(1_700_000_000_000 + i64::from(slot) * 600_000);
            let turn = Turn { now, streamer: StreamerId(streamer), campaign: CampaignId(7), shown: slot };
            let picked = pick(creatives, rotation, turn, |_| true).unwrap();
            *shown.entry(picked.id.0).or_default() += 1;
        }
        shown
    }

    #[test]
    fn in_even_rotation_each_has_its_turn_however_regular_the_slots_are() {
        let creatives = many(&[1, 900, 1]);
        for streamer in 0..20 {
            let counts: Vec<u32> = shown(&creatives, Rotation::Even, streamer).into_values().collect();
            assert!(counts.iter().all(|count| TURNS / 3 <= *count && *count <= TURNS / 3 + 1), "{counts:?}");
        }
        let first = |streamer| {
            let turn = Turn {
                now: UnixMillis(0),
                streamer: StreamerId(streamer),
                campaign: CampaignId(7),
                shown: 0,
            };
            pick(&creatives, Rotation::Even, turn, |_| true).unwrap().id
        };
        let begins = |id| (0..300).filter(|streamer| first(*streamer) == CreativeId(id)).count();
        assert!((1..=3).all(|id| begins(id) > 60), "streams do not all begin with the same one");
    }

    #[test]
    fn the_one_that_did_best_gets_most_and_the_others_their_tenth() {
        let mut creatives = many(&[1, 1, 1, 1]);
        creatives[2].counts = CreativeCounts { plays: 100, impressions: 99, viewers: 10_000, clicks: 0 };
        let counts = shown(&creatives, Rotation::Best, 5);
        assert!(counts[&3] > TURNS * 90 / 100, "{counts:?}");
        assert!([1, 2, 4].iter().all(|id| counts[id] > TURNS * 20 / 1000), "{counts:?}");
        creatives[1].counts = CreativeCounts { plays: 100, impressions: 50, viewers: 10_000, clicks: 40 };
        assert!(shown(&creatives, Rotation::Best, 5)[&2] > TURNS * 90 / 100, "clicks count for more");
    }

    #[test]
    fn a_little_luck_does_not_beat_a_long_record() {
        let mut creatives = many(&[1, 1]);
        creatives[0].counts =
            CreativeCounts { viewers: 1_000_000, clicks: 5_000, ..CreativeCounts::default() };
        creatives[1].counts = CreativeCounts { viewers: 20, clicks: 1, ..CreativeCounts::default() };
        assert_eq!(best(creatives.iter()).unwrap().id, CreativeId(1));
        creatives[0].counts.clicks = 1_000;
        assert_eq!(best(creatives.iter()).unwrap().id, CreativeId(2));
    }

    #[test]
    fn nobody_is_picked_who_does_not_fit() {
        let creatives = many(&[5, 5, 5]);
        let turn = Turn { now: UnixMillis(0), streamer: StreamerId(1), campaign: CampaignId(1), shown: 0 };
        for rotation in [Rotation::Even, Rotation::Weighted, Rotation::Best] {
            assert!(pick(&creatives, rotation, turn, |_| false).is_none());
            assert!(pick(&[], rotation, turn, |_| true).is_none());
            for shown in 0..50 {
                let turn = Turn { now: UnixMillis(i64::from(shown) * 977), shown, ..turn };
                let picked = pick(&creatives, rotation, turn, |creative| creative.id.0 != 2).unwrap();
                assert_ne!(picked.id, CreativeId(2));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn weighted_shares_come_out_as_the_weights_say(
            weights in proptest::collection::vec(1_u16..=1000, 1..6),
            streamer in 0_i64..1_000_000,
        ) {
            let counts = shown(&many(&weights), Rotation::Weighted, streamer);
            let all: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
            for (id, weight) in (1..).zip(&weights) {
                let share = counts.get(&id).copied().unwrap_or(0);
                let wanted = TURNS * u32::from(*weight) / all;
                prop_assert!(share.abs_diff(wanted) <= TURNS * 2 / 100, "{weights:?}: {counts:?}");
            }
        }
    }
}
