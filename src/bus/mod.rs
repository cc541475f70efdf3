//! Events between nodes. One process needs no more than memory.

pub mod memory;
