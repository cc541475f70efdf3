//! Brands as resources: what they say of themselves, verification, archiving, and what is on record of them.

use crate::support::http::Request;
use crate::support::postgres::database as new_database;
use crate::support::redis::{prefix, shared_url};
use crate::support::store::{On, ask, get, named, on_each_store, walk};
use crate::support::{PRICE, TestApp, World, eventually};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const PASSWORD: &str = "correct horse battery";

/// A brand whose user has signed up: its path and the tokens.
async fn signed_up(app: &TestApp) -> (String, Value) {
    let body = json!({ "email": "ada@volt.example", "password": PASSWORD, "name": "Volt", "type": "brand" });
    let tokens = ask(app, ("POST", "/api/auth/sign-up"), "", &body).await.ok(201);
    (format!("/api/brands/{}", tokens["user"]["brand_id"]), tokens)
}

fn text(view: &Value, field: &str) -> String {
    view[field].as_str().unwrap_or_else(|| panic!("{field} in {view}")).to_owned()
}

async fn a_brand_says_what_it_is_group_by_group(on: On) {
    let app = on.start().await;
    let (brand, rival, admin) =
        (app.brand("Crisp", 0).await, app.brand("Rival", 0).await, app.admin_key().await);
    let streamer = app.streamer("Nova").await;
    let path = format!("/api/brands/{}", brand.id);
    let new = get(&app, &path, &brand.key).await.ok(200);
    assert_eq!((&new["profile"]["name"], &new["status"]), (&json!("Crisp"), &json!("active")));
    assert_eq!((&new["verification"]["status"], &new["version"]), (&json!("unverified"), &json!(1)));
    let patch = json!({
        "profile": { "description": "Very crisp.\r\nReally.", "website": "https://crisp.example",
            "industry": "food",
            "categories": ["snacks", "drinks"] },
        "company": { "legal_name": " Crisp Ltd ", "size": "11-50" },
        "billing": { "email": "books@crisp.example", "invoice_currency": "INR" },
        "preferences": { "notifications": { "budget": true, "weekly_report": false },
            "default_languages": ["en", "hi"] },
    });
    let after = ask(&app, ("PATCH", &path), &brand.key, &patch).await.ok(200);
    assert_eq!(after["profile"]["description"], "Very crisp.\nReally.");
    assert_eq!(
        (&after["profile"]["name"], &after["company"]["legal_name"]),
        (&json!("Crisp"), &json!("Crisp Ltd"))
    );
    assert_eq!(after["version"], 2);
    // What is left out stays, null clears a field or a group, a list is replaced.
    let patch = json!({
        "profile": { "website": null, "categories": ["snacks"] },
        "billing": null,
        "preferences": { "notifications": { "budget": null } },
    });
    let after = ask(&app, ("PATCH", &path), &brand.key, &patch).await.ok(200);
    assert_eq!((&after["profile"]["website"], &after["profile"]["industry"]), (&Value::Null, &json!("food")));
    assert_eq!(after["profile"]["categories"], json!(["snacks"]));
    assert_eq!((&after["billing"]["email"], &after["company"]["size"]), (&Value::Null, &json!("11-50")));
    let told = &after["preferences"]["notifications"];
    assert_eq!((&told["budget"], &told["weekly_report"]), (&Value::Null, &json!(false)));
    assert_eq!(get(&app, &path, &admin).await.ok(200), after);
    let bare = ask(&app, ("PATCH", &path), &brand.key, &json!({ "profile": null })).await.ok(200);
    assert_eq!((&bare["profile"]["name"], &bare["profile"]["industry"]), (&json!("Crisp"), &Value::Null));
    // It is nobody else's.
    for key in [&rival.key, &streamer.key] {
        get(&app, &path, key).await.problem(404, "not-found");
        ask(&app, ("PATCH", &path), key, &json!({})).await.closed();
        get(&app, &format!("{path}/audit"), key).await.problem(404, "not-found");
        ask(&app, ("POST", &format!("{path}/verification")), key, &json!({})).await.closed();
    }
    for key in ["", &streamer.overlay_key] {
        get(&app, &path, key).await.problem(401, "unauthorized");
    }
    get(&app, "/api/brands/4711", &admin).await.problem(404, "not-found");
    on.finish(app).await;
}

