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
use gametriggers_actors::ports::{Bus, LiveCounters};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The URL names no Redis.
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
        let (bus, more) = bus::start(client, Arc::clone(&link), format!("{prefix}:events"), node);
        tasks.extend(more);
        Ok(Self { bus: Arc::new(bus), live: Arc::new(RedisLive::new(link, prefix)), tasks })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
