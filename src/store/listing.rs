//! Lists that are sorted by a key of the row and its id: which statement, and where a page begins.

use gametriggers_actors::ports::{Mark, PageFrom, SortKey};

/// The statements of a list, upwards and downwards, by id, by name and by age.
pub(super) type Pages = [[&'static str; 2]; 3];

/// The statement of an order.
pub(super) fn page_sql(pages: Pages, from: &PageFrom) -> &'static str {
    let [id, name, created] = pages;
    let [upwards, downwards] = match from.key {
        SortKey::Id => id,
        SortKey::Name => name,
        SortKey::Created => created,
    };
    if from.descending { downwards } else { upwards }
}

/// After what a page begins; the first one before, or above, everything there can be.
pub(super) fn begin(from: &PageFrom) -> (Mark, i64) {
    from.after.clone().unwrap_or_else(|| match (from.key, from.descending) {
        (SortKey::Name, false) => (Mark::Text("".into()), i64::MIN),
        // No text has a character above this one, and no name has so many characters.
        (SortKey::Name, true) => (Mark::Text("\u{10ffff}".repeat(100).into()), i64::MAX),
        (_, false) => (Mark::Number(i64::MIN), i64::MIN),
        (_, true) => (Mark::Number(i64::MAX), i64::MAX),
    })
}

/// A pattern of SQL for names that have a part in them.
pub(super) fn pattern(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_looks_for_is_no_pattern_of_its_own() {
        assert_eq!(pattern("50%_a\\"), "%50\\%\\_a\\\\%");
    }
}
