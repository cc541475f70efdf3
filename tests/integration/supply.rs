//! Slots that are decided are counted, and plans follow what was counted; the cap of a day stops a campaign.

use crate::support::page::Stage;
use crate::support::{PRICE, TestApp, campaign_body, eventually};
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::pacing::Plan;
use gametriggers_actors::domain::supply::{Cell, Planner, Supplied, SupplyHistory, SupplyRow, quarter};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::Batch;
use serde_json::json;
use std::sync::Arc;

const QUARTER: Millis = Millis::minutes(15);

/// An evening of yesterday, on streams such as the tests have.
async fn evening(app: &TestApp) -> Vec<SupplyRow> {
    let streamer = app.streamer("Nova").await;
    let profile = app.engine().ports.accounts.streamer(streamer.id).await.unwrap().profile;
    let (_, today) = SupplyHistory::days(app.engine().now());
    let cell = Cell::of(&profile, 100);
    let row = |n: i64| {
        let viewers = if n <= 24 { 9_000 } else { 10 };
        (today - Millis(n * QUARTER.0), cell.clone(), Supplied { slots: 1, viewers })
    };
    (1..=96).map(row).collect()
}

fn plan(app: &TestApp, campaign: CampaignId) -> Arc<Plan> {
    Arc::clone(&app.engine().catalogue.load().entry(campaign).unwrap().plan)
}

#[actix_rt::test]
async fn a_campaign_that_runs_follows_what_was_there_yesterday_and_so_it_does_after_a_restart() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let mut body = campaign_body("Crunch time", 20);
    body["pacing"] = json!("even");
    body["pricing"] = json!({ "type": "cpm", "rate": { "amount_micros": PRICE, "currency": "INR" } });
    let made = app.create_campaign(&brand.key, "crunch", &body).await.ok(201);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let engine = Arc::clone(app.engine());
    let flight = engine.catalogue.load().entry(campaign).unwrap().campaign.flight;
    assert_eq!(*plan(&app, campaign), Plan::uniform(flight), "without history");
    let budget = Arc::clone(&engine.catalogue.load().entry(campaign).unwrap().budget);
    eventually("its money is known", async || budget.view(None).funded.0 == 20 * PRICE).await;
    let (before, rows) = (plan(&app, campaign), evening(&app).await);
    assert_eq!(budget.view(None).pace.share, 0, "it began with its flight");

    engine.learn().await.unwrap();
    assert!(Arc::ptr_eq(&before, &plan(&app, campaign)), "no news is no new plan");
    engine.ports.log.append(&Batch { supply: rows.clone(), ..Batch::default() }).await.unwrap();
    engine.learn().await.unwrap();
    let mut history = SupplyHistory::default();
    rows.into_iter().for_each(|(at, cell, supplied)| history.add(at, cell, supplied));
    let learned = {
        let catalogue = engine.catalogue.load();
        Planner::new(&history).plan(&catalogue.entry(campaign).unwrap().campaign)
    };
    assert_eq!(*plan(&app, campaign), learned);
    assert_ne!(*before, learned);
    // Its actor takes the plan without being told, and keeps what was earned of the one before.
    eventually("the plan begins anew", async || budget.view(None).pace.share > 0).await;
    assert!(budget.view(None).pace.tokens.0 <= 20 * PRICE / 100, "of 300 days one and a bit have passed");
    engine.reload_catalogue().await.unwrap();
    assert_eq!(*plan(&app, campaign), learned);

    drop(engine);
    let app = app.stop().await.start(None).await;
    assert_eq!(*plan(&app, campaign), learned, "a restart plans the same");
    app.finish().await;
}

#[actix_rt::test]
async fn slots_that_are_decided_are_counted_filled_or_not_and_stay() {
    let app = TestApp::start().await;
    let streamer = app.streamer("Nova").await;
    let began = quarter(app.engine().now());
    let counted = async |app: &TestApp| {
        let to = quarter(app.engine().now()) + QUARTER;
        app.engine().ports.log.supply(began, to).await.unwrap()
    };
    assert_eq!(counted(&app).await, SupplyHistory::default());
    let mut stage = Stage::open(&app, &streamer).await;
    assert_eq!(stage.play_next().await["reason"], "no_candidate");
    eventually("an empty slot is counted", async || counted(&app).await != SupplyHistory::default()).await;
    let first = counted(&app).await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    app.campaign(&brand, "Crunch time", 20).await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    eventually("a filled slot is counted", async || counted(&app).await != first).await;
    let both = counted(&app).await;
    let app = app.stop().await.start(None).await;
    assert_eq!(counted(&app).await, both);
    assert_eq!(app.engine().ports.log.prune_supply(began).await.unwrap(), 0);
    assert!(app.engine().ports.log.prune_supply(UnixMillis(i64::MAX)).await.unwrap() > 0);
    app.finish().await;
}

#[actix_rt::test]
async fn a_campaign_stops_at_its_cap_of_the_day() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let mut body = campaign_body("Crunch time", 20);
    body["daily_cap"] = json!({ "amount_micros": 2 * PRICE, "currency": "INR" });
    let made = app.create_campaign(&brand.key, "crunch", &body).await.ok(201);
    let campaign = CampaignId(made["id"].as_i64().unwrap());
    app.wait_for_campaign(campaign).await;
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    for _ in 0..2 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    }
    let answer = stage.play_next().await;
    assert_eq!((answer["ok"].as_bool(), answer["reason"].as_str()), (Some(false), Some("daily_cap")));
    let budget = app.budget(campaign).await;
    assert_eq!((budget.spent.0, budget.spent_today(app.engine().now()).0), (2 * PRICE, 2 * PRICE));
    let raised = json!({ "daily_cap": { "amount_micros": 3 * PRICE, "currency": "INR" } });
    app.change_campaign(&brand.key, campaign, "", &raised).await.ok(200);
    eventually("the engine knows", async || {
        let catalogue = app.engine().catalogue.load();
        catalogue.entry(campaign).unwrap().campaign.daily_cap.is_some_and(|cap| cap.0 == 3 * PRICE)
    })
    .await;
    let shown = stage.show().await;
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    assert_eq!(stage.play_next().await["reason"], "daily_cap");
    app.finish().await;
}
