//! Whether acks wait for Postgres: the server, the postmaster and all of its processes are watched by one
//! strace, so that the order of its lines is the order of the calls in all of them.
//!
//! A settled event is durable when all of this has happened, one after the other: the server process that
//! serves the writer had received the event, and then the COMMIT of that transaction; a write to the log
//! began, of whatever process, and ended; a flush of the same file of the log began and ended with success.
//! What the flush covers has to hold the row: the id was in a write to the log that had ended before.

use super::trace::{Calls, Id, Verdict, acks_in, is_sent, parts, strings};
use super::wire::{Said, Wire};
use crate::failure::Failure;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The calls that are of interest.
pub(super) const CALLS: &str = "trace=fdatasync,fsync,write,writev,sendto,pwrite64,recvfrom";
/// A page of the log, and the heads of pages, which may stand in the middle of a row.
const PAGE: usize = 8_192;
const HEAD: usize = 24;
const HEAD_OF_FILE: usize = 40;

/// A write to the log, or a flush of it.
#[derive(Debug)]
struct Call {
    began: u64,
    ended: u64,
    file: Vec<u8>,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    calls: Calls,
    wires: HashMap<String, Wire>,
    /// Events of the transaction that each connection is in.
    pending: HashMap<String, Vec<Id>>,
    /// When the COMMIT of a transaction that settled it was received.
    commits: HashMap<Id, Vec<u64>>,
    writes: Vec<Call>,
    /// When a write had ended that had the id.
    rows: HashMap<Id, u64>,
    contents: Vec<(u64, Vec<u8>)>,
    flushes: Vec<Call>,
    acks: HashMap<Id, u64>,
}

/// Reads a trace, given the processes of Postgres.
pub(super) fn judge(trace: &Path, processes: &HashSet<u32>) -> Result<Verdict, Failure> {
    let text = std::fs::read(trace).map_err(Failure::io("read the trace"))?;
    let mut seen = Seen::default();
    for line in String::from_utf8_lossy(&text).lines() {
        seen.take(line, processes);
    }
    Ok(seen.judge())
}

impl Seen {
    fn take(&mut self, line: &str, processes: &HashSet<u32>) {
        let Some(step) = self.calls.take(line) else { return };
        if let Some(call) = &step.begun {
            self.begun(call);
        }
        if let Some((began, call)) = &step.ended {
            let is_ours = step.thread.parse().is_ok_and(|process| processes.contains(&process));
            self.ended(&step.thread, *began, call, is_ours);
        }
    }

    fn begun(&mut self, call: &str) {
        if is_sent(call) {
            for id in acks_in(call) {
                self.acks.entry(id).or_insert(self.calls.line());
            }
        }
    }

    fn ended(&mut self, thread: &str, began: u64, call: &str, of_postgres: bool) {
        let Some((name, file, rest)) = parts(call) else { return };
        let is_log = file.windows(8).any(|window| window == b"/pg_wal/");
        let ended = self.calls.line();
        match name {
            "recvfrom" if of_postgres => self.heard(thread, &strings(rest)),
            "fdatasync" | "fsync" if is_log && call.trim_end().ends_with("= 0") => {
                self.flushes.push(Call { began, ended, file });
            }
            "pwrite64" if is_log => {
                let arguments = rest.rsplit_once(')').map_or(rest, |(arguments, _)| arguments);
                let offset = arguments.rsplit(", ").next().and_then(|offset| offset.parse().ok());
                self.contents.push((ended, without_heads(&strings(rest), offset == Some(0_u64))));
                self.writes.push(Call { began, ended, file });
            }
            _ => {}
        }
    }

    /// The end of a call that received has come: what was said is known from here on.
    fn heard(&mut self, thread: &str, bytes: &[u8]) {
        let at = self.calls.line();
        let pending = self.pending.entry(thread.to_owned()).or_default();
        for said in self.wires.entry(thread.to_owned()).or_default().hear(bytes) {
            match said {
                Said::Settle(ids) => pending.extend(ids),
                Said::Rollback => pending.clear(),
                Said::Commit => {
                    pending.drain(..).for_each(|id| self.commits.entry(id).or_default().push(at));
                }
            }
        }
    }

