//! A file that a brand uploaded, and everything that can be said against it before it is shown.

use super::area::Drawn;
use super::contrast;
use super::creative::{Content, Creative, CreativeStatus, DURATION_MAX, DURATION_MIN, Placement};
use super::id::CreativeId;
use super::policy::{Policies, Policy, Refusal};
use super::rotation::CreativeCounts;
use super::streamer::Platform;
use super::time::Millis;
use std::sync::Arc;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Still picture.
    Webp,
    /// Still picture.
    Png,
    /// Still picture, from before uploads were drawn anew.
    Jpeg,
    /// Still picture, from before uploads were drawn anew.
    Avif,
    /// VP9, with Opus or Vorbis.
    Webm,
    /// H.264, with AAC.
    Mp4,
}

impl Media {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Webp, Self::Png, Self::Jpeg, Self::Avif, Self::Webm, Self::Mp4];

    /// What a file's name ends with.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Avif => "avif",
            Self::Webm => "webm",
            Self::Mp4 => "mp4",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Avif => "image/avif",
            Self::Webm => "video/webm",
            Self::Mp4 => "video/mp4",
        }
    }

    /// Whether it moves.
    #[must_use]
    pub const fn is_video(self) -> bool {
        matches!(self, Self::Webm | Self::Mp4)
    }

    /// How the file of a name is written: 32 hex digits, a dot and one of the extensions. No path can be
    /// smuggled in.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (hash, extension) = name.split_once('.')?;
        let is_hash = hash.len() == 32 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| Self::ALL.into_iter().find(|media| media.extension() == extension))?
    }
}

/// One file: its name is the hash of its content and an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetFile {
    /// The name.
    pub name: Arc<str>,
    /// How it is written.
    pub media: Media,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes.
    pub bytes: u64,
}

/// What is known of a video without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reel {
    /// How long it runs.
    pub duration: Millis,
    /// Frames in all.
    pub frames: u32,
    /// Whether it has a sound track.
    pub sound: bool,
}

/// What an upload became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The file that is shown.
    pub file: AssetFile,
    /// The same picture in other sizes and formats.
    pub others: Vec<AssetFile>,
    /// Of a video.
    pub reel: Option<Reel>,
    /// Of a picture's pixels, those that can be told from what it lies on, in ten-thousandths.
    pub visible_bps: u32,
}

impl Asset {
    /// All its bytes, as they count against a quota.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.others.iter().fold(self.file.bytes, |sum, other| sum.saturating_add(other.bytes))
    }

    /// What it is as a creative, and whether it can be heard.
    #[must_use]
    pub fn content(&self) -> (Content, bool) {
        let (asset, width, height) = (Arc::clone(&self.file.name), self.file.width, self.file.height);
        match self.reel {
            Some(reel) => (Content::Video { asset, width, height }, reel.sound),
            None => (Content::Image { asset, width, height }, false),
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The share of the screen, and whether a platform takes it at all.
    Area,
    /// Whether the disclosure label can be read.
    LabelContrast,
    /// Whether the picture can be told from what it lies on.
    Visibility,
    /// Whether it flashes.
    Flashing,
    /// How long it runs.
    Duration,
    /// Its bytes.
    Weight,
    /// Its pixels.
    Size,
    /// Frames a second.
    FrameRate,
    /// Whether every overlay can play it.
    Codec,
}

impl Check {
    /// The name on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::LabelContrast => "label_contrast",
            Self::Visibility => "visibility",
            Self::Flashing => "flashing",
            Self::Duration => "duration",
            Self::Weight => "weight",
            Self::Size => "size",
            Self::FrameRate => "frame_rate",
            Self::Codec => "codec",
        }
    }
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Passed,
    /// It is taken, and somebody should look at it.
    Warning,
    /// It is not taken.
    Refused,
    /// It can not be known here.
    Unknown,
}

impl Verdict {
    /// The name on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What it came to.
    pub verdict: Verdict,
    /// The placement, when it is about one.
    pub placement: Option<Placement>,
    /// The policy that speaks, when it is one.
    pub policy: Option<Arc<str>>,
    /// For people.
    pub detail: String,
}

/// An image that is shown should have no more bytes.
const IMAGE_BYTES: u64 = 500_000;
/// A video should run no longer, and have no more pixels and frames a second.
const VIDEO_LENGTH: Millis = Millis(15_000);
const VIDEO_PIXELS: u64 = 1280 * 720;
const VIDEO_SIDE_MAX: u32 = 1920;
const FRAMES_PER_SECOND: i64 = 30;
/// Less of a picture than that is hardly seen: a twentieth.
const VISIBLE_BPS_MIN: u32 = 500;

/// Everything that can be said of an asset: what passed, what should be looked at, and what is refused. It
/// depends on the policies in force, so it is found anew whenever it is asked for.
#[must_use]
pub fn findings(asset: &Asset, policies: &Policies) -> Vec<Finding> {
    let mut all = Vec::new();
    areas(asset, policies, &mut all);
    let label = contrast::label_at_least();
    let verdict = if label >= contrast::LABEL_MIN { Verdict::Passed } else { Verdict::Refused };
    let detail = format!(
        "the label stands below or beside the picture, never on it: at least {}.{:02}:1 with any accent",
        label / 100,
        label % 100
    );
    all.push(plain(Check::LabelContrast, verdict, detail));
    match asset.reel {
        Some(reel) => video(asset, reel, &mut all),
        None => image(asset, &mut all),
    }
    all
}

