//! Campaigns, rules, accounts and the log of plays read back as they were written.

use super::*;
use gametriggers_actors::domain::creative::Format;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::streamer::{Corner, Motion, Platform, Profile, Settings, SettingsChange};
use gametriggers_actors::ports::{
    Batch, ClickTerms, MinuteCounts, MinuteKey, NewStreamer, PlayOutcome, PlayRecord, Principal, SeriesPoint,
    StoreError,
};

fn contents() -> Vec<Content> {
    vec![
        Content::Image { asset: "ab.png".into(), width: 300, height: 250 },
        Content::Video { asset: "cd.webm".into(), width: 640, height: 360 },
        Content::Text { headline: "Volt's \"best\"".into(), body: "नमस्ते".into() },
        Content::Qr { headline: "Scan".into(), body: String::new().into() },
    ]
}

async fn a_campaign_reads_back_as_it_was_made(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let mut new = new_campaign(brand, 0);
    let template = new.creatives.remove(0);
    new.creatives =
        contents().into_iter().map(|content| NewCreative { content, ..template.clone() }).collect();
    let (made, _) = bench.store.create(&new, &key("c"), NOW).await.unwrap();
    assert_eq!(made.creatives.iter().map(|c| c.content.clone()).collect::<Vec<_>>(), contents());
    assert_eq!((made.name.as_ref(), made.brand.name.as_ref()), ("Summer", "Volt"));
    assert_eq!((made.status, made.pricing, made.flight), (Status::Active, new.pricing, new.flight));
    assert_eq!((made.pacing, made.cap, &made.targeting), (new.pacing, new.cap, &new.targeting));
    assert_eq!((&made.category, made.currency, made.open), (&new.category, new.currency, true));
    assert_eq!(bench.store.campaign(made.id).await.unwrap(), made);
    let landing = bench.store.landing(made.creatives[3].id).await.unwrap();
    assert_eq!(landing.as_ref(), new.landing_url);
    assert!(matches!(bench.store.landing(CreativeId(99)).await, Err(StoreError::NotFound)));
    assert!(matches!(bench.store.campaign(CampaignId(99)).await, Err(StoreError::NotFound)));
}

async fn a_change_changes_what_it_names_and_ended_is_final(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 1_000, 100).await;
    let before = bench.store.campaign(campaign).await.unwrap();
    let ends = before.flight.ends + Millis::minutes(5);
    let change = CampaignChange { name: Some("Winter".to_owned()), ends: Some(ends), ..Default::default() };
    let (after, _) = bench.store.change(campaign, &change, NOW).await.unwrap();
    assert_eq!((after.name.as_ref(), after.flight.ends), ("Winter", ends));
    assert_eq!(Campaign { name: before.name.clone(), flight: before.flight, ..after }, before);
    let backwards = CampaignChange { ends: Some(before.flight.starts), ..Default::default() };
    let refused = bench.store.change(campaign, &backwards, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))));
    bench.end(campaign).await;
    bench.end(campaign).await;
    let again = CampaignChange { status: Some(Status::Active), ..Default::default() };
    assert!(matches!(bench.store.change(campaign, &again, NOW).await, Err(StoreError::Constraint(_))));
    let unknown = bench.store.change(CampaignId(99), &again, NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
}

