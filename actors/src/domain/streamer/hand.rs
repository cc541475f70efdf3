//! The play in hand, and claims on their way to the database.

use super::page::SessionId;
use crate::domain::campaign::{Campaign, Quote};
use crate::domain::creative::Creative;
use crate::domain::decision::Choice;
use crate::domain::id::{LeaseId, PlayId, StreamerId};
use crate::domain::log::{ClickTerms, PlayOutcome, PlayRecord};
use crate::domain::money::{Currency, Micros, Split};
use crate::domain::play::Machine;
use crate::domain::reason::Reason;
use crate::domain::time::UnixMillis;
use crate::domain::token::Terms;
use std::sync::Arc;

/// No price: of a test, and of a play that is paid by its clicks.
pub(super) const NOTHING: Split = Split { price: Micros::ZERO, fee: Micros::ZERO, earn: Micros::ZERO };

/// A claim that is not durable yet, and what the dashboard shows of money.
#[derive(Debug, Default)]
pub struct Money {
    /// Claims on their way to the database.
    pub in_flight: Vec<InFlight>,
    /// Durable, all time; none before it was read.
    pub earned: Option<(Currency, Micros, u64)>,
}

/// A claim on its way to the database.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    /// The play.
    pub play: PlayId,
    /// What the streamer earns by it.
    pub earn: Micros,
    /// Who claimed it last, and hears of it.
    pub session: SessionId,
}

/// The play in hand.
#[derive(Debug)]
pub struct Hand {
    /// The play.
    pub play: PlayId,
    /// Where it is.
    pub machine: Machine,
    /// Whom it is for; none for a test.
    pub campaign: Option<Arc<Campaign>>,
    /// What is shown.
    pub creative: Creative,
    /// What it may cost.
    pub quote: Quote,
    /// What it is expected to cost.
    pub value: Micros,
    /// The price and who gets it.
    pub split: Split,
    /// Who pays.
    pub lease: LeaseId,
    /// The page that shows it.
    pub session: SessionId,
    /// That page, across sockets.
    pub instance: Box<str>,
    /// The code of its click link.
    pub click_code: Option<Arc<str>>,
    /// Those that may have the slot when this one gets no money.
    pub rest: Vec<Choice>,
    /// When the slot fell due.
    pub due: UnixMillis,
    /// When `prepare` was sent.
    pub prepared: UnixMillis,
    /// When the first frame was painted.
    pub started: Option<UnixMillis>,
    /// The audience when the price was fixed.
    pub viewers: u32,
    /// The token's terms, once it is out.
    pub terms: Option<Terms>,
}

impl Hand {
    /// The play as the log has it.
    pub(super) fn record(
        &self,
        streamer: StreamerId,
        outcome: PlayOutcome,
        reason: Option<Reason>,
    ) -> Option<PlayRecord> {
        let campaign = self.campaign.as_ref()?;
        let terms = self.terms.as_ref();
        let clicks = terms.filter(|_| self.quote.clicks_max > 0).map(|terms| ClickTerms {
            lease: self.lease,
            split: self.split,
            clicks_max: self.quote.clicks_max,
            expires: terms.expires,
        });
        let split = if self.quote.clicks_max > 0 { NOTHING } else { self.split };
        Some(PlayRecord {
            play: self.play,
            at: self.due,
            streamer,
            campaign: campaign.id,
            creative: self.creative.id,
            outcome,
            reason,
            shown: self.started,
            viewers: self.viewers,
            currency: campaign.currency,
            split,
            click_code: self.click_code.clone(),
            clicks,
        })
    }
}
