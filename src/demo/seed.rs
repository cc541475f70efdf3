//! The demo's brands, campaigns and streamer.

use crate::app::{StartError, secret_file};
use crate::operator::{frequent, new_streamer};
use crate::web::keep_asset;
use crate::world::new_key;
use gametriggers_actors::domain::campaign::{Brand, Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::conflict::{Rule, RuleKind, Scope, Severity};
use gametriggers_actors::domain::creative::{Content, Placement};
use gametriggers_actors::domain::id::{RuleId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Idempotency, NewCampaign, NewCreative, Principal};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

const LOWER_THIRD: &[u8] = include_bytes!("../../config/demo/voltade-lower-third.webp");
const CORNER: &[u8] = include_bytes!("../../config/demo/northpeak-corner.webp");
const LOOP: &[u8] = include_bytes!("../../config/demo/voltade-loop.webm");

/// One rupee.
const UNIT: i64 = 1_000_000;
const CATEGORY: &str = "energy_drink";

/// What a second start needs to print again. Only this user can read the file.
#[derive(Deserialize, Serialize)]
pub(super) struct Keys {
    pub(super) overlay_key: String,
    pub(super) streamer_key: String,
    pub(super) brand_key: String,
    pub(super) admin_key: String,
    pub(super) streamer_id: i64,
    pub(super) campaign_ids: Vec<i64>,
}

/// Removes the demo's files, and nothing else that may lie in the folder. Not while another process
/// works on them: it would go on with files that nobody can find any more.
pub(super) fn forget(data: &Path) -> Result<(), StartError> {
    let lock = std::fs::File::create(data.join("demo.db.lock"))?;
    lock.try_lock().map_err(|_| format!("{} is in use by another process; stop it first", data.display()))?;
    let names =
        ["demo.db", "demo.db-wal", "demo.db-shm", "demo.keys.json", "demo.streamers.json", "demo.token-key"];
    for name in names {
        match std::fs::remove_file(data.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The keys of an earlier start, or a new world.
pub(super) async fn plant(engine: &Arc<Engine>, data: &Path, assets: &Path) -> Result<Keys, StartError> {
    let path = data.join("demo.keys.json");
    if let Ok(text) = std::fs::read_to_string(&path) {
        let mut keys: Keys = serde_json::from_str(&text)?;
        if engine.keyring.holder(&keys.overlay_key).is_none() {
            // It was rotated: the address of an earlier start is dead, and the new key is not known here.
            keys.overlay_key = new_key("demo_overlay");
            let (hash, holder) =
                (Keyring::hash(&keys.overlay_key), Principal::Overlay(StreamerId(keys.streamer_id)));
            engine.ports.accounts.add_key(hash, holder, "demo", engine.now()).await?;
            engine.keyring.add([(hash, holder)]);
            secret_file(&path, &serde_json::to_string(&keys)?)?;
        }
        return Ok(keys);
    }
    let keys = sow(engine, assets).await?;
    secret_file(&path, &serde_json::to_string(&keys)?)?;
    Ok(keys)
}

async fn sow(engine: &Arc<Engine>, assets: &Path) -> Result<Keys, StartError> {
    let now = engine.now();
    let accounts = &engine.ports.accounts;
    let admin_key = new_key("demo_admin");
    accounts.add_key(Keyring::hash(&admin_key), Principal::Admin, "demo", now).await?;
    let (voltade, brand_key) = brand(engine, "Voltade").await?;
    let (northpeak, _) = brand(engine, "Northpeak").await?;
    rules(engine, now).await?;
    let mut campaign_ids = Vec::new();
    for (at, new) in campaigns(&voltade, &northpeak, assets, now)?.iter().enumerate() {
        let once = Idempotency { key: format!("demo:{now:?}:{at}"), fingerprint: [0; 32] };
        campaign_ids.push(engine.ports.campaigns.create(new, &once, now).await?.id.0);
    }
    let (new, streamer_key, overlay_key) = new_streamer("Nova", frequent(Millis::seconds(15)), "demo_");
    let ids = accounts.add_streamers(std::slice::from_ref(&new), now).await?;
    let streamer = ids.first().copied().ok_or("the streamer was not added")?;
    engine.streamers.insert(streamer, accounts.streamer(streamer).await?);
    engine.keyring.add(accounts.keys().await?);
    Ok(Keys { overlay_key, streamer_key, brand_key, admin_key, streamer_id: streamer.0, campaign_ids })
}

async fn brand(engine: &Arc<Engine>, name: &str) -> Result<(Brand, String), StartError> {
    let now = engine.now();
    let brand = engine.ports.accounts.add_brand(name, now).await?;
    let key = new_key("demo_brand");
    engine.ports.accounts.add_key(Keyring::hash(&key), Principal::Brand(brand.id), "demo", now).await?;
    let money = Money { amount: Micros(2_000_000 * UNIT), currency: Currency::INR };
    let once = Idempotency { key: format!("demo:deposit:{}", brand.id), fingerprint: [0; 32] };
    engine.ports.ledger.deposit(brand.id, money, &once, now).await?;
    Ok((brand, key))
}

/// The two brands compete: they take turns, and never follow each other at once.
async fn rules(engine: &Arc<Engine>, now: UnixMillis) -> Result<(), StartError> {
    let category = Category(CATEGORY.into());
    let apart = RuleKind::CategoryExclusivity { categories: vec![category], span: Millis::seconds(12) };
    let turns = RuleKind::CooldownPeriod { scope: Scope::Brand, span: Millis::seconds(20) };
    let crowd =
        RuleKind::SimultaneousLimit { scope: Scope::Streamer, campaigns_max: 6, span: Millis::minutes(10) };
    let all = [
        ("Competitors keep apart", apart, Severity::Blocking, 100),
        ("Brands take turns", turns, Severity::Blocking, 50),
        ("Not too many campaigns", crowd, Severity::Advisory, 10),
    ];
    for (name, kind, severity, priority) in all {
        let rule = Rule { id: RuleId(0), kind, severity, priority };
        engine.ports.campaigns.add_rule(&rule, name, now).await?;
    }
    Ok(())
}

/// Kind, placement and colour of a creative.
type Look = (Content, Placement, &'static str);

fn campaigns(
    voltade: &Brand,
    northpeak: &Brand,
    assets: &Path,
    now: UnixMillis,
) -> Result<Vec<NewCampaign>, StartError> {
    let image = |bytes| -> Result<Content, StartError> {
        let kept = keep_asset(assets, bytes).map_err(|problem| problem.to_string())?;
        Ok(Content::Image { asset: kept.name.into(), width: kept.width, height: kept.height })
    };
    let video = keep_asset(assets, LOOP).map_err(|problem| problem.to_string())?;
    let video = Content::Video { asset: video.name.into(), width: video.width, height: video.height };
    let text = |headline: &str, body: &str| Content::Text { headline: headline.into(), body: body.into() };
    let qr = |headline: &str, body: &str| Content::Qr { headline: headline.into(), body: body.into() };
    let (lime, orange) = ("#d9ff3d", "#ff7f32");
    let cpm = |rupees: i64| Pricing::Cpm(Micros(rupees * UNIT));
    let cpc = |rupees: i64| Pricing::Cpc(Micros(rupees * UNIT));
    let flat = |rupees: i64| Pricing::Flat(Micros(rupees * UNIT));
    let free_can =
        qr("First can is on us", "Scan, pick your flavour, get a code for one free can of Citrus Surge.");
    let week = text(
        "Altitude week: two for one",
        "Every bottle of Alpine Berry brings a friend along. Until Sunday, wherever you find Northpeak.",
    );
    let trail = qr(
        "Build your own trail pack",
        "Six bottles, your mix of flavours, 20% off the first box. Scan to start.",
    );
    let ticker = text(
        "Voltade keeps this stream charged",
        "Citrus Surge. Zero sugar, all spark. In the cold shelf near you.",
    );
    let wide = Placement::LowerThird;
    let list: [(&Brand, &str, Pricing, Look); 7] = [
        (voltade, "Win the late game", cpm(250), (image(LOWER_THIRD)?, wide, lime)),
        (voltade, "Scan for a free can", cpc(90), (free_can, Placement::Corner, lime)),
        (northpeak, "Cold start", flat(24), (image(CORNER)?, Placement::Corner, orange)),
        (northpeak, "Altitude week", cpm(180), (week, wide, orange)),
        (northpeak, "Trail pack", cpc(80), (trail, wide, orange)),
        (voltade, "Matchday ticker", flat(18), (ticker, Placement::Ticker, lime)),
        (voltade, "Citrus Surge spot", flat(15), (video, Placement::Corner, lime)),
    ];
    Ok(list
        .into_iter()
        .map(|(brand, name, pricing, look)| campaign(brand, name, pricing, look, now))
        .collect())
}

fn campaign(
    brand: &Brand,
    name: &str,
    pricing: Pricing,
    (content, placement, accent): Look,
    now: UnixMillis,
) -> NewCampaign {
    let slug = name.to_lowercase().replace(' ', "-");
    let seconds = if matches!(content, Content::Qr { .. }) { 10 } else { 8 };
    NewCampaign {
        brand: brand.id,
        name: name.to_owned(),
        category: Category(CATEGORY.into()),
        currency: Currency::INR,
        pricing,
        flight: Flight { starts: now - Millis::minutes(1), ends: now + Millis::minutes(60 * 24 * 365) },
        pacing: PacingMode::Asap,
        // Each brand shows all it has before it begins again.
        cap: FrequencyCap { per_hour: 0, per_day: 0, minimum_gap: Millis::seconds(75) },
        targeting: Targeting { viewers_min: 10, ..Targeting::default() },
        open: true,
        landing_url: format!("https://{}.example/{slug}", brand.name.to_lowercase()),
        creatives: vec![NewCreative {
            content,
            placement,
            duration: Millis::seconds(seconds),
            accent: accent.to_owned(),
        }],
        budget: Micros(250_000 * UNIT),
    }
}