async fn every_mode_of_pacing_reads_back_and_an_older_server_may_change_it(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    for (mode, cap) in [
        (PacingMode::Even, None),
        (PacingMode::Asap, Some(Micros(5))),
        (PacingMode::FrontLoaded, Some(Micros(i64::MAX))),
    ] {
        let new = NewCampaign { pacing: mode, daily_cap: cap, ..new_campaign(brand, 0) };
        let (made, _) = bench.store.create(&new, &key(mode.code()), NOW).await.unwrap();
        assert_eq!((made.pacing, made.daily_cap), (mode, cap));
        assert_eq!(bench.store.campaign(made.id).await.unwrap(), made);
    }
    let none = NewCampaign { daily_cap: Some(Micros(0)), ..new_campaign(brand, 0) };
    let refused = bench.store.create(&none, &key("none"), NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))));
    let campaign = bench.campaign(brand, 0).await;
    let change = async |pacing: Option<PacingMode>, daily_cap: Option<Option<Micros>>| {
        let change = CampaignChange { pacing, daily_cap, ..CampaignChange::default() };
        let (after, _) = bench.store.change(campaign, &change, NOW).await.unwrap();
        (after.pacing, after.daily_cap)
    };
    let cap = Some(Micros(7));
    assert_eq!(change(Some(PacingMode::FrontLoaded), Some(cap)).await, (PacingMode::FrontLoaded, cap));
    assert_eq!(change(None, None).await, (PacingMode::FrontLoaded, cap));
    assert_eq!(change(Some(PacingMode::Asap), None).await, (PacingMode::Asap, cap));
    assert_eq!(change(Some(PacingMode::FrontLoaded), Some(None)).await, (PacingMode::FrontLoaded, None));
    bench.tamper("UPDATE campaign SET pacing = 'asap'").await;
    assert_eq!(change(None, None).await, (PacingMode::Asap, None), "an older server had the last word");
}

async fn pages_go_up_by_id_and_stay_with_their_brand(on: On) {
    let bench = Bench::new(on).await;
    let (one, two) = (bench.brand(10).await, bench.brand(10).await);
    let mut ids = Vec::new();
    for brand in [one, two, one, two, one] {
        ids.push(bench.campaign(brand, 0).await);
    }
    let page = async |brand, after, limit| {
        let campaigns = bench.campaigns_after(brand, after, limit).await;
        campaigns.into_iter().map(|campaign| campaign.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 3).await, ids[..3]);
    assert_eq!(page(None, Some(ids[2]), 3).await, ids[3..]);
    assert_eq!(page(Some(one), Some(ids[0]), 9).await, [ids[2], ids[4]]);
    assert_eq!(page(Some(two), None, 9).await, [ids[1], ids[3]]);
}

async fn the_catalogue_has_what_may_play(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let gone = bench.campaign(brand, 0).await;
    bench.end(gone).await;
    let streamers = bench.store.add_streamers(&[new_streamer(1), new_streamer(2)], NOW).await.unwrap();
    for (streamer, campaign, status) in [
        (streamers[0], campaign, "approved"),
        (streamers[0], gone, "approved"),
        (streamers[1], campaign, "applied"),
    ] {
        let sql =
            format!("INSERT INTO participation VALUES ({streamer}, {campaign}, '{status}', 0, 0, NULL)");
        bench.tamper(&sql).await;
    }
    let mut rules = Vec::new();
    for new in super::rule::of_each_kind(brand) {
        rules.push(bench.store.add_rule(&new, &super::rule::hand(), NOW).await.unwrap().rule);
    }
    let catalogue = bench.store.catalogue().await.unwrap();
    assert_eq!(catalogue.campaigns, [bench.store.campaign(campaign).await.unwrap()]);
    assert_eq!(catalogue.rules, rules);
    assert_eq!(catalogue.participations, [(streamers[0], campaign)]);
    bench.tamper("UPDATE conflict_rule SET enabled = FALSE WHERE id > 1").await;
    assert_eq!(bench.store.catalogue().await.unwrap().rules, rules[..1]);
}

pub(super) fn profile() -> Profile {
    Profile {
        name: "Nova".into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    }
}

pub(in crate::store) fn new_streamer(n: u8) -> NewStreamer {
    NewStreamer {
        profile: Profile { name: format!("Nova {n}").into(), ..profile() },
        settings: Settings {
            snoozed_until: (n == 2).then_some(NOW),
            corner: Corner::TopLeft,
            blocked_brands: vec![BrandId(4), BrandId(5)],
            blocked_categories: vec!["alcohol".into()],
            ..Settings::default()
        },
        key: [n; 32],
        overlay_key: [n + 100; 32],
    }
}

