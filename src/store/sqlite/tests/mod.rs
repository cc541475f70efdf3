//! The store, on real files.

mod catalogue;
mod fault;
mod money;
mod open;
mod random;
mod reconcile;
mod wallet;

use super::SqliteStore;
use gametriggers_actors::domain::campaign::{
    Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status,
};
use gametriggers_actors::domain::creative::{Content, Placement};
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Money, Split};
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    AccountStore, Budget, CampaignChange, CampaignStore, Check, Idempotency, LedgerStore, NewCampaign,
    NewCreative,
};
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const TOKEN_LIFE: Millis = Millis::minutes(10);

/// A store in a directory of its own.
struct Bench {
    _dir: TempDir,
    path: PathBuf,
    store: Arc<SqliteStore>,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let store = SqliteStore::open(&path).await.unwrap();
        Self { _dir: dir, path, store }
    }

    /// With an epoch, a brand that has `deposit`, and a campaign that has `budget`.
    async fn funded(deposit: i64, budget: i64) -> (Self, BrandId, CampaignId) {
        let bench = Self::new().await;
        bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
        let brand = bench.brand(deposit).await;
        let campaign = bench.campaign(brand, budget).await;
        (bench, brand, campaign)
    }

    async fn brand(&self, deposit: i64) -> BrandId {
        let brand = self.store.add_brand("Volt", NOW).await.unwrap().id;
        let amount = self.store.deposit(brand, inr(deposit), &key(&format!("d{brand}")), NOW).await.unwrap();
        assert_eq!(amount, Micros(deposit));
        brand
    }

    async fn campaign(&self, brand: BrandId, budget: i64) -> CampaignId {
        let count = self.store.page(None, None, 1000).await.unwrap().len();
        let made = self.store.create(&new_campaign(brand, budget), &key(&format!("c{count}")), NOW).await;
        made.unwrap().id
    }

    async fn lease(&self, campaign: CampaignId, wanted: i64) -> LeaseId {
        self.store.grant(campaign, Micros(wanted), NOW).await.unwrap().unwrap().lease
    }

    async fn settle(&self, claims: &[Claim]) -> Vec<Outcome> {
        self.store.settle(claims, NOW).await.unwrap()
    }

    async fn budget(&self, campaign: CampaignId) -> Budget {
        self.store.budget(campaign).await.unwrap()
    }

    async fn end(&self, campaign: CampaignId) -> Campaign {
        let change = CampaignChange { status: Some(Status::Ended), ..CampaignChange::default() };
        self.store.change(campaign, &change, NOW).await.unwrap()
    }

    /// A process that died: nothing was drained, the file is opened again.
    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = SqliteStore::open(&self.path).await.unwrap();
    }

    /// A connection beside the store's, without its walls.
    async fn raw(&self) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(false)
            .pragma("ignore_check_constraints", "ON")
            .connect()
            .await
            .unwrap()
    }

    async fn raw_sql(&self, sql: &str) {
        let mut connection = self.raw().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    async fn reconciles(&self) {
        let bad: Vec<Check> = wrong(self.store.reconcile(true).await.unwrap());
        assert!(bad.is_empty(), "{bad:?}");
    }
}

fn wrong(checks: Vec<Check>) -> Vec<Check> {
    checks.into_iter().filter(|check| check.mismatches > 0 || check.drift_micros != 0).collect()
}

fn inr(amount: i64) -> Money {
    Money { amount: Micros(amount), currency: Currency::INR }
}

fn key(text: &str) -> Idempotency {
    let mut fingerprint = [0; 32];
    fingerprint.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Idempotency { key: text.to_owned(), fingerprint }
}

fn new_campaign(brand: BrandId, budget: i64) -> NewCampaign {
    NewCampaign {
        brand,
        name: "Summer".to_owned(),
        category: Category("energy_drink".into()),
        currency: Currency::INR,
        pricing: Pricing::Cpm(Micros(50_000_000)),
        flight: Flight { starts: NOW, ends: NOW + Millis::minutes(60) },
        pacing: PacingMode::Even,
        cap: FrequencyCap { per_hour: 2, per_day: 10, minimum_gap: Millis::minutes(10) },
        targeting: Targeting {
            categories: vec!["gaming".into()],
            languages: vec!["en".into(), "hi".into()],
            countries: Vec::new(),
            viewers_min: 5,
            viewers_max: 0,
        },
        open: true,
        landing_url: "https://volt.example/summer".to_owned(),
        creatives: vec![NewCreative {
            content: Content::Text { headline: "Volt".into(), body: "Wake up".into() },
            placement: Placement::LowerThird,
            duration: Millis::seconds(8),
            accent: "#ff8800".to_owned(),
        }],
        budget: Micros(budget),
    }
}

fn play(n: u32) -> PlayId {
    let mut random = [0; 10];
    random.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    PlayId::mint(NOW + Millis(i64::from(n)), random)
}

fn debit(n: u32, lease: LeaseId, campaign: CampaignId, price: i64) -> Debit {
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

fn ok(debit: Debit) -> Claim {
    Claim { debit, verdict: Ok(()) }
}

#[tokio::test]
async fn every_statement_prepares_on_a_migrated_database() {
    use sqlx::{Executor, SqlSafeStr};
    let bench = Bench::new().await;
    let mut statements = super::ledger::statements();
    statements.extend(super::campaign::statements());
    statements.extend(
        [super::account::STATEMENTS, super::streamer::STATEMENTS, super::play_log::STATEMENTS].concat(),
    );
    assert!(statements.len() > 60, "{}", statements.len());
    let mut connection = bench.raw().await;
    for statement in statements {
        if let Err(error) = connection.prepare(statement.into_sql_str()).await {
            panic!("{error}: {statement}");
        }
    }
}
