//! `/assets` and `/api/assets`: images and videos, named by the hash of their content.

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::ports::Principal;
use serde::Serialize;
use sha2::Digest;
use std::path::Path as FilePath;

/// An asset in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Hash and extension.
    pub name: String,
    /// Natural width.
    pub width: u32,
    /// Natural height.
    pub height: u32,
    /// A video, not an image.
    #[serde(skip)]
    pub video: bool,
    /// It can be heard.
    pub sound: bool,
}

/// The formats that are taken: by their first bytes, never by a name or a header.
fn sniff(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if at(0, b"\x89PNG\r\n\x1a\n") {
        Some(("png", "image/png"))
    } else if at(0, b"\xff\xd8\xff") {
        Some(("jpg", "image/jpeg"))
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some(("webp", "image/webp"))
    } else if at(4, b"ftypavif") {
        Some(("avif", "image/avif"))
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        Some(("webm", "video/webm"))
    } else {
        None
    }
}

/// Width and height. Of a WebM they are read from its first video track.
fn size(bytes: &[u8], extension: &str) -> Option<(u32, u32)> {
    if extension == "webm" {
        return webm_size(bytes);
    }
    let size = imagesize::blob_size(bytes).ok()?;
    Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))
}

/// PixelWidth and PixelHeight (EBML ids B0 and BA) of the first track, in the head of the file.
fn webm_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes.get(..bytes.len().min(4096))?;
    let number = |id: u8| {
        head.windows(4).find_map(|window| match window {
            &[first, 0x82, high, low] if first == id => Some(u32::from(u16::from_be_bytes([high, low]))),
            _ => None,
        })
    };
    Some((number(0xb0)?, number(0xba)?))
}

/// Whether the file names a codec that a browser plays in a WebM, wherever it does: nobody hides a sound
/// track behind padding.
fn has_sound(bytes: &[u8]) -> bool {
    let holds = |codec: &[u8]| bytes.windows(codec.len()).any(|window| window == codec);
    holds(b"A_OPUS") || holds(b"A_VORBIS")
}

/// Keeps content under the name of its hash; the same content is kept once.
///
/// # Errors
/// The format is not taken, or the folder can not be written.
pub fn keep(folder: &FilePath, bytes: &[u8]) -> Result<Stored, Problem> {
    let stored = inspect(bytes)?;
    write(folder, &stored.name, bytes)?;
    Ok(stored)
}

/// What the content would be kept as.
fn inspect(bytes: &[u8]) -> Result<Stored, Problem> {
    let refused = || Problem::unsupported("PNG, JPEG, WebP, AVIF or WebM, by its content");
    let (extension, _) = sniff(bytes).ok_or_else(refused)?;
    let (width, height) = size(bytes, extension).ok_or_else(refused)?;
    let sound = extension == "webm" && has_sound(bytes);
    if width == 0 || height == 0 || width > 4096 || height > 4096 {
        return Err(Problem::unsupported("a picture has 1 to 4096 pixels a side"));
    }
    let hash: String =
        sha2::Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(Stored { name: format!("{hash}.{extension}"), width, height, video: extension == "webm", sound })
}

fn write(folder: &FilePath, name: &str, bytes: &[u8]) -> Result<(), Problem> {
    let path = folder.join(name);
    if !path.exists() {
        // Under another name first: nobody is served half a file.
        let part = folder.join(format!("{name}.part"));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&part, bytes))
            .and_then(|()| std::fs::rename(&part, &path));
        written.map_err(|error| {
            tracing::error!(
                %error,
                folder = %folder.display(),
                "an asset can not be written; is the disk full?",
            );
            Problem::unavailable()
        })?;
    }
    Ok(())
}

/// An asset that is in the folder.
#[must_use]
pub(super) fn stored(folder: &FilePath, name: &str) -> Option<Stored> {
    if !is_name(name) {
        return None;
    }
    let bytes = std::fs::read(folder.join(name)).ok()?;
    let (extension, _) = sniff(&bytes)?;
    let (width, height) = size(&bytes, extension)?;
    let video = extension == "webm";
    Some(Stored { name: name.to_owned(), width, height, video, sound: video && has_sound(&bytes) })
}

/// 32 hex digits, a dot, and an extension of ours: no path can be smuggled in.
fn is_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, extension)| {
        hash.len() == 32
            && hash.bytes().all(|b| b.is_ascii_hexdigit())
            && matches!(extension, "png" | "jpg" | "webp" | "avif" | "webm")
    })
}

pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    mut body: Payload,
) -> Result<HttpResponse, Problem> {
    if !matches!(caller.0, Principal::Brand(_) | Principal::Admin) {
        return Err(Problem::forbidden("a brand's key is needed"));
    }
    let (image_max, video_max) = shared.asset_bytes_max;
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| Problem::malformed(error.to_string()))?);
        let most = if bytes.starts_with(b"\x1a\x45\xdf\xa3") { video_max } else { image_max };
        if bytes.len() > most {
            return Err(Problem::too_large(format!(
                "images have at most {image_max} bytes, videos {video_max}"
            )));
        }
    }
    let kept = inspect(&bytes)?;
    if let Principal::Brand(brand) = caller.0 {
        charge(&shared, brand, (&kept.name, bytes.len())).await?;
    }
    let (folder, name) = (shared.assets.clone(), kept.name.clone());
    let written = actix_web::web::block(move || write(&folder, &name, &bytes)).await;
    written.map_err(|_| Problem::unavailable())??;
    Ok(HttpResponse::Created().insert_header(("location", format!("/assets/{}", kept.name))).json(kept))
}

/// Counts an upload against the brand's quota, before anything is written.
async fn charge(shared: &Shared, brand: BrandId, (name, bytes): (&str, usize)) -> Result<(), Problem> {
    let (engine, quota) = (&shared.engine, shared.brand_bytes_max);
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if engine.ports.campaigns.charge_asset(brand, (name, bytes), quota, engine.now()).await? {
        return Ok(());
    }
    let detail = format!("all uploads of a brand have at most {quota} bytes, and this one would go beyond");
    Err(Problem::no_room("asset-quota", detail))
}

pub(super) async fn serve(
    shared: Data<Shared>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !is_name(&name) {
        return Err(Problem::not_found());
    }
    let path = shared.assets.join(&*name);
    let read =
        actix_web::web::block(move || std::fs::read(path)).await.map_err(|_| Problem::unavailable())?;
    let bytes = bytes::Bytes::from(read.map_err(|_| Problem::not_found())?);
    let (_, mime) = sniff(&bytes).ok_or_else(Problem::not_found)?;
    let total = bytes.len();
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, mime))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    let Some((from, to)) = range.and_then(|range| span(range, total)) else {
        return Ok(response.body(bytes));
    };
    response.status(actix_web::http::StatusCode::PARTIAL_CONTENT);
    response.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{total}")));
    Ok(response.body(bytes.slice(from..=to)))
}

/// `bytes=FROM-TO`, `bytes=FROM-` or `bytes=-LAST`; one span only, anything else gets everything.
fn span(range: &str, total: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = total.checked_sub(1)?;
    match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) if from <= to && from <= last => Some((from, to.min(last))),
        (Ok(from), Err(_)) if to.is_empty() && from <= last => Some((from, last)),
        (Err(_), Ok(count)) if from.is_empty() && count > 0 => Some((total.saturating_sub(count), last)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_reach_the_folder() {
        assert!(is_name("0123456789abcdef0123456789abcdef.webp"));
        for bad in [
            "../etc/passwd",
            "0123456789abcdef0123456789abcdef.svg",
            "x.png",
            "0123456789abcdef0123456789abcdef.webp/..",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn content_decides_what_a_file_is() {
        let folder = std::env::temp_dir().join(format!("gametriggers-asset-{}", std::process::id()));
        let webp = include_bytes!("../../config/demo/voltade-lower-third.webp");
        let kept = keep(&folder, webp).unwrap();
        assert_eq!((kept.width, kept.height, kept.video), (1200, 240, false));
        assert_eq!(stored(&folder, &kept.name), Some(kept));
        let webm = keep(&folder, include_bytes!("../../config/demo/voltade-loop.webm")).unwrap();
        assert_eq!((webm.width, webm.height, webm.video, webm.sound), (640, 360, true, false));
        let mut loud = include_bytes!("../../config/demo/voltade-loop.webm").to_vec();
        loud.extend(b"\x86\x86A_OPUS");
        let loud = keep(&folder, &loud).unwrap();
        assert!(loud.sound && stored(&folder, &loud.name) == Some(loud));
        for bad in [&b""[..], b"<svg/>", b"GIF89a", b"\x89PNG\r\n\x1a\n", &webp[..20]] {
            assert!(keep(&folder, bad).is_err());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn ranges_stay_inside_the_file() {
        assert_eq!(span("bytes=0-3", 10), Some((0, 3)));
        assert_eq!(span("bytes=8-99", 10), Some((8, 9)));
        assert_eq!(span("bytes=4-", 10), Some((4, 9)));
        assert_eq!(span("bytes=-4", 10), Some((6, 9)));
        for bad in ["bytes=10-", "bytes=5-4", "bytes=", "bytes=-0", "bytes=0-1,3-4", "lines=0-1"] {
            assert_eq!(span(bad, 10), None, "{bad}");
        }
        assert_eq!(span("bytes=0-0", 0), None);
    }
}
