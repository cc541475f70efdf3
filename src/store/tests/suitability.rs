//! What makes an ad suitable for a stream reads back as it was written: targeting, rotation, what a streamer
//! allows, who they are, and what creatives achieved.

use super::catalogue::{new_streamer, profile};
use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::creative::{Format, LengthCaps};
use gametriggers_actors::domain::daypart::Dayparts;
use gametriggers_actors::domain::rotation::CreativeCounts;
use gametriggers_actors::domain::streamer::{
    OptIn, Platform, Profile, ProfileChange, Settings, SettingsChange,
};
use gametriggers_actors::domain::targeting::Mature;
use gametriggers_actors::ports::{
    Batch, Blocklist, ByHand, CampaignChange, NewStreamer, PlayOutcome, PlayRecord, StoreError,
};

fn targeting() -> Targeting {
    Targeting {
        categories: vec!["gaming".into()],
        languages: vec!["hi".into()],
        countries: vec!["IN".into(), "NP".into()],
        viewers_min: 1,
        viewers_max: 2,
        followers_min: 3,
        followers_max: u32::MAX,
        platforms: vec![Platform::Kick, Platform::Twitch],
        mature: Mature::Only,
        blocked_streamers: (1..=1000).map(StreamerId).collect(),
        dayparts: Dayparts {
            windows: vec!["mon,sun 22:00-02:00".parse().unwrap(), "wed 00:00-24:00".parse().unwrap()],
            utc_offset: -210,
        },
    }
}

async fn what_a_campaign_wants_reads_back_and_changes_as_a_whole(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let new = NewCampaign { targeting: targeting(), rotation: Rotation::Best, ..new_campaign(brand, 0) };
    let (made, _) = bench.store.create(&new, &key("c"), NOW).await.unwrap();
    assert_eq!((&made.targeting, made.rotation), (&targeting(), Rotation::Best));
    assert_eq!(bench.store.campaign(made.id).await.unwrap(), made);
    assert_eq!(bench.store.catalogue().await.unwrap().campaigns[..], *std::slice::from_ref(&made));
    let plain = bench.campaign(brand, 0).await;
    let before = bench.store.campaign(plain).await.unwrap();
    assert_eq!((before.rotation, before.targeting.mature), (Rotation::Even, Mature::Any));
    let change = CampaignChange {
        targeting: Some(targeting()),
        rotation: Some(Rotation::Weighted),
        ..Default::default()
    };
    let (after, _) = bench.store.change(plain, &change, NOW).await.unwrap();
    let wanted = Campaign { targeting: targeting(), rotation: Rotation::Weighted, ..before };
    assert_eq!((&after, &bench.store.campaign(plain).await.unwrap()), (&wanted, &wanted));
    let nothing = CampaignChange { targeting: Some(Targeting::default()), ..Default::default() };
    let (after, _) = bench.store.change(plain, &nothing, NOW).await.unwrap();
    assert_eq!((after.targeting, after.rotation), (Targeting::default(), Rotation::Weighted));
    assert_eq!(bench.store.campaign(made.id).await.unwrap(), made, "the other one is as it was");
    bench.tamper("UPDATE campaign SET dayparts = wants_languages WHERE wants_mature = 'only'").await;
    let unknown = bench.store.campaign(made.id).await;
    assert!(matches!(unknown, Err(StoreError::Constraint(message)) if message.contains("dayparts")));
}

async fn creatives_keep_their_weight_and_their_sound(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let mut new = new_campaign(brand, 0);
    let text = new.creatives.remove(0);
    let content = Content::Video { asset: "cd.webm".into(), width: 640, height: 360 };
    let video = NewCreative { content, weight: 1000, sound: true, ..text.clone() };
    let silent = NewCreative { sound: false, weight: 7, ..video.clone() };
    new.creatives = vec![text.clone(), video, silent];
    let (made, _) = bench.store.create(&new, &key("c"), NOW).await.unwrap();
    let heard: Vec<_> = made.creatives.iter().map(|one| (one.weight, one.sound)).collect();
    assert_eq!(heard, [(1, false), (1000, true), (7, false)]);
    assert!(made.creatives.iter().all(|one| one.drawn.card > 0));
    // As an older server writes them: nobody has listened.
    bench.tamper("UPDATE creative SET sound = NULL").await;
    let read = bench.store.campaign(made.id).await.unwrap();
    let heard: Vec<_> = read.creatives.iter().map(|one| one.sound).collect();
    assert_eq!(heard, [false, true, true], "a video is taken for one that can be heard");
    for weight in [0, 1001] {
        let new =
            NewCampaign { creatives: vec![NewCreative { weight, ..text.clone() }], ..new_campaign(brand, 0) };
        let refused = bench.store.create(&new, &key(&format!("w{weight}")), NOW).await;
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{weight}");
    }
}

