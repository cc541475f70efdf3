//! Campaigns as the API shows them: launched, as drafts, and to streamers.

use super::campaign_body::{CampaignBody, CapBody, FlightBody, PricingBody, RequirementsBody};
use super::creative_body::CreativeBody;
use super::problem::Problem;
use super::targeting_body::TargetingBody;
use super::wallet_body::MovedView;
use super::wire::{MoneyBody, rfc3339};
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::creative::CreativeStatus;
use gametriggers_actors::domain::money::{FeeBps, Split};
use gametriggers_actors::domain::policy::Policies;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::ports::{CampaignRecord, Draft, Funds, Recorded};
use schemars::JsonSchema;
use serde::Serialize;

/// A campaign that was launched.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CampaignView {
    /// Its number, which it keeps from the draft to the archive.
    id: i64,
    /// Whose it is.
    brand_id: i64,
    /// The brand's name.
    brand: String,
    /// For people.
    name: String,
    /// active, paused, completed (ended for good) or archived.
    status: &'static str,
    /// What it advertises.
    category: String,
    /// How it pays.
    pricing: PricingBody,
    /// When it runs.
    flight: FlightBody,
    /// even, asap or front_loaded.
    pacing: &'static str,
    /// What may be spent in a day of UTC at most.
    daily_cap: Option<MoneyBody>,
    /// How often it may play on one streamer.
    frequency_cap: CapBody,
    /// Which streams it wants.
    targeting: TargetingBody,
    /// Whether every streamer may play it, or only approved participants.
    open: bool,
    /// Where a click leads.
    landing_url: String,
    /// How its creatives take turns: even, weighted or best.
    rotation: &'static str,
    /// What it asks of streamers.
    requirements: Option<RequirementsBody>,
    /// What may be shown, and what might have been.
    creatives: Vec<CreativeBody>,
    /// Raised by each change, whoever makes it; also the ETag. Counts of what was shown are no change.
    version: i64,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
    /// Since when it is archived.
    archived_at: Option<String>,
}

/// A campaign that is not launched yet. What is left open is null.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DraftView {
    /// Its number, which it keeps when it is launched.
    id: i64,
    /// The brand's name.
    brand: String,
    /// draft, review or archived.
    status: &'static str,
    /// Why it came back from review the last time.
    rejection: Option<String>,
    /// Raised by each change, whoever makes it; also the ETag.
    version: i64,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
    /// Since when it is in review.
    submitted_at: Option<String>,
    /// Since when it is archived.
    archived_at: Option<String>,
    #[serde(flatten)]
    body: CampaignBody,
}

/// A campaign in any state.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RecordView {
    /// It was launched.
    Campaign(Box<CampaignView>),
    /// It was not.
    Draft(Box<DraftView>),
}

/// A campaign that was made or changed, and the money of it afterwards.
#[derive(Serialize, JsonSchema)]
pub(super) struct ChangedView {
    #[serde(flatten)]
    campaign: CampaignView,
    #[serde(flatten)]
    money: MovedView,
    /// Platforms on which it can never run.
    warnings: Vec<WarningView>,
}

/// Something that the brand may not have meant.
#[derive(Serialize, JsonSchema)]
struct WarningView {
    /// Its name, out of a closed list.
    reason: &'static str,
    /// Where.
    platform: &'static str,
    /// The platform's profile.
    policy: String,
    /// Its version.
    version: u32,
    /// In words.
    message: &'static str,
}

/// A campaign as streamers see it, who may apply for it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OpenView {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// Whose it is.
    brand_id: i64,
    /// The brand's name.
    brand: String,
    /// What it advertises.
    category: String,
    /// Whether it runs on every stream that suits, or on those of approved participants only.
    open: bool,
    /// When it runs.
    flight: FlightBody,
    /// What it asks of streamers.
    requirements: Option<RequirementsBody>,
    /// Kinds and places of what it shows, each pair once.
    formats: Vec<FormatView>,
    /// What a streamer gets of it.
    pays: PricingBody,
    /// Which streams it wants; whom else it blocks is not shown.
    targeting: TargetingBody,
}

/// What is shown, and where.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct FormatView {
    /// image, video, text or qr.
    kind: &'static str,
    /// lower_third, corner or ticker.
    placement: &'static str,
}

impl RecordView {
    /// A campaign as its brand sees it.
    ///
    /// # Errors
    /// A draft was kept by a newer server, and can not be read here.
    pub(super) fn of(record: &CampaignRecord) -> Result<Self, Problem> {
        Ok(match &record.what {
            Recorded::Campaign(campaign) => Self::Campaign(Box::new(CampaignView::of(record, campaign))),
            Recorded::Draft(draft) => Self::Draft(Box::new(DraftView::of(record, draft)?)),
        })
    }
}

