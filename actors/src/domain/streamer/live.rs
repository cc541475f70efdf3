//! A streamer who is connected: everything that their actor holds, and the steps it takes.
//!
//! Each step is pure: it changes this state and pushes effects, which the actor then performs.
//! This file has the pages and what they say; `slot` has the ad clock and the play in hand,
//! `claim` the money, `board` the view for the dashboard.

use super::board::Recent;
use super::hand::{Hand, Money};
use super::history::History;
use super::page::{Page, PageStatus, SessionId, Tested, primary};
use super::{Sample, Settings, Streamer};
use crate::domain::ad_clock::AdClock;
use crate::domain::campaign::account::Want;
use crate::domain::conflict::{Hit, Presence};
use crate::domain::creative::Creative;
use crate::domain::decision::{Candidate, Guide};
use crate::domain::id::{CampaignId, PlayId};
use crate::domain::money::{Currency, FeeBps, Micros};
use crate::domain::pacing::Attainments;
use crate::domain::play::{Patience, PlayEvent};
use crate::domain::policy::Policies;
use crate::domain::reason::{Losses, Reason};
use crate::domain::settlement::Claim;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::token::{SKEW, TokenKeys};
use crate::domain::verification::{Evidence, Strictness};
use std::collections::VecDeque;
use std::sync::Arc;

/// Slots that are remembered for the dashboard.
pub const RECENT_MAX: usize = 20;
/// Pages that one streamer may have open; one more is refused.
pub const PAGES_MAX: usize = 8;

/// The numbers of an installation that a streamer's steps depend on.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long each phase of a play may take.
    pub patience: Patience,
    /// Life of a debit token.
    pub token_life: Millis,
    /// The platform's share.
    pub fee: FeeBps,
    /// What a claim must show.
    pub strict: Strictness,
    /// The first slot after the first page came.
    pub first_slot: Millis,
    /// First slots of different streamers are spread over this time.
    pub first_slot_spread: Millis,
    /// From the slot of one ad to the next, whatever the streamer wishes.
    pub minimum_gap: Millis,
}

impl Terms {
    /// From a decision to the moment when no claim and no click of its play can cost money any more.
    #[must_use]
    pub fn money_returns_after(&self) -> Millis {
        let before_token = self.patience.reserve.0 + self.patience.prepare.0;
        Millis(before_token + self.token_life.0 + 2 * SKEW.0)
    }
}

/// What a decision may choose from.
pub trait Market {
    /// What decisions go by.
    fn guide(&self) -> Guide<'_>;
    /// Of the open campaigns those that may want the stream, and those that the streamer takes part in,
    /// priced for so many viewers.
    fn candidates(&self, streamer: &Streamer, viewers: u32) -> Vec<Candidate<'_>>;
    /// A campaign that was asked for, whether or not it is a candidate; none for one that is not known. The
    /// word beside it is whether the streamer may show it: it is open, or they take part.
    fn named(
        &self,
        streamer: &Streamer,
        campaign: CampaignId,
        viewers: u32,
    ) -> Option<(Candidate<'_>, bool)> {
        let mut candidates = self.candidates(streamer, viewers).into_iter();
        candidates.find(|candidate| candidate.campaign.id == campaign).map(|candidate| (candidate, true))
    }
}

/// The world as a step sees it.
pub struct World<'a> {
    /// The moment.
    pub now: UnixMillis,
    /// What the platform says.
    pub sample: Option<Sample>,
    /// What may be shown.
    pub market: &'a dyn Market,
    /// What all streamers of this node earned today of what they could have earned.
    pub attained: &'a dyn Fn() -> Attainments,
    /// What the platforms allow.
    pub policies: &'a Policies,
    /// Sign and verify debit tokens.
    pub keys: &'a TokenKeys,
    /// The numbers of this installation.
    pub terms: &'a Terms,
    /// Chance.
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

impl World<'_> {
    /// Random bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }
}

