//! Pictures, pages and links: what browsers are served, and with which headers.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::{PRICE, TestApp, campaign_body, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const PICTURE: &[u8] = include_bytes!("../../config/demo/northpeak-corner.webp");
const VIDEO: &[u8] = include_bytes!("../../config/demo/voltade-loop.webm");
const BROWSER: &str = "Mozilla/5.0 (Linux; Android 14) Chrome/127.0 Mobile Safari/537.36";

#[actix_rt::test]
async fn an_upload_is_judged_by_its_content() {
    let app = TestApp::with(&[("ASSETS__IMAGE_BYTES_MAX", "200000")]).await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    let page = b"<!doctype html><script>alert(1)</script>";
    for bad in [&svg[..], &page[..], b""] {
        app.add_asset(&brand.key, bad).await.problem(415, "unsupported-media-type");
    }
    for damaged in [&PICTURE[..20], b"GIF89a\x01\x00\x01\x00", b"\x89PNG\r\n\x1a\n", &VIDEO[..60_000]] {
        let said = app.add_asset(&brand.key, damaged).await.problem(422, "asset-refused");
        assert_eq!(said["reason"], "damaged", "{said}");
    }
    let mut large = PICTURE.to_vec();
    large.resize(200_001, 0);
    app.add_asset(&brand.key, &large).await.problem(413, "too-large");
    let kept = app.add_asset(&brand.key, PICTURE).await;
    let view = kept.ok(201);
    let name = view["name"].as_str().unwrap().to_owned();
    assert_eq!(kept.header("location"), format!("/assets/{name}"));
    assert_eq!((&view["kind"], &view["media_type"]), (&json!("image"), &json!("image/webp")));
    assert_eq!(app.add_asset(&brand.key, PICTURE).await.ok(201)["name"], name.as_str(), "kept once");
    let video = app.add_asset(&brand.key, VIDEO).await.ok(201);
    assert_eq!((video["width"].as_u64(), video["height"].as_u64()), (Some(640), Some(360)));
    assert_eq!((video["duration_ms"].as_u64(), video["frames"].as_u64()), (Some(4000), Some(100)));

    let mut body = campaign_body("With a picture", 1);
    body["creatives"][0] = json!({
        "kind": "image", "placement": "corner", "duration_ms": 5000, "accent": "#ffffff", "asset": name,
    });
    let made = app.create_campaign(&brand.key, "with a picture", &body).await.ok(201);
    assert_eq!(made["creatives"][0]["asset"], name.as_str());
    body["creatives"][0]["kind"] = json!("video");
    app.create_campaign(&brand.key, "no video", &body).await.problem(422, "invalid");
    app.finish().await;
}

