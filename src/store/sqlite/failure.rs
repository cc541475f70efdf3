//! What went wrong inside a transaction, and which answer of the port it becomes.

use gametriggers_actors::ports::StoreError;

/// An error on its way out of a transaction. A type of our own, so that `?` works on the driver's
/// errors as well as on the port's.
#[derive(Debug)]
pub(super) struct Failure(pub(super) StoreError);

/// A result inside a transaction.
pub(super) type Attempt<T> = Result<T, Failure>;

impl Failure {
    /// The schema, or a rule above it, refuses the value.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self(StoreError::Constraint(why.into()))
    }

    /// Whether the rows are to blame, and not the database as a whole.
    pub(super) const fn is_constraint(&self) -> bool {
        matches!(self.0, StoreError::Constraint(_))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

/// The primary result codes that blame the rows: everything else is the database's own trouble,
/// and passes.
const TOO_BIG: u32 = 18;
const CONSTRAINT: u32 = 19;
const MISMATCH: u32 = 20;

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(match &error {
            sqlx::Error::RowNotFound => StoreError::NotFound,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                StoreError::Constraint(error.to_string())
            }
            sqlx::Error::Database(refusal) => {
                // The low byte is the primary code, the rest says more than we need.
                let code = refusal.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
                match code {
                    Some(TOO_BIG | CONSTRAINT | MISMATCH) => {
                        StoreError::Constraint(refusal.message().to_owned())
                    }
                    _ => StoreError::Unavailable(error.to_string()),
                }
            }
            _ => StoreError::Unavailable(error.to_string()),
        })
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
