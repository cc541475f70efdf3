//! A brand that watches its campaign.

use crate::support::page::Stage;
use crate::support::socket::{Frame, SOON};
use crate::support::{PRICE, TestApp, eventually};
use serde_json::Value;

#[actix_rt::test]
async fn a_brand_sees_its_campaign_move_while_it_plays() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let path = format!("/ws/campaigns/{campaign}");
    let mut stage = Stage::open(&app, &streamer).await;
    let (mut own, mut admin) = (app.open(&path).await, app.open(&path).await);
    own.greet(&brand.key).await;
    admin.greet(&app.admin_key().await).await;
    own.expect("welcome").await;
    let live = own.expect("live").await;
    assert_eq!((live["campaign_id"].as_i64(), live["status"].as_str()), (Some(campaign.0), Some("active")));
    assert_eq!((live["funded_micros"].as_i64(), live["spent_micros"].as_i64()), (Some(10 * PRICE), Some(0)));
    let shown = stage.show().await;
    own.find(SOON, "live", |live| live["reserved_micros"] == PRICE && live["in_flight"] == 1).await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let paid =
        |live: &Value| live["spent_micros"] == PRICE && live["plays"] == 1 && live["reserved_micros"] == 0;
    let live = own.find(SOON, "live", paid).await;
    assert!(live["viewer_impressions"].as_u64().is_some_and(|viewers| viewers > 0));
    admin.find(SOON, "live", paid).await;
    assert!(paid(&app.live(&brand.key, campaign).await.ok(200)), "the API says the same");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_watches_another_brand_s_campaign() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let other = app.brand("Soggy", 0).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "unauthorized").await;
    let path = format!("/ws/campaigns/{campaign}");
    for key in [&other.key, &streamer.key, &streamer.overlay_key, &"gt_brand_00".to_owned()] {
        let mut socket = app.open(&path).await;
        socket.greet(key).await;
        assert_eq!(socket.closed().await, (3500, "unauthorized".to_owned()));
    }
    // The answer is the same for one that does not exist.
    for key in [&brand.key, &app.admin_key().await] {
        let mut socket = app.open("/ws/campaigns/999999").await;
        socket.greet(key).await;
        assert_eq!(socket.closed().await, (3500, "unauthorized".to_owned()));
    }
    closed.grows(&app, 6).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_campaign_and_a_streamer_have_so_many_watchers_and_one_more_comes_back_later() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "too_many_sockets").await;
    let path = format!("/ws/campaigns/{campaign}");
    for (path, key, max) in [(path.as_str(), &brand.key, 64), ("/ws/dashboard", &streamer.key, 16)] {
        let mut open = Vec::new();
        for _ in 0..max {
            let mut socket = app.open(path).await;
            socket.greet(key).await;
            socket.expect("welcome").await;
            open.push(socket);
        }
        let mut late = app.open(path).await;
        late.greet(key).await;
        assert_eq!(late.closed().await, (3006, "too_many_sockets".to_owned()));
        // Who goes makes room.
        drop(open.pop());
        eventually("there is room", async || {
            let mut next = app.open(path).await;
            next.greet(key).await;
            next.expect("welcome").await;
            matches!(next.next().await, Frame::Text(_))
        })
        .await;
    }
    closed.grows(&app, 2).await;
    app.finish().await;
}
