//! A Postgres and a Redis of the run's own: the harness kills them, so nobody else may use them.

mod postgres;
mod redis;

pub(super) use postgres::Postgres;
pub(super) use redis::Redis;

use crate::failure::Failure;
use crate::server::free_address;
use gametriggers_simulated_overlay::{Random, now};
use std::net::SocketAddr;

/// A port on this machine that nobody uses now. Another one each time, so that two runs at once do not
/// look for the same.
fn free_port() -> Result<SocketAddr, Failure> {
    free_address(&mut Random::new(now().wall_us.unsigned_abs()))
}
