//! Counts that add up, once each, within their bounds.

use super::*;
use crate::domain::id::{CreativeId, LeaseId};
use crate::domain::money::{Currency, Split};
use crate::domain::settlement::Debit;

const AT: UnixMillis = UnixMillis(1_700_000_012_345);
const SPLIT: Split = Split { price: Micros(100), fee: Micros(20), earn: Micros(80) };

fn play(n: u32) -> PlayId {
    let [a, b, c, d] = n.to_be_bytes();
    PlayId::mint(AT, [0, 0, 0, 0, 0, 0, a, b, c, d])
}

fn record(n: u32, outcome: PlayOutcome, reason: Option<Reason>) -> PlayRecord {
    PlayRecord {
        play: play(n),
        at: AT,
        streamer: StreamerId(1),
        campaign: CampaignId(2),
        creative: CreativeId(3),
        outcome,
        reason,
        shown: outcome.was_on_screen().then_some(AT),
        viewers: 40,
        currency: Currency::INR,
        split: SPLIT,
        click_code: None,
        clicks: None,
    }
}

fn claim(n: u32, kind: EventKind) -> Claim {
    let debit = Debit {
        event: play(n),
        kind,
        play: play(n),
        lease: LeaseId(1),
        campaign: CampaignId(2),
        streamer: StreamerId(1),
        creative: CreativeId(3),
        currency: Currency::INR,
        split: SPLIT,
        viewers: 40,
        occurred: AT,
    };
    Claim { debit, verdict: Ok(()) }
}

fn key() -> MinuteKey {
    MinuteKey::at(AT, CampaignId(2), StreamerId(1))
}

fn all(tally: &mut Tally) -> Batch {
    tally.take(usize::MAX).unwrap_or_default()
}

#[test]
fn what_a_creative_achieves_is_counted_over_all_streams() {
    let mut tally = Tally::default();
    tally.played(record(1, PlayOutcome::Shown, None));
    tally.played(PlayRecord { streamer: StreamerId(9), ..record(2, PlayOutcome::Shown, None) });
    tally.played(record(3, PlayOutcome::Skipped, Some(Reason::Hidden)));
    tally.settled(&claim(1, EventKind::Play), Outcome::Settled);
    tally.settled(&claim(1, EventKind::Play), Outcome::Duplicate);
    tally.settled(&claim(2, EventKind::Play), Outcome::Rejected(Reason::TooShort));
    tally.settled(&claim(4, EventKind::Click), Outcome::Settled);
    let wanted = CreativeCounts { plays: 2, impressions: 1, viewers: 40, clicks: 1 };
    let batch = all(&mut tally);
    assert_eq!(batch.creatives, [(CreativeId(3), wanted)]);
    assert!(all(&mut tally).creatives.is_empty(), "once");
    // What could not be written waits, and what came since is added.
    tally.played(record(5, PlayOutcome::Shown, None));
    tally.put_back(batch);
    assert_eq!(all(&mut tally).creatives, [(CreativeId(3), CreativeCounts { plays: 3, ..wanted })]);
}

#[test]
fn a_minute_counts_what_was_shown_settled_clicked_and_lost() {
    let mut tally = Tally::default();
    assert_eq!(tally.take(10), None);
    for n in 0..3 {
        tally.played(record(n, PlayOutcome::Shown, None));
        tally.settled(&claim(n, EventKind::Play), Outcome::Settled);
        tally.settled(&claim(n, EventKind::Play), Outcome::Duplicate);
        tally.played(record(n, PlayOutcome::Settled, None));
    }
    tally.settled(&claim(0, EventKind::Click), Outcome::Settled);
    for kind in [ClickKind::Link, ClickKind::Qr, ClickKind::Qr, ClickKind::Chat] {
        tally.clicked(key(), kind);
    }
    tally.settled(&claim(1, EventKind::Click), Outcome::Rejected(Reason::LeaseClosed));
    tally.played(record(7, PlayOutcome::Expired, Some(Reason::PrepareTimeout)));
    let batch = all(&mut tally);
    assert_eq!(key().minute, UnixMillis(1_699_999_980_000));
    let counts = MinuteCounts {
        plays: 3,
        impressions: 3,
        viewers: 120,
        clicks_link: 1,
        clicks_qr: 2,
        clicks_chat: 1,
        lost: 1,
        spend: Micros(400),
        earn: Micros(320),
    };
    assert_eq!(batch.minutes, [(key(), counts)]);
    assert_eq!(batch.rejects, [(key(), Reason::PrepareTimeout, 1), (key(), Reason::LeaseClosed, 1)]);
    assert_eq!(batch.plays.len(), 4);
    assert_eq!(tally.take(10), None, "what was taken does not come again");
}

#[test]
fn the_end_of_a_play_counts_once_whoever_tells_it_first() {
    let mut tally = Tally::default();
    let refusal = Outcome::Rejected(Reason::SkippedByStreamer);
    tally.played(record(1, PlayOutcome::Skipped, Some(Reason::SkippedByStreamer)));
    tally.settled(&claim(1, EventKind::Play), refusal);
    tally.settled(&claim(2, EventKind::Play), refusal);
    tally.settled(&claim(2, EventKind::Play), refusal);
    tally.settled(&claim(3, EventKind::Play), Outcome::Settled);
    tally.played(record(3, PlayOutcome::Failed, Some(Reason::PlayTimeout)));
    let batch = all(&mut tally);
    assert_eq!(batch.minutes[0].1.lost, 2);
    assert_eq!(batch.rejects, [(key(), Reason::SkippedByStreamer, 2)]);
}

