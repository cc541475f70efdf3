//! Flights that are over: the server ends their campaigns by itself.

use crate::support::engine::{TestEngine, funded};
use crate::support::http::Request;
use crate::support::page::{Stage, claim_on, open_page};
use crate::support::receiver::Receiver;
use crate::support::{EARN, PRICE, TestApp, eventually, sleep_ms};
use gametriggers::operator::{frequent, new_streamer, sample};
use gametriggers_actors::domain::campaign::account::Want;
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Split};
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::messages::{Reserve, Settle};
use gametriggers_actors::ports::{CampaignChange, Listener, NewEndpoint, Secret};
use serde_json::json;

#[actix_rt::test]
async fn what_a_flight_that_is_over_did_not_spend_comes_back_and_its_brand_is_told_once() {
    let app = TestApp::with(&[
        ("WEBHOOKS__ALLOWED_NETWORKS", "[\"127.0.0.1\"]"),
        ("WEBHOOKS__HTTP_HOSTS", "[\"127.0.0.1\"]"),
    ])
    .await;
    let brand = app.brand("Crisp", 100 * PRICE).await;
    let receiver = Receiver::start().await;
    let endpoint = json!({ "url": receiver.url(), "events": ["campaign.ended"], "description": "tests" });
    app.send(Request::new("POST", "/api/webhooks").key(&brand.key).json(&endpoint)).await.ok(201);
    let over = app.campaign(&brand, "Crunch time", 10).await;
    let [paused, goes_on] =
        [app.campaign(&brand, "Crumbs", 5).await, app.campaign(&brand, "Crackle", 5).await];
    let set = async |id, change| app.change_campaign(&brand.key, id, "", &change).await.ok(200);
    for id in [paused, goes_on] {
        set(id, json!({ "status": "paused" })).await;
    }
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let paid = stage.show().await;
    assert_eq!(stage.claim(&paid.claim()).await["result"], "settled");
    let open = stage.show().await;
    set(goes_on, json!({ "status": "active" })).await;
    // Two flights are over for long when the next server comes, as after an outage.
    let ended = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(12)).to_string();
    for id in [over, paused] {
        set(id, json!({ "ends_at": ended })).await;
    }
    let completed = app.watch("gametriggers_campaigns_completed_total", "").await;
    let addr = app.addr;
    let app = app.stop().await.start(Some(addr)).await;
    let status = async |id| app.show_campaign(&brand.key, id).await.ok(200)["status"].clone();
    for id in [over, paused] {
        eventually("it is completed", async || status(id).await == "completed").await;
        let catalogue = &app.engine().catalogue;
        eventually("the node knows", async || catalogue.load().entry(id).is_none()).await;
    }
    assert_eq!(status(goes_on).await, "active");
    // What was shown is paid, as after an end by hand; then all of the rest comes back.
    let mut page = open_page(&app, &streamer, "instance-1").await;
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "settled");
    assert_eq!(claim_on(&mut page, &open.claim()).await["result"], "duplicate");
    app.assert_paid(over, &streamer, 2).await;
    eventually("the rest is back", async || app.available(&brand).await == (100 - 2 - 5) * PRICE).await;
    completed.grows(&app, 2).await;
    eventually("both are told", async || receiver.of("campaign.ended").len() >= 2).await;
    sleep_ms(1500).await;
    let told = receiver.of("campaign.ended");
    let mut whose: Vec<_> = told.iter().map(|heard| heard.json()["data"]["campaign_id"].as_i64()).collect();
    whose.sort_unstable();
    assert_eq!(whose, [Some(over.0), Some(paused.0)], "each once");
    assert!(told.iter().all(|heard| heard.json()["data"]["status"] == "completed"), "{told:?}");
    app.finish().await;
}

