//! Reasons as the API shows them: the code, a sentence for whoever asks, and the numbers of OpenRTB.

use super::schema::OneOf;
use gametriggers_actors::domain::reason::Reason;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a campaign lost.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct ReasonView {
    /// The reason by its name.
    #[schemars(with = "OneOf<Reason>", example = &"outbid")]
    code: &'static str,
    /// The same for people.
    #[schemars(example = words(Reason::Outbid))]
    text: &'static str,
    /// Its loss code of OpenRTB 3.0, from 500 on a private one; null for what is no loss.
    #[schemars(range(min = 1, max = 599), example = 102)]
    loss_code: Option<u16>,
}

/// Why a slot stays empty.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct NoBidView {
    /// The reason by its name.
    #[schemars(with = "OneOf<Reason>", example = &"minimum_gap")]
    code: &'static str,
    /// The same for people.
    #[schemars(example = words(Reason::MinimumGap))]
    text: &'static str,
    /// Its no-bid code of OpenRTB, from 500 on a private one; 0 when there is none.
    #[schemars(range(min = 0, max = 599), example = 523)]
    no_bid_code: u16,
}

/// How many lost for a reason.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct CountView {
    #[serde(flatten)]
    reason: ReasonView,
    /// How many.
    #[schemars(example = 7)]
    count: u32,
}

impl ReasonView {
    /// A reason as the API shows it.
    pub(super) fn of(reason: Reason) -> Self {
        Self { code: reason.code(), text: words(reason), loss_code: reason.loss_code() }
    }
}

impl NoBidView {
    /// A reason as the API shows it.
    pub(super) fn of(reason: Reason) -> Self {
        Self { code: reason.code(), text: words(reason), no_bid_code: reason.no_bid_code() }
    }
}

impl CountView {
    /// The counts, the highest first.
    pub(super) fn list(counts: &[(Reason, u32)]) -> Vec<Self> {
        let mut counts = counts.to_vec();
        counts.sort_unstable_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
        counts.into_iter().map(|(reason, count)| Self { reason: ReasonView::of(reason), count }).collect()
    }
}

