//! Why a run has no result.

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file, a process or a socket.
    #[error("{0}: {1}")]
    Io(&'static str, #[source] std::io::Error),
    /// The database could not be read.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The server, or one of its commands, did not do what was asked.
    #[error("the server: {0}")]
    Server(String),
    /// A phase did not come to its end in the time that bounds it.
    #[error("not in time: {0}")]
    Late(String),
    /// The machine or the arguments do not allow this run.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// For `map_err`: what was tried.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Io(what, error)
    }
}
