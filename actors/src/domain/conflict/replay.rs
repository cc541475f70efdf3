//! What a rule would have done: the plays of the log, judged again in their order.
//!
//! The rule stands alone: other rules, caps and overrides had their say when the plays were decided. A play
//! that it would have blocked was not shown in this world, so it does not count as present either. Plays
//! before the window are judged as well, so that the first ones inside it meet the right past; they are not
//! counted.

use super::{Contender, Presence, Rule, Severity};
use crate::domain::campaign::Category;
use crate::domain::id::{BrandId, CampaignId, PlayId, StreamerId};
use crate::domain::time::UnixMillis;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Plays that are named as examples, at most.
pub const EXAMPLES_MAX: usize = 20;
/// Campaigns, and streamers, that are named with their counts, at most: those with the highest.
pub const TOP_MAX: usize = 50;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A play that was on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayShown {
    /// The play.
    pub play: PlayId,
    /// On whose stream.
    pub streamer: StreamerId,
    /// The campaign.
    pub campaign: CampaignId,
    /// Its brand.
    pub brand: BrandId,
    /// What it advertises.
    pub category: Category,
}

/// A number of plays.
pub type Count<K> = (K, u64);

/// What a rule would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Plays in the window.
    pub plays: u64,
    /// Plays it would have spoken against.
    pub spoken: u64,
    /// Plays it would have blocked: all of those when it is blocking, else none.
    pub blocked: u64,
    /// Spoken, by campaign, the most first.
    pub campaigns: Vec<Count<CampaignId>>,
    /// Spoken, by streamer, the most first.
    pub streamers: Vec<Count<StreamerId>>,
    /// Spoken, by UTC day as days since 1970, in order.
    pub days: Vec<Count<i64>>,
    /// The first plays it would have spoken against.
    pub examples: Vec<PlayShown>,
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    rule: Rule,
    from: UnixMillis,
    present: HashMap<StreamerId, Vec<Presence>>,
    found: Replayed,
    campaigns: HashMap<CampaignId, u64>,
    streamers: HashMap<StreamerId, u64>,
    days: BTreeMap<i64, u64>,
}

impl Replay {
    /// A replay that counts plays from a moment on.
    #[must_use]
    pub fn new(rule: Rule, from: UnixMillis) -> Self {
        Self {
            rule,
            from,
            present: HashMap::new(),
            found: Replayed::default(),
            campaigns: HashMap::new(),
            streamers: HashMap::new(),
            days: BTreeMap::new(),
        }
    }

    /// The moment of the first play that matters: those before it are forgotten by the first that counts.
    #[must_use]
    pub fn begins(&self) -> UnixMillis {
        self.from - self.rule.kind.span()
    }

    /// The next play, in the order of time.
    pub fn take(&mut self, play: PlayShown) {
        let now = play.play.minted();
        let span = self.rule.kind.span();
        let present = self.present.entry(play.streamer).or_default();
        present.retain(|p| now - p.last_shown < span);
        let contender = Contender {
            campaign: play.campaign,
            brand: play.brand,
            category: &play.category,
            streamer: play.streamer,
        };
        let spoke = self.rule.speaks(contender, present, now);
        let blocked = spoke && self.rule.severity == Severity::Blocking;
        if !blocked {
            show(present, &play, now);
        }
        if now >= self.from {
            self.count(play, now, (spoke, blocked));
        }
    }

    fn count(&mut self, play: PlayShown, now: UnixMillis, (spoke, blocked): (bool, bool)) {
        self.found.plays += 1;
        self.found.blocked += u64::from(blocked);
        if spoke {
            self.found.spoken += 1;
            *self.campaigns.entry(play.campaign).or_default() += 1;
            *self.streamers.entry(play.streamer).or_default() += 1;
            *self.days.entry(now.0.div_euclid(DAY)).or_default() += 1;
            if self.found.examples.len() < EXAMPLES_MAX {
                self.found.examples.push(play);
            }
        }
    }

    /// What was found.
    #[must_use]
    pub fn end(self) -> Replayed {
        Replayed {
            campaigns: top(self.campaigns),
            streamers: top(self.streamers),
            days: self.days.into_iter().collect(),
            ..self.found
        }
    }
}

fn show(present: &mut Vec<Presence>, play: &PlayShown, now: UnixMillis) {
    present.retain(|p| p.campaign != play.campaign);
    let (campaign, brand, category) = (play.campaign, play.brand, play.category.clone());
    present.insert(0, Presence { campaign, brand, category, last_shown: now });
    // Ids of one millisecond come in any order, and that is all.
    present.sort_by_key(|p| std::cmp::Reverse(p.last_shown));
}

/// The highest counts, equal ones in the order of their keys.
fn top<K: Copy + Ord + Hash>(counts: HashMap<K, u64>) -> Vec<Count<K>> {
    let mut all: Vec<Count<K>> = counts.into_iter().collect();
    all.sort_unstable_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
    all.truncate(TOP_MAX);
    all
}
