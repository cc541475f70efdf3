//! Lists that are sorted by what the caller chooses. A page ends with a cursor that says where the next one
//! begins: after an item, not after a count, so that nothing comes twice or is left out when others are
//! added.

use super::fields::{Fields, line};
use super::wire::PageBody;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Mark, PageFrom, SortKey};
use serde::{Deserialize, Serialize};

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

/// The inside of a cursor: the order, and key and id of the last item.
#[derive(Deserialize, Serialize)]
struct Cursor<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>, Key, i64);

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

/// How many items a page has.
pub(super) fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}

/// Whether a page is as full as it can be.
pub(super) fn is_full<T>(page: &[T], limit: u32) -> bool {
    page.len() >= usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Where a page begins, for what was asked.
pub(super) fn begin(sort: Option<&str>, cursor: Option<&str>, fields: &mut Fields) -> Option<PageFrom> {
    let sort = sort.unwrap_or("id");
    let known = SORTS.into_iter().find(|(name, ..)| *name == sort);
    let (name, key, descending) =
        fields.need("sort", known, "id, name or created_at, with a minus before it for the largest first")?;
    let after = match cursor {
        None => None,
        Some(cursor) => {
            let read = read(name, key, cursor);
            Some(fields.need("cursor", read, "the next of the last page, in the same order")?)
        }
    };
    Some(PageFrom { key, descending, after })
}

fn read(sort: &str, key: SortKey, cursor: &str) -> Option<(Mark, i64)> {
    if cursor.len() > 1024 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let Cursor(of, mark, id) = serde_json::from_slice(&bytes).ok()?;
    match (key, mark) {
        _ if of != sort => None,
        (SortKey::Name, Key::Text(text)) if !text.contains('\0') => Some((Mark::Text(text.into()), id)),
        (SortKey::Id | SortKey::Created, Key::Number(number)) => Some((Mark::Number(number), id)),
        _ => None,
    }
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
            SortKey::Id => Key::Number(id),
            SortKey::Name => Key::Text(name.to_string()),
            SortKey::Created => Key::Number(created.0),
        };
        let sort = SORTS.into_iter().find(|(_, key, down)| (*key, *down) == (from.key, from.descending));
        let sort = sort.map_or("id", |(name, ..)| name);
        let bytes = serde_json::to_vec(&Cursor(sort.into(), mark, id)).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
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
        let odd = URL_SAFE_NO_PAD.encode("[\"id\",\"x\",1]");
        for cursor in ["", "x", "!!", "bnVsbA", &odd, &"A".repeat(2000)] {
            assert_eq!(begin(None, Some(cursor), &mut Fields::default()), None, "{cursor}");
        }
    }
}
