//! WebSockets: the edge between the wire and the engine.
//!
//! `upgrade` answers the handshake, `socket` pumps the stream and holds the session actor, `frame`
//! guards what comes in, `guest` is who greets, `peer` is what the kinds have in common; `overlay`,
//! `dashboard` and `campaign` translate. Who is at the other end (`address`) and what a request is called
//! (`request_id`) HTTP asks as well.

pub mod address;
pub mod campaign;
pub mod dashboard;
pub mod frame;
pub mod guest;
pub mod overlay;
pub mod peer;
pub mod request_id;
pub mod seat;
pub mod socket;
pub mod upgrade;
