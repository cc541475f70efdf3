//! Wallets and the hash chain, until this store has them: every call answers `Unavailable`.

use super::SqliteStore;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{BrandId, CampaignId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    AuditStore, Budget, ByHand, Chain, Idempotency, Owner, Position, StatementLine, StoreError, StoreResult,
    Wallet, WalletStore,
};

fn not_yet<T>() -> StoreResult<T> {
    Err(StoreError::Unavailable("not yet".to_owned()))
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn seal(&self, _: UnixMillis) -> StoreResult<u64> {
        not_yet()
    }

    async fn verify(&self) -> StoreResult<Chain> {
        not_yet()
    }
}

#[async_trait]
impl WalletStore for SqliteStore {
    async fn wallet(&self, _: Owner, _: Currency) -> StoreResult<Wallet> {
        not_yet()
    }

    async fn wallets(&self, _: Owner) -> StoreResult<Vec<Wallet>> {
        not_yet()
    }

    async fn confirm_deposit(
        &self,
        _: BrandId,
        _: Money,
        _: &ByHand,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<Wallet> {
        not_yet()
    }

    async fn refund(
        &self,
        _: BrandId,
        _: Money,
        _: &ByHand,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<Wallet> {
        not_yet()
    }

    async fn fund_to(
        &self,
        _: CampaignId,
        _: Micros,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<(Wallet, Budget)> {
        not_yet()
    }

    async fn release(
        &self,
        _: CampaignId,
        _: Micros,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<(Wallet, Budget)> {
        not_yet()
    }

    async fn adjust(
        &self,
        _: Owner,
        _: Money,
        _: &ByHand,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<Wallet> {
        not_yet()
    }

    async fn set_credit_limit(
        &self,
        _: BrandId,
        _: Money,
        _: &ByHand,
        _: &Idempotency,
        _: UnixMillis,
    ) -> StoreResult<Wallet> {
        not_yet()
    }

    async fn mature(&self, _: UnixMillis, _: Millis) -> StoreResult<u64> {
        not_yet()
    }

    async fn statement(
        &self,
        _: Owner,
        _: Currency,
        _: Option<Position>,
        _: u32,
    ) -> StoreResult<Vec<StatementLine>> {
        not_yet()
    }
}