async fn what_creatives_achieve_adds_up_and_comes_with_the_campaign(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let (one, other) = (bench.campaign(brand, 0).await, bench.campaign(brand, 0).await);
    let creative = async |campaign| bench.store.campaign(campaign).await.unwrap().creatives[0].clone();
    let (first, second) = (creative(one).await, creative(other).await);
    assert_eq!(first.counts, CreativeCounts::default());
    let counts = CreativeCounts { plays: 4, impressions: 3, viewers: 120, clicks: 2 };
    let more = CreativeCounts { clicks: 5, ..CreativeCounts::default() };
    bench
        .store
        .append(&Batch { creatives: vec![(first.id, counts), (second.id, more)], ..Batch::default() })
        .await
        .unwrap();
    bench.store.append(&Batch { creatives: vec![(first.id, counts)], ..Batch::default() }).await.unwrap();
    let twice = CreativeCounts { plays: 8, impressions: 6, viewers: 240, clicks: 4 };
    assert_eq!((creative(one).await.counts, creative(other).await.counts), (twice, more));
    let catalogue = bench.store.catalogue().await.unwrap();
    assert_eq!(catalogue.campaigns[0].creatives[0].counts, twice);
}

async fn who_a_streamer_is_changes_by_hand_and_on_record(on: On) {
    let bench = Bench::new(on).await;
    let whole = Profile { platform: Platform::Twitch, followers: u32::MAX, mature: true, ..profile() };
    let new = [NewStreamer { profile: whole.clone(), ..new_streamer(1) }, new_streamer(2)];
    let ids = bench.store.add_streamers(&new, NOW).await.unwrap();
    assert_eq!(*bench.store.streamer(ids[0]).await.unwrap().profile, whole);
    let other = bench.store.streamer(ids[1]).await.unwrap();
    let hand = ByHand { actor: "0badcafe".to_owned(), reason: "she grew".to_owned() };
    let change = ProfileChange {
        platform: Some(Platform::Kick),
        followers: Some(9),
        mature: Some(false),
        ..ProfileChange::default()
    };
    let changed = bench.store.change_profile(ids[0], &change, &hand, NOW).await.unwrap();
    let wanted = Profile { platform: Platform::Kick, followers: 9, mature: false, ..whole };
    assert_eq!((&*changed.profile, &changed.settings), (&wanted, &new[0].settings.clone().into()));
    let words = ProfileChange {
        name: Some("Zed".into()),
        content_category: Some("music".into()),
        language: Some("hi".into()),
        country: Some("NP".into()),
        ..ProfileChange::default()
    };
    let changed = bench.store.change_profile(ids[0], &words, &hand, NOW).await.unwrap();
    assert_eq!(*changed.profile, words.of(&wanted));
    assert_eq!(bench.store.streamer(ids[0]).await.unwrap(), changed);
    assert_eq!(bench.store.streamer(ids[1]).await.unwrap(), other);
    let recorded = "SELECT count(*) FROM admin_action WHERE actor = '0badcafe' AND reason = 'she grew'
        AND action = 'change_streamer' AND subject = 'streamer:1'";
    assert_eq!(bench.database.numbers(recorded).await, [2]);
    let nobody = bench.store.change_profile(StreamerId(99), &change, &hand, NOW).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
    assert_eq!(bench.database.numbers("SELECT count(*) FROM admin_action").await, [2]);
}