/// What a page claims of a play that a lease pays.
fn claim(play: PlayId, lease: LeaseId, of: &Campaign, streamer: StreamerId) -> Settle {
    let debit = Debit {
        event: play,
        kind: EventKind::Play,
        play,
        lease,
        campaign: of.id,
        streamer,
        creative: of.creatives[0].id,
        currency: Currency::INR,
        split: Split { price: Micros(PRICE), fee: Micros(PRICE - EARN), earn: Micros(EARN) },
        viewers: 10,
        occurred: play.minted(),
    };
    Settle(Claim { debit, verdict: Ok(()) })
}

#[actix_rt::test]
async fn a_campaign_ends_when_no_play_of_its_flight_can_be_charged_any_more() {
    let test = TestEngine::start().await;
    let engine = &test.engine;
    let campaign = funded(engine, 10).await;
    let (ports, brand) = (&engine.ports, campaign.brand.id);
    let listener = NewEndpoint {
        owner: Listener::Brand(brand),
        url: "https://brand.example/".to_owned(),
        description: String::new(),
        events: vec![EventType::CampaignEnded],
        secret: Secret("whsec_one".to_owned()),
    };
    let endpoint = ports.webhooks.add_endpoint(&listener, engine.now()).await.unwrap().id;
    let (new, _, _) = new_streamer(sample("Nova"), frequent(Millis(1000)), "");
    let streamer = ports.accounts.add_streamers(&[new], engine.now()).await.unwrap()[0];
    engine.directory.watch(engine);
    let status = async || ports.campaigns.campaign(campaign.id).await.unwrap().status;
    let available = async || ports.ledger.available(brand, Currency::INR).await.unwrap();

    // Two plays are decided in the last seconds of the flight.
    let last = engine.now();
    let ends = last + Millis::seconds(5);
    let change = CampaignChange { ends: Some(ends), ..CampaignChange::default() };
    ports.campaigns.change(campaign.id, &change, last).await.unwrap();
    engine.reload_catalogue().await.unwrap();
    let actor = engine.directory.campaign(engine, campaign.id);
    let plays = [1, 2].map(|number| PlayId::mint(last, [number; 10]));
    let mut lease = LeaseId(0);
    for play in plays {
        let returns = engine.now() + engine.numbers.terms.money_returns_after();
        let (amount, standing) = (Micros(PRICE), 0);
        let want = Want { play, amount, value: amount, returns, standing };
        lease = actor.send(Reserve(want)).await.unwrap().unwrap();
    }
    // Ten seconds before their money is free: many turns later the campaign is as it was, and pays.
    let free = ends + engine.numbers.terms.money_returns_after();
    test.world.turn(free - Millis::seconds(10) - engine.now());
    sleep_ms(2500).await;
    assert_eq!((status().await, available().await), (Status::Active, Micros(0)));
    let settle = engine.directory.settlement(engine);
    let claimed = settle.send(claim(plays[0], lease, &campaign, streamer)).await.unwrap();
    assert_eq!(claimed, Outcome::Settled);

    // Then it ends, and what nobody claimed comes back with all that it did not spend.
    test.world.turn(Millis::seconds(70));
    eventually("it is completed", async || status().await == Status::Ended).await;
    eventually("the node knows", async || engine.catalogue.load().entry(campaign.id).is_none()).await;
    eventually("its money is back", async || available().await == Micros(9 * PRICE)).await;
    let budget = ports.ledger.budget(campaign.id).await.unwrap();
    assert_eq!((budget.funded, budget.spent, budget.leased), (Micros(PRICE), Micros(PRICE), Micros(0)));
    // Nor does it end again.
    for _ in 0..2 {
        test.world.turn(Millis::minutes(2));
        sleep_ms(1500).await;
    }
    assert_eq!(ports.webhooks.deliveries(endpoint, None, None, 10).await.unwrap().len(), 1);
    assert_eq!(ports.campaigns.record(campaign.id).await.unwrap().version, 3);
    for check in ports.ledger.reconcile(true).await.unwrap() {
        assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
    }
    test.stop().await;
}
