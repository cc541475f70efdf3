//! Campaigns: from the draft over the launch to the archive.

use super::{
    ByHand, CampaignQuery, CampaignRecord, DraftStep, Funds, Idempotency, Launch, ListedCampaigns, NewDraft,
    StoreResult,
};
use crate::domain::campaign::{
    Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Requirements, Status,
};
use crate::domain::conflict::{Override, Rule};
use crate::domain::creative::{Content, CreativeStatus, Placement};
use crate::domain::id::{BrandId, CampaignId, CreativeId, StreamerId};
use crate::domain::money::{Currency, Micros};
use crate::domain::rotation::Rotation;
use crate::domain::targeting::Targeting;
use crate::domain::time::{Millis, UnixMillis};
use async_trait::async_trait;
use std::sync::Arc;

/// A campaign to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// Who pays.
    pub brand: BrandId,
    /// For people.
    pub name: String,
    /// What it advertises.
    pub category: Category,
    /// The currency of its wallet and its prices.
    pub currency: Currency,
    /// How it pays.
    pub pricing: Pricing,
    /// When it runs.
    pub flight: Flight,
    /// How it is spread over the flight.
    pub pacing: PacingMode,
    /// What it may spend in a day of UTC at most; above zero.
    pub daily_cap: Option<Micros>,
    /// How often it may play on one streamer.
    pub cap: FrequencyCap,
    /// Which streams it wants.
    pub targeting: Targeting,
    /// Whether every streamer may play it.
    pub open: bool,
    /// Where a click leads.
    pub landing_url: String,
    /// How its creatives take turns.
    pub rotation: Rotation,
    /// What it asks of streamers, for people.
    pub requirements: Option<Requirements>,
    /// What may be shown, at least one.
    pub creatives: Vec<NewCreative>,
    /// Moved from the brand's wallet in the same transaction.
    pub budget: Micros,
}

/// A creative to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCreative {
    /// What is drawn.
    pub content: Content,
    /// Where it stands.
    pub placement: Placement,
    /// Time on screen.
    pub duration: Millis,
    /// `#rrggbb`.
    pub accent: String,
    /// Whether it can be heard.
    pub sound: bool,
    /// Its share of the plays in weighted rotation.
    pub weight: u16,
    /// Whether it may be shown.
    pub status: CreativeStatus,
}

/// What may change on a campaign. None leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignChange {
    /// For people.
    pub name: Option<String>,
    /// Ended is final.
    pub status: Option<Status>,
    /// The moment after the last.
    pub ends: Option<UnixMillis>,
    /// How it is spread over the flight.
    pub pacing: Option<PacingMode>,
    /// What it may spend in a day of UTC at most; none inside takes the cap away.
    pub daily_cap: Option<Option<Micros>>,
    /// How often it may play on one streamer.
    pub cap: Option<FrequencyCap>,
    /// Which streams it wants, as a whole.
    pub targeting: Option<Targeting>,
    /// How its creatives take turns.
    pub rotation: Option<Rotation>,
    /// What it asks of streamers; none inside takes it away.
    pub requirements: Option<Option<Requirements>>,
    /// Its budget in all, which can only grow. Done once for the key, and all of the change with it.
    pub budget: Option<(Micros, Idempotency)>,
    /// Only if it is still this version, else `Changed`; none for whatever it is.
    pub version: Option<i64>,
}

/// What may change on a creative. None leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreativeChange {
    /// Whether it may be shown. Archived is final.
    pub status: Option<CreativeStatus>,
    /// Its share of the plays in weighted rotation.
    pub weight: Option<u16>,
    /// The operator whose word lets it out of review: that is put on record.
    pub by: Option<ByHand>,
}

/// What the catalogue is built from.
#[derive(Clone, Debug, Default)]
pub struct CatalogueRows {
    /// Campaigns that have not ended.
    pub campaigns: Vec<Campaign>,
    /// Rules that are in force.
    pub rules: Vec<Rule>,
    /// Overrides of them; the engine adds them, since they depend on the time.
    pub overrides: Vec<Override>,
    /// Approved participations, as pairs.
    pub participations: Vec<(StreamerId, CampaignId)>,
}

