//! Assets as the API shows them, and how uploads are refused.

use crate::web::problem::{FieldError, Problem};
use crate::web::wire::rfc3339;
use gametriggers_actors::domain::asset::{Asset, AssetFile, Finding, Verdict};
use gametriggers_actors::ports::BrandAsset;
use gametriggers_media::{Reason, Refusal};
use schemars::JsonSchema;
use serde::Serialize;

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
struct FileView {
    name: String,
    url: String,
    media_type: &'static str,
    width: u32,
    height: u32,
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

#[derive(Debug, Serialize, JsonSchema)]
struct FindingView {
    check: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    detail: String,
}

/// An asset.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct AssetView {
    #[serde(flatten)]
    file: FileView,
    kind: &'static str,
    sound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u32>,
    /// The same picture in other sizes and formats.
    renditions: Vec<FileView>,
    findings: Vec<FindingView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