async fn every_field_that_is_refused_is_named_and_nothing_is_changed(on: On) {
    let app = on.start().await;
    let brand = app.brand("Crisp", 0).await;
    let path = format!("/api/brands/{}", brand.id);
    let patch = json!({
        "profile": { "name": "", "website": "javascript:alert(1)", "industry": "Fast food",
            "categories": ["a", "a"], "logo_asset": "0123.png" },
        "company": { "country": "XX", "size": "many", "legal_name": "a\nb" },
        "billing": { "email": "nobody", "invoice_currency": "rupees" },
        "preferences": { "default_languages": ["english"], "default_countries": ["India"] },
    });
    let problem = ask(&app, ("PATCH", &path), &brand.key, &patch).await.problem(422, "invalid");
    assert_eq!(named(&problem), ["profile.logo_asset"], "what costs a question first");
    let mut patch = patch;
    patch["profile"].as_object_mut().unwrap().remove("logo_asset");
    let problem = ask(&app, ("PATCH", &path), &brand.key, &patch).await.problem(422, "invalid");
    assert_eq!(
        named(&problem),
        [
            "profile.name",
            "profile.website",
            "profile.industry",
            "profile.categories",
            "company.legal_name",
            "company.country",
            "company.size",
            "billing.email",
            "billing.invoice_currency",
            "preferences.default_languages",
            "preferences.default_countries",
        ]
    );
    for (odd, path_of) in [
        (json!({ "verification": { "status": "verified" } }), "verification"),
        (json!({ "profile": { "logo": null } }), "profile.logo"),
        (json!({ "company": { "id": 1 } }), "company.id"),
    ] {
        let problem = ask(&app, ("PATCH", &path), &brand.key, &odd).await.problem(400, "malformed");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("`{path_of}`")), "{problem}");
    }
    ask(&app, ("PATCH", &path), &brand.key, &json!({ "profile": { "name": 5 } }))
        .await
        .problem(400, "malformed");
    ask(&app, ("PATCH", &path), &brand.key, &json!([])).await.problem(400, "malformed");
    // As much as may be is little enough.
    let words: Vec<String> = (0..100).map(|n| format!("{n:0>40}")).collect();
    let few = &words[..20];
    let letter = "é".repeat(1000);
    let patch = json!({
        "profile": { "description": letter, "categories": few },
        "company": { "address": &letter[..600], "legal_name": &letter[..320] },
        "billing": { "address": &letter[..600] },
        "preferences": { "brand_safety_categories": words, "default_content_categories": few },
    });
    assert_eq!(ask(&app, ("PATCH", &path), &brand.key, &patch).await.ok(200)["version"], 2);
    let huge = json!({ "profile": { "description": "x".repeat(70_000) } });
    ask(&app, ("PATCH", &path), &brand.key, &huge).await.problem(413, "too-large");
    on.finish(app).await;
}