/// A sentence for each reason, which says the same to a brand and to a streamer. The streamer's dashboard has
/// its own (`overlay/dashboard/reasons.js`), which speak to the streamer and say what to do.
const WORDS: &[(Reason, &str)] = &[
    (Reason::Paused, "The streamer has paused ads."),
    (Reason::Snoozed, "The streamer has snoozed ads."),
    (Reason::NoOverlay, "No overlay is connected."),
    (Reason::OverlayHidden, "The overlay is hidden."),
    (Reason::OverlayInactive, "The overlay is not in the program output."),
    (Reason::NotStreaming, "The streaming software is not streaming."),
    (Reason::StreamOffline, "The channel is offline."),
    (Reason::ViewersUnknown, "The platform has not told the audience in the last minutes."),
    (Reason::MinimumGap, "The last ad was too short a time ago."),
    (Reason::HourlyLimit, "The streamer's limit of ads an hour is reached."),
    (Reason::FirstAdDelay, "The streamer wants no ads in the first minutes of a stream."),
    (Reason::Draining, "The server is restarting."),
    (Reason::StoreUnavailable, "The server can not reach its database."),
    (Reason::PlayInHand, "Another ad is on its way or on screen."),
    (Reason::NoCandidate, "No campaign wants this stream."),
    (Reason::CategoryExclusivity, "Another brand of the same category was shown, and keeps the category."),
    (Reason::BrandExclusivity, "Another brand was shown, and keeps its competitors away."),
    (Reason::Cooldown, "The same category, brand or stream has to cool down."),
    (Reason::SimultaneousLimit, "Too many campaigns of this kind are on the stream."),
    (Reason::Pacing, "The campaign is ahead of its plan."),
    (Reason::Outbid, "Another campaign was worth more."),
    (Reason::NotParticipating, "The campaign is closed, and the streamer takes no part in it."),
    (Reason::Budget, "The campaign's budget has no room for the price."),
    (Reason::DailyCap, "The campaign's cap of the day is used up."),
    (Reason::FrequencyCap, "The campaign was shown on this stream as often as its cap allows."),
    (Reason::Creative, "No creative has a format and sound that the streamer allows."),
    (Reason::Length, "Each creative is longer than the streamer allows."),
    (Reason::Policy, "The policy of the streamer's platform is against it."),
    (Reason::MinimumViewers, "The stream has fewer viewers than the campaign wants."),
    (Reason::Targeting, "The campaign is aimed at other streams."),
    (Reason::Followers, "The campaign wants another number of followers."),
    (Reason::Platform, "The campaign wants other platforms."),
    (Reason::Mature, "The campaign wants streams with another mature label."),
    (Reason::StreamerBlocklist, "The streamer has blocked the brand."),
    (Reason::CategoryBlocklist, "The streamer has blocked the category."),
    (Reason::BrandBlocklist, "The brand has blocked the streamer."),
    (Reason::Flight, "The campaign's flight has not begun, or is over."),
    (Reason::Daypart, "The campaign runs at other hours."),
    (Reason::CampaignPaused, "The campaign is paused."),
    (Reason::CampaignEnded, "The campaign has ended."),
    (Reason::LeaseEmpty, "The campaign's money was being refilled."),
    (Reason::ReserveTimeout, "The campaign did not answer in time."),
    (Reason::PrepareTimeout, "The overlay did not load the ad in time."),
    (Reason::StartTimeout, "The overlay did not start the ad in time."),
    (Reason::PlayTimeout, "The overlay did not report the end of the ad."),
    (Reason::SkippedByStreamer, "The streamer skipped it."),
    (Reason::Expired, "It came too late to be shown."),
    (Reason::Hidden, "The overlay was hidden."),
    (Reason::Inactive, "The overlay left the program output."),
    (Reason::Stopped, "It was taken off the screen."),
    (Reason::Busy, "The overlay was still showing another ad."),
    (Reason::Disconnected, "The overlay lost its connection."),
    (Reason::Load, "The ad did not load."),
    (Reason::Decode, "The ad could not be decoded."),
    (Reason::Unsupported, "The overlay can not play this format."),
    (Reason::BadToken, "The debit token was not valid."),
    (Reason::TokenExpired, "The claim came too late."),
    (Reason::ForeignToken, "The debit token was another streamer's."),
    (Reason::BadNonce, "The claim was not for this play."),
    (Reason::UnknownPlay, "The server does not know this play."),
    (Reason::TooShort, "It was on screen too briefly."),
    (Reason::NotPainted, "It was hardly painted on screen."),
    (Reason::NotInView, "Part of it was outside the picture."),
    (Reason::TooSmall, "It was too small on screen."),
    (Reason::LabelHidden, "The ad label was hidden."),
    (Reason::NotInProgram, "It was not in the program output for its whole time."),
    (Reason::FasterThanTime, "More time was claimed than had passed."),
    (Reason::LeaseExhausted, "The campaign's money was used up."),
    (Reason::LeaseClosed, "The campaign's money was already closed."),
    (Reason::Test, "It was a test ad."),
];

fn words(reason: Reason) -> &'static str {
    WORDS.iter().find(|row| row.0 == reason).map_or("", |row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dashboard is written in another language, and forgets a reason as easily.
    #[test]
    fn the_dashboard_has_a_sentence_for_every_reason() {
        let script = include_str!("../../overlay/dashboard/reasons.js");
        for reason in Reason::all() {
            assert!(script.contains(&format!("\n  {}: ['", reason.code())), "{}", reason.code());
        }
    }

    #[test]
    fn every_reason_has_a_sentence_of_its_own() {
        let all: std::collections::BTreeSet<_> = Reason::all().map(words).collect();
        assert_eq!((all.len(), WORDS.len()), (Reason::all().count(), Reason::all().count()));
        assert!(all.iter().all(|text| text.ends_with('.') && text.len() <= 80), "{all:?}");
    }

    #[test]
    fn counts_come_highest_first() {
        let counts = [(Reason::Pacing, 1), (Reason::Outbid, 7), (Reason::Flight, 7)];
        let list: Vec<_> = CountView::list(&counts).iter().map(|c| (c.reason.code, c.count)).collect();
        assert_eq!(list, [("outbid", 7), ("flight", 7), ("pacing", 1)]);
    }
}
