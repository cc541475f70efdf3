//! A database that can not be written for a while.

use crate::support::engine::{TestEngine, funded};
use crate::support::page::{Stage, claim_on, open_page};
use crate::support::socket::SOON;
use crate::support::{EARN, PRICE, TestApp, campaign_body, eventually};
use gametriggers::operator::{frequent, new_streamer, sample};
use gametriggers_actors::domain::campaign::account::Want;
use gametriggers_actors::domain::id::{CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Split};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::messages::{Reserve, Settle, Sweep};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// Another process's transaction that does not end.
async fn lock(database: &Path) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

async fn unlock(mut connection: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[actix_rt::test]
async fn a_locked_database_holds_acks_back_and_loses_nothing() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let failed = app.watch("gametriggers_settlement_batches_failed_total", "").await;
    assert_eq!(app.ready().await.ok(200)["status"], "ready");
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    let lock = lock(&app.database()).await;
    stage.page.say(&shown.claim()).await;
    assert!(stage.page.is_without(Duration::from_secs(6), "ack").await, "an ack before its commit");
    let ready = app.ready().await.ok(503);
    assert_eq!(
        (ready["status"].as_str(), ready["claims"].as_str()),
        (Some("degraded"), Some("waiting for the database"))
    );
    assert_eq!(ready["database"], "unavailable", "it is not asked, nor waited for");
    let refused = app.create_campaign(&brand.key, "while locked", &campaign_body("Second", 1)).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    app.show_campaign(&brand.key, campaign).await.ok(200);
    app.assert_unspent(campaign).await;
    failed.grows(&app, 1).await;
    unlock(lock).await;
    assert_eq!(stage.page.expect_in(SOON, "ack").await["result"], "settled");
    eventually("it is ready again", async || app.ready().await.status == 200).await;
    app.create_campaign(&brand.key, "while locked", &campaign_body("Second", 1)).await.ok(201);
    app.assert_paid(campaign, &streamer, 1).await;
    assert_eq!(app.available(&brand).await, 89 * PRICE, "the second campaign was funded once");
    app.finish().await;
}

#[actix_rt::test]
async fn a_claim_sent_again_on_a_new_socket_is_acked_there() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    let lock = lock(&app.database()).await;
    stage.page.say(&shown.claim()).await;
    stage.state(|state| state["earnings"]["in_flight_micros"] != 0).await;
    drop(stage.page);
    let mut page = open_page(&app, &streamer, "instance-1").await;
    page.say(&shown.claim()).await;
    assert!(page.is_without(Duration::from_millis(300), "ack").await);
    unlock(lock).await;
    assert_eq!(page.expect_in(SOON, "ack").await["result"], "settled");
    assert_eq!(claim_on(&mut page, &shown.claim()).await["result"], "duplicate");
    app.assert_paid(campaign, &streamer, 1).await;
    app.finish().await;
}

fn play(number: u8, now: UnixMillis) -> PlayId {
    PlayId::mint(now, [number; 10])
}

#[actix_rt::test]
async fn readiness_keeps_what_the_database_says_to_the_log() {
    let app = TestApp::start().await;
    let lock = lock(&app.database()).await;
    eventually("it is not ready", async || app.ready().await.status == 503).await;
    assert_eq!(app.ready().await.ok(503)["database"], "unavailable");
    unlock(lock).await;
    eventually("it is ready again", async || app.ready().await.status == 200).await;
    app.finish().await;
}

type Whose = (LeaseId, gametriggers_actors::domain::id::CampaignId, StreamerId, CreativeId);

fn claim(play: PlayId, (lease, campaign, streamer, creative): Whose, split: Split, at: UnixMillis) -> Claim {
    let debit = Debit {
        event: play,
        kind: EventKind::Play,
        play,
        lease,
        campaign,
        streamer,
        creative,
        currency: Currency::INR,
        split,
        viewers: 10,
        occurred: at,
    };
    Claim { debit, verdict: Ok(()) }
}

#[actix_rt::test]
async fn money_of_a_claim_that_waits_for_the_database_is_not_lent_again() {
    let test = TestEngine::start().await;
    let engine = &test.engine;
    let (campaign, start) = (funded(engine, 2).await, engine.now());
    let (new, _, _) = new_streamer(sample("Nova"), frequent(Millis(1000)), "");
    let streamer = engine.ports.accounts.add_streamers(&[new], start).await.unwrap()[0];
    let actor = engine.directory.campaign(engine, campaign.id);
    let amount = Micros(PRICE);
    let reserve = async |number| {
        let (play, returns) = (play(number, start), engine.now() + Millis::seconds(100));
        let want = Want { play, amount, value: amount, returns, standing: 0 };
        actor.send(Reserve(want)).await.unwrap()
    };
    let claim = |number, lease| {
        let split = Split { price: amount, fee: Micros(PRICE - EARN), earn: Micros(EARN) };
        claim(play(number, start), (lease, campaign.id, streamer, campaign.creatives[0].id), split, start)
    };
    let lease = reserve(1).await.unwrap();
    reserve(2).await.unwrap();
    assert_eq!(reserve(3).await, Err(Reason::Budget), "the budget is for two plays");
    let lock = lock(&test.database()).await;
    let settlement = engine.directory.settlement(engine);
    let waiting = settlement.send(Settle(claim(1, lease)));
    let waiting = actix_rt::spawn(waiting);
    eventually("the claim waits", async || engine.health.store_failing()).await;
    assert!(!engine.store_is_away(engine.now()), "a hiccup stops no slot");
    test.world.turn(Millis::minutes(20));
    assert!(engine.store_is_away(engine.now()));
    for _ in 0..3 {
        actor.send(Sweep).await.unwrap();
    }
    assert_eq!(reserve(4).await, Err(Reason::Budget), "lent again while its claim waits");
    unlock(lock).await;
    assert_eq!(waiting.await.unwrap().unwrap(), Outcome::Settled, "what was shown is paid");
    eventually("nothing waits", async || !engine.health.store_failing()).await;
    // What nobody claimed comes back, and only that.
    eventually("the other price is free", async || {
        actor.send(Sweep).await.unwrap();
        reserve(5).await.is_ok()
    })
    .await;
    assert_eq!(reserve(6).await, Err(Reason::Budget));
    let last = engine.directory.settlement(engine).send(Settle(claim(5, lease))).await.unwrap();
    assert_eq!(last, Outcome::Settled);
    test.stop().await;
}
