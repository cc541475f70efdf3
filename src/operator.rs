//! What an operator adds by hand: streamers, brands and keys.

use crate::app::StartError;
use crate::cli::{From, say};
use crate::store::{self, Stores};
use crate::world::{SystemClock, new_key};
use clap::Args;
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::streamer::{Profile, Settings};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{Clock, Idempotency, NewStreamer, Principal};
use serde_json::json;

/// `streamer add`.
#[derive(Args)]
pub struct AddStreamers {
    #[command(flatten)]
    from: From,
    /// How many.
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Their name; a number follows when there is more than one.
    #[arg(long, default_value = "Streamer")]
    name: String,
    /// Time between two slots, in milliseconds.
    #[arg(long, default_value_t = 600_000)]
    slot_interval_ms: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// `brand add`.
#[derive(Args)]
pub struct AddBrand {
    #[command(flatten)]
    from: From,
    /// Its name, which the disclosure label shows.
    #[arg(long)]
    name: String,
    /// Paid into its wallet, in micros.
    #[arg(long, default_value_t = 0)]
    deposit_micros: i64,
    /// Currency of the wallet.
    #[arg(long, default_value = "INR")]
    currency: String,
}

/// `admin add`.
#[derive(Args)]
pub struct AddAdmin {
    #[command(flatten)]
    from: From,
}

async fn open(from: &From) -> Result<Stores, StartError> {
    Ok(store::open(&from.load()?).await?)
}

/// A streamer to be made, with their own key and their overlay's. The keys' kind gets the prefix.
#[must_use]
pub fn new_streamer(name: &str, settings: Settings, prefix: &str) -> (NewStreamer, String, String) {
    let key = |kind| new_key(&format!("{prefix}{kind}"));
    let (key, overlay_key) = (key("streamer"), key("overlay"));
    let profile = Profile {
        name: name.into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
    };
    let new =
        NewStreamer { profile, settings, key: Keyring::hash(&key), overlay_key: Keyring::hash(&overlay_key) };
    (new, key, overlay_key)
}

/// Settings of streamers that are there to be looked at or to make load.
#[must_use]
pub fn frequent(slot_interval: Millis) -> Settings {
    let hour = Millis::minutes(60).0;
    let hourly_max = u32::try_from(hour / slot_interval.0.max(1)).unwrap_or(u32::MAX).saturating_add(10);
    Settings { slot_interval, hourly_max, first_ad_delay: Millis(0), ..Settings::default() }
}

impl AddStreamers {
    /// Adds them and prints their keys.
    ///
    /// # Errors
    /// The database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let store = open(&self.from).await?;
        let settings = frequent(Millis(i64::from(self.slot_interval_ms.max(1))));
        let name =
            |number| if self.count == 1 { self.name.clone() } else { format!("{} {number}", self.name) };
        let made: Vec<_> =
            (1..=self.count).map(|number| new_streamer(&name(number), settings.clone(), "")).collect();
        let rows: Vec<NewStreamer> = made.iter().map(|(new, _, _)| new.clone()).collect();
        let ids = store.accounts.add_streamers(&rows, SystemClock::default().now()).await?;
        for (id, (_, key, overlay_key)) in ids.into_iter().zip(made) {
            if self.json {
                say(&json!({ "streamer_id": id.0, "overlay_key": overlay_key, "streamer_key": key })
                    .to_string());
            } else {
                say(&format!(
                    "streamer {id}\n  overlay    /overlay/#k={overlay_key}\n  dashboard  /dashboard/#k={key}"
                ));
            }
        }
        store.close().await;
        Ok(())
    }
}

impl AddBrand {
    /// Adds it and prints its key.
    ///
    /// # Errors
    /// The amount is negative, or the database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let money = Money { amount: Micros(self.deposit_micros), currency: self.currency.parse()? };
        if money.amount.0 < 0 {
            return Err("a deposit is not negative".into());
        }
        let store = open(&self.from).await?;
        let now = SystemClock::default().now();
        let brand = store.accounts.add_brand(&self.name, now).await?;
        let key = new_key("brand");
        store.accounts.add_key(Keyring::hash(&key), Principal::Brand(brand.id), "command line", now).await?;
        if money.amount.is_positive() {
            let once = Idempotency { key: format!("deposit:first:{}", brand.id), fingerprint: [0; 32] };
            store.ledger.deposit(brand.id, money, &once, now).await?;
        }
        say(&format!("brand {} {}\n  key        {key}", brand.id, brand.name));
        store.close().await;
        Ok(())
    }
}

impl AddAdmin {
    /// Adds a key and prints it.
    ///
    /// # Errors
    /// The database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let store = open(&self.from).await?;
        let key = new_key("admin");
        store
            .accounts
            .add_key(Keyring::hash(&key), Principal::Admin, "command line", SystemClock::default().now())
            .await?;
        say(&format!("admin\n  key        {key}"));
        store.close().await;
        Ok(())
    }
}
