//! What went wrong inside a transaction, and which answer of the port it becomes.

use gametriggers_actors::ports::StoreError;
use sqlx::postgres::PgDatabaseError;

/// An error on its way out of a transaction. A type of our own, so that `?` works on the driver's
/// errors as well as on the port's.
#[derive(Debug)]
pub(super) struct Failure {
    /// The answer of the port.
    pub(super) error: StoreError,
    /// What it means for the transaction.
    pub(super) kind: Kind,
}

/// What a failure means for the transaction and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The rows are to blame, or the request: the same again fails again.
    Rows,
    /// No partition takes the row's key.
    NoPartition,
    /// A deadlock or a concurrent change: the same again at once may succeed.
    Conflict,
    /// The connection is gone.
    Lost,
    /// Anything else; it passes.
    Other,
}

/// A result inside a transaction.
pub(super) type Attempt<T> = Result<T, Failure>;

impl Failure {
    /// The schema, or a rule above it, refuses the value.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self { error: StoreError::Constraint(why.into()), kind: Kind::Rows }
    }

    /// The database can not do it now.
    pub(super) fn unavailable(why: impl Into<String>) -> Self {
        Self { error: StoreError::Unavailable(why.into()), kind: Kind::Other }
    }

    /// Whether the rows are to blame, and not the database as a whole.
    pub(super) const fn is_constraint(&self) -> bool {
        matches!(self.error, StoreError::Constraint(_))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = if matches!(error, StoreError::Constraint(_)) { Kind::Rows } else { Kind::Other };
        Self { error, kind }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        match &error {
            sqlx::Error::RowNotFound => Self { error: StoreError::NotFound, kind: Kind::Rows },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                Self::refused(text)
            }
            sqlx::Error::Database(refusal) => match refusal.try_downcast_ref::<PgDatabaseError>() {
                Some(refusal) => answer(refusal, text),
                None => Self::unavailable(text),
            },
            // A reset, an end of file, a message that makes no sense: what else the server did is unknown.
            _ => Self { error: StoreError::Unavailable(text), kind: Kind::Lost },
        }
    }
}

/// The class of a code, its first two letters, says who is to blame.
fn answer(refusal: &PgDatabaseError, text: String) -> Failure {
    let constraint = |kind| Failure { error: StoreError::Constraint(refusal.message().to_owned()), kind };
    let passing = |kind| Failure { error: StoreError::Unavailable(text.clone()), kind };
    match refusal.code() {
        // A check without a name is a row for which there is no partition.
        "23514" if refusal.constraint().is_none() => constraint(Kind::NoPartition),
        "40001" | "40P01" => passing(Kind::Conflict),
        // Shut down, crashed or ended by an administrator: the connection goes with it.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => passing(Kind::Lost),
        code => match code.get(..2) {
            // Data that does not fit, a constraint, a right that this role does not have.
            Some("22" | "23" | "44") => constraint(Kind::Rows),
            Some("08") => passing(Kind::Lost),
            _ => passing(Kind::Other),
        },
    }
}

/// Checks that a statement changed as many rows as it had to: an `UPDATE` that finds nothing is
/// no error for the database, and would be one for the money.
pub(super) fn expect_rows(what: &'static str, wanted: usize, changed: u64) -> Attempt<()> {
    if u64::try_from(wanted).is_ok_and(|wanted| wanted == changed) {
        return Ok(());
    }
    Err(Failure::refused(format!("{what}: {changed} rows changed instead of {wanted}")))
}
