//! Where a server keeps what it knows, and how its commands are told of it.

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// A folder, and the configuration when it is not the one of a SQLite file in that folder.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    folder: PathBuf,
    config: Option<PathBuf>,
}

impl Site {
    /// A SQLite file in the folder.
    pub(crate) fn folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), config: None }
    }

    /// What the configuration says, written to the folder.
    pub(crate) fn configured(folder: &Path, config: &str) -> Result<Self, Failure> {
        let path = folder.join("crash.toml");
        std::fs::write(&path, config).map_err(Failure::io("write the configuration"))?;
        Ok(Self { folder: folder.to_owned(), config: Some(path) })
    }

    /// The folder. Logs go there.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// The option that names it to any command of the server.
    pub(crate) fn arguments(&self) -> Result<[&str; 2], Failure> {
        let (option, path) = match &self.config {
            Some(config) => ("--config", config),
            None => ("--data", &self.folder),
        };
        let path = path.to_str().ok_or_else(|| Failure::Refused("the directory is not UTF-8".into()))?;
        Ok([option, path])
    }
}
