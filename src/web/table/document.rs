//! The contract: OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1), written from the table. Schemas come from the
//! types that are read and sent, so that they can not say anything else.

use super::example::example;
use super::part::Part;
use super::schemas::{Schemas, bound, reference, rename, set};
use super::{Access, Answer, Body, Keyed, Operation, Section};
use crate::web::problem::Named;
use crate::web::problem_kind::{KINDS, kind_of};
use actix_web::http::{Method, StatusCode};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is said of the API as a whole.
const ABOUT: &str = include_str!("about.md");

/// The whole document.
pub(in crate::web) fn document(table: &[Section]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut readers = Vec::new();
    for section in table {
        for resource in &section.resources {
            let path = format!("{}{}", section.root, resource.path);
            for operation in &resource.operations {
                let described = describe(section, &path, operation, &mut schemas);
                let method = operation.method.as_str().to_ascii_lowercase();
                if let Body::Json(_, reads) | Body::Maybe(_, reads) = operation.body {
                    readers.push((path.clone(), method.clone(), reads));
                }
                paths.entry(path.clone()).or_default().insert(method, described);
            }
        }
    }
    let problem = schemas.sent(SchemaGenerator::subschema_for::<Named<'_>>);
    let (definitions, differ) = schemas.end();
    for operation in paths.values_mut().flat_map(Map::values_mut) {
        if let Some(responses) = operation.get_mut("responses") {
            rename(responses, &differ);
        }
        add_examples(operation, &definitions);
    }
    for (path, method, reads) in readers {
        let operation = paths.get(&path).and_then(|methods| methods.get(&method));
        let example = operation.and_then(|it| it.pointer("/requestBody/content/application~1json/example"));
        let read = example.map_or(Err("there is none".to_owned()), |example| reads(&example.to_string()));
        debug_assert_eq!(read, Ok(()), "the example of {method} {path}");
    }
    let mut schemas = Value::Object(definitions);
    let mut described = json!(paths);
    bound(&mut schemas);
    bound(&mut described);
    let tags = table.iter().map(|section| json!({ "name": section.name, "description": section.about }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gametriggers",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags.collect::<Vec<_>>(),
        // OpenAPI has no place for a closed list of problems.
        "x-problem-types": problem_types(),
        "paths": described,
        "components": {
            "schemas": schemas,
            "responses": responses(&problem),
            "headers": headers(),
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, or a user's access token. The list names the scope it needs.",
            } },
        },
    })
}

fn describe(section: &Section, path: &str, operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut out = json!({
        "tags": [section.name],
        "summary": operation.summary,
        "operationId": id(path, &operation.method),
        "security": security(operation.access),
        "parameters": parameters(path, operation),
        "responses": answers(path, operation, schemas),
    });
    if !operation.details.is_empty() {
        set(&mut out, "description", json!(operation.details));
    }
    let content = match &operation.body {
        Body::None => return out,
        Body::Json(shape, _) | Body::Maybe(shape, _) => {
            json!({ "application/json": { "schema": schemas.read(*shape) } })
        }
        Body::Bytes(types) => {
            Value::Object(types.iter().map(|media| ((*media).to_owned(), bytes_of(media))).collect())
        }
    };
    set(
        &mut out,
        "requestBody",
        json!({ "required": !matches!(operation.body, Body::Maybe(..)), "content": content }),
    );
    out
}

fn bytes_of(media: &str) -> Value {
    if media != "multipart/form-data" {
        return json!({});
    }
    let file = json!({
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "The picture or the video.",
    });
    json!({ "schema": {
        "type": "object",
        "properties": { "file": file },
        "required": ["file"],
        "additionalProperties": false,
    } })
}

