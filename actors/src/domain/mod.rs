//! The pure core: what an ad server knows, with every input a parameter.

pub mod ad_clock;
pub mod area;
pub mod audit;
pub mod campaign;
pub mod conflict;
pub mod creative;
pub mod daypart;
pub mod decision;
pub mod id;
pub mod invariants;
pub mod log;
pub mod lookahead;
pub mod money;
pub mod pacing;
pub mod play;
pub mod policy;
pub mod reason;
pub mod rotation;
pub mod settlement;
pub mod streamer;
pub mod tally;
pub mod targeting;
pub mod time;
pub mod token;
pub mod verification;
pub mod violation;
