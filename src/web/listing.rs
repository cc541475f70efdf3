//! Lists that are sorted by what the caller chooses. A page ends with a cursor that says where the next one
//! begins: after an item, not after a count, so that nothing comes twice or is left out when others are
//! added.

use super::cursor;
use super::fields::{Fields, line};
use super::problem::Problem;
use super::schema::Listed;
use super::wire::{self, PageBody};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Mark, PageFrom, SortKey};

/// Items on a page, unless asked otherwise.
const PAGE: u32 = 50;
/// Items on a page at most.
const PAGE_MAX: u32 = 200;

/// What a list can be sorted by; a minus puts the largest first.
const SORTS: [(&str, SortKey, bool); 6] = [
    ("id", SortKey::Id, false),
    ("-id", SortKey::Id, true),
    ("name", SortKey::Name, false),
    ("-name", SortKey::Name, true),
    ("created_at", SortKey::Created, false),
    ("-created_at", SortKey::Created, true),
];

/// The orders by name.
pub(super) struct Sort;
impl Listed for Sort {
    fn codes() -> Vec<&'static str> {
        SORTS.iter().map(|(name, ..)| *name).collect()
    }
}

/// How many items a page has.
///
/// # Errors
/// Less than one are asked for, or more than there may be.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    wire::limit(asked, (PAGE, PAGE_MAX))
}

/// Whether a page is as full as it can be.
pub(super) fn is_full<T>(page: &[T], limit: u32) -> bool {
    page.len() >= usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Where a page begins, for what was asked.
pub(super) fn begin(sort: Option<&str>, after: Option<&str>, fields: &mut Fields) -> Option<PageFrom> {
    let sort = sort.unwrap_or("id");
    let known = SORTS.into_iter().find(|(name, ..)| *name == sort);
    let (name, key, descending) =
        fields.need("sort", known, "id, name or created_at, with a minus before it for the largest first")?;
    let after = match after {
        None => None,
        Some(text) => {
            let read = cursor::read(name, key == SortKey::Name, text);
            Some(fields.need("after", read, "next of the page before, with the same sort")?)
        }
    };
    Some(PageFrom { key, descending, after })
}

/// A page of what was read, with where the next one begins: each item is shown by `view`, and stands in the
/// list by its id, its name and its age.
pub(super) fn page<T, V>(
    items: &[T],
    (from, limit): (&PageFrom, u32),
    place: impl Fn(&T) -> (i64, std::sync::Arc<str>, UnixMillis),
    view: impl Fn(&T) -> V,
) -> PageBody<V> {
    let last = items.last().filter(|_| is_full(items, limit)).map(|last| {
        let (id, name, created) = place(last);
        let mark = match from.key {
            SortKey::Id => Mark::Number(id),
            SortKey::Name => Mark::Text(name),
            SortKey::Created => Mark::Number(created.0),
        };
        let sort = SORTS.into_iter().find(|(_, key, down)| (*key, *down) == (from.key, from.descending));
        let sort = sort.map_or("id", |(name, ..)| name);
        cursor::write(sort, &(mark, id))
    });
    PageBody { items: items.iter().map(view).collect(), next: last }
}

/// Part of a name that is looked for.
pub(super) fn part(asked: Option<&str>, fields: &mut Fields) -> Option<String> {
    asked.and_then(|text| fields.need("q", line(text, 1, 80), "1 to 80 characters of a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_in_its_own_order_only() {
        let items = [(7, "Ålesund \"x\"".into(), UnixMillis(5))];
        for (sort, key, descending) in SORTS {
            let from = PageFrom { key, descending, after: None };
            let page = page(&items, (&from, 1), Clone::clone, |item| item.0);
            let next = page.next.unwrap();
            let mut fields = Fields::default();
            let then = begin(Some(sort), Some(&next), &mut fields).unwrap();
            let mark = match key {
                SortKey::Id => Mark::Number(7),
                SortKey::Name => Mark::Text("Ålesund \"x\"".into()),
                SortKey::Created => Mark::Number(5),
            };
            assert_eq!(then, PageFrom { after: Some((mark, 7)), ..from });
            let other = if sort == "id" { "-id" } else { "id" };
            assert_eq!(begin(Some(other), Some(&next), &mut fields), None);
            assert!(fields.end().is_err());
        }
    }
}
