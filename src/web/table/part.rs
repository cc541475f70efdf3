//! The parts of paths that name things: what they can be, for the contract and for the gate.

use crate::web::schema::{Listed, WHOLE_MAX, file_name};
use gametriggers_actors::domain::asset::Media;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::ports::Provider;
use serde_json::{Value, json};

/// What a part of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The number of a thing: above zero, and written in one way only.
    Number,
    /// The start of a key's hash.
    Key,
    /// A file of an upload.
    File,
    /// Who else has accounts.
    Provider,
    /// Where streams run.
    Platform,
}

impl Part {
    /// The part of a name in a path. Everything is numbered, but for what has a name or a hash.
    pub(super) fn of(path: &str, name: &str) -> Self {
        match name {
            "key_id" => Self::Key,
            "id" if path.ends_with("/keys/{id}") => Self::Key,
            "name" => Self::File,
            "provider" => Self::Provider,
            "platform" => Self::Platform,
            _ => Self::Number,
        }
    }

    /// Whether anything can have that name.
    pub(super) fn can_be(self, text: &str) -> bool {
        match self {
            Self::Number => {
                let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
                plain && text.parse().is_ok_and(|number: i64| number <= WHOLE_MAX)
            }
            Self::Key => text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            Self::File => Media::of_name(text).is_some(),
            Self::Provider => Provider::from_code(text).is_some(),
            Self::Platform => Platform::from_code(text).is_some(),
        }
    }

    /// What the contract says of it.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Number => {
                json!({
                    "type": "integer",
                    "format": "int64",
                    "minimum": 1,
                    "maximum": WHOLE_MAX,
                    "examples": [1],
                })
            }
            Self::Key => {
                json!({ "type": "string", "pattern": "^[0-9a-f]{16}$", "examples": ["0123456789abcdef"] })
            }
            Self::File => json!({
                "type": "string",
                "pattern": file_name(),
                "examples": ["3f786850e387550fdab836ed7e6dc881.webp"],
            }),
            Self::Provider => json!({ "type": "string", "enum": Provider::codes() }),
            Self::Platform => json!({ "type": "string", "enum": Platform::codes() }),
        }
    }

    /// What it is, for people.
    pub(super) fn about(self, path: &str, name: &str) -> String {
        let before = path.split(&format!("/{{{name}}}")).next().unwrap_or_default();
        let of = before.rsplit('/').find(|part| !part.starts_with('{')).unwrap_or_default();
        let thing = of.trim_end_matches('s').replace('-', " ");
        match self {
            Self::Number => format!("The number of the {thing}."),
            Self::Key => "The `key_id` of the key: the start of its hash.".to_owned(),
            Self::File => "The `name` of the upload.".to_owned(),
            Self::Provider => "Where the account is.".to_owned(),
            Self::Platform => "Where the channel is.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_a_thing_in_one_way() {
        for (number, is) in [
            ("1", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("9223372036854775808", false),
            ("0", false),
            ("01", false),
            ("+1", false),
            ("-1", false),
            ("1.0", false),
            ("", false),
        ] {
            assert_eq!(Part::Number.can_be(number), is, "{number}");
        }
        assert!(Part::Key.can_be("0123456789abcdef") && !Part::Key.can_be("0123456789ABCDEF"));
        assert!(Part::File.can_be("3f786850e387550fdab836ed7e6dc881.webp") && !Part::File.can_be("x.webp"));
        assert_eq!(Part::of("/api/admin/keys/{id}", "id"), Part::Key);
        assert_eq!(Part::of("/api/webhooks/{id}", "id"), Part::Number);
        assert_eq!(Part::Number.about("/api/conflict-rules/{id}", "id"), "The number of the conflict rule.");
    }
}
