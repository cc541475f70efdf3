//! Many streamers, one small budget.

use crate::support::{EARN, PRICE, TestApp, eventually, sleep_ms};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::domain::time::Millis;
use gametriggers_simulated_overlay::{Nobody, Outbox, Overlay, Settings, spawn};
use std::sync::Arc;
use std::time::Duration;

#[actix_rt::test]
async fn a_budget_for_three_plays_shows_three_to_ten_streamers_who_all_want_one() {
    let app = TestApp::with(&[("PLAY__FIRST_SLOT_MS", "1000")]).await;
    let brand = app.brand("Crisp", 3 * PRICE).await;
    let budget = app.watch("gametriggers_slots_unfilled_total", "budget").await;
    let settled = app.watch("gametriggers_claims_total", "settled").await;
    let campaign = app.campaign(&brand, "Three bites", 3).await;
    let mut streamers = Vec::new();
    for number in 0..10 {
        streamers.push(app.streamer_every(&format!("Streamer {number}"), Millis(300)).await);
    }
    let overlays: Vec<Overlay> = streamers
        .iter()
        .zip(0..)
        .map(|(streamer, number)| {
            let mut settings = Settings::new(app.addr, streamer.overlay_key.clone());
            (settings.number, settings.seed) = (number, u64::from(number) + 1);
            settings.screen.show = Some(Duration::from_millis(1100));
            spawn(settings, Outbox::default(), Arc::new(Nobody))
        })
        .collect();
    eventually("all three are settled", async || app.budget(campaign).await.plays >= 3).await;
    // Each of them asks a few times more.
    sleep_ms(1500).await;
    let end = app.budget(campaign).await;
    assert_eq!((end.spent, end.funded, end.plays), (Micros(3 * PRICE), Micros(3 * PRICE), 3));
    let live = app.live(&brand.key, campaign).await.ok(200);
    assert_eq!((live["spent_micros"].as_i64(), live["reserved_micros"].as_i64()), (Some(3 * PRICE), Some(0)));
    settled.grows(&app, 3).await;
    budget.grows(&app, 10).await;
    let mut earned = 0;
    for streamer in &streamers {
        earned += app.earned(streamer).await;
    }
    assert_eq!(earned, 3 * EARN);
    for overlay in overlays {
        assert!(overlay.is_settled(), "a claim is still waiting");
        overlay.stop().await;
    }
    app.finish().await;
}
