//! Overrides: an operator lets a campaign pass what would block it, for a while.

use super::Contender;
use crate::domain::id::{CampaignId, OverrideId, RuleId, StreamerId};
use crate::domain::time::{Millis, UnixMillis};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The longest that an override may last.
pub const OVERRIDE_MAX: Millis = Millis::minutes(60 * 24 * 30);

/// An override that was granted and not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// The campaign that may pass.
    pub campaign: CampaignId,
    /// On whose stream; none for all of them.
    pub streamer: Option<StreamerId>,
    /// Which rule; none for all of them, as in an emergency.
    pub rule: Option<RuleId>,
    /// It is dead from then on.
    pub expires: UnixMillis,
}

/// What an override is about.
type Key = (CampaignId, Option<StreamerId>, Option<RuleId>);

/// Overrides by what they are about. An expired one needs no reload to be dead: the time is a parameter.
#[derive(Debug, Default)]
pub struct Overrides {
    /// Of several about the same the one that lasts longest.
    by_key: HashMap<Key, (UnixMillis, OverrideId)>,
}

impl Overrides {
    /// Compiles them.
    #[must_use]
    pub fn new(all: Vec<Override>) -> Self {
        let mut by_key = HashMap::with_capacity(all.len());
        for one in all {
            let until = (one.expires, one.id);
            match by_key.entry((one.campaign, one.streamer, one.rule)) {
                Entry::Occupied(mut before) if *before.get() < until => drop(before.insert(until)),
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => drop(free.insert(until)),
            }
        }
        Self { by_key }
    }

    /// The override that lets the contender pass a rule, the most particular one first.
    #[must_use]
    pub fn of(&self, contender: Contender<'_>, rule: RuleId, now: UnixMillis) -> Option<OverrideId> {
        if self.by_key.is_empty() {
            return None;
        }
        let (campaign, streamer) = (contender.campaign, contender.streamer);
        let keys = [(Some(streamer), Some(rule)), (None, Some(rule)), (Some(streamer), None), (None, None)];
        keys.into_iter().find_map(|(streamer, rule)| {
            let (expires, id) = self.by_key.get(&(campaign, streamer, rule))?;
            (now < *expires).then_some(*id)
        })
    }
}
