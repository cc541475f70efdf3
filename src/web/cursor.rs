//! Where a page of a sorted list begins, as an opaque text: the order, and the place of the last item in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::ports::{Mark, Place};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest one that is read: a name has at most 80 characters.
const BYTES_MAX: usize = 1000;

/// By ascending id it is the id: that is what it was before there were other orders.
const PLAIN: &str = "id";

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(i64),
    Text(Cow<'a, str>),
}

/// What is in it: the name of the order, and mark and id of the item.
type Parts<'a> = (Cow<'a, str>, Value<'a>, i64);

/// A place of an order as text.
pub(super) fn write(order: &str, (mark, id): &Place) -> String {
    if order == PLAIN {
        return id.to_string();
    }
    let value = match mark {
        Mark::Number(number) => Value::Number(*number),
        Mark::Text(text) => Value::Text(Cow::Borrowed(text)),
    };
    let parts: Parts<'_> = (Cow::Borrowed(order), value, *id);
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

/// The place of a text; none when it is of another order, or was never given out.
pub(super) fn read(order: &str, by_text: bool, text: &str) -> Option<Place> {
    let text = Some(text).filter(|text| text.len() <= BYTES_MAX)?;
    if order == PLAIN {
        let id: i64 = text.parse().ok()?;
        return Some((Mark::Number(id), id));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (of, value, id): Parts<'_> = serde_json::from_slice(&bytes).ok()?;
    let mark = match value {
        _ if of != order => return None,
        Value::Text(text) if by_text && !text.contains('\0') => Mark::Text(text.into()),
        Value::Number(number) if !by_text => Mark::Number(number),
        _ => return None,
    };
    Some((mark, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: [(&str, bool); 5] =
        [("id", false), ("-id", false), ("name", true), ("-name", true), ("ends_at", false)];

    #[test]
    fn a_place_reads_back_in_its_own_order_and_in_no_other() {
        for (order, by_text) in ORDERS {
            let mark = match order {
                "id" => Mark::Number(7),
                _ if by_text => Mark::Text("नमस्ते \"quoted\"".repeat(5).into()),
                _ => Mark::Number(i64::MIN),
            };
            let place = (mark, 7);
            let text = write(order, &place);
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
            for (other, by_text) in ORDERS {
                let read = read(other, by_text, &text);
                assert_eq!(read, (other == order).then(|| place.clone()), "{order} {other}");
            }
        }
    }

    #[test]
    fn what_was_never_given_out_is_no_place() {
        let (long, odd) = ("A".repeat(5_000), URL_SAFE_NO_PAD.encode("[\"name\",1,1]"));
        for (order, by_text) in ORDERS {
            for text in [
                "",
                "x",
                "-",
                "1.5",
                "AAAA",
                "bnVsbA",
                long.as_str(),
                "é",
                "99999999999999999999",
                odd.as_str(),
            ] {
                assert_eq!(read(order, by_text, text), None, "{text} {order}");
            }
        }
    }
}
