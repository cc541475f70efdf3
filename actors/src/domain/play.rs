//! The state machine of one play, from the decision to the claim.
//!
//! ```text
//! reserving -> preparing -> starting -> on_screen -> shown -> (claim)
//!      \           \            \            \
//!       `-----------`------------`------------`-> lost, with a reason
//! ```
//!
//! It only goes forward: what comes twice or too late changes nothing. Whether money may come back
//! at once depends on one thing, whether the debit token has left the server.

use super::reason::Reason;
use super::time::{Millis, UnixMillis};

/// Where a play is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A campaign is asked for the money.
    Reserving,
    /// The page loads the creative.
    Preparing,
    /// The page was told to show it; the token is out.
    Starting,
    /// The first frame was painted.
    OnScreen,
    /// It was on screen for its whole time; the claim may come.
    Shown,
    /// It ended without a claim, for this reason.
    Lost(Reason),
}

/// What happens to a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayEvent {
    /// The campaign set the money aside.
    Reserved,
    /// The page has the creative.
    Prepared,
    /// The first frame was painted.
    Started,
    /// The page took it off after its time.
    Ended,
    /// It ended early, or could not be shown.
    Lost(Reason),
}

/// How long each phase may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the campaign's answer, a top-up of its lease included.
    pub reserve: Millis,
    /// For loading and decoding.
    pub prepare: Millis,
    /// From `play` to the first frame.
    pub start: Millis,
    /// Added to the creative's own time.
    pub end: Millis,
}

/// A play in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    phase: Phase,
    deadline: UnixMillis,
    duration: Millis,
}

impl Machine {
    /// A play that begins to ask for money.
    #[must_use]
    pub fn new(duration: Millis, patience: Patience, now: UnixMillis) -> Self {
        Self { phase: Phase::Reserving, deadline: now + patience.reserve, duration }
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// When it is lost, unless something happens.
    #[must_use]
    pub const fn deadline(&self) -> UnixMillis {
        self.deadline
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Shown | Phase::Lost(_))
    }

    /// Whether the debit token has left the server: then the price can not come back at once.
    #[must_use]
    pub const fn token_is_out(&self) -> bool {
        !matches!(self.phase, Phase::Reserving | Phase::Preparing)
    }

    /// Takes an event. True when it changed the phase; false for what is early, late or twice.
    pub fn on(&mut self, event: PlayEvent, patience: Patience, now: UnixMillis) -> bool {
        let (phase, wait) = match (self.phase, event) {
            (Phase::Reserving, PlayEvent::Reserved) => (Phase::Preparing, patience.prepare),
            (Phase::Preparing, PlayEvent::Prepared) => (Phase::Starting, patience.start),
            (Phase::Starting, PlayEvent::Started) => {
                (Phase::OnScreen, Millis(self.duration.0.saturating_add(patience.end.0)))
            }
            // `started` may have been lost with a socket; `ended` says both.
            (Phase::Starting | Phase::OnScreen, PlayEvent::Ended) => (Phase::Shown, Millis(0)),
            (phase, PlayEvent::Lost(reason)) if phase < Phase::Shown => (Phase::Lost(reason), Millis(0)),
            _ => return false,
        };
        self.phase = phase;
        self.deadline = now + wait;
        true
    }

    /// The reason to lose it with, when its time is up.
    #[must_use]
    pub fn overdue(&self, now: UnixMillis) -> Option<Reason> {
        if now < self.deadline {
            return None;
        }
        match self.phase {
            Phase::Reserving => Some(Reason::ReserveTimeout),
            Phase::Preparing => Some(Reason::PrepareTimeout),
            Phase::Starting => Some(Reason::StartTimeout),
            Phase::OnScreen => Some(Reason::PlayTimeout),
            Phase::Shown | Phase::Lost(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Patience =
        Patience { reserve: Millis(10), prepare: Millis(20), start: Millis(30), end: Millis(40) };

    fn event() -> impl Strategy<Value = PlayEvent> {
        prop_oneof![
            Just(PlayEvent::Reserved),
            Just(PlayEvent::Prepared),
            Just(PlayEvent::Started),
            Just(PlayEvent::Ended),
            Just(PlayEvent::Lost(Reason::Hidden)),
        ]
    }

    #[test]
    fn the_straight_way() {
        let mut play = Machine::new(Millis(1000), PATIENCE, UnixMillis(0));
        let steps = [PlayEvent::Reserved, PlayEvent::Prepared, PlayEvent::Started, PlayEvent::Ended];
        for (step, deadline) in steps.into_iter().zip([20, 30, 1040, 0]) {
            assert_eq!(play.token_is_out(), !matches!(step, PlayEvent::Reserved | PlayEvent::Prepared));
            assert!(play.on(step, PATIENCE, UnixMillis(0)));
            assert_eq!(play.deadline(), UnixMillis(deadline));
        }
        assert_eq!(play.phase(), Phase::Shown);
    }

    #[test]
    fn each_wait_has_an_end() {
        let mut play = Machine::new(Millis(1000), PATIENCE, UnixMillis(0));
        assert_eq!(play.overdue(UnixMillis(9)), None);
        assert_eq!(play.overdue(UnixMillis(10)), Some(Reason::ReserveTimeout));
        play.on(PlayEvent::Reserved, PATIENCE, UnixMillis(5));
        assert_eq!(play.overdue(UnixMillis(25)), Some(Reason::PrepareTimeout));
        play.on(PlayEvent::Prepared, PATIENCE, UnixMillis(25));
        assert_eq!(play.overdue(UnixMillis(55)), Some(Reason::StartTimeout));
        play.on(PlayEvent::Started, PATIENCE, UnixMillis(55));
        assert_eq!(play.overdue(UnixMillis(1094)), None);
        assert_eq!(play.overdue(UnixMillis(1095)), Some(Reason::PlayTimeout));
    }

    proptest! {
        /// Whatever arrives, in whatever order and however often: phases only go forward, the end
        /// is final, and a token that is out stays out.
        #[test]
        fn a_play_only_goes_forward(events in proptest::collection::vec((event(), 0_i64..100), 0..30)) {
            let mut play = Machine::new(Millis(1000), PATIENCE, UnixMillis(0));
            let mut now = 0;
            for (event, wait) in events {
                now += wait;
                let before = play;
                let changed = play.on(event, PATIENCE, UnixMillis(now));
                prop_assert_eq!(changed, before != play || before.phase() != play.phase());
                prop_assert!(play.phase() >= before.phase());
                prop_assert!(!before.is_over() || play == before);
                if matches!(play.phase(), Phase::Starting | Phase::OnScreen | Phase::Shown) {
                    prop_assert!(play.token_is_out());
                }
            }
        }
    }
}
