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
    /// No play is decided that a rule forbids, by what is known to have been shown on the stream.
    RulesHold,
    /// No cap is passed: a campaign's on a streamer, a streamer's own, a campaign's day.
    CapsHold,
    /// The same claims give the same ledger, however often, late and in whatever order they came.
    SameClaimsSameLedger,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 13] = [
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
        Self::RulesHold,
        Self::CapsHold,
        Self::SameClaimsSameLedger,
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
            Self::RulesHold => "RuleIndex::blocks; History",
            Self::CapsHold => "History::allows; AdClock::allows; the ledger's grant",
            Self::SameClaimsSameLedger => "settlement::plan; simulate --chaos",
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
