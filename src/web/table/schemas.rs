//! Schemas of the contract: what is read and what is sent, each under a name of its own.

use super::Shape;
use crate::web::schema::WHOLE_MAX;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The two sides of a type: what is read of it, and what is sent.
pub(super) struct Schemas {
    read: SchemaGenerator,
    sent: SchemaGenerator,
}

impl Schemas {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        Self {
            read: settings().for_deserialize().into_generator(),
            sent: settings().for_serialize().into_generator(),
        }
    }

    /// A type as it is read.
    pub(super) fn read(&mut self, shape: Shape) -> Value {
        shape(&mut self.read).to_value()
    }

    /// A type as it is sent.
    pub(super) fn sent(&mut self, shape: Shape) -> Value {
        shape(&mut self.sent).to_value()
    }

    /// The definitions of both sides. A type that is read and sent in two forms has two: the names that are
    /// to be changed in what was sent are given back.
    pub(super) fn end(mut self) -> (Map<String, Value>, Vec<String>) {
        let mut all = self.read.take_definitions(true);
        let sent = self.sent.take_definitions(true);
        let mut differ: Vec<String> = Vec::new();
        // What holds a type of two forms has two forms itself.
        loop {
            let new: Vec<String> = sent
                .iter()
                .filter(|(name, schema)| {
                    !differ.contains(name)
                        && all.get(*name).is_some_and(|read| {
                            read != *schema || differ.iter().any(|one| names(schema, one))
                        })
                })
                .map(|(name, _)| name.clone())
                .collect();
            if new.is_empty() {
                break;
            }
            differ.extend(new);
        }
        for (name, mut schema) in sent {
            rename(&mut schema, &differ);
            all.insert(if differ.contains(&name) { format!("{name}Sent") } else { name }, schema);
        }
        (all, differ)
    }
}

/// Sets a field of an object.
pub(super) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

/// Where a definition stands.
pub(super) fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Whether a schema names a definition.
fn names(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| (key == "$ref" && *value == reference(name)) || names(value, name)),
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        _ => false,
    }
}

/// Points at the forms that are sent.
pub(super) fn rename(schema: &mut Value, differ: &[String]) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(path) if key == "$ref" => {
                        if differ.iter().any(|name| *path == reference(name)) {
                            path.push_str("Sent");
                        }
                    }
                    value => rename(value, differ),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, differ)),
        _ => {}
    }
}

/// Says of every whole number how large it may be.
pub(super) fn bound(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let (least, most) = match fields.get("format").and_then(Value::as_str) {
                Some("uint8") => (0, u8::MAX.into()),
                Some("uint16") => (0, u16::MAX.into()),
                Some("int16") => (i16::MIN.into(), i16::MAX.into()),
                Some("uint32") => (0, u32::MAX.into()),
                Some("int32") => (i32::MIN.into(), i32::MAX.into()),
                Some("uint" | "uint64") => (0, WHOLE_MAX),
                Some("int64") => (-WHOLE_MAX, WHOLE_MAX),
                _ => return fields.values_mut().for_each(bound),
            };
            // A choice has its bounds in itself.
            if !fields.contains_key("anyOf") {
                fields.entry("minimum").or_insert(json!(least));
                fields.entry("maximum").or_insert(json!(most));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}
