//! Pictures: decoded within limits that are checked before anything is decoded, made as small as the overlay
//! shows them, and drawn anew. What comes out has no metadata and nothing of the file that came in.

use crate::gif;
use crate::refusal::{Reason, Refusal};
use crate::sniff::Format;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits, RgbaImage};
use std::io::Cursor;

/// What may be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Pixels a side, at most.
    pub side: u32,
    /// Pixels in all, at most.
    pub pixels: u64,
    /// Bytes that decoding may take, at most.
    pub memory: u64,
}

/// Quality of the lossy WebP, 0 to 100: text with edges stays clean.
const QUALITY: f32 = 88.0;

/// A box that pictures are shown in, in pixels of a page of 1920 x 1080.
pub type Place = (u32, u32);

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Lossy WebP, with its transparency.
    Webp,
    /// PNG, for what can not show WebP.
    Png,
}

/// A picture, drawn anew in one size.
#[derive(Clone, Debug)]
pub struct Rendition {
    /// How it is written.
    pub written: Written,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What an upload became.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The first is the one that is shown: WebP, sharp on a page of 3840 x 2160. Then WebP and PNG for a page
    /// of 1920 x 1080. Nothing is larger than what came in.
    pub renditions: Vec<Rendition>,
    /// Of the pixels that are shown, those that can be told from the ground, in ten-thousandths.
    pub visible_bps: u32,
}

/// Draws an uploaded picture anew. `tells` says of an opaque colour whether it can be told from `ground`, on
/// which transparent pictures are shown.
///
/// # Errors
/// It is animated, damaged, or larger than the bounds.
pub fn redraw(
    (format, bytes): (Format, &[u8]),
    bounds: Bounds,
    places: &[Place],
    (ground, tells): ([u8; 3], impl Fn([u8; 3]) -> bool),
) -> Result<Picture, Refusal> {
    let decoded = decode(format, bytes, bounds)?;
    let natural = decoded.dimensions();
    let once = largest(natural, places, 1);
    let twice = largest(natural, places, 2);
    let sharp = fit(decoded, twice);
    let first = webp(&sharp)?;
    let usual = fit(sharp, once);
    let visible_bps = visible(&usual, ground, tells);
    let (second, plain) = (webp(&usual)?, png(&usual)?);
    // A small picture needs no second size.
    let renditions = if once == twice { vec![first, plain] } else { vec![first, second, plain] };
    Ok(Picture { renditions, visible_bps })
}

/// The size in which the places show a picture, at `scale` pixels to one of the page, and never larger than
/// it is.
fn largest((width, height): (u32, u32), places: &[Place], scale: u32) -> (u32, u32) {
    let (w, h) = (u64::from(width), u64::from(height));
    let shown = places.iter().map(|(most_w, most_h)| {
        let (most_w, most_h) = (u64::from(most_w * scale), u64::from(most_h * scale));
        // The width when the box is full: of it, or of what its height allows.
        most_w.min((most_h * w).div_ceil(h.max(1)))
    });
    let wide = shown.max().unwrap_or(w).clamp(1, w);
    let high = ((h * wide + w / 2) / w.max(1)).clamp(1, h);
    (u32::try_from(wide).unwrap_or(width), u32::try_from(high).unwrap_or(height))
}

fn fit(picture: RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    if picture.dimensions() == (width, height) {
        return picture;
    }
    resize(&picture, width, height, FilterType::CatmullRom)
}

fn decode(format: Format, bytes: &[u8], bounds: Bounds) -> Result<RgbaImage, Refusal> {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(bounds.side), Some(bounds.side));
    limits.max_alloc = Some(bounds.memory);
    let from = Cursor::new(bytes);
    let refused = |error| refusal(error, bounds);
    match format {
        Format::Png => {
            let decoder = PngDecoder::with_limits(from, limits.clone()).map_err(refused)?;
            still(!decoder.is_apng().map_err(refused)?, "an animated PNG")?;
            pixels(decoder, limits, bounds)
        }
        Format::Jpeg => pixels(JpegDecoder::new(from).map_err(refused)?, limits, bounds),
        Format::Webp => {
            let decoder = WebPDecoder::new(from).map_err(refused)?;
            still(!decoder.has_animation(), "an animated WebP")?;
            pixels(decoder, limits, bounds)
        }
        Format::Gif => {
            still(gif::pictures(bytes, 2)? < 2, "an animated GIF")?;
            pixels(GifDecoder::new(from).map_err(refused)?, limits, bounds)
        }
        Format::Webm | Format::Mp4 => Err(Refusal::new(Reason::Mislabelled, "a video is no picture")),
    }
}

