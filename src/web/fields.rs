//! Fields of a body, and everything that is wrong with them.

use super::problem::{FieldError, Problem};

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldError>);

impl Fields {
    /// Takes a value, or notes what is wrong with its field.
    pub(super) fn need<T>(&mut self, field: &str, value: Option<T>, message: &str) -> Option<T> {
        if value.is_none() {
            self.0.push(FieldError { field: field.to_owned(), message: message.to_owned() });
        }
        value
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problem, if anything was wrong.
    ///
    /// # Errors
    /// Everything that was noted.
    pub(super) fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// Text of `least` to `most` characters without control characters. Blanks around it count, and go.
pub(super) fn line(text: &str, least: usize, most: usize) -> Option<String> {
    let fits = text.chars().count() <= most && !text.chars().any(char::is_control);
    let text = text.trim();
    (fits && text.chars().count() >= least).then(|| text.to_owned())
}

/// The name of a category.
pub(super) fn word(text: &str) -> Option<&str> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ((1..=40).contains(&text.len()) && text.chars().all(is_word)).then_some(text)
}
