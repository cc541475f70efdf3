//! Whose pages may call the API.

use crate::support::TestApp;
use crate::support::http::{Request, Response};

const STUDIO: &str = "https://studio.example.com";
const OTHER: &str = "https://other.example.com";

fn preflight(path: &str, origin: &str, method: &str, headers: &str) -> Request {
    let request = Request::new("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method);
    if headers.is_empty() { request } else { request.header("access-control-request-headers", headers) }
}

/// A list of words in any order.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
    words.sort();
    words
}

fn assert_silent(answer: &Response) {
    for name in ["origin", "methods", "headers", "credentials"] {
        assert_eq!(answer.header(&format!("access-control-allow-{name}")), "", "{name}");
    }
}

#[actix_rt::test]
async fn a_page_that_may_call_is_told_so_and_sees_what_it_needs() {
    let both = format!(r#"["{STUDIO}", "http://localhost:5173"]"#);
    let limits =
        [("LIMITS__KEY_BURST", "2"), ("LIMITS__ADDRESS_BURST", "2"), ("LIMITS__KEY_PER_MINUTE", "1")];
    let more: Vec<_> = limits.into_iter().chain([("CORS__ALLOWED_ORIGINS", both.as_str())]).collect();
    let app = TestApp::with(&more).await;
    let brand = app.brand("Crisp", 0).await;
    // More of them than an address may send requests: they reach neither limits nor handlers.
    for path in
        ["/api/campaigns", "/api/campaigns/7", "/api/nothing", "/api/auth/me", "/.well-known/jwks.json"]
    {
        for origin in [STUDIO, "http://localhost:5173"] {
            let wanted =
                "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id";
            let answer = app.send(preflight(path, origin, "PATCH", wanted)).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-max-age"), "7200");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            let methods = words(answer.header("access-control-allow-methods"));
            assert_eq!(methods, ["delete", "get", "head", "patch", "post", "put"]);
            let headers = words(answer.header("access-control-allow-headers"));
            assert!(words(wanted).iter().all(|wanted| headers.contains(wanted)), "{headers:?}");
            assert!(words(answer.header("vary")).contains(&"origin".to_owned()));
            assert!(!answer.header("x-request-id").is_empty());
            assert_eq!(answer.header("ratelimit"), "");
        }
    }
    let ask =
        async || app.send(Request::get("/api/campaigns").key(&brand.key).header("origin", STUDIO)).await;
    let exposed = ["etag", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"];
    for status in [200, 200, 429] {
        let answer = ask().await;
        assert_eq!(answer.status, status, "a refusal can be read as well");
        assert_eq!(answer.header("access-control-allow-origin"), STUDIO);
        assert_eq!(words(answer.header("access-control-expose-headers")), exposed);
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn other_pages_are_told_nothing() {
    let app = TestApp::with(&[("CORS__ALLOWED_ORIGINS", &format!(r#"["{STUDIO}"]"#))]).await;
    let brand = app.brand("Crisp", 0).await;
    for origin in [OTHER, "null", "http://studio.example.com", "https://studio.example.com:8443"] {
        let answer = app.send(preflight("/api/campaigns", origin, "GET", "authorization")).await;
        assert_silent(&answer);
        let problem = answer.problem(400, "cross-origin");
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        // The browser keeps the answer from the page; a program that sends the header is no page.
        let answer = app.send(Request::get("/api/campaigns").key(&brand.key).header("origin", origin)).await;
        answer.ok(200);
        assert_silent(&answer);
        assert!(words(answer.header("vary")).contains(&"origin".to_owned()));
    }
    for (method, headers) in [("TRACE", ""), ("GET", "x-forwarded-for"), ("GET", "authorization, cookie")] {
        let answer = app.send(preflight("/api/campaigns", STUDIO, method, headers)).await;
        assert_silent(&answer);
        answer.problem(400, "cross-origin");
    }
    // Only the API has a door for pages of others.
    for path in ["/", "/metrics", "/health/live", "/dashboard/"] {
        assert_silent(&app.send(Request::get(path).header("origin", STUDIO)).await);
        assert_silent(&app.send(preflight(path, STUDIO, "GET", "")).await);
    }
    let keys = app.send(Request::get("/.well-known/jwks.json").header("origin", STUDIO)).await;
    assert_eq!((keys.status, keys.header("access-control-allow-origin")), (200, STUDIO));
    app.finish().await;
}

#[actix_rt::test]
async fn all_pages_may_call_when_it_says_so() {
    let app = TestApp::with(&[("CORS__ALLOWED_ORIGINS", r#"["*"]"#)]).await;
    let brand = app.brand("Crisp", 0).await;
    let answer = app.send(preflight("/api/campaigns", OTHER, "GET", "authorization")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let answer = app.send(Request::get("/api/campaigns").key(&brand.key).header("origin", OTHER)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    app.finish().await;
}

#[actix_rt::test]
async fn without_origins_nothing_is_said_of_it() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let answer = app.send(Request::get("/api/campaigns").key(&brand.key).header("origin", STUDIO)).await;
    answer.ok(200);
    assert_silent(&answer);
    assert_eq!((answer.header("vary"), answer.header("access-control-expose-headers")), ("", ""));
    let answer = app.send(preflight("/api/campaigns", STUDIO, "GET", "")).await;
    assert_silent(&answer);
    answer.problem(405, "method-not-allowed");
    app.finish().await;
}