fn still(is: bool, what: &str) -> Result<(), Refusal> {
    if is {
        return Ok(());
    }
    let detail = format!("{what} is not taken: what moves is sent as a video, WebM with VP9");
    Err(Refusal::new(Reason::Animated, detail))
}

/// Looks at the size before a pixel is decoded. The turn that a camera noted is carried out, since the note
/// goes.
fn pixels(mut decoder: impl ImageDecoder, limits: Limits, bounds: Bounds) -> Result<RgbaImage, Refusal> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Refusal::damaged("it has no pixels"));
    }
    let all = u64::from(width) * u64::from(height);
    if width > bounds.side || height > bounds.side || all > bounds.pixels {
        return Err(too_many(bounds, &format!("{width} x {height}")));
    }
    if decoder.total_bytes() > bounds.memory {
        return Err(too_much(bounds));
    }
    let refused = |error| refusal(error, bounds);
    decoder.set_limits(limits).map_err(refused)?;
    let turn = decoder.orientation().map_err(refused)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(turn);
    Ok(picture.into_rgba8())
}

fn too_many(bounds: Bounds, found: &str) -> Refusal {
    let detail = format!(
        "a picture has at most {} pixels a side and {} in all, and this one has {found}",
        bounds.side, bounds.pixels
    );
    Refusal::new(Reason::Pixels, detail)
}

fn too_much(bounds: Bounds) -> Refusal {
    let detail = format!(
        "to decode it takes more than {} bytes of memory; send it smaller, or with 8 bits a colour",
        bounds.memory
    );
    Refusal::new(Reason::Memory, detail)
}

fn refusal(error: ImageError, bounds: Bounds) -> Refusal {
    use image::error::LimitErrorKind;
    match error {
        ImageError::Limits(limit) => match limit.kind() {
            LimitErrorKind::DimensionError => too_many(bounds, "more"),
            _ => too_much(bounds),
        },
        ImageError::Unsupported(kind) => {
            Refusal::new(Reason::Format, format!("this variant of the format is not taken: {kind}"))
        }
        other => Refusal::damaged(&other.to_string().chars().take(200).collect::<String>()),
    }
}

fn webp(picture: &RgbaImage) -> Result<Rendition, Refusal> {
    let (width, height) = picture.dimensions();
    // An opaque picture is written without a layer for its transparency.
    let opaque = picture.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let encoded = if opaque {
        let rgb = DynamicImage::ImageRgba8(picture.clone()).into_rgb8();
        webp::Encoder::from_rgb(&rgb, width, height).encode_simple(false, QUALITY)
    } else {
        webp::Encoder::from_rgba(picture, width, height).encode_simple(false, QUALITY)
    };
    let failed = |_| Refusal::new(Reason::Memory, "the picture could not be written as WebP");
    Ok(Rendition { written: Written::Webp, width, height, bytes: encoded.map_err(failed)?.to_vec() })
}

fn png(picture: &RgbaImage) -> Result<Rendition, Refusal> {
    let (width, height) = picture.dimensions();
    let mut to = Cursor::new(Vec::new());
    let failed = |_| Refusal::new(Reason::Memory, "the picture could not be written as PNG");
    let opaque = picture.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    if opaque {
        let rgb = DynamicImage::ImageRgba8(picture.clone()).into_rgb8();
        rgb.write_to(&mut to, ImageFormat::Png).map_err(failed)?;
    } else {
        picture.write_to(&mut to, ImageFormat::Png).map_err(failed)?;
    }
    Ok(Rendition { written: Written::Png, width, height, bytes: to.into_inner() })
}

/// The share of pixels that can be told from the ground once they lie on it.
fn visible(picture: &RgbaImage, ground: [u8; 3], tells: impl Fn([u8; 3]) -> bool) -> u32 {
    let over = |color: u8, below: u8, alpha: u8| {
        let (color, below, alpha) = (u32::from(color), u32::from(below), u32::from(alpha));
        u8::try_from((color * alpha + below * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    };
    let seen = picture.pixels().filter(|pixel| {
        let [r, g, b, alpha] = pixel.0;
        let [under_r, under_g, under_b] = ground;
        tells([over(r, under_r, alpha), over(g, under_g, alpha), over(b, under_b, alpha)])
    });
    let (seen, all) = (seen.count(), picture.pixels().len().max(1));
    u32::try_from(seen * 10_000 / all).unwrap_or(10_000)
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
