//! Events between nodes over a real Redis.

use crate::support::eventually;
use crate::support::redis::{DeafProxy, RedisServer, heard, hears_of_a_gap, node, prefix, shared_url, up};
use crate::support::socket::SOON;
use gametriggers::bus::redis::Redis;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::ports::{Event, Heard, Subscription};
use std::time::Duration;
use tokio::time::timeout;

/// Nothing is said for so long: longer than a round trip, and shorter than the time between two pings.
const QUIET: Duration = Duration::from_millis(400);

fn changed(id: i64) -> Event {
    Event::StreamerChanged(StreamerId(id))
}

async fn next(listener: &mut Box<dyn Subscription>) -> Option<Heard> {
    timeout(SOON, listener.next()).await.expect("something is heard")
}

/// Hears these events in this order, and nothing after them.
async fn hears(listener: &mut Box<dyn Subscription>, events: &[Event]) {
    for event in events {
        assert_eq!(next(listener).await, Some(Heard::Event(event.clone())));
    }
    assert_eq!(heard(listener, QUIET).await, []);
}

/// Hears this event and no other; being told of a gap once more does no harm.
async fn hears_after_gaps(listener: &mut Box<dyn Subscription>, event: &Event) {
    let first = loop {
        match next(listener).await {
            Some(Heard::Missed) => {}
            other => break other,
        }
    };
    assert_eq!(first, Some(Heard::Event(event.clone())));
    let more = heard(listener, QUIET).await;
    assert!(more.iter().all(|heard| *heard == Heard::Missed), "{more:?}");
}

#[actix_rt::test]
async fn two_nodes_hear_each_other_in_order_and_themselves_once() {
    let (url, prefix) = (shared_url(), prefix());
    let (one, other) = (node(&url, &prefix, 1).await, node(&url, &prefix, 2).await);
    let (mut near, mut far) = (one.bus.subscribe(), other.bus.subscribe());
    let events = [changed(i64::MAX), Event::CatalogueChanged, Event::KeyRevoked([7; 32]), changed(-1)];
    events.iter().cloned().for_each(|event| one.bus.publish(event));
    hears(&mut far, &events).await;
    // Its own come once.
    hears(&mut near, &events).await;
    other.bus.publish(changed(2));
    hears(&mut near, &[changed(2)]).await;
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
    one.bus.publish(changed(2));
    hears_after_gaps(&mut far, &changed(2)).await;
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
    eventually("commands go through all the time", async || one.live.is_up()).await;
    assert_eq!(heard(&mut near, Duration::from_millis(1)).await, [], "the event is lost");
    proxy.set_deaf(false);
    hears_of_a_gap(&mut near).await;
    up(&one).await;
    other.bus.publish(changed(2));
    hears_after_gaps(&mut near, &changed(2)).await;
}
