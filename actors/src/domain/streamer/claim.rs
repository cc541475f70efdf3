//! Claims: verified here, written by settlement, acked when they are durable.

use super::hand::InFlight;
use super::live::{Effect, LiveStreamer, ToPage, World};
use super::page::SessionId;
use crate::domain::id::PlayId;
use crate::domain::log::{PlayOutcome, PlayRecord};
use crate::domain::reason::Reason;
use crate::domain::settlement::{Claim, Outcome};
use crate::domain::verification::{Evidence, verify};

/// Claims of one streamer on their way to the database. A page sends an unacked claim again, so
/// what is above the bound is only late.
const IN_FLIGHT_MAX: usize = 256;

/// What a page brings.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The play, as the page names it.
    pub play: PlayId,
    /// The debit token.
    pub token: Vec<u8>,
    /// The nonce.
    pub nonce: String,
    /// What it measured.
    pub evidence: Evidence,
}

impl LiveStreamer {
    /// A page claims a play. The token says everything that is needed: the play may be of an
    /// earlier process that this one knows nothing about.
    pub(super) fn claim(
        &mut self,
        session: SessionId,
        proof: Proof,
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let mut refuse = |reason| {
            let ack = ToPage::Ack { play: proof.play, outcome: Outcome::Rejected(reason) };
            effects.push(Effect::Send(session, ack));
            effects.push(Effect::Refused(reason));
        };
        let terms = match world.keys.verify(&proof.token, &proof.nonce) {
            Ok(terms) if terms.streamer != self.streamer.id => return refuse(Reason::ForeignToken),
            Ok(terms) if terms.play != proof.play => return refuse(Reason::UnknownPlay),
            Ok(terms) => terms,
            Err(reason) => return refuse(reason),
        };
        if let Some(waiting) = self.money.in_flight.iter_mut().find(|claim| claim.play == terms.play) {
            // The page is back on another socket and says it again: it is acked there.
            waiting.session = session;
            return;
        }
        if self.money.in_flight.len() >= IN_FLIGHT_MAX {
            return;
        }
        let verdict = verify(&terms, &proof.evidence, world.terms.strict, world.now);
        self.money.in_flight.push(InFlight { play: terms.play, earn: terms.split.earn, session });
        let claim = Box::new(Claim { debit: terms.debit(world.now), verdict });
        effects.push(Effect::Settle { claim, session: Some(session) });
        effects.push(Effect::Changed);
    }

    /// Settlement answered; none when it could not take the claim, which the page will send again.
    pub fn settled(
        &mut self,
        claim: &Claim,
        session: Option<SessionId>,
        outcome: Option<Outcome>,
        effects: &mut Vec<Effect>,
    ) {
        let play = claim.debit.play;
        effects.push(Effect::Changed);
        // The server's own refusal answers nobody; a claim of the same play is answered by itself.
        let Some(session) = session else { return };
        let waiting = self.money.in_flight.iter().position(|claim| claim.play == play);
        let session = waiting.map_or(session, |at| self.money.in_flight.remove(at).session);
        let Some(outcome) = outcome else { return };
        if self.pages.iter().any(|page| page.session == session) {
            effects.push(Effect::Send(session, ToPage::Ack { play, outcome }));
        }
        let (end, reason) = match outcome {
            Outcome::Settled => (PlayOutcome::Settled, None),
            Outcome::Rejected(reason) => (PlayOutcome::Rejected, Some(reason)),
            Outcome::Duplicate => return,
        };
        if outcome == Outcome::Settled
            && let Some((_, earned, plays)) = self.money.earned.as_mut()
        {
            earned.0 = earned.0.saturating_add(claim.debit.split.earn.0);
            *plays += 1;
        }
        if let Some(recent) = self.recent.iter_mut().find(|r| r.play == Some(play)) {
            recent.outcome = Some(end);
            recent.reason = reason;
        }
        effects.push(Effect::Log(Box::new(record(claim, end, reason))));
    }
}

/// The last record of a play. It has no click link, and does not know the first frame: what was written when
/// it came on screen stays.
fn record(claim: &Claim, outcome: PlayOutcome, reason: Option<Reason>) -> PlayRecord {
    let debit = &claim.debit;
    PlayRecord {
        play: debit.play,
        at: debit.occurred,
        streamer: debit.streamer,
        campaign: debit.campaign,
        creative: debit.creative,
        outcome,
        reason,
        shown: Some(debit.play.minted()),
        viewers: debit.viewers,
        currency: debit.currency,
        split: debit.split,
        click_code: None,
        clicks: None,
    }
}
