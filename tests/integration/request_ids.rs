//! Every answer says what its request is called, and so does a problem.

use crate::support::TestApp;
use crate::support::http::{Request, Response};
use crate::support::socket::{handshake, upgrade};
use std::collections::HashSet;
use tokio::net::TcpStream;

const HEADER: &str = "x-request-id";

fn is_new(id: &str) -> bool {
    id.len() == 36 && id.parse::<uuid::Uuid>().is_ok_and(|id| id.get_version_num() == 7)
}

#[actix_rt::test]
async fn every_answer_has_an_id_of_its_own() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let mut seen = HashSet::new();
    for (path, status) in [
        ("/", 200),
        ("/health/live", 200),
        ("/metrics", 200),
        ("/.well-known/jwks.json", 200),
        ("/api/campaigns", 200),
        ("/api/nothing", 404),
        ("/nothing", 404),
        ("/assets/none", 404),
        ("/r/none", 404),
        ("/ws/overlay", 404),
        ("/api/brands/999/wallet", 404),
    ] {
        let answer = app.send(Request::get(path).key(&brand.key)).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(is_new(answer.header(HEADER)), "{path}: {:?}", answer.header(HEADER));
        assert!(seen.insert(answer.header(HEADER).to_owned()), "{path}");
        if answer.header("content-type") == "application/problem+json" {
            assert_eq!(answer.json()["request_id"], answer.header(HEADER), "{path}");
        }
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_client_s_own_id_comes_back_if_a_log_can_bear_it() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let ask =
        async |path: &str, id: &str| app.send(Request::get(path).key(&brand.key).header(HEADER, id)).await;
    let longest = "x".repeat(64);
    for id in ["a", "Trace-1.2_3", longest.as_str()] {
        assert_eq!(ask("/api/campaigns", id).await.header(HEADER), id);
        let problem = ask("/api/campaigns/7", id).await;
        assert_eq!(problem.header(HEADER), id);
        assert_eq!(problem.problem(404, "not-found")["request_id"], id);
    }
    let longer = "x".repeat(65);
    for id in ["", "a b", "a\tb", "a\"b", "é", "a;b", longer.as_str()] {
        let answer = ask("/api/campaigns", id).await;
        assert!(is_new(answer.header(HEADER)), "{id:?}: {}", answer.header(HEADER));
    }
    app.finish().await;
}

#[actix_rt::test]
async fn problems_of_every_origin_name_their_request() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let named = |answer: &Response, status: u16, name: &str| {
        assert_eq!(answer.problem(status, name)["request_id"], answer.header(HEADER));
        assert!(is_new(answer.header(HEADER)));
    };
    // Before the handler, in it, in the reading of a body, and where an upload holds the connection.
    named(&app.send(Request::get("/api/campaigns")).await, 401, "unauthorized");
    named(&app.send(Request::get("/api/campaigns/7").key(&brand.key)).await, 404, "not-found");
    named(
        &app.send(Request::new("DELETE", "/api/campaigns").key(&brand.key)).await,
        405,
        "method-not-allowed",
    );
    let post = Request::new("POST", "/api/campaigns").key(&brand.key).idempotent("unreadable");
    named(&app.send(post.header("content-type", "application/json").bytes("{")).await, 400, "malformed");
    let upload = app.add_asset(&brand.key, b"no picture").await;
    assert_eq!((upload.json()["request_id"].as_str().unwrap(), upload.status), (upload.header(HEADER), 415));
    app.finish().await;
}

#[actix_rt::test]
async fn a_handshake_has_one_as_well() {
    let app = TestApp::start().await;
    for (path, status) in [("/ws/overlay", 101), ("/ws/other", 404)] {
        let knock = async |more: &[(&str, &str)]| {
            let stream = TcpStream::connect(app.addr).await.unwrap();
            handshake(stream, &upgrade(app.addr, path, more)).await
        };
        let own = knock(&[("X-Request-Id", "mine")]).await;
        assert_eq!((own.status, own.headers[HEADER].as_str()), (status, "mine"));
        assert!(is_new(&knock(&[]).await.headers[HEADER]));
    }
    app.finish().await;
}
