//! Whole numbers as fractions, for quotients that people read.

use std::time::Duration;

/// The number; those above four billion are cut, which no quotient here needs.
pub(crate) fn real(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// `number` per `whole`; zero when there is no whole.
pub(crate) fn per(number: f64, whole: f64) -> f64 {
    if whole > 0.0 { number / whole } else { 0.0 }
}

/// Microseconds, as long as they fit.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds as milliseconds.
pub(crate) fn millis(micros: u64) -> f64 {
    real(micros) / 1_000.0
}
