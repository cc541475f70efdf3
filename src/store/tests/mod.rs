//! What every store has to do, written once and run on each database.
//!
//! A test is a function that is given the database to run on; `on_each!` at the end of its file makes
//! `sqlite::name` of it, and the same for every other database. What is true of one database only stands
//! with that database.

/// Makes a test for each database of every function named.
macro_rules! on_each {
    ($($name:ident;)*) => {
        mod sqlite {
            use crate::store::tests::database::On;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(On::Sqlite).await;
                }
            )*
        }

        mod postgres {
            use crate::store::tests::database::On;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(On::Postgres).await;
                }
            )*
        }
    };
}

mod account;
mod asset;
mod audit;
pub(in crate::store) mod catalogue;
mod daily_cap;
pub(in crate::store) mod database;
mod draft;
mod fault;
mod flight;
mod key;
mod model;
mod money;
mod open;
mod operator;
pub(in crate::store) mod postgres;
mod profile;
mod random;
mod reconcile;
mod release;
pub(in crate::store) mod rule;
mod statement;
mod suitability;
mod supply;
mod user;
mod wallet;
mod webhook;

pub(in crate::store) use self::database::{Database, On, Store};
use gametriggers_actors::domain::campaign::{
    Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status,
};
use gametriggers_actors::domain::creative::{Content, CreativeStatus, Placement};
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Money, Split};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Budget, ByHand, CampaignChange, CampaignQuery, Check, Idempotency, Mark, NewCampaign, NewCreative,
    Recorded,
};
use std::sync::Arc;

pub(in crate::store) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
pub(in crate::store) const TOKEN_LIFE: Millis = Millis::minutes(10);

/// A store on a database of its own.
pub(in crate::store) struct Bench {
    pub(in crate::store) database: Box<dyn Database>,
    pub(in crate::store) store: Arc<dyn Store>,
}

impl Bench {
    pub(in crate::store) async fn new(on: On) -> Self {
        let database = database::create(on).await;
        let store = database.open().await;
        Self { database, store }
    }

    /// With an epoch, a brand that has `deposit`, and a campaign that has `budget`.
    pub(in crate::store) async fn funded(on: On, deposit: i64, budget: i64) -> (Self, BrandId, CampaignId) {
        let bench = Self::new(on).await;
        let (brand, campaign) = bench.fund(deposit, budget).await;
        (bench, brand, campaign)
    }

    /// An epoch, a brand that has `deposit`, and a campaign that has `budget`.
    pub(in crate::store) async fn fund(&self, deposit: i64, budget: i64) -> (BrandId, CampaignId) {
        self.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
        let brand = self.brand(deposit).await;
        (brand, self.campaign(brand, budget).await)
    }

    pub(in crate::store) async fn brand(&self, deposit: i64) -> BrandId {
        let brand = self.store.add_brand("Volt", NOW).await.unwrap().id;
        let amount = self.store.deposit(brand, inr(deposit), &key(&format!("d{brand}")), NOW).await.unwrap();
        assert_eq!(amount, Micros(deposit));
        brand
    }

    pub(in crate::store) async fn campaign(&self, brand: BrandId, budget: i64) -> CampaignId {
        let count = self.campaigns_after(None, None, 1000).await.len();
        let made = self.store.create(&new_campaign(brand, budget), &key(&format!("c{count}")), NOW).await;
        made.unwrap().0.id
    }

    /// Campaigns that were launched, by ascending id, after one of them.
    pub(in crate::store) async fn campaigns_after(
        &self,
        brand: Option<BrandId>,
        after: Option<CampaignId>,
        limit: u32,
    ) -> Vec<Campaign> {
        let after = after.map(|id| (Mark::Number(id.0), id.0));
        let query = CampaignQuery { brand, after, ..CampaignQuery::all(limit) };
        let listed = self.store.list(&query).await.unwrap();
        let launched = listed.into_iter().filter_map(|(record, _)| match record.what {
            Recorded::Campaign(campaign) => Some(*campaign),
            Recorded::Draft(_) => None,
        });
        launched.collect()
    }

