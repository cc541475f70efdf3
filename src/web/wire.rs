//! Shapes that more than one resource uses: money, time, pages.

use super::problem::{FieldError, Problem};
use super::schema::{CurrencyCode, WHOLE_MAX};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::Idempotency;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Digest;

/// Money: an amount in micros of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyBody {
    /// 10^-6 of the currency's unit.
    #[schemars(range(min = -i64::MAX, max = i64::MAX), example = 500_000_000)]
    pub(super) amount_micros: i64,
    /// ISO 4217.
    #[schemars(with = "CurrencyCode", example = &"INR")]
    pub(super) currency: String,
}

impl MoneyBody {
    /// Money as the API shows it.
    pub(super) fn of(amount: Micros, currency: Currency) -> Self {
        Self { amount_micros: amount.0, currency: currency.to_string() }
    }

    /// Whole rupees, as examples have them.
    pub(super) fn rupees(amount: i64) -> Self {
        Self::of(Micros(amount.saturating_mul(1_000_000)), Currency::INR)
    }

    /// Money of any sign; none for a currency that can not be one, and for more than every client can write.
    pub(super) fn money(&self) -> Option<Money> {
        if !(-WHOLE_MAX..=WHOLE_MAX).contains(&self.amount_micros) {
            return None;
        }
        Some(Money { amount: Micros(self.amount_micros), currency: self.currency.parse().ok()? })
    }

    /// Money above zero; none for anything else.
    pub(super) fn positive(&self) -> Option<Money> {
        self.money().filter(|money| money.amount.is_positive())
    }
}

/// Tells a field that is null from one that is left out: with `#[serde(default)]` beside it the outer option
/// is none only for the latter.
///
/// # Errors
/// What is there can not be read.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A page of a list, and where the next one starts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct PageBody<T> {
    /// The items.
    pub(super) items: Vec<T>,
    /// Where the next page begins, to be sent as `after`; null on the last page.
    #[schemars(example = &"42")]
    pub(super) next: Option<String>,
}

/// RFC 3339, in UTC.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// Reads RFC 3339, and none of the other forms that the parser knows.
pub(super) fn moment(text: &str) -> Option<UnixMillis> {
    let clock = text.get(10..).and_then(|rest| rest.strip_prefix(['T', 't']))?;
    let has_seconds = clock.get(2..3) == Some(":") && clock.get(5..6) == Some(":");
    let has_zone =
        clock.ends_with(['Z', 'z']) || clock.len().checked_sub(6).is_some_and(|at| zone(clock, at));
    if !(has_seconds && has_zone) {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(|at| UnixMillis(at.as_millisecond()))
}

/// Whether a time ends with an offset from UTC in hours and minutes.
fn zone(clock: &str, at: usize) -> bool {
    clock.get(at..).is_some_and(|zone| zone.starts_with(['+', '-']) && zone.get(3..4) == Some(":"))
}

/// Reads the number of a thing, of a query that may leave it out.
///
/// # Errors
/// It is no number above zero.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let id = i64::deserialize(from)?;
    if (1..=WHOLE_MAX).contains(&id) {
        Ok(Some(id))
    } else {
        Err(serde::de::Error::custom("a number is above zero, and not beyond all that there can be"))
    }
}

/// How many items a page has.
///
/// # Errors
/// Less than one are asked for, or more than there may be.
pub(super) fn limit(asked: Option<u32>, (usual, most): (u32, u32)) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(refused("limit", &format!("1 to {most}")))
}

/// A field of a query that is refused by what it means.
pub(super) fn refused(field: &str, message: &str) -> Problem {
    Problem::invalid(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
}

/// The same key with the same request is the same operation. The key is its owner's own.
///
/// # Errors
/// The request can not be written as JSON.
pub(super) fn idempotency(owner: &str, key: &str, request: &impl Serialize) -> Result<Idempotency, Problem> {
    let bytes = serde_json::to_vec(request).map_err(|error| Problem::malformed(error.to_string()))?;
    Ok(Idempotency { key: format!("{owner}:{key}"), fingerprint: sha2::Sha256::digest(bytes).into() })
}

/// The same of a request that moves money this time, and need not have one at others.
///
/// # Errors
/// It is missing: that is what the request means, and not how it is written. Or it can not be read.
pub(super) fn money_key(request: &actix_web::HttpRequest) -> Result<String, Problem> {
    if request.headers().contains_key("idempotency-key") {
        return idempotency_key(request);
    }
    Err(refused("Idempotency-Key", "8 to 128 visible characters, since this moves money"))
}

/// The Idempotency-Key of a request that moves money.
///
/// # Errors
/// It is missing, or not 8 to 128 visible characters.
pub(super) fn idempotency_key(request: &actix_web::HttpRequest) -> Result<String, Problem> {
    let header = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok());
    let fits = |key: &&str| (8..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    header.filter(fits).map(str::to_owned).ok_or_else(|| {
        Problem::malformed(
            "a request that moves money needs an Idempotency-Key of 8 to 128 visible characters",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_standard_has_it() {
        let at = |text: &str| moment(text).map(|at| at.0);
        assert_eq!(at("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(at("1970-01-01t05:30:00.5+05:30"), Some(500));
        assert_eq!(at("1970-01-01T00:00:60z"), Some(59_000), "a leap second is the one before");
        for other in [
            "1970-01-01 00:00:01Z",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:01",
            "1970-01-01T00:00:01+0000",
            "1970-01-01T00:00:01+00",
            "1970-01-01T00:00:01Z[UTC]",
            "1970-01-01",
            "19700101T000001Z",
            "1970-13-01T00:00:01Z",
            "yesterday",
            "",
        ] {
            assert_eq!(at(other), None, "{other}");
        }
    }

    #[test]
    fn a_page_has_as_many_items_as_there_may_be() {
        assert_eq!(limit(None, (50, 200)).ok(), Some(50));
        assert_eq!(limit(Some(1), (50, 200)).ok(), Some(1));
        assert_eq!(limit(Some(200), (50, 200)).ok(), Some(200));
        for wrong in [0, 201, u32::MAX] {
            assert!(limit(Some(wrong), (50, 200)).is_err());
        }
    }
}
