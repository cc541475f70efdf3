//! WebM: its head, its tracks, and every block, none of them decoded.

use crate::bits::be;
use crate::clip::{Clip, FRAMES_MAX, codec, contradiction, shown, surplus};
use crate::ebml::{Element, blank, element, vint};
use crate::refusal::{Reason, Refusal};
use crate::vp9::{self, Head};
use std::ops::Range;
use std::time::Duration;

const EBML: u32 = 0x1a45_dfa3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const APPS: [u32; 2] = [0x4d80, 0x5741];
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x23_e383;
const ENCODINGS: u32 = 0x6d80;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const CUES: u32 = 0x1c53_bb6b;
const VOID: u32 = 0xec;
const CRC: u32 = 0xbf;
/// Tags, attachments and chapters.
const EXTRAS: [u32; 3] = [0x1254_c367, 0x1941_a469, 0x1043_a770];
/// What begins a new part of the segment, and so ends a cluster of unknown size.
const PARTS: [u32; 8] = [SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES, EXTRAS[0], EXTRAS[1], EXTRAS[2]];

/// A nanosecond's share: ticks are this long unless the file says otherwise.
const SCALE: u64 = 1_000_000;

#[derive(Default)]
struct Video {
    number: u64,
    width: u32,
    height: u32,
    /// Nanoseconds of a frame, or zero.
    frame: u64,
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// What is to be blanked.
    extras: Vec<Element>,
    scale: u64,
    said: Option<Duration>,
    video: Option<Video>,
    sound: Option<u64>,
    frames: u32,
    /// First and last tick of the video's frames.
    ticks: Option<(i64, i64)>,
}

/// Reads a WebM and blanks its metadata.
pub(crate) fn read(bytes: &mut [u8]) -> Result<Clip, Refusal> {
    let mut reader = Reader {
        bytes,
        extras: Vec::new(),
        scale: SCALE,
        said: None,
        video: None,
        sound: None,
        frames: 0,
        ticks: None,
    };
    reader.file()?;
    let clip = reader.clip()?;
    let extras = reader.extras;
    for extra in &extras {
        blank(bytes, extra);
    }
    Ok(clip)
}

impl<'a> Reader<'a> {
    fn child(&self, at: usize, within: &Range<usize>, of: &str) -> Result<Element, Refusal> {
        element(self.bytes, at, within.end).ok_or_else(|| Refusal::damaged(of))
    }

