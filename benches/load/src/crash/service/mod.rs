//! A Postgres and a Redis of the run's own: the crash harness kills them, so nobody else may use them.

mod postgres;
mod redis;

pub(crate) use postgres::Postgres;
pub(crate) use redis::Redis;
