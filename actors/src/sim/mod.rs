//! A day on a virtual clock: traces replayed through the code that decides for real.
//!
//! `trace` is a day of slots with the campaigns that compete for them, `replay` runs it through
//! `domain::decision` and `domain::campaign::account`, `score` says how good the outcome is. Floats are
//! allowed in the score, and nowhere else.

pub mod chaos;
pub mod random;
pub mod replay;
pub mod score;
pub mod trace;