/// Campaigns, creatives and rules.
#[async_trait]
pub trait CampaignStore: Send + Sync {
    /// Everything a decision may need. What a brand blocks for all of its campaigns, each of them blocks.
    async fn catalogue(&self) -> StoreResult<CatalogueRows>;
    /// Makes a campaign and funds it, in one transaction. The same key gives the same campaign, and the
    /// money as it was then.
    async fn create(
        &self,
        new: &NewCampaign,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)>;
    /// Changes a campaign that was launched.
    async fn change(
        &self,
        id: CampaignId,
        change: &CampaignChange,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)>;
    /// Ends a campaign whose flight was over by a moment, as its brand could, and tells of it. Whether it
    /// did: not when it is over already, when its flight is a longer one by now, or it was never launched.
    async fn complete(&self, id: CampaignId, over: UnixMillis, now: UnixMillis) -> StoreResult<bool>;
    /// One campaign that was launched, whatever its status.
    async fn campaign(&self, id: CampaignId) -> StoreResult<Campaign>;
    /// Makes a draft, which holds no money. With a key it is made once.
    async fn draft(
        &self,
        new: &NewDraft,
        key: Option<&Idempotency>,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord>;
    /// Moves a draft of a version on. `Changed` when it is another one by now, or in another stage.
    async fn step_draft(
        &self,
        id: CampaignId,
        version: i64,
        step: &DraftStep,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord>;
    /// Makes a campaign of a draft and funds it, in one transaction; the id stays. The same key gives the
    /// same campaign, and the money as it was then. `Changed` when the draft is another one by now.
    async fn launch(
        &self,
        launch: &Launch,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<(Campaign, Funds)>;
    /// What a launch with this key gave; none when there was no such launch.
    async fn launched(&self, id: CampaignId, key: &Idempotency) -> StoreResult<Option<(Campaign, Funds)>>;
    /// Puts a draft or an ended campaign away. `Constraint` for anything else.
    async fn archive_campaign(
        &self,
        id: CampaignId,
        version: Option<i64>,
        now: UnixMillis,
    ) -> StoreResult<CampaignRecord>;
    /// Gives a campaign of a version one more creative. `Constraint` when it has `CREATIVES_MAX` in use or
    /// `CREATIVES_KEPT` in all, or is over.
    async fn add_creative(
        &self,
        of: (CampaignId, Option<i64>),
        new: &NewCreative,
        now: UnixMillis,
    ) -> StoreResult<CreativeId>;
    /// Changes a creative. `Constraint` when none would be left to show, too many would be in use, or it is
    /// archived, or the campaign is over.
    async fn change_creative(
        &self,
        of: (CampaignId, Option<i64>),
        creative: CreativeId,
        change: &CreativeChange,
        now: UnixMillis,
    ) -> StoreResult<()>;
    /// One campaign in any state.
    async fn record(&self, id: CampaignId) -> StoreResult<CampaignRecord>;
    /// Campaigns in the order of the query.
    async fn list(&self, query: &CampaignQuery) -> StoreResult<ListedCampaigns>;
    /// Whom a brand blocks for all of its campaigns.
    async fn blocklist(&self, brand: BrandId) -> StoreResult<Blocklist>;
    /// Blocks these, and no others. What an operator does is put on record, in the same transaction.
    async fn set_blocklist(
        &self,
        brand: BrandId,
        streamers: &[StreamerId],
        by: Option<&ByHand>,
        now: UnixMillis,
    ) -> StoreResult<Blocklist>;
    /// Where a click on a creative leads.
    async fn landing(&self, creative: CreativeId) -> StoreResult<Arc<str>>;
}

/// Whom a brand blocks for all of its campaigns, beside what each of them blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocklist {
    /// By ascending id.
    pub streamers: Vec<StreamerId>,
    /// When it was last set; none when it never was.
    pub updated: Option<UnixMillis>,
}
