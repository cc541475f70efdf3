//! Streamers as the API shows them: to themselves and operators, and to brands.

use super::details::{Audience, Demographics, StreamerDetails, StreamerProfile};
use crate::web::problem::Problem;
use crate::web::wire::{MoneyBody, rfc3339};
use gametriggers_actors::domain::streamer::channel::Channel;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::StreamerRecord;
use schemars::JsonSchema;
use serde::Serialize;

/// A streamer: all of them, or what a brand sees.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::web) enum StreamerAnswer {
    /// For the streamer and operators.
    Whole(Box<StreamerView>),
    /// For a brand that may.
    Public(PublicView),
}

/// A streamer, as they and operators see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct StreamerView {
    /// Their id.
    id: i64,
    /// `active` or `archived`.
    status: &'static str,
    /// How they show themselves, as they say.
    profile: StreamerProfile,
    /// What targeting looks at: what an operator entered or verified. The streamer changes nothing of it.
    targeting: TargetingView,
    /// Where they stream.
    platforms: Vec<ChannelView>,
    /// Who watches.
    demographics: DemographicsView,
    /// How they want to be paid.
    payout: PayoutView,
    /// What they agree to.
    consent: ConsentView,
    /// `verified` when one of the channels is, `rejected` when one was and none is, else `unverified`.
    verification: &'static str,
    /// Grows with every change, of the settings too; the `ETag` has it too.
    version: i64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
    /// Since when none of their keys and users works.
    archived_at: Option<String>,
}

/// What targeting looks at.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct TargetingView {
    /// What the stream is about.
    category: String,
    /// ISO 639-1.
    language: String,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// `twitch`, `youtube`, `kick` or `other`.
    platform: &'static str,
    /// Followers there.
    followers: u32,
    /// Whether it is for grown-ups.
    mature: bool,
}

/// A channel.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct ChannelView {
    /// `twitch`, `youtube`, `kick` or `other`.
    platform: &'static str,
    /// The name there.
    handle: String,
    /// Its address.
    url: Option<String>,
    /// `unverified`, `verified` or `rejected`.
    verification: &'static str,
    /// When an operator decided that.
    decided_at: Option<String>,
    /// The audience; null unless the channel is verified.
    metrics: Option<MetricsView>,
}

/// The audience of a channel, as an operator saw it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct MetricsView {
    /// Followers.
    followers: u32,
    /// Viewers of a stream on average.
    average_viewers: Option<u32>,
    /// When that was so.
    as_of: String,
}

/// Who watches.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct DemographicsView {
    /// As the streamer says.
    stated: Option<Audience>,
    /// As an operator verified.
    verified: Option<Audience>,
}

/// How a streamer wants to be paid.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct PayoutView {
    /// `none`, `bank`, `upi` or `paypal`.
    method: String,
    /// The last four characters of the account, behind dots.
    account_masked: Option<String>,
    /// No payout below it.
    minimum: Option<MoneyBody>,
}

/// What a streamer agrees to. All but `data_sharing` is changed in the settings.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct ConsentView {
    /// The policy for ads that they agreed to.
    ads_policy: Option<AgreedView>,
    /// Whether brands may see numbers of their streams.
    data_sharing: bool,
    /// When they last said so.
    data_sharing_at: Option<String>,
    /// Brands that may not appear.
    blocked_brands: Vec<i64>,
    /// Advertised categories that may not appear.
    blocked_categories: Vec<String>,
    /// Where the settings are.
    settings_url: String,
}

/// A policy that was agreed to.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct AgreedView {
    /// Its name.
    policy: String,
    /// When.
    agreed_at: String,
}

/// A streamer in a list of operators, and of themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct StreamerLine {
    /// What brands see as well.
    #[serde(flatten)]
    public: PublicView,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// Whether it is for grown-ups.
    mature: bool,
    /// `active` or `archived`.
    status: &'static str,
    /// `unverified`, `verified` or `rejected`.
    verification: &'static str,
    /// Whether every brand may find them.
    listed: bool,
    /// Grows with every change.
    version: i64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

/// A streamer, as brands see them who may.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct PublicView {
    /// Their id.
    id: i64,
    /// Their name.
    display_name: String,
    /// `twitch`, `youtube`, `kick` or `other`.
    platform: &'static str,
    /// ISO 639-1, the one that targeting looks at first.
    languages: Vec<String>,
    /// Followers there.
    followers: u32,
    /// What they stream, the one that targeting looks at first.
    categories: Vec<String>,
}