/// What the server says to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToPage {
    /// Whether it gets the plays.
    Role(bool),
    /// Load and decode.
    Prepare {
        /// The play.
        play: PlayId,
        /// What.
        creative: Box<Creative>,
        /// Who pays, for the label.
        brand: Arc<str>,
        /// Where it stands.
        corner: super::Corner,
        /// The code of the click link, for QR.
        click_code: Option<Arc<str>>,
        /// A test, labelled as one.
        test: bool,
        /// Forget it then.
        not_after: UnixMillis,
    },
    /// Show.
    Play {
        /// The play.
        play: PlayId,
        /// The debit token; none for a test.
        token: Option<Vec<u8>>,
        /// To be echoed.
        nonce: String,
        /// Do not start after this.
        not_after: UnixMillis,
    },
    /// Take it off.
    Stop(PlayId),
    /// The claim is durable.
    Ack {
        /// The play, as the page named it.
        play: PlayId,
        /// What became of it.
        outcome: crate::domain::settlement::Outcome,
    },
    /// Loudness changed.
    Settings(Arc<Settings>),
}

/// What a page says, after its greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromPage {
    /// Its place in OBS changed.
    Status(PageStatus),
    /// It has the creative.
    Prepared(PlayId),
    /// The first frame was painted.
    Started(PlayId),
    /// It was on screen for its whole time.
    Ended(PlayId),
    /// It was not shown, or could not be.
    Lost(PlayId, Reason),
    /// A claim.
    Claim {
        /// The play, as the page names it.
        play: PlayId,
        /// The debit token.
        token: Vec<u8>,
        /// The nonce.
        nonce: String,
        /// What it measured.
        evidence: Evidence,
    },
}

/// What the actor has to do after a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send to a page.
    Send(SessionId, ToPage),
    /// Ask a campaign for money.
    Reserve {
        /// The campaign.
        campaign: CampaignId,
        /// What is wanted.
        want: Want,
    },
    /// Give money back: the token never left.
    Release(CampaignId, PlayId),
    /// Have a claim written; `session` wants to hear of it.
    Settle {
        /// The claim and the verdict on it.
        claim: Box<Claim>,
        /// Who claimed; none when the server refuses a play on its own account.
        session: Option<SessionId>,
    },
    /// A claim was refused here: settlement never hears of it.
    Refused(Reason),
    /// Write a play to the log.
    Log(Box<crate::domain::log::PlayRecord>),
    /// Conflict rules spoke against candidates.
    RulesSpoke(Vec<(CampaignId, Hit)>),
    /// Candidates lost.
    Lost(Losses),
    /// A slot stayed empty.
    NoFill(Reason),
    /// A slot was decided, filled or not, before so many viewers.
    Decided(u32),
    /// A slot fell due that was worth so much at best.
    Due(Currency, Micros),
    /// A play got its money, or with a negative price gave it back.
    Granted(Currency, Micros),
    /// Save what the streamer allows.
    Save,
    /// A test ad was painted.
    Tested(Box<Tested>),
    /// Something that the dashboard shows has changed.
    Changed,
}

/// A streamer who is connected.
#[derive(Debug)]
pub struct LiveStreamer {
    pub(super) streamer: Streamer,
    pub(super) pages: Vec<Page>,
    pub(super) primary: Option<SessionId>,
    pub(super) clock: AdClock,
    pub(super) history: History,
    pub(super) earned: Attainments,
    pub(super) hand: Option<Box<Hand>>,
    pub(super) recent: VecDeque<Recent>,
    pub(super) money: Money,
    pub(super) live_since: Option<UnixMillis>,
    pub(super) draining: bool,
    pub(super) store_away: bool,
}

impl LiveStreamer {
    /// A streamer without pages.
    #[must_use]
    pub fn new(streamer: Streamer) -> Self {
        Self {
            streamer,
            pages: Vec::new(),
            primary: None,
            clock: AdClock::default(),
            history: History::default(),
            earned: Attainments::default(),
            hand: None,
            recent: VecDeque::new(),
            money: Money::default(),
            live_since: None,
            draining: false,
            store_away: false,
        }
    }

    /// The streamer.
    #[must_use]
    pub const fn streamer(&self) -> &Streamer {
        &self.streamer
    }

    /// The page that gets the plays.
    #[must_use]
    pub const fn primary(&self) -> Option<SessionId> {
        self.primary
    }