    fn judge(mut self) -> Verdict {
        for (ended, bytes) in std::mem::take(&mut self.contents) {
            for id in bytes.windows(16).filter_map(|window| Id::try_from(window).ok()) {
                if self.acks.contains_key(&id) {
                    self.rows.entry(id).or_insert(ended);
                }
            }
        }
        let late = |(id, left): &(&Id, &u64)| self.durable(id).is_none_or(|durable| durable > **left);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Verdict {
            acks: count(self.acks.len()),
            flushes: count(self.flushes.len()),
            before_flush: count(self.acks.iter().filter(late).count()),
        }
    }

    /// When the event was durable for the first time.
    fn durable(&self, id: &Id) -> Option<u64> {
        let row = *self.rows.get(id)?;
        let of_commit = |received: u64| {
            let written = self.writes.iter().find(|write| write.began > received)?;
            let flush = self.flushes.iter().find(|flush| {
                flush.file == written.file && flush.began > written.ended && flush.began > row
            })?;
            Some(flush.ended)
        };
        self.commits.get(id)?.iter().filter_map(|received| of_commit(*received)).min()
    }
}

/// Whole pages without their heads, so that what goes on in the next page is in one piece.
fn without_heads(pages: &[u8], begins_file: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pages.len());
    for (number, page) in pages.chunks(PAGE).enumerate() {
        let head = if begins_file && number == 0 { HEAD_OF_FILE } else { HEAD };
        bytes.extend_from_slice(page.get(head..).unwrap_or_default());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::trace::id_of;
    use super::super::trace::tests::{ID, ack, escaped};
    use super::super::wire::tests::{commit, settling};
    use super::*;

    const LOG: &[u8] = b"/a/pg_wal/000000010000000000000001";
    const SOUND: Verdict = Verdict { acks: 1, flushes: 1, before_flush: 0 };

    fn judged(lines: &[String]) -> Verdict {
        let mut seen = Seen::default();
        lines.iter().for_each(|line| seen.take(line, &HashSet::from([7])));
        seen.judge()
    }

    fn received(bytes: &[u8]) -> String {
        let (socket, length) = (escaped(b"socket:[2]"), bytes.len());
        format!("7 recvfrom(9<{socket}>, \"{}\", 8192, 0, NULL, NULL) = {length}", escaped(bytes))
    }

    /// A page whose end has the first half of the id, and the next one.
    fn write() -> String {
        let id = id_of(ID).unwrap();
        let pages = [&[0; 8_184][..], &id[..8], &[1; 24], &id[8..]].concat();
        format!("6 pwrite64(3<{}>, \"{}\", 8224, 8192) = 8224", escaped(LOG), escaped(&pages))
    }

    fn flush(file: &[u8]) -> String {
        format!("6 fdatasync(3<{}>) = 0", escaped(file))
    }

    #[test]
    fn an_ack_has_to_wait_for_the_flush_of_its_commit() {
        let (settles, commits) = (received(&settling(id_of(ID).unwrap())), received(&commit()));
        let late = Verdict { before_flush: 1, ..SOUND };
        let sound = [settles.clone(), commits.clone(), write(), flush(LOG), ack()];
        assert_eq!(judged(&sound), SOUND);
        assert_eq!(judged(&[settles.clone(), commits.clone(), write(), ack(), flush(LOG)]), late);
        let elsewhere = flush(b"/a/pg_wal/000000010000000000000002");
        assert_eq!(judged(&[settles.clone(), commits.clone(), write(), elsewhere, ack()]), late);
        // What was flushed before the COMMIT came can not hold it.
        assert_eq!(judged(&[settles.clone(), write(), flush(LOG), commits.clone(), ack()]), late);
        let never = [commits, write(), flush(LOG), ack()];
        assert_eq!(judged(&never), late, "nobody asked for it to be settled");
        let failed = flush(LOG).replace("= 0", "= -1 EIO (Input/output error)");
        let failed = [sound[0].clone(), sound[1].clone(), write(), failed, ack()];
        assert_eq!(judged(&failed), Verdict { flushes: 0, ..late });
    }
}
