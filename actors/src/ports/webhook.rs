//! Who is told of events over HTTP, what they are told, and what became of it.

use super::StoreResult;
use crate::domain::id::{BrandId, DeliveryId, EndpointId, StreamerId};
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::webhook::EventType;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// Endpoints that an owner may have at once.
pub const ENDPOINTS_MAX: u32 = 20;
/// Deliveries that may wait for an endpoint: above it the endpoint is told nothing new until some are done.
pub const WAITING_MAX: u32 = 10_000;
/// From so many on no summary is added: what it would say is in a later one.
pub const SUMMARIES_MAX: u32 = 1_000;
/// Deliveries of an endpoint that are on their way at once.
pub const ROUND: u32 = 4;

/// Whose endpoint it is, and so what it may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listener {
    /// A brand hears of its own campaigns.
    Brand(BrandId),
    /// A streamer hears of their own participations.
    Streamer(StreamerId),
    /// The operators of the platform hear of everything.
    Platform,
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its owner said so.
    ByHand,
    /// It answered 410.
    Gone,
    /// It did nothing but fail for days.
    Failing,
}

impl DisabledReason {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::ByHand, Self::Gone, Self::Failing].into_iter().find(|reason| reason.code() == code)
    }
}

/// What signs: `whsec_` and 32 random bytes in base64. Never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// An endpoint to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Whose it is.
    pub owner: Listener,
    /// Where it is.
    pub url: String,
    /// For people.
    pub description: String,
    /// What it wants to hear of, at least one.
    pub events: Vec<EventType>,
    /// What signs.
    pub secret: Secret,
}

/// What may change on an endpoint. None leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// Where it is.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What it wants to hear of.
    pub events: Option<Vec<EventType>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// An endpoint as it is kept; its secrets stay where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub owner: Listener,
    /// Where it is.
    pub url: String,
    /// For people.
    pub description: String,
    /// What it wants to hear of.
    pub events: Vec<EventType>,
    /// Until when the secret before the last rotation signs as well.
    pub old_until: Option<UnixMillis>,
    /// The first failure after the last success.
    pub failing_since: Option<UnixMillis>,
    /// Deliveries that are not done, a little late.
    pub waiting: u64,
    /// Since when and why it is told nothing.
    pub disabled: Option<(UnixMillis, DisabledReason)>,
    /// When it was made.
    pub created: UnixMillis,
    /// When it last changed.
    pub updated: UnixMillis,
    /// Grows with every change, and not with deliveries.
    pub version: i64,
}

/// How far a delivery came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// There will be an attempt.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was not, and there is no further attempt.
    Failed,
}

impl DeliveryState {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed].into_iter().find(|state| state.code() == code)
    }
}

/// An event for an endpoint, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook-id.
    pub message: String,
    /// What happened.
    pub event: EventType,
    /// How far it came.
    pub state: DeliveryState,
    /// Attempts since it was made, or replayed.
    pub attempts: u32,
    /// When the next one is due, while it waits.
    pub due: UnixMillis,
    /// When it was made.
    pub created: UnixMillis,
    /// The attempts, newest first: the last one in a list, all that are kept when it is read alone.
    pub log: Vec<AttemptRecord>,
}

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// When it began.
    pub at: UnixMillis,
    /// How long it took.
    pub took: Millis,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why it is no success, from a closed list.
    pub failure: Option<String>,
    /// How the answer begins.
    pub answer: String,
}

/// An endpoint that this process may call, and what it has to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where it is.
    pub url: Arc<str>,
    /// What signs, the newest first.
    pub secrets: Vec<Secret>,
    /// What is due, in its order; `ROUND` at most.
    pub due: Vec<Due>,
}

/// One delivery that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub id: DeliveryId,
    /// Attempts so far.
    pub attempts: u32,
    /// The webhook-id.
    pub message: String,
    /// What happened.
    pub event: EventType,
    /// When.
    pub at: UnixMillis,
    /// What it says, as JSON.
    pub data: String,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which one.
    pub id: DeliveryId,
    /// What the attempt came to.
    pub record: AttemptRecord,
    /// How far it is now.
    pub state: DeliveryState,
    /// When the next attempt is due, if it waits.
    pub due: UnixMillis,
}

/// What becomes of an endpoint after a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundEnd {
    /// Which one.
    pub endpoint: EndpointId,
    /// What became of its deliveries.
    pub attempted: Vec<Attempted>,
    /// Not called before this, if it asked for a pause.
    pub held_until: Option<UnixMillis>,
    /// Whether it said that it is gone.
    pub gone: bool,
}

