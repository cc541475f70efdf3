//! Where a page of a sorted list begins: behind an item, and never behind a count.

use std::sync::Arc;

/// What an item is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An id, or a moment in milliseconds.
    Number(i64),
    /// A name.
    Text(Arc<str>),
}

/// Where an item stands in a sorted list: by its mark, and among equals by its id.
pub type Place = (Mark, i64);

impl Mark {
    /// The place before everything that there can be, in a list of texts or of numbers.
    #[must_use]
    pub fn before_all(is_text: bool, descending: bool) -> Place {
        let end = if descending { i64::MAX } else { i64::MIN };
        let mark = match (is_text, descending) {
            (false, _) => Self::Number(end),
            (true, false) => Self::Text("".into()),
            // No text has a character above this one, and no name has so many characters.
            (true, true) => Self::Text("\u{10ffff}".repeat(100).into()),
        };
        (mark, end)
    }
}
