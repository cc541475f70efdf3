//! Streamers as resources: what they say of themselves, what an operator verifies of it, and who sees it.

use crate::support::http::Request;
use crate::support::page::{open_dashboard, open_page};
use crate::support::store::{On, ask, get, named, on_each_store, walk};
use crate::support::{PRICE, Streamer, TestApp, campaign_body, eventually, free_addr, sleep_ms};
use gametriggers_actors::domain::streamer::Platform;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

fn path_of(streamer: &Streamer) -> String {
    format!("/api/streamers/{}", streamer.id)
}

fn channels(names: &[(&str, &str)]) -> Value {
    let one = |(platform, handle): &(&str, &str)| json!({ "platform": platform, "handle": handle });
    json!({ "platforms": names.iter().map(one).collect::<Vec<_>>() })
}

async fn verify(app: &TestApp, admin: &str, (streamer, platform): (&Streamer, &str), body: &Value) -> Value {
    let path = format!("/api/admin/streamers/{}/platforms/{platform}/verification", streamer.id);
    let mut body = body.clone();
    body["reason"] = json!("looked at it");
    ask(app, ("POST", &path), admin, &body).await.ok(200)
}

async fn a_streamer_says_what_they_are_and_targeting_does_not_believe_it(on: On) {
    let app = on.start().await;
    let (nova, vega, admin) = (app.streamer("Nova").await, app.streamer("Vega").await, app.admin_key().await);
    let path = path_of(&nova);
    let new = get(&app, &path, &nova.key).await.ok(200);
    assert_eq!((&new["profile"]["display_name"], &new["payout"]["method"]), (&json!("Nova"), &json!("none")));
    let patch = json!({
        "profile": { "display_name": "Nova Prime", "bio": "I play.", "country": "DE",
            "languages": ["de", "en"],
            "categories": ["chess"], "mature": true, "listed": true },
        "platforms": [{ "platform": "twitch", "handle": "nova", "url": "https://twitch.tv/nova" },
            { "platform": "youtube", "handle": "@nova" }],
        "demographics": { "stated": { "age_bands_bps": { "18_24": 6000 },
            "top_countries": [{ "country": "DE", "share_bps": 5000 }] } },
        "consent": { "data_sharing": true },
    });
    let after = ask(&app, ("PATCH", &path), &nova.key, &patch).await.ok(200);
    assert_eq!((&after["profile"]["display_name"], &after["version"]), (&json!("Nova Prime"), &json!(2)));
    assert_eq!(after["targeting"], new["targeting"], "an operator's word");
    let channel = &after["platforms"][0];
    assert_eq!((&channel["verification"], &channel["metrics"]), (&json!("unverified"), &Value::Null));
    assert_eq!(after["demographics"]["stated"]["age_bands_bps"]["18_24"], 6000);
    assert!(after["consent"]["data_sharing_at"].is_string(), "{after}");
    assert_eq!(after["consent"]["settings_url"], format!("{path}/settings"));
    let known = || app.engine().streamers.get(&nova.id).unwrap().profile.name.to_string();
    eventually("the engine knows the new name", async || known() == "Nova Prime").await;
    let patch = json!({ "profile": { "bio": null }, "demographics": { "stated": { "age_bands_bps": {
        "18_24": null,
        "25_34": 100 } } } });
    let after = ask(&app, ("PATCH", &path), &admin, &patch).await.ok(200);
    assert_eq!((&after["profile"]["bio"], &after["profile"]["country"]), (&Value::Null, &json!("DE")));
    let stated = &after["demographics"]["stated"];
    assert_eq!(stated["age_bands_bps"], json!({ "25_34": 100 }));
    assert_eq!(stated["top_countries"][0]["country"], "DE");
    for key in [&vega.key] {
        get(&app, &path, key).await.problem(404, "not-found");
        ask(&app, ("PATCH", &path), key, &json!({})).await.problem(404, "not-found");
    }
    get(&app, &path, &nova.overlay_key).await.problem(401, "unauthorized");
    let lost = Request::new("PATCH", &path).key(&nova.key).header("if-match", "\"2\"").json(&json!({}));
    app.send(lost).await.problem(412, "changed");
    on.finish(app).await;
}

