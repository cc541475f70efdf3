//! Who may call what: every operation of the contract, with what each caller is answered. An operation that
//! is in the contract and not in the table below fails the test, and the other way round.
//!
//! Bodies are the examples of the contract, so that a stranger is refused for what they are and not for what
//! they sent.

use crate::support::http::{Request, Response};
use crate::support::{TestApp, eventually, sleep_ms};
use gametriggers_actors::domain::time::Millis;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One line an operation: who owns it, and what the brand of the things, another brand, the streamer of the
/// things, another streamer and an operator are answered. `in` is anything that the handler answers to who
/// may come in; `some` may as well be that there is nothing (404).
///
/// `open` is for everybody; `user` for users with an access token, so that a key is not enough.
const TABLE: &str = include_str!("authorisation.txt");

/// Those who come with a key.
const CALLERS: [&str; 5] = ["owner", "rival", "streamer", "other streamer", "operator"];

struct Line {
    method: &'static str,
    path: &'static str,
    expected: Vec<&'static str>,
}

fn table() -> Vec<Line> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &'static str| {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let expected: Vec<_> = words.collect();
        assert!(
            matches!(expected.as_slice(), ["open" | "user" | "service"]) || expected.len() == 5,
            "{line}"
        );
        Line { method, path, expected }
    };
    lines.map(read).collect()
}

/// The things of one brand and one streamer, and everybody who may want to touch them.
struct Stage {
    app: TestApp,
    document: Value,
    keys: Vec<String>,
    /// Of a user of the brand.
    token: String,
    ids: BTreeMap<&'static str, String>,
}

impl Stage {
    async fn set() -> Self {
        // All of them come from one address, and none of them is slow.
        let limits = ["KEY", "USER", "ADDRESS", "WRITE"].map(|by| (format!("LIMITS__{by}_PER_MINUTE"), "0"));
        let limits: Vec<(&str, &str)> = limits.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let app = TestApp::with(&limits).await;
        let document = app.send(Request::get("/api/openapi.json")).await.ok(200);
        let (brand, rival) =
            (app.brand("Volt", 90_000_000_000).await, app.brand("Rival", 1_000_000_000).await);
        let (nova, vega) = (app.streamer("Nova").await, app.streamer("Vega").await);
        let operator = app.admin_key().await;
        let campaign = app.campaign(&brand, "Launch", 100).await;
        let mut ids = BTreeMap::from([
            ("campaign", campaign.to_string()),
            ("brand", brand.id.to_string()),
            ("streamer", nova.id.to_string()),
        ]);
        let keys = vec![brand.key.clone(), rival.key, nova.key.clone(), vega.key, operator.clone()];
        let post = async |path: &str, key: &str, body: &Value| {
            app.send(Request::new("POST", path).key(key).idempotent("a-key-of-the-stage").json(body)).await
        };
        let of_campaign = format!("/api/campaigns/{campaign}/participations");
        post(&of_campaign, &brand.key, &json!({ "streamer_id": nova.id.0 })).await.ok(201);
        let asset =
            app.add_asset(&brand.key, include_bytes!("../../config/demo/northpeak-corner.webp")).await;
        ids.insert("asset", text(&asset.ok(201), "name"));
        let rule = json!({ "name": "one brand", "type": "simultaneous_limit", "severity": "advisory",
                           "config": { "scope": "streamer", "campaigns_max": 9, "span_s": 60 },
                           "reason": "a test" });
        ids.insert("rule", number(&post("/api/conflict-rules", &operator, &rule).await, "id"));
        let hook = json!({ "url": "https://hooks.example.com/volt", "events": ["campaign.paused"] });
        ids.insert("webhook", number(&post("/api/webhooks", &brand.key, &hook).await, "id"));
        let key =
            post(&format!("/api/brands/{}/keys", brand.id), &brand.key, &json!({ "name": "one" })).await;
        ids.insert("brand key", text(&key.ok(201), "key_id"));
        let key =
            post(&format!("/api/streamers/{}/keys", nova.id), &nova.key, &json!({ "name": "one" })).await;
        ids.insert("streamer key", text(&key.ok(201), "key_id"));
        let overlay =
            post(&format!("/api/streamers/{}/overlay-keys", nova.id), &nova.key, &json!({ "name": "OBS" }))
                .await;
        ids.insert("overlay key", text(&overlay.ok(201), "key_id"));
        let sign_up = json!({ "email": "ada@volt.example", "password": "correct horse battery staple",
                              "name": "Ada", "type": "brand" });
        let user = post("/api/auth/sign-up", "", &sign_up).await.ok(201);
        ids.insert("user", user["user"]["user_id"].to_string());
        Self { token: text(&user, "access_token"), app, document, keys, ids }
    }

