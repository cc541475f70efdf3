//! A Postgres and a Redis of the run's own: the harness kills them, so nobody else may use them.

mod postgres;
mod redis;

pub(super) use postgres::Postgres;
pub(super) use redis::Redis;

use crate::failure::Failure;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// A port on this machine that nobody uses now.
fn free_port() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("a free port"))?;
    listener.local_addr().map_err(Failure::io("a free port"))
}
