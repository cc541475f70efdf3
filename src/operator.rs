//! What an operator does by hand: streamers, brands and keys. Each of it is on record, as over the API.

use crate::app::StartError;
use crate::bus::redis::announce;
use crate::cli::{From, say, say_error};
use crate::config::Config;
use crate::store::{self, Stores};
use crate::world::{SystemClock, new_key};
use clap::{Args, ValueEnum};
use gametriggers_actors::domain::money::{Micros, Money};
use gametriggers_actors::domain::streamer::{Platform, Profile, Settings};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::keyring::Keyring;
use gametriggers_actors::ports::{
    ByHand, Clock, Event, Idempotency, KeyRow, NewAccount, NewStreamer, Principal, key_id,
};
use serde_json::json;

/// `streamer add`.
#[derive(Args)]
pub struct AddStreamers {
    #[command(flatten)]
    hand: Hand,
    /// How many.
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Their name; a number follows when there is more than one.
    #[arg(long, default_value = "Streamer")]
    name: String,
    /// What the stream is about, as campaigns ask for it.
    #[arg(long, default_value = "gaming")]
    category: String,
    /// Its language, by ISO 639-1.
    #[arg(long, default_value = "en")]
    language: String,
    /// Its country, by ISO 3166-1.
    #[arg(long, default_value = "IN")]
    country: String,
    /// Where it runs: twitch, youtube, kick or other.
    #[arg(long, default_value = "other", value_parser = platform)]
    platform: Platform,
    /// Its followers.
    #[arg(long, default_value_t = 0)]
    followers: u32,
    /// It carries the platform's label for grown-ups.
    #[arg(long)]
    mature: bool,
    /// Time between two slots, in milliseconds.
    #[arg(long, default_value_t = 600_000)]
    slot_interval_ms: u32,
    /// Ads in any hour, at most.
    #[arg(long, default_value_t = 6)]
    hourly_max: u32,
    /// Time without ads at the start of a stream, in milliseconds.
    #[arg(long, default_value_t = 300_000)]
    first_ad_delay_ms: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// `brand add`.
#[derive(Args)]
pub struct AddBrand {
    #[command(flatten)]
    hand: Hand,
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
    hand: Hand,
}

/// `key add`.
#[derive(Args)]
pub struct AddKey {
    #[command(flatten)]
    hand: Hand,
    /// What holds it.
    #[arg(value_enum)]
    kind: Kind,
    /// Its number.
    id: i64,
}

/// What can get a further key.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Brand,
    Streamer,
    Overlay,
}

/// `key list`.
#[derive(Args)]
pub struct ListKeys {
    #[command(flatten)]
    from: From,
}

/// `key revoke`.
#[derive(Args)]
pub struct RevokeKey {
    #[command(flatten)]
    hand: Hand,
    /// Which one, as `key list` names it.
    key_id: String,
}

/// Who changes which database, and why.
#[derive(Args)]
struct Hand {
    #[command(flatten)]
    from: From,
    /// What stands in the record of it.
    #[arg(long, default_value = "by hand")]
    reason: String,
}

/// A database that is changed by hand.
struct Desk {
    stores: Stores,
    config: Config,
    hand: ByHand,
    now: UnixMillis,
}

impl Hand {
    async fn open(self) -> Result<Desk, StartError> {
        let config = self.from.load()?;
        let stores = store::open_by_hand(&config).await?;
        let hand = ByHand { actor: "command line".to_owned(), reason: self.reason };
        Ok(Desk { stores, config, hand, now: SystemClock::default().now() })
    }
}

impl Desk {
    async fn add(&self, new: &NewAccount) -> Result<Vec<Principal>, StartError> {
        Ok(self.stores.accounts.open_account(new, &self.hand, self.now).await?)
    }

    /// Seals what was done, gives the database up and tells the servers that run on it.
    async fn close(self, event: Event) -> Result<(), StartError> {
        self.stores.audit.seal(self.now).await?;
        self.stores.close().await;
        let redis = &self.config.redis;
        if !redis.url.is_empty() {
            if let Err(error) = announce(&redis.url, &redis.prefix, &[event]).await {
                say_error(&format!("done, but servers that run learn of it when they start again: {error}"));
            }
        } else if self.config.database.is_postgres() {
            say_error(
                "without redis.url, servers that run on this database learn of it when they start again",
            );
        }
        Ok(())
    }
}

fn platform(code: &str) -> Result<Platform, &'static str> {
    Platform::from_code(code).ok_or("twitch, youtube, kick or other")
}

/// A streamer to be made, with their own key and their overlay's. The keys' kind gets the prefix.
#[must_use]
pub fn new_streamer(profile: Profile, settings: Settings, prefix: &str) -> (NewStreamer, String, String) {
    let key = |kind| new_key(&format!("{prefix}{kind}"));
    let (key, overlay_key) = (key("streamer"), key("overlay"));
    let new =
        NewStreamer { profile, settings, key: Keyring::hash(&key), overlay_key: Keyring::hash(&overlay_key) };
    (new, key, overlay_key)
}

