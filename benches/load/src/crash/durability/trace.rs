//! Reads what strace writes: what went to SQLite's log and when, when that was flushed, and when the
//! acks left.
//!
//! A line is a call, or its first half (`<unfinished ...>`) with the second half further down. The
//! position of a half among all lines is its time: strace sees a call of one thread end before that
//! thread goes on and can tell another one about it.

use crate::failure::Failure;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The calls that are of interest.
pub(super) const CALLS: &str = "trace=fdatasync,fsync,write,writev,sendto,pwrite64";
const ACK: &[u8] = b"{\"type\":\"ack\"";

/// Sixteen bytes.
pub(super) type Id = [u8; 16];

/// A write to the log.
#[derive(Debug)]
struct Written {
    ended: u64,
    end_offset: u64,
    bytes: Vec<u8>,
}

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Trace {
    path: PathBuf,
    read: u64,
    rest: Vec<u8>,
    calls: Calls,
    written: Vec<Written>,
    /// Begin and end of each flush of the log that worked.
    flushes: Vec<(u64, u64)>,
    /// When the first ack of each play left.
    acks: HashMap<Id, u64>,
    /// How often the log began anew.
    pub(super) cycle: u64,
    /// Writes to the database itself.
    pub(super) checkpointed: u64,
    /// Where the log ended when its last flush began.
    pub(super) flushed_to: u64,
    /// Where it ends now.
    end: u64,
}

/// The verdict on the acks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Plays whose ack was seen leaving.
    pub(super) acks: u64,
    /// Flushes of the log.
    pub(super) flushes: u64,
    /// Acks that left before a flush had ended that began after the play's row was in the log.
    pub(super) before_flush: u64,
}

impl Trace {
    /// Of a file that strace writes.
    pub(super) fn of(path: PathBuf) -> Self {
        Self {
            path,
            read: 0,
            rest: Vec::new(),
            calls: Calls::default(),
            written: Vec::new(),
            flushes: Vec::new(),
            acks: HashMap::new(),
            cycle: 0,
            checkpointed: 0,
            flushed_to: 0,
            end: 0,
        }
    }

    /// Reads what was added since.
    pub(super) fn read(&mut self) -> Result<(), Failure> {
        let failed = Failure::io("read the trace");
        let mut more = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.read_to_end(&mut more)
        });
        self.read += u64::try_from(read.map_err(failed)?).unwrap_or(0);
        let mut text = std::mem::take(&mut self.rest);
        text.append(&mut more);
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.rest = text.split_off(complete);
        for line in String::from_utf8_lossy(&text).lines() {
            self.take(line);
        }
        Ok(())
    }

    /// Judges all that was read.
    pub(super) fn judge(&self) -> Verdict {
        let wanted: HashSet<&Id> = self.acks.keys().collect();
        let mut durable: HashMap<Id, u64> = HashMap::new();
        for written in &self.written {
            for id in written.bytes.windows(16).filter_map(|window| Id::try_from(window).ok()) {
                if wanted.contains(&id) {
                    durable.entry(id).or_insert(written.ended);
                }
            }
        }
        let flushed = |written: u64| {
            let after = self.flushes.iter().filter(|(began, _)| *began > written);
            after.map(|(_, ended)| *ended).min()
        };
        let late = |(id, left): &(&Id, &u64)| {
            durable.get(*id).and_then(|written| flushed(*written)).is_none_or(|ended| ended > **left)
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Verdict {
            acks: count(self.acks.len()),
            flushes: count(self.flushes.len()),
            before_flush: count(self.acks.iter().filter(late).count()),
        }
    }

    fn take(&mut self, line: &str) {
        let Some(step) = self.calls.take(line) else { return };
        // What goes to a socket has left when the call begins.
        if let Some(call) = step.begun.filter(|call| is_sent(call)) {
            for id in acks_in(&call) {
                self.acks.entry(id).or_insert(self.calls.line);
            }
        }
        if let Some((began, call)) = step.ended {
            self.ended(began, &call);
        }
    }

    fn ended(&mut self, began: u64, call: &str) {
        let Some((name, file, rest)) = parts(call) else { return };
        let result = call.rsplit("= ").next().and_then(|result| result.split(' ').next());
        match name {
            "fdatasync" | "fsync" if file.ends_with(b"-wal") && result == Some("0") => {
                self.flushes.push((began, self.calls.line));
                let before = self.written.iter().rev().find(|written| written.ended < began);
                self.flushed_to = before.map_or(0, |written| written.end_offset);
            }
            "pwrite64" if file.ends_with(b".db") => self.checkpointed += 1,
            "pwrite64" if file.ends_with(b"-wal") => {
                let bytes = strings(rest);
                let arguments = rest.rsplit_once(')').map_or(rest, |(arguments, _)| arguments);
                let offset =
                    arguments.rsplit(", ").next().and_then(|offset| offset.parse().ok()).unwrap_or(0);
                if offset == 0 {
                    self.cycle += 1;
                    self.end = 0;
                }
                let end = offset + u64::try_from(bytes.len()).unwrap_or(0);
                self.end = self.end.max(end);
                self.written.push(Written { ended: self.calls.line, end_offset: self.end, bytes });
            }
            _ => {}
        }
    }
}

