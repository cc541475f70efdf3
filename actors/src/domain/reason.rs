//! Why a slot stayed empty, a candidate lost, a play ended early or a claim was refused: one
//! closed list, so that every answer can be counted, shown and translated.

/// A reason. `code` is what the wire and the database carry; `loss_code` is the number in the
/// private range of the OpenRTB 3.0 loss codes, where one fits.
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
    /// The streamer blocked the brand or the category.
    StreamerBlocklist,
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

/// Every reason with its code and loss code, in the order of the enum.
const TABLE: &[(Reason, &str, Option<u16>)] = &[
    (Reason::Paused, "paused", Some(508)),
    (Reason::Snoozed, "snoozed", Some(508)),
    (Reason::NoOverlay, "no_overlay", None),
    (Reason::OverlayHidden, "overlay_hidden", None),
    (Reason::OverlayInactive, "overlay_inactive", None),
    (Reason::NotStreaming, "not_streaming", None),
    (Reason::StreamOffline, "stream_offline", None),
    (Reason::ViewersUnknown, "viewers_unknown", Some(511)),
    (Reason::MinimumGap, "minimum_gap", None),
    (Reason::HourlyLimit, "hourly_limit", None),
    (Reason::FirstAdDelay, "first_ad_delay", None),
    (Reason::Draining, "draining", None),
    (Reason::StoreUnavailable, "store_unavailable", None),
    (Reason::PlayInHand, "play_in_hand", None),
    (Reason::NoCandidate, "no_candidate", None),
    (Reason::CategoryExclusivity, "category_exclusivity", Some(501)),
    (Reason::BrandExclusivity, "brand_exclusivity", Some(502)),
    (Reason::Cooldown, "cooldown", Some(503)),
    (Reason::SimultaneousLimit, "simultaneous_limit", Some(504)),
    (Reason::Pacing, "pacing", Some(505)),
    (Reason::Outbid, "outbid", Some(102)),
    (Reason::Budget, "budget", Some(506)),
    (Reason::DailyCap, "daily_cap", Some(506)),
    (Reason::FrequencyCap, "frequency_cap", Some(507)),
    (Reason::Creative, "creative", Some(509)),
    (Reason::Length, "length", Some(509)),
    (Reason::Policy, "policy", Some(512)),
    (Reason::MinimumViewers, "minimum_viewers", Some(510)),
    (Reason::Targeting, "targeting", None),
    (Reason::Followers, "followers", None),
    (Reason::Platform, "platform", None),
    (Reason::Mature, "mature", None),
    (Reason::StreamerBlocklist, "streamer_blocklist", None),
    (Reason::BrandBlocklist, "brand_blocklist", None),
    (Reason::Flight, "flight", None),
    (Reason::Daypart, "daypart", None),
    (Reason::CampaignPaused, "campaign_paused", None),
    (Reason::CampaignEnded, "campaign_ended", None),
    (Reason::LeaseEmpty, "lease_empty", Some(506)),
    (Reason::ReserveTimeout, "reserve_timeout", None),
    (Reason::PrepareTimeout, "prepare_timeout", None),
    (Reason::StartTimeout, "start_timeout", None),
    (Reason::PlayTimeout, "play_timeout", None),
    (Reason::SkippedByStreamer, "skipped_by_streamer", None),
    (Reason::Expired, "expired", None),
    (Reason::Hidden, "hidden", None),
    (Reason::Inactive, "inactive", None),
    (Reason::Stopped, "stopped", None),
    (Reason::Busy, "busy", None),
    (Reason::Disconnected, "disconnected", None),
    (Reason::Load, "load", None),
    (Reason::Decode, "decode", None),
    (Reason::Unsupported, "unsupported", None),
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

    /// The OpenRTB loss code, from the private range.
    #[must_use]
    pub fn loss_code(self) -> Option<u16> {
        self.row().2
    }

    /// The reason of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == code).map(|row| row.0)
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
}
