//! Names of files, and what is found of pictures and videos.

use super::*;

fn policies(policy: Policy) -> Policies {
    Policies::new(vec![policy]).unwrap()
}

fn asset(media: Media, (width, height): (u32, u32), bytes: u64, reel: Option<Reel>) -> Asset {
    let name = format!("{}.{}", "ab".repeat(16), media.extension());
    Asset {
        file: AssetFile { name: name.into(), media, width, height, bytes },
        others: Vec::new(),
        reel,
        visible_bps: 9_000,
    }
}

fn verdict(asset: &Asset, check: Check) -> Verdict {
    let found = findings(asset, &policies(Policy::open()));
    let mut those = found.into_iter().filter(|finding| finding.check == check);
    let first = those.next().expect("it was looked at");
    assert!(those.next().is_none() || check == Check::Area);
    first.verdict
}

#[test]
fn only_a_hash_and_an_extension_of_ours_is_a_name() {
    let hash = "0123456789abcdef0123456789abcdef";
    assert_eq!(Media::of_name(&format!("{hash}.webp")), Some(Media::Webp));
    assert_eq!(Media::of_name(&format!("{hash}.mp4")), Some(Media::Mp4));
    for bad in ["", "x.png", "../etc/passwd", &format!("{hash}.svg"), &format!("{hash}.webp/.."), hash] {
        assert_eq!(Media::of_name(bad), None, "{bad}");
    }
    assert_eq!(Media::of_name(&format!("{}.png", hash.to_uppercase())), None, "one file has one name");
}

#[test]
fn a_picture_is_judged_by_its_weight_and_by_what_is_seen_of_it() {
    let fine = asset(Media::Webp, (960, 800), 500_000, None);
    for check in [Check::Area, Check::LabelContrast, Check::Visibility, Check::Flashing, Check::Weight] {
        assert_eq!(verdict(&fine, check), Verdict::Passed, "{check:?}");
    }
    assert_eq!(verdict(&asset(Media::Webp, (960, 800), 500_001, None), Check::Weight), Verdict::Warning);
    let dark = Asset { visible_bps: 499, ..fine };
    assert_eq!(verdict(&dark, Check::Visibility), Verdict::Warning);
}

#[test]
fn a_video_is_judged_by_what_is_known_without_decoding_it() {
    let clip = |media, size, ms, frames| {
        let reel = Reel { duration: Millis(ms), frames, sound: false };
        asset(media, size, 100_000, Some(reel))
    };
    let fine = clip(Media::Webm, (1280, 720), 15_000, 450);
    for check in [Check::Duration, Check::Size, Check::FrameRate, Check::Codec, Check::Weight] {
        assert_eq!(verdict(&fine, check), Verdict::Passed, "{check:?}");
    }
    assert_eq!(verdict(&fine, Check::Flashing), Verdict::Unknown, "nobody has looked");
    for (one, check, wanted) in [
        (clip(Media::Webm, (1280, 720), 15_001, 400), Check::Duration, Verdict::Warning),
        (clip(Media::Webm, (1280, 720), 30_001, 400), Check::Duration, Verdict::Refused),
        (clip(Media::Webm, (1282, 720), 9_000, 200), Check::Size, Verdict::Warning),
        (clip(Media::Webm, (1922, 10), 9_000, 200), Check::Size, Verdict::Refused),
        (clip(Media::Webm, (640, 360), 2_000, 62), Check::FrameRate, Verdict::Warning),
        (clip(Media::Mp4, (640, 360), 2_000, 60), Check::Codec, Verdict::Warning),
    ] {
        assert_eq!(verdict(&one, check), wanted, "{check:?}");
    }
}

#[test]
fn each_policy_speaks_for_each_placement() {
    let strict = Policy { picture_bps_max: 300, name: "strict".into(), ..Policy::open() };
    let found = findings(&asset(Media::Webp, (1080, 200), 1000, None), &policies(strict));
    let area: Vec<_> = found.iter().filter(|finding| finding.check == Check::Area).collect();
    assert_eq!(area.len(), 3, "one policy, three placements: {area:#?}");
    let of = |placement| area.iter().find(|finding| finding.placement == Some(placement)).unwrap();
    let wide = of(Placement::LowerThird);
    assert_eq!((wide.verdict, wide.policy.as_deref()), (Verdict::Warning, Some("strict")));
    assert!(wide.detail.contains("10.41 %"), "{}", wide.detail);
    assert_eq!(of(Placement::Corner).verdict, Verdict::Passed);
    let off = Policy { enabled: false, ..Policy::open() };
    let found = findings(&asset(Media::Webp, (1080, 200), 1000, None), &policies(off));
    assert!(found.iter().all(|finding| finding.check != Check::Area), "nothing is shown there anyway");
}
