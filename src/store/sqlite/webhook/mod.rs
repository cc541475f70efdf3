//! Endpoints, the events they are told of, and what became of it.

mod delivery;
mod endpoint;
mod record;
mod round;
mod summary;

pub(super) use self::record::tell;
use super::{SqliteStore, WRITER};
use async_trait::async_trait;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Delivery, DeliveryState, Endpoint, EndpointChange, Listener, NewEndpoint, Round, RoundEnd, Secret,
    StoreResult, WebhookStore,
};

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn add_endpoint(&self, new: &NewEndpoint, now: UnixMillis) -> StoreResult<Endpoint> {
        let new = new.clone();
        self.write(move |c| Box::pin(async move { endpoint::add(c, &new, now).await })).await
    }

    async fn endpoints(
        &self,
        owner: Option<Listener>,
        after: Option<EndpointId>,
        limit: u32,
    ) -> StoreResult<Vec<Endpoint>> {
        Ok(endpoint::page(&self.readers, owner, after, limit).await?)
    }

    async fn endpoint(&self, id: EndpointId) -> StoreResult<Endpoint> {
        Ok(endpoint::one(&self.readers, id).await?)
    }

    async fn change_endpoint(
        &self,
        of: (EndpointId, Option<i64>),
        change: &EndpointChange,
        now: UnixMillis,
    ) -> StoreResult<Endpoint> {
        let change = change.clone();
        self.write(move |c| Box::pin(async move { endpoint::change(c, of, &change, now).await })).await
    }

    async fn rotate_secret(&self, id: EndpointId, secret: &Secret, now: UnixMillis) -> StoreResult<Endpoint> {
        let secret = secret.clone();
        self.write(move |c| Box::pin(async move { endpoint::rotate(c, id, &secret, now).await })).await
    }

    async fn delete_endpoint(&self, id: EndpointId, now: UnixMillis) -> StoreResult<()> {
        self.write(move |c| Box::pin(endpoint::delete(c, id, now))).await
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        Ok(delivery::page(&self.readers, endpoint, state, (before, limit)).await?)
    }

    async fn delivery(&self, endpoint: EndpointId, id: DeliveryId) -> StoreResult<Delivery> {
        let mut snapshot = self.snapshot().await?;
        Ok(delivery::one(&mut snapshot, endpoint, id).await?)
    }

    async fn replay(&self, endpoint: EndpointId, id: DeliveryId, now: UnixMillis) -> StoreResult<Delivery> {
        self.write(move |c| Box::pin(delivery::replay(c, endpoint, id, now))).await
    }

    async fn replay_failed(
        &self,
        endpoint: EndpointId,
        since: UnixMillis,
        now: UnixMillis,
    ) -> StoreResult<u64> {
        self.write(move |c| Box::pin(delivery::replay_failed(c, endpoint, since, now))).await
    }

    async fn take_rounds(&self, limit: u32, now: UnixMillis, until: UnixMillis) -> StoreResult<Vec<Round>> {
        let holder = (WRITER, self.writer()?.epoch());
        // There is one connection that writes: it is asked when there is something to do.
        if !round::is_due(&self.readers, holder, now).await? {
            return Ok(Vec::new());
        }
        self.write(move |c| Box::pin(round::take(c, holder, limit, (now, until)))).await
    }

    async fn end_rounds(&self, ends: &[RoundEnd], now: UnixMillis) -> StoreResult<Vec<EndpointId>> {
        let (ends, holder) = (ends.to_vec(), (WRITER, self.writer()?.epoch()));
        self.write(move |c| Box::pin(async move { round::end(c, holder, &ends, now).await })).await
    }

    async fn summarise(&self, now: UnixMillis) -> StoreResult<(u64, u64)> {
        let mut snapshot = self.snapshot().await?;
        let events = if summary::is_due(&mut snapshot).await? {
            drop(snapshot);
            self.write(move |c| Box::pin(summary::write(c, now))).await?
        } else {
            0
        };
        Ok((events, summary::waiting(&self.readers).await?))
    }

    async fn prune_deliveries(&self, before: UnixMillis) -> StoreResult<u64> {
        if !delivery::is_old(&self.readers, before).await? {
            return Ok(0);
        }
        self.write(move |c| Box::pin(delivery::prune(c, before))).await
    }
}

/// Every statement of this module, for the test that prepares them.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [delivery::STATEMENTS, endpoint::STATEMENTS, record::STATEMENTS, round::STATEMENTS, summary::STATEMENTS]
        .concat()
}
