//! What a campaign asks of streamers, as a column.

use gametriggers_actors::domain::campaign::Requirements;
use serde_json::{Value, json};

/// As JSON.
pub(super) fn column(asked: &Requirements) -> String {
    let lines: Vec<&str> = asked.lines.iter().map(AsRef::as_ref).collect();
    json!({ "text": &*asked.text, "lines": lines }).to_string()
}

/// Read back; none when it is something else.
pub(super) fn read(column: &str) -> Option<Requirements> {
    let value: Value = serde_json::from_str(column).ok()?;
    let lines = value.get("lines")?.as_array()?.iter();
    Some(Requirements {
        text: value.get("text")?.as_str()?.into(),
        lines: lines.map(|line| line.as_str().map(Into::into)).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_back_whatever_is_in_them() {
        for asked in [
            Requirements { text: "".into(), lines: Vec::new() },
            Requirements {
                text: "Say \"hello\"\nand नमस्ते".into(), lines: vec!["one".into(), "".into()]
            },
        ] {
            assert_eq!(read(&column(&asked)), Some(asked));
        }
        for other in ["", "{}", "[]", r#"{"text":1,"lines":[]}"#, r#"{"text":"","lines":[1]}"#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