/// A streamer who is there to be looked at or to make load.
#[must_use]
pub fn sample(name: &str) -> Profile {
    Profile {
        name: name.into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    }
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
    /// A word can not be one, or the database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let settings = Settings {
            slot_interval: Millis(i64::from(self.slot_interval_ms.max(1))),
            hourly_max: self.hourly_max,
            first_ad_delay: Millis(i64::from(self.first_ad_delay_ms)),
            ..Settings::default()
        };
        let profile = |number| Profile {
            name: if self.count == 1 { self.name.clone() } else { format!("{} {number}", self.name) }.into(),
            content_category: self.category.as_str().into(),
            language: self.language.as_str().into(),
            country: self.country.as_str().into(),
            platform: self.platform,
            followers: self.followers,
            mature: self.mature,
        };
        if let Some((field, message)) = profile(1).faults().first() {
            return Err(format!("--{field}: {message}").into());
        }
        let desk = self.hand.open().await?;
        let made: Vec<_> =
            (1..=self.count).map(|number| new_streamer(profile(number), settings.clone(), "")).collect();
        let rows = made.iter().map(|(new, _, _)| new.clone()).collect();
        let holders = desk.add(&NewAccount::Streamers(rows)).await?;
        for (holder, (_, key, overlay_key)) in holders.into_iter().zip(made) {
            let Principal::Streamer(id) = holder else { continue };
            if self.json {
                say(&json!({ "streamer_id": id.0, "overlay_key": overlay_key, "streamer_key": key })
                    .to_string());
            } else {
                say(&format!(
                    "streamer {id}\n  overlay    /overlay/#k={overlay_key}\n  dashboard  /dashboard/#k={key}"
                ));
            }
        }
        desk.close(Event::AccountsChanged).await
    }
}

impl AddBrand {
    /// Adds it and prints its key. The deposit is confirmed as over the API.
    ///
    /// # Errors
    /// The amount is negative, or the database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let money = Money { amount: Micros(self.deposit_micros), currency: self.currency.parse()? };
        if money.amount.0 < 0 {
            return Err("a deposit is not negative".into());
        }
        let desk = self.hand.open().await?;
        let key = new_key("brand");
        let new = NewAccount::Brand { name: self.name.clone(), key: Keyring::hash(&key) };
        let Some(Principal::Brand(id)) = desk.add(&new).await?.first().copied() else {
            return Err("the brand was not added".into());
        };
        // The key first: what follows can be done again with it.
        say(&format!("brand {id} {}\n  key        {key}", self.name));
        if money.amount.is_positive() {
            let once = Idempotency { key: format!("deposit:first:{id}"), fingerprint: [0; 32] };
            desk.stores.wallets.confirm_deposit(id, money, &desk.hand, &once, desk.now).await?;
        }
        desk.close(Event::AccountsChanged).await
    }
}

impl AddAdmin {
    /// Adds a key and prints it.
    ///
    /// # Errors
    /// The database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let (desk, key) = (self.hand.open().await?, new_key("admin"));
        desk.add(&NewAccount::Key { holder: Principal::Admin, key: Keyring::hash(&key) }).await?;
        say(&format!("admin\n  key        {key}"));
        desk.close(Event::AccountsChanged).await
    }
}

impl AddKey {
    /// Adds a key for somebody who is there, and prints it.
    ///
    /// # Errors
    /// Nobody has this number, or the database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        use gametriggers_actors::domain::id::{BrandId, StreamerId};
        let (holder, kind) = match self.kind {
            Kind::Brand => (Principal::Brand(BrandId(self.id)), "brand"),
            Kind::Streamer => (Principal::Streamer(StreamerId(self.id)), "streamer"),
            Kind::Overlay => (Principal::Overlay(StreamerId(self.id)), "overlay"),
        };
        let (desk, key) = (self.hand.open().await?, new_key(kind));
        desk.add(&NewAccount::Key { holder, key: Keyring::hash(&key) }).await?;
        say(&format!("{kind} {}\n  key        {key}", self.id));
        desk.close(Event::AccountsChanged).await
    }
}

impl ListKeys {
    /// Prints every key, without what opens anything.
    ///
    /// # Errors
    /// The database can not be opened or read.
    pub async fn run(self) -> Result<(), StartError> {
        let stores = store::open_read_only(&self.from.load()?).await?;
        let mut after = None;
        loop {
            let page = stores.accounts.key_page(after, 1000).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.hash);
            page.iter().for_each(|key| say(&line(key)));
        }
    }
}

/// A key in a list.
fn line(key: &KeyRow) -> String {
    let (kind, id) = match key.terms.holder {
        Principal::Brand(brand) => ("brand", brand.to_string()),
        Principal::Streamer(streamer) => ("streamer", streamer.to_string()),
        Principal::Overlay(streamer) => ("overlay", streamer.to_string()),
        Principal::Admin => ("admin", "-".to_owned()),
    };
    let day = |at: UnixMillis| {
        jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| format!("{at:.0}"))
    };
    let terms = &key.terms;
    let state = match (key.revoked, terms.replaced, terms.expires) {
        (Some(at), ..) => format!("revoked {}", day(at)),
        (None, Some(at), _) => format!("replaced {}", day(at)),
        (None, None, Some(at)) => format!("expires {}", day(at)),
        (None, None, None) => "valid".to_owned(),
    };
    format!("{}  {kind:8} {id:>6}  {}  {state}  {}", key_id(&key.hash), day(key.created), key.label)
}

impl RevokeKey {
    /// Revokes it; servers that hear of it close its sockets.
    ///
    /// # Errors
    /// There is no such key, or the database can not be opened or written.
    pub async fn run(self) -> Result<(), StartError> {
        let desk = self.hand.open().await?;
        let mut after = None;
        let hash = loop {
            let page = desk.stores.accounts.key_page(after, 1000).await?;
            let Some(last) = page.last() else {
                return Err(
                    format!("there is no key {}; `gametriggers key list` names them", self.key_id).into()
                );
            };
            after = Some(last.hash);
            if let Some(found) = page.iter().find(|key| key_id(&key.hash) == self.key_id) {
                break found.hash;
            }
        };
        desk.stores.accounts.revoke_key(hash, Some(&desk.hand), desk.now).await?;
        say(&format!("revoked {}", self.key_id));
        desk.close(Event::KeyRevoked(hash)).await
    }
}
