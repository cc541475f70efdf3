//! Why a slot stayed empty, a candidate lost, a play ended early or a claim was refused: one
//! closed list, so that every answer can be counted, shown and translated.

/// A reason. `code` is what the wire and the database carry.
///
/// `loss_code` says the same in numbers: the loss code of OpenRTB 3.0 where one fits, else one of the private
/// range from 500 on. What befalls a play or a claim after its campaign won is no loss, and has none, unless
/// the play came to nothing for a cause that the standard knows.
///
/// | code | meaning | reasons |
/// |---|---|---|
/// | 1 | internal error | draining, store_unavailable, reserve_timeout |
/// | 2 | impression opportunity expired | prepare_timeout, start_timeout, expired |
/// | 102 | lost to a higher bid | outbid |
/// | 204 | incorrect creative format | decode, unsupported |
/// | 205 | advertiser exclusions | streamer_blocklist |
/// | 209 | category exclusions | category_blocklist |
/// | 211 | ad type exclusions | creative |
/// | 212 | animation too long | length |
/// | 501 to 504 | a conflict rule of that type | the four rules |
/// | 505 | ahead of the plan | pacing |
/// | 506 | no money | budget, daily_cap, lease_empty |
/// | 507 | often enough on this stream | frequency_cap |
/// | 508 | the streamer stopped ads | paused, snoozed |
/// | 510 | too few viewers | minimum_viewers |
/// | 511 | the audience is not known | viewers_unknown |
/// | 512 | policy of the platform | policy |
/// | 516 | not the stream that is targeted | targeting, followers, platform, mature |
/// | 517 | not the time | flight, daypart |
/// | 518 | the campaign does not run | campaign_paused, campaign_ended |
/// | 519 | the brand blocked the streamer | brand_blocklist |
/// | 520 | a closed campaign | not_participating |
/// | 521 | no page that can show it | no_overlay, overlay_hidden, overlay_inactive |
/// | 522 | not on air | not_streaming, stream_offline |
/// | 523 | too many ads, or too early | minimum_gap, hourly_limit, first_ad_delay |
/// | 524 | another play has the slot | play_in_hand |
///
/// 509, 513, 514 and 515 stand for what the reference names and nothing here says: a creative that waits for
/// approval, a low wallet, a fenced owner, a rule that only advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    // --- the slot is not due, or may not be shown
    /// The streamer paused ads.
    Paused,
    /// The streamer snoozed ads.
    Snoozed,
    /// No overlay is connected.
    NoOverlay,
    /// The primary overlay is hidden.
    OverlayHidden,
    /// The primary overlay is not in the program output.
    OverlayInactive,
    /// The host says that it does not stream.
    NotStreaming,
    /// The platform says that the stream is off air.
    StreamOffline,
    /// No fresh sample of the audience.
    ViewersUnknown,
    /// Too soon after the last ad.
    MinimumGap,
    /// As many ads this hour as the streamer allows.
    HourlyLimit,
    /// Too soon after going live.
    FirstAdDelay,
    /// The server drains.
    Draining,
    /// The database has been failing for too long: what is shown now could not be paid.
    StoreUnavailable,
    /// A play is already in hand.
    PlayInHand,
    // --- candidates
    /// No campaign was a candidate.
    NoCandidate,
    /// Rule: category exclusivity.
    CategoryExclusivity,
    /// Rule: brand exclusivity.
    BrandExclusivity,
    /// Rule: cooldown period.
    Cooldown,
    /// Rule: simultaneous limit.
    SimultaneousLimit,
    /// Ahead of its plan.
    Pacing,
    /// Another campaign was worth more.
    Outbid,
    /// The campaign is closed, and the streamer takes no part in it.
    NotParticipating,
    /// Not enough budget for this price.
    Budget,
    /// The cap of the UTC day is used up.
    DailyCap,
    /// As often on this streamer as the campaign allows.
    FrequencyCap,
    /// No creative fits the streamer's formats, or can be heard where nothing may.
    Creative,
    /// Each creative is on screen for longer than the streamer allows.
    Length,
    /// The profile of the platform is against it.
    Policy,
    /// Fewer viewers than the campaign wants.
    MinimumViewers,
    /// The stream is not what the campaign targets.
    Targeting,
    /// Fewer followers, or more, than the campaign wants.
    Followers,
    /// Not a platform that the campaign wants.
    Platform,
    /// The campaign wants streams without a mature label, or with one.
    Mature,
    /// The streamer blocked the brand.
    StreamerBlocklist,
    /// The streamer blocked the category.
    CategoryBlocklist,
    /// The brand blocked the streamer.
    BrandBlocklist,
    /// Outside its flight.
    Flight,
    /// Outside its hours of the week.
    Daypart,
    /// The campaign is paused.
    CampaignPaused,
    /// The campaign has ended.
    CampaignEnded,
    /// The lease had no room and could not be topped up in time.
    LeaseEmpty,
    /// The campaign did not answer in time.
    ReserveTimeout,
    // --- the play
    /// The overlay was not ready in time.
    PrepareTimeout,
    /// Nothing was painted in time.
    StartTimeout,
    /// The play did not end in time.
    PlayTimeout,
    /// The streamer skipped it.
    SkippedByStreamer,
    /// It came too late to be shown.
    Expired,
    /// The page was hidden.
    Hidden,
    /// The source left the program output.
    Inactive,
    /// The server stopped it.
    Stopped,
    /// The page was already showing a creative.
    Busy,
    /// The socket was lost.
    Disconnected,
    /// The asset did not load.
    Load,
    /// The asset did not decode.
    Decode,
    /// The host can not play the format.
    Unsupported,
    // --- the claim
    /// The debit token is not ours.
    BadToken,
    /// The debit token is too old.
    TokenExpired,
    /// The debit token is another streamer's.
    ForeignToken,
    /// The nonce is not the play's.
    BadNonce,
    /// No such play.
    UnknownPlay,
    /// Not long enough on screen.
    TooShort,
    /// Too few frames for the time.
    NotPainted,
    /// Less than half of it in the viewport.
    NotInView,
    /// Smaller than 1.5 % of the page.
    TooSmall,
    /// The disclosure label was hidden.
    LabelHidden,
    /// Not in the program output for the whole time.
    NotInProgram,
    /// More time painted than has passed.
    FasterThanTime,
    /// The lease has no room left for it.
    LeaseExhausted,
    /// The lease is closed.
    LeaseClosed,
    /// A test ad.
    Test,
}

