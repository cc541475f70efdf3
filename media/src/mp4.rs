//! MP4: its boxes and the tables of its tracks, no sample decoded.

use crate::avc;
use crate::bits::be_at;
use crate::clip::{Clip, FRAMES_MAX, codec, contradiction, shown, surplus};
use crate::refusal::{Reason, Refusal};
use std::ops::Range;

/// A box: its kind, and where it lies in the file.
#[derive(Clone, Debug)]
struct Part {
    kind: [u8; 4],
    from: usize,
    content: Range<usize>,
}

/// What is blanked, wherever it stands: notes, places, padding.
const EXTRAS: [&[u8; 4]; 7] = [b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"iods"];
/// Boxes of a kind, at most: no honest head has more.
const PARTS_MAX: usize = 256;

#[derive(Default)]
struct Found {
    video: Option<Clip>,
    sound: bool,
    /// Bytes of all samples.
    samples: u64,
    extras: Vec<Part>,
}

/// Reads an MP4 and blanks its metadata.
pub(crate) fn read(bytes: &mut [u8]) -> Result<Clip, Refusal> {
    let mut found = Found::default();
    let (mut head, mut data) = (false, 0_u64);
    for (at, part) in parts(bytes, 0..bytes.len())?.into_iter().enumerate() {
        match &part.kind {
            b"ftyp" if at == 0 => {}
            b"moov" if !head => {
                movie(bytes, &part, &mut found)?;
                head = true;
            }
            b"mdat" => data += u64::try_from(part.content.len()).unwrap_or(u64::MAX),
            b"moof" | b"sidx" | b"styp" => {
                return Err(codec("an MP4 in fragments"));
            }
            kind if EXTRAS.contains(&kind) => found.extras.push(part),
            kind => return Err(surplus(&format!("a box of the kind {}", shown(kind)))),
        }
    }
    if !head {
        return Err(Refusal::damaged("an MP4 without its head (moov)"));
    }
    let clip = found.video.ok_or_else(|| Refusal::damaged("an MP4 without a video track"))?;
    if found.samples > data {
        return Err(Refusal::damaged("the MP4 holds less than its tables say"));
    }
    for extra in &found.extras {
        blank(bytes, extra);
    }
    Ok(Clip { sound: found.sound, ..clip })
}

/// Turns a box into padding of the same length.
fn blank(bytes: &mut [u8], part: &Part) {
    if let Some(kind) = bytes.get_mut(part.from + 4..part.from + 8) {
        kind.copy_from_slice(b"free");
    }
    if let Some(content) = bytes.get_mut(part.content.clone()) {
        content.fill(0);
    }
}

/// The boxes that lie in a place, which they have to fill to its last byte.
fn parts(bytes: &[u8], within: Range<usize>) -> Result<Vec<Part>, Refusal> {
    let cut = || Refusal::damaged("a box of the MP4");
    let (mut at, mut all) = (within.start, Vec::new());
    while at < within.end {
        let size = be_at(bytes, at, 4).ok_or_else(cut)?;
        let kind: [u8; 4] =
            bytes.get(at + 4..at + 8).and_then(|kind| kind.try_into().ok()).ok_or_else(cut)?;
        let (head, size) = match size {
            // To the end of the file, and so of nothing inside a box.
            0 if within.end == bytes.len() => (8, within.end - at),
            1 => (16, usize::try_from(be_at(bytes, at + 8, 8).ok_or_else(cut)?).map_err(|_| cut())?),
            size => (8, usize::try_from(size).map_err(|_| cut())?),
        };
        let end = at.checked_add(size).filter(|end| size >= head && *end <= within.end).ok_or_else(cut)?;
        if all.len() >= PARTS_MAX {
            return Err(surplus("more boxes than an MP4 has"));
        }
        all.push(Part { kind, from: at, content: at + head..end });
        at = end;
    }
    Ok(all)
}

fn one<'a>(parts: &'a [Part], kind: &[u8; 4]) -> Result<&'a Part, Refusal> {
    let missing = || Refusal::damaged(&format!("the MP4 has no box {}", shown(kind)));
    parts.iter().find(|part| &part.kind == kind).ok_or_else(missing)
}

fn movie(bytes: &[u8], movie: &Part, found: &mut Found) -> Result<(), Refusal> {
    for part in parts(bytes, movie.content.clone())? {
        match &part.kind {
            b"mvhd" => {}
            b"trak" => track(bytes, &part, found)?,
            b"mvex" => return Err(codec("an MP4 in fragments")),
            kind if EXTRAS.contains(&kind) => found.extras.push(part),
            kind => return Err(surplus(&format!("a box of the kind {}", shown(kind)))),
        }
    }
    Ok(())
}

