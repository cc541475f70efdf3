//! Shapes that more than one resource uses: money, time, pages.

use super::problem::Problem;
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
    pub(super) amount_micros: i64,
    /// ISO 4217.
    pub(super) currency: String,
}

impl MoneyBody {
    /// Money as the API shows it.
    pub(super) fn of(amount: Micros, currency: Currency) -> Self {
        Self { amount_micros: amount.0, currency: currency.to_string() }
    }

    /// Money of any sign; none for a currency that can not be one.
    pub(super) fn money(&self) -> Option<Money> {
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
    /// The `after` or `before` of the next page; none on the last one.
    pub(super) next: Option<String>,
}

/// RFC 3339, in UTC.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// Reads RFC 3339.
pub(super) fn moment(text: &str) -> Option<UnixMillis> {
    text.parse::<jiff::Timestamp>().ok().map(|at| UnixMillis(at.as_millisecond()))
}

/// The same key with the same request is the same operation. The key is its owner's own.
///
/// # Errors
/// The request can not be written as JSON.
pub(super) fn idempotency(owner: &str, key: &str, request: &impl Serialize) -> Result<Idempotency, Problem> {
    let bytes = serde_json::to_vec(request).map_err(|error| Problem::malformed(error.to_string()))?;
    Ok(Idempotency { key: format!("{owner}:{key}"), fingerprint: sha2::Sha256::digest(bytes).into() })
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
