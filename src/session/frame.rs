//! Watches the bytes of a client before they are buffered.
//!
//! The WebSocket parser underneath buffers a whole frame before it looks at its size, and hands
//! fragments up one by one. So this guard follows the frame headers as they pass: a declared size
//! above the limit, a fragment, a binary frame, or too many frames or bytes a second end the socket
//! before anything is kept.

use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_protocol::FRAME_BYTES_MAX;
use gametriggers_protocol::close::CloseCode;

/// What a client may send: so many frames at once and that many more a second, and a KiB for each of them.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Frames a second.
    pub frames_per_second: u32,
    /// Frames at once.
    pub burst: u32,
}

/// Bytes that a frame brings into the account: a claim, the largest that is usual, has less.
const FRAME_BYTES: u64 = 1024;

/// Where in a frame the next byte falls.
#[derive(Clone, Copy, Debug)]
enum At {
    /// In the header: the bytes so far, of at most fourteen.
    Header([u8; 14], usize),
    /// In the payload: bytes still to come.
    Payload(u64),
}

/// The guard of one socket.
#[derive(Debug)]
pub struct Guard {
    at: At,
    pace: Pace,
    /// Frames left, in thousandths.
    credit: u64,
    /// Bytes left, in thousandths.
    bytes: u64,
    filled: UnixMillis,
}

impl Guard {
    /// A guard at the start of a socket.
    #[must_use]
    pub const fn new(pace: Pace, now: UnixMillis) -> Self {
        Self { at: At::Header([0; 14], 0), pace, credit: 0, bytes: 0, filled: now }.full()
    }

    const fn full(mut self) -> Self {
        self.credit = self.capacity();
        self.bytes = self.credit * FRAME_BYTES;
        self
    }

    #[expect(clippy::as_conversions, reason = "u32 to u64 in a const fn")]
    const fn capacity(&self) -> u64 {
        self.pace.burst as u64 * 1000
    }

