//! Which campaigns are listed, and in which order.

use super::{CampaignRecord, CampaignState, Mark, Place};
use crate::domain::id::BrandId;
use crate::domain::time::UnixMillis;

/// What a list of campaigns is sorted by; among equals by the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// When it was made.
    Id,
    /// The name in small letters.
    Name,
    /// The first moment of the flight.
    Starts,
    /// The moment after the last.
    Ends,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignSort {
    /// By what.
    pub by: SortBy,
    /// The largest first.
    pub descending: bool,
}

/// Which campaigns to list, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignQuery {
    /// Of one brand, or of all.
    pub brand: Option<BrandId>,
    /// In one of these states; none for any but archived.
    pub states: Option<Vec<CampaignState>>,
    /// A part of the name, in capitals or not.
    pub name: Option<String>,
    /// What they advertise.
    pub category: Option<String>,
    /// Made at this moment or later.
    pub created_after: Option<UnixMillis>,
    /// Made before this moment.
    pub created_before: Option<UnixMillis>,
    /// The flight starts before this moment.
    pub starts_before: Option<UnixMillis>,
    /// The flight ends after this moment.
    pub ends_after: Option<UnixMillis>,
    /// The order.
    pub sort: CampaignSort,
    /// Behind this place of the same order.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: u32,
}

impl CampaignQuery {
    /// All that are not put away, by ascending id.
    #[must_use]
    pub const fn all(limit: u32) -> Self {
        Self {
            brand: None,
            states: None,
            name: None,
            category: None,
            created_after: None,
            created_before: None,
            starts_before: None,
            ends_after: None,
            sort: CampaignSort { by: SortBy::Id, descending: false },
            after: None,
            limit,
        }
    }
}

impl CampaignSort {
    /// Whether it is by a text.
    #[must_use]
    pub const fn is_by_text(self) -> bool {
        matches!(self.by, SortBy::Name)
    }
}

impl CampaignQuery {
    /// The place behind which to begin: before all of them, if nothing else is said.
    #[must_use]
    pub fn behind(&self) -> Place {
        let first = || Mark::before_all(self.sort.is_by_text(), self.sort.descending);
        self.after.clone().unwrap_or_else(first)
    }
}

/// Campaigns of a list, each with its place.
pub type ListedCampaigns = Vec<(CampaignRecord, Place)>;