async fn what_a_streamer_allows_reads_back_and_an_older_server_may_change_it(on: On) {
    let bench = Bench::new(on).await;
    let lengths =
        LengthCaps { image: Millis(3000), video: Millis(4000), text: Millis(5000), qr: Millis(6000) };
    let settings = Settings {
        blocked_formats: vec![Format::Image, Format::Video, Format::Qr],
        allow_sound: false,
        lengths,
        opt_in: Some(OptIn { policy: "kick".into(), at: NOW }),
        ..Settings::default()
    };
    let new = NewStreamer { settings: settings.clone(), ..new_streamer(1) };
    let id = bench.store.add_streamers(&[new], NOW).await.unwrap()[0];
    let read = async || (*bench.store.streamer(id).await.unwrap().settings).clone();
    assert_eq!(read().await, settings);
    let set = async |change: SettingsChange| {
        let (after, _) = bench.store.change_settings(id, &change, None, NOW).await.unwrap();
        assert_eq!(read().await, *after.settings);
        read().await
    };
    assert_eq!(set(SettingsChange::default()).await, settings, "what is not named stays");
    let video = SettingsChange { allow_video: Some(true), ..SettingsChange::default() };
    assert_eq!(set(video).await.blocked_formats, [Format::Image, Format::Qr]);
    let change = SettingsChange {
        blocked_formats: Some(vec![Format::Video, Format::Text]),
        allow_sound: Some(true),
        lengths: Some(LengthCaps { qr: Millis(0), ..lengths }),
        opt_in: Some(None),
        ..SettingsChange::default()
    };
    let wanted = Settings {
        blocked_formats: vec![Format::Video, Format::Text],
        allow_sound: true,
        lengths: LengthCaps { qr: Millis(0), ..lengths },
        opt_in: None,
        ..settings
    };
    assert_eq!(set(change).await, wanted);
    let given = Some(OptIn { policy: "twitch-conservative".into(), at: NOW + Millis(1) });
    let agreed = SettingsChange { opt_in: Some(given.clone()), ..SettingsChange::default() };
    assert_eq!(set(agreed).await, Settings { opt_in: given, ..wanted });
    // Older servers know of video only.
    bench.tamper("UPDATE streamer SET allow_video = (1 = 1)").await;
    assert_eq!(read().await.blocked_formats, [Format::Text]);
}

