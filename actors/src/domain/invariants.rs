//! The invariants by name: one catalogue for tests, the reconciliation and the reader.

/// What must hold at any moment, whatever was killed, cut or sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// `price = fee + earn`, for every event, fixed at the decision.
    PriceIsFeeAndEarn,
    /// Debits equal credits, per ledger transaction and currency.
    EveryTransactionBalances,
    /// A campaign's settled and leased money is never more than it was given.
    SpentAndLeasedWithinFunded,
    /// A lease settles at most what it was granted.
    SettledWithinGranted,
    /// A lease in memory holds exactly what was granted: free, held and settled.
    LeaseHoldsWhatItWasGranted,
    /// An event is settled at most once, and an ack is sent only when it is durable.
    SettledOnceAndAckedAfterCommit,
    /// Money in the clearing account is exactly what is settled and not yet rolled up.
    ClearingIsWhatIsNotRolledUp,
    /// At most one page of a streamer gets plays, and it has at most one at a time.
    OnePrimaryOnePlay,
    /// A play only goes forward.
    PlaysGoForward,
    /// A price whose token is out comes back only when no claim can be accepted any more.
    TokenOutlivesItsPrice,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::PriceIsFeeAndEarn,
        Self::EveryTransactionBalances,
        Self::SpentAndLeasedWithinFunded,
        Self::SettledWithinGranted,
        Self::LeaseHoldsWhatItWasGranted,
        Self::SettledOnceAndAckedAfterCommit,
        Self::ClearingIsWhatIsNotRolledUp,
        Self::OnePrimaryOnePlay,
        Self::PlaysGoForward,
        Self::TokenOutlivesItsPrice,
    ];

    /// Who guards it.
    #[must_use]
    pub const fn guard(self) -> &'static str {
        match self {
            Self::PriceIsFeeAndEarn => "Split::is_exact; CHECK on settle_event",
            Self::EveryTransactionBalances => "settlement::is_balanced; reconcile R1",
            Self::SpentAndLeasedWithinFunded => "CHECK on campaign_budget; reconcile R6",
            Self::SettledWithinGranted => "settlement::plan; CHECK on budget_lease",
            Self::LeaseHoldsWhatItWasGranted => "Lease::is_sound",
            Self::SettledOnceAndAckedAfterCommit => {
                "settle_event holds an id once; SettlementActor; scripts/crash-test"
            }
            Self::ClearingIsWhatIsNotRolledUp => "reconcile R5",
            Self::OnePrimaryOnePlay => "page::primary; LiveStreamer::slot",
            Self::PlaysGoForward => "play::Machine",
            Self::TokenOutlivesItsPrice => "Lease::expire; token::SKEW",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_names_its_guard() {
        assert!(Invariant::ALL.iter().all(|invariant| !invariant.guard().is_empty()));
    }
}
