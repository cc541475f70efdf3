//! The record of a play, as the log keeps it and both sides can read it.

use super::id::{CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use super::money::{Currency, Split};
use super::reason::Reason;
use super::time::UnixMillis;
use std::sync::Arc;

/// The terms of the clicks of a play, kept until they expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClickTerms {
    /// The lease that pays.
    pub lease: LeaseId,
    /// Price, fee and earning of one click.
    pub split: Split,
    /// Billed clicks at most.
    pub clicks_max: u32,
    /// No click is billed after this.
    pub expires: UnixMillis,
}

/// Which way a click came. It is counted, and does not change the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClickKind {
    /// The link itself.
    Link,
    /// The QR code.
    Qr,
    /// A command in the chat.
    Chat,
}

impl ClickKind {
    /// The kind of a mark, the `k` of a link. An unknown one is a link: the viewer may send anything.
    #[must_use]
    pub fn from_mark(mark: Option<&str>) -> Self {
        match mark {
            Some("qr") => Self::Qr,
            Some("chat") => Self::Chat,
            _ => Self::Link,
        }
    }
}

/// A play in the log: upserted by id, so that a later record replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRecord {
    /// The play.
    pub play: PlayId,
    /// When its slot fell due.
    pub at: UnixMillis,
    /// On whose stream.
    pub streamer: StreamerId,
    /// For whom.
    pub campaign: CampaignId,
    /// What was shown.
    pub creative: CreativeId,
    /// How far it came.
    pub outcome: PlayOutcome,
    /// Why it ended as it did.
    pub reason: Option<Reason>,
    /// When it came on screen, so that rules and caps count it whatever became of it; none when it was not.
    /// Of a play that is only known by its claim it is when its slot fell due.
    pub shown: Option<UnixMillis>,
    /// The audience when the price was fixed.
    pub viewers: u32,
    /// The currency of the split.
    pub currency: Currency,
    /// Price, fee and earning of the play itself.
    pub split: Split,
    /// The code of its click link.
    pub click_code: Option<Arc<str>>,
    /// The terms of its clicks, when the campaign pays for them.
    pub clicks: Option<ClickTerms>,
}

impl PlayRecord {
    /// Takes in a record of the same play that came after this one. The more final one says what became of
    /// the play; what either knows of its first frame and of its clicks stays. The statements of the stores
    /// do the same.
    pub fn merge(&mut self, later: Self) {
        let shown = self.shown.max(later.shown);
        let clicks = later.clicks.or(self.clicks);
        let click_code = later.click_code.clone().or_else(|| self.click_code.take());
        if later.outcome.stage() >= self.outcome.stage() {
            *self = later;
        }
        (self.shown, self.clicks, self.click_code) = (shown, clicks, click_code);
    }
}

/// How far a play came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlayOutcome {
    /// On screen; the claim has not come yet.
    Shown,
    /// Never shown: it came too late, or nobody answered.
    Expired,
    /// Not shown, or not to its end.
    Skipped,
    /// Could not be shown.
    Failed,
    /// The claim was refused.
    Rejected,
    /// Paid.
    Settled,
}

impl PlayOutcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Shown, Self::Expired, Self::Skipped, Self::Failed, Self::Rejected, Self::Settled];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Settled => "settled",
        }
    }

    /// How final it is: a record never undoes a more final one, and one of the same stage replaces it.
    #[must_use]
    pub const fn stage(self) -> i64 {
        match self {
            Self::Shown => 0,
            Self::Expired | Self::Skipped | Self::Failed => 1,
            Self::Rejected => 2,
            Self::Settled => 3,
        }
    }

    /// Whether the outcome alone says that the play was on screen. The others may have been, too.
    #[must_use]
    pub const fn was_on_screen(self) -> bool {
        matches!(self, Self::Shown | Self::Rejected | Self::Settled)
    }

    /// The outcome of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}
