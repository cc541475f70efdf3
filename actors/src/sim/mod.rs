//! A day on a virtual clock: traces replayed through the code that decides for real.
//!
//! `trace` is a day of slots with the campaigns that compete for them, `replay` runs it through
//! `domain::decision` and `domain::campaign::account`, `score` says how good the outcome is. `generate`
//! makes days from a seed, `fleet` spreads one over several nodes, `chaos` puts the lives of plays through
//! every fault there is. Floats are allowed in the score, and nowhere else.

pub mod chaos;
pub mod fleet;
pub mod generate;
pub mod random;
pub mod replay;
pub mod score;
pub mod trace;
