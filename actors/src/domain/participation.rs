//! How far a streamer's part in a campaign came, and who may move it on.

/// How far a participation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The brand asked; the streamer has not answered.
    Invited,
    /// The streamer asked; the brand has not answered.
    Applied,
    /// The streamer may play the campaign.
    Approved,
    /// The brand said no.
    Declined,
    /// The streamer does not want it, or does no more; or the brand took its invitation back.
    Withdrawn,
    /// The brand says that it is done.
    Completed,
    /// It is over.
    Ended,
}

/// Who moves it on; an operator acts for the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The advertiser.
    Brand,
    /// The streamer.
    Streamer,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Invited,
        Self::Applied,
        Self::Approved,
        Self::Declined,
        Self::Withdrawn,
        Self::Completed,
        Self::Ended,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Completed => "completed",
            Self::Ended => "ended",
        }
    }

    /// The standing of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == code)
    }

    /// Whether `by` may make this of what is there; none when nothing is. Nobody plays a campaign without the
    /// word of both: who was asked by the other is approved by their own yes.
    #[must_use]
    pub const fn follows(self, from: Option<Self>, by: Party) -> bool {
        use Party::{Brand, Streamer};
        match (from, self) {
            (None | Some(Self::Withdrawn), Self::Applied) => matches!(by, Streamer),
            (None | Some(Self::Declined | Self::Withdrawn), Self::Invited) => matches!(by, Brand),
            (Some(Self::Invited), Self::Approved) => matches!(by, Streamer),
            (Some(Self::Applied | Self::Declined), Self::Approved) => matches!(by, Brand),
            (Some(Self::Applied | Self::Approved), Self::Declined) => matches!(by, Brand),
            (Some(Self::Approved), Self::Completed) => matches!(by, Brand),
            (Some(Self::Applied | Self::Approved), Self::Withdrawn) => matches!(by, Streamer),
            (Some(Self::Invited), Self::Withdrawn) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the two parties move, a streamer plays only after both said yes, and not after either said
        /// no.
        #[test]
        fn nobody_plays_without_the_word_of_both(
            moves in proptest::collection::vec((0_usize..7, any::<bool>()), 0..40),
        ) {
            let (mut standing, mut brand, mut streamer) = (None, false, false);
            for (to, is_brand) in moves {
                let (to, by) = (Standing::ALL[to], if is_brand { Party::Brand } else { Party::Streamer });
                if !to.follows(standing, by) {
                    continue;
                }
                let yes = matches!(to, Standing::Invited | Standing::Applied | Standing::Approved);
                match by {
                    // What was said before one of them went away does not count.
                    _ if to == Standing::Withdrawn => (brand, streamer) = (false, false),
                    Party::Brand => brand = yes,
                    Party::Streamer => streamer = yes,
                }
                standing = Some(to);
                prop_assert!(to != Standing::Approved || (brand && streamer));
            }
        }
    }

    #[test]
    fn what_is_over_stays_over() {
        for by in [Party::Brand, Party::Streamer] {
            for to in Standing::ALL {
                assert!(!to.follows(Some(Standing::Completed), by) && !to.follows(Some(Standing::Ended), by));
            }
        }
    }
}
