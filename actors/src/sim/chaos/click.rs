//! Viewers who follow the link of a play, and the server's way from a click to a claim: what `web/click.rs`
//! does, step by step.

use super::event::{Event, Inside};
use super::run::Run;
use crate::domain::id::PlayId;
use crate::domain::settlement::{Claim, Debit, EventKind, Outcome};
use crate::domain::time::Millis;
use crate::domain::token::SKEW;
use std::collections::BTreeSet;

/// Viewers who click on a stream: so few that the same one comes again.
const VIEWERS: u64 = 5;
/// The longest wait of most clicks, and of those that may be too late.
const SOON: i64 = 60_000;
const LATE: i64 = 300_000;

impl Run {
    /// What is on screen can be scanned: some viewers follow it, some of them late, some twice.
    pub(super) fn scanned(&mut self, play: PlayId) {
        for _ in 0..self.random.below(4) {
            let viewer = u8::try_from(self.random.below(VIEWERS)).unwrap_or(0);
            let longest = if self.random.percent(10) { LATE } else { SOON };
            let at = self.now + Millis(self.random.between(500, longest));
            let twice = self.faults && self.random.percent(20);
            for _ in 0..=u32::from(twice) {
                let after = Millis(self.random.between(0, 3000));
                self.agenda.at(at + after, Event::Click(play, viewer));
            }
        }
    }

    /// A viewer follows the link: the log says what it pays, and for how long. A server that is down hears
    /// nothing of it.
    pub(super) fn click(&mut self, play: PlayId, viewer: u8) {
        let now = self.now;
        let Some((record, terms)) = self.log.get(&play).and_then(|record| Some((record, record.clicks?)))
        else {
            return;
        };
        let Some(process) = self.process.as_mut() else { return };
        self.counts.clicks += 1;
        if now > terms.expires + SKEW {
            return;
        }
        let debit = Debit {
            event: play.click(&[viewer]),
            kind: EventKind::Click,
            play,
            lease: terms.lease,
            campaign: record.campaign,
            streamer: record.streamer,
            creative: record.creative,
            currency: record.currency,
            split: terms.split,
            viewers: 0,
            occurred: now,
        };
        process.clicks.push((play, debit.event));
        let same_play = process.clicks.iter().filter(|(other, _)| *other == play);
        let together = same_play.map(|(_, click)| *click).collect::<BTreeSet<PlayId>>().len();
        self.soon_inside(20, Inside::Count(Box::new(debit), together));
    }

    /// The ledger says how many are billed already; what comes of it is heard later.
    pub(super) fn count_clicks(&mut self, click: Debit, together: usize) {
        let most = self.log.get(&click.play).and_then(|record| record.clicks).map_or(0, |it| it.clicks_max);
        let fits = self.store_works
            && self.ledger.clicks(click.play, click.event) + together <= usize::try_from(most).unwrap_or(0);
        self.soon_inside(20, Inside::Bill(Box::new(click), fits));
    }

    /// The click becomes a claim, unless it is one too many or nobody could say.
    pub(super) fn bill(&mut self, click: Debit, fits: bool) {
        if fits {
            self.take(Claim { debit: click, verdict: Ok(()) }, None);
        } else {
            self.not_under_way(&click);
        }
    }

    /// The ledger has answered.
    pub(super) fn click_ends(&mut self, click: &Debit, outcome: Outcome) {
        self.counts.billed += u64::from(outcome == Outcome::Settled);
        self.not_under_way(click);
    }

    fn not_under_way(&mut self, click: &Debit) {
        let Some(process) = self.process.as_mut() else { return };
        let own = (click.play, click.event);
        if let Some(at) = process.clicks.iter().position(|one| *one == own) {
            process.clicks.swap_remove(at);
        }
    }
}
