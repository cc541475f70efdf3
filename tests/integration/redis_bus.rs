//! Events between nodes over a real Redis.

use crate::support::eventually;
use crate::support::redis::{DeafProxy, RedisServer, heard, hears_of_a_gap, node, prefix, shared_url, up};
use gametriggers::bus::redis::Redis;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::ports::{Event, Heard};
use std::time::Duration;

/// Nothing is said for so long: longer than a round trip, and shorter than the time between two pings.
const QUIET: Duration = Duration::from_millis(400);

fn changed(id: i64) -> Event {
    Event::StreamerChanged(StreamerId(id))
}

#[actix_rt::test]
async fn two_nodes_hear_each_other_in_order_and_themselves_once() {
    let (url, prefix) = (shared_url(), prefix());
    let (one, other) = (node(&url, &prefix, 1).await, node(&url, &prefix, 2).await);
    let (mut near, mut far) = (one.bus.subscribe(), other.bus.subscribe());
    let events = [changed(i64::MAX), Event::CatalogueChanged, Event::KeyRevoked([7; 32]), changed(-1)];
    let expected: Vec<Heard> = events.iter().cloned().map(Heard::Event).collect();
    events.iter().cloned().for_each(|event| one.bus.publish(event));
    assert_eq!(heard(&mut far, QUIET).await, expected);
    assert_eq!(heard(&mut near, QUIET).await, expected, "its own come once");
    other.bus.publish(changed(2));
    assert_eq!(heard(&mut near, QUIET).await, [Heard::Event(changed(2))]);
    let stranger = node(&url, &crate::support::redis::prefix(), 3).await;
    let mut elsewhere = stranger.bus.subscribe();
    one.bus.publish(changed(3));
    assert_eq!(heard(&mut elsewhere, QUIET).await, [], "another installation on the same Redis");
}

#[actix_rt::test]
async fn a_node_without_redis_hears_itself_at_once() {
    let nothing = RedisServer::new();
    let node = Redis::start(&nothing.url(), "alone", 1).unwrap();
    let mut own = node.bus.subscribe();
    for id in 0..10 {
        node.bus.publish(changed(id));
        assert_eq!(own.next().await, Some(Heard::Event(changed(id))));
    }
    assert!(!node.bus.is_up() && !node.live.is_up());
}

#[actix_rt::test]
async fn what_was_said_while_redis_was_killed_is_made_good_by_a_gap_on_every_node() {
    let mut server = RedisServer::started().await;
    let (one, other) = (node(&server.url(), "gap", 1).await, node(&server.url(), "gap", 2).await);
    let (mut near, mut far) = (one.bus.subscribe(), other.bus.subscribe());
    server.kill().await;
    eventually("both notice", async || !one.bus.is_up() && !other.bus.is_up()).await;
    one.bus.publish(changed(1));
    assert_eq!(near.next().await, Some(Heard::Event(changed(1))));
    server.start().await;
    hears_of_a_gap(&mut near).await;
    hears_of_a_gap(&mut far).await;
    up(&one).await;
    up(&other).await;
    heard(&mut far, QUIET).await;
    one.bus.publish(changed(2));
    assert_eq!(heard(&mut far, QUIET).await, [Heard::Event(changed(2))]);
}

#[actix_rt::test]
async fn a_node_that_could_not_speak_has_the_others_read_everything_again() {
    let server = RedisServer::started().await;
    let other = node(&server.url(), "mute", 2).await;
    let mut far = other.bus.subscribe();
    let one = Redis::start(&server.url(), "mute", 1).unwrap();
    // Said before there is a connection.
    one.bus.publish(changed(1));
    hears_of_a_gap(&mut far).await;
}

#[actix_rt::test]
async fn a_subscription_that_is_dead_on_an_open_connection_is_noticed_and_made_anew() {
    let server = RedisServer::started().await;
    let proxy = DeafProxy::start(&server).await;
    let (one, other) = (node(&proxy.url, "deaf", 1).await, node(&server.url(), "deaf", 2).await);
    let mut near = one.bus.subscribe();
    proxy.set_deaf(true);
    other.bus.publish(changed(1));
    eventually("the node notices that it is deaf", async || !one.bus.is_up()).await;
    assert!(one.live.is_up(), "commands go through all the time");
    assert_eq!(heard(&mut near, Duration::from_millis(1)).await, [], "the event is lost");
    proxy.set_deaf(false);
    hears_of_a_gap(&mut near).await;
    up(&one).await;
    other.bus.publish(changed(2));
    assert_eq!(near.next().await, Some(Heard::Event(changed(2))));
}
