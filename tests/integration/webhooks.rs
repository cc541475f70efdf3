//! Outgoing webhooks, with receivers that misbehave on demand.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::receiver::{Does, Receiver};
use crate::support::{Brand, PRICE, TestApp, World, eventually, free_addr};
use serde_json::{Value, json};
use std::time::Duration;

/// Receivers stand on this machine, and time is short.
const LOCAL: [(&str, &str); 4] = [
    ("WEBHOOKS__ALLOWED_NETWORKS", "[\"127.0.0.1\"]"),
    ("WEBHOOKS__HTTP_HOSTS", "[\"127.0.0.1\"]"),
    ("WEBHOOKS__TIMEOUT_S", "1"),
    ("WEBHOOKS__SUMMARY_S", "1"),
];

const ALL: [&str; 5] =
    ["campaign.created", "campaign.changed", "participation.applied", "play.settled", "budget.threshold"];

async fn call(app: &TestApp, method: &'static str, path: &str, key: &str, body: &Value) -> Response {
    app.send(Request::new(method, path).key(key).json(body)).await
}

async fn get(app: &TestApp, path: &str, key: &str) -> Value {
    app.send(Request::get(path).key(key)).await.ok(200)
}

/// An endpoint at a receiver: its path and its secret.
async fn listen(app: &TestApp, key: &str, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let body = json!({ "url": receiver.url(), "events": events, "description": "tests" });
    let made = call(app, "POST", "/api/webhooks", key, &body).await.ok(201);
    (format!("/api/webhooks/{}", made["id"]), made["secret"].as_str().unwrap().to_owned())
}

async fn rename(app: &TestApp, brand: &Brand, campaign: impl std::fmt::Display, name: &str) {
    let path = format!("/api/campaigns/{campaign}");
    call(app, "PATCH", &path, &brand.key, &json!({ "name": name })).await.ok(200);
}

async fn deliveries(app: &TestApp, endpoint: &str, key: &str, query: &str) -> Vec<Value> {
    get(app, &format!("{endpoint}/deliveries{query}"), key).await["items"].as_array().unwrap().clone()
}

#[actix_rt::test]
async fn a_brand_is_told_what_happens_to_its_campaigns_signed_and_summed_up() {
    let app = TestApp::with(&LOCAL).await;
    let (brand, other) = (app.brand("Crisp", 100 * PRICE).await, app.brand("Soggy", 100 * PRICE).await);
    let (receiver, strange) = (Receiver::start().await, Receiver::start().await);
    let (endpoint, secret) = listen(&app, &brand.key, &receiver, &ALL).await;
    listen(&app, &other.key, &strange, &ALL).await;
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let streamer = app.streamer("Nova").await;
    let apply = format!("/api/campaigns/{campaign}/participations");
    call(&app, "POST", &apply, &streamer.key, &json!({})).await.ok(201);
    let mut stage = Stage::open(&app, &streamer).await;
    for _ in 0..2 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    }
    let plays = || {
        let data = receiver.of("play.settled").into_iter().map(|heard| heard.json()["data"].clone());
        data.map(|data| data["plays"].as_i64().unwrap()).sum::<i64>()
    };
    eventually("both plays are told", async || plays() == 2).await;
    eventually("half is spent", async || receiver.of("budget.threshold").len() == 1).await;
    for event in ["campaign.created", "participation.applied"] {
        eventually(event, async || receiver.of(event).len() == 1).await;
    }
    let created = receiver.of("campaign.created")[0].json();
    assert_eq!(created["data"]["campaign_id"], campaign.0);
    assert_eq!(created["data"]["budget"], json!({ "amount_micros": 4 * PRICE, "currency": "INR" }));
    assert!(created["timestamp"].as_str().unwrap().ends_with('Z'));
    let half = receiver.of("budget.threshold")[0].json();
    assert_eq!(
        (&half["data"]["percent"], &half["data"]["spent"]["amount_micros"]),
        (&json!(50), &json!(2 * PRICE))
    );
    let last = receiver.of("play.settled").last().unwrap().json();
    assert_eq!(last["data"]["total"]["plays"], 2);
    assert_eq!(last["data"]["total"]["spent"]["amount_micros"], 2 * PRICE);
    for heard in receiver.heard() {
        assert!(heard.is_signed_by(&secret), "{heard:?}");
        assert!(heard.body.len() < 20_000 && heard.path == "/hook");
        assert_eq!(heard.headers["content-type"], "application/json");
    }
    let mut ids: Vec<_> = receiver.heard().iter().map(|heard| heard.id().to_owned()).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each once");
    assert!(strange.heard().is_empty());
    eventually("each is on record", async || {
        let log = deliveries(&app, &endpoint, &brand.key, "").await;
        log.iter().all(|one| one["state"] == "delivered" && one["last_attempt"]["status"] == 204)
    })
    .await;
    // Both secrets sign for a day.
    let rotated = call(&app, "POST", &format!("{endpoint}/secret"), &brand.key, &json!({})).await.ok(200);
    rename(&app, &brand, campaign, "Crunch on").await;
    eventually("the change is told", async || receiver.of("campaign.changed").len() == 1).await;
    let changed = &receiver.of("campaign.changed")[0];
    let new = rotated["secret"].as_str().unwrap();
    assert!(new != secret && changed.is_signed_by(new) && changed.is_signed_by(&secret));
    app.finish().await;
}