/// Where the private range of both lists begins.
const PRIVATE: u16 = 500;

/// Every reason with its code and loss code, in the order of the enum.
const TABLE: &[(Reason, &str, Option<u16>)] = &[
    (Reason::Paused, "paused", Some(508)),
    (Reason::Snoozed, "snoozed", Some(508)),
    (Reason::NoOverlay, "no_overlay", Some(521)),
    (Reason::OverlayHidden, "overlay_hidden", Some(521)),
    (Reason::OverlayInactive, "overlay_inactive", Some(521)),
    (Reason::NotStreaming, "not_streaming", Some(522)),
    (Reason::StreamOffline, "stream_offline", Some(522)),
    (Reason::ViewersUnknown, "viewers_unknown", Some(511)),
    (Reason::MinimumGap, "minimum_gap", Some(523)),
    (Reason::HourlyLimit, "hourly_limit", Some(523)),
    (Reason::FirstAdDelay, "first_ad_delay", Some(523)),
    (Reason::Draining, "draining", Some(1)),
    (Reason::StoreUnavailable, "store_unavailable", Some(1)),
    (Reason::PlayInHand, "play_in_hand", Some(524)),
    (Reason::NoCandidate, "no_candidate", None),
    (Reason::CategoryExclusivity, "category_exclusivity", Some(501)),
    (Reason::BrandExclusivity, "brand_exclusivity", Some(502)),
    (Reason::Cooldown, "cooldown", Some(503)),
    (Reason::SimultaneousLimit, "simultaneous_limit", Some(504)),
    (Reason::Pacing, "pacing", Some(505)),
    (Reason::Outbid, "outbid", Some(102)),
    (Reason::NotParticipating, "not_participating", Some(520)),
    (Reason::Budget, "budget", Some(506)),
    (Reason::DailyCap, "daily_cap", Some(506)),
    (Reason::FrequencyCap, "frequency_cap", Some(507)),
    (Reason::Creative, "creative", Some(211)),
    (Reason::Length, "length", Some(212)),
    (Reason::Policy, "policy", Some(512)),
    (Reason::MinimumViewers, "minimum_viewers", Some(510)),
    (Reason::Targeting, "targeting", Some(516)),
    (Reason::Followers, "followers", Some(516)),
    (Reason::Platform, "platform", Some(516)),
    (Reason::Mature, "mature", Some(516)),
    (Reason::StreamerBlocklist, "streamer_blocklist", Some(205)),
    (Reason::CategoryBlocklist, "category_blocklist", Some(209)),
    (Reason::BrandBlocklist, "brand_blocklist", Some(519)),
    (Reason::Flight, "flight", Some(517)),
    (Reason::Daypart, "daypart", Some(517)),
    (Reason::CampaignPaused, "campaign_paused", Some(518)),
    (Reason::CampaignEnded, "campaign_ended", Some(518)),
    (Reason::LeaseEmpty, "lease_empty", Some(506)),
    (Reason::ReserveTimeout, "reserve_timeout", Some(1)),
    (Reason::PrepareTimeout, "prepare_timeout", Some(2)),
    (Reason::StartTimeout, "start_timeout", Some(2)),
    (Reason::PlayTimeout, "play_timeout", None),
    (Reason::SkippedByStreamer, "skipped_by_streamer", None),
    (Reason::Expired, "expired", Some(2)),
    (Reason::Hidden, "hidden", None),
    (Reason::Inactive, "inactive", None),
    (Reason::Stopped, "stopped", None),
    (Reason::Busy, "busy", None),
    (Reason::Disconnected, "disconnected", None),
    (Reason::Load, "load", None),
    (Reason::Decode, "decode", Some(204)),
    (Reason::Unsupported, "unsupported", Some(204)),
    (Reason::BadToken, "bad_token", None),
    (Reason::TokenExpired, "token_expired", None),
    (Reason::ForeignToken, "foreign_token", None),
    (Reason::BadNonce, "bad_nonce", None),
    (Reason::UnknownPlay, "unknown_play", None),
    (Reason::TooShort, "too_short", None),
    (Reason::NotPainted, "not_painted", None),
    (Reason::NotInView, "not_in_view", None),
    (Reason::TooSmall, "too_small", None),
    (Reason::LabelHidden, "label_hidden", None),
    (Reason::NotInProgram, "not_in_program", None),
    (Reason::FasterThanTime, "faster_than_time", None),
    (Reason::LeaseExhausted, "lease_exhausted", None),
    (Reason::LeaseClosed, "lease_closed", None),
    (Reason::Test, "test", None),
];