    fn operation(&self, line: &Line) -> &Value {
        let operation = &self.document["paths"][line.path][line.method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{} {} is not in the contract", line.method, line.path);
        operation
    }

    /// The path with the things of the stage in it.
    fn path(&self, template: &str) -> String {
        let thing = |name: &str| self.ids.get(name).cloned().unwrap_or_else(|| "4711".to_owned());
        let mut parts: Vec<String> = Vec::new();
        for part in template.split('/') {
            let kind = parts.last().map(String::as_str).unwrap_or_default();
            let filled = match (part, kind) {
                ("{id}", "campaigns") => thing("campaign"),
                ("{id}", "brands") => thing("brand"),
                ("{id}" | "{streamer_id}", "streamers" | "participations") => thing("streamer"),
                ("{id}", "conflict-rules") => thing("rule"),
                ("{id}", "webhooks") => thing("webhook"),
                ("{id}", "users") => thing("user"),
                ("{id}", "keys") | ("{key_id}", "keys") if template.contains("streamers") => {
                    thing("streamer key")
                }
                ("{id}", "keys") | ("{key_id}", "keys") => thing("brand key"),
                ("{key_id}", _) => thing("overlay key"),
                ("{name}", _) => thing("asset"),
                ("{provider}", _) => "twitch".to_owned(),
                ("{platform}", _) => "twitch".to_owned(),
                (part, _) if part.starts_with('{') => "4711".to_owned(),
                (part, _) => part.to_owned(),
            };
            parts.push(filled);
        }
        parts.join("/")
    }

    fn request(&self, line: &Line, key: &str) -> Request {
        let operation = self.operation(line);
        let path = self.path(line.path);
        let request = Request::new(line.method, path).key(key).idempotent("a-key-of-the-table");
        match operation.pointer("/requestBody/content/application~1json/example") {
            Some(example) => request.json(example),
            None if operation.get("requestBody").is_some() => request.bytes("no picture"),
            None => request,
        }
    }

    async fn ask(&self, line: &Line, key: &str) -> Response {
        self.app.send(self.request(line, key)).await
    }

    /// A key of an operator's with all scopes but those that an operation asks for.
    async fn without(&self, scopes: &BTreeSet<String>) -> String {
        let all = [
            "campaigns:read",
            "campaigns:write",
            "wallet:read",
            "wallet:write",
            "streamer:read",
            "streamer:write",
            "assets:write",
            "rules:read",
            "admin",
            "keys:read",
            "keys:write",
        ];
        let some: Vec<_> = all.into_iter().filter(|scope| !scopes.contains(*scope)).collect();
        let body = json!({ "scopes": some, "name": "narrow" });
        let operator = self.keys.last().unwrap();
        let made = self.app.send(Request::new("POST", "/api/admin/admins").key(operator).json(&body)).await;
        text(&made.ok(201), "key")
    }
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

fn number(answer: &Response, field: &str) -> String {
    answer.ok(201)[field].to_string()
}

/// Whether a caller was let in.
fn fits(expected: &str, answer: &Response) -> bool {
    match expected {
        "in" => !matches!(answer.status, 401 | 403 | 404 | 405) && answer.status < 500,
        "some" => !matches!(answer.status, 401 | 403 | 405) && answer.status < 500,
        status => answer.status.to_string() == status,
    }
}

#[actix_rt::test]
async fn the_table_has_every_operation_of_the_contract_and_no_other() {
    let app = TestApp::start().await;
    let document = app.send(Request::get("/api/openapi.json")).await.ok(200);
    let paths: &Map<String, Value> = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
    });
    let known: BTreeSet<String> =
        table().iter().map(|line| format!("{} {}", line.method, line.path)).collect();
    let there: BTreeSet<String> = operations.collect();
    assert_eq!(there.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the table");
    assert_eq!(known.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the contract");
    app.finish().await;
}

#[actix_rt::test]
async fn who_may_not_come_in_is_answered_as_the_table_says() {
    let stage = Stage::set().await;
    let dead = dead_keys(&stage).await;
    let mut wrong = Vec::new();
    let mut asked = 0;
    for line in table() {
        let what = format!("{} {}", line.method, line.path);
        let (closed, kind) = match line.expected.as_slice() {
            ["open"] => (false, "open"),
            ["service"] => (true, "service"),
            ["user"] => (true, "user"),
            _ => (true, "scoped"),
        };
        let mut expect = async |who: &str, key: &str, status: &str| {
            let answer = stage.ask(&line, key).await;
            asked += 1;
            if !fits(status, &answer) {
                wrong.push(format!(
                    "{what}: {who} got {} and not {status}: {}",
                    answer.status,
                    answer.text()
                ));
            }
        };
        if closed {
            for (who, key) in [("nobody", ""), ("a stranger", "gt_brand_0123456789abcdef")] {
                expect(who, key, "401").await;
            }
            for (who, key) in &dead {
                expect(who, key, "401").await;
            }
        }
        match kind {
            "user" => expect("a key", &stage.keys[0], "403").await,
            "scoped" => {
                let operation = stage.operation(&line);
                let choices = operation["security"].as_array().unwrap().iter();
                let needed: BTreeSet<String> = choices
                    .flat_map(|choice| choice["bearer"].as_array().unwrap())
                    .map(|scope| scope.as_str().unwrap().to_owned())
                    .collect();
                assert!(!needed.is_empty(), "{what} needs no scope");
                let narrow = stage.without(&needed).await;
                expect("a key without the scope", &narrow, "403").await;
                for ((who, key), status) in CALLERS.iter().zip(&stage.keys).zip(&line.expected) {
                    if !matches!(*status, "in" | "some") {
                        expect(who, key, status).await;
                    }
                }
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    println!("asked={asked} wrong=0");
    stage.app.finish().await;
}

/// A key that is over, one that was revoked, and a token of a user who signed out.
async fn dead_keys(stage: &Stage) -> Vec<(&'static str, String)> {
    let (app, operator) = (&stage.app, stage.keys.last().unwrap());
    let soon = jiff::Timestamp::from_millisecond((app.engine().now() + Millis(400)).0).unwrap();
    let make = async |body: &Value| {
        app.send(Request::new("POST", "/api/admin/admins").key(operator).json(body)).await.ok(201)
    };
    let expired = make(&json!({ "name": "short", "expires_at": soon.to_string() })).await;
    let revoked = make(&json!({ "name": "gone" })).await;
    let path = format!("/api/admin/keys/{}", text(&revoked, "key_id"));
    assert_eq!(app.send(Request::new("DELETE", path).key(operator)).await.status, 204);
    let body = json!({ "email": "bo@volt.example", "password": "correct horse battery",
                       "name": "Bo", "type": "brand" });
    let user = app.send(Request::new("POST", "/api/auth/sign-up").json(&body)).await.ok(201);
    let token = text(&user, "access_token");
    assert_eq!(app.send(Request::new("POST", "/api/auth/sign-out").key(&token)).await.status, 204);
    sleep_ms(500).await;
    eventually("the key is over", async || {
        app.send(Request::get("/api/admin/keys").key(&text(&expired, "key"))).await.status == 401
    })
    .await;
    vec![
        ("an expired key", text(&expired, "key")),
        ("a revoked key", text(&revoked, "key")),
        ("a dead token", token),
    ]
}

#[actix_rt::test]
async fn who_may_come_in_is_let_in() {
    let mut stage = Stage::set().await;
    let mut wrong = Vec::new();
    for line in table() {
        let callers: Vec<(&str, &str)> = match line.expected.as_slice() {
            ["open"] => vec![("nobody", "any")],
            ["user"] => vec![("a user", "some")],
            ["service"] => Vec::new(),
            expected => CALLERS.into_iter().zip(expected.iter().copied()).collect(),
        };
        for (at, (who, expected)) in callers.into_iter().enumerate() {
            if !matches!(expected, "in" | "some" | "any") {
                continue;
            }
            let key = match who {
                "nobody" => String::new(),
                "a user" => stage.token.clone(),
                _ => stage.keys[at].clone(),
            };
            let answer = stage.ask(&line, &key).await;
            let good = if expected == "any" {
                answer.status < 500 && answer.status != 405
            } else {
                fits(expected, &answer)
            };
            if !good {
                wrong.push(format!(
                    "{} {}: {who} got {}: {}",
                    line.method,
                    line.path,
                    answer.status,
                    answer.text()
                ));
            }
            // What one caller ended the next one would miss.
            if line.method != "GET" && answer.status < 300 {
                stage.app.finish().await;
                stage = Stage::set().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    stage.app.finish().await;
}
