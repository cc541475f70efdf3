//! Videos as they are made, and as they are made up.

use super::*;

const LOOP: &[u8] = include_bytes!("../../config/demo/voltade-loop.webm");
const WEBM: &[u8] = include_bytes!("samples/spot.webm");
const MP4: &[u8] = include_bytes!("samples/spot.mp4");

fn of(format: Format, bytes: &[u8]) -> Result<Clip, Refusal> {
    read(format, &mut bytes.to_vec())
}

fn refused(format: Format, bytes: &[u8]) -> Reason {
    of(format, bytes).expect_err("it is taken").reason
}

/// The file with one stretch of bytes put in the place of another, of the same length.
fn with(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut all = bytes.to_vec();
    let at = all.windows(from.len()).position(|window| window == from).expect("it is there");
    all[at..at + to.len()].copy_from_slice(to);
    all
}

#[test]
fn a_video_says_how_large_it_is_and_how_long_it_runs() {
    let demo = Clip { width: 640, height: 360, duration_ms: 4000, frames: 100, sound: false };
    assert_eq!(of(Format::Webm, LOOP), Ok(demo));
    for (format, file) in [(Format::Webm, WEBM), (Format::Mp4, MP4)] {
        let clip = of(format, file).unwrap();
        assert_eq!((clip.width, clip.height, clip.frames, clip.sound), (320, 180, 20, true), "{format:?}");
        assert!((1900..=2100).contains(&clip.duration_ms), "{format:?}: {}", clip.duration_ms);
    }
}

#[test]
fn what_is_no_picture_and_no_sound_is_blanked_and_nothing_moves() {
    for (format, file) in [(Format::Webm, WEBM), (Format::Mp4, MP4)] {
        let holds = |bytes: &[u8]| bytes.windows(12).any(|window| window == b"secret-title");
        let mut blanked = file.to_vec();
        assert!(holds(&blanked));
        let first = read(format, &mut blanked).unwrap();
        assert!(!holds(&blanked), "{format:?}");
        assert_eq!((blanked.len(), of(format, &blanked)), (file.len(), Ok(first)), "{format:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_and_never_panics() {
    for (format, file) in [(Format::Webm, WEBM), (Format::Mp4, MP4)] {
        for cut in 4..file.len() {
            assert!(of(format, &file[..cut]).is_err(), "{format:?} cut at {cut} of {}", file.len());
        }
    }
}

#[test]
fn whatever_is_changed_in_a_file_nothing_panics() {
    for (format, file) in [(Format::Webm, WEBM), (Format::Mp4, MP4)] {
        let mut changed = file.to_vec();
        for at in 0..file.len().min(4000) {
            for value in [0, 0x7f, 0xff, file[at] ^ 0x80, file[at].wrapping_add(1)] {
                changed[at] = value;
                let mut copy = changed.clone();
                if read(format, &mut copy).is_ok() {
                    assert_eq!(copy.len(), file.len());
                }
            }
            changed[at] = file[at];
        }
    }
}

#[test]
fn bytes_that_belong_to_nothing_are_refused() {
    let script = b"<script>alert(1)</script>";
    assert_eq!(refused(Format::Webm, &[WEBM, script].concat()), Reason::Surplus);
    assert!(matches!(refused(Format::Mp4, &[MP4, script].concat()), Reason::Damaged | Reason::Surplus));
    let foreign = [&[0, 0, 0, 12][..], b"evil", b"body"].concat();
    assert_eq!(refused(Format::Mp4, &[MP4, &foreign].concat()), Reason::Surplus);
    // A second file behind the first.
    assert_eq!(refused(Format::Webm, &[WEBM, WEBM].concat()), Reason::Surplus);
    assert_eq!(refused(Format::Mp4, &[MP4, MP4].concat()), Reason::Surplus);
}

#[test]
fn other_codecs_kinds_and_contradictions_are_named() {
    for (from, to, named) in [
        (&b"V_VP9"[..], &b"V_VP8"[..], "V_VP8"),
        (b"A_OPUS", b"A_AACC", "A_AACC"),
        (b"webm", b"matr", "matr"),
    ] {
        let said = of(Format::Webm, &with(WEBM, from, to)).unwrap_err();
        assert_eq!(said.reason, Reason::Codec);
        assert!(said.detail.contains(named), "{said}");
    }
    assert_eq!(refused(Format::Mp4, &with(MP4, b"avc1\0\0\0\0", b"hvc1\0\0\0\0")), Reason::Codec);
    assert_eq!(refused(Format::Mp4, &with(MP4, b"mp4a\0\0\0\0", b"ac-3\0\0\0\0")), Reason::Codec);
    // A head of 320 x 180 over frames of another size would let anything reach the streamer's computer.
    let wider = with(WEBM, &[0xb0, 0x82, 0x01, 0x40], &[0xb0, 0x82, 0x01, 0x44]);
    assert_eq!(refused(Format::Webm, &wider), Reason::Contradiction);
    let mut taller = MP4.to_vec();
    let at = taller.windows(8).position(|window| window == b"avc1\0\0\0\0").unwrap();
    taller[at + 4 + 26] = 9;
    assert_eq!(refused(Format::Mp4, &taller), Reason::Contradiction);
    // The first key frame overwritten.
    let key = [0x49, 0x83, 0x42];
    assert_eq!(refused(Format::Webm, &with(WEBM, &key, &[0, 0, 0])), Reason::Contradiction);
}
