//! Lists that are sorted by a key of the row and its id: which statement, and where a page begins.

use gametriggers_actors::ports::{Mark, PageFrom, Place, SortKey};

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

/// After what a page begins; the first one before everything there can be.
pub(super) fn begin(from: &PageFrom) -> Place {
    let first = || Mark::before_all(from.key == SortKey::Name, from.descending);
    from.after.clone().unwrap_or_else(first)
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