async fn what_came_on_screen_since_a_moment_is_read_oldest_first(on: On) {
    let bench = Bench::new(on).await;
    let record = |n: u32, outcome: PlayOutcome| PlayRecord {
        play: play(n),
        at: NOW + Millis(i64::from(n) + 5),
        streamer: StreamerId(i64::from(n / 100) + 1),
        campaign: CampaignId(i64::from(n % 3)),
        creative: CreativeId(3),
        outcome,
        reason: None,
        shown: outcome.was_on_screen().then_some(NOW + Millis(i64::from(n) + 5)),
        viewers: 40,
        currency: Currency::INR,
        split: Split::of(Micros(100), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    };
    let plays = [
        record(1, PlayOutcome::Shown),
        record(2, PlayOutcome::Skipped),
        record(3, PlayOutcome::Rejected),
        record(4, PlayOutcome::Expired),
        record(5, PlayOutcome::Settled),
        record(6, PlayOutcome::Failed),
        record(105, PlayOutcome::Settled),
    ];
    bench.store.append(&Batch { plays: plays.to_vec(), ..Batch::default() }).await.unwrap();
    let since = async |after: i64, limit| {
        bench.store.plays_since(StreamerId(1), NOW + Millis(after), limit).await.unwrap()
    };
    let all = [1_i64, 3, 5].map(|n| (CampaignId(n % 3), NOW + Millis(n + 5)));
    assert_eq!(since(0, 9).await, all);
    assert_eq!(since(1, 9).await, all);
    assert_eq!(since(2, 9).await, all[1..]);
    assert_eq!(since(0, 2).await, all[1..], "the newest");
    assert!(since(6, 9).await.is_empty());
    // A play that came on screen and was skipped afterwards; one whose claim came late, and without its first
    // frame. The time is that of the frame, whichever record brings it.
    let frame = |n: u32, outcome| PlayRecord { shown: Some(NOW + Millis(70)), ..record(n, outcome) };
    let late = PlayRecord { at: NOW + Millis(900), ..record(8, PlayOutcome::Settled) };
    for plays in [
        vec![frame(7, PlayOutcome::Shown), frame(8, PlayOutcome::Shown)],
        vec![record(7, PlayOutcome::Skipped), late],
    ] {
        bench.store.append(&Batch { plays, ..Batch::default() }).await.unwrap();
    }
    let since_skipped = [7_i64, 8].map(|n| (CampaignId(n % 3), NOW + Millis(70)));
    assert_eq!(since(6, 9).await, since_skipped);
    let newest = bench.store.recent(StreamerId(1), None, 2).await.unwrap();
    assert_eq!(newest[1].outcome, PlayOutcome::Skipped);
    assert!(newest.iter().all(|play| play.shown == Some(NOW + Millis(70))));
    // The frame that comes after the claim is not lost, nor the claim.
    let later = PlayRecord {
        shown: Some(NOW + Millis(71)),
        click_code: Some("xYz".into()),
        ..record(8, PlayOutcome::Shown)
    };
    bench.store.append(&Batch { plays: vec![later], ..Batch::default() }).await.unwrap();
    let newest = bench.store.recent(StreamerId(1), None, 1).await.unwrap().remove(0);
    assert_eq!((newest.outcome, newest.shown), (PlayOutcome::Settled, Some(NOW + Millis(71))));
    assert_eq!((newest.at, newest.click_code.as_deref()), (NOW + Millis(900), Some("xYz")));
    // Rows of an earlier release say it by their outcome.
    bench.tamper("UPDATE play SET shown_at = NULL").await;
    assert_eq!(since(0, 3).await, [all[1], all[2], (CampaignId(2), NOW + Millis(900))]);
    let oldest = bench.store.recent(StreamerId(1), None, 9).await.unwrap();
    let on_screen: Vec<_> = oldest.iter().filter_map(|play| play.shown).collect();
    assert_eq!(on_screen, [900, 10, 8, 6].map(|at| NOW + Millis(at)));
}

async fn whom_a_brand_blocks_each_of_its_campaigns_blocks_in_the_catalogue(on: On) {
    let (bench, brand, first) = Bench::funded(on, 10, 0).await;
    let second = bench.campaign(brand, 0).await;
    let (_, other) = bench.fund(10, 0).await;
    let store = &bench.store;
    let ids = |ids: &[i64]| ids.iter().map(|id| StreamerId(*id)).collect::<Vec<_>>();
    let wants = Targeting { blocked_streamers: ids(&[3, 9]), ..Targeting::default() };
    let change = CampaignChange { targeting: Some(wants), ..CampaignChange::default() };
    store.change(first, &change, NOW).await.unwrap();
    let blocks = async || {
        let campaigns = store.catalogue().await.unwrap().campaigns;
        let of = |id| {
            let campaign = campaigns.iter().find(|campaign| campaign.id == id).unwrap();
            campaign.targeting.blocked_streamers.iter().map(|streamer| streamer.0).collect::<Vec<_>>()
        };
        [of(first), of(second), of(other)]
    };
    assert_eq!(store.blocklist(brand).await.unwrap(), Blocklist::default());
    assert_eq!(blocks().await, [vec![3, 9], vec![], vec![]]);
    let set = store.set_blocklist(brand, &ids(&[4, 9, 12]), None, NOW).await.unwrap();
    assert_eq!(set, Blocklist { streamers: ids(&[4, 9, 12]), updated: Some(NOW) });
    assert_eq!(store.blocklist(brand).await.unwrap(), set);
    assert_eq!(blocks().await, [vec![3, 4, 9, 12], vec![4, 9, 12], vec![]]);
    // What a campaign blocks by itself stays what it was, and is what changes start from.
    assert_eq!(store.campaign(first).await.unwrap().targeting.blocked_streamers, ids(&[3, 9]));
    assert_eq!(bench.campaigns_after(None, None, 1).await[0].targeting.blocked_streamers, ids(&[3, 9]));
    let recorded = "SELECT count(*) FROM admin_action WHERE action = 'set_blocklist'
        AND actor = '0badcafe' AND reason = 'why'";
    assert_eq!(bench.database.numbers(recorded).await, [0], "a brand's own doing is no operator's");
    store.set_blocklist(brand, &ids(&[7]), Some(&by_hand("why")), NOW + Millis(1)).await.unwrap();
    assert_eq!(bench.database.numbers(recorded).await, [1]);
    assert_eq!(blocks().await, [vec![3, 7, 9], vec![7], vec![]]);
    store.set_blocklist(brand, &[], None, NOW + Millis(2)).await.unwrap();
    assert_eq!(blocks().await, [vec![3, 9], vec![], vec![]]);
    let nobody = gametriggers_actors::domain::id::BrandId(99);
    for answer in
        [store.blocklist(nobody).await, store.set_blocklist(nobody, &[], Some(&by_hand("why")), NOW).await]
    {
        assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    }
    assert_eq!(bench.database.numbers(recorded).await, [1]);
}

on_each! {
    whom_a_brand_blocks_each_of_its_campaigns_blocks_in_the_catalogue;
    what_a_campaign_wants_reads_back_and_changes_as_a_whole;
    creatives_keep_their_weight_and_their_sound;
    what_creatives_achieve_adds_up_and_comes_with_the_campaign;
    who_a_streamer_is_changes_by_hand_and_on_record;
    what_a_streamer_allows_reads_back_and_an_older_server_may_change_it;
    what_came_on_screen_since_a_moment_is_read_oldest_first;
}