    fn content(&self, element: &Element) -> &'a [u8] {
        self.bytes.get(element.content.clone()).unwrap_or_default()
    }

    fn number(&self, element: &Element) -> u64 {
        be(self.content(element)).unwrap_or(0)
    }

    /// The children of an element of known size, in one list: heads are small, and their elements are not
    /// shorter than two bytes.
    fn children(&self, parent: &Element, of: &str) -> Result<Vec<Element>, Refusal> {
        const CHILDREN_MAX: usize = 4096;
        let (mut at, mut all) = (parent.content.start, Vec::new());
        while at < parent.content.end {
            let child = self.child(at, &parent.content, of)?;
            if child.open || all.len() >= CHILDREN_MAX {
                return Err(Refusal::damaged(of));
            }
            at = child.content.end;
            all.push(child);
        }
        Ok(all)
    }

    fn file(&mut self) -> Result<(), Refusal> {
        let whole = 0..self.bytes.len();
        let head = self.child(0, &whole, "the head of a WebM")?;
        if head.id != EBML || head.open {
            return Err(Refusal::damaged("the head of a WebM"));
        }
        let kind = self.children(&head, "the head of a WebM")?;
        let kind = kind.iter().find(|child| child.id == DOC_TYPE).map_or(&[][..], |kind| self.content(kind));
        if !kind.starts_with(b"webm") {
            return Err(codec(format_args!("a file of the kind {}", shown(kind))));
        }
        let mut at = head.content.end;
        let mut segment = None;
        while at < whole.end {
            let Some(part) = element(self.bytes, at, whole.end) else {
                return Err(match segment {
                    Some(()) => surplus("bytes behind the end of the WebM"),
                    None => Refusal::damaged("a WebM ends before its segment does"),
                });
            };
            at = part.content.end;
            match part.id {
                SEGMENT if segment.is_none() => {
                    self.segment(&part)?;
                    segment = Some(());
                }
                VOID => self.extras.push(part),
                _ => return Err(surplus("something beside the segment of the WebM")),
            }
        }
        segment.ok_or_else(|| Refusal::damaged("a WebM without a segment"))
    }

    fn segment(&mut self, segment: &Element) -> Result<(), Refusal> {
        let mut at = segment.content.start;
        while at < segment.content.end {
            let part = self.child(at, &segment.content, "a part of the WebM")?;
            if part.open && part.id != CLUSTER {
                return Err(Refusal::damaged("a part of the WebM has no size"));
            }
            at = match part.id {
                CLUSTER => self.cluster(&part)?,
                _ => part.content.end,
            };
            match part.id {
                INFO => self.info(&part)?,
                TRACKS => self.tracks(&part)?,
                CLUSTER | SEEK_HEAD | CUES => {}
                VOID | CRC => self.extras.push(part),
                id if EXTRAS.contains(&id) => self.extras.push(part),
                _ => return Err(surplus("a part that a WebM does not have")),
            }
        }
        Ok(())
    }

    fn info(&mut self, info: &Element) -> Result<(), Refusal> {
        let mut said = None;
        for child in self.children(info, "the info of the WebM")? {
            match child.id {
                TIMESTAMP_SCALE => self.scale = self.number(&child),
                DURATION => said = float(self.content(&child)),
                id if APPS.contains(&id) => {}
                _ => self.extras.push(child),
            }
        }
        if !(1_000..=1_000_000_000).contains(&self.scale) {
            return Err(Refusal::new(Reason::Duration, "the WebM counts time in ticks of no use"));
        }
        // Ticks of a microsecond to a second; what does not fit was no duration.
        self.said = said.and_then(|ticks| {
            let tick = Duration::from_nanos(self.scale).as_secs_f64();
            Duration::try_from_secs_f64(ticks * tick).ok()
        });
        Ok(())
    }

    fn tracks(&mut self, tracks: &Element) -> Result<(), Refusal> {
        for entry in self.children(tracks, "the tracks of the WebM")? {
            match entry.id {
                TRACK_ENTRY => self.track(&entry)?,
                _ => self.extras.push(entry),
            }
        }
        Ok(())
    }

    fn track(&mut self, entry: &Element) -> Result<(), Refusal> {
        let (mut video, mut kind, mut name) = (Video::default(), 0, &[][..]);
        for child in self.children(entry, "a track of the WebM")? {
            match child.id {
                TRACK_NUMBER => video.number = self.number(&child),
                TRACK_TYPE => kind = self.number(&child),
                CODEC_ID => name = self.content(&child),
                DEFAULT_DURATION => video.frame = self.number(&child),
                ENCODINGS => return Err(codec("a track that is compressed again or encrypted")),
                VIDEO => {
                    for child in self.children(&child, "the video track of the WebM")? {
                        let number = u32::try_from(self.number(&child)).unwrap_or(u32::MAX);
                        match child.id {
                            PIXEL_WIDTH => video.width = number,
                            PIXEL_HEIGHT => video.height = number,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let name: Vec<u8> = name.iter().copied().take_while(|byte| *byte != 0).collect();
        match (kind, name.as_slice()) {
            (1, b"V_VP9") if self.video.is_none() => self.video = Some(video),
            (1, b"V_VP9") => return Err(codec("a second video track")),
            (2, b"A_OPUS" | b"A_VORBIS") if self.sound.is_none() => self.sound = Some(video.number),
            (2, b"A_OPUS" | b"A_VORBIS") => return Err(codec("a second sound track")),
            (1 | 2, other) => return Err(codec(shown(other))),
            _ => return Err(codec("a track that is neither video nor sound")),
        }
        Ok(())
    }

    /// Where what follows the cluster begins.
    fn cluster(&mut self, cluster: &Element) -> Result<usize, Refusal> {
        let (mut at, mut start) = (cluster.content.start, 0_i64);
        while at < cluster.content.end {
            let child = self.child(at, &cluster.content, "a cluster of the WebM")?;
            if cluster.open && PARTS.contains(&child.id) {
                return Ok(at);
            }
            if child.open {
                return Err(Refusal::damaged("a part of a cluster has no size"));
            }
            at = child.content.end;
            match child.id {
                TIMESTAMP => start = i64::try_from(self.number(&child)).unwrap_or(0),
                SIMPLE_BLOCK => self.block(&child, start)?,
                BLOCK_GROUP => {
                    for part in self.children(&child, "a block group of the WebM")? {
                        match part.id {
                            BLOCK => self.block(&part, start)?,
                            VOID => self.extras.push(part),
                            _ => {}
                        }
                    }
                }
                VOID => self.extras.push(child),
                _ => {}
            }
        }
        Ok(at)
    }

    fn block(&mut self, block: &Element, start: i64) -> Result<(), Refusal> {
        let cut = || Refusal::damaged("a block of the WebM");
        let content = self.content(block);
        let (track, length) = vint(content, 0).ok_or_else(cut)?;
        let track = track.ok_or_else(cut)?;
        let head = content.get(length..length + 3).ok_or_else(cut)?;
        let &[high, low, flags] = head else { return Err(cut()) };
        let video = self.video.as_ref().ok_or_else(|| Refusal::damaged("blocks stand before the tracks"))?;
        if track != video.number {
            let known = self.sound == Some(track);
            return if known { Ok(()) } else { Err(surplus("blocks of a track that is not there")) };
        }
        if flags & 0x06 != 0 {
            return Err(codec("a video track with several frames in a block"));
        }
        let frame = content.get(length + 3..).unwrap_or_default();
        match vp9::head(frame) {
            None => return Err(contradiction("a frame is no VP9")),
            Some(Head::Key { width, height }) if (width, height) != (video.width, video.height) => {
                let (head_w, head_h) = (video.width, video.height);
                return Err(contradiction(format_args!(
                    "its head says {head_w} x {head_h} and a frame says {width} x {height}"
                )));
            }
            Some(Head::Inter) if self.frames == 0 => return Err(contradiction("no key frame comes first")),
            Some(_) => {}
        }
        self.frames += 1;
        if self.frames > FRAMES_MAX {
            return Err(Refusal::new(Reason::Duration, format!("a video has at most {FRAMES_MAX} frames")));
        }
        let tick = start.saturating_add(i64::from(i16::from_be_bytes([high, low])));
        let (first, last) = self.ticks.unwrap_or((tick, tick));
        self.ticks = Some((first.min(tick), last.max(tick)));
        Ok(())
    }

    /// The longer one of what the head says and what the frames say.
    fn clip(&self) -> Result<Clip, Refusal> {
        let video = self.video.as_ref().ok_or_else(|| Refusal::damaged("a WebM without a video track"))?;
        let (first, last) = self.ticks.ok_or_else(|| Refusal::damaged("a WebM without a frame"))?;
        let span = Duration::from_nanos(last.abs_diff(first).saturating_mul(self.scale));
        let frame = match (video.frame, self.frames) {
            (0, 0 | 1) => Duration::ZERO,
            (0, frames) => span / (frames - 1),
            (nanos, _) => Duration::from_nanos(nanos.min(1_000_000_000)),
        };
        let runs = self.said.unwrap_or_default().max(span.saturating_add(frame));
        Ok(Clip {
            width: video.width,
            height: video.height,
            duration_ms: u32::try_from(runs.as_millis()).unwrap_or(u32::MAX),
            frames: self.frames,
            sound: self.sound.is_some(),
        })
    }
}

/// A float of four or eight bytes, if it is a number from zero on.
fn float(bytes: &[u8]) -> Option<f64> {
    let value = match bytes.len() {
        4 => f64::from(f32::from_be_bytes(bytes.try_into().ok()?)),
        8 => f64::from_be_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    (value.is_finite() && value >= 0.0).then_some(value)
}