/// A name for clients that are made from the document: the method and the words of the path. What is not
/// under `/api` is told from what is, whose path may be the same behind it.
fn id(path: &str, method: &Method) -> String {
    let named = path.strip_prefix("/api").map_or_else(|| format!("/services{path}"), str::to_owned);
    let words = named.split(['/', '-', '.']).filter(|word| !word.is_empty());
    let words = words.map(|word| match word.strip_prefix('{') {
        Some(name) => format!("by_{}", name.trim_end_matches('}')),
        None => word.to_owned(),
    });
    words.fold(method.as_str().to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn security(access: Access) -> Value {
    match access {
        Access::Anyone => json!([]),
        Access::Service | Access::User => json!([{ "bearer": [] }]),
        Access::Scopes(any) => any.iter().map(|scope| json!({ "bearer": [scope.code()] })).collect(),
    }
}

fn parameters(path: &str, operation: &Operation) -> Vec<Value> {
    let names =
        path.split('/').filter_map(|part| part.split_once('{')).filter_map(|(_, rest)| rest.split_once('}'));
    let mut all: Vec<Value> = names.map(|(name, _)| in_path(path, name)).collect();
    let queried = operation.query.map(|shape| {
        // In place: a query has no name of its own.
        let mut inline = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator();
        shape(&mut inline).to_value()
    });
    if let Some(query) = queried {
        all.extend(in_query(&query));
    }
    let header = |name: &str, required: bool, about: &str, schema: Value| {
        let about = json!(about);
        json!({ "name": name, "in": "header", "required": required, "description": about, "schema": schema })
    };
    if operation.keyed != Keyed::No {
        let schema = json!({
            "type": "string",
            "minLength": 8,
            "maxLength": 128,
            "pattern": "^[!-~]+$",
            "examples": ["order-2026-0001"],
        });
        let about =
            "The same key with the same request does nothing a second time, and is answered as before.";
        all.push(header("Idempotency-Key", operation.keyed == Keyed::Always, about, schema));
    }
    if operation.versioned {
        all.extend(version(path, operation).map(|(name, about)| {
            let schema = json!({
                "type": "string",
                "anyOf": [{ "const": "*" }, { "pattern": r#"^"[0-9]{1,18}"$"# }],
            });
            header(name, false, about, schema)
        }));
    }
    all
}

/// The header that a version is named in, and what it is for.
fn version(path: &str, operation: &Operation) -> Option<(&'static str, &'static str)> {
    match operation.method {
        Method::GET => Some((
            "If-None-Match",
            "Answered with 304 when it still has this version. A list of versions and `*` are taken as well.",
        )),
        // What is made has no version yet; what it is made for may have one.
        Method::POST if operation.status == StatusCode::CREATED && !path.contains('{') => None,
        _ => Some((
            "If-Match",
            "The change is made to this version, or not at all. `*` is any version, as without it.",
        )),
    }
}

fn in_path(path: &str, name: &str) -> Value {
    let part = Part::of(path, name);
    let about = part.about(path, name);
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": part.schema() })
}

fn in_query(query: &Value) -> Vec<Value> {
    let required: Vec<&Value> =
        query.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let fields = query.get("properties").and_then(Value::as_object).into_iter().flatten();
    let parameter = |(name, field): (&String, &Value)| {
        let mut schema = field.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        without_null(&mut schema);
        let required = required.contains(&&json!(name));
        let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
        if let Some(about) = about {
            set(&mut parameter, "description", about);
        }
        parameter
    };
    fields.map(parameter).collect()
}

/// A query leaves out what it does not say.
fn without_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    fields.remove("default");
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|one| !one.is_null());
    }
}

fn answers(path: &str, operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut all = Map::new();
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if path.starts_with("/api/") {
        for name in ["RateLimit", "RateLimit-Policy"] {
            set(&mut headers, name, json!({ "$ref": format!("#/components/headers/{name}") }));
        }
    }
    if operation.versioned {
        set(&mut headers, "ETag", json!({ "$ref": "#/components/headers/ETag" }));
    }
    if operation.status == StatusCode::CREATED || matches!(operation.answer, Answer::Elsewhere) {
        set(&mut headers, "Location", json!({ "$ref": "#/components/headers/Location" }));
    }
    let said = operation.status.canonical_reason().unwrap_or("Done");
    let mut good = json!({ "description": said, "headers": headers });
    match operation.answer {
        Answer::Json(shape) => {
            set(&mut good, "content", json!({ "application/json": { "schema": schemas.sent(shape) } }));
        }
        Answer::Nothing | Answer::Elsewhere => {}
    }
    if let Some(media) = operation.or_bytes
        && let Some(content) = good.get_mut("content")
    {
        set(content, media, json!({}));
    }
    if let Some(shape) = operation.or_accepted {
        let mut waits = good.clone();
        set(&mut waits, "description", json!("Somebody else decides first"));
        set(&mut waits, "content", json!({ "application/json": { "schema": schemas.sent(shape) } }));
        all.insert("202".to_owned(), waits);
    }
    if operation.or_ok {
        all.insert("200".to_owned(), good.clone());
    }
    all.insert(operation.status.as_str().to_owned(), good);
    if operation.versioned && operation.method == Method::GET {
        all.insert("304".to_owned(), json!({ "description": "It still has the version that is known" }));
    }
    for (status, names) in problems(path, operation) {
        let answer = match names.as_slice() {
            // What most operations answer alike is written once.
            [one] if *one == standard(status) => json!({ "$ref": format!("#/components/responses/{one}") }),
            many => refusal(many, &json!({ "$ref": reference("Problem") })),
        };
        all.insert(status.as_str().to_owned(), answer);
    }
    Value::Object(all)
}

/// The problem that most operations mean by a status.
fn standard(status: StatusCode) -> &'static str {
    KINDS.iter().find(|kind| kind.status == status).map_or("malformed", |kind| kind.name)
}

