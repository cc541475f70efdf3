//! Conflict rules, overrides of them, and how often rules spoke.

mod grant;
mod record;
mod violation;

pub(super) use self::record::in_force;
pub(super) use self::violation::{Rows as CountRows, add as count};
use super::PostgresStore;
use async_trait::async_trait;
use gametriggers_actors::domain::conflict::{NewRule, Override};
use gametriggers_actors::domain::id::{OverrideId, RuleId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    ByHand, NewOverride, OverrideRecord, RuleRecord, RuleStore, StoreResult, ViolationOf, ViolationSum,
    ViolationsBy,
};
use std::sync::Arc;

#[async_trait]
impl RuleStore for PostgresStore {
    async fn overrides(&self, now: UnixMillis) -> StoreResult<Vec<Override>> {
        self.read(grant::in_force(&self.readers, now)).await
    }

    async fn rule_page(&self, after: Option<RuleId>, limit: u32) -> StoreResult<Vec<RuleRecord>> {
        self.read(record::page(&self.readers, after, limit)).await
    }

    async fn rule(&self, id: RuleId) -> StoreResult<RuleRecord> {
        self.read(record::one(&self.readers, id)).await
    }

    async fn rule_names(&self, ids: &[RuleId]) -> StoreResult<Vec<(RuleId, Arc<str>)>> {
        self.read(record::names(&self.readers, ids)).await
    }

    async fn add_rule(&self, new: &NewRule, hand: &ByHand, now: UnixMillis) -> StoreResult<RuleRecord> {
        let (new, hand) = (new.clone(), hand.clone());
        self.write(move |c| Box::pin(async move { record::add(c, &new, &hand, now).await })).await
    }

    async fn change_rule(
        &self,
        (id, version): (RuleId, Option<i64>),
        new: &NewRule,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<RuleRecord> {
        let (new, hand) = (new.clone(), hand.clone());
        self.write(move |c| Box::pin(async move { record::change(c, (id, version, &new), &hand, now).await }))
            .await
    }

    async fn delete_rule(&self, id: RuleId, hand: &ByHand, now: UnixMillis) -> StoreResult<()> {
        let hand = hand.clone();
        self.write(move |c| Box::pin(async move { record::delete(c, id, &hand, now).await })).await
    }

    async fn configure_rules(&self, rules: &[NewRule], now: UnixMillis) -> StoreResult<u64> {
        let rules = rules.to_vec();
        self.write(move |c| Box::pin(async move { record::configure(c, &rules, now).await })).await
    }

    async fn grant_override(
        &self,
        new: &NewOverride,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<OverrideRecord> {
        let (new, hand) = (*new, hand.clone());
        self.write(move |c| Box::pin(async move { grant::add(c, &new, &hand, now).await })).await
    }

    async fn revoke_override(&self, id: OverrideId, hand: &ByHand, now: UnixMillis) -> StoreResult<()> {
        let hand = hand.clone();
        self.write(move |c| Box::pin(async move { grant::revoke(c, id, &hand, now).await })).await
    }

    async fn override_page(
        &self,
        before: Option<OverrideId>,
        limit: u32,
    ) -> StoreResult<Vec<OverrideRecord>> {
        self.read(grant::page(&self.readers, before, limit)).await
    }

    async fn violations(
        &self,
        days: (i64, i64),
        by: ViolationsBy,
        after: Option<&ViolationOf>,
        limit: u32,
    ) -> StoreResult<Vec<ViolationSum>> {
        let query = violation::sums(days, by, after, limit);
        self.read(async {
            query.fetch_all(&self.readers).await?.iter().map(|row| violation::sum(row, by)).collect()
        })
        .await
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [grant::STATEMENTS, record::STATEMENTS, violation::STATEMENTS].concat()
}
