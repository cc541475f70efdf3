//! A small disk for a database, and ballast that fills it.

use crate::failure::Failure;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PIECE: [u8; 4096] = [0xa5; 4096];

/// A file system in memory, mounted for the life of this value.
#[derive(Debug)]
pub(super) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many megabytes. Only root may.
    pub(super) fn mount(megabytes: u32) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("a directory for a small disk"))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0777"), "tmpfs"]);
        let done = mount.arg(folder.path()).stderr(Stdio::null()).status();
        if !done.is_ok_and(|status| status.success()) {
            return Err(Failure::Refused("a full disk needs a tmpfs of its own: run as root".into()));
        }
        Ok(Self { folder })
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no room at all. Whether there was any.
    pub(super) fn fill(&self) -> Result<bool, Failure> {
        let ballast = File::options().create(true).append(true).open(self.ballast());
        let mut ballast = ballast.map_err(Failure::io("make ballast"))?;
        let mut had_room = false;
        // It ends with the error that there is no room left.
        while ballast.write_all(&PIECE).is_ok() {
            had_room = true;
        }
        Ok(had_room)
    }

    /// Gives the room back.
    pub(super) fn relieve(&self) -> Result<(), Failure> {
        fs::remove_file(self.ballast()).map_err(Failure::io("remove the ballast"))
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still holds a file there is about to end.
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
