//! Changes by merge patch (RFC 7396): what is left out stays, null clears, objects are merged and lists are
//! replaced. A field that the type does not know is refused, wherever it stands.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A patch: as it was sent, since only there null is not the same as left out, and as it was read. `T` has to
/// write every field that it knows.
#[derive(Clone)]
pub(super) struct Patch<T> {
    /// As it was sent.
    pub(super) sent: Value,
    /// What is there of it.
    pub(super) read: T,
}

/// What is described is the type: that null clears a field says the summary.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: DeserializeOwned + Serialize> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut sent = Value::deserialize(from)?;
        trim(&mut sent);
        let read: T =
            serde_json::from_value(sent.clone()).map_err(|_| D::Error::custom(misfit::<T>(&sent)))?;
        let known = serde_json::to_value(&read).map_err(D::Error::custom)?;
        match unknown(&sent, &known, "") {
            Some(Odd::Unknown(path)) => Err(D::Error::custom(format!("unknown field `{path}`"))),
            Some(Odd::NoObject(path)) => Err(D::Error::custom(format!("`{path}` is no object"))),
            None => Ok(Self { sent, read }),
        }
    }
}

/// Texts without blanks around them, and with lines that end as they do here.
fn trim(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.trim().replace("\r\n", "\n"),
        Value::Array(list) => list.iter_mut().for_each(trim),
        Value::Object(fields) => fields.values_mut().for_each(trim),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What can not be of the type, by where it stands. What was sent is not repeated: it may be a secret.
fn misfit<T: DeserializeOwned>(sent: &Value) -> String {
    let fits = |value: Value| serde_json::from_value::<T>(value).is_ok();
    let Value::Object(groups) = sent else { return "send an object".to_owned() };
    for (group, value) in groups {
        let whole = |value: &Value| json!({ group: value });
        if fits(whole(value)) {
            continue;
        }
        let odd = value.as_object().and_then(|fields| {
            let mut fields = fields.iter();
            fields.find(|(name, value)| !fits(whole(&json!({ *name: value }))))
        });
        let path = odd.map_or_else(|| group.clone(), |(name, _)| format!("{group}.{name}"));
        return format!("`{path}` is of another type");
    }
    "fields are of another type".to_owned()
}

/// What is wrong with a field, by its path.
enum Odd {
    /// Nobody knows it.
    Unknown(String),
    /// It has fields, and was sent as something else.
    NoObject(String),
}

/// The first field of `sent` that `known` does not have, or has as an object.
fn unknown(sent: &Value, known: &Value, path: &str) -> Option<Odd> {
    match (sent, known) {
        (Value::Object(sent), Value::Object(known)) => sent.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => unknown(value, known, &path),
                None => Some(Odd::Unknown(path)),
            }
        }),
        (Value::Array(sent), Value::Array(known)) => {
            let mut pairs = sent.iter().zip(known).enumerate();
            pairs.find_map(|(at, (sent, known))| unknown(sent, known, &format!("{path}[{at}]")))
        }
        (Value::Null, _) => None,
        (_, Value::Object(_)) => Some(Odd::NoObject(path.to_owned())),
        _ => None,
    }
}

/// What a patch makes of a document.
pub(super) fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        document.clone_from(patch);
        return;
    };
    if !document.is_object() {
        *document = Value::Object(serde_json::Map::new());
    }
    let Some(object) = document.as_object_mut() else { return };
    for (name, value) in fields {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Outer {
        name: Option<String>,
        inner: Option<Inner>,
        list: Option<Vec<Inner>>,
        bands: Option<BTreeMap<String, Option<u32>>>,
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Inner {
        on: Option<bool>,
    }

    /// The examples of RFC 7396, appendix A, that are about objects.
    #[test]
    fn patches_merge_as_the_standard_has_it() {
        for (before, patch, after) in [
            (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
            (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
            (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
            (
                json!({ "a": { "b": "c" } }),
                json!({ "a": { "b": "d", "c": null } }),
                json!({ "a": { "b": "d" } }),
            ),
            (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
            (json!({ "e": null }), json!({ "a": 1 }), json!({ "e": null, "a": 1 })),
            (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
        ] {
            let mut document = before.clone();
            merge(&mut document, &patch);
            assert_eq!(document, after, "{before} with {patch}");
        }
    }

    #[test]
    fn a_field_that_nobody_knows_is_named_by_its_path() {
        let read = |value: Value| serde_json::from_value::<Patch<Outer>>(value).map_err(|e| e.to_string());
        for known in [
            json!({}),
            json!({ "name": null, "inner": null }),
            json!({ "inner": { "on": true }, "list": [{ "on": null }] }),
            json!({ "bands": { "18_24": 5, "25_34": null } }),
        ] {
            assert!(read(known.clone()).is_ok(), "{known}");
        }
        for (odd, path) in [
            (json!({ "nam": 1 }), "nam"),
            (json!({ "nam": null }), "nam"),
            (json!({ "inner": { "off": null } }), "inner.off"),
            (json!({ "list": [{}, { "off": 1 }] }), "list[1].off"),
        ] {
            assert_eq!(read(odd).err(), Some(format!("unknown field `{path}`")));
        }
        assert_eq!(read(json!({ "name": " a\r\nb " })).unwrap().read.name.as_deref(), Some("a\nb"));
        for (odd, said) in [
            (json!({ "name": 5 }), "`name` is of another type"),
            (json!({ "name": "a", "inner": { "on": "secret" } }), "`inner.on` is of another type"),
            (json!({ "inner": "secret" }), "`inner` is of another type"),
            (json!({ "inner": [] }), "`inner` is no object"),
            (json!([]), "`` is no object"),
            (json!("secret"), "send an object"),
        ] {
            assert_eq!(read(odd).err().as_deref(), Some(said));
        }
    }
}
