//! Brands as the API shows them.

use super::details::{Billing, BrandDetails, BrandProfile, Company, Preferences};
use crate::web::problem::Problem;
use crate::web::wire::rfc3339;
use gametriggers_actors::domain::vetting::Vetted;
use gametriggers_actors::ports::BrandRecord;
use schemars::JsonSchema;
use serde::Serialize;

/// A brand, as it and operators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct BrandView {
    /// Its id.
    id: i64,
    /// `active` or `archived`.
    status: &'static str,
    /// How it shows itself.
    profile: BrandProfile,
    /// The company behind it.
    company: Company,
    /// Who gets the invoices.
    billing: Billing,
    /// What it prefers.
    preferences: Preferences,
    /// Whether it is who it says it is.
    verification: VerificationView,
    /// Grows with every change; the `ETag` has it too.
    version: i64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
    /// Since when none of its keys and users works.
    archived_at: Option<String>,
}

/// Whether a brand is who it says it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct VerificationView {
    /// `unverified`, `pending`, `verified` or `rejected`.
    status: &'static str,
    /// When it last asked, or changed what was verified.
    requested_at: Option<String>,
    /// When an operator last decided.
    decided_at: Option<String>,
    /// Why they decided so.
    reason: Option<String>,
}

/// A brand in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct BrandLine {
    /// Its id.
    id: i64,
    /// Its name.
    name: String,
    /// `active` or `archived`.
    status: &'static str,
    /// `unverified`, `pending`, `verified` or `rejected`.
    verification: &'static str,
    /// What it is about.
    industry: Option<String>,
    /// Of its company.
    country: Option<String>,
    /// Grows with every change.
    version: i64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

/// What a brand says of itself, with its name.
///
/// # Errors
/// It is kept in a way that this server does not know.
pub(super) fn details(record: &BrandRecord) -> Result<BrandDetails, Problem> {
    let mut details: BrandDetails = serde_json::from_str(&record.details.0).map_err(|error| {
        tracing::error!(%error, brand = record.id.0, "the details of a brand can not be read");
        Problem::unavailable()
    })?;
    details.profile.name = Some(record.name.to_string());
    Ok(details)
}

const fn status(record: &BrandRecord) -> &'static str {
    if record.archived.is_some() { "archived" } else { "active" }
}

impl VerificationView {
    fn of(vetted: &Vetted) -> Self {
        Self {
            status: vetted.state.code(),
            requested_at: vetted.requested.map(rfc3339),
            decided_at: vetted.decided.map(rfc3339),
            reason: vetted.reason.as_ref().map(ToString::to_string),
        }
    }
}

impl BrandView {
    /// A brand.
    ///
    /// # Errors
    /// It is kept in a way that this server does not know.
    pub(super) fn of(record: &BrandRecord) -> Result<Self, Problem> {
        let BrandDetails { profile, company, billing, preferences } = details(record)?;
        Ok(Self {
            id: record.id.0,
            status: status(record),
            profile,
            company,
            billing,
            preferences,
            verification: VerificationView::of(&record.vetted),
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
            archived_at: record.archived.map(rfc3339),
        })
    }
}

impl BrandLine {
    /// A brand; what else it says of itself is left out when it can not be read.
    pub(super) fn of(record: &BrandRecord) -> Self {
        let details = details(record).unwrap_or_default();
        Self {
            id: record.id.0,
            name: record.name.to_string(),
            status: status(record),
            verification: record.vetted.state.code(),
            industry: details.profile.industry,
            country: details.company.country,
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
        }
    }
}