/// What a streamer says of themselves, with their name.
///
/// # Errors
/// It is kept in a way that this server does not know.
pub(super) fn details(record: &StreamerRecord) -> Result<StreamerDetails, Problem> {
    let mut details: StreamerDetails = serde_json::from_str(&record.details.0).map_err(|error| {
        tracing::error!(
            // Where, not what: the document is the streamer's.
            line = error.line(),
            column = error.column(),
            streamer = record.streamer.id.0,
            "the details of a streamer can not be read"
        );
        Problem::unavailable()
    })?;
    details.profile.display_name = Some(record.streamer.profile.name.to_string());
    details.profile.listed = Some(record.listed);
    Ok(details)
}

const fn status(record: &StreamerRecord) -> &'static str {
    if record.archived.is_some() { "archived" } else { "active" }
}

impl ChannelView {
    fn of(channel: &Channel) -> Self {
        Self {
            platform: channel.platform.code(),
            handle: channel.handle.to_string(),
            url: channel.url.as_ref().map(ToString::to_string),
            verification: channel.state.code(),
            decided_at: channel.decided.map(rfc3339),
            metrics: channel.reach.map(|reach| MetricsView {
                followers: reach.followers,
                average_viewers: reach.average_viewers,
                as_of: rfc3339(reach.seen),
            }),
        }
    }
}

impl ConsentView {
    fn of(record: &StreamerRecord, details: &StreamerDetails) -> Self {
        let settings = &record.streamer.settings;
        Self {
            ads_policy: settings
                .opt_in
                .as_ref()
                .map(|given| AgreedView { policy: given.policy.to_string(), agreed_at: rfc3339(given.at) }),
            data_sharing: details.consent.data_sharing,
            data_sharing_at: details.consent.data_sharing_at.map(|at| rfc3339(UnixMillis(at))),
            blocked_brands: settings.blocked_brands.iter().map(|brand| brand.0).collect(),
            blocked_categories: settings.blocked_categories.iter().map(ToString::to_string).collect(),
            settings_url: format!("/api/streamers/{}/settings", record.streamer.id),
        }
    }
}

impl StreamerView {
    /// A streamer.
    ///
    /// # Errors
    /// It is kept in a way that this server does not know.
    pub(super) fn of(record: &StreamerRecord) -> Result<Self, Problem> {
        let details = details(record)?;
        let consent = ConsentView::of(record, &details);
        let StreamerDetails { profile, channels, demographics, payout, .. } = details;
        let Demographics { stated, verified } = demographics;
        let looked_at = &record.streamer.profile;
        Ok(Self {
            id: record.streamer.id.0,
            status: status(record),
            profile,
            targeting: TargetingView {
                category: looked_at.content_category.to_string(),
                language: looked_at.language.to_string(),
                country: looked_at.country.to_string(),
                platform: looked_at.platform.code(),
                followers: looked_at.followers,
                mature: looked_at.mature,
            },
            platforms: channels.iter().filter_map(|kept| Some(ChannelView::of(&kept.channel()?))).collect(),
            demographics: DemographicsView { stated, verified },
            payout: PayoutView {
                method: payout.method.unwrap_or_else(|| "none".to_owned()),
                account_masked: payout.account_last_four.map(|last| format!("••••{last}")),
                minimum: payout.minimum,
            },
            consent,
            verification: record.verification.code(),
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
            archived_at: record.archived.map(rfc3339),
        })
    }
}

impl PublicView {
    /// What brands see.
    pub(super) fn of(record: &StreamerRecord) -> Self {
        let looked_at = &record.streamer.profile;
        let stated = details(record).unwrap_or_default().profile;
        let with = |first: &str, others: Option<Vec<String>>| {
            let others = others.unwrap_or_default().into_iter().filter(|other| other != first);
            std::iter::once(first.to_owned()).chain(others).collect()
        };
        Self {
            id: record.streamer.id.0,
            display_name: looked_at.name.to_string(),
            platform: looked_at.platform.code(),
            languages: with(&looked_at.language, stated.languages),
            followers: looked_at.followers,
            categories: with(&looked_at.content_category, stated.categories),
        }
    }
}

impl StreamerLine {
    /// A streamer in a list.
    pub(super) fn of(record: &StreamerRecord) -> Self {
        let looked_at = &record.streamer.profile;
        Self {
            public: PublicView::of(record),
            country: looked_at.country.to_string(),
            mature: looked_at.mature,
            status: status(record),
            verification: record.verification.code(),
            listed: record.listed,
            version: record.version,
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
        }
    }
}
