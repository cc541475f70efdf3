//! An example out of a schema: what its fields give as examples, put together.

use serde_json::{Map, Value, json};

/// Stands where nobody has said what a text looks like.
pub(super) const UNKNOWN: &str = "?";

/// How deep types may stand in one another.
const DEEP: u8 = 24;

/// The example of a schema. Fields that may be left out and have no example of their own are left out.
pub(super) fn example(schema: &Value, definitions: &Map<String, Value>) -> Value {
    of(schema, definitions, DEEP)
}

fn of(schema: &Value, definitions: &Map<String, Value>, deep: u8) -> Value {
    let Some(deep) = deep.checked_sub(1) else { return Value::Null };
    let own =
        schema.pointer("/examples/0").or_else(|| schema.get("const")).or_else(|| schema.pointer("/enum/0"));
    if let Some(own) = own {
        return own.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return definitions.get(name).map_or(Value::Null, |named| of(named, definitions, deep));
    }
    if let Some(many) = schema.get("allOf").and_then(Value::as_array) {
        return many.iter().fold(json!({}), |sum, one| merged(sum, of(one, definitions, deep)));
    }
    let choice = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    if let Some(one) = choice.and_then(|many| many.iter().find(|one| one.get("type") != Some(&json!("null"))))
    {
        // What all of them have stands beside the choice.
        let beside =
            if schema.get("properties").is_some() { object(schema, definitions, deep) } else { json!({}) };
        return match of(one, definitions, deep) {
            Value::Object(fields) => merged(beside, Value::Object(fields)),
            other => other,
        };
    }
    match kind(schema) {
        Some("object") => object(schema, definitions, deep),
        Some("array") => match schema.get("items") {
            Some(items) => json!([of(items, definitions, deep)]),
            None => json!([]),
        },
        Some("string") => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => json!("2026-12-01T18:00:00Z"),
            Some("date") => json!("2026-12-01"),
            Some("uri") => json!("https://example.com/"),
            Some("uuid") => json!("01939c51-4b00-7e3a-9c1d-5f2b8a6d0c47"),
            _ => json!(UNKNOWN),
        },
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

/// The type of a schema, or the one beside null.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(one) => Some(one),
        Value::Array(many) => many.iter().filter_map(Value::as_str).find(|one| *one != "null"),
        _ => None,
    }
}

fn merged(mut sum: Value, more: Value) -> Value {
    if let (Value::Object(sum), Value::Object(more)) = (&mut sum, more) {
        sum.extend(more);
    }
    sum
}

fn object(schema: &Value, definitions: &Map<String, Value>, deep: u8) -> Value {
    let required: Vec<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let has_own = |field: &Value| field.get("examples").is_some();
    let shown = fields.filter(|(name, field)| required.contains(&name.as_str()) || has_own(field));
    let value = |field: &Value| {
        // What need not be there is not, unless somebody has said what it looks like.
        if can_be_null(field) && !has_own(field) { Value::Null } else { of(field, definitions, deep) }
    };
    Value::Object(shown.map(|(name, field)| (name.clone(), value(field))).collect())
}

fn can_be_null(schema: &Value) -> bool {
    let is_null = |one: &Value| one == "null" || one.get("type").is_some_and(|kind| kind == "null");
    let many = ["type", "anyOf"].map(|key| schema.get(key).and_then(Value::as_array));
    many.into_iter().flatten().flatten().any(is_null)
}
