//! What the engine needs of the world. The shell implements these traits; the engine knows no
//! database, no bus and no clock of its own.

mod account;
mod asset;
mod campaign;
mod campaign_list;
mod draft;
mod live;
mod page;
mod participation;
mod profile;
mod rule;
mod user;
mod wallet;
mod webhook;

pub use self::account::{
    AccountStore, KEYS_MAX, KeyEnd, KeyHash, KeyRefusal, KeyRow, KeyTerms, NewAccount, NewKey, NewStreamer,
    OverlayKey, Principal, Successor, key_id,
};
pub use self::asset::{AssetStore, BrandAsset};
pub use self::campaign::{
    Blocklist, CampaignChange, CampaignStore, CatalogueRows, CreativeChange, NewCampaign, NewCreative,
};
pub use self::campaign_list::{CampaignQuery, CampaignSort, ListedCampaigns, SortBy};
pub use self::draft::{
    CampaignRecord, CampaignState, Draft, DraftRow, DraftStep, Launch, NewDraft, Recorded, Stage,
};
pub use self::live::{CampaignTotals, LiveCounters, LiveError, StreamerTotals};
pub use self::page::{Mark, Place};
pub use self::participation::{Participation, ParticipationStore, ParticipationsOf, Party, Standing};
pub use self::profile::{
    Archival, BrandDraft, BrandFilter, BrandRecord, DETAILS_BYTES_MAX, Details, OnRecord, PageFrom,
    ProfileStore, SortKey, StreamerDraft, StreamerFilter, StreamerRecord,
};
pub use self::rule::{
    BY_CONFIG, NewOverride, OVERRIDES_MAX, OverrideRecord, RULES_MAX, RuleCounts, RuleRecord, RuleStore,
    ViolationCounts, ViolationKey, ViolationOf, ViolationSum, ViolationsBy,
};
pub use self::user::{
    EndedWhy, FactorChange, Link, Login, NewOwner, NewUser, NextToken, PasswordHash, Provider, SessionId,
    TokenStanding, Totp, User, UserChange, UserStore,
};
pub use self::wallet::{
    ActionFilter, ActionPlace, AuditStore, ByHand, Chain, Funds, Owner, Position, SealedAction, SealedIn,
    StatementLine, Wallet, WalletStore,
};
pub use self::webhook::{
    AttemptRecord, Attempted, Courier, Delivery, DeliveryState, DisabledReason, Due, ENDPOINTS_MAX, Endpoint,
    EndpointChange, Listener, NewEndpoint, NoCourier, Parcel, ROUND, Reply, Round, RoundEnd, SUMMARIES_MAX,
    Secret, Undelivered, WAITING_MAX, WebhookStore,
};
pub use crate::domain::campaign::budget::Budget;
use crate::domain::conflict::{PlayShown, Presence};
use crate::domain::id::{BrandId, CampaignId, LeaseId, PlayId, StreamerId, UserId};
pub use crate::domain::log::{ClickKind, ClickTerms, PlayOutcome, PlayRecord};
use crate::domain::money::{Currency, Micros, Money};
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::streamer::Sample;
use crate::domain::supply::SupplyHistory;
pub use crate::domain::tally::{Batch, MinuteCounts, MinuteKey};
use crate::domain::time::{Millis, UnixMillis};
use async_trait::async_trait;

/// Why a store could not do what was asked. Nothing was written in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is locked, full, read-only or away: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A newer process took over this writer's epoch: this process must stop writing for good.
    #[error("a newer process owns this database")]
    Fenced,
    /// There is no such row.
    #[error("not found")]
    NotFound,
    /// The wallet or the budget has less than was asked for.
    #[error("not enough money: {available:?} available")]
    InsufficientFunds {
        /// What there is.
        available: Micros,
    },
    /// The idempotency key was used before, for another request.
    #[error("the idempotency key belongs to another request")]
    IdempotencyConflict,
    /// The row has another version than the one the change was meant for.
    #[error("changed by somebody else meanwhile")]
    Changed,
    /// A value that the schema refuses.
    #[error("refused by the schema: {0}")]
    Constraint(String),
}

/// A result of a store.
pub type StoreResult<T> = Result<T, StoreError>;

