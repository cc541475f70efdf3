//! Reads bits and numbers off a slice, and never past its end.

/// Bits, the highest of a byte first.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// At most 32 bits.
    pub(crate) fn number(&mut self, count: u32) -> Option<u32> {
        (0..count.min(32)).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// An Exp-Golomb number of H.264.
    pub(crate) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.number(zeros)?;
        (1_u32 << zeros).checked_sub(1)?.checked_add(rest)
    }

    /// The signed kind, where only its presence matters.
    pub(crate) fn skip_golomb(&mut self) -> Option<()> {
        self.golomb().map(|_| ())
    }
}

/// A big-endian number of up to eight bytes.
pub(crate) fn be(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// A big-endian number of `length` bytes at an offset.
pub(crate) fn be_at(bytes: &[u8], offset: usize, length: usize) -> Option<u64> {
    be(bytes.get(offset..offset.checked_add(length)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut bits = Bits::new(&[0b1010_0000]);
        assert_eq!((bits.number(3), bits.number(6), bits.bit()), (Some(5), None, None));
        assert_eq!(be_at(&[1, 2, 3], 1, 2), Some(0x0203));
        assert_eq!((be_at(&[1, 2, 3], 2, 2), be_at(&[1], usize::MAX, 2), be(&[])), (None, None, None));
    }

    #[test]
    fn exp_golomb_numbers_are_those_of_the_standard() {
        // 1, 010, 011, 00100: 0, 1, 2, 3.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0000]);
        let read: Vec<_> = (0..4).map(|_| bits.golomb()).collect();
        assert_eq!(read, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(Bits::new(&[0; 8]).golomb(), None, "a run of zeros has an end");
    }
}
