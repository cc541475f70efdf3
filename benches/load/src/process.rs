//! What the kernel says of a process: memory, processor time, limits.

use crate::failure::Failure;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Ticks a second in `/proc/<pid>/stat`: USER_HZ, 100 on every Linux that Rust's std runs on.
const TICKS_PER_S: u64 = 100;

/// Resident memory in kB (`VmRSS`).
pub(crate) fn rss_kb(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(Failure::io("process status"))?;
    field(&status, "VmRSS:").ok_or_else(|| Failure::Server("it has no memory any more".into()))
}

/// Processor time so far, in user and in kernel.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(Failure::io("process times"))?;
    let ticks = cpu_ticks(&stat).ok_or_else(|| Failure::Server("its times are unreadable".into()))?;
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_S))
}

/// Sends a signal to a process that this one has started. Without an error when it is gone: how it
/// ended is for its owner to ask.
pub(crate) fn signal(pid: u32, name: &str) -> Result<(), Failure> {
    let kill = format!("kill -{name} {pid}");
    let shell = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
    shell.map(|_| ()).map_err(Failure::io("kill"))
}

/// Files that this process may have open.
pub(crate) fn open_files_max() -> Result<u64, Failure> {
    let limits = fs::read_to_string("/proc/self/limits").map_err(Failure::io("own limits"))?;
    Ok(field(&limits, "Max open files").unwrap_or(u64::MAX))
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15, counted behind the name in parentheses, which may hold blanks itself.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_this_process() {
        let pid = std::process::id();
        assert!(rss_kb(pid).unwrap() > 100);
        assert!(cpu(pid).unwrap() < Duration::from_secs(3_600));
        assert!(open_files_max().unwrap() > 100);
    }

    #[test]
    fn a_name_with_blanks_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 140 60 0 0 20";
        assert_eq!(cpu_ticks(stat), Some(200));
    }
}
