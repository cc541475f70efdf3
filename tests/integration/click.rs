//! Whose click it is, and how many of a play are billed.

use crate::support::http::Request;
use crate::support::page::Stage;
use crate::support::{PRICE, Streamer, TestApp, campaign_body, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::json;

/// A play that pays for clicks: its campaign, its link, and how many clicks it may bill.
async fn play(app: &TestApp, streamer: &Streamer) -> (CampaignId, String, u32) {
    let brand = app.brand("Crisp", 1000 * PRICE).await;
    let mut body = campaign_body("Scan me", 1000);
    body["pricing"]["type"] = json!("cpc");
    body["creatives"][0]["kind"] = json!("qr");
    let made = app.create_campaign(&brand.key, "scan me", &body).await.ok(201);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let mut stage = Stage::open(app, streamer).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    let newest = async || app.plays(&streamer.key, streamer.id, "?limit=1").await.ok(200)["items"][0].clone();
    eventually("the play is in the log", async || newest().await["outcome"] == "settled").await;
    let code = newest().await["click_code"].as_str().unwrap().to_owned();
    let terms = app.engine().ports.log.by_click_code(&code).await.unwrap().unwrap().clicks.unwrap();
    (campaign, format!("/r/{code}"), terms.clicks_max)
}

async fn click(app: &TestApp, path: &str, from: &str, agent: &str) {
    let agent = format!("Mozilla/5.0 {agent}");
    let click = Request::get(path).header("user-agent", agent).header("x-forwarded-for", from);
    assert_eq!(app.send(click).await.status, 302, "{from}");
}

#[actix_rt::test]
async fn behind_a_trusted_proxy_each_address_has_one_click_and_a_play_its_share() {
    let app = TestApp::with(&[("SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#)]).await;
    let streamer = app.streamer("Nova").await;
    let (campaign, path, clicks_max) = play(&app, &streamer).await;
    let [billed, repeated, over] = ["billed", "repeated", "over"];
    let repeats = app.watch("gametriggers_clicks_total", repeated).await;
    // One household, however it calls its browsers, and whatever it writes before its own address.
    for (from, agent) in
        [("203.0.113.7", "Firefox"), ("203.0.113.7", "Chrome"), ("1.1.1.1, 203.0.113.7", "Safari")]
    {
        let first = app.budget(campaign).await.clicks == 0;
        let told = app.watch("gametriggers_clicks_total", if first { billed } else { repeated }).await;
        click(&app, &path, from, agent).await;
        told.grows(&app, 1).await;
    }
    repeats.grows(&app, 2).await;
    assert_eq!(app.budget(campaign).await.clicks, 1);
    // Others have theirs, one after the other, until what was set aside is used up; also after a restart.
    for other in 1..clicks_max {
        let told = app.watch("gametriggers_clicks_total", billed).await;
        click(&app, &path, &format!("2001:db8:0:{other:x}::1"), "Firefox").await;
        told.grows(&app, 1).await;
    }
    let app = app.stop().await.start(None).await;
    let surplus = app.watch("gametriggers_clicks_total", over).await;
    for other in 0..3 {
        click(&app, &path, &format!("198.51.100.{other}"), "Firefox").await;
    }
    surplus.grows(&app, 3).await;
    let budget = app.budget(campaign).await;
    assert_eq!((budget.clicks, budget.spent.0), (clicks_max.into(), PRICE * i64::from(clicks_max)));
    // The brand reads how often its creative was shown and clicked.
    let admin = app.admin_key().await;
    eventually("all clicks are counted", async || {
        let counts = app.show_campaign(&admin, campaign).await.ok(200)["creatives"][0]["counts"].clone();
        (&counts["plays"], &counts["impressions"], &counts["clicks"])
            == (&json!(1), &json!(1), &json!(clicks_max))
    })
    .await;
    app.finish().await;
}

#[actix_rt::test]
async fn nobody_elses_word_on_an_address_is_taken() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let (campaign, path, _) = play(&app, &streamer).await;
    for n in 0..3 {
        let became = if n == 0 { "billed" } else { "repeated" };
        let told = app.watch("gametriggers_clicks_total", became).await;
        click(&app, &path, &format!("203.0.113.{n}"), &format!("Firefox {n}")).await;
        told.grows(&app, 1).await;
    }
    assert_eq!(app.budget(campaign).await.clicks, 1);
    let limited = app.watch("gametriggers_clicks_total", "limited").await;
    for n in 0..80 {
        click(&app, &path, "203.0.113.1", &format!("Firefox {n}")).await;
    }
    limited.grows(&app, 1).await;
    assert_eq!(app.budget(campaign).await.clicks, 1);
    app.finish().await;
}
