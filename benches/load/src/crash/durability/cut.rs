//! The log of a copy, cut off somewhere behind its last witnessed flush.

use super::trace::{Id, Trace, id_of};
use crate::crash::audit;
use crate::crash::stage::Ledger;
use crate::failure::Failure;
use crate::process::signal;
use crate::server::{Server, command};
use gametriggers_simulated_overlay::Random;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::sleep;

/// How long the server writes on behind the flush before it is copied.
const BEHIND_MS: (u64, u64) = (30, 300);

/// What the cuts showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts {
    /// Made behind the flush.
    pub(super) cuts: u64,
    /// Of these, those that really cut something off.
    pub(super) shorter: u64,
    /// After which the file, or the money in it, was not sound.
    pub(super) corrupt: u64,
    /// Acked plays that were gone, over all cuts.
    pub(super) acked_lost: u64,
    /// Cuts before the flush, made to see that a loss is seen,
    pub(super) controls: u64,
    /// and those of them that lost something.
    pub(super) controls_lost: u64,
}

/// A copy of a database as it stood, with what was promised about it.
pub(super) struct Copy {
    _folder: TempDir,
    database: PathBuf,
    flushed_to: u64,
    length: u64,
    acked: HashSet<Id>,
}

/// Copies a server's database while it is frozen, some time after the last flush that was witnessed.
/// None when the log began anew meanwhile, or was moved into the database: then the cut would not be
/// one that a crash can make.
pub(super) async fn copy(
    server: &Server,
    trace: &mut Trace,
    database: &Path,
    acked: HashSet<String>,
    random: &mut Random,
) -> Result<Option<Copy>, Failure> {
    trace.read()?;
    let (flushed_to, before) = (trace.flushed_to, (trace.cycle, trace.checkpointed));
    sleep(Duration::from_millis(random.between(BEHIND_MS.0, BEHIND_MS.1))).await;
    signal(server.pid(), "STOP")?;
    // What it was doing has to reach the trace.
    sleep(Duration::from_millis(50)).await;
    let copied = copy_files(database);
    let read = trace.read();
    signal(server.pid(), "CONT")?;
    read?;
    let folder = copied?;
    if before != (trace.cycle, trace.checkpointed) || flushed_to == 0 {
        return Ok(None);
    }
    let copy = folder.path().join("copy.db");
    let length = fs::metadata(wal(&copy)).map_err(Failure::io("the copy of the log"))?.len();
    let acked = acked.iter().filter_map(|play_id| id_of(play_id)).collect();
    Ok(Some(Copy { _folder: folder, database: copy, flushed_to, length, acked }))
}

impl Copy {
    /// Cuts it so many times at or behind the flush, and a few times before it.
    pub(super) async fn cut(
        &self,
        (cuts, controls): (u64, u64),
        binary: &Path,
        random: &mut Random,
        found: &mut Cuts,
    ) -> Result<(), Failure> {
        for number in 0..cuts {
            let at = random.between(self.flushed_to, self.length.max(self.flushed_to));
            let (lost, sound) = self.cut_at(at, (number == 0).then_some(binary)).await?;
            found.cuts += 1;
            found.shorter += u64::from(at < self.length);
            found.corrupt += u64::from(!sound);
            found.acked_lost += lost;
        }
        for _ in 0..controls {
            let at = random.between(0, self.flushed_to / 2);
            let (lost, _) = self.cut_at(at, None).await?;
            found.controls += 1;
            found.controls_lost += u64::from(lost > 0);
        }
        Ok(())
    }

    /// Acked plays that are gone, and whether the rest is sound. The program's own check is asked too
    /// when its binary is given.
    async fn cut_at(&self, at: u64, binary: Option<&Path>) -> Result<(u64, bool), Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("a directory for a cut"))?;
        let database = folder.path().join("demo.db");
        let failed = || Failure::io("a copy to cut");
        fs::copy(&self.database, &database).map_err(failed())?;
        fs::copy(wal(&self.database), wal(&database)).map_err(failed())?;
        let log = fs::OpenOptions::new().write(true).open(wal(&database)).map_err(failed())?;
        log.set_len(at).map_err(failed())?;
        let mut opened = SqliteConnectOptions::new().filename(&database).connect().await?;
        let checked: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut opened).await?;
        let there = plays(&mut opened).await?;
        opened.close().await?;
        let lost = self.acked.iter().filter(|id| !there.contains(*id)).count();
        let rows = audit::read(&Ledger::Sqlite(database)).await?;
        let mut sound = checked == "ok" && audit::money_is_sound(&rows);
        if let Some(binary) = binary {
            let place = folder.path().to_str().unwrap_or_default();
            sound &= command(binary, &["ledger", "reconcile", "--data", place]).await?.status.success();
        }
        Ok((u64::try_from(lost).unwrap_or(u64::MAX), sound))
    }
}

async fn plays(database: &mut SqliteConnection) -> Result<HashSet<Id>, Failure> {
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT event_id FROM settle_event").fetch_all(database).await?;
    Ok(ids.into_iter().filter_map(|id| Id::try_from(id).ok()).collect())
}

fn copy_files(database: &Path) -> Result<TempDir, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::io("a directory for a copy"))?;
    let copy = folder.path().join("copy.db");
    fs::copy(database, &copy).map_err(Failure::io("copy the database"))?;
    fs::copy(wal(database), wal(&copy)).map_err(Failure::io("copy its log"))?;
    Ok(folder)
}

fn wal(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
