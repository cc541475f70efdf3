//! No pair that a profile prohibits comes through.

use super::*;
use crate::domain::creative::{Content, WEIGHT_MAX};
use crate::domain::decision::tests::{campaign, creative, profile};
use crate::domain::streamer::OptIn;
use crate::domain::targeting::{Mature, Targeting};
use crate::domain::time::{Millis, UnixMillis};
use proptest::prelude::*;

/// A profile that lets everything through.
pub(crate) fn open() -> Policy {
    Policy::open()
}

fn words(all: &[&str]) -> Words {
    Words::new(all.iter().map(|word| Arc::from(*word)))
}

fn category(word: &str) -> Category {
    Category::new(word.into())
}

fn video(sound: bool) -> Creative {
    let content = Content::Video { asset: "a.webm".into(), width: 1920, height: 1080 };
    let drawn = Drawn::of(&content, Placement::Corner);
    Creative { content, sound, drawn, ..creative(1) }
}

#[test]
fn every_refusal_has_its_cause() {
    let settings = Settings::default();
    let strict = Policy { prohibited: words(&["tobacco"]), mature: words(&["alcohol"]), ..open() };
    let admits = |policy: &Policy, word| policy.admits(&category(word), &profile(), &settings);
    assert_eq!(admits(&strict, "snacks"), Ok(()));
    assert_eq!(admits(&strict, "tobacco"), Err(Refusal::Category));
    assert_eq!(admits(&strict, "alcohol"), Err(Refusal::Mature));
    let grown = Profile { mature: true, ..profile() };
    assert_eq!(strict.admits(&category("alcohol"), &grown, &settings), Ok(()));
    assert_eq!(admits(&Policy { enabled: false, ..open() }, "snacks"), Err(Refusal::Disabled));
    for asks in [Policy { opt_in: true, ..open() }, Policy { disclosure: true, ..open() }] {
        assert_eq!(admits(&asks, "snacks"), Err(Refusal::OptIn));
        let given = |policy: &str| Settings {
            opt_in: Some(OptIn { policy: policy.into(), at: UnixMillis(1) }),
            ..Settings::default()
        };
        assert_eq!(asks.admits(&category("snacks"), &profile(), &given("open")), Ok(()));
        assert_eq!(asks.admits(&category("snacks"), &profile(), &given("other")), Err(Refusal::OptIn));
    }
    // 576 x 324 of 1920 x 1080, and the label below it.
    let refuses = |policy: Policy| policy.draws(&video(true));
    assert_eq!(refuses(open()), Ok(()));
    assert_eq!(refuses(Policy { formats: vec![Format::Text], ..open() }), Err(Refusal::Format));
    assert_eq!(refuses(Policy { placements: vec![Placement::Ticker], ..open() }), Err(Refusal::Placement));
    assert_eq!(refuses(Policy { sound: false, ..open() }), Err(Refusal::Sound));
    assert_eq!(refuses(Policy { card_bps_min: 751, ..open() }), Err(Refusal::TooSmall));
    assert_eq!(refuses(Policy { card_bps_min: 750, picture_bps_max: 625, ..open() }), Ok(()));
    assert_eq!(refuses(Policy { picture_bps_max: 624, ..open() }), Err(Refusal::TooLarge));
    assert_eq!(refuses(Policy { card_bps_max: 1, ..open() }), Ok(()), "that is for words and codes");
    let lengths = LengthCaps { video: Millis(4_999), ..LengthCaps::default() };
    assert_eq!(refuses(Policy { lengths, ..open() }), Err(Refusal::Length));
}

#[test]
fn a_campaign_can_never_run_where_none_of_its_creatives_may() {
    let silent = Policy { sound: false, mature: words(&["alcohol"]), ..open() };
    let mut spot = campaign(1);
    assert_eq!(silent.never(&spot), None);
    spot.creatives = vec![video(true)];
    assert_eq!(silent.never(&spot), Some(Refusal::Sound));
    spot.creatives.push(video(false));
    assert_eq!(silent.never(&spot), None, "one of two is enough");
    spot.category = category("alcohol");
    assert_eq!(silent.never(&spot), None, "on streams with a label it can");
    spot.targeting = Targeting { mature: Mature::Exclude, ..Targeting::default() };
    assert_eq!(silent.never(&spot), Some(Refusal::Mature));
    assert_eq!(Policy { enabled: false, ..open() }.never(&spot), Some(Refusal::Disabled));
}

