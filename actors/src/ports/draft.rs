//! Campaigns that are not launched yet, and what is on record of those that are.

use super::{ByHand, NewCampaign};
use crate::domain::campaign::{Brand, Campaign, Flight, Requirements, Status};
use crate::domain::id::{BrandId, CampaignId};
use crate::domain::time::UnixMillis;
use std::sync::Arc;

/// Where a campaign stands that is not launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its brand works on it.
    Draft,
    /// It waits for an operator, and does not change.
    Review,
}

impl Stage {
    /// The name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
        }
    }

    /// The stage of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Draft, Self::Review].into_iter().find(|stage| stage.code() == code)
    }
}

/// Where a campaign is in its life, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignState {
    /// Its brand works on it.
    Draft,
    /// It waits for an operator.
    Review,
    /// May play inside its flight.
    Active,
    /// Stopped for now.
    Paused,
    /// Ended for good.
    Completed,
    /// Put away, after it was completed or instead of being launched.
    Archived,
}

impl CampaignState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Review, Self::Active, Self::Paused, Self::Completed, Self::Archived];

    /// The name in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => Stage::Draft.code(),
            Self::Review => Stage::Review.code(),
            Self::Active => Status::Active.name(),
            Self::Paused => Status::Paused.name(),
            Self::Completed => Status::Ended.name(),
            Self::Archived => "archived",
        }
    }

    /// The name in the database, whose columns `archived_at`, `stage` and `status` say it.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Completed => Status::Ended.code(),
            other => other.code(),
        }
    }

    /// The state of a name, or of the one in the database.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code || state.column() == code)
    }
}

/// What is known of a campaign that is not launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftRow {
    /// For people; empty when there is none yet.
    pub name: String,
    /// What it advertises; empty when that is open.
    pub category: String,
    /// When it runs, if that is said.
    pub flight: Option<Flight>,
    /// All of it, as JSON of the API.
    pub body: String,
}

/// A draft to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDraft {
    /// Whose it is.
    pub brand: BrandId,
    /// In review when it is submitted with the same request.
    pub stage: Stage,
    /// What is known of it.
    pub row: DraftRow,
}

/// What is done to a campaign that is not launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftStep {
    /// Its brand changes it.
    Change(DraftRow),
    /// Its brand hands it in for review.
    Submit,
    /// Its brand takes it back from there.
    Withdraw,
    /// An operator sends it back, which is put on record; the brand is shown the reason.
    Reject(ByHand),
}

impl DraftStep {
    /// From which stage to which.
    #[must_use]
    pub const fn stages(&self) -> (Stage, Stage) {
        match self {
            Self::Change(_) => (Stage::Draft, Stage::Draft),
            Self::Submit => (Stage::Draft, Stage::Review),
            Self::Withdraw | Self::Reject(_) => (Stage::Review, Stage::Draft),
        }
    }
}

/// A launch of a campaign: from then on it may play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which one.
    pub campaign: CampaignId,
    /// The stage in which it was judged.
    pub stage: Stage,
    /// The version that was judged.
    pub version: i64,
    /// What it is.
    pub new: NewCampaign,
    /// The operator who approves it, which is put on record; none when nobody has to.
    pub by: Option<ByHand>,
}

/// A draft as its brand sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it stands.
    pub stage: Stage,
    /// All of it, as JSON of the API.
    pub body: Arc<str>,
    /// Since when it is in review.
    pub submitted: Option<UnixMillis>,
    /// Why it came back from review the last time.
    pub rejection: Option<Arc<str>>,
}

/// Launched or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is launched.
    Campaign(Box<Campaign>),
    /// It is not.
    Draft(Draft),
}

/// A campaign in any state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRecord {
    /// Its id, which stays the same for its whole life.
    pub id: CampaignId,
    /// Whose it is.
    pub brand: Brand,
    /// Raised by each change, whoever makes it; counts of what was shown are no change.
    pub version: i64,
    /// When it was made.
    pub created: UnixMillis,
    /// When it was changed last.
    pub updated: UnixMillis,
    /// Since when it is put away.
    pub archived: Option<UnixMillis>,
    /// What it asks of streamers, once it is launched.
    pub requirements: Option<Requirements>,
    /// What it is.
    pub what: Recorded,
}

impl CampaignRecord {
    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> CampaignState {
        match &self.what {
            _ if self.archived.is_some() => CampaignState::Archived,
            Recorded::Draft(draft) => match draft.stage {
                Stage::Draft => CampaignState::Draft,
                Stage::Review => CampaignState::Review,
            },
            Recorded::Campaign(campaign) => match campaign.status {
                Status::Active => CampaignState::Active,
                Status::Paused => CampaignState::Paused,
                Status::Ended => CampaignState::Completed,
            },
        }
    }
}
