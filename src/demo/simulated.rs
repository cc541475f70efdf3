//! Streamers whose overlays have no browser: real sockets of the same process.

use crate::app::{StartError, secret_file};
use crate::operator::{frequent, new_streamer};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{NewStreamer, Principal};
use gametriggers_simulated_overlay::{Nobody, Outbox, Overlay, Settings, spawn};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Overlay keys of `count` simulated streamers; those of an earlier start are used again.
pub(super) async fn plant(engine: &Arc<Engine>, data: &Path, count: u32) -> Result<Vec<String>, StartError> {
    let path = data.join("demo.streamers.json");
    let mut keys: Vec<String> = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Vec::new(),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let made: Vec<(NewStreamer, String)> = (keys.len()..count)
        .map(|number| {
            let (new, _, overlay_key) =
                new_streamer(&format!("Simulated {}", number + 1), frequent(Millis::seconds(15)), "demo_");
            (new, overlay_key)
        })
        .collect();
    if !made.is_empty() {
        let rows: Vec<NewStreamer> = made.iter().map(|(new, _)| new.clone()).collect();
        let ids = engine.ports.accounts.add_streamers(&rows, engine.now()).await?;
        for (id, (new, key)) in ids.into_iter().zip(made) {
            engine.streamers.insert(id, engine.ports.accounts.streamer(id).await?);
            engine.keyring.add([(new.overlay_key, Principal::Overlay(id))]);
            keys.push(key);
        }
        secret_file(&path, &serde_json::to_string(&keys)?)?;
    }
    keys.truncate(count);
    Ok(keys)
}

/// Connects them.
pub(super) fn start(server: SocketAddr, keys: Vec<String>) -> Vec<Overlay> {
    let overlay = |key: String| spawn(Settings::new(server, key), Outbox::default(), Arc::new(Nobody));
    keys.into_iter().map(overlay).collect()
}