#[actix_rt::test]
async fn a_file_is_served_for_ever_whole_or_in_part() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let view = app.add_asset(&brand.key, PICTURE).await.ok(201);
    let name = view["name"].as_str().unwrap();
    let path = format!("/assets/{name}");
    let served = app.send(Request::get(&path)).await;
    assert_eq!((served.status, served.header("content-type")), (200, "image/webp"));
    assert_eq!(served.body.len(), usize::try_from(view["bytes"].as_u64().unwrap()).unwrap());
    assert!(served.body.starts_with(b"RIFF") && served.body != PICTURE, "drawn anew");
    assert_immutable(&served);
    assert_eq!(served.header("content-security-policy"), "default-src 'none'; sandbox");
    let tag = served.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", name.split('.').next().unwrap()));
    let total = served.body.len();
    let ask = async |range: &str| app.send(Request::get(&path).header("range", range)).await;
    let part = ask("bytes=4-9").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &served.body[4..10]));
    assert_eq!(part.header("content-range"), format!("bytes 4-9/{total}"));
    assert_eq!(part.header("content-length"), "6");
    let last = ask("bytes=-5").await;
    assert_eq!((last.status, last.body.as_slice()), (206, &served.body[total - 5..]));
    let beyond = ask(&format!("bytes={total}-")).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{total}").as_str()));
    assert_eq!(ask("bytes=0-1,4-5").await.body.len(), total, "several spans get everything");
    let same = app.send(Request::get(&path).header("if-none-match", tag.as_str())).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, tag.as_str()));
    assert_immutable(&same);
    let ranged = |tag: &str| Request::get(&path).header("range", "bytes=0-1").header("if-range", tag);
    assert_eq!(app.send(ranged(&tag)).await.status, 206);
    assert_eq!(app.send(ranged("\"another\"")).await.status, 200);
    let head = app.send(Request::new("HEAD", &path)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), total.to_string());
    let others = view["renditions"].as_array().unwrap();
    assert!(!others.is_empty());
    for other in others {
        let served = app.send(Request::get(other["url"].as_str().unwrap())).await;
        assert_eq!(
            (served.status, served.header("content-type")),
            (200, other["media_type"].as_str().unwrap())
        );
    }
    for bad in ["/assets/none.webp", "/assets/..%2ftest.db", "/assets/../test.db", "/assets/%00"] {
        assert_eq!(app.send(Request::get(bad)).await.status, 404, "{bad}");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn a_brand_uploads_up_to_its_quota_and_not_a_byte_more() {
    let app = TestApp::start().await;
    let probe = app.brand("Crisp", 0).await;
    let size = async |bytes| {
        let view = app.add_asset(&probe.key, bytes).await.ok(201);
        let others = view["renditions"].as_array().unwrap();
        let all = others.iter().chain([&view]).map(|file| file["bytes"].as_u64().unwrap());
        (all.sum::<u64>(), others.len() + 1)
    };
    let ((picture, files), (video, _)) = (size(PICTURE).await, size(VIDEO).await);
    app.finish().await;
    let quota = (picture + video - 1).to_string();
    let app = TestApp::with(&[("ASSETS__BRAND_BYTES_MAX", &quota)]).await;
    let (brand, other) = (app.brand("Crisp", 0).await, app.brand("Soggy", 0).await);
    let refused = app.watch("gametriggers_http_problems_total", "507").await;
    let counted = app.watch("gametriggers_assets_refused_total", "quota").await;
    app.add_asset(&brand.key, PICTURE).await.ok(201);
    let name = app.add_asset(&brand.key, PICTURE).await.ok(201)["name"].clone();
    let problem = app.add_asset(&brand.key, VIDEO).await.problem(507, "asset-quota");
    assert!(problem["detail"].as_str().unwrap().contains(&quota), "{problem}");
    refused.grows(&app, 1).await;
    counted.grows(&app, 1).await;
    let folder = app.database().with_file_name("assets");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), files, "nothing was written");
    // Each has a quota of its own, an operator has none, and what is there counts for who uploads it too.
    app.add_asset(&other.key, VIDEO).await.ok(201);
    app.add_asset(&other.key, PICTURE).await.problem(507, "asset-quota");
    let admin = app.admin_key().await;
    assert_eq!(app.add_asset(&admin, PICTURE).await.ok(201)["name"], name);
    let app = app.stop().await.start(None).await;
    app.add_asset(&brand.key, VIDEO).await.problem(507, "asset-quota");
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_but_its_brand_reads_lists_uses_or_archives_an_upload() {
    let app = TestApp::start().await;
    let (brand, other) = (app.brand("Crisp", 10 * PRICE).await, app.brand("Soggy", 10 * PRICE).await);
    let (streamer, admin) = (app.streamer("Nova").await, app.admin_key().await);
    let view = app.add_asset(&brand.key, PICTURE).await.ok(201);
    let video = app.add_asset(&brand.key, VIDEO).await.ok(201)["name"].clone();
    let name = view["name"].as_str().unwrap();
    let path = format!("/api/assets/{name}");
    let send = async |method, path: &str, key: &str| app.send(Request::new(method, path).key(key)).await;
    assert_eq!(send("GET", &path, &brand.key).await.ok(200), view);
    let of = format!("{path}?brand_id={}", brand.id);
    assert_eq!(send("GET", &of, &admin).await.ok(200), view);
    for method in ["GET", "DELETE"] {
        send(method, &path, "").await.problem(401, "unauthorized");
        send(method, &path, &other.key).await.problem(404, "not-found");
        send(method, &path, &streamer.key).await.closed();
        send(method, &of, &other.key).await.problem(403, "forbidden");
        send(method, &path, &admin).await.problem(422, "invalid");
        send(method, &path, &streamer.overlay_key).await.problem(401, "unauthorized");
    }
    send("GET", "/api/assets", &streamer.key).await.problem(403, "forbidden");
    assert_eq!(send("GET", "/api/assets", &other.key).await.ok(200)["items"], json!([]));
    let names = async |query: &str| {
        let page = send("GET", &format!("/api/assets{query}"), &brand.key).await.ok(200);
        let items = page["items"].as_array().unwrap().iter().map(|item| item["name"].clone());
        (items.collect::<Vec<_>>(), page["next"].clone())
    };
    let (first, next) = names("?limit=1").await;
    assert_eq!((first, next.clone()), (vec![video.clone()], video.clone()), "newest first");
    let (second, _) = names(&format!("?limit=1&before={}", next.as_str().unwrap())).await;
    assert_eq!(second, [name]);
    // Another brand can not show what it did not upload, whoever told it the name.
    let mut body = campaign_body("With a picture", 1);
    body["creatives"][0] = json!({
        "kind": "image", "placement": "corner", "duration_ms": 5000, "accent": "#ffffff", "asset": name,
    });
    app.create_campaign(&other.key, "not theirs", &body).await.problem(422, "invalid");
    let away = send("DELETE", &path, &brand.key).await.ok(200);
    assert!(away["archived_at"].is_string(), "{away}");
    assert_eq!(send("DELETE", &path, &brand.key).await.ok(200), away, "once is enough");
    assert_eq!(names("").await.0, [video]);
    assert_eq!(names("?archived=true").await.0, [name]);
    app.create_campaign(&brand.key, "put away", &body).await.problem(422, "invalid");
    assert_eq!(app.send(Request::get(format!("/assets/{name}"))).await.status, 200, "what shows it goes on");
    app.add_asset(&brand.key, PICTURE).await.ok(201);
    app.create_campaign(&brand.key, "back again", &body).await.ok(201);
    app.finish().await;
}

