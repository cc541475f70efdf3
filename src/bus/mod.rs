//! Events between nodes and live counters: in memory for one process, over Redis for several.

pub mod memory;
pub mod redis;
