//! What nodes say to each other: a version, the node, a kind and a few bytes.
//!
//! A message that a node can not read comes from a newer one: it is taken for everything that it could
//! have meant, and everything is read again.

use gametriggers_actors::domain::id::{StreamerId, UserId};
use gametriggers_actors::ports::{Event, KeyHash};

/// The first byte of every message.
const VERSION: u8 = 1;
/// Version, node and kind.
const HEAD: usize = 10;

/// A node, for as long as its process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u64);

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// To itself, by number: it comes back while the subscription lives.
    Ping(u64),
    /// Something happened.
    Event(Event),
    /// Something may have happened that could not be told: read everything again.
    Missed,
}

/// To bytes.
pub(super) fn encode(node: NodeId, said: &Said) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + 32);
    bytes.push(VERSION);
    bytes.extend(node.0.to_be_bytes());
    match said {
        Said::Ping(number) => {
            bytes.push(0);
            bytes.extend(number.to_be_bytes());
        }
        Said::Event(Event::CatalogueChanged) => bytes.push(1),
        Said::Event(Event::StreamerChanged(id)) => {
            bytes.push(2);
            bytes.extend(id.0.to_be_bytes());
        }
        Said::Event(Event::KeyRevoked(hash)) => {
            bytes.push(3);
            bytes.extend(hash);
        }
        Said::Missed => bytes.push(4),
        Said::Event(Event::AccountsChanged) => bytes.push(5),
        Said::Event(Event::UserChanged(id)) => {
            bytes.push(6);
            bytes.extend(id.0.to_be_bytes());
        }
        Said::Event(Event::KeyChanged(hash)) => {
            bytes.push(7);
            bytes.extend(hash);
        }
    }
    bytes
}

/// From bytes; none without a sender. What can not be read is `Missed`.
pub(super) fn decode(bytes: &[u8]) -> Option<(NodeId, Said)> {
    let (&version, rest) = bytes.split_first()?;
    let (node, rest) = rest.split_first_chunk::<8>()?;
    let node = NodeId(u64::from_be_bytes(*node));
    let (&kind, body) = rest.split_first()?;
    let said = if version == VERSION { body_of(kind, body) } else { None };
    Some((node, said.unwrap_or(Said::Missed)))
}

fn body_of(kind: u8, body: &[u8]) -> Option<Said> {
    Some(match (kind, body.len()) {
        (0, 8) => Said::Ping(u64::from_be_bytes(body.try_into().ok()?)),
        (1, 0) => Said::Event(Event::CatalogueChanged),
        (2, 8) => Said::Event(Event::StreamerChanged(StreamerId(i64::from_be_bytes(body.try_into().ok()?)))),
        (3, 32) => Said::Event(Event::KeyRevoked(KeyHash::try_from(body).ok()?)),
        (4, 0) => Said::Missed,
        (5, 0) => Said::Event(Event::AccountsChanged),
        (6, 8) => Said::Event(Event::UserChanged(UserId(i64::from_be_bytes(body.try_into().ok()?)))),
        (7, 32) => Said::Event(Event::KeyChanged(KeyHash::try_from(body).ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Said> {
        vec![
            Said::Ping(u64::MAX),
            Said::Event(Event::CatalogueChanged),
            Said::Event(Event::StreamerChanged(StreamerId(-7))),
            Said::Event(Event::KeyRevoked([9; 32])),
            Said::Missed,
            Said::Event(Event::AccountsChanged),
            Said::Event(Event::UserChanged(UserId(7))),
            Said::Event(Event::KeyChanged([8; 32])),
        ]
    }

    #[test]
    fn what_is_said_is_heard_with_its_sender() {
        for said in all() {
            let bytes = encode(NodeId(42), &said);
            assert!(bytes.len() <= HEAD + 32);
            assert_eq!(decode(&bytes), Some((NodeId(42), said)));
        }
    }

    #[test]
    fn a_message_of_a_newer_node_means_that_everything_is_read_again() {
        for said in all() {
            let mut newer = encode(NodeId(42), &said);
            newer[0] = VERSION + 1;
            assert_eq!(decode(&newer), Some((NodeId(42), Said::Missed)));
            let mut longer = encode(NodeId(42), &said);
            longer.push(0);
            assert_eq!(decode(&longer), Some((NodeId(42), Said::Missed)));
        }
        assert_eq!(decode(&[VERSION, 0, 0]), None);
        assert_eq!(decode(&[]), None);
    }
}
