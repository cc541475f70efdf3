//! Where a server keeps what it knows, and how its commands are told of it.

use crate::failure::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The name of a database on a server.
pub(crate) const DATABASE: &str = "gametriggers";

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

    /// A database at that URL, perhaps with a Redis; the rest is in the folder.
    pub(crate) fn at(folder: &Path, url: &str, redis: Option<SocketAddr>) -> Result<Self, Failure> {
        let path = folder.join("server.toml");
        let redis = redis.map(|redis| format!("[redis]\nurl = \"redis://{redis}\"\n")).unwrap_or_default();
        let (assets, key) = (folder.join("assets"), "5a".repeat(32));
        let config = format!(
            "mode = \"development\"\n[database]\nurl = \"{url}\"\n{redis}[assets]\ndir = \"{}\"\n\
             [play]\nrequire_streaming = false\n[platform]\nkind = \"simulated\"\n\
             [secrets]\ntoken_keys = [\"1:{key}\"]\n",
            assets.display()
        );
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

/// The URL of the database on a server of the run's own.
pub(crate) fn postgres_url(server: SocketAddr) -> String {
    format!("postgres://postgres@{server}/{DATABASE}?sslmode=disable")
}
