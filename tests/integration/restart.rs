//! What outlives a server: the claims of plays that another process started.

use crate::support::page::{Shown, Stage, assert_rejected, claim_on, evidence, open_page, open_page_at};
use crate::support::{PRICE, Streamer, TestApp, World, eventually, free_addr};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::Micros;
use tokio::process::Command;

#[actix_rt::test]
async fn a_claim_outlives_an_orderly_restart() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let paid = stage.show().await;
    assert_eq!(stage.claim(&paid.claim()).await["result"], "settled");
    let refused = stage.show().await;
    assert_rejected(&stage.claim(&refused.claim_with(&evidence(400))).await, "too_short");
    let open = stage.show().await;
    let addr = app.addr;
    let next = app.stop().await.start(Some(addr)).await;
    let mut page = open_page(&next, &streamer, "instance-1").await;
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "settled");
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "duplicate");
    assert_eq!(claim_on(&mut page, &paid.claim()).await["result"], "duplicate");
    assert_rejected(&claim_on(&mut page, &refused.claim()).await, "too_short");
    next.assert_paid(campaign, &streamer, 2).await;
    next.finish().await;
}

#[actix_rt::test]
async fn an_orderly_stop_gives_back_what_nobody_holds() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let _held = stage.play().await;
    let world = app.stop().await;
    // Between the two servers: the next one takes a lease of its own for its first play.
    assert_eq!(world.budget(campaign).await.leased, Micros(PRICE));
    let next = world.start(None).await;
    let mut stage = Stage::open(&next, &streamer).await;
    let shown = stage.show().await;
    eventually("a new lease beside the held price", async || next.budget(campaign).await.leased.0 > PRICE)
        .await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    next.assert_paid(campaign, &streamer, 1).await;
    next.finish().await;
}

#[actix_rt::test]
async fn two_servers_do_not_share_a_database() {
    let app = TestApp::start().await;
    let binary = env!("CARGO_BIN_EXE_gametriggers");
    let url = format!("sqlite:{}", app.database().display());
    let mut second = Command::new(binary);
    second
        .arg("serve")
        .env("GAMETRIGGERS__DATABASE__URL", url)
        .env("GAMETRIGGERS__SERVER__BIND", "127.0.0.1:0");
    let ended = second.kill_on_drop(true).output().await.unwrap();
    assert!(!ended.status.success());
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(words.contains("another"), "{words}");
    app.finish().await;
}

/// A folder with a funded campaign and a streamer, and no server on it.
async fn provisioned() -> (World, CampaignId, Streamer) {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    (app.stop().await, campaign, streamer)
}

#[actix_rt::test]
async fn a_server_that_is_killed_loses_no_claim_and_pays_none_twice() {
    let (world, campaign, streamer) = provisioned().await;
    let addr = free_addr();
    let mut child = world.serve(addr).await;
    let mut stage = Stage::at(addr, &streamer).await;
    let acked = stage.show().await;
    assert_eq!(stage.claim(&acked.claim()).await["result"], "settled");
    let silent = stage.show().await;
    let in_doubt: Shown = stage.show().await;
    // Written, being written or never read: the page was not told.
    stage.page.say(&in_doubt.claim()).await;
    child.kill().await.unwrap();
    world.assert_money().await;
    // A second process takes the first one's place and is killed as well.
    let mut child = world.serve(addr).await;
    let mut page = open_page_at(addr, &streamer, "instance-1").await;
    assert_eq!(claim_on(&mut page, &silent.claim()).await["result"], "settled");
    child.kill().await.unwrap();
    let app = world.start(Some(addr)).await;
    let mut page = open_page(&app, &streamer, "instance-1").await;
    for shown in [&acked, &silent] {
        assert_eq!(claim_on(&mut page, &shown.claim()).await["result"], "duplicate");
    }
    let ack = claim_on(&mut page, &in_doubt.claim()).await;
    assert!(ack["result"] == "settled" || ack["result"] == "duplicate", "{ack}");
    assert_eq!(claim_on(&mut page, &in_doubt.claim()).await["result"], "duplicate");
    app.assert_paid(campaign, &streamer, 3).await;
    let budget = app.budget(campaign).await;
    assert!(budget.spent.0 + budget.leased.0 <= budget.funded.0, "{budget:?}");
    app.finish().await;
}
