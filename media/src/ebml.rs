//! Elements of EBML, as WebM files are made of them.

use std::ops::Range;

/// An element: its id with the marker bits, and where its content lies in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) id: u32,
    /// Where it begins, id and all.
    pub(crate) from: usize,
    pub(crate) content: Range<usize>,
    /// Its size was not said: it ends where its parent's next child begins.
    pub(crate) open: bool,
}

/// A number of one to eight bytes, whose length is in the first one: the value without the marker, and how
/// long it is. All ones is "not known".
pub(crate) fn vint(bytes: &[u8], at: usize) -> Option<(Option<u64>, usize)> {
    let first = *bytes.get(at)?;
    let length = usize::try_from(first.leading_zeros()).ok()? + 1;
    if length > 8 {
        return None;
    }
    let raw = super::bits::be(bytes.get(at..at.checked_add(length)?)?)?;
    let mask = (1_u64 << (7 * length)) - 1;
    let value = raw & mask;
    Some(((value != mask).then_some(value), length))
}

fn id(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let length = usize::try_from(bytes.get(at)?.leading_zeros()).ok()? + 1;
    if length > 4 {
        return None;
    }
    let raw = super::bits::be(bytes.get(at..at.checked_add(length)?)?)?;
    Some((u32::try_from(raw).ok()?, length))
}

/// The element that begins at a place, if it lies within `end`. One of unknown size reaches up to there.
pub(crate) fn element(bytes: &[u8], at: usize, end: usize) -> Option<Element> {
    let (id, id_length) = id(bytes, at)?;
    let (size, size_length) = vint(bytes, at + id_length)?;
    let start = at + id_length + size_length;
    let stop = match size {
        Some(size) => start.checked_add(usize::try_from(size).ok()?)?,
        None => end,
    };
    (start <= end && stop <= end).then_some(Element {
        id,
        from: at,
        content: start..stop,
        open: size.is_none(),
    })
}

/// Makes an element one that means nothing, of the same length: what was in it is zeros.
pub(crate) fn blank(bytes: &mut [u8], element: &Element) {
    let length = element.content.len();
    let Some(whole) = bytes.get_mut(element.from..element.content.end) else { return };
    whole.fill(0);
    // The size takes what id and size took before, one byte less; what is beyond eight bytes is content.
    let head = element.content.start - element.from;
    let size_length = (head - 1).min(8);
    let content = length + (head - 1 - size_length);
    let Ok(content) = u64::try_from(content) else { return };
    let marked = content | 1_u64 << (7 * size_length);
    let size = marked.to_be_bytes();
    let from = size.len() - size_length;
    if let (Some(first), Some(size)) = (whole.first_mut(), size.get(from..)) {
        *first = 0xec;
        if let Some(to) = whole.get_mut(1..=size_length) {
            to.copy_from_slice(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_inside_their_parent() {
        let file = [0x42, 0x86, 0x81, 1, 0xec, 0x84, 0, 0];
        let first = element(&file, 0, 8).unwrap();
        assert_eq!((first.id, first.content.clone(), first.open), (0x4286, 3..4, false));
        assert_eq!(element(&file, 4, 8), None, "four bytes are said, two are there");
        assert_eq!(element(&file, 8, 8), None);
        assert_eq!(element(&[0], 0, 1), None, "an id of no length");
        let open = element(&[0x1f, 0x43, 0xb6, 0x75, 0xff, 1, 2], 0, 7).unwrap();
        assert!(open.open && open.content == (5..7));
        assert_eq!(element(&[0xec, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], 0, 9), None);
    }

    #[test]
    fn what_is_blanked_keeps_its_length_and_means_nothing() {
        for head in [&[0x73, 0x73, 0x83][..], &[0xbf, 0x83], &[0x12, 0x54, 0xc3, 0x67, 0x40, 3]] {
            let mut file = [head, b"abc", &[0xe7, 0x81, 9]].concat();
            let length = file.len();
            let tag = element(&file, 0, length).unwrap();
            blank(&mut file, &tag);
            assert!(!file.windows(3).any(|window| window == b"abc"));
            let void = element(&file, 0, length).unwrap();
            assert_eq!((void.id, void.content.end, file.len()), (0xec, head.len() + 3, length));
            assert_eq!(element(&file, void.content.end, length).unwrap().id, 0xe7);
        }
    }
}
