//! Pictures of every kind, and files that only look like them.

use super::*;
use image::codecs::gif::GifEncoder;
use image::{Frame, GrayImage, Rgba};

const BOUNDS: Bounds = Bounds { side: 4096, pixels: 8_847_360, memory: 96 << 20 };
const PLACES: [Place; 3] = [(1080, 200), (480, 400), (1240, 104)];

fn draw(format: Format, bytes: &[u8]) -> Result<Picture, Refusal> {
    redraw((format, bytes), BOUNDS, &PLACES, ([0, 0, 0], |[r, ..]| r > 99))
}

fn written(picture: &RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut to = Cursor::new(Vec::new());
    if format == ImageFormat::Gif {
        let frame = Frame::new(picture.clone());
        GifEncoder::new_with_speed(&mut to, 30).encode_frame(frame).unwrap();
        return to.into_inner();
    }
    let picture = DynamicImage::ImageRgba8(picture.clone());
    let picture = if format == ImageFormat::Jpeg { picture.into_rgb8().into() } else { picture };
    picture.write_to(&mut to, format).unwrap();
    to.into_inner()
}

fn sample(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let red = if x * 2 < width { 200 } else { 0 };
        Rgba([red, u8::try_from(y % 256).unwrap(), 90, 255])
    })
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], kind, content, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of one bit a pixel and no pixel set.
fn blank_png(side: u32) -> Vec<u8> {
    use std::io::Write;
    let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let row = vec![0; usize::try_from(side.div_ceil(8)).unwrap() + 1];
    (0..side).for_each(|_| packed.write_all(&row).unwrap());
    let data = packed.finish().unwrap();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &data), &chunk(b"IEND", b"")].concat()
}

fn refused(format: Format, bytes: &[u8]) -> Reason {
    draw(format, bytes).expect_err("it is taken").reason
}

#[test]
fn every_format_is_drawn_anew_in_the_sizes_of_the_overlay() {
    let picture = sample(3000, 600);
    for (format, as_image) in
        [(Format::Png, ImageFormat::Png), (Format::Jpeg, ImageFormat::Jpeg), (Format::Gif, ImageFormat::Gif)]
    {
        let drawn = draw(format, &written(&picture, as_image)).unwrap();
        let sizes: Vec<_> = drawn.renditions.iter().map(|one| (one.written, one.width, one.height)).collect();
        let wanted = [(Written::Webp, 2000, 400), (Written::Webp, 1000, 200), (Written::Png, 1000, 200)];
        assert_eq!(sizes, wanted, "{format:?}");
        // Half of it is red enough.
        assert!((4_900..=5_100).contains(&drawn.visible_bps), "{}", drawn.visible_bps);
        for one in &drawn.renditions {
            let format = match one.written {
                Written::Webp => ImageFormat::WebP,
                Written::Png => ImageFormat::Png,
            };
            let read = image::load_from_memory_with_format(&one.bytes, format).unwrap().into_rgba8();
            assert_eq!(read.dimensions(), (one.width, one.height));
            let corner = read.get_pixel(2, one.height - 2).0;
            assert!(corner[0] > 170 && corner[3] == 255, "{format:?}: {corner:?}");
        }
    }
}

#[test]
fn nothing_is_blown_up_and_transparency_stays() {
    let mut picture = sample(40, 20);
    picture.put_pixel(39, 19, Rgba([255, 255, 255, 0]));
    let drawn = draw(Format::Png, &written(&picture, ImageFormat::Png)).unwrap();
    assert_eq!(drawn.renditions.len(), 2, "one size is enough");
    for one in &drawn.renditions {
        assert_eq!((one.width, one.height), (40, 20));
        let read = image::load_from_memory(&one.bytes).unwrap().into_rgba8();
        assert_eq!(read.get_pixel(39, 19).0[3], 0);
    }
    let drawn = draw(Format::Webp, &drawn.renditions[0].bytes).unwrap();
    assert_eq!((drawn.renditions[0].width, drawn.renditions[0].height), (40, 20));
}