async fn nobody_verifies_themselves(on: On) {
    let app = on.start().await;
    let (nova, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let path = path_of(&nova);
    let one = |extra: &str| {
        let channel = json!({ "platform": "twitch", "handle": "nova", extra: { "followers": 9 } });
        json!({ "platforms": [channel] })
    };
    for own in ["metrics", "verification", "followers"] {
        let problem = ask(&app, ("PATCH", &path), &nova.key, &one(own)).await.problem(400, "malformed");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("`platforms[0].{own}`")), "{problem}");
    }
    for odd in [
        json!({ "targeting": { "followers": 9 } }),
        json!({ "verification": "verified" }),
        json!({ "demographics": { "verified": {} } }),
        json!({ "consent": { "blocked_brands": [] } }),
        json!({ "payout": { "account_last_four": "1234" } }),
    ] {
        ask(&app, ("PATCH", &path), &nova.key, &odd).await.problem(400, "malformed");
    }
    let deciding = format!("/api/admin/streamers/{}/platforms/twitch/verification", nova.id);
    let body = json!({ "status": "verified", "followers": 9, "reason": "me" });
    ask(&app, ("POST", &deciding), &nova.key, &body).await.problem(403, "forbidden");
    ask(&app, ("POST", &deciding), &admin, &body).await.problem(404, "not-found");
    ask(&app, ("PATCH", &path), &nova.key, &channels(&[("twitch", "nova")])).await.ok(200);
    for (odd, field) in [
        (json!({ "status": "verified", "reason": "x" }), "followers"),
        (json!({ "status": "rejected", "followers": 9, "reason": "x" }), "followers"),
        (json!({ "status": "pending", "reason": "x" }), "status"),
        (
            json!({ "status": "verified", "followers": 9, "as_of": "2999-01-01T00:00:00Z", "reason": "x" }),
            "as_of",
        ),
        (json!({ "status": "verified", "followers": 9, "language": "EN", "reason": "x" }), "language"),
        (json!({ "status": "verified", "followers": 9, "reason": "" }), "reason"),
    ] {
        let problem = ask(&app, ("POST", &deciding), &admin, &odd).await.problem(422, "invalid");
        assert_eq!(named(&problem), [field]);
    }
    let nowhere = deciding.replace("twitch", "myspace");
    ask(&app, ("POST", &nowhere), &admin, &body).await.problem(404, "not-found");
    let odd = json!({
        "profile": { "display_name": null, "country": "UK", "languages": ["English"] },
        "platforms": [{ "platform": "twitch", "handle": "a b" }, { "platform": "kick", "handle": "c" },
            { "platform": "kick", "handle": "d", "url": "ftp://x.example" }],
        "demographics": { "stated": { "age_bands_bps": { "18_24": 10_001 } } },
        "payout": { "method": "cash", "minimum": { "amount_micros": 0, "currency": "INR" } },
    });
    let mut fields = named(&ask(&app, ("PATCH", &path), &nova.key, &odd).await.problem(422, "invalid"));
    fields.sort_unstable();
    let wanted = [
        "demographics.stated.age_bands_bps",
        "payout.method",
        "payout.minimum",
        "platforms[0].handle",
        "platforms[2].platform",
        "platforms[2].url",
        "profile.country",
        "profile.display_name",
        "profile.languages",
    ];
    assert_eq!(fields, wanted);
    on.finish(app).await;
}

