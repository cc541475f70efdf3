//! Whether a claim is billable. Claims are claims: the page is checked against the clock, the
//! host's word and the platform.
//!
//! Thresholds are those of the MRC for viewable ads (half of the pixels for one second, two for
//! video) and of the IAB/MRC in-game guideline of 2022 (1.5 % of the screen).

use super::reason::Reason;
use super::streamer::page::Active;
use super::time::{Millis, UnixMillis};
use super::token::Terms;

/// What the page measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Longest time painted without a gap.
    pub painted: Millis,
    /// Frames in that time.
    pub frames: u32,
    /// Share of the creative inside the viewport, in percent.
    pub in_view_percent: u8,
    /// Share of the page that it covers, in parts per million.
    pub area_ppm: u32,
    /// The label was visible at each check.
    pub label_visible: bool,
    /// The lowest state while it was on screen.
    pub active: Active,
    /// Streaming at start and end, when the host tells.
    pub streaming: Option<bool>,
}

/// What an installation asks for beyond the thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strictness {
    /// A host that tells must say that it streams.
    pub require_streaming: bool,
    /// Frames a second, at least; OBS sources run at 30 or 60 unless somebody set less.
    pub frames_per_second_min: u32,
}

/// 1.5 % of the page.
pub const AREA_PPM_MIN: u32 = 15_000;
/// Half of the pixels.
pub const IN_VIEW_PERCENT_MIN: u8 = 50;
/// A claim that took a little longer to measure than to happen is still honest.
const CLOCK_SLACK: Millis = Millis(500);

/// Judges a claim at `now`.
///
/// # Errors
/// The first thing that makes it not billable.
pub fn verify(terms: &Terms, evidence: &Evidence, strict: Strictness, now: UnixMillis) -> Result<(), Reason> {
    if now > terms.dead() {
        return Err(Reason::TokenExpired);
    }
    if !evidence.label_visible {
        return Err(Reason::LabelHidden);
    }
    if evidence.painted < terms.viewable_after {
        return Err(Reason::TooShort);
    }
    let passed = now - terms.issued;
    if evidence.painted.0 > passed.0 + passed.0 / 10 + CLOCK_SLACK.0 {
        return Err(Reason::FasterThanTime);
    }
    let frames_min = i64::from(strict.frames_per_second_min) * evidence.painted.0 * 8 / 10_000;
    if i64::from(evidence.frames) < frames_min {
        return Err(Reason::NotPainted);
    }
    if evidence.in_view_percent < IN_VIEW_PERCENT_MIN {
        return Err(Reason::NotInView);
    }
    if evidence.area_ppm < AREA_PPM_MIN {
        return Err(Reason::TooSmall);
    }
    if evidence.active < Active::Inferred {
        return Err(Reason::NotInProgram);
    }
    if strict.require_streaming && evidence.streaming == Some(false) {
        return Err(Reason::NotStreaming);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::token::tests::terms;
    use proptest::prelude::*;

    const STRICT: Strictness = Strictness { require_streaming: true, frames_per_second_min: 20 };

    pub(crate) fn good() -> Evidence {
        Evidence {
            painted: Millis(5000),
            frames: 300,
            in_view_percent: 100,
            area_ppm: 40_000,
            label_visible: true,
            active: Active::Active,
            streaming: Some(true),
        }
    }

    fn judged(change: impl FnOnce(&mut Evidence)) -> Result<(), Reason> {
        let mut evidence = good();
        change(&mut evidence);
        verify(&terms(1000), &evidence, STRICT, terms(1000).issued + Millis(6000))
    }

    #[test]
    fn each_shortcoming_has_its_reason() {
        assert_eq!(judged(|_| ()), Ok(()));
        assert_eq!(judged(|e| e.label_visible = false), Err(Reason::LabelHidden));
        assert_eq!(judged(|e| e.painted = Millis(999)), Err(Reason::TooShort));
        assert_eq!(judged(|e| e.painted = Millis(7101)), Err(Reason::FasterThanTime));
        assert_eq!(judged(|e| e.frames = 79), Err(Reason::NotPainted));
        assert_eq!(judged(|e| e.in_view_percent = 49), Err(Reason::NotInView));
        assert_eq!(judged(|e| e.area_ppm = 14_999), Err(Reason::TooSmall));
        assert_eq!(judged(|e| e.active = Active::Unknown), Err(Reason::NotInProgram));
        assert_eq!(judged(|e| e.streaming = Some(false)), Err(Reason::NotStreaming));
        assert_eq!(judged(|e| e.streaming = None), Ok(()), "a host that can not tell is not punished");
    }

    #[test]
    fn a_claim_is_accepted_until_the_token_is_dead() {
        let at = |now| verify(&terms(1), &good(), STRICT, now);
        assert_eq!(at(terms(1).dead()), Ok(()));
        assert_eq!(at(terms(1).dead() + Millis(1)), Err(Reason::TokenExpired));
    }

    proptest! {
        #[test]
        fn nothing_is_billable_below_a_threshold(
            painted in 0_i64..20_000,
            frames in 0_u32..1000,
            view in 0_u8..=100,
            area in 0_u32..100_000,
        ) {
            let painted_for = Millis(painted);
            let evidence =
                Evidence { painted: painted_for, frames, in_view_percent: view, area_ppm: area, ..good() };
            let passed = Millis(6000);
            if verify(&terms(1), &evidence, STRICT, terms(1).issued + passed).is_ok() {
                prop_assert!((1000..=7100).contains(&painted) && view >= 50 && area >= 15_000);
                prop_assert!(i64::from(frames) >= 16 * painted / 1000 - 1);
            }
        }
    }
}
