//! Fail points and planted bugs. Without the feature `proof` all of this is empty and compiles to
//! nothing; production refuses to start in a build that has it.
//!
//! A fail point is a place at which a proof can end the process, as a power cut would: the variable
//! FAILPOINTS names it and when (`grant.before_commit=3*off->return`). A planted bug is a safeguard
//! that the variable GAMETRIGGERS_PLANT leaves out, so that a proof can show that it would be missed.

/// A safeguard that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// What is settled is not settled again.
    Dedupe,
    /// An ack leaves after the commit.
    AckBeforeCommit,
    /// A lease pays no more than it was granted.
    LeaseCheck,
    /// Leases of an earlier process stay payable while tokens on them live.
    LeaseEpoch,
    /// A COMMIT without an answer is looked up.
    UnknownCommit,
    /// The log of the database is flushed at every commit.
    SyncFull,
    /// A dead token pays nothing.
    TokenExpiry,
    /// The fee is split event by event.
    PerEventFee,
}

/// Every plant with the name by which the variable knows it.
pub const PLANTS: [(&str, Plant); 8] = [
    ("dedupe", Plant::Dedupe),
    ("ack-before-commit", Plant::AckBeforeCommit),
    ("lease-check", Plant::LeaseCheck),
    ("lease-epoch", Plant::LeaseEpoch),
    ("unknown-commit", Plant::UnknownCommit),
    ("sync-full", Plant::SyncFull),
    ("token-expiry", Plant::TokenExpiry),
    ("per-event-fee", Plant::PerEventFee),
];

#[cfg(feature = "proof")]
mod points {
    use super::{PLANTS, Plant};
    use std::sync::OnceLock;

    /// The variable that names a safeguard to leave out.
    const VARIABLE: &str = "GAMETRIGGERS_PLANT";

    /// Reads FAILPOINTS; the points are set until what this returns is dropped.
    ///
    /// # Panics
    /// A variable says something that there is not: a proof that proves nothing must not go on.
    #[must_use]
    pub fn begin() -> fail::FailScenario<'static> {
        let _ = planted(Plant::Dedupe);
        fail::FailScenario::setup()
    }

    /// Ends the process when this point is set.
    pub fn reach(point: &str) {
        fail::fail_point!(point, |_| std::process::abort());
    }

    /// The same for a step of a transaction, named after the method that began it: `W` is the type of
    /// the closure that the method has given to the writer.
    pub fn reach_in<W>(step: &str) {
        reach(&format!("{}.{step}", method(std::any::type_name::<W>())));
    }

    /// Whether the safeguard is left out.
    ///
    /// # Panics
    /// The variable names none.
    #[must_use]
    pub fn planted(plant: Plant) -> bool {
        static CHOSEN: OnceLock<Option<Plant>> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| {
            let name = std::env::var(VARIABLE).ok()?;
            let found = PLANTS.iter().find(|(known, _)| *known == name);
            let (_, plant) = found.expect("GAMETRIGGERS_PLANT names a safeguard that there is not");
            tracing::warn!(plant = name, "a safeguard is left out on purpose");
            Some(*plant)
        });
        *chosen == Some(plant)
    }

    /// `settle` of `<Store as LedgerStore>::settle<'_, '_>::{{closure}}::{{closure}}`.
    fn method(closure: &str) -> &str {
        let (path, _) = closure.split_once("::{{closure}}").unwrap_or((closure, ""));
        let name = path.rsplit("::").next().unwrap_or(path);
        name.split('<').next().unwrap_or(name)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn name_of<W>(_: W) -> &'static str {
            method(std::any::type_name::<W>())
        }

        #[test]
        fn a_step_is_named_after_the_method_that_began_it() {
            async fn settle<'a, 'b>(_: &'a str, _: &'b str) -> &'static str
            where
                'a: 'b,
            {
                name_of(|| async move {})
            }
            assert_eq!(futures_util::FutureExt::now_or_never(settle("", "")), Some("settle"));
        }

        #[test]
        fn a_point_that_is_not_set_is_passed() {
            reach("nowhere");
            reach_in::<fn()>("begin");
        }
    }
}

#[cfg(feature = "proof")]
pub use points::{begin, planted, reach, reach_in};

/// Nothing: this is no build for proofs.
#[cfg(not(feature = "proof"))]
#[inline]
pub const fn reach(_: &str) {}

/// Nothing: this is no build for proofs.
#[cfg(not(feature = "proof"))]
#[inline]
pub const fn reach_in<W>(_: &str) {}

/// Never: this is no build for proofs.
#[cfg(not(feature = "proof"))]
#[inline]
#[must_use]
pub const fn planted(_: Plant) -> bool {
    false
}