/// Puts the halves of calls together.
#[derive(Debug, Default)]
pub(super) struct Calls {
    line: u64,
    /// First halves, by thread.
    halves: HashMap<String, (u64, String)>,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Step {
    /// The thread that called.
    pub(super) thread: String,
    /// A call that has begun.
    pub(super) begun: Option<String>,
    /// A call that has ended, and the line at which it had begun.
    pub(super) ended: Option<(u64, String)>,
}

impl Calls {
    /// Takes the next line.
    pub(super) fn take(&mut self, line: &str) -> Option<Step> {
        self.line += 1;
        let (thread, call) = line.split_once(' ')?;
        let (thread, call) = (thread.to_owned(), call.trim_start());
        if let Some((first, _)) = call.split_once(" <unfinished ...>") {
            self.halves.insert(thread.clone(), (self.line, first.to_owned()));
            return Some(Step { thread, begun: Some(first.to_owned()), ended: None });
        }
        if let Some((_, second)) = call.strip_prefix("<... ").and_then(|c| c.split_once(" resumed>")) {
            let (began, first) = self.halves.remove(&thread)?;
            return Some(Step { thread, begun: None, ended: Some((began, format!("{first}{second}"))) });
        }
        Some(Step { thread, begun: Some(call.to_owned()), ended: Some((self.line, call.to_owned())) })
    }

