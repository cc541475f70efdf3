//! Several pages of one streamer, and the one that gets the plays.

use crate::support::page::{Stage, open_page};
use crate::support::{PRICE, TestApp};
use serde_json::json;
use std::time::Duration;

#[actix_rt::test]
async fn the_ninth_page_of_a_streamer_is_refused_and_the_others_stay() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let closed = app.watch("gametriggers_sockets_closed_total", "too_many_sockets").await;
    let mut pages = Vec::new();
    for number in 0..8 {
        pages.push(open_page(&app, &streamer, &format!("instance-{number}")).await);
    }
    let mut ninth = open_page(&app, &streamer, "instance-8").await;
    assert_eq!(ninth.closed().await, (3006, "too_many_sockets".to_owned()));
    closed.grows(&app, 1).await;
    let mut dashboard = app.dashboard(&streamer).await;
    dashboard.say(&json!({ "type": "heartbeat" })).await;
    drop(pages.pop());
    dashboard
        .find(Duration::from_secs(5), "state", |s| s["overlays"].as_array().is_some_and(|o| o.len() == 7))
        .await;
    let mut next = open_page(&app, &streamer, "instance-9").await;
    assert_eq!(next.expect("role").await["primary"], true, "the newest");
    app.finish().await;
}

#[actix_rt::test]
async fn one_page_gets_the_plays_and_the_next_one_when_it_goes() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let mut second = open_page(&app, &streamer, "instance-2").await;
    assert_eq!(second.expect("role").await["primary"], true, "the newest of two that are fit");
    assert_eq!(stage.page.expect("role").await["primary"], false);
    let primaries = |state: &serde_json::Value| {
        state["overlays"].as_array().map_or(0, |all| all.iter().filter(|o| o["primary"] == true).count())
    };
    stage
        .state(|state| state["overlays"].as_array().is_some_and(|o| o.len() == 2) && primaries(state) == 1)
        .await;
    assert_eq!(stage.play_next().await["ok"], true);
    second.expect("prepare").await;
    assert!(stage.page.is_without(Duration::from_millis(300), "prepare").await, "an ad on both pages");
    drop(second);
    assert_eq!(stage.page.expect("role").await["primary"], true);
    stage.state(|state| state["plays"][0]["reason"] == "disconnected").await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn a_page_in_the_program_beats_a_newer_one_that_is_not() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let mut second = open_page(&app, &streamer, "instance-2").await;
    second.expect("role").await;
    second.say(&json!({ "type": "status", "active": "inactive", "visible": false })).await;
    assert_eq!(
        second.find(Duration::from_secs(5), "role", |role| role["primary"] == false).await["type"],
        "role"
    );
    stage.page.find(Duration::from_secs(5), "role", |role| role["primary"] == true).await;
    app.finish().await;
}
