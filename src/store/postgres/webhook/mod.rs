//! Endpoints, the events they are told of, and what became of it.

mod delivery;
mod endpoint;
mod record;
mod round;
mod summary;

pub(super) use self::record::tell;
use super::PostgresStore;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Delivery, DeliveryState, Endpoint, EndpointChange, Listener, NewEndpoint, Round, RoundEnd, Secret,
    StoreResult, WebhookStore,
};

#[async_trait]
impl WebhookStore for PostgresStore {
    async fn add_endpoint(&self, new: &NewEndpoint, now: UnixMillis) -> StoreResult<Endpoint> {
        let new = new.clone();
        Ok(self.log()?.run(move |c| Box::pin(async move { endpoint::add(c, &new, now).await })).await?)
    }

    async fn endpoints(
        &self,
        owner: Option<Listener>,
        after: Option<EndpointId>,
        limit: u32,
    ) -> StoreResult<Vec<Endpoint>> {
        self.read(endpoint::page(&self.readers, owner, after, limit)).await
    }

    async fn endpoint(&self, id: EndpointId) -> StoreResult<Endpoint> {
        self.read(endpoint::one(&self.readers, id)).await
    }

    async fn change_endpoint(
        &self,
        of: (EndpointId, Option<i64>),
        change: &EndpointChange,
        now: UnixMillis,
    ) -> StoreResult<Endpoint> {
        let change = change.clone();
        Ok(self
            .log()?
            .run(move |c| Box::pin(async move { endpoint::change(c, of, &change, now).await }))
            .await?)
    }

    async fn rotate_secret(&self, id: EndpointId, secret: &Secret, now: UnixMillis) -> StoreResult<Endpoint> {
        let secret = secret.clone();
        Ok(self
            .log()?
            .run(move |c| Box::pin(async move { endpoint::rotate(c, id, &secret, now).await }))
            .await?)
    }

    async fn delete_endpoint(&self, id: EndpointId, now: UnixMillis) -> StoreResult<()> {
        Ok(self.log()?.run(move |c| Box::pin(endpoint::delete(c, id, now))).await?)
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        self.read(delivery::page(&self.readers, endpoint, state, (before, limit))).await
    }

    async fn delivery(&self, endpoint: EndpointId, id: DeliveryId) -> StoreResult<Delivery> {
        self.read(async { delivery::one(&mut *self.snapshot().await?, endpoint, id).await }).await
    }

    async fn replay(&self, endpoint: EndpointId, id: DeliveryId, now: UnixMillis) -> StoreResult<Delivery> {
        Ok(self.log()?.run(move |c| Box::pin(delivery::replay(c, endpoint, id, now))).await?)
    }

    async fn replay_failed(
        &self,
        endpoint: EndpointId,
        since: UnixMillis,
        now: UnixMillis,
    ) -> StoreResult<u64> {
        Ok(self.log()?.run(move |c| Box::pin(delivery::replay_failed(c, endpoint, since, now))).await?)
    }

    async fn take_rounds(&self, limit: u32, now: UnixMillis, until: UnixMillis) -> StoreResult<Vec<Round>> {
        let holder = self.holder()?;
        if !self.read(round::is_due(&self.readers, holder, now)).await? {
            return Ok(Vec::new());
        }
        Ok(self.log()?.run(move |c| Box::pin(round::take(c, holder, limit, (now, until)))).await?)
    }

    async fn end_rounds(&self, ends: &[RoundEnd], now: UnixMillis) -> StoreResult<Vec<EndpointId>> {
        let (ends, holder) = (ends.to_vec(), self.holder()?);
        Ok(self.log()?.run(move |c| Box::pin(async move { round::end(c, holder, &ends, now).await })).await?)
    }

    async fn summarise(&self, now: UnixMillis) -> StoreResult<(u64, u64)> {
        let due = self.read(async { summary::is_due(&mut *self.readers.acquire().await?).await }).await?;
        let events = if due { self.log()?.run(move |c| Box::pin(summary::write(c, now))).await? } else { 0 };
        Ok((events, self.read(summary::waiting(&self.readers)).await?))
    }

    async fn prune_deliveries(&self, before: UnixMillis) -> StoreResult<u64> {
        Ok(self.log()?.run(move |c| Box::pin(delivery::prune(c, before))).await?)
    }
}

impl PostgresStore {
    /// The process that calls endpoints: the numbers of the writer of its money.
    fn holder(&self) -> StoreResult<round::Holder> {
        let writer = self.writer()?;
        Ok((writer.id(), writer.epoch()))
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [delivery::STATEMENTS, endpoint::STATEMENTS, record::STATEMENTS, round::STATEMENTS, summary::STATEMENTS]
        .concat()
}
