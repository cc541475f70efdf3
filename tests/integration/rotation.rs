//! Keys for overlays: several at once, one that goes alone, and a new one in the place of all.

use crate::support::TestApp;
use crate::support::http::Request;
use crate::support::page::{hello, open_page};
use crate::support::socket::Socket;
use serde_json::json;
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

#[actix_rt::test]
async fn several_keys_are_valid_at_once_and_one_goes_alone() {
    let app = TestApp::start().await;
    let mut streamer = app.streamer("Nova").await;
    let path = format!("/api/streamers/{}/overlay-keys", streamer.id);
    let named = async |name: &str| {
        let body = json!({ "name": name });
        app.send(Request::new("POST", &path).key(&streamer.key).json(&body)).await
    };
    let listed = async || app.send(Request::get(&path).key(&streamer.key)).await.ok(200)["items"].clone();
    let made = named(" Second canvas ").await.ok(201);
    let key = made["overlay_key"].as_str().unwrap().to_owned();
    assert!(made["overlay_url"].as_str().unwrap().ends_with(&key));
    let items = listed().await;
    let names: Vec<_> = items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "Second canvas"]);
    let item = &items[1];
    assert_eq!(item["prefix"], "gt_overlay_");
    assert_eq!(item["last_four"], key[key.len() - 4..]);
    assert_eq!((&item["key_id"], &item["created_at"]), (&made["key_id"], &made["created_at"]));
    assert!(!items.to_string().contains(&key), "a key is shown once");
    let mut first = open_page(&app, &streamer, "instance-1").await;
    streamer.overlay_key = key;
    let mut second = open_page(&app, &streamer, "instance-2").await;
    let one = format!("{path}/{}", item["key_id"].as_str().unwrap());
    let stranger = app.streamer("Rival").await;
    for (method, path) in [("GET", &path), ("POST", &path), ("DELETE", &one)] {
        let mut request = Request::new(method, path).key(&stranger.key);
        if method == "POST" {
            request = request.json(&json!({ "name": "Mine" }));
        }
        app.send(request).await.problem(404, "not-found");
    }
    let gone = app.send(Request::new("DELETE", &one).key(&streamer.key)).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(second.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    first.say(&json!({ "type": "heartbeat" })).await;
    app.send(Request::new("DELETE", &one).key(&streamer.key)).await.problem(404, "not-found");
    let mut late = Socket::open(app.addr, "/ws/overlay").await;
    late.say(&hello(&streamer.overlay_key, "instance-3")).await;
    assert_eq!(late.closed().await, (3500, "unauthorized".to_owned()));
    for name in ["", "two\nlines", &"x".repeat(41)] {
        named(name).await.problem(422, "invalid");
    }
    for n in 2..=20 {
        named(&format!("Key {n}")).await.ok(201);
    }
    named("One too many").await.problem(409, "too-many-keys");
    // Rotation takes all of them.
    let rotate = Request::new("POST", format!("/api/streamers/{}/overlay-key", streamer.id));
    app.send(rotate.key(&streamer.key)).await.ok(201);
    assert_eq!(first.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    assert_eq!(listed().await.as_array().unwrap().len(), 1);
    app.finish().await;
}