fn track(bytes: &[u8], track: &Part, found: &mut Found) -> Result<(), Refusal> {
    let inside = parts(bytes, track.content.clone())?;
    let media = parts(bytes, one(&inside, b"mdia")?.content.clone())?;
    let minf = parts(bytes, one(&media, b"minf")?.content.clone())?;
    let tables = parts(bytes, one(&minf, b"stbl")?.content.clone())?;
    found.samples = found.samples.saturating_add(sample_bytes(bytes, one(&tables, b"stsz")?)?);
    let handler = &one(&media, b"hdlr")?.content;
    let kind = bytes.get(handler.start + 8..handler.start + 12).unwrap_or_default();
    match kind {
        b"vide" if found.video.is_none() => {
            let (width, height) = description(bytes, one(&tables, b"stsd")?)?;
            let duration_ms = duration(bytes, one(&media, b"mdhd")?)?;
            let frames = frames(bytes, one(&tables, b"stts")?)?;
            found.video = Some(Clip { width, height, duration_ms, frames, sound: false });
        }
        b"vide" => return Err(codec("a second video track")),
        b"soun" if !found.sound => {
            let entry = entry(bytes, one(&tables, b"stsd")?)?;
            if &entry.kind != b"mp4a" {
                return Err(codec(shown(&entry.kind)));
            }
            found.sound = true;
        }
        b"soun" => return Err(codec("a second sound track")),
        _ => return Err(codec("a track that is neither video nor sound")),
    }
    for extra in [inside, media, minf].into_iter().flatten() {
        if EXTRAS.contains(&&extra.kind) {
            found.extras.push(extra);
        }
    }
    Ok(())
}

/// The only entry of a description: players take the first, and others could be anything.
fn entry(bytes: &[u8], described: &Part) -> Result<Part, Refusal> {
    let content = &described.content;
    let entries = parts(bytes, content.start.saturating_add(8).min(content.end)..content.end)?;
    match <[Part; 1]>::try_from(entries) {
        Ok([entry]) => Ok(entry),
        Err(_) => Err(codec("a track that changes its codec")),
    }
}

fn description(bytes: &[u8], described: &Part) -> Result<(u32, u32), Refusal> {
    const FIXED: usize = 78;
    let entry = entry(bytes, described)?;
    if &entry.kind != b"avc1" {
        return Err(codec(shown(&entry.kind)));
    }
    let at = entry.content.start;
    let side = |offset: usize| be_at(bytes, at + offset, 2).and_then(|side| u32::try_from(side).ok());
    let said = side(24).zip(side(26)).ok_or_else(|| Refusal::damaged("the video track of the MP4"))?;
    let more = parts(bytes, at.saturating_add(FIXED).min(entry.content.end)..entry.content.end)?;
    let configuration = bytes.get(one(&more, b"avcC")?.content.clone()).unwrap_or_default();
    let coded =
        avc::size(configuration).ok_or_else(|| contradiction("its H.264 parameters can not be read"))?;
    if coded != said {
        let ((said_w, said_h), (width, height)) = (said, coded);
        return Err(contradiction(format_args!(
            "its head says {said_w} x {said_h} and its pictures are {width} x {height}"
        )));
    }
    Ok(said)
}

fn duration(bytes: &[u8], head: &Part) -> Result<u32, Refusal> {
    let at = head.content.start;
    let (scale, ticks) = match bytes.get(at) {
        Some(0) => (be_at(bytes, at + 12, 4), be_at(bytes, at + 16, 4)),
        Some(1) => (be_at(bytes, at + 20, 4), be_at(bytes, at + 24, 8)),
        _ => (None, None),
    };
    let unknown = || Refusal::new(Reason::Duration, "the MP4 does not say how long it runs");
    let (scale, ticks) = scale.zip(ticks).filter(|(scale, _)| *scale > 0).ok_or_else(unknown)?;
    Ok(u32::try_from(u128::from(ticks) * 1000 / u128::from(scale)).unwrap_or(u32::MAX))
}

/// The rows of a table after its version and its count: each of `width` bytes.
fn rows<'a>(bytes: &'a [u8], table: &Part, skip: usize, width: usize) -> Result<&'a [u8], Refusal> {
    let cut = || Refusal::damaged("a table of the MP4");
    let content = bytes.get(table.content.clone()).ok_or_else(cut)?;
    let count = usize::try_from(be_at(content, skip, 4).ok_or_else(cut)?).map_err(|_| cut())?;
    let length = count.checked_mul(width).ok_or_else(cut)?;
    content.get(skip + 4..(skip + 4).checked_add(length).ok_or_else(cut)?).ok_or_else(cut)
}

fn frames(bytes: &[u8], times: &Part) -> Result<u32, Refusal> {
    let rows = rows(bytes, times, 4, 8)?;
    let count =
        rows.chunks_exact(8).fold(0_u64, |sum, row| sum.saturating_add(be_at(row, 0, 4).unwrap_or(0)));
    if count > u64::from(FRAMES_MAX) {
        return Err(Refusal::new(Reason::Duration, format!("a video has at most {FRAMES_MAX} frames")));
    }
    u32::try_from(count).map_err(|_| Refusal::damaged("a table of the MP4"))
}

/// Bytes of all samples: of one size, or each with its own.
fn sample_bytes(bytes: &[u8], sizes: &Part) -> Result<u64, Refusal> {
    let cut = || Refusal::damaged("a table of the MP4");
    let at = sizes.content.start;
    let (same, count) = be_at(bytes, at + 4, 4).zip(be_at(bytes, at + 8, 4)).ok_or_else(cut)?;
    if same > 0 {
        return Ok(same.saturating_mul(count));
    }
    let rows = rows(bytes, sizes, 8, 4)?;
    Ok(rows.chunks_exact(4).fold(0_u64, |sum, row| sum.saturating_add(be_at(row, 0, 4).unwrap_or(0))))
}
