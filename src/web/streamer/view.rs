//! Streamers as the API shows them: to themselves and operators, and to brands.

use super::details::{Audience, Demographics, PayoutMethod, StreamerDetails, StreamerProfile};
use crate::web::problem::Problem;
use crate::web::schema::{CountryCode, Id, LanguageCode, Moment, OneOf, Website, Word};
use crate::web::wire::{MoneyBody, rfc3339};
use gametriggers_actors::domain::streamer::Platform;
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
    /// Their number.
    #[schemars(with = "Id")]
    id: i64,
    /// Whether their keys and users work.
    #[schemars(extend("enum" = ["active", "archived"]))]
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
    #[schemars(extend("enum" = ["unverified", "verified", "rejected"]))]
    verification: &'static str,
    /// Grows with every change, of the settings too; the `ETag` has it too.
    #[schemars(range(min = 1))]
    version: i64,
    /// Since when there is this streamer.
    #[schemars(with = "Moment")]
    created_at: String,
    /// When they were changed last.
    #[schemars(with = "Moment")]
    updated_at: String,
    /// Since when none of their keys and users works.
    #[schemars(with = "Option<Moment>")]
    archived_at: Option<String>,
}

/// What targeting looks at.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct TargetingView {
    /// What the stream is about.
    #[schemars(with = "Word", example = &"gaming")]
    category: String,
    /// What is spoken: ISO 639-1.
    #[schemars(with = "LanguageCode", example = &"en")]
    language: String,
    /// Where they are: ISO 3166-1 alpha-2.
    #[schemars(with = "CountryCode", example = &"IN")]
    country: String,
    /// Where the stream runs.
    #[schemars(with = "OneOf<Platform>")]
    platform: &'static str,
    /// Followers there.
    #[schemars(example = 18_400)]
    followers: u32,
    /// Whether it is for grown-ups.
    #[schemars(example = false)]
    mature: bool,
}

/// A channel.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct ChannelView {
    /// Where.
    #[schemars(with = "OneOf<Platform>")]
    platform: &'static str,
    /// The name there.
    #[schemars(example = &"nova")]
    handle: String,
    /// Its address.
    #[schemars(with = "Option<Website>", example = &"https://twitch.tv/nova")]
    url: Option<String>,
    /// Whether it is theirs.
    #[schemars(extend("enum" = ["unverified", "verified", "rejected"]))]
    verification: &'static str,
    /// When an operator decided that.
    #[schemars(with = "Option<Moment>")]
    decided_at: Option<String>,
    /// The audience; null unless the channel is verified.
    metrics: Option<MetricsView>,
}

/// The audience of a channel, as an operator saw it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct MetricsView {
    /// Followers.
    #[schemars(example = 18_400)]
    followers: u32,
    /// Viewers of a stream on average.
    #[schemars(example = 640)]
    average_viewers: Option<u32>,
    /// When that was so.
    #[schemars(with = "Moment")]
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
    /// The way.
    #[schemars(with = "OneOf<PayoutMethod>", example = &"upi")]
    method: String,
    /// The last four characters of the account, behind dots.
    #[schemars(example = &"••••2051")]
    account_masked: Option<String>,
    /// No payout below it.
    #[schemars(example = MoneyBody::rupees(500))]
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
    #[schemars(with = "Option<Moment>")]
    data_sharing_at: Option<String>,
    /// Brands that may not appear.
    #[schemars(with = "Vec<Id>")]
    blocked_brands: Vec<i64>,
    /// Advertised categories that may not appear.
    #[schemars(with = "Vec<Word>", example = ["gambling"])]
    blocked_categories: Vec<String>,
    /// Where the settings are.
    #[schemars(example = &"/api/streamers/1/settings")]
    settings_url: String,
}

/// A policy that was agreed to.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct AgreedView {
    /// Its name.
    #[schemars(example = &"twitch-conservative")]
    policy: String,
    /// When.
    #[schemars(with = "Moment")]
    agreed_at: String,
}

/// A streamer in a list of operators, and of themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct StreamerLine {
    /// What brands see as well.
    #[serde(flatten)]
    public: PublicView,
    /// Where they are: ISO 3166-1 alpha-2.
    #[schemars(with = "CountryCode", example = &"IN")]
    country: String,
    /// Whether it is for grown-ups.
    #[schemars(example = false)]
    mature: bool,
    /// Whether their keys and users work.
    #[schemars(extend("enum" = ["active", "archived"]))]
    status: &'static str,
    /// Whether a channel of theirs is verified.
    #[schemars(extend("enum" = ["unverified", "verified", "rejected"]), example = &"verified")]
    verification: &'static str,
    /// Whether every brand may find them.
    listed: bool,
    /// Grows with every change.
    #[schemars(range(min = 1))]
    version: i64,
    /// Since when there is this streamer.
    #[schemars(with = "Moment")]
    created_at: String,
    /// When they were changed last.
    #[schemars(with = "Moment")]
    updated_at: String,
}

/// A streamer, as brands see them who may.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct PublicView {
    /// Their number.
    #[schemars(with = "Id")]
    id: i64,
    /// Their name.
    #[schemars(example = &"Nova")]
    display_name: String,
    /// Where the stream runs.
    #[schemars(with = "OneOf<Platform>")]
    platform: &'static str,
    /// What is spoken, ISO 639-1: the one that targeting looks at first.
    #[schemars(with = "Vec<LanguageCode>", example = ["en", "hi"])]
    languages: Vec<String>,
    /// Followers there.
    #[schemars(example = 18_400)]
    followers: u32,
    /// What they stream, the one that targeting looks at first.
    #[schemars(with = "Vec<Word>", example = ["gaming"])]
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