impl Reason {
    /// Every reason, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static (Self, &'static str, Option<u16>) {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("the table has a row for every reason; a test holds it to that")
    }

    /// The name on the wire, in the database and in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The OpenRTB loss code, of a candidate that lost for it.
    #[must_use]
    pub fn loss_code(self) -> Option<u16> {
        self.row().2
    }

    /// The OpenRTB no-bid code, of a slot that stayed empty for it: 1 for a technical error, 6 for a device
    /// that is not supported, 7 for a blocked publisher; else the private loss code, or 0 when there is none.
    #[must_use]
    pub fn no_bid_code(self) -> u16 {
        match self {
            Self::Draining | Self::StoreUnavailable | Self::ReserveTimeout => 1,
            Self::Unsupported => 6,
            Self::BrandBlocklist => 7,
            other => other.loss_code().filter(|code| *code >= PRIVATE).unwrap_or(0),
        }
    }

    /// The reason of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == code).map(|row| row.0)
    }
}

/// How many lost, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<(Reason, u32)>);

impl Losses {
    /// So many for one reason.
    #[must_use]
    pub fn of(reason: Reason, count: u32) -> Self {
        let mut losses = Self::default();
        losses.note(reason, count);
        losses
    }

    /// So many more.
    pub fn note(&mut self, reason: Reason, count: u32) {
        if count == 0 {
            return;
        }
        match self.0.iter_mut().find(|(of, _)| *of == reason) {
            Some((_, known)) => *known = known.saturating_add(count),
            None => self.0.push((reason, count)),
        }
    }

    /// Each reason once, with how many.
    #[must_use]
    pub fn by_reason(&self) -> &[(Reason, u32)] {
        &self.0
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_none_occurs_twice() {
        for reason in Reason::all() {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        let last = Reason::Test;
        assert_eq!(Reason::all().last(), Some(last), "the table ends with the last variant");
        let codes: std::collections::BTreeSet<_> = Reason::all().map(Reason::code).collect();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn whatever_a_candidate_or_a_slot_can_lose_by_has_a_number() {
        let until = Reason::all().position(|reason| reason == Reason::ReserveTimeout).unwrap();
        for reason in Reason::all().take(until + 1).filter(|reason| *reason != Reason::NoCandidate) {
            assert!(reason.loss_code().is_some(), "{reason:?}");
        }
        for reason in Reason::all() {
            let (loss, no_bid) = (reason.loss_code().unwrap_or(0), reason.no_bid_code());
            assert!(no_bid <= 17 || (no_bid >= PRIVATE && no_bid == loss), "{reason:?}");
        }
    }
}
