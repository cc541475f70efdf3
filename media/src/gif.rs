//! Counts the pictures of a GIF without decoding one.

use crate::refusal::Refusal;

/// How many pictures are in it, up to `most`. Sub-blocks are stepped over; each step goes forward.
pub(crate) fn pictures(bytes: &[u8], most: usize) -> Result<usize, Refusal> {
    let cut = || Refusal::damaged("a GIF ends within a block");
    let byte = |at: usize| bytes.get(at).copied().ok_or_else(cut);
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << (usize::from(flags & 7) + 1) };
    let mut at = 13 + table(byte(10)?);
    let mut count = 0;
    loop {
        match byte(at)? {
            // An extension: its label, then sub-blocks.
            0x21 => at = after_blocks(bytes, at + 2).ok_or_else(cut)?,
            0x2c => {
                count += 1;
                if count >= most {
                    return Ok(count);
                }
                // The descriptor, a colour table, the code size, then sub-blocks.
                at = after_blocks(bytes, at + 10 + table(byte(at + 9)?) + 1).ok_or_else(cut)?;
            }
            0x3b => return Ok(count),
            _ => return Err(Refusal::damaged("a GIF has a block of no kind")),
        }
    }
}

fn after_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
