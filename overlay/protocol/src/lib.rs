//! The wire messages of the three sockets, version 1: JSON text frames, one message a frame.
//!
//! `overlay` is spoken at `/ws/overlay`, `dashboard` at `/ws/dashboard`, `campaign` at
//! `/ws/campaigns/{id}`. On each of them the first message of the client is `hello` with its key.
//! The JSON files beside this crate hold one golden frame a message; the Rust tests and the
//! browser tests read the same files, so that the two sides can not drift apart.
//!
//! Units: money in micros (10^-6) of the named currency, time in milliseconds since the Unix epoch
//! on the server's clock, lengths in CSS pixels of the page.

pub mod campaign;
pub mod close;
pub mod dashboard;
pub mod overlay;

/// The protocol version that `hello` must name.
pub const VERSION: u32 = 1;

/// The largest text frame a client may send, in bytes. A larger one is refused at its header,
/// before its body is buffered.
pub const FRAME_BYTES_MAX: usize = 8 * 1024;