    /// Lets a chunk pass.
    ///
    /// # Errors
    /// Why the socket has to be closed.
    pub fn pass(&mut self, chunk: &[u8], now: UnixMillis) -> Result<(), CloseCode> {
        let mut rest = chunk;
        while let Some((&byte, tail)) = rest.split_first() {
            match &mut self.at {
                At::Payload(left) => {
                    let skip = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= u64::try_from(skip).unwrap_or(0);
                    rest = rest.get(skip..).unwrap_or_default();
                    if *left == 0 {
                        self.at = At::Header([0; 14], 0);
                    }
                }
                At::Header(bytes, have) => {
                    if let Some(place) = bytes.get_mut(*have) {
                        *place = byte;
                    }
                    *have += 1;
                    rest = tail;
                    let header = bytes.get(..*have).unwrap_or_default();
                    if let Some(length) = length_of(header)? {
                        self.spend(length, now)?;
                        self.at = if length == 0 { At::Header([0; 14], 0) } else { At::Payload(length) };
                    }
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, length: u64, now: UnixMillis) -> Result<(), CloseCode> {
        let passed = (now - self.filled).unsigned();
        self.filled = self.filled.max(now);
        let earned = passed.saturating_mul(u64::from(self.pace.frames_per_second));
        let full = self.capacity();
        self.credit = self.credit.saturating_add(earned).min(full);
        self.bytes = self.bytes.saturating_add(earned.saturating_mul(FRAME_BYTES)).min(full * FRAME_BYTES);
        self.credit = self.credit.checked_sub(1000).ok_or(CloseCode::TooFast)?;
        self.bytes = self.bytes.checked_sub(length.saturating_mul(1000)).ok_or(CloseCode::TooFast)?;
        Ok(())
    }
}

/// The payload length once the header is complete, the mask included. RFC 6455, section 5.2.
fn length_of(header: &[u8]) -> Result<Option<u64>, CloseCode> {
    let Some(first) = header.first() else { return Ok(None) };
    let (last_fragment, opcode) = (first & 0x80 != 0, first & 0x0f);
    if !last_fragment || opcode == 0 || opcode == 2 {
        return Err(CloseCode::UnsupportedFrame);
    }
    if first & 0x70 != 0 || !matches!(opcode, 1 | 8 | 9 | 10) {
        return Err(CloseCode::Malformed);
    }
    let Some(second) = header.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        // A client has to mask.
        return Err(CloseCode::Malformed);
    }
    let (extended, short) = match second & 0x7f {
        126 => (2, None),
        127 => (8, None),
        length => (0, Some(u64::from(length))),
    };
    let length = match (short, header.get(2..2 + extended)) {
        (Some(length), _) => length,
        (None, Some(bytes)) => bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte)),
        (None, None) => return Ok(None),
    };
    if length > u64::try_from(FRAME_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(CloseCode::FrameTooLarge);
    }
    Ok((header.len() == 2 + extended + 4).then_some(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACE: Pace = Pace { frames_per_second: 10, burst: 1000 };

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match length {
            0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
            126..65536 => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    fn passes(bytes: &[u8]) -> Result<(), CloseCode> {
        Guard::new(PACE, UnixMillis(0)).pass(bytes, UnixMillis(0))
    }

    #[test]
    fn a_declared_size_is_refused_before_the_body_comes() {
        assert_eq!(passes(&frame(0x81, FRAME_BYTES_MAX)), Ok(()));
        let too_large = frame(0x81, FRAME_BYTES_MAX + 1);
        assert_eq!(passes(&too_large[..4]), Err(CloseCode::FrameTooLarge), "at the last byte of the length");
        let huge = frame(0x81, usize::MAX);
        assert_eq!(passes(&huge[..10]), Err(CloseCode::FrameTooLarge));
    }

    #[test]
    fn what_the_protocol_does_not_have_is_refused() {
        for (first, code) in [
            (0x01, CloseCode::UnsupportedFrame),
            (0x80, CloseCode::UnsupportedFrame),
            (0x82, CloseCode::UnsupportedFrame),
            (0xc1, CloseCode::Malformed),
            (0x83, CloseCode::Malformed),
        ] {
            assert_eq!(passes(&frame(first, 1)), Err(code), "{first:#x}");
        }
        assert_eq!(passes(&[0x81, 0x01]), Err(CloseCode::Malformed), "not masked");
    }

    #[test]
    fn a_flood_is_stopped_and_a_patient_client_is_not() {
        // Three at once, then one after `wait` milliseconds. An error is the end of a socket.
        let fourth = |wait| {
            let mut guard = Guard::new(Pace { frames_per_second: 10, burst: 3 }, UnixMillis(0));
            let mut beat = |now| guard.pass(&frame(0x81, 0), UnixMillis(now));
            assert!((0..3).all(|_| beat(0).is_ok()));
            beat(wait)
        };
        assert_eq!(fourth(0), Err(CloseCode::TooFast));
        assert_eq!(fourth(99), Err(CloseCode::TooFast));
        assert_eq!(fourth(100), Ok(()));
    }

    #[test]
    fn bytes_are_counted_before_they_come_and_a_patient_client_may_send_them() {
        // Eight KiB at once, one frame or many; then a KiB after each second.
        let pace = Pace { frames_per_second: 1, burst: 8 };
        let whole = frame(0x81, FRAME_BYTES_MAX);
        let rest = vec![0; FRAME_BYTES_MAX];
        let kib = frame(0x81, 1024);
        let after = |wait| {
            let mut guard = Guard::new(pace, UnixMillis(0));
            assert_eq!(guard.pass(&whole, UnixMillis(0)), Ok(()));
            assert_eq!(guard.pass(&rest, UnixMillis(0)), Ok(()));
            // The header alone.
            guard.pass(&kib, UnixMillis(wait))
        };
        assert_eq!(after(0), Err(CloseCode::TooFast));
        assert_eq!(after(999), Err(CloseCode::TooFast));
        assert_eq!(after(1000), Ok(()));
    }

    proptest! {
        /// However the bytes are cut, the guard says the same.
        #[test]
        fn cuts_do_not_matter(
            lengths in proptest::collection::vec(0_usize..9000, 1..6),
            cuts in proptest::collection::vec(1_usize..700, 0..80),
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                bytes.extend(frame(0x81, *length));
                bytes.extend(vec![0x5a; *length]);
            }
            let whole = passes(&bytes);
            let mut guard = Guard::new(PACE, UnixMillis(0));
            let (mut rest, mut cuts, mut verdict) = (bytes.as_slice(), cuts.into_iter().cycle(), Ok(()));
            while !rest.is_empty() && verdict.is_ok() {
                let at = cuts.next().unwrap_or(1).min(rest.len());
                let (chunk, tail) = rest.split_at(at);
                verdict = guard.pass(chunk, UnixMillis(0));
                rest = tail;
            }
            prop_assert_eq!(verdict, whole);
            prop_assert_eq!(whole.is_ok(), lengths.iter().all(|l| *l <= FRAME_BYTES_MAX));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = passes(&bytes);
        }
    }
}
