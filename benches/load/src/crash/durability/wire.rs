//! What a client says to a server process of Postgres, as far as the witness has to understand it: which
//! events a transaction settles, and that it is to be committed.

use super::trace::Id;
use std::collections::HashSet;

/// The statement that settles a batch.
const SETTLES: &str = "INSERT INTO settle_event";
/// Dimensions, flags, type, length and lower bound of an array stand before its elements.
const ARRAY_HEAD: usize = 20;
/// Each element has a length before it.
const ELEMENT: usize = 20;

/// Something that was said in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// These events are to be settled.
    Settle(Vec<Id>),
    Commit,
    Rollback,
}

/// The words of one connection, in whatever pieces they come.
#[derive(Debug, Default)]
pub(super) struct Wire {
    started: bool,
    rest: Vec<u8>,
    /// Names of the statements that settle.
    settling: HashSet<Vec<u8>>,
}

impl Wire {
    /// Takes a piece.
    pub(super) fn hear(&mut self, piece: &[u8]) -> Vec<Said> {
        self.rest.extend_from_slice(piece);
        let mut said = Vec::new();
        while let Some((kind, body)) = self.message() {
            said.extend(self.understand(kind, &body));
        }
        said
    }

    /// The next whole message. Only the first one of a connection has no type.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = usize::from(self.started);
        let length = u32::from_be_bytes(*self.rest.get(head..)?.first_chunk::<4>()?);
        let end = head + usize::try_from(length).ok()?;
        let kind = if self.started { *self.rest.first()? } else { 0 };
        let body = self.rest.get(head + 4..end)?.to_vec();
        self.rest.drain(..end);
        self.started = true;
        Some((kind, body))
    }

    fn understand(&mut self, kind: u8, body: &[u8]) -> Option<Said> {
        let mut texts = body.splitn(3, |byte| *byte == 0);
        let (first, second) = (texts.next()?, texts.next().unwrap_or_default());
        match kind {
            b'Q' => match first.to_ascii_uppercase() {
                sql if sql.starts_with(b"COMMIT") => Some(Said::Commit),
                // Not of a savepoint: what was tried before is tried again.
                sql if sql.starts_with(b"ROLLBACK") => Some(Said::Rollback),
                _ => None,
            },
            b'P' => {
                if String::from_utf8_lossy(second).contains(SETTLES) {
                    self.settling.insert(first.to_vec());
                }
                None
            }
            b'B' if self.settling.contains(second) => Some(Said::Settle(ids(texts.next()?)?)),
            _ => None,
        }
    }
}

/// The elements of the first parameter, an array of ids.
fn ids(bound: &[u8]) -> Option<Vec<Id>> {
    let count =
        |at: usize| bound.get(at..)?.first_chunk::<2>().map(|two| usize::from(u16::from_be_bytes(*two)));
    // The formats, and how many parameters there are.
    let first = 2 + count(0)? * 2 + 2;
    let length = usize::try_from(u32::from_be_bytes(*bound.get(first..)?.first_chunk::<4>()?)).ok()?;
    let array = bound.get(first + 4..first + 4 + length)?;
    let elements = array.get(ARRAY_HEAD..)?.chunks_exact(ELEMENT);
    Some(elements.filter_map(|element| element.last_chunk::<16>().copied()).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    /// What a client says that settles an event, without the end of its transaction.
    pub(in crate::crash::durability) fn settling(id: Id) -> Vec<u8> {
        let start = [&8_u32.to_be_bytes()[..], &[0, 3, 0, 0]].concat();
        let parsed = message(b'P', b"s1\0WITH own AS () INSERT INTO settle_event (event_id)\0\0\0");
        let array = [&[0; 16][..], &1_u32.to_be_bytes(), &16_u32.to_be_bytes(), &id].concat();
        let length = u32::try_from(array.len()).unwrap().to_be_bytes();
        let bound = [b"\0s1\0\0\x01\0\x01\0\x01", &length[..], &array, &[0, 0]].concat();
        [start, parsed, message(b'B', &bound)].concat()
    }

    pub(in crate::crash::durability) fn commit() -> Vec<u8> {
        message(b'Q', b"COMMIT\0")
    }

    #[test]
    fn a_transaction_is_understood_in_any_pieces() {
        let id = [7; 16];
        let all = [settling(id), message(b'Q', b"ROLLBACK\0"), commit()].concat();
        let wanted = [Said::Settle(vec![id]), Said::Rollback, Said::Commit];
        assert_eq!(Wire::default().hear(&all), wanted);
        let mut wire = Wire::default();
        let said: Vec<Said> = all.chunks(3).flat_map(|piece| wire.hear(piece)).collect();
        assert_eq!(said, wanted);
    }
}