const fn plain(check: Check, verdict: Verdict, detail: String) -> Finding {
    Finding { check, verdict, placement: None, policy: None, detail }
}

/// Each placement under each policy that is in force somewhere.
fn areas(asset: &Asset, policies: &Policies, all: &mut Vec<Finding>) {
    let (content, sound) = asset.content();
    let mut seen: Vec<Arc<str>> = Vec::new();
    for policy in Platform::ALL.map(|platform| policies.of(platform)) {
        if !policy.enabled || seen.contains(&policy.name) {
            continue;
        }
        seen.push(Arc::clone(&policy.name));
        for placement in Placement::ALL {
            let drawn = Drawn::of(&content, placement);
            all.push(area(policy, &probe(&content, placement, sound), drawn));
        }
    }
}

/// The asset as the shortest creative that could be made of it.
fn probe(content: &Content, placement: Placement, sound: bool) -> Creative {
    Creative {
        id: CreativeId(0),
        content: content.clone(),
        placement,
        duration: DURATION_MIN,
        accent: Arc::from(""),
        sound,
        weight: 1,
        status: CreativeStatus::Active,
        drawn: Drawn::of(content, placement),
        counts: CreativeCounts::default(),
    }
}

fn area(policy: &Policy, creative: &Creative, drawn: Drawn) -> Finding {
    let share = |pixels: u32| {
        let bps = Drawn::bps(pixels);
        format!("{}.{:02} %", bps / 100, bps % 100)
    };
    let (verdict, words) = match policy.draws(creative) {
        Ok(()) => (Verdict::Passed, "it may be shown"),
        Err(refusal) => (Verdict::Warning, Refusal::words(refusal)),
    };
    let detail = format!(
        "{words}: the picture takes {} of the screen, the card {}",
        share(drawn.picture),
        share(drawn.card)
    );
    Finding {
        check: Check::Area,
        verdict,
        placement: Some(creative.placement),
        policy: Some(Arc::clone(&policy.name)),
        detail,
    }
}

fn judged(is_fine: bool) -> Verdict {
    if is_fine { Verdict::Passed } else { Verdict::Warning }
}

fn image(asset: &Asset, all: &mut Vec<Finding>) {
    let (seen, bytes) = (asset.visible_bps, asset.file.bytes);
    let detail = format!("{} % of its pixels can be told from the dark card below them", seen / 100);
    all.push(plain(Check::Visibility, judged(seen >= VISIBLE_BPS_MIN), detail));
    all.push(plain(Check::Flashing, Verdict::Passed, "a still picture does not flash".to_owned()));
    let detail = format!("{bytes} bytes are loaded to show it; up to {IMAGE_BYTES} are fine");
    all.push(plain(Check::Weight, judged(bytes <= IMAGE_BYTES), detail));
}

fn video(asset: &Asset, reel: Reel, all: &mut Vec<Finding>) {
    let (ms, file) = (reel.duration.0, &asset.file);
    let verdict =
        if reel.duration > DURATION_MAX { Verdict::Refused } else { judged(reel.duration <= VIDEO_LENGTH) };
    let (fine, most) = (VIDEO_LENGTH.0, DURATION_MAX.0);
    let detail = format!("it runs for {ms} ms; up to {fine} are fine, and more than {most} are never shown");
    all.push(plain(Check::Duration, verdict, detail));
    let pixels = u64::from(file.width) * u64::from(file.height);
    let verdict = if file.width.max(file.height) > VIDEO_SIDE_MAX {
        Verdict::Refused
    } else {
        judged(pixels <= VIDEO_PIXELS)
    };
    let detail = format!(
        "it has {} x {} pixels; up to as many as 1280 x 720 are fine, and at most {VIDEO_SIDE_MAX} a side",
        file.width, file.height
    );
    all.push(plain(Check::Size, verdict, detail));
    // A frame more than the seconds ask for is rounding.
    let most = (ms.saturating_mul(FRAMES_PER_SECOND) / 1000).saturating_add(1);
    let detail = format!("it has {} frames; {FRAMES_PER_SECOND} a second are fine", reel.frames);
    all.push(plain(Check::FrameRate, judged(i64::from(reel.frames) <= most), detail));
    let detail = "videos are not decoded here, so nobody has looked for flashes: keep to three a second";
    all.push(plain(Check::Flashing, Verdict::Unknown, detail.to_owned()));
    let detail = format!("{} bytes are loaded to show it", file.bytes);
    all.push(plain(Check::Weight, Verdict::Passed, detail));
    let (verdict, detail) = match file.media {
        Media::Mp4 => {
            (Verdict::Warning, "H.264 does not play in OBS on Linux; WebM with VP9 plays everywhere")
        }
        _ => (Verdict::Passed, "VP9 plays in every overlay"),
    };
    all.push(plain(Check::Codec, verdict, detail.to_owned()));
}

#[cfg(test)]
#[path = "asset_tests.rs"]
mod tests;