#[actix_rt::test]
async fn an_upload_from_before_is_described_when_it_is_asked_for() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let view = app.add_asset(&brand.key, PICTURE).await.ok(201);
    let name = view["name"].as_str().unwrap();
    // As an earlier release left it: the row of the quota and the file, and nothing else.
    let options = SqliteConnectOptions::new().filename(app.database());
    let mut connection = options.connect().await.unwrap();
    sqlx::query("DELETE FROM asset").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let path = format!("/api/assets/{name}");
    let old = app.send(Request::get(&path).key(&brand.key)).await.ok(200);
    assert_eq!(
        (&old["width"], &old["height"], &old["bytes"]),
        (&view["width"], &view["height"], &view["bytes"])
    );
    assert_eq!(app.send(Request::get("/api/assets").key(&brand.key)).await.ok(200)["items"], json!([old]));
    let mut body = campaign_body("With a picture", 1);
    body["creatives"][0] = json!({
        "kind": "image", "placement": "corner", "duration_ms": 5000, "accent": "#ffffff", "asset": name,
    });
    app.create_campaign(&brand.key, "an old one", &body).await.ok(201);
    app.finish().await;
}

fn assert_immutable(response: &Response) {
    assert_eq!(response.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
}

/// The paths of this server that a page names.
fn links(html: &str) -> Vec<String> {
    let names = html.split('"').filter(|part| part.starts_with('/') && part.matches('/').count() == 3);
    names.map(str::to_owned).collect()
}

#[actix_rt::test]
async fn pages_come_with_a_policy_and_their_files_for_ever() {
    let app = TestApp::start().await;
    for path in ["/", "/overlay/", "/dashboard/"] {
        let page = app.send(Request::get(path)).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors"), "{policy}");
        assert!(!policy.contains("script-src 'self' 'unsafe-inline'"), "{policy}");
        if path != "/" {
            assert!(policy.contains(&format!("connect-src 'self' ws://{0} wss://{0}", app.addr)), "{policy}");
        }
        assert!(!page.text().contains("{{build}}"));
        let files = links(&page.text());
        assert!(!files.is_empty(), "{path} names no files");
        for file in files {
            let served = app.send(Request::get(&file)).await;
            assert_eq!(served.status, 200, "{file}");
            assert_immutable(&served);
        }
        let head = app.send(Request::new("HEAD", path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
        assert_eq!(head.header("content-security-policy"), policy);
    }
    for (from, to) in [("/overlay", "/overlay/"), ("/dashboard", "/dashboard/")] {
        let moved = app.send(Request::get(from)).await;
        assert_eq!((moved.status, moved.header("location")), (308, to));
    }
    for bad in ["/overlay/000000000000/main.js", "/overlay/../Cargo.toml", "/dashboard/x/y.html"] {
        assert_eq!(app.send(Request::get(bad)).await.status, 404, "{bad}");
    }
    let odd = app.send(Request::get("/overlay/").header("host", "evil.example; script-src *")).await;
    assert!(!odd.header("content-security-policy").contains("evil"), "a host in the policy");
    app.finish().await;
}

#[actix_rt::test]
async fn a_short_link_leads_to_the_landing_page_and_nowhere_else() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 10 * PRICE).await;
    let mut body = campaign_body("Scan me", 4);
    body["pricing"]["type"] = json!("cpc");
    body["creatives"][0]["kind"] = json!("qr");
    let view = app.create_campaign(&brand.key, "scan me", &body).await.ok(201);
    let campaign = CampaignId(view["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let prepare = stage.prepare().await;
    let content = &prepare["creative"]["content"];
    let link = content["link_text"].as_str().unwrap();
    let path = link.strip_prefix(&app.addr.to_string()).unwrap().to_owned();
    assert!(path.starts_with("/r/"), "{link}");
    let svg = app.send(Request::get(content["qr_src"].as_str().unwrap())).await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    stage.page.say(&json!({ "type": "prepared", "play_id": prepare["play_id"] })).await;
    stage.page.expect("play").await;
    stage.page.say(&json!({ "type": "started", "play_id": prepare["play_id"] })).await;
    eventually("the play is in the log", async || {
        !app.plays(&streamer.key, streamer.id, "").await.ok(200)["items"].as_array().unwrap().is_empty()
    })
    .await;
    let (robot, billed) = (
        app.watch("gametriggers_clicks_total", "robot").await,
        app.watch("gametriggers_clicks_total", "billed").await,
    );
    let repeated = app.watch("gametriggers_clicks_total", "repeated").await;
    let follow = async |request: Request| {
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (302, "https://brand.example/landing"));
        assert_eq!(
            (answer.header("cache-control"), answer.header("referrer-policy")),
            ("no-store", "no-referrer")
        );
    };
    follow(Request::get(format!("{path}?to=https://evil.example")).header("user-agent", "Discordbot/2.0"))
        .await;
    follow(Request::new("HEAD", &path).header("user-agent", BROWSER)).await;
    robot.grows(&app, 1).await;
    assert_eq!(app.budget(campaign).await.clicks, 0, "robots and previews are free");
    follow(Request::get(&path).header("user-agent", BROWSER).header("host", "evil.example")).await;
    billed.grows(&app, 1).await;
    follow(Request::get(&path).header("user-agent", BROWSER)).await;
    repeated.grows(&app, 1).await;
    let budget = app.budget(campaign).await;
    assert_eq!((budget.clicks, budget.spent.0), (1, PRICE), "one viewer, one click");
    for bad in ["/r/1-abc", "/r/zzzzzz-abcdefgh", "/r/https:%2f%2fevil.example", "/r/-1-abcdefgh"] {
        assert_eq!(app.send(Request::get(bad).header("user-agent", BROWSER)).await.status, 404, "{bad}");
    }
    app.finish().await;
}