#[actix_rt::test]
async fn what_fails_is_tried_again_with_the_same_id_and_never_followed_elsewhere() {
    let app = TestApp::with(&LOCAL).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let (endpoint, secret) = listen(&app, &brand.key, &receiver, &["campaign.changed"]).await;
    let failures = [
        (Does::Says("HTTP/1.1 500 Oops\r\n\r\nbroken here".to_owned()), "status"),
        (Does::Says(format!("HTTP/1.1 302 Found\r\nlocation: {}\r\n\r\n", elsewhere.url())), "redirect"),
        (Does::Hangs, "timed_out"),
        (Does::Says("what?".to_owned()), "connection_broken"),
    ];
    for (at, (does, failure)) in failures.into_iter().enumerate() {
        receiver.will(does);
        rename(&app, &brand, campaign, &format!("Name {at}")).await;
        eventually(failure, async || {
            let log = deliveries(&app, &endpoint, &brand.key, "?limit=1").await;
            log[0]["last_attempt"]["failure"] == *failure && log[0]["state"] == "waiting"
        })
        .await;
        assert_eq!(app.ready().await.status, 200);
    }
    let failing = get(&app, &endpoint, &brand.key).await;
    assert!(failing["enabled"] == true && failing["failing_since"].is_string(), "{failing}");
    eventually("each is delivered at its second attempt", async || {
        deliveries(&app, &endpoint, &brand.key, "?state=delivered").await.len() == 4
    })
    .await;
    let heard = receiver.heard();
    assert_eq!((heard.len(), elsewhere.heard().len()), (8, 0));
    for first in &heard[..4] {
        let again: Vec<_> = heard.iter().filter(|other| other.id() == first.id()).collect();
        assert_eq!((again.len(), &again[1].body), (2, &first.body), "the same to the byte");
        let waited = again[1].at - first.at;
        assert!((Duration::from_millis(4900)..Duration::from_secs(9)).contains(&waited), "{waited:?}");
        assert!(again.iter().all(|heard| heard.is_signed_by(&secret)));
    }
    let id = &deliveries(&app, &endpoint, &brand.key, "").await[3]["id"];
    let whole = get(&app, &format!("{endpoint}/deliveries/{id}"), &brand.key).await;
    assert_eq!((&whole["attempts"], &whole["log"][1]["answer"]), (&json!(2), &json!("broken here")));
    assert!(get(&app, &endpoint, &brand.key).await["failing_since"].is_null());
    // Again by hand: the same id, whatever became of it.
    let before = receiver.heard().len();
    call(&app, "POST", &format!("{endpoint}/deliveries/{id}/replay"), &brand.key, &json!({})).await.ok(200);
    eventually("it comes again", async || receiver.heard().len() == before + 1).await;
    assert_eq!(receiver.heard()[before].id(), heard[0].id());
    app.finish().await;
}