async fn a_change_is_made_to_the_version_it_is_meant_for(on: On) {
    let app = on.start().await;
    let brand = app.brand("Crisp", 0).await;
    let path = format!("/api/brands/{}", brand.id);
    let first = get(&app, &path, &brand.key).await;
    assert_eq!((first.header("etag"), first.header("cache-control")), ("\"1\"", "private, no-cache"));
    let known = Request::get(&path).key(&brand.key).header("if-none-match", "\"1\"");
    let same = app.send(known.clone()).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let change = |version: &str, name: &str| {
        let body = json!({ "profile": { "description": name } });
        app.send(Request::new("PATCH", &path).key(&brand.key).header("if-match", version).json(&body))
    };
    assert_eq!(change("\"1\"", "mine").await.header("etag"), "\"2\"");
    change("\"1\"", "theirs").await.problem(412, "changed");
    assert_eq!(app.send(known).await.ok(200)["profile"]["description"], "mine", "the update is not lost");
    change("\"2\"", "theirs").await.ok(200);
    // Without a version both are made, one after the other, and neither undoes the other.
    let patches = (0..8).map(|n| {
        let body = if n % 2 == 0 {
            json!({ "company": { "tax_id": format!("T{n}") } })
        } else {
            json!({ "billing": { "tax_id": format!("T{n}") } })
        };
        let (app, key, path) = (&app, &brand.key, &path);
        async move { ask(app, ("PATCH", path), key, &body).await.status }
    });
    let answers = futures_util::future::join_all(patches).await;
    let made = answers.iter().filter(|status| **status == 200).count();
    assert!(made >= 4 && answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
    let after = get(&app, &path, &brand.key).await.ok(200);
    assert_eq!(after["version"], 3 + made);
    assert!(after["company"]["tax_id"].is_string() && after["billing"]["tax_id"].is_string(), "{after}");
    on.finish(app).await;
}

async fn a_brand_asks_and_an_operator_decides(on: On) {
    let app = on.start().await;
    let (brand, admin) = (app.brand("Crisp", 0).await, app.admin_key().await);
    let path = format!("/api/brands/{}", brand.id);
    let (asking, deciding) =
        (format!("{path}/verification"), format!("/api/admin/brands/{}/verification", brand.id));
    let decide = |status: &str| json!({ "status": status, "reason": "papers seen" });
    let early = ask(&app, ("POST", &deciding), &admin, &decide("verified")).await;
    early.problem(409, "not-requested");
    let problem = ask(&app, ("POST", &asking), &brand.key, &json!({})).await.problem(422, "invalid");
    assert_eq!(named(&problem), ["company.legal_name", "company.registration_number", "company.country"]);
    let company = json!({ "legal_name": "Crisp Ltd", "registration_number": "U1", "country": "IN" });
    ask(&app, ("PATCH", &path), &brand.key, &json!({ "company": company })).await.ok(200);
    let pending = ask(&app, ("POST", &asking), &brand.key, &json!({})).await.ok(200);
    assert_eq!(pending["verification"]["status"], "pending");
    ask(&app, ("POST", &deciding), &brand.key, &decide("verified")).await.problem(403, "forbidden");
    let odd = json!({ "status": "pending", "reason": "" });
    let problem = ask(&app, ("POST", &deciding), &admin, &odd).await.problem(422, "invalid");
    assert_eq!(named(&problem), ["status", "reason"]);
    let verified = ask(&app, ("POST", &deciding), &admin, &decide("verified")).await.ok(200);
    let verification = &verified["verification"];
    assert_eq!(
        (&verification["status"], &verification["reason"]),
        (&json!("verified"), &json!("papers seen"))
    );
    assert!(verification["decided_at"].is_string());
    // Other words do not touch it; another company does.
    let patch = json!({ "profile": { "description": "x" }, "company": { "country": "IN" } });
    let same = ask(&app, ("PATCH", &path), &brand.key, &patch).await.ok(200);
    assert_eq!(same["verification"]["status"], "verified");
    let patch = json!({ "company": { "registration_number": "U2" } });
    let again = ask(&app, ("PATCH", &path), &brand.key, &patch).await.ok(200);
    assert_eq!(again["verification"]["status"], "pending");
    ask(&app, ("POST", &deciding), &admin, &decide("rejected")).await.ok(200);
    let asked = ask(&app, ("POST", &asking), &brand.key, &json!({})).await.ok(200);
    assert_eq!(asked["verification"]["status"], "pending");
    let gone = ask(&app, ("PATCH", &path), &brand.key, &json!({ "company": null })).await.ok(200);
    assert_eq!(gone["verification"]["status"], "unverified");
    // The brand reads what was decided and why, and not by whom.
    let audit = get(&app, &format!("{path}/audit"), &brand.key).await.ok(200);
    let told: Vec<_> = audit["items"].as_array().unwrap().iter().map(|one| text(one, "detail")).collect();
    assert_eq!(told, ["rejected", "verified"]);
    assert!(audit["items"][0]["actor"].is_null() && audit["items"][0]["reason"] == "papers seen", "{audit}");
    on.finish(app).await;
}

async fn operators_list_brands_and_a_brand_sees_itself(on: On) {
    let app = on.start().await;
    let admin = app.admin_key().await;
    let mut brands = Vec::new();
    for name in ["Volt", "Crisp", "Crunch", "Amp", "Crisp two"] {
        brands.push(app.brand(name, 0).await);
    }
    let streamer = app.streamer("Nova").await;
    let add = async || drop(app.brand("Later", 0).await);
    for sort in ["id", "-id", "name", "-name", "created_at", "-created_at"] {
        let path = format!("/api/brands?limit=2&sort={sort}");
        let before = walk(&app, (&path, &admin), "id", async || {}).await;
        let seen = walk(&app, (&path, &admin), "id", add).await;
        let old: Vec<_> = seen.iter().filter(|id| before.contains(id)).cloned().collect();
        assert_eq!(old, before, "{sort}");
    }
    let names = walk(&app, ("/api/brands?limit=1&sort=-name&q=CRISP", &admin), "name", async || {}).await;
    assert_eq!(names, ["Crisp two", "Crisp"]);
    let none = walk(&app, ("/api/brands?verification=verified", &admin), "name", async || {}).await;
    assert!(none.is_empty(), "{none:?}");
    let own = get(&app, "/api/brands", &brands[1].key).await.ok(200);
    assert_eq!((own["items"].as_array().unwrap().len(), &own["items"][0]["name"]), (1, &json!("Crisp")));
    get(&app, "/api/brands", &streamer.key).await.problem(403, "forbidden");
    get(&app, "/api/brands", "").await.problem(401, "unauthorized");
    for (query, field) in [
        ("sort=size", "sort"),
        ("after=abc", "after"),
        ("verification=maybe", "verification"),
        ("status=gone", "status"),
        ("q=", "q"),
    ] {
        let problem = get(&app, &format!("/api/brands?{query}"), &admin).await.problem(422, "invalid");
        assert_eq!(named(&problem), [field]);
    }
    get(&app, "/api/brands?name=x", &admin).await.problem(400, "malformed");
    on.finish(app).await;
}

async fn an_archived_brand_is_out_within_a_second_and_comes_back(on: On) {
    let app = on.start().await;
    let (admin, (path, tokens)) = (app.admin_key().await, signed_up(&app).await);
    let brand = app.brand("Crisp", 20 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch", 5).await;
    let archive = async |path: &str, what: &str| {
        let body = json!({ "reason": "they asked for it" });
        ask(&app, ("POST", &format!("{path}/{what}")), &admin, &body).await
    };
    let own = format!("/api/brands/{}", brand.id);
    archive(&own, "archive").await.problem(409, "campaigns-active");
    let mut socket = app.open(&format!("/ws/campaigns/{campaign}")).await;
    socket.greet(&brand.key).await;
    socket.expect("welcome").await;
    app.change_campaign(&brand.key, campaign, "", &json!({ "status": "paused" })).await.ok(200);
    ask(&app, ("POST", &format!("{own}/archive")), &brand.key, &json!({ "reason": "x" }))
        .await
        .problem(403, "forbidden");
    ask(&app, ("POST", &format!("{own}/archive")), &admin, &json!({ "reason": " " }))
        .await
        .problem(422, "invalid");
    let gone = archive(&own, "archive").await.ok(200);
    assert_eq!(gone["status"], "archived");
    assert_eq!(socket.closed_in(Duration::from_secs(1)).await, (3501, "revoked".to_owned()));
    get(&app, &own, &brand.key).await.problem(401, "unauthorized");
    app.change_campaign(&admin, campaign, "", &json!({ "status": "active" })).await.problem(409, "refused");
    let further = json!({ "brand_id": brand.id.0 });
    ask(&app, ("POST", "/api/admin/keys"), &admin, &further).await.problem(404, "not-found");
    // A user: access token, refresh token and password.
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    get(&app, &path, &access).await.ok(200);
    archive(&path, "archive").await.ok(200);
    get(&app, &path, &access).await.problem(401, "unauthorized");
    let carry_on = json!({ "refresh_token": refresh });
    ask(&app, ("POST", "/api/auth/refresh"), "", &carry_on).await.problem(401, "session-over");
    let sign_in = json!({ "email": "ada@volt.example", "password": PASSWORD });
    ask(&app, ("POST", "/api/auth/sign-in"), "", &sign_in).await.problem(401, "wrong-credentials");
    let listed = walk(&app, ("/api/brands?status=archived", &admin), "name", async || {}).await;
    assert_eq!(listed, ["Volt", "Crisp"]);
    // Everything comes back but the sessions.
    for path in [&own, &path] {
        assert_eq!(archive(path, "restore").await.ok(200)["status"], "active");
    }
    eventually("the key is good again", async || get(&app, &own, &brand.key).await.status == 200).await;
    get(&app, &path, &access).await.problem(401, "unauthorized");
    let again = ask(&app, ("POST", "/api/auth/sign-in"), "", &sign_in).await.ok(200);
    get(&app, &path, &text(&again, "access_token")).await.ok(200);
    let audit = get(&app, &format!("{own}/audit"), &brand.key).await.ok(200);
    let told: Vec<_> = audit["items"].as_array().unwrap().iter().map(|one| text(one, "action")).collect();
    assert_eq!(told, ["restore", "archive"]);
    archive("/api/brands/4711", "archive").await.problem(404, "not-found");
    on.finish(app).await;
}

#[actix_rt::test]
async fn another_node_puts_an_archived_brand_out_within_a_second() {
    let (database, redis, prefix) = (new_database().await, shared_url(), prefix());
    let key = |byte: &str| format!("[\"1:{}\"]", byte.repeat(32));
    let (tokens, auth) = (key("5c"), key("6d"));
    let node = async |writer: &str| {
        let more = [
            ("DATABASE__URL", database.as_str()),
            ("DATABASE__WRITER", writer),
            ("REDIS__URL", redis.as_str()),
            ("REDIS__PREFIX", prefix.as_str()),
            ("SERVER__PUBLIC_URL", "https://ads.example"),
            ("SECRETS__TOKEN_KEYS", tokens.as_str()),
            ("SECRETS__AUTH_KEYS", auth.as_str()),
        ];
        World::new(&more).start(None).await
    };
    let (one, other) = (node("1").await, node("2").await);
    eventually("both hear each other", async || {
        one.engine().ports.bus.is_up() && other.engine().ports.bus.is_up()
    })
    .await;
    let (admin, (path, tokens)) = (one.admin_key().await, signed_up(&one).await);
    let access = text(&tokens, "access_token");
    let further = json!({ "brand_id": tokens["user"]["brand_id"] });
    let made = ask(&one, ("POST", "/api/admin/keys"), &admin, &further).await.ok(201);
    let key = text(&made, "key");
    eventually("the other node knows the key", async || get(&other, &path, &key).await.status == 200).await;
    get(&other, &path, &access).await.ok(200);
    for (what, status) in [("archive", 401), ("restore", 200)] {
        let started = Instant::now();
        let body = json!({ "reason": "they asked for it" });
        ask(&one, ("POST", &format!("{path}/{what}")), &admin, &body).await.ok(200);
        eventually("the other node has heard", async || get(&other, &path, &key).await.status == status)
            .await;
        eventually("of the user as well", async || get(&other, &path, &access).await.status == 401).await;
        assert!(started.elapsed() < Duration::from_secs(1), "{what}: {:?}", started.elapsed());
    }
}

on_each_store! {
    a_brand_says_what_it_is_group_by_group;
    every_field_that_is_refused_is_named_and_nothing_is_changed;
    a_change_is_made_to_the_version_it_is_meant_for;
    a_brand_asks_and_an_operator_decides;
    operators_list_brands_and_a_brand_sees_itself;
    an_archived_brand_is_out_within_a_second_and_comes_back;
}
