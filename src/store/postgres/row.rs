//! From columns to the domain's types and back.

use super::failure::{Attempt, Failure};
use gametriggers_actors::domain::id::PlayId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::Arc;
use uuid::Uuid;

/// Reads columns by name. A value that the domain does not know is an error that names the
/// column: another program wrote it.
pub(super) trait Columns {
    /// A whole number of any width that fits.
    fn number<T: TryFrom<i64>>(&self, column: &str) -> Attempt<T>;
    /// A whole number, or none.
    fn optional<T: TryFrom<i64>>(&self, column: &str) -> Attempt<Option<T>>;
    /// A text.
    fn text(&self, column: &str) -> Attempt<String>;
    /// A text, or none.
    fn optional_text(&self, column: &str) -> Attempt<Option<Arc<str>>>;
    /// A yes or no.
    fn flag(&self, column: &str) -> Attempt<bool>;
    /// A yes or no, or none.
    fn optional_flag(&self, column: &str) -> Attempt<Option<bool>>;
    /// An array of whole numbers.
    fn numbers(&self, column: &str) -> Attempt<Vec<i64>>;
    /// An array of texts.
    fn texts(&self, column: &str) -> Attempt<Vec<Arc<str>>>;
    /// An event's or a play's id.
    fn play_id(&self, column: &str) -> Attempt<PlayId>;

    /// A shared text.
    fn shared(&self, column: &str) -> Attempt<Arc<str>> {
        self.text(column).map(Arc::from)
    }

    /// One of a closed list of names.
    fn code<T>(&self, column: &str, from_code: impl FnOnce(&str) -> Option<T>) -> Attempt<T> {
        known(column, from_code(&self.text(column)?))
    }

    /// A currency.
    fn currency(&self, column: &str) -> Attempt<Currency> {
        self.code(column, |code| code.parse().ok())
    }

    /// An amount.
    fn micros(&self, column: &str) -> Attempt<Micros> {
        self.number(column).map(Micros)
    }

    /// A moment.
    fn moment(&self, column: &str) -> Attempt<UnixMillis> {
        self.number(column).map(UnixMillis)
    }

    /// A span.
    fn span(&self, column: &str) -> Attempt<Millis> {
        self.number(column).map(Millis)
    }
}

impl Columns for PgRow {
    fn number<T: TryFrom<i64>>(&self, column: &str) -> Attempt<T> {
        known(column, T::try_from(self.try_get::<i64, _>(column)?).ok())
    }

    fn optional<T: TryFrom<i64>>(&self, column: &str) -> Attempt<Option<T>> {
        let value: Option<i64> = self.try_get(column)?;
        value.map(|value| known(column, T::try_from(value).ok())).transpose()
    }

    fn text(&self, column: &str) -> Attempt<String> {
        Ok(self.try_get(column)?)
    }

    fn optional_text(&self, column: &str) -> Attempt<Option<Arc<str>>> {
        Ok(self.try_get::<Option<String>, _>(column)?.map(Arc::from))
    }

    fn flag(&self, column: &str) -> Attempt<bool> {
        Ok(self.try_get(column)?)
    }

    fn optional_flag(&self, column: &str) -> Attempt<Option<bool>> {
        Ok(self.try_get(column)?)
    }

    fn numbers(&self, column: &str) -> Attempt<Vec<i64>> {
        Ok(self.try_get(column)?)
    }

    fn texts(&self, column: &str) -> Attempt<Vec<Arc<str>>> {
        Ok(self.try_get::<Vec<String>, _>(column)?.into_iter().map(Arc::from).collect())
    }

    fn play_id(&self, column: &str) -> Attempt<PlayId> {
        Ok(PlayId(self.try_get::<Uuid, _>(column)?))
    }
}

/// The value, or an error that names the column.
pub(super) fn known<T>(column: &str, value: Option<T>) -> Attempt<T> {
    value.ok_or_else(|| Failure::refused(format!("{column}: not a value that this program knows")))
}

/// Rows as one JSON parameter, for statements that are not worth an array per column.
pub(super) fn json<T: Serialize + ?Sized>(rows: &T) -> Attempt<String> {
    serde_json::to_string(rows).map_err(|error| Failure::refused(error.to_string()))
}

/// A counter as the database takes it.
pub(super) fn count(value: u64) -> Attempt<i64> {
    known("count", i64::try_from(value).ok())
}

/// Rows turned into columns: what `unnest` takes, an array for each.
pub(super) fn columns<T, const N: usize>(rows: impl IntoIterator<Item = [T; N]>) -> [Vec<T>; N] {
    let mut columns: [Vec<T>; N] = std::array::from_fn(|_| Vec::new());
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}