async fn streamers_and_their_settings_read_back(on: On) {
    let bench = Bench::new(on).await;
    let new = [new_streamer(1), new_streamer(2)];
    let ids = bench.store.add_streamers(&new, NOW).await.unwrap();
    let all = bench.store.streamers().await.unwrap();
    assert_eq!(all.iter().map(|s| s.id).collect::<Vec<_>>(), ids);
    for (streamer, wanted) in all.iter().zip(&new) {
        assert_eq!((&*streamer.profile, &*streamer.settings), (&wanted.profile, &wanted.settings));
    }
    // What is set and what is paused do not touch each other.
    let change = SettingsChange {
        slot_interval: Some(Millis(7)),
        hourly_max: Some(0),
        first_ad_delay: Some(Millis(8)),
        corner: Some(Corner::BottomLeft),
        volume_percent: Some(100),
        motion: Some(Motion::Reduced),
        allow_video: Some(false),
        blocked_formats: None,
        allow_sound: None,
        lengths: None,
        blocked_brands: Some(vec![]),
        blocked_categories: Some(vec!["a\"b".into()]),
        opt_in: None,
    };
    let pause = Settings { paused: true, volume_percent: 50, ..Settings::default() };
    bench.store.save_pause(ids[0], &pause, NOW).await.unwrap();
    let (changed, version) = bench.store.change_settings(ids[0], &change, None, NOW).await.unwrap();
    let wanted = Settings {
        paused: true,
        snoozed_until: None,
        slot_interval: Millis(7),
        hourly_max: 0,
        first_ad_delay: Millis(8),
        corner: Corner::BottomLeft,
        volume_percent: 100,
        motion: Motion::Reduced,
        blocked_formats: vec![Format::Video],
        blocked_brands: Vec::new(),
        blocked_categories: vec!["a\"b".into()],
        ..Settings::default()
    };
    assert_eq!((&*changed.settings, changed.id), (&wanted, ids[0]));
    assert_eq!(bench.store.streamer(ids[0]).await.unwrap(), changed);
    let same = bench.store.change_settings(ids[0], &SettingsChange::default(), Some(version), NOW).await;
    assert_eq!(same.unwrap(), (changed, version + 1));
    let lost = bench.store.change_settings(ids[0], &change, Some(version), NOW).await;
    assert!(matches!(lost, Err(StoreError::Changed)), "{lost:?}");
    assert_eq!(bench.store.streamer(ids[1]).await.unwrap(), all[1]);
    let loud = SettingsChange { volume_percent: Some(101), ..SettingsChange::default() };
    assert!(matches!(
        bench.store.change_settings(ids[0], &loud, None, NOW).await,
        Err(StoreError::Constraint(_))
    ));
    let nobody = StreamerId(99);
    assert!(matches!(bench.store.save_pause(nobody, &pause, NOW).await, Err(StoreError::NotFound)));
    assert!(matches!(
        bench.store.change_settings(nobody, &change, None, NOW).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(bench.store.streamer(nobody).await, Err(StoreError::NotFound)));
}

async fn streamers_are_added_all_or_none(on: On) {
    let bench = Bench::new(on).await;
    let same_key = NewStreamer { key: [1; 32], ..new_streamer(3) };
    let refused = bench.store.add_streamers(&[new_streamer(1), same_key], NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))));
    assert!(bench.store.streamers().await.unwrap().is_empty());
    assert!(bench.store.keys(NOW).await.unwrap().is_empty());
    let many: Vec<_> = (0..1_203_u32)
        .map(|n| {
            let mut one = new_streamer(1);
            one.key[..4].copy_from_slice(&n.to_be_bytes());
            one.overlay_key[..4].copy_from_slice(&n.to_be_bytes());
            one
        })
        .collect();
    assert_eq!(bench.store.add_streamers(&many, NOW).await.unwrap().len(), 1_203);
    assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 2_406);
}

