//! Live counters on a real Redis.

use crate::support::eventually;
use crate::support::redis::{RedisServer, answered, client, node, prefix, publish, shared_url};
use gametriggers::bus::redis::Redis;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::ports::{Budget, CampaignTotals, StreamerTotals};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::BTreeMap;

fn campaign(version: i64) -> CampaignTotals {
    let count = version.unsigned_abs();
    let budget = Budget {
        funded: Micros(i64::MAX),
        spent: Micros(version),
        leased: Micros(3),
        plays: count,
        viewers: count / 2,
        clicks: 5,
        rejected: 6,
        ..Budget::default()
    };
    CampaignTotals { version, budget }
}

fn streamer(plays: u64) -> StreamerTotals {
    StreamerTotals { plays, earned: Micros(i64::try_from(plays).unwrap()) }
}

async fn campaign_in(node: &Redis, id: CampaignId) -> Option<CampaignTotals> {
    answered(async || node.live.campaign(id).await).await
}

async fn streamer_in(node: &Redis, id: StreamerId) -> Option<StreamerTotals> {
    answered(async || node.live.streamer(id).await).await
}

#[actix_rt::test]
async fn what_one_node_writes_every_node_reads_and_what_nobody_wrote_is_absent() {
    let (url, prefix) = (shared_url(), prefix());
    let (one, other) = (node(&url, &prefix, 1).await, node(&url, &prefix, 2).await);
    // More than one call of the script, in one flush.
    let campaigns: Vec<_> = (1..=700).map(|id| (CampaignId(id), campaign(id))).collect();
    let streamers: Vec<_> = (1..=700).map(|id| (StreamerId(id), streamer(id.unsigned_abs()))).collect();
    publish(&one, &campaigns, &streamers).await;
    for id in [1, 499, 500, 501, 700] {
        assert_eq!(campaign_in(&other, CampaignId(id)).await, Some(campaign(id)));
        let totals = streamer_in(&other, StreamerId(id)).await;
        assert_eq!(totals, Some(streamer(id.unsigned_abs())));
    }
    assert_eq!(campaign_in(&other, CampaignId(701)).await, None);
    assert_eq!(streamer_in(&other, StreamerId(701)).await, None);
    let mut client = client(&url).await.unwrap();
    for key in [format!("{prefix}:campaign:700"), format!("{prefix}:streamer:700")] {
        let life: i64 = redis::cmd("TTL").arg(&key).query_async(&mut client).await.unwrap();
        assert!((86_000..=86_400).contains(&life), "{key} lives for {life} s");
    }
}

/// Writes versions in a random order, in random flushes, from two nodes at once.
async fn write_in_any_order(nodes: &[Redis; 2], rng: &mut TestRng, first: i64, id: i64) {
    let mut versions: BTreeMap<u64, i64> = (0..60).map(|n| (rng.next_u64(), first + n)).collect();
    let mut flushes: [Vec<Vec<i64>>; 2] = Default::default();
    while let Some((random, version)) = versions.pop_first() {
        let flushes = &mut flushes[usize::from(random % 2 == 0)];
        match flushes.last_mut().filter(|flush| flush.len() < 4 && random % 3 > 0) {
            Some(flush) => flush.push(version),
            None => flushes.push(vec![version]),
        }
    }
    let write = async |node: usize| {
        for flush in &flushes[node] {
            let campaigns: Vec<_> = flush.iter().map(|v| (CampaignId(id), campaign(*v))).collect();
            let streamers: Vec<_> =
                flush.iter().map(|v| (StreamerId(id), streamer(v.unsigned_abs()))).collect();
            publish(&nodes[node], &campaigns, &streamers).await;
        }
    };
    tokio::join!(write(0), write(1));
}

#[actix_rt::test]
async fn an_older_value_never_replaces_a_newer_one_in_whatever_order_they_come() {
    let (url, prefix) = (shared_url(), prefix());
    let nodes = [node(&url, &prefix, 1).await, node(&url, &prefix, 2).await];
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    // Around ten, where versions get another digit, and above 2^53, where floats run out of them.
    for (round, first) in (0..30).map(|n| (n, if n % 2 == 0 { 0 } else { (1 << 53) - 30 + n })) {
        write_in_any_order(&nodes, &mut rng, first, round).await;
        let last = first + 59;
        for node in &nodes {
            assert_eq!(campaign_in(node, CampaignId(round)).await, Some(campaign(last)));
            let totals = streamer_in(node, StreamerId(round)).await;
            assert_eq!(totals, Some(streamer(last.unsigned_abs())));
        }
    }
}

#[actix_rt::test]
async fn a_server_that_forgot_everything_is_noticed_and_takes_new_values() {
    let server = RedisServer::started().await;
    let node = node(&server.url(), "forgetful", 1).await;
    publish(&node, &[(CampaignId(1), campaign(5))], &[]).await;
    let mut client = server.client().await;
    redis::cmd("FLUSHALL").exec_async(&mut client).await.unwrap();
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut client).await.unwrap();
    eventually("the node notices that what it wrote is gone", async || !node.live.is_up()).await;
    assert_eq!(campaign_in(&node, CampaignId(1)).await, None);
    publish(&node, &[(CampaignId(1), campaign(4))], &[]).await;
    assert_eq!(campaign_in(&node, CampaignId(1)).await, Some(campaign(4)));
    eventually("and that it keeps what it is given", async || node.live.is_up()).await;
}

#[actix_rt::test]
async fn a_server_that_is_full_is_down_until_it_has_room() {
    let server = RedisServer::started().await;
    let node = node(&server.url(), "full", 1).await;
    server.set("maxmemory-policy", "noeviction").await;
    server.set("maxmemory", "1").await;
    assert!(node.live.publish(&[(CampaignId(1), campaign(5))], &[]).await.is_err());
    assert!(!node.live.is_up());
    server.set("maxmemory", "0").await;
    eventually("there is room again", async || node.live.is_up()).await;
    publish(&node, &[(CampaignId(1), campaign(5))], &[]).await;
    assert_eq!(campaign_in(&node, CampaignId(1)).await, Some(campaign(5)));
}

#[test]
fn a_url_that_names_no_redis_is_refused() {
    assert!(Redis::start("http://127.0.0.1", "x", 1).is_err());
}
