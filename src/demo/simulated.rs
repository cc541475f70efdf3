//! Streamers whose overlays have no browser: real sockets of the same process.

use crate::app::{StartError, secret_file};
use crate::operator::{frequent, sample};
use crate::world::new_key;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{NewStreamer, Principal};
use gametriggers_simulated_overlay::{Nobody, Outbox, Overlay, Settings, spawn};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Overlay keys of `count` simulated streamers; those of an earlier start are used again. The file comes
/// first, so that a start that was killed in between is gone on with.
pub(super) async fn plant(engine: &Arc<Engine>, data: &Path, count: u32) -> Result<Vec<String>, StartError> {
    let path = data.join("demo.streamers.json");
    let mut keys: Vec<String> = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Vec::new(),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if keys.len() < count {
        keys.resize_with(count, || new_key("demo_overlay"));
        secret_file(&path, &serde_json::to_string(&keys)?)?;
    }
    keys.truncate(count);
    let made: Vec<NewStreamer> = (1..)
        .zip(&keys)
        .filter(|(_, key)| engine.keyring.holder(key, engine.now()).is_none())
        .map(|(number, key)| NewStreamer {
            profile: sample(&format!("Simulated {number}")),
            settings: frequent(Millis::seconds(15)),
            key: Keyring::hash(&new_key("demo_streamer")),
            overlay_key: Keyring::hash(key),
        })
        .collect();
    let ids = engine.ports.accounts.add_streamers(&made, engine.now()).await?;
    for (id, new) in ids.into_iter().zip(made) {
        engine.streamers.insert(id, engine.ports.accounts.streamer(id).await?);
        engine.keyring.add([(new.overlay_key, Principal::Overlay(id))]);
    }
    Ok(keys)
}

/// Connects them.
pub(super) fn start(server: SocketAddr, keys: Vec<String>) -> Vec<Overlay> {
    let overlay = |key: String| spawn(Settings::new(server, key), Outbox::default(), Arc::new(Nobody));
    keys.into_iter().map(overlay).collect()
}
