//! The only SQL. One implementation of the store's ports per database; nothing outside this
//! module knows which one runs.

#[cfg(feature = "proof")]
mod plant;
pub mod sqlite;

use gametriggers_actors::ports::StoreError;
use std::path::{Path, PathBuf};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store of this one, owns the database.
    #[error("{} is locked: another process owns this database", .0.display())]
    Locked(PathBuf),
    /// The file, or its lock file, can not be opened.
    #[error("can not open {}: {reason}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The database does not keep what money needs.
    #[error("{pragma} is {found}, but money needs {wanted}")]
    Refused {
        /// The setting.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The schema is not the one of this program, and could not be brought there.
    #[error("the schema can not be brought up to date: {0}")]
    Migration(String),
    /// No store of this program speaks this URL.
    #[error("no store for {0:?}: sqlite:<path> is known")]
    Unsupported(String),
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The path of a SQLite database in `database.url`: `sqlite:<path>`, `sqlite://<path>` or a path
/// alone.
///
/// # Errors
/// `Unsupported` for the scheme of another database, or an empty path.
pub fn sqlite_path(url: &str) -> Result<&Path, OpenError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    // An in-memory database keeps nothing, and has no write-ahead log to keep it with.
    if path.is_empty() || path.contains("://") || path.starts_with(':') {
        return Err(OpenError::Unsupported(url.to_owned()));
    }
    Ok(Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_and_nothing_else() {
        for url in ["sqlite:data/a.db", "sqlite://data/a.db", "data/a.db"] {
            assert_eq!(sqlite_path(url).unwrap(), Path::new("data/a.db"));
        }
        assert_eq!(sqlite_path("sqlite:///var/a.db").unwrap(), Path::new("/var/a.db"));
        for url in ["postgres://h/db", "sqlite::memory:", "", "sqlite:"] {
            assert!(matches!(sqlite_path(url), Err(OpenError::Unsupported(_))), "{url}");
        }
    }
}