#[actix_rt::test]
async fn a_receiver_that_is_gone_is_left_alone_and_one_that_floods_costs_nothing() {
    let app = TestApp::with(&LOCAL).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let (gone, flooding, witness) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let (endpoint, _) = listen(&app, &brand.key, &gone, &["campaign.changed"]).await;
    let (other, _) = listen(&app, &brand.key, &flooding, &["campaign.changed"]).await;
    listen(&app, &brand.key, &witness, &["endpoint.disabled"]).await;
    gone.will_say("410 Gone");
    flooding.will(Does::Floods);
    rename(&app, &brand, campaign, "Crunch on").await;
    eventually("who hears of it", async || witness.of("endpoint.disabled").len() == 1).await;
    let told = witness.of("endpoint.disabled")[0].json();
    assert_eq!(told["data"]["reason"], "gone");
    assert_eq!(format!("/api/webhooks/{}", told["data"]["webhook_id"]), endpoint);
    let view = get(&app, &endpoint, &brand.key).await;
    assert_eq!((&view["enabled"], &view["disabled_reason"]), (&json!(false), &json!("gone")));
    eventually("a flood is a success", async || {
        let log = deliveries(&app, &other, &brand.key, "?state=delivered").await;
        log.first().is_some_and(|one| one["last_attempt"]["answer"].as_str().unwrap().len() == 1024)
    })
    .await;
    rename(&app, &brand, campaign, "Crunch more").await;
    eventually("the other goes on", async || flooding.heard().len() == 2).await;
    assert_eq!(gone.heard().len(), 1);
    let replay = format!("{endpoint}/replay");
    let since = json!({ "since": "2020-01-01T00:00:00Z" });
    call(&app, "POST", &replay, &brand.key, &since).await.problem(409, "webhook-disabled");
    call(&app, "PATCH", &endpoint, &brand.key, &json!({ "enabled": true })).await.ok(200);
    assert_eq!(call(&app, "POST", &replay, &brand.key, &since).await.ok(200), json!({ "replayed": 1 }));
    eventually("what failed comes again", async || gone.heard().len() == 2).await;
    // A pause that is asked for holds back what comes meanwhile.
    gone.will_say("503 Busy\r\nretry-after: 3");
    for name in ["Crunch less", "Crunch a bit"] {
        rename(&app, &brand, campaign, name).await;
        eventually("the other hears at once", async || flooding.of("campaign.changed").len() >= 3).await;
    }
    eventually("both come", async || gone.heard().len() >= 5).await;
    let heard = gone.heard();
    assert!(heard[3].at - heard[2].at > Duration::from_millis(2_900), "{:?}", heard[3].at - heard[2].at);
    app.finish().await;
}

#[actix_rt::test]
async fn a_server_that_is_killed_between_an_attempt_and_its_record_sends_the_same_again() {
    let app = World::new(&LOCAL).start(None).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 4).await;
    let receiver = Receiver::start().await;
    let (endpoint, secret) = listen(&app, &brand.key, &receiver, &["campaign.changed"]).await;
    let (world, addr) = (app.stop().await, free_addr());
    let mut child = world.serve(addr).await;
    receiver.will(Does::Hangs);
    let path = format!("/api/campaigns/{campaign}");
    let body = json!({ "name": "Crunch on" });
    Request::new("PATCH", path).key(&brand.key).json(&body).send(addr).await.ok(200);
    eventually("it is on its way", async || receiver.heard().len() == 1).await;
    child.kill().await.unwrap();
    let app = world.start(Some(addr)).await;
    eventually("it comes again", async || receiver.heard().len() == 2).await;
    let heard = receiver.heard();
    assert_eq!((heard[0].id(), &heard[0].body), (heard[1].id(), &heard[1].body));
    assert!(heard.iter().all(|heard| heard.is_signed_by(&secret)));
    eventually("it is delivered", async || {
        deliveries(&app, &endpoint, &brand.key, "?state=delivered").await.len() == 1
    })
    .await;
    app.finish().await;
}

