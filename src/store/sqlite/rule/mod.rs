//! Conflict rules, overrides of them, and how often rules spoke.

mod grant;
mod record;
mod violation;

pub(super) use self::record::in_force;
pub(super) use self::violation::{add as count, rows as count_rows};
use super::SqliteStore;
use super::failure::{Attempt, Failure};
use super::ledger::fence_if_taken;
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
impl RuleStore for SqliteStore {
    async fn overrides(&self, now: UnixMillis) -> StoreResult<Vec<Override>> {
        Ok(grant::in_force(&self.readers, now).await?)
    }

    async fn rule_page(&self, after: Option<RuleId>, limit: u32) -> StoreResult<Vec<RuleRecord>> {
        Ok(record::page(&self.readers, after, limit).await?)
    }

    async fn rule(&self, id: RuleId) -> StoreResult<RuleRecord> {
        Ok(record::one(&self.readers, id).await?)
    }

    async fn rule_names(&self, ids: &[RuleId]) -> StoreResult<Vec<(RuleId, Arc<str>)>> {
        Ok(record::names(&self.readers, ids).await?)
    }

    async fn add_rule(&self, new: &NewRule, hand: &ByHand, now: UnixMillis) -> StoreResult<RuleRecord> {
        let (epoch, new, hand) = (self.writer()?.epoch(), new.clone(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                record::add(c, &new, &hand, now).await
            })
        })
        .await
    }

    async fn change_rule(
        &self,
        (id, version): (RuleId, Option<i64>),
        new: &NewRule,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<RuleRecord> {
        let (epoch, new, hand) = (self.writer()?.epoch(), new.clone(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                record::change(c, (id, version, &new), &hand, now).await
            })
        })
        .await
    }

    async fn delete_rule(&self, id: RuleId, hand: &ByHand, now: UnixMillis) -> StoreResult<()> {
        let (epoch, hand) = (self.writer()?.epoch(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                record::delete(c, id, &hand, now).await
            })
        })
        .await
    }

    async fn configure_rules(&self, rules: &[NewRule], now: UnixMillis) -> StoreResult<u64> {
        let (epoch, rules) = (self.writer()?.epoch(), rules.to_vec());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                record::configure(c, &rules, now).await
            })
        })
        .await
    }

    async fn grant_override(
        &self,
        new: &NewOverride,
        hand: &ByHand,
        now: UnixMillis,
    ) -> StoreResult<OverrideRecord> {
        let (epoch, new, hand) = (self.writer()?.epoch(), *new, hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                grant::add(c, &new, &hand, now).await
            })
        })
        .await
    }

    async fn revoke_override(&self, id: OverrideId, hand: &ByHand, now: UnixMillis) -> StoreResult<()> {
        let (epoch, hand) = (self.writer()?.epoch(), hand.clone());
        self.write(move |c| {
            Box::pin(async move {
                fence_if_taken(c, epoch).await?;
                grant::revoke(c, id, &hand, now).await
            })
        })
        .await
    }

    async fn override_page(
        &self,
        before: Option<OverrideId>,
        limit: u32,
    ) -> StoreResult<Vec<OverrideRecord>> {
        Ok(grant::page(&self.readers, before, limit).await?)
    }

    async fn violations(
        &self,
        days: (i64, i64),
        by: ViolationsBy,
        after: Option<&ViolationOf>,
        limit: u32,
    ) -> StoreResult<Vec<ViolationSum>> {
        let rows = violation::sums(days, by, after, limit).fetch_all(&self.readers).await;
        let rows = rows.map_err(Failure::from)?;
        Ok(rows.iter().map(|row| violation::sum(row, by)).collect::<Attempt<Vec<_>>>()?)
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [grant::STATEMENTS, record::STATEMENTS, violation::STATEMENTS].concat()
}
