//! Assets as the API shows them, and how uploads are refused.

use crate::web::problem::{FieldError, Problem};
use crate::web::schema::{FileName, MediaType, Moment, OneOf};
use crate::web::wire::rfc3339;
use gametriggers_actors::domain::asset::{Asset, AssetFile, Check, Finding, Verdict};
use gametriggers_actors::domain::creative::Placement;
use gametriggers_actors::ports::BrandAsset;
use gametriggers_media::{Reason, Refusal};
use schemars::JsonSchema;
use serde::Serialize;

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
struct FileView {
    /// The hash of its content, and what it is.
    #[schemars(with = "FileName", example = &"3f786850e387550fdab836ed7e6dc881.webp")]
    name: String,
    /// Where it is served, for good.
    #[schemars(example = &"/assets/3f786850e387550fdab836ed7e6dc881.webp")]
    url: String,
    /// What it is.
    #[schemars(with = "OneOf<MediaType>")]
    media_type: &'static str,
    /// In pixels.
    #[schemars(range(min = 1), example = 640)]
    width: u32,
    /// In pixels.
    #[schemars(range(min = 1), example = 160)]
    height: u32,
    /// Its length.
    #[schemars(range(min = 1), example = 18_432)]
    bytes: u64,
}

impl FileView {
    fn of(file: &AssetFile) -> Self {
        Self {
            name: file.name.to_string(),
            url: format!("/assets/{}", file.name),
            media_type: file.media.media_type(),
            width: file.width,
            height: file.height,
            bytes: file.bytes,
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct FindingView {
    /// What was looked at.
    #[schemars(with = "OneOf<Check>")]
    check: &'static str,
    /// What it came to: `unknown` is what can not be told from the file.
    #[schemars(with = "OneOf<Verdict>")]
    verdict: &'static str,
    /// The placement, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OneOf<Placement>>", example = &"lower_third")]
    placement: Option<&'static str>,
    /// The policy of a platform that speaks, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"twitch-conservative")]
    policy: Option<String>,
    /// The same for people.
    #[schemars(example = &"it takes 4 percent of the screen; 8 are allowed")]
    detail: String,
}

/// An asset.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct AssetView {
    #[serde(flatten)]
    file: FileView,
    /// What creatives can be made of it.
    #[schemars(extend("enum" = ["image", "video"]))]
    kind: &'static str,
    /// Whether it can be heard.
    #[schemars(example = false)]
    sound: bool,
    /// Of a video: how long it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    duration_ms: Option<i64>,
    /// Of a video: how many frames it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u32>,
    /// The same picture in other sizes and formats.
    renditions: Vec<FileView>,
    /// Everything that was looked at, for placements and for the policies of platforms.
    findings: Vec<FindingView>,
    /// When the brand first uploaded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>", example = &"2026-11-24T10:15:00Z")]
    created_at: Option<String>,
    /// When the brand put it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    archived_at: Option<String>,
}

impl AssetView {
    pub(super) fn of(asset: &Asset, upload: Option<&BrandAsset>, findings: Vec<Finding>) -> Self {
        let finding = |one: Finding| FindingView {
            check: one.check.code(),
            verdict: one.verdict.code(),
            placement: one.placement.map(|placement| placement.code()),
            policy: one.policy.map(|policy| policy.to_string()),
            detail: one.detail,
        };
        Self {
            file: FileView::of(&asset.file),
            kind: asset.content().0.code(),
            sound: asset.reel.is_some_and(|reel| reel.sound),
            duration_ms: asset.reel.map(|reel| reel.duration.0),
            frames: asset.reel.map(|reel| reel.frames),
            renditions: asset.others.iter().map(FileView::of).collect(),
            findings: findings.into_iter().map(finding).collect(),
            created_at: upload.map(|upload| rfc3339(upload.created_at)),
            archived_at: upload.and_then(|upload| upload.archived_at).map(rfc3339),
        }
    }
}

/// Counts an upload that is refused, by one of the reasons of `Reason` or of this module.
pub(super) fn refused(reason: &'static str) {
    metrics::counter!("gametriggers_assets_refused_total", "reason" => reason).increment(1);
}

/// The problem of a file that is not taken: 415 for what it is, 422 for the state that it is in.
pub(super) fn unfit(refusal: Refusal) -> Problem {
    let Refusal { reason, detail } = refusal;
    refused(reason.code());
    let problem = match reason {
        Reason::Empty
        | Reason::Unknown
        | Reason::Format
        | Reason::Svg
        | Reason::Animated
        | Reason::Mislabelled
        | Reason::Codec => Problem::unsupported(detail),
        Reason::Damaged
        | Reason::Surplus
        | Reason::Pixels
        | Reason::Memory
        | Reason::Duration
        | Reason::Contradiction => Problem::unfit(detail),
    };
    problem.with_reason(reason.code())
}

/// Everything that a policy has against an upload.
pub(super) fn against(findings: &[Finding]) -> Problem {
    let those = findings.iter().filter(|finding| finding.verdict != Verdict::Passed);
    let errors = those.map(|finding| FieldError {
        field: finding.check.code().to_owned(),
        message: format!("{}: {}", finding.verdict.code(), finding.detail),
    });
    Problem::unfit("it can not be shown; every finding is named")
        .with_reason("policy")
        .with_errors(errors.collect())
}