fn problems(path: &str, operation: &Operation) -> BTreeMap<StatusCode, Vec<&'static str>> {
    let mut names = operation.problems.clone();
    let has_body = !matches!(operation.body, Body::None);
    let asks = has_body || operation.query.is_some() || operation.keyed != Keyed::No || operation.versioned;
    let is_closed = operation.access != Access::Anyone;
    let mut also = |names_of: &[&'static str], when: bool| names.extend(names_of.iter().filter(|_| when));
    also(&["malformed"], asks);
    also(&["unauthorized"], is_closed);
    also(&["forbidden"], is_closed && operation.access != Access::Service);
    also(&["not-found"], path.contains('{'));
    also(&["changed"], operation.versioned && operation.method != Method::GET);
    also(&["too-large", "unsupported-media-type"], has_body);
    also(&["invalid"], has_body || operation.query.is_some());
    also(&["insufficient-funds", "idempotency-conflict"], operation.keyed != Keyed::No);
    also(&["rate-limited"], path.starts_with("/api/"));
    also(&["unavailable"], true);
    let mut by_status: BTreeMap<StatusCode, Vec<&'static str>> = BTreeMap::new();
    for name in names {
        let known = kind_of(name);
        debug_assert!(known.is_some(), "{name} is not in the list of problems");
        let Some(kind) = known else { continue };
        let there = by_status.entry(kind.status).or_default();
        if !there.contains(&kind.name) {
            there.push(kind.name);
        }
    }
    by_status
}

/// All problems there are, by the last part of their `type`.
fn problem_types() -> Value {
    let all = KINDS
        .iter()
        .map(|kind| json!({ "name": kind.name, "status": kind.status.as_u16(), "description": kind.about }));
    all.collect()
}

/// An answer that is one of some problems.
fn refusal(names: &[&str], schema: &Value) -> Value {
    let kinds: Vec<_> = names.iter().filter_map(|name| kind_of(name)).collect();
    let lines: Vec<_> = kinds.iter().map(|kind| format!("`{}`: {}", kind.name, kind.about)).collect();
    let examples = kinds.iter().map(|kind| {
        let kind_of = format!("/problems/{}", kind.name);
        let value = json!({ "type": kind_of, "title": kind.about, "status": kind.status.as_u16() });
        (kind.name.to_owned(), json!({ "value": value }))
    });
    json!({
        "description": lines.join("\n\n"),
        "headers": { "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } },
        "content": { "application/problem+json": {
            "schema": schema,
            "examples": examples.collect::<Map<_, _>>(),
        } },
    })
}

fn responses(problem: &Value) -> Value {
    let mut seen = Vec::new();
    let mut all = Map::new();
    for kind in KINDS {
        if !seen.contains(&kind.status) {
            seen.push(kind.status);
            all.insert(kind.name.to_owned(), refusal(&[kind.name], problem));
        }
    }
    Value::Object(all)
}

fn headers() -> Value {
    let header = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    json!({
        "ETag": header("The version of the resource."),
        "Location": header("Where it is."),
        "RateLimit": header("What is left of each limit: `r` requests now, and one more in `t` seconds."),
        "RateLimit-Policy": header("The limits: `q` requests at once, which come back within `w` seconds."),
        "X-Request-Id": header("The caller's own, or a new one; it stands in the log."),
    })
}

fn add_examples(operation: &mut Value, definitions: &Map<String, Value>) {
    let places = ["/requestBody/content/application~1json"];
    let given = ["200", "201", "202"].map(|status| format!("/responses/{status}/content/application~1json"));
    for place in places.into_iter().map(str::to_owned).chain(given) {
        if let Some(content) = operation.pointer_mut(&place)
            && let Some(schema) = content.get("schema")
        {
            let example = example(schema, definitions);
            set(content, "example", example);
        }
    }
}
