//! An overlay without a browser: a real WebSocket client that speaks protocol 1 like the page in
//! OBS does. The demo fills a node with it, the load generator opens ten thousand of it, the crash
//! harness and the integration tests watch the server through it.
//!
//! One task a socket, small buffers, any loopback source address. A client keeps its claims in an
//! [`Outbox`] that outlives the socket and sends them again after every `welcome` until the server
//! acks them. What happens is told to an [`Observer`] as it happens, stamped at receipt.
//!
//! ```no_run
//! # async fn demo() {
//! use gametriggers_simulated_overlay::{Event, Outbox, Settings, spawn};
//! use std::sync::Arc;
//!
//! let settings = Settings::from_overlay_url("http://127.0.0.1:8080/overlay/#k=key").unwrap();
//! let watch = |overlay: u32, event: &Event<'_>| {
//!     if let Event::Ack { play_id, result, .. } = event {
//!         eprintln!("overlay {overlay}: {play_id} {result:?}");
//!     }
//! };
//! let overlay = spawn(settings, Outbox::default(), Arc::new(watch));
//! overlay.retire(); // takes no new plays
//! overlay.stop().await; // closes the socket
//! # }
//! ```

mod client;
mod clock;
mod connect;
mod event;
mod link;
mod outbox;
mod page;
mod random;
mod settings;

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;

pub use client::{Overlay, spawn};
pub use clock::{Stamp, now};
pub use event::{Event, Lost, Nobody, Observer};
pub use outbox::Outbox;
pub use random::Random;
pub use settings::{Backoff, Screen, Settings, Stall};