#[test]
fn each_platform_has_one_profile() {
    let only = |platforms: &[Platform]| Policy { platforms: platforms.to_vec(), ..open() };
    let all = Policies::new(vec![only(&Platform::ALL)]).unwrap();
    assert_eq!(all.of(Platform::Kick).name.as_ref(), "open");
    let most = only(&[Platform::Twitch, Platform::Youtube, Platform::Other]);
    assert_eq!(Policies::new(vec![most.clone()]), Err(PolicyFault::Missing(Platform::Kick)));
    let twice = Policies::new(vec![most, only(&[Platform::Kick, Platform::Twitch])]);
    assert_eq!(twice, Err(PolicyFault::Twice(Platform::Twitch)));
}

prop_compose! {
    fn any_creative()(
        format in 0_usize..4, placement in 0_usize..3, sound in any::<bool>(),
        (width, height) in (1_u32..=4096, 1_u32..=4096), duration in 3_000_i64..=30_000,
        words in "[a-z ]{1,60}",
    ) -> Creative {
        let asset: Arc<str> = "a".into();
        let headline: Arc<str> = words.into();
        let content = match Format::ALL[format] {
            Format::Image => Content::Image { asset, width, height },
            Format::Video => Content::Video { asset, width, height },
            Format::Text => Content::Text { headline, body: "".into() },
            Format::Qr => Content::Qr { headline, body: "".into() },
        };
        let placement = Placement::ALL[placement];
        let drawn = Drawn::of(&content, placement);
        let sound = sound && content.format() == Format::Video;
        let duration = Millis(duration);
        Creative { content, placement, sound, drawn, duration, weight: WEIGHT_MAX, ..creative(1) }
    }
}

prop_compose! {
    fn any_policy()(
        formats in proptest::collection::vec(any::<bool>(), 4),
        placements in proptest::collection::vec(any::<bool>(), 3),
        (sound, enabled, opt_in, disclosure) in any::<(bool, bool, bool, bool)>(),
        (least, card, picture) in (0_u32..400, 0_u32..3000, 0_u32..1500),
        video in 0_i64..30_000,
    ) -> Policy {
        fn some<T: Copy>(all: &[T], on: &[bool]) -> Vec<T> {
            all.iter().zip(on).filter(|(_, on)| **on).map(|(one, _)| *one).collect()
        }
        Policy {
            formats: some(&Format::ALL, &formats), placements: some(&Placement::ALL, &placements),
            sound, enabled, opt_in, disclosure,
            card_bps_min: least, card_bps_max: card, picture_bps_max: picture,
            lengths: LengthCaps { video: Millis(video), ..LengthCaps::default() },
            prohibited: words(&["tobacco", "weapons"]), mature: words(&["alcohol"]), ..open()
        }
    }
}

proptest! {
    /// Whatever comes through is allowed in every point, looked at one by one.
    #[test]
    fn what_is_prohibited_never_comes_through(
        policy in any_policy(), creative in any_creative(),
        word in prop_oneof![Just("snacks"), Just("tobacco"), Just("weapons"), Just("alcohol")],
        grown in any::<bool>(), agreed in any::<bool>(),
    ) {
        let profile = Profile { mature: grown, ..profile() };
        let opt_in = agreed.then(|| OptIn { policy: "open".into(), at: UnixMillis(1) });
        let settings = Settings { opt_in, ..Settings::default() };
        let category = category(word);
        let admitted = policy.admits(&category, &profile, &settings).is_ok();
        let may = policy.enabled && (agreed || !(policy.opt_in || policy.disclosure))
            && word != "tobacco" && word != "weapons" && (word != "alcohol" || grown);
        prop_assert_eq!(admitted, may);
        if policy.draws(&creative).is_ok() {
            let format = creative.content.format();
            let share = |pixels: u32| f64::from(pixels) / f64::from(1920 * 1080) * 10_000.0;
            prop_assert!(policy.formats.contains(&format));
            prop_assert!(policy.placements.contains(&creative.placement));
            prop_assert!(policy.sound || !creative.sound);
            prop_assert!(share(creative.drawn.card) >= f64::from(policy.card_bps_min));
            let is_picture = matches!(format, Format::Image | Format::Video);
            let (pixels, most) = if is_picture {
                (creative.drawn.picture, policy.picture_bps_max)
            } else {
                (creative.drawn.card, policy.card_bps_max)
            };
            prop_assert!(share(pixels) < f64::from(most) + 1.0);
            let long = policy.lengths.video.0 > 0 && creative.duration > policy.lengths.video;
            prop_assert!(format != Format::Video || !long);
        }
        // And a campaign of these alone is said to be hopeless only where it is.
        let mut campaign = campaign(1);
        (campaign.category, campaign.creatives) = (category, vec![creative]);
        if policy.never(&campaign).is_some() {
            prop_assert!(!admitted || policy.draws(&campaign.creatives[0]).is_err() || word == "alcohol");
        }
    }
}