/// Endpoints, events and deliveries.
///
/// Events are recorded by the stores themselves, in the transaction of what they tell of.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Makes an endpoint. `Constraint` when its owner has `ENDPOINTS_MAX`, or is not there.
    async fn add_endpoint(&self, new: &NewEndpoint, now: UnixMillis) -> StoreResult<Endpoint>;
    /// A page of endpoints by ascending id, after `after`; of one owner or of all.
    async fn endpoints(
        &self,
        owner: Option<Listener>,
        after: Option<EndpointId>,
        limit: u32,
    ) -> StoreResult<Vec<Endpoint>>;
    /// One endpoint.
    async fn endpoint(&self, id: EndpointId) -> StoreResult<Endpoint>;
    /// Changes an endpoint. What waits for one that is disabled has failed.
    async fn change_endpoint(
        &self,
        of: (EndpointId, Option<i64>),
        change: &EndpointChange,
        now: UnixMillis,
    ) -> StoreResult<Endpoint>;
    /// Gives an endpoint another secret; the old one signs as well until `OVERLAP` is over.
    async fn rotate_secret(&self, id: EndpointId, secret: &Secret, now: UnixMillis) -> StoreResult<Endpoint>;
    /// Takes an endpoint away. What waits for it has failed.
    async fn delete_endpoint(&self, id: EndpointId, now: UnixMillis) -> StoreResult<()>;
    /// A page of an endpoint's deliveries, newest first, before `before`; in one state or in any.
    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>>;
    /// One delivery of an endpoint, with all attempts that are kept.
    async fn delivery(&self, endpoint: EndpointId, id: DeliveryId) -> StoreResult<Delivery>;
    /// Makes a delivery due again, whatever became of it. `Constraint` when the endpoint is disabled.
    async fn replay(&self, endpoint: EndpointId, id: DeliveryId, now: UnixMillis) -> StoreResult<Delivery>;
    /// The same for all that failed of those made since a moment, up to `WAITING_MAX`; their number.
    async fn replay_failed(
        &self,
        endpoint: EndpointId,
        since: UnixMillis,
        now: UnixMillis,
    ) -> StoreResult<u64>;

    /// Takes endpoints that have something due and that nobody else calls, `limit` at most, until `until`.
    async fn take_rounds(&self, limit: u32, now: UnixMillis, until: UnixMillis) -> StoreResult<Vec<Round>>;
    /// Writes what rounds came to, in one transaction, and lets their endpoints go. What was disabled or
    /// deleted meanwhile stays so. The endpoints that are disabled by this.
    async fn end_rounds(&self, ends: &[RoundEnd], now: UnixMillis) -> StoreResult<Vec<EndpointId>>;
    /// Records what campaigns settled since the last call, and shares of budgets that are spent, of
    /// campaigns that somebody listens to. The number of events, of at most a few hundred campaigns; and
    /// how many deliveries wait.
    async fn summarise(&self, now: UnixMillis) -> StoreResult<(u64, u64)>;
    /// Forgets deliveries that were done with before a moment, a part of them; their number.
    async fn prune_deliveries(&self, before: UnixMillis) -> StoreResult<u64>;
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where it goes.
    pub url: Arc<str>,
    /// The webhook-id.
    pub message: String,
    /// When this attempt is made.
    pub at: UnixMillis,
    /// What is sent.
    pub body: String,
    /// What signs.
    pub secrets: Vec<Secret>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long it wants to be left alone.
    pub retry_after: Option<Millis>,
    /// How its body begins, as text.
    pub answer: String,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The address can not be used.
    BadUrl,
    /// The name has no address, or none could be asked for.
    NoAddress,
    /// An address that the server must not call.
    Refused,
    /// Nobody takes the connection.
    Unreachable,
    /// TLS failed: the certificate, most likely.
    Tls,
    /// The connection broke, or what came was not HTTP.
    Broken,
    /// No answer in time.
    TimedOut,
}

impl Undelivered {
    /// The name in the log and in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::NoAddress => "no_address",
            Self::Refused => "address_refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls_failed",
            Self::Broken => "connection_broken",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Sends requests to addresses that strangers chose.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Signs and sends one; answers in bounded time, whatever the other side does.
    async fn send(&self, parcel: Parcel) -> Result<Reply, Undelivered>;
    /// A moment as the API writes it.
    fn stamp(&self, at: UnixMillis) -> String;
}

/// Sends nothing: for an engine that is nobody's server.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCourier;

#[async_trait]
impl Courier for NoCourier {
    async fn send(&self, _: Parcel) -> Result<Reply, Undelivered> {
        Err(Undelivered::Unreachable)
    }

    fn stamp(&self, at: UnixMillis) -> String {
        at.0.to_string()
    }
}