async fn a_revoked_key_is_no_key(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1).await;
    let streamer = bench.store.add_streamers(&[new_streamer(1)], NOW).await.unwrap()[0];
    bench.store.add_key([50; 32], Principal::Brand(brand), "main", NOW).await.unwrap();
    bench.store.add_key([51; 32], Principal::Admin, "root", NOW).await.unwrap();
    let mut keys = bench.store.keys(NOW).await.unwrap();
    keys.sort_by_key(|(hash, _)| *hash);
    let wanted = [
        ([1; 32], Principal::Streamer(streamer)),
        ([50; 32], Principal::Brand(brand)),
        ([51; 32], Principal::Admin),
        ([101; 32], Principal::Overlay(streamer)),
    ];
    assert_eq!(keys, wanted.map(|(hash, holder)| (hash, holder.into())));
    for _ in 0..2 {
        bench.store.revoke_key([51; 32], None, NOW).await.unwrap();
        assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 3);
    }
    assert!(matches!(bench.store.revoke_key([9; 32], None, NOW).await, Err(StoreError::NotFound)));
    let twice = bench.store.add_key([51; 32], Principal::Admin, "again", NOW).await;
    assert!(matches!(twice, Err(StoreError::Constraint(_))));
    let nobody = bench.store.add_key([60; 32], Principal::Brand(BrandId(99)), "x", NOW).await;
    assert!(matches!(nobody, Err(StoreError::Constraint(_))));
    assert_eq!(bench.store.brands().await.unwrap().len(), 1);
}