    /// Whether anything is connected or in hand.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pages.is_empty() && self.hand.is_none() && self.money.in_flight.is_empty()
    }

    /// The streamer's row changed. Pause and snooze stay: they change here first, and the row may be older.
    pub fn replace(&mut self, streamer: Streamer, now: UnixMillis, effects: &mut Vec<Effect>) {
        let before = Arc::clone(&self.streamer.settings);
        let (paused, snoozed_until) = (before.paused, before.snoozed_until);
        let settings = Arc::new(Settings { paused, snoozed_until, ..(*streamer.settings).clone() });
        self.clock.hasten(now, settings.slot_interval);
        if (settings.loudness(), settings.motion) != (before.loudness(), before.motion) {
            let tell = |page: &Page| Effect::Send(page.session, ToPage::Settings(Arc::clone(&settings)));
            effects.extend(self.pages.iter().map(tell));
        }
        self.streamer = Streamer { settings, ..streamer };
        effects.push(Effect::Changed);
    }

    /// What the log says of earlier plays: campaigns with the time they came on screen.
    pub fn remember(
        &mut self,
        shown: impl IntoIterator<Item = (Arc<crate::domain::campaign::Campaign>, UnixMillis)>,
    ) {
        for (campaign, at) in shown {
            self.history.record(&campaign, at);
        }
    }

    /// Campaigns that were on screen, as far back as the rules look.
    pub fn remember_present(&mut self, shown: impl IntoIterator<Item = Presence>) {
        shown.into_iter().for_each(|presence| self.history.recall(presence));
    }

    /// The slots of ads that an earlier actor showed, oldest first: limits outlive it.
    pub fn remember_slots(&mut self, slots: impl IntoIterator<Item = UnixMillis>) {
        slots.into_iter().for_each(|slot| self.clock.count(slot, slot));
    }

    /// A page came. False when there are too many.
    pub fn attach(&mut self, page: Page, world: &mut World<'_>, effects: &mut Vec<Effect>) -> bool {
        if self.pages.len() >= PAGES_MAX {
            return false;
        }
        // The page that was cut off from its play is back: the play goes on with its new socket.
        if let Some(hand) = self.hand.as_mut().filter(|hand| hand.instance == page.instance_id) {
            hand.session = page.session;
        }
        // Nearly every streamer has one page: a vector that doubles would hold room for four.
        self.pages.reserve_exact(1);
        self.pages.push(page);
        let phase = self
            .streamer
            .id
            .0
            .wrapping_mul(2_654_435_761)
            .checked_rem_euclid(world.terms.first_slot_spread.0);
        self.clock.start(world.now + world.terms.first_slot + Millis(phase.unwrap_or(0)));
        self.elect(effects);
        effects.push(Effect::Changed);
        true
    }

    /// A page's socket is gone.
    pub fn detach(&mut self, session: SessionId, world: &mut World<'_>, effects: &mut Vec<Effect>) {
        let before = self.pages.len();
        self.pages.retain(|page| page.session != session);
        if self.pages.len() == before {
            return;
        }
        // With the token out the page may finish the ad alone and claim it later.
        let cut_off = self.hand.as_ref().is_some_and(|h| h.session == session && !h.machine.token_is_out());
        if cut_off {
            self.lose(Reason::Disconnected, world, effects);
        }
        if self.pages.is_empty() {
            self.clock.stop();
        }
        self.elect(effects);
        effects.push(Effect::Changed);
    }

    /// The server drains: no more slots.
    pub fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.draining = true;
        effects.push(Effect::Changed);
    }

    /// Whether the database has been failing for so long that no slot may be used.
    pub const fn store_away(&mut self, away: bool) {
        self.store_away = away;
    }

    /// A page said something.
    pub fn heard(
        &mut self,
        session: SessionId,
        said: FromPage,
        world: &mut World<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match said {
            FromPage::Status(status) => self.status(session, status, effects),
            FromPage::Prepared(play) => self.advance((session, play), PlayEvent::Prepared, world, effects),
            FromPage::Started(play) => self.advance((session, play), PlayEvent::Started, world, effects),
            FromPage::Ended(play) => self.advance((session, play), PlayEvent::Ended, world, effects),
            FromPage::Lost(play, reason) => {
                if self.hand.as_ref().is_some_and(|h| h.play == play && h.session == session) {
                    self.lose(reason, world, effects);
                }
            }
            FromPage::Claim { play, token, nonce, evidence } => {
                let proof = super::claim::Proof { play, token, nonce, evidence };
                self.claim(session, proof, world, effects);
            }
        }
    }

    fn status(&mut self, session: SessionId, status: PageStatus, effects: &mut Vec<Effect>) {
        let Some(page) = self.pages.iter_mut().find(|page| page.session == session) else { return };
        if page.status != status {
            page.status = status;
            self.elect(effects);
            effects.push(Effect::Changed);
        }
    }

    /// Names the page that gets the plays and tells those whose part has changed.
    pub(super) fn elect(&mut self, effects: &mut Vec<Effect>) {
        let playing = self.hand.as_ref().map(|hand| hand.session);
        let elected = primary(&self.pages, playing);
        if elected == self.primary {
            return;
        }
        let attached = |session: &SessionId| self.pages.iter().any(|page| page.session == *session);
        if let Some(old) = self.primary.filter(attached) {
            effects.push(Effect::Send(old, ToPage::Role(false)));
        }
        if let Some(new) = elected {
            effects.push(Effect::Send(new, ToPage::Role(true)));
        }
        self.primary = elected;
    }

    /// Why no ad can be shown now, whatever the ad clock says.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn fit(&mut self, now: UnixMillis, sample: Option<Sample>, terms: &Terms) -> Result<Sample, Reason> {
        let status = self.ready()?;
        self.live_since = on_air(sample, now).ok().map(|_| self.live_since.unwrap_or(now));
        self.fits((status, self.live_since), now, sample, terms)
    }

    /// The same, and nothing changes: not even since when the stream is known to be live.
    pub(super) fn would_fit(
        &self,
        now: UnixMillis,
        sample: Option<Sample>,
        terms: &Terms,
    ) -> Result<Sample, Reason> {
        let status = self.ready()?;
        let live_since = on_air(sample, now).ok().map(|_| self.live_since.unwrap_or(now));
        self.fits((status, live_since), now, sample, terms)
    }

    /// The status of the page that would show an ad.
    fn ready(&self) -> Result<PageStatus, Reason> {
        let page = self.pages.iter().find(|p| Some(p.session) == self.primary).ok_or(Reason::NoOverlay)?;
        if self.draining {
            return Err(Reason::Draining);
        }
        if self.store_away {
            return Err(Reason::StoreUnavailable);
        }
        Ok(page.status)
    }

    fn fits(
        &self,
        (status, live_since): (PageStatus, Option<UnixMillis>),
        now: UnixMillis,
        sample: Option<Sample>,
        terms: &Terms,
    ) -> Result<Sample, Reason> {
        use super::page::Active;
        self.clock.allows(&self.streamer.settings, terms.minimum_gap, live_since, now)?;
        if !status.visible {
            return Err(Reason::OverlayHidden);
        }
        if status.active < Active::Inferred {
            return Err(Reason::OverlayInactive);
        }
        if terms.strict.require_streaming && status.streaming == Some(false) {
            return Err(Reason::NotStreaming);
        }
        on_air(sample, now)
    }

    /// The streamer's own wish for the settings: saves them and tells the pages.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut Settings), effects: &mut Vec<Effect>) {
        let mut settings = (*self.streamer.settings).clone();
        change(&mut settings);
        self.streamer.settings = Arc::new(settings);
        effects.push(Effect::Save);
        effects.push(Effect::Changed);
    }
}

/// What the platform says of a stream that is on air.
///
/// # Errors
/// `viewers_unknown` when it says nothing any more, `stream_offline`.
fn on_air(sample: Option<Sample>, now: UnixMillis) -> Result<Sample, Reason> {
    let known = sample.filter(|s| s.is_fresh(now)).ok_or(Reason::ViewersUnknown)?;
    if known.live { Ok(known) } else { Err(Reason::StreamOffline) }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