async fn targeting_follows_what_is_verified(on: On) {
    let app = on.start().await;
    let (nova, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let path = path_of(&nova);
    let stated = channels(&[("twitch", "nova"), ("kick", "nova")]);
    ask(&app, ("PATCH", &path), &nova.key, &stated).await.ok(200);
    let numbers = json!({ "status": "verified", "followers": 5000, "average_viewers": 120, "language": "hi",
        "mature": true, "as_of": "2024-05-01T00:00:00Z",
        "demographics": { "age_bands_bps": { "18_24": 100 } } });
    let after = verify(&app, &admin, (&nova, "twitch"), &numbers).await;
    let metrics = json!({ "followers": 5000, "average_viewers": 120, "as_of": "2024-05-01T00:00:00Z" });
    assert_eq!((&after["platforms"][0]["metrics"], &after["verification"]), (&metrics, &json!("verified")));
    let targeting = &after["targeting"];
    assert_eq!((&targeting["platform"], &targeting["followers"]), (&json!("twitch"), &json!(5000)));
    assert_eq!((&targeting["language"], &targeting["mature"]), (&json!("hi"), &json!(true)));
    assert_eq!(after["demographics"]["verified"]["age_bands_bps"]["18_24"], 100);
    let engine = app.engine();
    let known = |platform, followers| {
        let profile = engine.streamers.get(&nova.id).unwrap().profile.clone();
        (profile.platform, profile.followers) == (platform, followers)
    };
    eventually("decisions look at it", async || known(Platform::Twitch, 5000)).await;
    // The larger one leads; a rejected one counts for nothing.
    let larger = json!({ "status": "verified", "followers": 9000 });
    verify(&app, &admin, (&nova, "kick"), &larger).await;
    eventually("the larger one leads", async || known(Platform::Kick, 9000)).await;
    let rejected = verify(&app, &admin, (&nova, "kick"), &json!({ "status": "rejected" })).await;
    assert_eq!(rejected["platforms"][1]["metrics"], Value::Null);
    eventually("the other one leads", async || known(Platform::Twitch, 5000)).await;
    // The same channel again stays verified; another handle is another channel.
    let same = ask(&app, ("PATCH", &path), &nova.key, &stated).await.ok(200);
    assert_eq!(same["platforms"][0]["verification"], "verified");
    let other = ask(&app, ("PATCH", &path), &nova.key, &channels(&[("twitch", "ninja")])).await.ok(200);
    assert_eq!(
        (&other["platforms"][0]["metrics"], &other["verification"]),
        (&Value::Null, &json!("unverified"))
    );
    eventually("nobody vouches for the followers", async || known(Platform::Twitch, 0)).await;
    // An operator may still enter what they know by themselves.
    let own = format!("/api/admin/streamers/{}", nova.id);
    ask(&app, ("PATCH", &own), &admin, &json!({ "followers": 12 })).await.ok(200);
    eventually("what was entered", async || known(Platform::Twitch, 12)).await;
    ask(&app, ("PATCH", &path), &nova.key, &json!({ "platforms": null })).await.ok(200);
    let last = get(&app, &path, &nova.key).await.ok(200);
    assert_eq!((&last["platforms"], &last["targeting"]["followers"]), (&json!([]), &json!(12)));
    let audit = "/api/admin/audit?subject_kind=streamer&action=verify_channel&limit=1";
    let told = get(&app, audit, &admin).await.ok(200);
    assert_eq!(told["items"][0]["detail"], "kick rejected");
    on.finish(app).await;
}

async fn a_brand_sees_who_takes_part_or_is_listed_and_little_of_them(on: On) {
    let app = on.start().await;
    let (brand, rival) = (app.brand("Crisp", 20 * PRICE).await, app.brand("Rival", 0).await);
    let admin = app.admin_key().await;
    let (nova, vega, lyra) =
        (app.streamer("Nova").await, app.streamer("Vega").await, app.streamer("Lyra").await);
    let campaign = app.create_campaign(&brand.key, "Crunch", &campaign_body("Crunch", 5)).await.ok(201);
    let taking = format!("/api/campaigns/{}/participations", campaign["id"]);
    app.send(Request::new("POST", &taking).key(&nova.key)).await.ok(201);
    // Inviting somebody does not open their profile.
    let invited = json!({ "streamer_id": lyra.id.0 });
    ask(&app, ("POST", &taking), &brand.key, &invited).await.ok(201);
    let patch = json!({ "profile": { "listed": true, "languages": ["de"] },
        "payout": { "method": "upi", "account_reference": "nova@upi-12345678" } });
    ask(&app, ("PATCH", &path_of(&vega)), &vega.key, &patch).await.ok(200);
    let seen =
        async |key: &str| walk(&app, ("/api/streamers?limit=1", key), "display_name", async || {}).await;
    assert_eq!(seen(&brand.key).await, ["Nova", "Vega"]);
    assert_eq!(seen(&rival.key).await, ["Vega"]);
    assert_eq!(seen(&admin).await, ["Nova", "Vega", "Lyra"]);
    assert_eq!(seen(&lyra.key).await, ["Lyra"]);
    let public = get(&app, &path_of(&vega), &rival.key).await.ok(200);
    let fields: Vec<_> = public.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["categories", "display_name", "followers", "id", "languages", "platform"]);
    assert_eq!(public["languages"].as_array().unwrap().last(), Some(&json!("de")));
    for (streamer, key) in [(&nova, &rival.key), (&lyra, &brand.key), (&lyra, &rival.key)] {
        get(&app, &path_of(streamer), key).await.problem(404, "not-found");
        get(&app, "/api/streamers/4711", key).await.problem(404, "not-found");
    }
    ask(&app, ("PATCH", &path_of(&vega)), &brand.key, &json!({})).await.closed();
    let find = async |query: &str| {
        walk(&app, (&format!("/api/streamers?{query}"), &admin), "display_name", async || {}).await
    };
    assert_eq!(find("q=NO&sort=-name").await, ["Nova"]);
    assert_eq!(find("sort=name").await, ["Lyra", "Nova", "Vega"]);
    assert!(find("platform=kick").await.is_empty());
    assert_eq!(find("verification=unverified&language=en&sort=-created_at").await.len(), 3);
    let problem =
        get(&app, "/api/streamers?platform=x&language=x&sort=x", &admin).await.problem(422, "invalid");
    assert_eq!(named(&problem), ["platform", "language", "sort"]);
    on.finish(app).await;
}

