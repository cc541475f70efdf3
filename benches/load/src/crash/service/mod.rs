//! A Postgres and a Redis of the run's own: the harness kills them, so nobody else may use them.

mod postgres;
mod redis;

pub(super) use postgres::Postgres;
pub(super) use redis::Redis;
