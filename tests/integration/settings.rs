//! What a streamer sets, and how soon it is in force.

use crate::support::http::{Request, Response};
use crate::support::page::{Stage, hello};
use crate::support::socket::SOON;
use crate::support::{Streamer, TestApp};
use serde_json::{Value, json};

fn path(streamer: &Streamer) -> String {
    format!("/api/streamers/{}/settings", streamer.id)
}

async fn change(app: &TestApp, streamer: &Streamer, key: &str, body: &Value) -> Response {
    app.send(Request::new("PATCH", path(streamer)).key(key).json(body)).await
}

#[actix_rt::test]
async fn what_is_set_reaches_the_page_and_the_dashboard_at_once_and_stays() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let paused = stage.command(json!({ "name": "pause" })).await;
    assert_eq!(paused["ok"], true, "{paused}");
    let before = app.send(Request::get(path(&streamer)).key(&streamer.key)).await.ok(200);
    assert_eq!((before["volume_percent"].as_i64(), before["motion"].as_str()), (Some(0), Some("full")));
    let wish = json!({ "volume_percent": 40, "motion": "reduced", "slot_interval_s": 600, "hourly_max": 3,
        "corner": "top_left", "blocked_categories": ["alcohol"] });
    let after = change(&app, &streamer, &streamer.key, &wish).await.ok(200);
    for (field, value) in wish.as_object().unwrap() {
        assert_eq!(&after[field], value, "{field}");
    }
    assert_eq!(
        (&after["allow_video"], &after["first_ad_delay_s"]),
        (&before["allow_video"], &before["first_ad_delay_s"])
    );
    let told = stage.page.expect("settings").await;
    assert_eq!((told["volume_percent"].as_i64(), told["motion"].as_str()), (Some(40), Some("reduced")));
    // The pause is the actor's own, and stays; the slot an hour away has come nearer.
    let state = stage.state(|state| state["volume_percent"] == 40).await;
    assert_eq!(state["paused"], true);
    let wait = state["next_slot_ms"].as_i64().unwrap() - state["server_ms"].as_i64().unwrap();
    assert!(wait <= 600_000, "{wait}");
    // And the next pause does not undo what was set.
    assert_eq!(stage.command(json!({ "name": "resume" })).await["ok"], true);
    stage.state(|state| state["paused"] == false && state["volume_percent"] == 40).await;
    let app = app.stop().await.start(None).await;
    assert_eq!(app.send(Request::get(path(&streamer)).key(&streamer.key)).await.ok(200), after);
    let mut page = app.open("/ws/overlay").await;
    page.say(&hello(&streamer.overlay_key, "instance-2")).await;
    let welcome = page.find(SOON, "welcome", |_| true).await;
    assert_eq!(welcome["settings"], json!({ "volume_percent": 40, "motion": "reduced" }));
    app.finish().await;
}

#[actix_rt::test]
async fn settings_are_the_streamers_own_and_name_every_field_that_is_wrong() {
    let app = TestApp::start().await;
    let (streamer, other) = (app.streamer("Nova").await, app.streamer("Rival").await);
    let (brand, admin) = (app.brand("Crisp", 0).await, app.admin_key().await);
    let loud = json!({ "volume_percent": 70 });
    for key in [&other.key, &brand.key] {
        change(&app, &streamer, key, &loud).await.closed();
        app.send(Request::get(path(&streamer)).key(key)).await.closed();
    }
    for key in ["", &streamer.overlay_key] {
        change(&app, &streamer, key, &loud).await.problem(401, "unauthorized");
    }
    let wrong = json!({ "volume_percent": 101, "slot_interval_s": 1, "corner": "middle" });
    let problem = change(&app, &streamer, &streamer.key, &wrong).await.problem(422, "invalid");
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["volume_percent", "slot_interval_s", "corner"]);
    change(&app, &streamer, &streamer.key, &json!({ "paused": true })).await.problem(400, "malformed");
    let same = app.send(Request::get(path(&streamer)).key(&admin)).await.ok(200);
    assert_eq!(same["volume_percent"], 0);
    assert_eq!(change(&app, &streamer, &admin, &loud).await.ok(200)["volume_percent"], 70);
    let nobody = Request::new("PATCH", "/api/streamers/99/settings").key(&admin).json(&loud);
    app.send(nobody).await.problem(404, "not-found");
    app.finish().await;
}
