//! What has to hold for the whole document, whatever is added to the table.

use super::example::UNKNOWN;
use super::{by_part, document};
use crate::web::routes;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn whole() -> Value {
    document(&routes::table())
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Every operation, with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = object(&document["paths"]).iter();
    let all = paths.flat_map(|(path, methods)| {
        object(methods).iter().map(move |(method, one)| (format!("{method} {path}"), one))
    });
    all.collect()
}

/// Every value of a document, with where it stands.
fn each<'a>(value: &'a Value, place: &str, look: &mut impl FnMut(&str, &'a Value)) {
    look(place, value);
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| each(value, &format!("{place}/{name}"), look));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| each(item, &format!("{place}/{at}"), look));
        }
        _ => {}
    }
}

fn named<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

#[test]
fn every_operation_says_what_it_is_who_may_call_it_and_is_named_once() {
    let document = whole();
    let mut ids = BTreeSet::new();
    for (place, operation) in operations(&document) {
        let summary = text(operation, "summary");
        assert!((5..=80).contains(&summary.len()) && !summary.ends_with('.'), "{place}: {summary}");
        assert!(ids.insert(text(operation, "operationId").to_owned()), "{place}: its name is another's");
        let security = operation["security"].as_array().expect("who may call it");
        let scopes = security.iter().flat_map(|one| one["bearer"].as_array().into_iter().flatten());
        let known = scopes
            .filter_map(Value::as_str)
            .all(|scope| gametriggers_actors::domain::scope::Scope::from_code(scope).is_some());
        assert!(known, "{place}: {security:?}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(text(parameter, "description").len() > 3, "{place}: {}", parameter["name"]);
        }
    }
    assert!(ids.len() > 90, "{}", ids.len());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = whole();
    let mut seen = 0;
    each(&document, "", &mut |place, value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            seen += 1;
            assert!(named(&document, reference).is_some(), "{place}: {reference}");
        }
    });
    assert!(seen > 500, "{seen}");
}

#[test]
fn every_type_and_every_field_is_described() {
    let document = whole();
    for (name, schema) in object(&document["components"]["schemas"]) {
        each(schema, name, &mut |place, value| {
            let Some(fields) = value.get("properties").and_then(Value::as_object) else { return };
            for (field, schema) in fields {
                // In a choice that is told by a constant, the constant needs no words.
                let said = text(schema, "description").len() > 3 || schema.get("const").is_some();
                assert!(said || place.ends_with("age_bands_bps") || name == "AgeBands", "{place}.{field}");
            }
        });
    }
}

/// Everything that a request may bring says how large it may be: texts by their length, their pattern or a
/// list, numbers by both ends, lists by their length.
#[test]
fn nothing_that_is_sent_is_without_bounds() {
    let document = whole();
    let mut looked_at = BTreeSet::new();
    for (place, operation) in operations(&document) {
        if let Some(content) = operation.pointer("/requestBody/content/application~1json/schema") {
            bounded(&document, content, &format!("{place} body"), &mut looked_at);
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = format!("{place} {}", parameter["name"]);
            bounded(&document, &parameter["schema"], &place, &mut looked_at);
        }
    }
    assert!(looked_at.len() > 30, "{looked_at:?}");
}

fn bounded(document: &Value, schema: &Value, place: &str, looked_at: &mut BTreeSet<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if looked_at.insert(reference.to_owned()) {
            let schema = named(document, reference).expect("a definition");
            bounded(document, schema, reference, looked_at);
        }
        return;
    }
    let has = |key: &str| schema.get(key).is_some();
    let is = |kind: &str| match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(many) => many.iter().any(|one| one == kind),
        _ => false,
    };
    let listed = has("enum") || has("const");
    if is("string") {
        assert!(
            listed || has("anyOf") || has("maxLength") || has("pattern") || has("format"),
            "{place}: {schema}"
        );
    }
    if is("integer") {
        assert!(has("anyOf") || (has("minimum") && has("maximum")), "{place}: {schema}");
    }
    assert!(!is("number"), "{place}: there are whole numbers only: {schema}");
    if is("array") {
        assert!(has("maxItems"), "{place}: {schema}");
        bounded(document, &schema["items"], &format!("{place}[]"), looked_at);
    }
    if is("object") {
        assert_eq!(schema["additionalProperties"], Value::Bool(false), "{place}: {schema}");
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        bounded(document, field, &format!("{place}.{name}"), looked_at);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for one in schema.get(choice).and_then(Value::as_array).into_iter().flatten() {
            bounded(document, one, place, looked_at);
        }
    }
}

/// That they can be read by the type that reads them, `document` looks at itself.
#[test]
fn every_body_and_every_answer_has_an_example_that_could_be_one() {
    let document = whole();
    let (mut examples, mut unsaid) = (0, Vec::new());
    for (place, operation) in operations(&document) {
        each(operation, &place, &mut |place, value| {
            let Some(content) = value.get("application/json") else { return };
            let example = content.get("example").unwrap_or_else(|| panic!("{place}: no example"));
            examples += 1;
            each(example, place, &mut |place, value| {
                if value.as_str() == Some(UNKNOWN) {
                    unsaid.push(place.to_owned());
                }
            });
        });
    }
    assert!(unsaid.is_empty(), "nobody has said what these look like: {unsaid:#?}");
    assert!(examples > 150, "{examples}");
}

#[test]
fn what_is_spelled_out_comes_before_what_may_be_any_word() {
    let mut paths = ["/a/{any}/c", "/a/{any}", "/a/b", "/{any}", "/a/{any}/{more}", "/a/z/{any}"];
    paths.sort_by_cached_key(|path| by_part(path));
    assert_eq!(paths, ["/a/b", "/a/z/{any}", "/a/{any}", "/a/{any}/c", "/a/{any}/{more}", "/{any}"]);
}
