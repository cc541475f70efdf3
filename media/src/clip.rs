//! Videos: read without being decoded. What a file says of itself is compared with what its frames say, and
//! a file with bytes that belong to no part of it is refused.

use crate::refusal::{Reason, Refusal};
use crate::sniff::Format;
use crate::{mp4, webm};

/// Pixels a side of a video, at most.
pub const SIDE_MAX: u32 = 4096;
/// Frames of a video, at most: what is longer is not for an overlay.
pub(crate) const FRAMES_MAX: u32 = 20_000;

/// What is known of a video without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How long it runs, in milliseconds.
    pub duration_ms: u32,
    /// Frames in all.
    pub frames: u32,
    /// Whether it has a sound track.
    pub sound: bool,
}

/// Reads a video, and blanks what is not picture or sound: titles, tags, attachments, places of recording.
/// Nothing moves inside the file.
///
/// # Errors
/// It is damaged, holds another codec or another kind of track, has bytes that belong to nothing, or its head
/// and its frames contradict each other.
pub fn read(format: Format, bytes: &mut [u8]) -> Result<Clip, Refusal> {
    let clip = match format {
        Format::Webm => webm::read(bytes)?,
        Format::Mp4 => mp4::read(bytes)?,
        _ => return Err(Refusal::new(Reason::Mislabelled, "a picture is no video")),
    };
    if clip.width == 0 || clip.height == 0 || clip.frames == 0 {
        return Err(Refusal::damaged("it has no picture"));
    }
    if clip.width > SIDE_MAX || clip.height > SIDE_MAX {
        let (width, height) = (clip.width, clip.height);
        let detail =
            format!("a video has at most {SIDE_MAX} pixels a side, and this one has {width} x {height}");
        return Err(Refusal::new(Reason::Pixels, detail));
    }
    if clip.duration_ms == 0 {
        return Err(Refusal::new(Reason::Duration, "the file does not say how long it runs"));
    }
    Ok(clip)
}

/// A codec or a track that is not played.
pub(crate) fn codec(what: impl std::fmt::Display) -> Refusal {
    let detail = format!("{what} is not played; send WebM with VP9, or MP4 with H.264 and AAC");
    Refusal::new(Reason::Codec, detail)
}

pub(crate) fn contradiction(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Reason::Contradiction, format!("the file contradicts itself: {what}"))
}

pub(crate) fn surplus(what: &str) -> Refusal {
    Refusal::new(Reason::Surplus, format!("the file holds what belongs to no part of a video: {what}"))
}

/// A name out of a file, fit to be shown.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    text.chars().filter(|c| c.is_ascii_graphic()).take(32).collect()
}

#[cfg(test)]
#[path = "clip_tests.rs"]
mod tests;