/// Makes a request that moves money safe to repeat: the same key with the same fingerprint does
/// nothing a second time, with another fingerprint it is a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Unique together with the operation's owner, for instance `brand:1:abc`.
    pub key: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
}

/// A grant out of a campaign's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The lease of this process for the campaign, new or topped up.
    pub lease: LeaseId,
    /// What was moved into it now.
    pub granted: Micros,
}

/// What a streamer earned, rolled up or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// The currency.
    pub currency: Currency,
    /// Durable earnings, all time.
    pub settled: Micros,
    /// Plays that earned it, those at price zero included.
    pub plays: u64,
}

/// One line of the reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `R1` .. `R10`.
    pub id: &'static str,
    /// What must hold.
    pub name: &'static str,
    /// Rows looked at.
    pub rows: u64,
    /// Rows that break it.
    pub mismatches: u64,
    /// Sum of the absolute differences.
    pub drift_micros: i64,
}

/// Totals of several campaigns and streamers.
pub type Totals = (Vec<(CampaignId, CampaignTotals)>, Vec<(StreamerId, StreamerTotals)>);

/// The money. Every call is one transaction; when it returns `Ok` the transaction is durable.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Takes the next epoch of the writer: leases of earlier epochs become `closing`, and close
    /// `token_life` from now, when no claim on them can be accepted any more.
    async fn open_epoch(&self, now: UnixMillis, token_life: Millis) -> StoreResult<i64>;

    /// Moves up to `wanted` of what the campaign has left into this epoch's lease. None when
    /// nothing is left, or the campaign is ended.
    async fn grant(
        &self,
        campaign: CampaignId,
        wanted: Micros,
        now: UnixMillis,
    ) -> StoreResult<Option<Grant>>;

    /// Moves `amount` of a lease that nobody holds back to the budget.
    async fn give_back(&self, lease: LeaseId, amount: Micros) -> StoreResult<()>;

    /// Writes a batch of claims, atomically. One outcome for each claim, in their order.
    async fn settle(&self, claims: &[Claim], now: UnixMillis) -> StoreResult<Vec<Outcome>>;

    /// Stage two: posts what is settled and not yet in the streamers' wallets. The number of
    /// events posted.
    async fn roll_up(&self, now: UnixMillis) -> StoreResult<u64>;

    /// Closes leases whose time has come and gives what they did not settle back to the budget;
    /// then returns the unspent budget of ended campaigns to their brands. The number of leases.
    async fn close_due(&self, now: UnixMillis) -> StoreResult<u64>;

    /// Money from outside into a brand's wallet; its available balance afterwards.
    async fn deposit(
        &self,
        brand: BrandId,
        money: Money,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Micros>;

    /// What a brand may still give to campaigns.
    async fn available(&self, brand: BrandId, currency: Currency) -> StoreResult<Micros>;

    /// A campaign's money and counters.
    async fn budget(&self, campaign: CampaignId) -> StoreResult<Budget>;

    /// A streamer's earnings.
    async fn earned(&self, streamer: StreamerId) -> StoreResult<Earned>;

    /// Whether the writer can write right now: a real write, rolled back.
    async fn probe(&self) -> StoreResult<()>;

    /// Checks the database against itself: over everything when `full`, else what came since the last call
    /// of this process (the first call is full).
    async fn reconcile(&self, full: bool) -> StoreResult<Vec<Check>>;

    /// Totals of the campaigns and streamers named, from one snapshot. Unknown ids are left out.
    async fn totals(&self, campaigns: &[CampaignId], streamers: &[StreamerId]) -> StoreResult<Totals>;
}

/// What a campaign counted in one step of a series, on all its streamers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPoint {
    /// Start of the step.
    pub at: UnixMillis,
    /// The sums.
    pub counts: MinuteCounts,
    /// Plays and clicks that came to nothing, by reason, in the order of the reasons.
    pub rejects: Vec<(Reason, u64)>,
}

/// Which plays. None takes all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayFilter {
    /// How far they came.
    pub outcome: Option<PlayOutcome>,
    /// Why they ended so.
    pub reason: Option<Reason>,
}

/// Plays that are looked at for one page, whatever it asks for.
pub const PLAYS_LOOKED_AT: u32 = 2_000;

