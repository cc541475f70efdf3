//! The demo's brands, campaigns and streamer.

use crate::app::{StartError, secret_file};
use crate::blob::Blobs;
use crate::operator::{frequent, sample};
use crate::web::keep_asset;
use crate::world::new_key;
use gametriggers_actors::domain::campaign::{Brand, Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::creative::{Content, CreativeStatus, Placement};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{
    ByHand, Idempotency, NewAccount, NewCampaign, NewCreative, NewStreamer, Principal,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

const LOWER_THIRD: &[u8] = include_bytes!("../../config/demo/voltade-lower-third.webp");
const CORNER: &[u8] = include_bytes!("../../config/demo/northpeak-corner.webp");
const LOOP: &[u8] = include_bytes!("../../config/demo/voltade-loop.webm");

/// One rupee.
const UNIT: i64 = 1_000_000;
const CATEGORY: &str = "energy_drink";

/// What a second start needs to print again. Only this user can read the file. It is written before anything
/// is sown and once more when all is: a start that was killed in between is gone on with, and every row is
/// found again by its key.
#[derive(Deserialize, Serialize)]
pub(super) struct Keys {
    pub(super) overlay_key: String,
    pub(super) streamer_key: String,
    pub(super) brand_key: String,
    /// Of the other brand. Nobody needs it but the next start, as long as not all is sown.
    #[serde(default)]
    rival_key: String,
    pub(super) admin_key: String,
    pub(super) streamer_id: i64,
    /// Empty until all is sown.
    pub(super) campaign_ids: Vec<i64>,
}

impl Keys {
    fn new() -> Self {
        Self {
            overlay_key: new_key("demo_overlay"),
            streamer_key: new_key("demo_streamer"),
            brand_key: new_key("demo_brand"),
            rival_key: new_key("demo_brand"),
            admin_key: new_key("demo_admin"),
            streamer_id: 0,
            campaign_ids: Vec::new(),
        }
    }
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
pub(super) async fn plant(engine: &Arc<Engine>, data: &Path, blobs: &Blobs) -> Result<Keys, StartError> {
    let path = data.join("demo.keys.json");
    let keep = |keys: &Keys| -> Result<(), StartError> {
        secret_file(&path, &serde_json::to_string(keys)?)?;
        Ok(())
    };
    let mut keys = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Keys::new(),
    };
    if keys.campaign_ids.is_empty() {
        keep(&keys)?;
        sow(engine, blobs, &mut keys).await?;
        keep(&keys)?;
    } else if engine.keyring.holder(&keys.overlay_key, engine.now()).is_none() {
        // It was rotated: the address of an earlier start is dead, and the new key is not known here.
        keys.overlay_key = new_key("demo_overlay");
        let (hash, holder) =
            (Keyring::hash(&keys.overlay_key), Principal::Overlay(StreamerId(keys.streamer_id)));
        engine.ports.accounts.add_key(hash, holder, "demo", engine.now()).await?;
        engine.keyring.add([(hash, holder)]);
        keep(&keys)?;
    }
    Ok(keys)
}

/// Sows what is not there yet.
async fn sow(engine: &Arc<Engine>, blobs: &Blobs, keys: &mut Keys) -> Result<(), StartError> {
    let now = engine.now();
    let accounts = &engine.ports.accounts;
    let admin = NewAccount::Key { holder: Principal::Admin, key: Keyring::hash(&keys.admin_key) };
    account(engine, &keys.admin_key, &admin).await?;
    let voltade = brand(engine, "Voltade", &keys.brand_key).await?;
    let northpeak = brand(engine, "Northpeak", &keys.rival_key).await?;
    let mut ids = Vec::new();
    let shown = Shown {
        lower_third: keep_asset(engine, blobs, voltade.id, LOWER_THIRD).await?.content().0,
        corner: keep_asset(engine, blobs, northpeak.id, CORNER).await?.content().0,
        video: keep_asset(engine, blobs, voltade.id, LOOP).await?.content().0,
    };
    for (at, new) in campaigns(&voltade, &northpeak, shown, now).iter().enumerate() {
        let once = Idempotency { key: format!("demo:campaign:{}:{at}", voltade.id), fingerprint: [0; 32] };
        ids.push(engine.ports.campaigns.create(new, &once, now).await?.0.id.0);
    }
    let new = NewStreamer {
        profile: sample("Nova"),
        settings: frequent(Millis::seconds(15)),
        key: Keyring::hash(&keys.streamer_key),
        overlay_key: Keyring::hash(&keys.overlay_key),
    };
    let nova = account(engine, &keys.streamer_key, &NewAccount::Streamers(vec![new])).await?;
    let Principal::Streamer(streamer) = nova else { return Err("the streamer was not added".into()) };
    engine.streamers.insert(streamer, accounts.streamer(streamer).await?);
    engine.keyring.add(accounts.keys(now).await?);
    keys.streamer_id = streamer.0;
    keys.campaign_ids = ids;
    Ok(())
}

/// Opens an account, unless its key is there from a start that was killed: it comes with the account, in one
/// transaction.
async fn account(engine: &Engine, key: &str, new: &NewAccount) -> Result<Principal, StartError> {
    if let Some((_, terms)) = engine.keyring.holder(key, engine.now()) {
        return Ok(terms.holder);
    }
    let opened = engine.ports.accounts.open_account(new, &by_hand(), engine.now()).await?;
    Ok(*opened.first().ok_or("the account was not opened")?)
}

fn by_hand() -> ByHand {
    ByHand { actor: "demo".to_owned(), reason: "the demo's world".to_owned() }
}

async fn brand(engine: &Engine, name: &str, key: &str) -> Result<Brand, StartError> {
    let new = NewAccount::Brand { name: name.to_owned(), key: Keyring::hash(key) };
    let Principal::Brand(id) = account(engine, key, &new).await? else {
        return Err("the brand was not added".into());
    };
    let money = Money { amount: Micros(2_000_000 * UNIT), currency: Currency::INR };
    let once = Idempotency { key: format!("demo:deposit:{id}"), fingerprint: [0; 32] };
    engine.ports.wallets.confirm_deposit(id, money, &by_hand(), &once, engine.now()).await?;
    Ok(Brand { id, name: name.into() })
}

/// Kind, placement and colour of a creative.
type Look = (Content, Placement, &'static str);

/// The pictures of the demo.
struct Shown {
    lower_third: Content,
    corner: Content,
    video: Content,
}

fn campaigns(voltade: &Brand, northpeak: &Brand, shown: Shown, now: UnixMillis) -> Vec<NewCampaign> {
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
        (voltade, "Win the late game", cpm(250), (shown.lower_third, wide, lime)),
        (voltade, "Scan for a free can", cpc(90), (free_can, Placement::Corner, lime)),
        (northpeak, "Cold start", flat(24), (shown.corner, Placement::Corner, orange)),
        (northpeak, "Altitude week", cpm(180), (week, wide, orange)),
        (northpeak, "Trail pack", cpc(80), (trail, wide, orange)),
        (voltade, "Matchday ticker", flat(18), (ticker, Placement::Ticker, lime)),
        (voltade, "Citrus Surge spot", flat(15), (shown.video, Placement::Corner, lime)),
    ];
    list.into_iter().map(|(brand, name, pricing, look)| campaign(brand, name, pricing, look, now)).collect()
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
        category: Category::new(CATEGORY.into()),
        currency: Currency::INR,
        pricing,
        flight: Flight { starts: now - Millis::minutes(1), ends: now + Millis::minutes(60 * 24 * 365) },
        pacing: PacingMode::Asap,
        daily_cap: None,
        // Each brand shows all it has before it begins again.
        cap: FrequencyCap { per_hour: 0, per_day: 0, minimum_gap: Millis::seconds(75) },
        targeting: Targeting { viewers_min: 10, ..Targeting::default() },
        open: true,
        landing_url: format!("https://{}.example/{slug}", brand.name.to_lowercase()),
        rotation: Rotation::Even,
        requirements: None,
        creatives: vec![NewCreative {
            status: CreativeStatus::Active,
            content,
            placement,
            duration: Millis::seconds(seconds),
            accent: accent.to_owned(),
            sound: false,
            weight: 1,
        }],
        budget: Micros(250_000 * UNIT),
    }
}
