//! Redis: events between nodes and live counters. Never asked about money, and never waited for: what
//! it can not take is dropped and counted, and read again from the database when it is back.
//!
//! Needs Redis 6.2 or newer (RESP3, `SET ... GET`). Two connections: one carries commands, one only
//! listens, so that a large answer never stands before an event.

mod bus;
mod connection;
mod live;
mod wire;

use self::connection::Link;
use self::live::RedisLive;
use self::wire::NodeId;
use gametriggers_actors::ports::{Bus, Event, LiveCounters};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The URL names no Redis, or none that answers.
#[derive(Debug, thiserror::Error)]
#[error("redis.url can not be used: {0}")]
pub struct UrlError(String);

/// Redis, as one node sees it. Its tasks end when it is dropped.
pub struct Redis {
    /// Events between nodes.
    pub bus: Arc<dyn Bus>,
    /// Counters that every node can read.
    pub live: Arc<dyn LiveCounters>,
    tasks: Vec<JoinHandle<()>>,
}

impl Redis {
    /// Starts the tasks that connect. `node` is a number that no other node has; `prefix` starts every key
    /// and names the channel. Needs a Tokio runtime.
    ///
    /// # Errors
    /// The URL can not be read. A Redis that does not answer is no error: it may come later.
    pub fn start(url: &str, prefix: &str, node: u64) -> Result<Self, UrlError> {
        let client = connection::client(url).map_err(|error| UrlError(error.to_string()))?;
        let (node, link) = (NodeId(node), Arc::<Link>::default());
        let mark = format!("{prefix}:mark:{:x}", node.0);
        let mut tasks = vec![tokio::spawn(Arc::clone(&link).keep(client.clone(), mark, node))];
        let (bus, more) = bus::start(client, Arc::clone(&link), channel(prefix), node);
        tasks.extend(more);
        Ok(Self { bus: Arc::new(bus), live: Arc::new(RedisLive::new(link, prefix)), tasks })
    }
}

/// Tells the nodes of an installation something, from a process that is none of them.
///
/// # Errors
/// The URL can not be read, or Redis does not answer.
pub async fn announce(url: &str, prefix: &str, events: &[Event]) -> Result<(), UrlError> {
    let failed = |error: redis::RedisError| UrlError(error.to_string());
    let client = connection::client(url).map_err(failed)?;
    let mut connection = connection::open(&client, &connection::settings()).await.map_err(failed)?;
    let mut pipe = redis::pipe();
    for event in events {
        let said = wire::encode(NodeId(0), &wire::Said::Event(event.clone()));
        pipe.publish(channel(prefix), said).ignore();
    }
    pipe.query_async(&mut connection).await.map_err(failed)
}

/// Where the nodes of an installation hear each other.
fn channel(prefix: &str) -> String {
    format!("{prefix}:events")
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
