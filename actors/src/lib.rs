//! The engine of Gametriggers.
//!
//! `domain` is pure: no clock, no randomness, no input or output; everything is a parameter. It
//! builds alone with `--no-default-features`. Around it stand the actors, each a shell: a handler
//! checks due work, calls one pure step and performs the effects that the step returns. What the
//! actors need of the world is in `ports`.
//!
//! Imports go one way: `domain <- ports <- actors`.

pub mod domain;

#[cfg(feature = "runtime")]
pub mod bridge;
#[cfg(feature = "runtime")]
pub mod campaign;
#[cfg(feature = "runtime")]
pub mod catalogue;
#[cfg(feature = "runtime")]
pub mod directory;
#[cfg(feature = "runtime")]
pub mod engine;
#[cfg(feature = "runtime")]
mod flight;
#[cfg(feature = "runtime")]
pub mod keyring;
#[cfg(feature = "runtime")]
pub mod live;
#[cfg(feature = "runtime")]
pub mod logins;
#[cfg(feature = "runtime")]
mod memory;
#[cfg(feature = "runtime")]
pub mod messages;
#[cfg(feature = "runtime")]
pub mod metrics;
#[cfg(feature = "runtime")]
pub mod ports;
#[cfg(feature = "runtime")]
pub mod proof;
#[cfg(feature = "runtime")]
pub mod question;
#[cfg(feature = "runtime")]
pub mod reconciler;
#[cfg(feature = "runtime")]
mod rest;
#[cfg(feature = "runtime")]
pub mod session;
#[cfg(feature = "runtime")]
pub mod settlement;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "runtime")]
pub mod streamer;
#[cfg(feature = "runtime")]
pub mod sweeper;
#[cfg(feature = "runtime")]
pub mod webhook;
