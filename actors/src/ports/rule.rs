//! Conflict rules as operators keep them: rules, overrides, and how often rules spoke.

use super::{ByHand, StoreResult};
use crate::domain::conflict::{NewRule, Override, Rule};
use crate::domain::id::{CampaignId, OverrideId, RuleId, StreamerId};
use crate::domain::time::UnixMillis;
pub use crate::domain::violation::{RuleCounts, ViolationCounts, ViolationKey};
use async_trait::async_trait;
use std::sync::Arc;

/// Who made a rule that stands in the configuration file.
pub const BY_CONFIG: &str = "config";
/// Rules that are not deleted, at most.
pub const RULES_MAX: u32 = 500;
/// Overrides in force at most.
pub const OVERRIDES_MAX: u32 = 1000;

/// A rule as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// The rule, whether or not it is in force.
    pub rule: Rule,
    /// For people.
    pub name: Arc<str>,
    /// For people.
    pub description: Arc<str>,
    /// `config`, or the start of an operator's key hash.
    pub created_by: Arc<str>,
    /// Whether it is in force.
    pub active: bool,
    /// How often it spoke.
    pub times_triggered: u64,
    /// How often it blocked.
    pub conflicts_blocked: u64,
    /// When it was made.
    pub created: UnixMillis,
    /// When it was last changed.
    pub updated: UnixMillis,
    /// Grows with every change, and not with what is counted.
    pub version: i64,
}

/// An override to be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOverride {
    /// The campaign that may pass.
    pub campaign: CampaignId,
    /// On whose stream; none for all of them.
    pub streamer: Option<StreamerId>,
    /// Which rule; none for all of them.
    pub rule: Option<RuleId>,
    /// It is dead from then on.
    pub expires: UnixMillis,
}

/// An override as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRecord {
    /// What it lets pass.
    pub terms: Override,
    /// Why.
    pub reason: Arc<str>,
    /// The start of the operator's key hash.
    pub granted_by: Arc<str>,
    /// Since when.
    pub created: UnixMillis,
    /// When it was revoked, if it was.
    pub revoked: Option<UnixMillis>,
    /// How often it let something pass.
    pub times_used: u64,
}

/// What violations are summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationsBy {
    /// Each rule.
    Rule,
    /// Each category of campaigns that rules spoke against.
    Category,
    /// Each brand of such campaigns.
    Brand,
    /// Each streamer.
    Streamer,
    /// Each UTC day.
    Day,
}

/// The key of a sum: a category's name, else a number; days are counted from 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViolationOf {
    /// A rule, a brand, a streamer or a day.
    Number(i64),
    /// A category.
    Name(Arc<str>),
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolationSum {
    /// Of what.
    pub of: ViolationOf,
    /// The name of the rule, the brand or the streamer.
    pub name: Option<Arc<str>>,
    /// The counts.
    pub counts: ViolationCounts,
}

/// Rules, overrides and what was counted of them. What an operator does is on record in the same transaction.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// Overrides that are neither revoked nor expired, `OVERRIDES_MAX` at most.
    async fn overrides(&self, now: UnixMillis) -> StoreResult<Vec<Override>>;
    /// A page of rules that are not deleted, by ascending id, after `after`.
    async fn rule_page(&self, after: Option<RuleId>, limit: u32) -> StoreResult<Vec<RuleRecord>>;
    /// One rule that is not deleted.
    async fn rule(&self, id: RuleId) -> StoreResult<RuleRecord>;
    /// The names of rules, deleted ones too. Unknown ids are left out.
    async fn rule_names(&self, ids: &[RuleId]) -> StoreResult<Vec<(RuleId, Arc<str>)>>;
    /// Adds a rule, and puts that on record. `Constraint` when there are `RULES_MAX`.
    async fn add_rule(&self, new: &NewRule, hand: &ByHand, now: UnixMillis) -> StoreResult<RuleRecord>;
    /// Puts another rule in the place of one that is not deleted, of the version that is named if one is, and
    /// that on record. Its counters stay. `Changed` when it has another version.
    async fn change_rule(
        &self,
        of: (RuleId, Option<i64>),
        new: &NewRule,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<RuleRecord>;
    /// Deletes a rule: it is out of force for good, and what was counted of it stays.
    async fn delete_rule(&self, id: RuleId, hand: &ByHand, now: UnixMillis) -> StoreResult<()>;
    /// Makes the rules of the configuration file what the file says, by name: what is new is added, what is
    /// another is changed, what is missing is put out of force. Rules of operators stay as they are. How many
    /// rows were written.
    async fn configure_rules(&self, rules: &[NewRule], now: UnixMillis) -> StoreResult<u64>;
    /// Grants an override, and puts that on record. `Constraint` when there are `OVERRIDES_MAX` in force, or
    /// no such campaign, streamer or rule.
    async fn grant_override(
        &self,
        new: &NewOverride,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<OverrideRecord>;
    /// Revokes an override, and puts that on record; one that is revoked already stays as it is.
    async fn revoke_override(&self, id: OverrideId, hand: &ByHand, now: UnixMillis) -> StoreResult<()>;
    /// A page of all overrides, dead ones too, newest first, before `before`.
    async fn override_page(&self, before: Option<OverrideId>, limit: u32)
    -> StoreResult<Vec<OverrideRecord>>;
    /// Sums of the UTC days from the first up to, and not with, the last, by ascending key, after `after`.
    async fn violations(
        &self,
        days: (i64, i64),
        by: ViolationsBy,
        after: Option<&ViolationOf>,
        limit: u32,
    ) -> StoreResult<Vec<ViolationSum>>;
}

impl RuleRecord {
    /// Whether it is the same rule already.
    #[must_use]
    pub fn says(&self, new: &NewRule) -> bool {
        *self.name == *new.name
            && *self.description == *new.description
            && self.rule.kind == new.kind
            && (self.rule.severity, self.rule.priority) == (new.severity, new.priority)
            && self.active == new.active
    }
}

impl NewOverride {
    /// What stands in the record of it.
    #[must_use]
    pub fn summary(&self) -> String {
        let streamer =
            self.streamer.map_or_else(|| "every streamer".to_owned(), |id| format!("streamer:{id}"));
        let rule = self.rule.map_or_else(|| "every rule".to_owned(), |id| format!("rule:{id}"));
        format!("campaign:{} passes {rule} on {streamer} until {}", self.campaign, self.expires.0)
    }
}

impl OverrideRecord {
    /// What stands in the record of its end.
    #[must_use]
    pub fn summary(&self) -> String {
        let Override { campaign, streamer, rule, expires, .. } = self.terms;
        NewOverride { campaign, streamer, rule, expires }.summary()
    }
}
