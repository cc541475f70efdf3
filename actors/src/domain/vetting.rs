//! Whether a brand is who it says it is: it asks, an operator decides, and what it changes afterwards is
//! looked at again.

use super::time::UnixMillis;
use std::sync::Arc;

/// How far the verification of a brand or a channel came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vetting {
    /// Nobody asked.
    #[default]
    Unverified,
    /// An operator has to decide.
    Pending,
    /// It is.
    Verified,
    /// It is not.
    Rejected,
}

impl Vetting {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Unverified, Self::Pending, Self::Verified, Self::Rejected];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// The verification of a brand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vetted {
    /// How far it came.
    pub state: Vetting,
    /// When the brand last asked, or changed what was verified.
    pub requested: Option<UnixMillis>,
    /// When an operator last decided.
    pub decided: Option<UnixMillis>,
    /// Why they decided so.
    pub reason: Option<Arc<str>>,
}

impl Vetted {
    /// The brand asks. Who is verified, or has asked, has nothing to ask for.
    #[must_use]
    pub fn asked(&self, now: UnixMillis) -> Self {
        match self.state {
            Vetting::Unverified | Vetting::Rejected => {
                Self { state: Vetting::Pending, requested: Some(now), ..self.clone() }
            }
            Vetting::Pending | Vetting::Verified => self.clone(),
        }
    }

    /// An operator decides, or decides anew; none when nobody ever asked, or it is no decision.
    #[must_use]
    pub fn decided(&self, state: Vetting, reason: &str, now: UnixMillis) -> Option<Self> {
        let decides = matches!(state, Vetting::Verified | Vetting::Rejected);
        let fits = decides && self.state != Vetting::Unverified;
        fits.then(|| Self { state, decided: Some(now), reason: Some(reason.into()), ..self.clone() })
    }

    /// What was verified is another thing now; `whole` when there is enough of it to decide anew.
    #[must_use]
    pub fn restated(&self, whole: bool, now: UnixMillis) -> Self {
        match self.state {
            Vetting::Pending | Vetting::Verified => {
                let state = if whole { Vetting::Pending } else { Vetting::Unverified };
                Self { state, requested: whole.then_some(now), ..self.clone() }
            }
            Vetting::Unverified | Vetting::Rejected => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(5);

    #[test]
    fn who_asks_waits_for_a_decision_and_what_changes_is_looked_at_again() {
        let new = Vetted::default();
        assert_eq!(new.decided(Vetting::Verified, "papers", NOW), None, "nobody asked");
        let asked = new.asked(NOW);
        assert_eq!((asked.state, asked.requested), (Vetting::Pending, Some(NOW)));
        assert_eq!(asked.asked(UnixMillis(9)), asked);
        let verified = asked.decided(Vetting::Verified, "papers", NOW).unwrap();
        assert_eq!((verified.state, verified.decided), (Vetting::Verified, Some(NOW)));
        assert_eq!(verified.asked(UnixMillis(9)), verified);
        let again = verified.restated(true, UnixMillis(9));
        assert_eq!((again.state, again.requested), (Vetting::Pending, Some(UnixMillis(9))));
        assert_eq!(verified.restated(false, NOW).state, Vetting::Unverified);
        let rejected = verified.decided(Vetting::Rejected, "forged", NOW).unwrap();
        assert_eq!(rejected.reason.as_deref(), Some("forged"));
        assert_eq!(rejected.restated(true, NOW), rejected, "who was rejected asks again");
        assert_eq!(rejected.asked(NOW).state, Vetting::Pending);
        for none in [Vetting::Pending, Vetting::Unverified] {
            assert_eq!(asked.decided(none, "x", NOW), None);
        }
        assert!(Vetting::ALL.into_iter().all(|state| Vetting::from_code(state.code()) == Some(state)));
    }
}
