//! Where a page of a sorted list begins, as an opaque text: the order, and the place of the last item in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::ports::{CampaignSort, ListPlace, SortBy, SortValue};
use serde::{Deserialize, Serialize};

/// The longest one that is read: a name has at most 80 characters.
const BYTES_MAX: usize = 1000;

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

/// What is in it: sort, direction, value and id.
type Parts = (u8, bool, Value, i64);

const fn number(by: SortBy) -> u8 {
    match by {
        SortBy::Id => 0,
        SortBy::Name => 1,
        SortBy::Starts => 2,
        SortBy::Ends => 3,
    }
}

/// By ascending id it is the id: that is what it was before there were other orders.
const fn is_plain(sort: CampaignSort) -> bool {
    matches!(sort, CampaignSort { by: SortBy::Id, descending: false })
}

/// A place as text.
pub(super) fn write(place: &ListPlace, sort: CampaignSort) -> String {
    if is_plain(sort) {
        return place.id.to_string();
    }
    let value = match &place.value {
        SortValue::Number(number) => Value::Number(*number),
        SortValue::Text(text) => Value::Text(text.clone()),
    };
    let parts: Parts = (number(sort.by), sort.descending, value, place.id.0);
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

/// The place of a text; none when it is of another order, or was never given out.
pub(super) fn read(text: &str, sort: CampaignSort) -> Option<ListPlace> {
    if is_plain(sort) {
        let id: i64 = text.parse().ok()?;
        return Some(ListPlace { value: SortValue::Number(id), id: CampaignId(id) });
    }
    let bytes = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= BYTES_MAX)?).ok()?;
    let (by, descending, value, id): Parts = serde_json::from_slice(&bytes).ok()?;
    let value = match (value, sort.by) {
        (Value::Text(text), SortBy::Name) if !text.contains('\0') => SortValue::Text(text),
        (Value::Number(number), SortBy::Id | SortBy::Starts | SortBy::Ends) => SortValue::Number(number),
        _ => return None,
    };
    let fits = by == number(sort.by) && descending == sort.descending;
    fits.then_some(ListPlace { value, id: CampaignId(id) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SORTS: [SortBy; 4] = [SortBy::Id, SortBy::Name, SortBy::Starts, SortBy::Ends];

    fn sorts() -> impl Iterator<Item = CampaignSort> {
        SORTS.into_iter().flat_map(|by| [false, true].map(|descending| CampaignSort { by, descending }))
    }

    #[test]
    fn a_place_reads_back_in_its_own_order_and_in_no_other() {
        for sort in sorts() {
            let value = match sort.by {
                SortBy::Id => SortValue::Number(7),
                SortBy::Name => SortValue::Text("नमस्ते \"quoted\"".repeat(5)),
                SortBy::Starts | SortBy::Ends => SortValue::Number(i64::MIN),
            };
            let place = ListPlace { value, id: CampaignId(7) };
            let text = write(&place, sort);
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
            for other in sorts() {
                assert_eq!(read(&text, other), (other == sort).then(|| place.clone()), "{sort:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_was_never_given_out_is_no_place() {
        let long = "A".repeat(5_000);
        for sort in sorts() {
            for text in ["", "x", "-", "1.5", "AAAA", "bnVsbA", long.as_str(), "é", "99999999999999999999"] {
                assert_eq!(read(text, sort), None, "{text} {sort:?}");
            }
        }
    }
}
