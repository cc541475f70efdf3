//! What an upload is, by its bytes and never by its name. Nothing in here reads a file, a clock or a socket;
//! everything is bounded by the length of what it is given and by the limits that come with it.
//!
//! Pictures are decoded and drawn anew, so that neither metadata nor anything that hides behind a picture is
//! ever served. Videos are read without being decoded, refused unless every byte of the file is accounted
//! for, and served with their metadata blanked.

mod avc;
mod bits;
pub mod clip;
mod ebml;
mod gif;
mod mp4;
pub mod picture;
mod refusal;
pub mod sniff;
mod vp9;
mod webm;

pub use refusal::{Reason, Refusal};