    /// The number of the last line: the time.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }
}

/// Whether a call gives something to a socket.
pub(super) fn is_sent(call: &str) -> bool {
    parts(call).is_some_and(|(name, file, _)| {
        ["write", "writev", "sendto"].contains(&name) && file.starts_with(b"socket:")
    })
}

/// The plays that what is sent acks as durable.
pub(super) fn acks_in(call: &str) -> Vec<Id> {
    let bytes = parts(call).map(|(_, _, rest)| strings(rest)).unwrap_or_default();
    let acks = bytes.windows(ACK.len()).enumerate().filter(|(_, window)| *window == ACK);
    let id = |at: usize| {
        let ack = String::from_utf8_lossy(bytes.get(at..).unwrap_or_default()).into_owned();
        let ack = ack.split('}').next().unwrap_or_default();
        let accepted = ack.contains("\"result\":\"settled\"") || ack.contains("\"result\":\"duplicate\"");
        let id = ack.split("\"play_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        id.filter(|_| accepted).and_then(id_of)
    };
    acks.filter_map(|(at, _)| id(at)).collect()
}

/// Name of the call, what its file descriptor stands for, and the rest.
pub(super) fn parts(call: &str) -> Option<(&str, Vec<u8>, &str)> {
    let (name, rest) = call.split_once('(')?;
    let (file, rest) = rest.split_once('<')?.1.split_once('>')?;
    Some((name, unescape(file), rest))
}

/// All quoted strings, one after the other.
pub(super) fn strings(arguments: &str) -> Vec<u8> {
    arguments.split('"').skip(1).step_by(2).flat_map(unescape).collect()
}

/// `\x61\x62`; what is not of that form stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    text.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits, 16).ok()).collect()
}

/// The bytes of a UUID.
pub(super) fn id_of(text: &str) -> Option<Id> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).map(u128::to_be_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::crash::durability) const ID: &str = "01920000-0000-7000-8000-00000000000a";

    pub(in crate::crash::durability) fn escaped(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    fn trace(lines: &[String]) -> Trace {
        let mut trace = Trace::of(PathBuf::new());
        lines.iter().for_each(|line| trace.take(line));
        trace
    }

    fn write(at: u64) -> String {
        let page = [b"..".as_slice(), &id_of(ID).unwrap(), b".."].concat();
        format!("7 pwrite64(3<{}>, \"{}\", 20, {at}) = 20", escaped(b"/a/demo.db-wal"), escaped(&page))
    }

    fn flush() -> String {
        format!("7 fdatasync(3<{}>) = 0", escaped(b"/a/demo.db-wal"))
    }

    pub(in crate::crash::durability) fn ack() -> String {
        let frame = format!("{{\"type\":\"ack\",\"play_id\":\"{ID}\",\"result\":\"settled\"}}");
        let (head, body) = frame.split_at(9);
        format!(
            "8 writev(9<{}>, [{{iov_base=\"{}\", iov_len=9}}, {{iov_base=\"{}\", iov_len=9}}], 2) = 9",
            escaped(b"socket:[1]"),
            escaped(head.as_bytes()),
            escaped(body.as_bytes())
        )
    }

    const SOUND: Verdict = Verdict { acks: 1, flushes: 1, before_flush: 0 };

    #[test]
    fn an_ack_has_to_wait_for_the_flush() {
        assert_eq!(trace(&[write(0), flush(), ack()]).judge(), SOUND);
        assert_eq!(trace(&[write(0), ack(), flush()]).judge(), Verdict { before_flush: 1, ..SOUND });
        assert_eq!(trace(&[flush(), write(0), ack()]).judge(), Verdict { before_flush: 1, ..SOUND });
        assert_eq!(trace(&[flush(), ack()]).judge(), Verdict { before_flush: 1, ..SOUND });
        let failed = flush().replace("= 0", "= -1 EIO (Input/output error)");
        let verdict = trace(&[write(0), failed, ack()]).judge();
        assert_eq!(verdict, Verdict { flushes: 0, before_flush: 1, ..SOUND });
    }

    #[test]
    fn a_flush_counts_when_it_has_ended() {
        let path = escaped(b"/a/demo.db-wal");
        let (first, second) =
            (format!("7 fdatasync(3<{path}> <unfinished ...>"), "7 <... fdatasync resumed>) = 0".to_owned());
        let sound = [write(0), first.clone(), second.clone(), ack()];
        assert_eq!(trace(&sound).judge(), SOUND);
        let early = [write(0), first, ack(), second];
        assert_eq!(trace(&early).judge(), Verdict { before_flush: 1, ..SOUND });
    }

    #[test]
    fn the_end_of_what_is_flushed_follows_the_log() {
        let seen = trace(&[write(0), write(100), flush(), write(200)]);
        assert_eq!((seen.cycle, seen.flushed_to, seen.end), (1, 120, 220));
        let again = trace(&[write(0), write(100), flush(), write(0), flush()]);
        assert_eq!((again.cycle, again.flushed_to), (2, 20));
    }
}