impl CampaignView {
    fn of(record: &CampaignRecord, campaign: &Campaign) -> Self {
        Self {
            id: campaign.id.0,
            brand_id: campaign.brand.id.0,
            brand: campaign.brand.name.to_string(),
            name: campaign.name.to_string(),
            status: record.state().code(),
            category: campaign.category.text().to_string(),
            pricing: PricingBody {
                kind: campaign.pricing.code().to_owned(),
                rate: MoneyBody::of(campaign.pricing.rate(), campaign.currency),
            },
            flight: flight(campaign),
            pacing: campaign.pacing.code(),
            daily_cap: campaign.daily_cap.map(|cap| MoneyBody::of(cap, campaign.currency)),
            frequency_cap: CapBody {
                per_hour: campaign.cap.per_hour,
                per_day: campaign.cap.per_day,
                minimum_gap_s: u32::try_from(campaign.cap.minimum_gap.0 / 1000).unwrap_or(0),
            },
            targeting: TargetingBody::of(&campaign.targeting),
            open: campaign.open,
            landing_url: campaign.landing_url.to_string(),
            rotation: campaign.rotation.code(),
            requirements: record.requirements.as_ref().map(RequirementsBody::of),
            creatives: campaign.creatives.iter().map(CreativeBody::of).collect(),
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
            archived_at: record.archived.map(rfc3339),
        }
    }
}

impl DraftView {
    fn of(record: &CampaignRecord, draft: &Draft) -> Result<Self, Problem> {
        let body = CampaignBody::kept(&draft.body)?;
        Ok(Self {
            id: record.id.0,
            brand: record.brand.name.to_string(),
            status: record.state().code(),
            rejection: draft.rejection.as_deref().map(str::to_owned),
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
            submitted_at: draft.submitted.map(rfc3339),
            archived_at: record.archived.map(rfc3339),
            body: CampaignBody { brand_id: Some(record.brand.id.0), ..body },
        })
    }
}

impl ChangedView {
    /// A campaign that was launched, its money, and where it can never run; none for a draft.
    pub(super) fn of(record: &CampaignRecord, funds: &Funds, policies: &Policies) -> Option<Self> {
        let Recorded::Campaign(campaign) = &record.what else { return None };
        Some(Self {
            campaign: CampaignView::of(record, campaign),
            money: MovedView::of(record.id, funds),
            warnings: warnings(campaign, policies),
        })
    }
}

/// Where a campaign can never run, whatever stream comes. A platform on which nothing runs is named only to
/// who asked for it.
fn warnings(campaign: &Campaign, policies: &Policies) -> Vec<WarningView> {
    let mut shown = campaign.clone();
    shown.creatives.retain(|creative| creative.status == CreativeStatus::Active);
    let wanted = &campaign.targeting.platforms;
    let platforms = Platform::ALL.into_iter().filter(|one| wanted.is_empty() || wanted.contains(one));
    let warning = |platform: Platform| {
        let policy = policies.of(platform);
        let refusal = policy.never(&shown).filter(|_| policy.enabled || !wanted.is_empty())?;
        Some(WarningView {
            reason: Reason::Policy.code(),
            platform: platform.code(),
            policy: policy.name.to_string(),
            version: policy.version,
            message: refusal.words(),
        })
    };
    platforms.filter_map(warning).collect()
}

impl OpenView {
    /// A campaign as streamers see it; the platform keeps its fee of what the brand pays.
    pub(super) fn of(record: &CampaignRecord, campaign: &Campaign, fee: FeeBps) -> Self {
        let mut formats: Vec<FormatView> = Vec::new();
        let shown = |status| status == CreativeStatus::Active;
        for creative in campaign.creatives.iter().filter(|creative| shown(creative.status)) {
            let (kind, placement) = (creative.content.code(), creative.placement.code());
            let format = FormatView { kind, placement };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        let earned = Split::of(campaign.pricing.rate(), fee).map(|split| split.earn).unwrap_or_default();
        Self {
            id: campaign.id.0,
            name: campaign.name.to_string(),
            brand_id: campaign.brand.id.0,
            brand: campaign.brand.name.to_string(),
            category: campaign.category.text().to_string(),
            open: campaign.open,
            flight: flight(campaign),
            requirements: record.requirements.as_ref().map(RequirementsBody::of),
            formats,
            pays: PricingBody {
                kind: campaign.pricing.code().to_owned(),
                rate: MoneyBody::of(earned, campaign.currency),
            },
            targeting: TargetingBody::of(&campaign.targeting).public(),
        }
    }
}

fn flight(campaign: &Campaign) -> FlightBody {
    FlightBody { starts_at: rfc3339(campaign.flight.starts), ends_at: rfc3339(campaign.flight.ends) }
}
