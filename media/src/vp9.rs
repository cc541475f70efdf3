//! The head of a VP9 frame: enough to know that it is one, and how large a key frame is.

use crate::bits::Bits;

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A picture of its own, of this size.
    Key { width: u32, height: u32 },
    /// One that needs others.
    Inter,
}

/// Reads a frame's head. None for what is no VP9.
pub(crate) fn head(frame: &[u8]) -> Option<Head> {
    let mut bits = Bits::new(frame);
    if bits.number(2)? != 0b10 {
        return None;
    }
    let (low, high) = (bits.number(1)?, bits.number(1)?);
    let profile = high << 1 | low;
    if profile == 3 && bits.bit()? {
        return None;
    }
    // A frame that shows an earlier one again.
    if bits.bit()? {
        return Some(Head::Inter);
    }
    let is_inter = bits.bit()?;
    let (_show, _resilient) = (bits.bit()?, bits.bit()?);
    if is_inter {
        return Some(Head::Inter);
    }
    if bits.number(24)? != 0x49_8342 {
        return None;
    }
    if profile >= 2 {
        bits.bit()?;
    }
    const RGB: u32 = 7;
    if bits.number(3)? == RGB {
        if profile == 1 || profile == 3 {
            bits.bit()?;
        }
    } else {
        bits.bit()?;
        if profile == 1 || profile == 3 {
            bits.number(3)?;
        }
    }
    Some(Head::Key { width: bits.number(16)? + 1, height: bits.number(16)? + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_says_its_size() {
        let key = [0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x76];
        assert_eq!(head(&key), Some(Head::Key { width: 640, height: 360 }));
        assert_eq!(head(&key[..6]), None, "cut off");
        assert_eq!(head(&[0x86]), Some(Head::Inter));
        assert_eq!(head(&[0x00, 0x49, 0x83, 0x42]), None, "another codec");
        assert_eq!(head(b""), None);
    }
}