/// The log of plays and the counters per minute. Not money: a lost record loses no right.
#[async_trait]
pub trait PlayLog: Send + Sync {
    /// Writes records and adds counts, in one transaction.
    async fn append(&self, batch: &Batch) -> StoreResult<()>;
    /// The minutes of a campaign from `from` up to, and not with, `to`, in steps that start at multiples of
    /// `step` since 1970, oldest first. `step` is a multiple of a minute. A step without a count is left out.
    async fn series(
        &self,
        campaign: CampaignId,
        from: UnixMillis,
        to: UnixMillis,
        step: Millis,
    ) -> StoreResult<Vec<SeriesPoint>>;
    /// A page of a streamer's plays, newest first, before `before`.
    async fn recent(
        &self,
        streamer: StreamerId,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<Vec<PlayRecord>>;
    /// A page of a campaign's plays, newest first, before `before`: those of an outcome and of a reason, if
    /// they are named. Where the next page begins; there may be one after a page that is not full, or
    /// empty, since only so many plays are looked at for one.
    async fn of_campaign(
        &self,
        campaign: CampaignId,
        of: PlayFilter,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<(Vec<PlayRecord>, Option<PlayId>)>;
    /// The campaigns that were on a streamer's screen since a moment, each with its last time; those that
    /// have ended since as well.
    async fn shown_since(&self, streamer: StreamerId, since: UnixMillis) -> StoreResult<Vec<Presence>>;
    /// Plays of all streamers that were on screen, in the order of their ids, after `after`.
    async fn shown_after(&self, after: PlayId, limit: u32) -> StoreResult<Vec<PlayShown>>;
    /// What came on a streamer's screen from `since` on, play by play, oldest first: of the newest `limit`.
    async fn plays_since(
        &self,
        streamer: StreamerId,
        since: UnixMillis,
        limit: u32,
    ) -> StoreResult<Vec<(CampaignId, UnixMillis)>>;
    /// What the streams had to give from one moment up to, and not with, another: of each quarter hour of
    /// the week the last in which anything was counted. Both moments begin a quarter hour.
    async fn supply(&self, from: UnixMillis, to: UnixMillis) -> StoreResult<SupplyHistory>;
    /// Forgets the oldest quarter hour of supply, if it began before a moment; the number of rows.
    async fn prune_supply(&self, before: UnixMillis) -> StoreResult<u64>;
    /// The play of a click link.
    async fn by_click_code(&self, code: &str) -> StoreResult<Option<PlayRecord>>;
    /// Clicks of a play that are billed, besides this one.
    async fn clicks_billed(&self, play: PlayId, besides: PlayId) -> StoreResult<u32>;
}

/// Something that other nodes and sockets want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Campaigns or rules changed: load the catalogue again.
    CatalogueChanged,
    /// A streamer's row changed: load it again.
    StreamerChanged(StreamerId),
    /// A key was revoked: close its sockets.
    KeyRevoked(KeyHash),
    /// A key was made, or will end at another time: read it.
    KeyChanged(KeyHash),
    /// Accounts or keys were added: load them.
    AccountsChanged,
    /// A user's access tokens, or those of one of their sessions, are dead: read how they stand.
    UserChanged(UserId),
}

/// Events between nodes. At most once; who missed some is told so and reads everything again.
pub trait Bus: Send + Sync {
    /// Tells everybody, this node included.
    fn publish(&self, event: Event);
    /// Listens from now on.
    fn subscribe(&self) -> Box<dyn Subscription>;

    /// Whether other nodes are heard. A bus of one process has none to hear.
    fn is_up(&self) -> bool {
        true
    }
}

/// One listener on the bus.
#[async_trait]
pub trait Subscription: Send {
    /// The next event; `Missed` when the listener was too slow, none when the bus is gone.
    async fn next(&mut self) -> Option<Heard>;
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An event.
    Event(Event),
    /// Some events were dropped: read everything again.
    Missed,
}

/// The time.
pub trait Clock: Send + Sync {
    /// Never goes back within a process.
    fn now(&self) -> UnixMillis;
}

/// Chance, from the operating system.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// What the streaming platforms say. Answers from memory; adapters refresh it in the background.
pub trait Platform: Send + Sync {
    /// The last sample; none when the platform is not connected for this streamer.
    fn sample(&self, streamer: StreamerId, now: UnixMillis) -> Option<Sample>;
}