async fn an_archived_streamer_is_out_within_a_second(on: On) {
    let app = on.start().await;
    let (nova, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let path = path_of(&nova);
    let mut dashboard = open_dashboard(app.addr, &nova).await;
    let mut page = open_page(&app, &nova, "instance-1").await;
    let put = async |what: &str| {
        let body = json!({ "reason": "they stopped" });
        ask(&app, ("POST", &format!("/api/admin/streamers/{}/{what}", nova.id)), &admin, &body).await
    };
    let body = json!({ "reason": "x" });
    let own = format!("/api/admin/streamers/{}/archive", nova.id);
    ask(&app, ("POST", &own), &nova.key, &body).await.problem(403, "forbidden");
    assert_eq!(put("archive").await.ok(200)["status"], "archived");
    for socket in [&mut dashboard, &mut page] {
        assert_eq!(socket.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    }
    get(&app, &path, &nova.key).await.problem(401, "unauthorized");
    assert!(app.engine().keyring.holder(&nova.overlay_key, app.engine().now()).is_none());
    let another = Request::new("POST", format!("{path}/overlay-key")).key(&admin);
    app.send(another).await.problem(404, "not-found");
    // Reading everything again brings nothing back.
    app.engine().ports.bus.publish(gametriggers_actors::ports::Event::AccountsChanged);
    sleep_ms(200).await;
    get(&app, &path, &nova.key).await.problem(401, "unauthorized");
    assert_eq!(put("restore").await.ok(200)["status"], "active");
    eventually("the key is good again", async || get(&app, &path, &nova.key).await.status == 200).await;
    open_page(&app, &nova, "instance-2").await;
    on.finish(app).await;
}

/// The whole account, as it is sent.
const ACCOUNT: &str = "DE02120300000000202051";

#[actix_rt::test]
async fn an_account_for_payouts_is_in_no_answer_no_file_and_no_log() {
    let app = TestApp::with(&[("LOG__LEVEL", "trace")]).await;
    let (nova, admin, brand) =
        (app.streamer("Nova").await, app.admin_key().await, app.brand("Crisp", 0).await);
    let (world, addr) = (app.stop().await, free_addr());
    let log = tempfile::NamedTempFile::new().unwrap();
    let out = || Stdio::from(log.reopen().unwrap());
    let mut server = tokio::process::Command::new(env!("CARGO_BIN_EXE_gametriggers"))
        .arg("serve")
        .envs(world.variables().iter().map(|(name, value)| (name, value)))
        .env("GAMETRIGGERS__SERVER__BIND", addr.to_string())
        .stdin(Stdio::null())
        .stdout(out())
        .stderr(out())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the process listens", async || tokio::net::TcpStream::connect(addr).await.is_ok()).await;
    let path = path_of(&nova);
    let patch = |payout: Value| json!({ "profile": { "listed": true }, "payout": payout });
    let good = patch(json!({ "method": "bank", "account_reference": ACCOUNT }));
    let odd = [
        patch(json!({ "method": "cash", "account_reference": ACCOUNT })),
        patch(json!({ "method": "bank", "account_reference": [ACCOUNT] })),
        patch(json!({ "method": "bank", "account_reference": format!("{ACCOUNT} ") .repeat(9) })),
        json!({ "payout": ACCOUNT }),
        json!({ "payout": { "account_reference": ACCOUNT, "iban": ACCOUNT } }),
    ];
    let mut answers = Vec::new();
    for body in [&good].into_iter().chain(&odd) {
        let answer = Request::new("PATCH", &path).key(&nova.key).json(body).send(addr).await;
        assert_eq!(answer.status == 200, *body == good, "{}", answer.text());
        answers.push(answer.text());
    }
    let masked = serde_json::from_str::<Value>(&answers[0]).unwrap()["payout"]["account_masked"].clone();
    assert_eq!(masked, "••••2051");
    for (path, key) in [
        (path.as_str(), &nova.key),
        (&path, &admin),
        (&path, &brand.key),
        ("/api/streamers", &admin),
        ("/api/streamers", &brand.key),
        ("/api/admin/audit", &admin),
        ("/metrics", &admin),
    ] {
        answers.push(Request::get(path).key(key).send(addr).await.ok_text());
    }
    let changed = Request::new("PATCH", &path).key(&admin).json(&good).send(addr).await;
    answers.push(changed.text());
    answers.push(Request::get("/api/admin/audit").key(&admin).send(addr).await.ok_text());
    server.start_kill().unwrap();
    server.wait().await.unwrap();
    let told = std::fs::read_to_string(log.path()).unwrap();
    assert!(told.contains("/api/streamers") || told.lines().count() > 3, "there is a log: {told}");
    answers.push(told);
    for file in ["test.db", "test.db-wal"] {
        let bytes = std::fs::read(world.database().with_file_name(file)).unwrap_or_default();
        answers.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    // All of it, and any part that would say more than its end.
    for text in &answers {
        assert!(!text.contains("202051") && !text.contains("DE021203"), "{text}");
    }
    assert!(answers.iter().any(|text| text.contains("2051")), "the end of it is kept");
}

on_each_store! {
    a_streamer_says_what_they_are_and_targeting_does_not_believe_it;
    nobody_verifies_themselves;
    targeting_follows_what_is_verified;
    a_brand_sees_who_takes_part_or_is_listed_and_little_of_them;
    an_archived_streamer_is_out_within_a_second;
}
