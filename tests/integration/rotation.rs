//! A new key for the overlay, and the end of the old one.

use crate::support::TestApp;
use crate::support::http::Request;
use crate::support::page::{hello, open_page};
use crate::support::socket::Socket;
use std::time::Duration;

#[actix_rt::test]
async fn a_rotated_key_is_dead_within_a_second_and_the_new_one_works() {
    let app = TestApp::start().await;
    let mut streamer = app.streamer("Nova").await;
    let mut page = open_page(&app, &streamer, "instance-1").await;
    let path = format!("/api/streamers/{}/overlay-key", streamer.id.0);
    let answer = app.send(Request::new("POST", path).key(&streamer.key)).await.ok(201);
    assert_eq!(page.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    let mut late = Socket::open(app.addr, "/ws/overlay").await;
    late.say(&hello(&streamer.overlay_key, "instance-2")).await;
    assert_eq!(late.closed().await, (3500, "unauthorized".to_owned()));
    streamer.overlay_key = answer["overlay_key"].as_str().unwrap().to_owned();
    assert!(answer["overlay_url"].as_str().unwrap().ends_with(&streamer.overlay_key));
    open_page(&app, &streamer, "instance-3").await;
    let app = app.stop().await.start(None).await;
    open_page(&app, &streamer, "instance-4").await;
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_rotates_another_streamers_key() {
    let app = TestApp::start().await;
    let (one, other) = (app.streamer("Nova").await, app.streamer("Rival").await);
    let path = format!("/api/streamers/{}/overlay-key", one.id.0);
    app.send(Request::new("POST", &path).key(&other.key)).await.problem(404, "not-found");
    app.send(Request::new("POST", &path)).await.problem(401, "unauthorized");
    app.send(Request::new("POST", &path).key(&one.overlay_key)).await.problem(401, "unauthorized");
    app.send(Request::new("GET", &path).key(&one.key)).await.problem(405, "method-not-allowed");
    open_page(&app, &one, "instance-1").await;
    app.finish().await;
}
