//! What brands upload reads back, and is counted against the quota of each.

use super::*;
use gametriggers_actors::domain::asset::{Asset, AssetFile, Media, Reel};
use gametriggers_actors::ports::StoreError;

const QUOTA: i64 = 100;

fn name(seed: u8, media: Media) -> String {
    format!("{}.{}", format!("{seed:02x}").repeat(16), media.extension())
}

fn file(seed: u8, media: Media, bytes: u64) -> AssetFile {
    AssetFile { name: name(seed, media).into(), media, width: 640, height: 360, bytes }
}

fn image(seed: u8, bytes: u64) -> Asset {
    let others = vec![file(seed.wrapping_add(100), Media::Png, 1), file(seed, Media::Png, 2)];
    Asset { file: file(seed, Media::Webp, bytes - 3), others, reel: None, visible_bps: 1234 }
}

async fn uploads_are_counted_once_and_against_the_quota_of_each_brand(on: On) {
    let bench = Bench::new(on).await;
    let (one, other) = (bench.brand(1).await, bench.brand(1).await);
    let keep = async |brand, asset: &Asset| bench.store.keep_asset(Some(brand), asset, QUOTA, NOW).await;
    assert!(keep(one, &image(1, 60)).await.unwrap());
    assert!(keep(one, &image(1, 60)).await.unwrap(), "the same again");
    assert!(!keep(one, &image(2, 41)).await.unwrap());
    assert_eq!(bench.store.asset(&name(2, Media::Webp)).await.unwrap(), None, "nothing is left of it");
    assert!(keep(one, &image(2, 40)).await.unwrap());
    assert!(keep(other, &image(1, 60)).await.unwrap());
    assert!(keep(BrandId(99), &image(3, 9)).await.is_err());
    assert!(bench.store.keep_asset(None, &image(4, 1000), QUOTA, NOW).await.unwrap(), "an operator's");
}

async fn an_upload_reads_back_to_its_brand_alone(on: On) {
    let bench = Bench::new(on).await;
    let (one, other) = (bench.brand(1).await, bench.brand(1).await);
    let reel = Some(Reel { duration: Millis(4000), frames: 100, sound: true });
    let video = Asset { file: file(9, Media::Mp4, 30), others: Vec::new(), reel, visible_bps: 0 };
    for asset in [image(1, 60), video] {
        bench.store.keep_asset(Some(one), &asset, 1000, NOW).await.unwrap();
        let name = &*asset.file.name;
        let kept = bench.store.brand_asset(one, name).await.unwrap();
        let bytes = i64::try_from(asset.bytes()).unwrap();
        assert_eq!((kept.bytes, kept.created_at, kept.archived_at), (bytes, NOW, None));
        assert_eq!((&*kept.name, kept.asset.as_ref()), (name, Some(&asset)));
        assert_eq!(bench.store.asset(name).await.unwrap(), Some(asset.clone()));
        for brand in [other, BrandId(99)] {
            assert!(matches!(bench.store.brand_asset(brand, name).await, Err(StoreError::NotFound)));
            let archived = bench.store.archive_asset(brand, name, NOW).await;
            assert!(matches!(archived, Err(StoreError::NotFound)));
        }
        assert_eq!(bench.store.brand_asset(one, name).await.unwrap(), kept, "nobody else put it away");
    }
    // One from before assets were described.
    let old = name(7, Media::Jpeg);
    let insert = format!(
        "INSERT INTO brand_asset (brand_id, name, bytes, created_at) VALUES ({}, '{old}', 5, {})",
        one.0, NOW.0
    );
    bench.database.try_sql(&insert).await.unwrap();
    assert_eq!(bench.store.brand_asset(one, &old).await.unwrap().asset, None);
}

async fn pages_of_uploads_go_back_in_time_and_keep_what_is_put_away_apart(on: On) {
    let bench = Bench::new(on).await;
    let (one, other) = (bench.brand(1).await, bench.brand(1).await);
    // Two at each moment.
    for seed in 0..6_u8 {
        let at = NOW + Millis::seconds(i64::from(seed / 2));
        bench.store.keep_asset(Some(one), &image(seed, 10), 1000, at).await.unwrap();
    }
    bench.store.keep_asset(Some(other), &image(50, 10), 1000, NOW).await.unwrap();
    let page = async |archived, before: Option<&str>, limit| {
        let found = bench.store.brand_assets(one, archived, before, limit).await.unwrap();
        found.iter().map(|upload| upload.name.to_string()).collect::<Vec<_>>()
    };
    let names = |seeds: &[u8]| seeds.iter().map(|seed| name(*seed, Media::Webp)).collect::<Vec<_>>();
    assert_eq!(page(false, None, 9).await, names(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(page(false, None, 3).await, names(&[5, 4, 3]));
    let away = bench.store.archive_asset(one, &name(3, Media::Webp), NOW).await.unwrap();
    assert_eq!(away.archived_at, Some(NOW));
    let later = NOW + Millis::seconds(9);
    let again = bench.store.archive_asset(one, &name(3, Media::Webp), later).await.unwrap();
    assert_eq!(again, away, "it was put away when it was");
    // The page after one that was put away meanwhile.
    assert_eq!(page(false, Some(&name(3, Media::Webp)), 2).await, names(&[2, 1]));
    assert_eq!(page(true, None, 9).await, names(&[3]));
    for strange in [name(50, Media::Webp), "nothing".to_owned()] {
        assert_eq!(page(false, Some(&strange), 9).await, names(&[]), "another brand's, or nobody's");
    }
    bench.store.keep_asset(Some(one), &image(3, 10), 60, later).await.unwrap();
    assert_eq!(
        page(false, None, 9).await,
        names(&[5, 4, 3, 2, 1, 0]),
        "back where it was, and not counted anew"
    );
}

on_each! {
    uploads_are_counted_once_and_against_the_quota_of_each_brand;
    an_upload_reads_back_to_its_brand_alone;
    pages_of_uploads_go_back_in_time_and_keep_what_is_put_away_apart;
}
