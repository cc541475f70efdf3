//! As much of the Postgres wire as it takes to see a COMMIT go by.
//!
//! A frame of a client is a type byte, a length that counts itself, and a body; only the first one of
//! a connection has no type. A COMMIT comes as a `Query`, or as an `Execute` of a portal that was
//! bound to a statement that was parsed from one.

use std::collections::HashSet;

/// Of a body only so much is looked at: names and the beginning of a statement.
const HEAD_MAX: usize = 512;
/// A start that asks for encryption is answered, and followed by another start.
const WANTS_ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// Reads what a client sends, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) struct Frontend {
    started: bool,
    head: Vec<u8>,
    kind: u8,
    /// What is left of the body; none between two frames.
    left: Option<usize>,
    statements: HashSet<Vec<u8>>,
    portals: HashSet<Vec<u8>>,
}

impl Frontend {
    /// Takes a piece; whether a COMMIT ended in it.
    pub(super) fn read(&mut self, piece: &[u8]) -> bool {
        let mut saw = false;
        for byte in piece {
            saw |= self.byte(*byte);
        }
        saw
    }

    fn byte(&mut self, byte: u8) -> bool {
        let Some(left) = self.left else {
            self.head.push(byte);
            self.frame();
            return self.left == Some(0) && self.end();
        };
        if self.head.len() < HEAD_MAX {
            self.head.push(byte);
        }
        self.left = Some(left.saturating_sub(1));
        self.left == Some(0) && self.end()
    }

    /// The head of the frame is complete: the body begins.
    fn frame(&mut self) {
        let (kind, length) = match (self.started, self.head.as_slice()) {
            (false, [a, b, c, d]) => (0, [*a, *b, *c, *d]),
            (true, [kind, a, b, c, d]) => (*kind, [*a, *b, *c, *d]),
            _ => return,
        };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.kind = kind;
        self.left = Some(length.saturating_sub(4));
        self.head.clear();
    }

    /// The frame is over; whether it was a COMMIT.
    fn end(&mut self) -> bool {
        self.left = None;
        let body = std::mem::take(&mut self.head);
        if !self.started {
            let code = body.first_chunk::<4>().map(|code| u32::from_be_bytes(*code));
            self.started = !code.is_some_and(|code| WANTS_ENCRYPTION.contains(&code));
            return false;
        }
        let mut texts = body.split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        match self.kind {
            b'Q' => is_commit(first),
            b'P' => {
                set(&mut self.statements, first, is_commit(second));
                false
            }
            b'B' => {
                let commits = self.statements.contains(second);
                set(&mut self.portals, first, commits);
                false
            }
            b'E' => self.portals.contains(first),
            _ => false,
        }
    }
}

fn set(names: &mut HashSet<Vec<u8>>, name: &[u8], commits: bool) {
    if commits {
        names.insert(name.to_owned());
    } else {
        names.remove(name);
    }
}

fn is_commit(sql: &[u8]) -> bool {
    let sql = String::from_utf8_lossy(sql).to_ascii_lowercase();
    let mut words = sql.split(|c: char| c.is_whitespace() || c == ';').filter(|word| !word.is_empty());
    words.next() == Some("commit") && words.next() != Some("prepared")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    fn start(code: u32) -> Vec<u8> {
        [8_u32.to_be_bytes(), code.to_be_bytes()].concat()
    }

    #[test]
    fn a_commit_is_seen_in_any_pieces_and_nothing_else_is() {
        let large = [b"\0s\0", vec![b'C'; 5_000].as_slice()].concat();
        let quiet = [
            start(80_877_103),
            start(196_608),
            frame(b'Q', b"BEGIN\0"),
            frame(b'B', &large),
            frame(b'Q', b"SELECT 'COMMIT'\0"),
            frame(b'S', b""),
        ]
        .concat();
        let commit = frame(b'Q', b" Commit;\0");
        for size in [1, 2, 7, 4_096] {
            let mut frontend = Frontend::default();
            assert!(!quiet.chunks(size).any(|piece| frontend.read(piece)), "{size}");
            let seen: Vec<bool> = commit.chunks(size).map(|piece| frontend.read(piece)).collect();
            assert_eq!(seen.last(), Some(&true));
            assert_eq!(seen.iter().filter(|seen| **seen).count(), 1);
        }
    }

    #[test]
    fn a_prepared_commit_is_seen_when_it_is_executed() {
        let mut frontend = Frontend::default();
        frontend.read(&start(196_608));
        assert!(!frontend.read(&frame(b'P', b"s1\0COMMIT\0\0\0")));
        assert!(!frontend.read(&frame(b'B', b"p1\0s1\0\0\0\0\0\0\0")));
        assert!(!frontend.read(&frame(b'E', b"\0\0\0\0\0")));
        assert!(frontend.read(&frame(b'E', b"p1\0\0\0\0\0")));
        frontend.read(&frame(b'P', b"s1\0SELECT 1\0\0\0"));
        frontend.read(&frame(b'B', b"p1\0s1\0\0\0\0\0\0\0"));
        assert!(!frontend.read(&frame(b'E', b"p1\0\0\0\0\0")));
    }
}
