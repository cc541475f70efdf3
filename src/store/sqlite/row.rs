//! From columns to the domain's types and back.

use super::failure::{Attempt, Failure};
use gametriggers_actors::domain::id::PlayId;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

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
    /// A JSON array.
    fn list<T: DeserializeOwned>(&self, column: &str) -> Attempt<Vec<T>>;
    /// Sixteen bytes.
    fn play_id(&self, column: &str) -> Attempt<PlayId>;

    /// A yes or no.
    fn flag(&self, column: &str) -> Attempt<bool> {
        Ok(self.number::<i64>(column)? != 0)
    }

    /// A shared text.
    fn shared(&self, column: &str) -> Attempt<Arc<str>> {
        self.text(column).map(Arc::from)
    }

    /// A JSON array of texts.
    fn texts(&self, column: &str) -> Attempt<Vec<Arc<str>>> {
        Ok(self.list::<String>(column)?.into_iter().map(Arc::from).collect())
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

impl Columns for SqliteRow {
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

    fn list<T: DeserializeOwned>(&self, column: &str) -> Attempt<Vec<T>> {
        known(column, serde_json::from_str(&self.text(column)?).ok())
    }

    fn play_id(&self, column: &str) -> Attempt<PlayId> {
        play_id(column, &self.try_get::<Vec<u8>, _>(column)?)
    }
}

/// The play of sixteen bytes.
pub(super) fn play_id(column: &str, bytes: &[u8]) -> Attempt<PlayId> {
    known(column, uuid::Uuid::from_slice(bytes).ok().map(PlayId))
}

/// The value, or an error that names the column.
pub(super) fn known<T>(column: &str, value: Option<T>) -> Attempt<T> {
    value.ok_or_else(|| Failure::refused(format!("{column}: not a value that this program knows")))
}

/// Rows as one JSON parameter: a statement with `json_each` writes them all at once, where a
/// statement for each row would cross to the connection's thread and back each time.
pub(super) fn json<T: Serialize + ?Sized>(rows: &T) -> Attempt<String> {
    serde_json::to_string(rows).map_err(|error| Failure::refused(error.to_string()))
}

/// An id in the hexadecimal that `unhex` reads.
pub(super) fn hex(id: PlayId) -> String {
    id.0.as_simple().to_string()
}

/// A counter as the database takes it.
pub(super) fn count(value: u64) -> Attempt<i64> {
    known("count", i64::try_from(value).ok())
}
