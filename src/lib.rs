//! The server of Gametriggers: the shell around the engine in `gametriggers_actors`.

pub mod app;
pub mod blob;
pub mod bus;
pub mod cli;
pub mod config;
pub mod demo;
mod ledger;
pub mod operator;
pub mod policy;
mod rule;
pub mod session;
pub mod simulate;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod world;
