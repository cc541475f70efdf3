//! From the end of a play to its place in the numbers: how old is what a brand sees?
//!
//! Watches every campaign on its socket, and asks for its series a few times a second. Plays that were
//! settled are put in the order in which they ended; the moment at which a total of n is first seen is
//! the moment at which the n-th of them is visible. The age of a play is the time between the two.

use super::fleet::lock;
use crate::failure::Failure;
use crate::http::ask;
use crate::number::micros;
use futures_util::{SinkExt, StreamExt};
use gametriggers_simulated_overlay::now;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

/// Between two questions for the series.
const ASK_EVERY: Duration = Duration::from_millis(250);
const AGE_US_MAX: u64 = 120_000_000;

/// What was seen of one way to the numbers: totals of all campaigns, with the moment of each.
#[derive(Debug, Default)]
struct Way {
    plays: HashMap<i64, u64>,
    totals: Vec<(Instant, u64)>,
}

impl Way {
    fn saw(&mut self, campaign: i64, plays: u64) {
        self.plays.insert(campaign, plays);
        let total = self.plays.values().sum();
        if self.totals.last().is_none_or(|(_, last)| *last < total) {
            self.totals.push((now().at, total));
        }
    }

    /// How old each play was when it was first in a total. What was never seen is left out: the run ended.
    fn ages(&self, ended: &[Instant]) -> Result<Histogram<u64>, Failure> {
        let mut ages = Histogram::new_with_bounds(1, AGE_US_MAX, 3)
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let mut next = ended.iter();
        let mut counted = 0;
        for (at, total) in &self.totals {
            while counted < *total {
                counted += 1;
                let Some(ended) = next.next() else { return Ok(ages) };
                ages.saturating_record(micros(at.saturating_duration_since(*ended)));
            }
        }
        Ok(ages)
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    socket: Arc<Mutex<Way>>,
    series: Arc<Mutex<Way>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch campaigns, as the brand that owns the key.
    pub(super) fn start(server: SocketAddr, key: &str, campaigns: &[i64]) -> Self {
        let (socket, series) = (Arc::<Mutex<Way>>::default(), Arc::<Mutex<Way>>::default());
        let mut tasks = Vec::new();
        for campaign in campaigns.iter().copied() {
            let (way, holder) = (Arc::clone(&socket), key.to_owned());
            tasks.push(tokio::spawn(async move {
                // A watcher that is lost sees nothing more: the report counts what was seen.
                let _ = listen(server, &holder, campaign, &way).await;
            }));
            let (way, holder) = (Arc::clone(&series), key.to_owned());
            tasks.push(tokio::spawn(async move { poll(server, &holder, campaign, &way).await }));
        }
        Self { socket, series, tasks }
    }

    /// The ages of the plays that ended at these moments: on the socket, and in the series.
    pub(super) fn ages(&self, mut ended: Vec<Instant>) -> Result<(Histogram<u64>, Histogram<u64>), Failure> {
        ended.sort_unstable();
        Ok((lock(&self.socket).ages(&ended)?, lock(&self.series).ages(&ended)?))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(server: SocketAddr, key: &str, campaign: i64, way: &Mutex<Way>) -> Option<()> {
    let stream = TcpStream::connect(server).await.ok()?;
    let address = format!("ws://{server}/ws/campaigns/{campaign}");
    let (mut socket, _) = tokio_tungstenite::client_async(address, stream).await.ok()?;
    let hello = json!({ "type": "hello", "v": 1, "token": key });
    socket.send(Message::text(hello.to_string())).await.ok()?;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let said: Value = serde_json::from_str(&text).ok()?;
        match said.get("type").and_then(Value::as_str) {
            Some("live") => lock(way).saw(campaign, said.get("plays")?.as_u64()?),
            Some("heartbeat") => {
                socket.send(Message::text(json!({ "type": "heartbeat" }).to_string())).await.ok()?;
            }
            _ => {}
        }
    }
    None
}

async fn poll(server: SocketAddr, key: &str, campaign: i64, way: &Mutex<Way>) {
    let path = format!("/api/campaigns/{campaign}/metrics");
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let Ok((200, body)) = ask(server, &path, key).await else { continue };
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        if let Some(plays) = body.pointer("/totals/impressions").and_then(Value::as_u64) {
            lock(way).saw(campaign, plays);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_is_as_old_as_the_first_total_that_has_it() {
        let began = now().at;
        let at = |millis| began + Duration::from_millis(millis);
        let way = Way { plays: HashMap::new(), totals: vec![(at(300), 2), (at(900), 3)] };
        let ages = way.ages(&[at(0), at(100), at(200), at(800)]).unwrap();
        assert_eq!(ages.len(), 3, "the fourth was never seen");
        assert!((299_000..301_000).contains(&ages.value_at_quantile(0.5)));
        assert!((699_000..701_000).contains(&ages.max()), "the third was seen after 700 ms");
    }

    #[test]
    fn totals_of_several_campaigns_add_up_and_never_fall() {
        let mut way = Way::default();
        way.saw(1, 5);
        way.saw(2, 3);
        way.saw(1, 4);
        assert_eq!(way.totals.iter().map(|(_, total)| *total).collect::<Vec<_>>(), [5, 8]);
    }
}
