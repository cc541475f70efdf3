//! The whole server while Redis is down, killed, full or slow: plays and money go on.

use crate::support::page::Stage;
use crate::support::redis::{RedisServer, node, prefix, publish, shared_url};
use crate::support::{Brand, EARN, PRICE, Streamer, TestApp, eventually};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::ports::{CampaignTotals, StreamerTotals};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

const PREFIX: &str = "outage";

/// A server with a campaign and a streamer, on this Redis.
struct Scene {
    app: TestApp,
    brand: Brand,
    campaign: CampaignId,
    streamer: Streamer,
    stage: Stage,
}

impl Scene {
    async fn open(url: &str, prefix: &str) -> Self {
        let app = TestApp::with(&[("REDIS__URL", url), ("REDIS__PREFIX", prefix)]).await;
        let brand = app.brand("Crisp", 100 * PRICE).await;
        let campaign = app.campaign(&brand, "Crunch time", 10).await;
        let streamer = app.streamer("Nova").await;
        let stage = Stage::open(&app, &streamer).await;
        Self { app, brand, campaign, streamer, stage }
    }

    /// One play from its slot to its ack, and what the API says of the campaign then.
    async fn play(&mut self, plays: i64) {
        let shown = self.stage.show().await;
        let asked = Instant::now();
        assert_eq!(self.stage.claim(&shown.claim()).await["result"], "settled");
        assert!(asked.elapsed() < Duration::from_secs(5), "an ack waits for Redis");
        self.app.assert_paid(self.campaign, &self.streamer, plays).await;
        eventually("the API shows the play", async || self.live().await["plays"] == plays).await;
    }

    async fn live(&self) -> Value {
        self.app.live(&self.brand.key, self.campaign).await.ok(200)
    }

    /// New work is welcome, whatever Redis does.
    async fn ready(&self) -> Value {
        self.app.ready().await.ok(200)
    }

    async fn is_degraded_by_redis(&self) -> bool {
        let ready = self.ready().await;
        let parts = ready["degraded"].as_array().unwrap().iter();
        ready["status"] == "degraded"
            && parts.filter(|part| part.as_str().unwrap().contains("redis")).count() > 0
    }

    async fn degrades(&self) {
        eventually("it says degraded", async || self.is_degraded_by_redis().await).await;
    }

    async fn recovers(&self) {
        eventually("it says ready", async || self.ready().await["status"] == "ready").await;
    }

    /// Redis has the database's numbers, without anything new to make them.
    async fn counters_are(&self, server: &RedisServer, plays: i64) {
        let mut client = server.client().await;
        let keys = [
            (format!("{PREFIX}:campaign:{}", self.campaign), "spent", PRICE * plays),
            (format!("{PREFIX}:streamer:{}", self.streamer.id), "earned", EARN * plays),
        ];
        for (key, field, wanted) in keys {
            let get = async || {
                let mut client = client.clone();
                redis::cmd("HGET").arg(&key).arg(field).query_async::<Option<i64>>(&mut client).await.unwrap()
            };
            eventually(&format!("{key} is {wanted}"), async || get().await == Some(wanted)).await;
        }
        redis::cmd("PING").exec_async(&mut client).await.unwrap();
    }
}

#[actix_rt::test]
async fn a_server_starts_and_pays_without_redis_and_counts_when_it_comes() {
    let mut server = RedisServer::new();
    let mut scene = Scene::open(&server.url(), PREFIX).await;
    assert!(scene.is_degraded_by_redis().await);
    scene.play(1).await;
    server.start().await;
    scene.recovers().await;
    scene.counters_are(&server, 1).await;
    scene.app.finish().await;
}

#[actix_rt::test]
async fn redis_killed_and_started_empty_gets_its_counters_from_the_database() {
    let mut server = RedisServer::started().await;
    let mut scene = Scene::open(&server.url(), PREFIX).await;
    scene.recovers().await;
    scene.play(1).await;
    scene.counters_are(&server, 1).await;
    let dropped = scene.app.watch("gametriggers_bus_dropped_total", "").await;
    server.kill().await;
    scene.degrades().await;
    scene.play(2).await;
    scene.app.campaign(&scene.brand, "Said to nobody", 1).await;
    dropped.grows(&scene.app, 1).await;
    server.start().await;
    scene.recovers().await;
    scene.counters_are(&server, 2).await;
    // Empty again, and this time no connection is lost.
    redis::cmd("FLUSHALL").exec_async(&mut server.client().await).await.unwrap();
    scene.counters_are(&server, 2).await;
    scene.app.finish().await;
}

#[actix_rt::test]
async fn redis_that_is_full_stops_no_play() {
    let server = RedisServer::started().await;
    let mut scene = Scene::open(&server.url(), PREFIX).await;
    scene.recovers().await;
    server.set("maxmemory-policy", "noeviction").await;
    server.set("maxmemory", "1").await;
    scene.degrades().await;
    scene.play(1).await;
    let counters = serde_json::json!(["redis: live counters"]);
    eventually("events need no memory", async || scene.ready().await["degraded"] == counters).await;
    server.set("maxmemory", "0").await;
    scene.recovers().await;
    scene.counters_are(&server, 1).await;
    scene.app.finish().await;
}

#[actix_rt::test]
async fn redis_that_does_not_answer_holds_nothing_up() {
    let server = RedisServer::started().await;
    let mut scene = Scene::open(&server.url(), PREFIX).await;
    scene.recovers().await;
    server.stall().await;
    scene.play(1).await;
    scene.degrades().await;
    let asked = Instant::now();
    assert_eq!(scene.live().await["plays"], 1);
    assert!(asked.elapsed() < Duration::from_secs(2), "the API waits for Redis");
    scene.play(2).await;
    server.go_on().await;
    scene.recovers().await;
    scene.counters_are(&server, 2).await;
    scene.app.finish().await;
}

#[actix_rt::test]
async fn a_node_shows_what_another_one_settled_and_nothing_older() {
    let (url, prefix) = (shared_url(), prefix());
    let mut scene = Scene::open(&url, &prefix).await;
    let other = node(&url, &prefix, 99).await;
    scene.play(1).await;
    let mut socket = scene.app.open(&format!("/ws/campaigns/{}", scene.campaign)).await;
    socket.greet(&scene.brand.key).await;
    socket.find(Duration::from_secs(5), "live", |live| live["plays"] == 1).await;
    let ledger = &scene.app.engine().ports.ledger;
    let known = ledger.totals(&[scene.campaign], &[scene.streamer.id]).await.unwrap();
    let (mine, earned) = (known.0[0].1, known.1[0].1);
    // Three more plays, settled elsewhere; what this node counts by itself does not change.
    let mut newer = CampaignTotals { version: mine.version + 3, ..mine };
    (newer.budget.plays, newer.budget.spent) = (4, Micros(4 * PRICE));
    let more = StreamerTotals { plays: earned.plays + 3, earned: Micros(4 * EARN) };
    publish(&other, &[(scene.campaign, newer)], &[(scene.streamer.id, more)]).await;
    let pushed = |live: &Value| live["plays"] == 4 && live["spent_micros"] == 4 * PRICE;
    socket.find(Duration::from_secs(5), "live", pushed).await;
    assert!(pushed(&scene.live().await));
    scene.stage.state(|state| state["earnings"]["settled_micros"] == 4 * EARN).await;
    publish(&other, &[(scene.campaign, mine)], &[(scene.streamer.id, earned)]).await;
    assert!(pushed(&scene.live().await), "an older value changes nothing");
    scene.app.finish().await;
}
