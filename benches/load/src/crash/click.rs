//! A viewer who follows the links of plays, again and again.
//!
//! It is one viewer: of every play that it clicks, one click is billed, however often and to however many
//! servers it comes.

use super::witness::Witness;
use crate::failure::Failure;
use crate::http::follow;
use gametriggers_simulated_overlay::Random;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_millis(10);
/// Links that it comes back to: those of the last lives, mostly.
const KEPT: u64 = 200;

/// Clicks until it is dropped.
#[derive(Debug)]
pub(super) struct Clicker(JoinHandle<()>);

impl Clicker {
    /// Starts it.
    pub(super) fn start(server: SocketAddr, witness: Arc<Witness>, seed: u64) -> Self {
        Self(tokio::spawn(click(server, witness, Random::new(seed))))
    }
}

impl Drop for Clicker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn click(server: SocketAddr, witness: Arc<Witness>, mut random: Random) {
    let mut links = Vec::new();
    loop {
        sleep(PAUSE).await;
        links.extend(witness.links_from(links.len()));
        let count = u64::try_from(links.len()).unwrap_or(0);
        let back = 1 + random.below(count.min(KEPT));
        let chosen = usize::try_from(count.saturating_sub(back)).unwrap_or(0);
        let Some((play_id, code)) = links.get(chosen) else { continue };
        witness.clicks(play_id);
        // Nobody is there, or goes away in the middle of it: the viewer tries again some time.
        let _: Result<(), Failure> = follow(server, code).await;
    }
}