fn record(n: u32, outcome: PlayOutcome) -> PlayRecord {
    PlayRecord {
        play: play(n),
        at: NOW,
        streamer: StreamerId(1),
        campaign: CampaignId(2),
        creative: CreativeId(3),
        outcome,
        reason: None,
        shown: outcome.was_on_screen().then_some(NOW),
        viewers: 40,
        currency: Currency::INR,
        split: Split::of(Micros(100), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    }
}

async fn a_play_is_one_row_and_its_end_is_final(on: On) {
    let bench = Bench::new(on).await;
    let terms = ClickTerms {
        lease: LeaseId(4),
        split: Split::of(Micros(50), FeeBps::new(2000).unwrap()).unwrap(),
        clicks_max: 3,
        expires: NOW + TOKEN_LIFE,
    };
    let shown =
        PlayRecord { click_code: Some("xYz".into()), clicks: Some(terms), ..record(1, PlayOutcome::Shown) };
    let rejected = PlayRecord { reason: Some(Reason::TooShort), ..record(1, PlayOutcome::Rejected) };
    bench.store.append(&Batch { plays: vec![shown.clone()], ..Batch::default() }).await.unwrap();
    assert_eq!(bench.store.by_click_code("xYz").await.unwrap(), Some(shown.clone()));
    assert_eq!(bench.store.by_click_code("xyz").await.unwrap(), None);
    // The end, and then what was before it, late.
    bench
        .store
        .append(&Batch {
            plays: vec![rejected.clone(), record(1, PlayOutcome::Expired), shown.clone()],
            ..Batch::default()
        })
        .await
        .unwrap();
    let wanted = PlayRecord { click_code: shown.click_code.clone(), clicks: shown.clicks, ..rejected };
    assert_eq!(bench.store.recent(StreamerId(1), None, 10).await.unwrap(), [wanted]);
}

async fn recent_plays_come_newest_first_in_pages(on: On) {
    let bench = Bench::new(on).await;
    let plays: Vec<_> = (1..=5).map(|n| record(n, PlayOutcome::Settled)).collect();
    bench.store.append(&Batch { plays: plays.to_vec(), ..Batch::default() }).await.unwrap();
    let first = bench.store.recent(StreamerId(1), None, 2).await.unwrap();
    assert_eq!(first, [plays[4].clone(), plays[3].clone()]);
    let rest = bench.store.recent(StreamerId(1), Some(first[1].play), 9).await.unwrap();
    assert_eq!(rest, [plays[2].clone(), plays[1].clone(), plays[0].clone()]);
    assert!(bench.store.recent(StreamerId(2), None, 9).await.unwrap().is_empty());
}

fn counts() -> MinuteCounts {
    MinuteCounts {
        plays: 4,
        impressions: 3,
        viewers: 120,
        clicks_link: 2,
        clicks_qr: 5,
        clicks_chat: 7,
        lost: 1,
        spend: Micros(300),
        earn: Micros(240),
    }
}

fn times(times: u64) -> MinuteCounts {
    (0..times).fold(MinuteCounts::default(), |mut sum, _| {
        sum.add(&counts());
        sum
    })
}

async fn counts_of_a_minute_add_up_over_flushes_and_streamers(on: On) {
    let bench = Bench::new(on).await;
    let minute = UnixMillis(NOW.0 - NOW.0 % 60_000);
    let key = |after: i64, campaign: i64, streamer: i64| MinuteKey {
        minute: UnixMillis(minute.0 + after * 60_000),
        campaign: CampaignId(campaign),
        streamer: StreamerId(streamer),
    };
    let (first, other) = (key(0, 2, 1), key(0, 2, 9));
    bench
        .store
        .append(&Batch { minutes: vec![(first, counts()), (first, counts())], ..Batch::default() })
        .await
        .unwrap();
    let rejects = [(first, Reason::TooShort, 2), (other, Reason::TooShort, 1), (first, Reason::Hidden, 4)];
    let minutes = [(other, counts()), (key(0, 3, 1), counts()), (key(1, 2, 1), counts())];
    bench
        .store
        .append(&Batch {
            plays: vec![record(1, PlayOutcome::Shown)],
            minutes: minutes.to_vec(),
            rejects: rejects.to_vec(),
            ..Batch::default()
        })
        .await
        .unwrap();
    bench
        .store
        .append(&Batch {
            rejects: vec![(first, Reason::TooShort, 3), (key(7, 2, 1), Reason::Load, 1)],
            ..Batch::default()
        })
        .await
        .unwrap();
    let span = |after: i64| UnixMillis(minute.0 + after * 60_000);
    let read = async |from: i64, to: i64, step: i64| {
        bench.store.series(CampaignId(2), span(from), span(to), Millis(step * 60_000)).await.unwrap()
    };
    let at = |after, counts, rejects| SeriesPoint { at: span(after), counts, rejects };
    let by_minute = [
        at(0, times(3), vec![(Reason::Hidden, 4), (Reason::TooShort, 6)]),
        at(1, times(1), vec![]),
        at(7, MinuteCounts::default(), vec![(Reason::Load, 1)]),
    ];
    assert_eq!(read(0, 60, 1).await, by_minute);
    assert_eq!(read(0, 7, 1).await, by_minute[..2], "the end does not belong to it");
    assert_eq!(read(1, 8, 1).await, by_minute[1..], "the start does");
    assert!(read(2, 7, 1).await.is_empty());
    let day = read(0, 60, 1440).await;
    assert_eq!(day.len(), 1);
    assert_eq!(day[0].at.0 % 86_400_000, 0, "a day starts with the day, in UTC");
    assert_eq!(day[0].counts, times(4));
    let rejects = [(Reason::Hidden, 4), (Reason::Load, 1), (Reason::TooShort, 6)];
    assert_eq!(day[0].rejects, rejects, "in the order of the reasons");
}

on_each! {
    a_campaign_reads_back_as_it_was_made;
    a_change_changes_what_it_names_and_ended_is_final;
    every_mode_of_pacing_reads_back_and_an_older_server_may_change_it;
    pages_go_up_by_id_and_stay_with_their_brand;
    the_catalogue_has_what_may_play;
    streamers_and_their_settings_read_back;
    streamers_are_added_all_or_none;
    a_revoked_key_is_no_key;
    a_play_is_one_row_and_its_end_is_final;
    recent_plays_come_newest_first_in_pages;
    counts_of_a_minute_add_up_over_flushes_and_streamers;
}