#[test]
fn the_memory_of_ended_plays_is_bounded_and_holds_the_last_ones() {
    let mut tally = Tally::default();
    let many = u32::try_from(ENDED_MAX).unwrap() * 3;
    for n in 0..many {
        assert!(tally.ends(play(n)));
        assert!(tally.ended.0.len() + tally.ended.1.len() <= 2 * ENDED_MAX);
    }
    for n in many - u32::try_from(ENDED_MAX).unwrap()..many {
        assert!(!tally.ends(play(n)), "{n}");
    }
}

#[test]
fn a_play_was_on_screen_whatever_became_of_it() {
    let skipped = || record(1, PlayOutcome::Skipped, Some(Reason::SkippedByStreamer));
    let first_frame = Some(UnixMillis(AT.0 + 7));
    let shown = || PlayRecord { shown: first_frame, ..record(1, PlayOutcome::Shown, None) };
    let mut tally = Tally::default();
    tally.played(shown());
    tally.played(skipped());
    let first = all(&mut tally);
    assert_eq!((first.plays[0].outcome, first.plays[0].shown), (PlayOutcome::Skipped, first_frame));
    // The claim alone knows only the slot: whichever comes first, the frame stays.
    tally.played(record(1, PlayOutcome::Rejected, Some(Reason::SkippedByStreamer)));
    tally.put_back(first);
    let both = all(&mut tally);
    assert_eq!((both.plays[0].outcome, both.plays[0].shown), (PlayOutcome::Rejected, first_frame));
    // The first frame may even come after the claim.
    tally.played(record(1, PlayOutcome::Settled, None));
    tally.played(shown());
    let both = all(&mut tally);
    assert_eq!((both.plays[0].outcome, both.plays[0].shown), (PlayOutcome::Settled, first_frame));
    tally.played(skipped());
    assert_eq!(all(&mut tally).plays[0].shown, None, "what never came on screen");
}

#[test]
fn a_batch_that_could_not_be_written_waits_and_keeps_what_came_first() {
    let mut tally = Tally::default();
    tally.played(PlayRecord { click_code: Some("abc".into()), ..record(1, PlayOutcome::Shown, None) });
    tally.settled(&claim(9, EventKind::Play), Outcome::Rejected(Reason::TooShort));
    let first = all(&mut tally);
    tally.played(PlayRecord { at: UnixMillis(AT.0 + 9), ..record(1, PlayOutcome::Settled, None) });
    tally.settled(&claim(1, EventKind::Play), Outcome::Settled);
    tally.settled(&claim(8, EventKind::Play), Outcome::Rejected(Reason::TooShort));
    tally.put_back(first);
    let batch = all(&mut tally);
    let merged = PlayRecord { click_code: Some("abc".into()), ..record(1, PlayOutcome::Settled, None) };
    assert_eq!(batch.plays, [merged]);
    assert_eq!(batch.rejects, [(key(), Reason::TooShort, 2)]);
    let (plays, impressions, lost) = (1, 1, 2);
    let (viewers, spend, earn) = (40, Micros(100), Micros(80));
    let counts = MinuteCounts { plays, impressions, lost, viewers, spend, earn, ..MinuteCounts::default() };
    assert_eq!(batch.minutes, [(key(), counts)]);
}

#[test]
fn what_finds_no_room_counts_for_its_campaign_alone() {
    let mut tally = Tally::default();
    let many = u32::try_from(WAITING_MAX).unwrap();
    for n in 0..many + 5 {
        let streamer = StreamerId(i64::from(n) + 1);
        tally.played(PlayRecord { streamer, ..record(n, PlayOutcome::Shown, None) });
    }
    // What has its row already still counts there.
    tally.clicked(key(), ClickKind::Link);
    assert_eq!(tally.take_dropped(), Dropped { plays: 5, counts: 0, rules: 0, supply: 0 });
    assert_eq!(tally.take_dropped(), Dropped::default());
    let (mut plays, mut rows) = (0, Vec::new());
    while let Some(batch) = tally.take(3000) {
        assert!(batch.plays.len() <= 3000 && batch.minutes.len() <= 3000);
        plays += batch.plays.len();
        rows.extend(batch.minutes);
    }
    assert_eq!((plays, rows.len()), (WAITING_MAX, WAITING_MAX + 1));
    assert_eq!(rows.iter().map(|(_, counts)| counts.plays).sum::<u64>(), u64::from(many) + 5);
    let coarse = rows.iter().find(|(key, _)| key.streamer == StreamerId(0)).unwrap();
    assert_eq!(coarse.1.plays, 5);
    assert_eq!(rows.iter().find(|(row, _)| *row == key()).unwrap().1.clicks_link, 1);
}

#[test]
fn what_finds_no_room_at_all_is_dropped_and_counted() {
    let mut tally = Tally::default();
    let most = i64::try_from(2 * WAITING_MAX).unwrap();
    for n in 0..most + 7 {
        tally.clicked(MinuteKey { campaign: CampaignId(n), ..key() }, ClickKind::Link);
        tally.reject(MinuteKey { campaign: CampaignId(n), ..key() }, Reason::LeaseClosed);
    }
    assert_eq!(tally.take_dropped(), Dropped { plays: 0, counts: 14, rules: 0, supply: 0 });
    assert_eq!(all(&mut tally).minutes.len(), 2 * WAITING_MAX);
}

#[test]
fn every_row_has_its_turn_however_many_come_before_it() {
    let mut tally = Tally::default();
    let row = |n| MinuteKey { campaign: CampaignId(n), ..key() };
    let mut taken = Vec::new();
    for _ in 0..4 {
        // The same rows are counted again before each flush, which takes some of them.
        (0..10).for_each(|n| tally.clicked(row(n), ClickKind::Link));
        taken.extend(tally.take(4).unwrap().minutes.into_iter().map(|(key, _)| key.campaign.0));
    }
    assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5]);
}
