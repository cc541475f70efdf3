//! The bus over Redis. This node hears its own events at once, from memory; those of others come
//! through Redis, at most once. Whoever may have missed something is told to read everything again:
//! a listener after every gap in its subscription, everybody else after events that this node could
//! not send.

use super::connection::{Backoff, Link, open, settings};
use super::wire::{NodeId, Said, decode, encode};
use crate::bus::memory::MemoryBus;
use gametriggers_actors::ports::{Bus, Event, Heard, Subscription};
use redis::aio::{MultiplexedConnection, SendError};
use redis::{Client, Msg, PushInfo, PushKind, RedisError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Events that wait to be sent. One more is dropped, and everybody reads everything again.
const QUEUE: usize = 1024;
/// Events sent in one round trip, at most.
const BATCH: usize = 128;
/// Messages that wait to be heard. One more is dropped, and this node reads everything again.
const HEARD: usize = 4096;
/// The node talks to itself this often, to know that it still listens.
const PING: Duration = Duration::from_secs(1);
/// Not having heard itself for so long, it takes the subscription for dead.
const DEAF: Duration = Duration::from_secs(3);
/// Others hear that they missed something no later than this after they can hear again.
const MEND: Duration = Duration::from_millis(250);

/// The bus.
pub(super) struct RedisBus {
    shared: Arc<Shared>,
    queue: Sender<Event>,
}

/// What the bus and its tasks know of each other.
struct Shared {
    local: MemoryBus,
    link: Arc<Link>,
    channel: String,
    node: NodeId,
    /// The node hears itself.
    hears: AtomicBool,
    /// Something could not be sent: the others have to read everything again.
    skipped: AtomicBool,
}

/// A bus and its two tasks: one sends, one listens.
pub(super) fn start(
    client: Client,
    link: Arc<Link>,
    channel: String,
    node: NodeId,
) -> (RedisBus, [JoinHandle<()>; 2]) {
    let (queue, events) = mpsc::channel(QUEUE);
    let local = MemoryBus::default();
    let hears = AtomicBool::new(false);
    let shared = Arc::new(Shared { local, link, channel, node, hears, skipped: AtomicBool::new(false) });
    let sending = tokio::spawn(send(Arc::clone(&shared), events));
    let listening = tokio::spawn(listen(Arc::clone(&shared), client));
    (RedisBus { shared, queue }, [sending, listening])
}

impl Bus for RedisBus {
    fn publish(&self, event: Event) {
        self.shared.local.publish(event.clone());
        if self.queue.try_send(event).is_err() {
            self.shared.skip(1);
        }
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        self.shared.local.subscribe()
    }

    fn is_up(&self) -> bool {
        self.shared.hears.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn skip(&self, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        ::metrics::counter!("gametriggers_bus_dropped_total").increment(events);
        self.skipped.store(true, Ordering::Relaxed);
    }

    /// Sends messages in one round trip.
    async fn say(&self, messages: &[Said]) -> Result<(), ()> {
        let mut connection = self.link.get().map_err(drop)?;
        let mut pipe = redis::pipe();
        for said in messages {
            pipe.publish(&self.channel, encode(self.node, said)).ignore();
        }
        let sent: Result<(), RedisError> = pipe.query_async(&mut connection).await;
        sent.map_err(|error| drop(self.link.failed(&error)))
    }

    fn set_up(&self, hears: bool) {
        self.hears.store(hears, Ordering::Relaxed);
        let up = hears && self.link.is_up();
        ::metrics::gauge!("gametriggers_redis_up").set(if up { 1.0 } else { 0.0 });
    }
}

/// Sends what is published, and makes good for what could not be sent.
async fn send(shared: Arc<Shared>, mut events: Receiver<Event>) {
    let mut mend = interval(MEND);
    mend.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            count = events.recv_many(&mut batch, BATCH) => if count == 0 { return },
            _ = mend.tick() => {}
        }
        let skipped = shared.skipped.swap(false, Ordering::Relaxed);
        let mut messages: Vec<Said> = batch.into_iter().map(Said::Event).collect();
        let count = messages.len();
        if skipped {
            messages.push(Said::Missed);
        }
        if !messages.is_empty() && shared.say(&messages).await.is_err() {
            shared.skip(count);
        }
    }
}

/// Listens, and begins anew whenever the node does not hear itself any more.
async fn listen(shared: Arc<Shared>, client: Client) {
    let mut backoff = Backoff::default();
    loop {
        // The connection lives as long as it is held.
        if let Ok((_connection, pushes, lost)) = subscribe(&client, &shared.channel).await
            && hear(&shared, pushes, &lost).await
        {
            backoff = Backoff::default();
        }
        shared.set_up(false);
        backoff.wait().await;
    }
}

type Subscribed = (MultiplexedConnection, Receiver<PushInfo>, Arc<AtomicBool>);

/// A subscription, its messages, and whether some did not fit.
async fn subscribe(client: &Client, channel: &str) -> Result<Subscribed, RedisError> {
    let (heard, pushes) = mpsc::channel(HEARD);
    let lost = Arc::<AtomicBool>::default();
    let full = Arc::clone(&lost);
    let sender = move |info: PushInfo| {
        if heard.try_send(info).is_err() {
            full.store(true, Ordering::Relaxed);
        }
        Ok::<(), SendError>(())
    };
    let mut connection = open(client, &settings().set_push_sender(sender)).await?;
    connection.subscribe(channel).await?;
    Ok((connection, pushes, lost))
}

/// Passes on what is heard, until the subscription is dead. Whether it ever lived.
async fn hear(shared: &Shared, mut pushes: Receiver<PushInfo>, lost: &AtomicBool) -> bool {
    let (mut ping, mut number, mut lived) = (interval(PING), 0, false);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard_itself = Instant::now();
    loop {
        tokio::select! {
            push = pushes.recv() => {
                let Some(push) = push.filter(|push| push.kind != PushKind::Disconnection) else {
                    return lived;
                };
                if lost.swap(false, Ordering::Relaxed) {
                    shared.local.tell(Heard::Missed);
                }
                let Some(message) = Msg::from_push_info(push) else { continue };
                match decode(message.get_payload_bytes()) {
                    Some((node, Said::Ping(_))) if node == shared.node => {
                        heard_itself = Instant::now();
                        // Whatever was said before this moment may have been missed.
                        if !std::mem::replace(&mut lived, true) {
                            shared.local.tell(Heard::Missed);
                        }
                        shared.set_up(true);
                    }
                    // Heard already, from memory.
                    Some((node, _)) if node == shared.node => {}
                    Some((_, Said::Event(event))) => shared.local.tell(Heard::Event(event)),
                    Some((_, Said::Missed)) => shared.local.tell(Heard::Missed),
                    Some((_, Said::Ping(_))) | None => {}
                }
            }
            _ = ping.tick() => {
                if heard_itself.elapsed() > DEAF {
                    tracing::warn!("the subscription is dead: the node does not hear itself");
                    return lived;
                }
                number += 1;
                // A ping that is not sent is not heard either.
                let _ = shared.say(&[Said::Ping(number)]).await;
            }
        }
    }
}
