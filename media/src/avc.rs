//! The parameters of an H.264 stream: enough to know how large its pictures are.

use crate::bits::Bits;

/// Profiles that say more about their colours.
const WITH_CHROMA: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Width and height out of the first parameter set of an `avcC` box. None for what is not one.
pub(crate) fn size(configuration: &[u8]) -> Option<(u32, u32)> {
    // Version, profile, compatibility, level, length of sizes, count of sets, length of the first.
    let (1, count) = (*configuration.first()?, *configuration.get(5)? & 0x1f) else { return None };
    if count == 0 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([*configuration.get(6)?, *configuration.get(7)?]));
    let unit = configuration.get(8..8_usize.checked_add(length)?)?;
    if unit.first()? & 0x1f != 7 {
        return None;
    }
    picture(&plain(unit.get(1..)?))
}

/// Without the bytes that keep a start code from appearing inside.
fn plain(unit: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(unit.len()), 0);
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

fn picture(set: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(set);
    let profile = bits.number(8)?;
    bits.number(16)?;
    bits.skip_golomb()?;
    let mut chroma = 1;
    if WITH_CHROMA.contains(&profile) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.bit()?;
        }
        bits.skip_golomb()?;
        bits.skip_golomb()?;
        bits.bit()?;
        // Scaling lists are rare, long and of no use here.
        if bits.bit()? {
            return None;
        }
    }
    bits.skip_golomb()?;
    match bits.golomb()? {
        0 => bits.skip_golomb()?,
        1 => {
            bits.bit()?;
            bits.skip_golomb()?;
            bits.skip_golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.skip_golomb()?;
            }
        }
        _ => {}
    }
    bits.skip_golomb()?;
    bits.bit()?;
    let (across, down) = (bits.golomb()?.checked_add(1)?, bits.golomb()?.checked_add(1)?);
    let frames_only = bits.bit()?;
    if !frames_only {
        bits.bit()?;
    }
    bits.bit()?;
    let fields = if frames_only { 1 } else { 2 };
    let (mut width, mut height) = (across.checked_mul(16)?, down.checked_mul(16 * fields)?);
    if bits.bit()? {
        let (unit_x, unit_y) = match chroma {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let unit_y = unit_y * fields;
        let (left, right) = (bits.golomb()?, bits.golomb()?);
        let (top, bottom) = (bits.golomb()?, bits.golomb()?);
        width = width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?;
        height = height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?;
    }
    Some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// High profile, level 3.1, 1280 x 720 and 1920 x 1080 with eight rows cut off, as x264 writes them.
    const HD: [u8; 24] = [
        0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83,
    ];

    fn configuration(set: &[u8]) -> Vec<u8> {
        let length = u16::try_from(set.len()).unwrap().to_be_bytes();
        [&[1, 0x64, 0, 0x1f, 0xff, 0xe1][..], &length, set, &[1, 0, 0]].concat()
    }

    #[test]
    fn the_size_is_that_of_the_pictures() {
        assert_eq!(size(&configuration(&HD)), Some((1280, 720)));
        // 1080p: 120 x 68 blocks, and four units of two rows below that are not shown.
        let full = [0x67, 0x42, 0x00, 0x28, 0xda, 0x01, 0xe0, 0x08, 0x9f, 0x95];
        assert_eq!(size(&configuration(&full)), Some((1920, 1080)));
    }

    #[test]
    fn what_is_no_parameter_set_has_no_size() {
        for cut in 0..HD.len() {
            let size = size(&configuration(&HD[..cut]));
            assert!(size.is_none() || size == Some((1280, 720)), "cut at {cut}: {size:?}");
        }
        assert_eq!(size(b""), None);
        assert_eq!(size(&[1, 0, 0, 0, 0xff, 0xe0, 0, 0]), None, "none is there");
        assert_eq!(size(&[1, 0, 0, 0, 0xff, 0xe1, 0xff, 0xff, 0x67]), None, "longer than the box");
    }
}