#[actix_rt::test]
async fn an_endpoint_is_its_owners_and_what_is_wrong_with_it_is_said() {
    let app = TestApp::with(&LOCAL).await;
    let (brand, other) = (app.brand("Crisp", PRICE).await, app.brand("Soggy", PRICE).await);
    let (streamer, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let receiver = Receiver::start().await;
    let (endpoint, secret) = listen(&app, &brand.key, &receiver, &ALL).await;
    let shown = get(&app, &endpoint, &brand.key).await;
    assert!(secret.starts_with("whsec_") && shown.get("secret").is_none(), "{shown}");
    assert_eq!((&shown["brand_id"], &shown["events"]), (&json!(brand.id.0), &json!(ALL)));
    let (empty, no_body) = (json!({}), json!({ "since": "2020-01-01T00:00:00Z" }));
    for stranger in [&other.key, &streamer.key] {
        for (method, path, body) in [
            ("GET", endpoint.clone(), &empty),
            ("PATCH", endpoint.clone(), &empty),
            ("DELETE", endpoint.clone(), &empty),
            ("POST", format!("{endpoint}/secret"), &empty),
            ("POST", format!("{endpoint}/replay"), &no_body),
            ("GET", format!("{endpoint}/deliveries"), &empty),
            ("GET", format!("{endpoint}/deliveries/1"), &empty),
            ("POST", format!("{endpoint}/deliveries/1/replay"), &empty),
        ] {
            call(&app, method, &path, stranger, body).await.problem(404, "not-found");
        }
        assert_eq!(get(&app, "/api/webhooks", stranger).await["items"], json!([]));
    }
    call(&app, "GET", &endpoint, "", &empty).await.problem(401, "unauthorized");
    let good = json!({ "url": receiver.url(), "events": ["campaign.ended"] });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (field, value) in [
        ("url", json!("https://10.0.0.1/")),
        ("url", json!("https://[::1]/")),
        ("url", json!("https://169.254.169.254/latest/meta-data")),
        ("url", json!("http://brand.example/")),
        ("url", json!("gopher://brand.example/")),
        ("events", json!([])),
        ("events", json!(["campaign.*"])),
        ("description", json!("x".repeat(201))),
    ] {
        let made = call(&app, "POST", "/api/webhooks", &brand.key, &with(field, value.clone())).await;
        assert_eq!(made.problem(422, "invalid")["errors"][0]["field"], field);
        let changed = call(&app, "PATCH", &endpoint, &brand.key, &json!({ field: value })).await;
        assert_eq!(changed.problem(422, "invalid")["errors"][0]["field"], field);
    }
    assert_eq!(get(&app, &endpoint, &brand.key).await, shown, "nothing changed");
    let foreign = with("brand_id", other.id.0.into());
    call(&app, "POST", "/api/webhooks", &brand.key, &foreign).await.problem(403, "forbidden");
    call(&app, "POST", "/api/webhooks", &brand.key, &with("secret", json!("x")))
        .await
        .problem(400, "malformed");
    call(&app, "POST", "/api/webhooks", &admin, &with("brand_id", json!(999)))
        .await
        .problem(404, "not-found");
    let own = call(&app, "POST", "/api/webhooks", &streamer.key, &good).await.ok(201);
    assert_eq!(own["streamer_id"], streamer.id.0);
    let whole = call(&app, "POST", "/api/webhooks", &admin, &good).await.ok(201);
    assert_eq!((&whole["streamer_id"], &whole["brand_id"]), (&Value::Null, &Value::Null));
    let page = get(&app, "/api/webhooks?limit=2", &admin).await;
    let rest =
        get(&app, &format!("/api/webhooks?limit=2&after={}", page["next"].as_str().unwrap()), &admin).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &rest["items"][0]["id"]), (2, &whole["id"]));
    assert_eq!(call(&app, "DELETE", &endpoint, &admin, &empty).await.status, 204);
    call(&app, "GET", &endpoint, &brand.key, &empty).await.problem(404, "not-found");
    app.finish().await;
}