#[test]
fn what_moves_is_refused() {
    let frames = [sample(8, 8), sample(8, 8)].map(Frame::new);
    let mut gif = Vec::new();
    GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    assert_eq!(refused(Format::Gif, &gif), Reason::Animated);
    let still = written(&sample(8, 8), ImageFormat::Png);
    let control = chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    let apng = [&still[..33], &control, &still[33..]].concat();
    assert_eq!(refused(Format::Png, &apng), Reason::Animated);
    let one = draw(Format::Png, &still).unwrap().renditions.remove(0).bytes;
    let frame = [&[0; 6][..], &[7, 0, 0, 7, 0, 0, 40, 0, 0, 0], &one[12..]].concat();
    let part = |kind: &[u8], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        let pad = vec![0; content.len() % 2];
        [kind, &length, content, &pad].concat()
    };
    let head = part(b"VP8X", &[2, 0, 0, 0, 7, 0, 0, 7, 0, 0]);
    let inside = [head, part(b"ANIM", &[0; 6]), part(b"ANMF", &frame), part(b"ANMF", &frame)].concat();
    let animated = part(b"RIFF", &[b"WEBP", &inside[..]].concat());
    assert_eq!(refused(Format::Webp, &animated), Reason::Animated);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_decoded() {
    let bomb = blank_png(10_000);
    assert!(bomb.len() < 20_000, "100 million pixels in {} bytes", bomb.len());
    assert_eq!(refused(Format::Png, &bomb), Reason::Pixels);
    assert_eq!(refused(Format::Png, &blank_png(4096)), Reason::Pixels, "each side fits, not both");
    assert!(draw(Format::Png, &blank_png(2048)).is_ok());
    // Heads that say more than there is.
    let mut gif = written(&sample(8, 8), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(refused(Format::Gif, &gif), Reason::Pixels);
    let mut jpeg = written(&sample(64, 64), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    assert_eq!(refused(Format::Jpeg, &jpeg), Reason::Pixels);
    let tight = Bounds { memory: 1 << 20, ..BOUNDS };
    let large = written(&sample(1000, 1000), ImageFormat::Png);
    let said = redraw((Format::Png, &large), tight, &PLACES, ([0; 3], |_| true)).unwrap_err();
    assert_eq!(said.reason, Reason::Memory);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_and_never_panics() {
    let picture = sample(64, 48);
    for (format, as_image) in [(Format::Png, ImageFormat::Png), (Format::Gif, ImageFormat::Gif)] {
        let whole = written(&picture, as_image);
        let step = whole.len() / 60 + 1;
        for cut in (8..whole.len() - 12).step_by(step) {
            assert!(draw(format, &whole[..cut]).is_err(), "{format:?} cut at {cut} of {}", whole.len());
        }
    }
    let webp = draw(Format::Png, &written(&picture, ImageFormat::Png)).unwrap().renditions.remove(0).bytes;
    let jpeg = written(&picture, ImageFormat::Jpeg);
    for (format, whole) in [(Format::Webp, webp), (Format::Jpeg, jpeg)] {
        for cut in (4..whole.len()).step_by(7) {
            let _ = draw(format, &whole[..cut]);
        }
        assert!(draw(format, &whole[..whole.len() / 3]).is_err(), "{format:?}");
    }
}

#[test]
fn nothing_that_hides_in_a_file_comes_out_again() {
    let secret = b"<script>alert('secret')</script>";
    let still = written(&sample(64, 48), ImageFormat::Png);
    let note = chunk(b"tEXt", &[&b"Comment\0"[..], secret].concat());
    let png = [&still[..33], &note, &still[33..], secret].concat();
    let jpeg = written(&sample(64, 48), ImageFormat::Jpeg);
    let length = u16::try_from(secret.len() + 2).unwrap().to_be_bytes();
    let jpeg = [&jpeg[..2], &[0xff, 0xfe], &length, secret, &jpeg[2..], secret].concat();
    for (format, file) in [(Format::Png, png), (Format::Jpeg, jpeg)] {
        for one in draw(format, &file).unwrap().renditions {
            assert!(!one.bytes.windows(6).any(|window| window == b"secret"), "{format:?}");
        }
    }
}

#[test]
fn a_picture_taken_sideways_is_turned() {
    let jpeg = written(&sample(64, 32), ImageFormat::Jpeg);
    // One entry, the orientation, and it says: a quarter to the right.
    let note = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(note.len() + 2).unwrap().to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &length, note, &jpeg[2..]].concat();
    let drawn = draw(Format::Jpeg, &turned).unwrap();
    assert_eq!((drawn.renditions[0].width, drawn.renditions[0].height), (32, 64));
    assert!(!drawn.renditions[0].bytes.windows(4).any(|window| window == b"Exif"));
}

#[test]
fn sixteen_bits_grey_and_palettes_are_taken() {
    let mut deep = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(sample(30, 30)).into_rgba16().write_to(&mut deep, ImageFormat::Png).unwrap();
    let mut grey = Cursor::new(Vec::new());
    GrayImage::new(30, 30).write_to(&mut grey, ImageFormat::Png).unwrap();
    for png in [deep.into_inner(), grey.into_inner(), blank_png(30)] {
        assert_eq!(draw(Format::Png, &png).unwrap().renditions[0].width, 30);
    }
}
