//! So many requests and no more: of a key, of a user, of an address. One flood is nobody else's drought.

use crate::support::TestApp;
use crate::support::http::{Request, Response};
use serde_json::json;
use std::time::Duration;

/// Small allowances: two a second, three of them at once.
const SMALL: [(&str, &str); 9] = [
    ("SERVER__TRUSTED_PROXIES", r#"["127.0.0.1"]"#),
    ("LIMITS__KEY_PER_MINUTE", "120"),
    ("LIMITS__KEY_BURST", "3"),
    ("LIMITS__USER_PER_MINUTE", "120"),
    ("LIMITS__USER_BURST", "3"),
    ("LIMITS__ADDRESS_PER_MINUTE", "60"),
    ("LIMITS__ADDRESS_BURST", "4"),
    ("LIMITS__WRITE_PER_MINUTE", "30"),
    ("LIMITS__WRITE_BURST", "1"),
];

const LIST: &str = "/api/campaigns";

/// From that address, as a trusted proxy says.
async fn ask(app: &TestApp, from: &str, path: &str, key: &str) -> Response {
    app.send(Request::get(path).key(key).header("x-forwarded-for", from)).await
}

fn assert_limited(answer: &Response) {
    let problem = answer.problem(429, "rate-limited");
    assert_eq!(problem["retry_after_s"].to_string(), answer.header("retry-after"));
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
}

#[actix_rt::test]
async fn a_key_is_told_what_it_has_left_and_gets_more_in_time() {
    let app = TestApp::with(&SMALL).await;
    let brand = app.brand("Crisp", 0).await;
    let limited = app.watch("gametriggers_http_limited_total", "key").await;
    for left in [2, 1, 0] {
        let answer = ask(&app, "192.0.2.1", LIST, &brand.key).await;
        answer.ok(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=3;w=2");
        assert_eq!(answer.header("ratelimit"), format!("\"key\";r={left};t=1"));
        assert_eq!(answer.header("retry-after"), "");
    }
    // The same key is the same caller wherever it comes from.
    let refused = ask(&app, "192.0.2.2", LIST, &brand.key).await;
    assert_limited(&refused);
    assert_eq!((refused.header("ratelimit"), refused.header("retry-after")), ("\"key\";r=0;t=1", "1"));
    assert_eq!(refused.header("ratelimit-policy"), "\"key\";q=3;w=2");
    limited.grows(&app, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ask(&app, "192.0.2.1", LIST, &brand.key).await.ok(200);
    app.finish().await;
}

#[actix_rt::test]
async fn one_flood_is_nobody_else_s_drought() {
    let app = TestApp::with(&SMALL).await;
    let (loud, quiet) = (app.brand("Loud", 0).await, app.brand("Quiet", 0).await);
    let flood = async || {
        let mut refused = 0;
        for _ in 0..40 {
            refused += u32::from(ask(&app, "192.0.2.1", LIST, &loud.key).await.status == 429);
        }
        assert!(refused >= 25, "{refused}");
    };
    flood().await;
    for from in ["192.0.2.2", "192.0.2.1"] {
        ask(&app, from, LIST, &quiet.key).await.ok(200);
    }
    // The address of the flood has its own allowance still: it came with a good key.
    ask(&app, "192.0.2.1", LIST, "").await.problem(401, "unauthorized");
    // What is not the API is not counted at all.
    for _ in 0..20 {
        for path in ["/", "/health/live", "/metrics", "/.well-known/jwks.json", "/overlay/"] {
            assert_eq!(ask(&app, "192.0.2.1", path, &loud.key).await.status, 200, "{path}");
        }
    }
    app.finish().await;
}

#[actix_rt::test]
async fn who_shows_no_good_key_is_counted_by_address() {
    let app = TestApp::with(&SMALL).await;
    let brand = app.brand("Crisp", 0).await;
    let limited = app.watch("gametriggers_http_limited_total", "address").await;
    for key in ["", "gt_brand_guess_1", "a.b.c", "gt_brand_guess_2"] {
        let answer = ask(&app, "192.0.2.1", LIST, key).await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("ratelimit-policy"), "\"address\";q=4;w=4");
    }
    // Guessing on, asking without any, what is not there, and a body that is never read.
    for (path, key) in [(LIST, "gt_brand_guess_3"), (LIST, ""), ("/api/nothing", "")] {
        assert_limited(&ask(&app, "192.0.2.1", path, key).await);
    }
    let post = Request::new("POST", "/api/auth/sign-in").header("x-forwarded-for", "192.0.2.1");
    assert_limited(&app.send(post.header("content-type", "application/json").bytes("{")).await);
    limited.grows(&app, 4).await;
    ask(&app, "192.0.2.2", LIST, "").await.problem(401, "unauthorized");
    ask(&app, "192.0.2.1", LIST, &brand.key).await.ok(200);
    // A household has one allowance, however many addresses of IPv6 it has.
    for last in 1..=4 {
        ask(&app, &format!("2001:db8:1:2::{last}"), LIST, "").await.problem(401, "unauthorized");
    }
    assert_limited(&ask(&app, "2001:db8:1:2:ffff::9", LIST, "").await);
    ask(&app, "2001:db8:1:3::1", LIST, "").await.problem(401, "unauthorized");
    // Nobody but a trusted proxy names addresses.
    let app = {
        app.finish().await;
        TestApp::with(&SMALL[1..]).await
    };
    let names = (1..=5).map(|n| format!("192.0.2.{n}"));
    let mut last = None;
    for name in names {
        last = Some(ask(&app, &name, LIST, "").await);
    }
    assert_limited(&last.unwrap());
    app.finish().await;
}

#[actix_rt::test]
async fn changes_have_a_narrower_limit_and_count_as_requests() {
    let app = TestApp::with(&SMALL).await;
    let brand = app.brand("Crisp", 0).await;
    let change = async || {
        let request = Request::new("PATCH", "/api/campaigns/7").key(&brand.key).json(&json!({}));
        app.send(request).await
    };
    let answer = change().await;
    answer.problem(404, "not-found");
    assert_eq!(answer.header("ratelimit-policy"), "\"write\";q=1;w=2, \"key\";q=3;w=2");
    assert_eq!(answer.header("ratelimit"), "\"write\";r=0;t=2, \"key\";r=2;t=1");
    let refused = change().await;
    assert_limited(&refused);
    assert_eq!(refused.header("ratelimit"), "\"write\";r=0;t=2");
    let answer = ask(&app, "192.0.2.1", LIST, &brand.key).await;
    assert!(answer.header("ratelimit").starts_with("\"key\";r=1"), "{}", answer.header("ratelimit"));
    app.finish().await;
}

#[actix_rt::test]
async fn a_user_has_one_allowance_in_all_sessions() {
    let app = TestApp::with(&SMALL).await;
    let user = json!({
        "email": "ada@example.com", "password": "correct horse battery staple 9",
        "name": "Ada", "type": "brand",
    });
    let sign = async |path: &str, body| {
        let tokens = app.send(Request::new("POST", path).json(&body)).await.json();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    };
    let first = sign("/api/auth/sign-up", user.clone()).await;
    let second = json!({ "email": user["email"], "password": user["password"] });
    let second = sign("/api/auth/sign-in", second).await;
    for (token, left) in [(&first, 2), (&second, 1), (&first, 0)] {
        let answer = ask(&app, "192.0.2.1", "/api/auth/me", token).await;
        answer.ok(200);
        assert_eq!(answer.header("ratelimit"), format!("\"user\";r={left};t=1"));
    }
    assert_limited(&ask(&app, "192.0.2.1", "/api/auth/me", &second).await);
    app.finish().await;
}

#[actix_rt::test]
async fn without_limits_nobody_hears_of_any() {
    let off = ["KEY", "USER", "ADDRESS", "WRITE"].map(|who| format!("LIMITS__{who}_PER_MINUTE"));
    let off: Vec<_> = off.iter().map(|name| (name.as_str(), "0")).collect();
    let app = TestApp::with(&off).await;
    let brand = app.brand("Crisp", 0).await;
    for _ in 0..300 {
        let answer = app.list_campaigns("", "").await;
        answer.problem(401, "unauthorized");
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("", ""));
    }
    app.change_campaign(&brand.key, gametriggers_actors::domain::id::CampaignId(7), "", &json!({}))
        .await
        .problem(404, "not-found");
    app.finish().await;
}