    pub(in crate::store) async fn lease(&self, campaign: CampaignId, wanted: i64) -> LeaseId {
        self.store.grant(campaign, Micros(wanted), NOW).await.unwrap().unwrap().lease
    }

    pub(in crate::store) async fn settle(&self, claims: &[Claim]) -> Vec<Outcome> {
        self.store.settle(claims, NOW).await.unwrap()
    }

    pub(in crate::store) async fn budget(&self, campaign: CampaignId) -> Budget {
        self.store.budget(campaign).await.unwrap()
    }

    pub(in crate::store) async fn end(&self, campaign: CampaignId) -> Campaign {
        let change = CampaignChange { status: Some(Status::Ended), ..CampaignChange::default() };
        self.store.change(campaign, &change, NOW).await.unwrap().0
    }

    /// A process that died: nothing was drained, the database is opened again.
    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.database.open().await;
    }

    /// Changes rows behind the store's back; at least one.
    pub(in crate::store) async fn tamper(&self, sql: &str) {
        assert!(self.database.tamper(sql).await > 0, "changed nothing: {sql}");
    }

    pub(in crate::store) async fn reconciles(&self) {
        let bad: Vec<Check> = wrong(self.store.reconcile(true).await.unwrap());
        assert!(bad.is_empty(), "{bad:?}");
    }
}

pub(in crate::store) fn wrong(checks: Vec<Check>) -> Vec<Check> {
    checks.into_iter().filter(|check| check.mismatches > 0 || check.drift_micros != 0).collect()
}

pub(in crate::store) fn inr(amount: i64) -> Money {
    Money { amount: Micros(amount), currency: Currency::INR }
}

pub(in crate::store) fn key(text: &str) -> Idempotency {
    let mut fingerprint = [0; 32];
    fingerprint.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Idempotency { key: text.to_owned(), fingerprint }
}

pub(in crate::store) fn new_campaign(brand: BrandId, budget: i64) -> NewCampaign {
    NewCampaign {
        brand,
        name: "Summer".to_owned(),
        category: Category::new("energy_drink".into()),
        currency: Currency::INR,
        pricing: Pricing::Cpm(Micros(50_000_000)),
        flight: Flight { starts: NOW, ends: NOW + Millis::minutes(60) },
        pacing: PacingMode::Even,
        daily_cap: None,
        cap: FrequencyCap { per_hour: 2, per_day: 10, minimum_gap: Millis::minutes(10) },
        targeting: Targeting {
            categories: vec!["gaming".into()],
            languages: vec!["en".into(), "hi".into()],
            countries: Vec::new(),
            viewers_min: 5,
            ..Targeting::default()
        },
        open: true,
        landing_url: "https://volt.example/summer".to_owned(),
        rotation: Rotation::Even,
        requirements: None,
        creatives: vec![NewCreative {
            status: CreativeStatus::Active,
            content: Content::Text { headline: "Volt".into(), body: "Wake up".into() },
            placement: Placement::LowerThird,
            duration: Millis::seconds(8),
            accent: "#ff8800".to_owned(),
            sound: false,
            weight: 1,
        }],
        budget: Micros(budget),
    }
}

pub(in crate::store) fn play(n: u32) -> PlayId {
    let mut random = [0; 10];
    random.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    PlayId::mint(NOW + Millis(i64::from(n)), random)
}

pub(in crate::store) fn debit(n: u32, lease: LeaseId, campaign: CampaignId, price: i64) -> Debit {
    Debit {
        event: play(n),
        kind: EventKind::Play,
        play: play(n),
        lease,
        campaign,
        streamer: StreamerId(i64::from(n % 3) + 1),
        creative: CreativeId(1),
        currency: Currency::INR,
        split: Split::of(Micros(price), FeeBps::new(2000).unwrap()).unwrap(),
        viewers: 10,
        occurred: NOW,
    }
}

pub(in crate::store) fn ok(debit: Debit) -> Claim {
    Claim { debit, verdict: Ok(()) }
}
