//! Which format an upload is, by its first bytes.

use crate::refusal::{Reason, Refusal};

/// What is taken, for people.
pub const TAKEN: &str = "PNG, JPEG, still WebP or still GIF, WebM with VP9, or MP4 with H.264";
/// As many first bytes as are looked at.
pub const HEAD: usize = 512;

/// A format that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// WebM.
    Webm,
    /// MP4.
    Mp4,
}

impl Format {
    /// A video, not a picture.
    #[must_use]
    pub const fn is_video(self) -> bool {
        matches!(self, Self::Webm | Self::Mp4)
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Webm => "video/webm",
            Self::Mp4 => "video/mp4",
        }
    }
}

/// The format of a file.
///
/// # Errors
/// It is empty, or none that is taken; the refusal names those that are.
pub fn sniff(bytes: &[u8]) -> Result<Format, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::new(Reason::Empty, format!("the upload has no bytes; send {TAKEN}")));
    }
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if at(0, b"\x89PNG\r\n\x1a\n") {
        Ok(Format::Png)
    } else if at(0, b"\xff\xd8\xff") {
        Ok(Format::Jpeg)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Ok(Format::Webp)
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        Ok(Format::Gif)
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        Ok(Format::Webm)
    } else if at(4, b"ftyp") {
        brand(bytes)
    } else {
        Err(stranger(bytes))
    }
}

/// Pictures and videos share this family of files; the brand tells them apart.
fn brand(bytes: &[u8]) -> Result<Format, Refusal> {
    match bytes.get(8..12) {
        Some(b"avif" | b"avis") => Err(not_taken("AVIF")),
        Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1") => Err(not_taken("HEIC")),
        Some(b"qt  ") => Err(not_taken("QuickTime")),
        _ => Ok(Format::Mp4),
    }
}

fn not_taken(name: &str) -> Refusal {
    Refusal::new(Reason::Format, format!("{name} is not taken; send {TAKEN}"))
}

/// The name of what is often sent and never taken.
fn stranger(bytes: &[u8]) -> Refusal {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or_default());
    let head = head.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if head.starts_with("<svg") || (head.starts_with('<') && head.contains("<svg")) {
        let detail = "SVG is not taken, since it can carry scripts and load what it likes; export it as PNG, \
                      at least twice as large as it is shown";
        return Refusal::new(Reason::Svg, detail);
    }
    let known: [(&[u8], &str); 6] = [
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"%PDF", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x8b", "gzip"),
    ];
    match known.into_iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, name)) => not_taken(name),
        None => {
            Refusal::new(Reason::Unknown, format!("the bytes begin like no format that is taken: {TAKEN}"))
        }
    }
}

/// Compares the format with the type that the sender declared. Types that say nothing are no declaration.
///
/// # Errors
/// It was declared to be something else.
pub fn declared(format: Format, media_type: &str) -> Result<(), Refusal> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let says_nothing =
        ["", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"];
    let agrees = essence == format.media_type() || (format == Format::Jpeg && essence == "image/jpg");
    if agrees || says_nothing.contains(&essence.as_str()) {
        return Ok(());
    }
    let shown: String = essence.chars().take(60).filter(|c| !c.is_control()).collect();
    let detail = format!("it is declared as {shown} and is {} by its bytes", format.media_type());
    Err(Refusal::new(Reason::Mislabelled, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_called_by_its_name() {
        let svg = b"\xef\xbb\xbf <?xml version=\"1.0\"?><!-- a --><svg xmlns=\"\"/>";
        for (bytes, reason, named) in [
            (&b""[..], Reason::Empty, "no bytes"),
            (b"<svg/>", Reason::Svg, "PNG"),
            (svg, Reason::Svg, "scripts"),
            (b"<!doctype html><p>", Reason::Unknown, "WebM"),
            (b"\0\0\0\x20ftypavif", Reason::Format, "AVIF"),
            (b"\0\0\0\x20ftypheic", Reason::Format, "HEIC"),
            (b"%PDF-1.7", Reason::Format, "PDF"),
            (b"PK\x03\x04", Reason::Format, "ZIP"),
            (b"MZ", Reason::Unknown, "PNG"),
        ] {
            let refused = sniff(bytes).unwrap_err();
            assert_eq!(refused.reason, reason, "{refused}");
            assert!(refused.detail.contains(named), "{refused}");
        }
        assert_eq!(sniff(b"\0\0\0\x20ftypisom"), Ok(Format::Mp4));
        assert_eq!(sniff(b"GIF89a"), Ok(Format::Gif));
    }

    #[test]
    fn a_declared_type_has_to_be_right_or_to_say_nothing() {
        for fits in ["", "image/jpeg", "IMAGE/JPG", "application/octet-stream", "image/jpeg; q=1"] {
            assert_eq!(declared(Format::Jpeg, fits), Ok(()), "{fits}");
        }
        for wrong in ["image/png", "text/html", "video/mp4", "application/json"] {
            assert_eq!(declared(Format::Jpeg, wrong).unwrap_err().reason, Reason::Mislabelled, "{wrong}");
        }
    }

    #[test]
    fn each_reason_has_a_name_of_its_own() {
        let mut names = Reason::ALL.map(Reason::code).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
