//! Random lives of a ledger: whatever comes in whatever order, the checks show no drift, no money
//! appears or vanishes, and every answer is the one of the pure plan.

use super::*;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::{Known, LeaseRow, plan};
use gametriggers_actors::ports::StoreError;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Deposit(i64),
    Fund(usize, i64),
    Grant(usize, i64),
    /// Event, which of the known leases, price, kind, whether the verdict is good.
    Settle(Vec<(u32, usize, i64, bool, bool)>),
    GiveBack(usize, i64),
    /// Minutes pass, then leases close.
    Close(i64),
    RollUp,
    Reopen,
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let claim = (0_u32..40, 0_usize..6, 0_i64..300, any::<bool>(), prop::bool::weighted(0.85));
    prop_oneof![
        1 => (1_i64..2_000).prop_map(Step::Deposit),
        2 => (0_usize..2, 1_i64..1_500).prop_map(|(c, a)| Step::Fund(c, a)),
        4 => (0_usize..2, 1_i64..800).prop_map(|(c, a)| Step::Grant(c, a)),
        6 => prop::collection::vec(claim, 1..12).prop_map(Step::Settle),
        2 => (0_usize..6, 0_i64..400).prop_map(|(l, a)| Step::GiveBack(l, a)),
        2 => (0_i64..12).prop_map(Step::Close),
        2 => Just(Step::RollUp),
        1 => Just(Step::Reopen),
        1 => (0_usize..2).prop_map(Step::End),
    ]
}

/// What the store should hold.
struct Model {
    bench: Bench,
    brand: BrandId,
    campaigns: Vec<CampaignId>,
    now: UnixMillis,
    deposited: i64,
    spent: i64,
    earned: std::collections::HashMap<StreamerId, (i64, u64)>,
    /// The terms of an event never change: the token is signed.
    terms: std::collections::HashMap<u32, Claim>,
    known: Known,
    leases: Vec<LeaseId>,
    requests: u32,
}

impl Model {
    async fn new(on: On) -> Self {
        let (bench, brand, first) = Bench::funded(on, 5_000, 1_000).await;
        let second = bench.campaign(brand, 0).await;
        Self {
            bench,
            brand,
            campaigns: vec![first, second],
            now: NOW,
            deposited: 5_000,
            spent: 0,
            earned: Default::default(),
            terms: Default::default(),
            known: Known::default(),
            leases: Vec::new(),
            requests: 0,
        }
    }

    fn key(&mut self) -> Idempotency {
        self.requests += 1;
        key(&format!("request {}", self.requests))
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Deposit(amount) => {
                let key = self.key();
                for _ in 0..2 {
                    self.bench.store.deposit(self.brand, inr(*amount), &key, self.now).await.unwrap();
                }
                self.deposited += amount;
            }
            Step::Fund(campaign, amount) => {
                let key = self.key();
                let funded =
                    self.bench.store.fund(self.campaigns[*campaign], Micros(*amount), &key, self.now).await;
                assert!(
                    matches!(
                        funded,
                        Ok(_) | Err(StoreError::InsufficientFunds { .. } | StoreError::Constraint(_))
                    ),
                    "{funded:?}"
                );
            }
            Step::Grant(campaign, amount) => self.grant(self.campaigns[*campaign], *amount).await,
            Step::Settle(batch) => self.settle(batch).await,
            Step::GiveBack(lease, amount) => self.give_back(*lease, *amount).await,
            Step::Close(minutes) => {
                self.now = self.now + Millis::minutes(*minutes);
                self.bench.store.close_due(self.now).await.unwrap();
                self.forget_closed().await;
            }
            Step::RollUp => {
                self.bench.store.roll_up(self.now).await.unwrap();
            }
            Step::Reopen => {
                self.bench.reopen().await;
                self.bench.store.open_epoch(self.now, TOKEN_LIFE).await.unwrap();
            }
            Step::End(campaign) => {
                self.bench.end(self.campaigns[*campaign]).await;
            }
        }
    }

    async fn grant(&mut self, campaign: CampaignId, amount: i64) {
        let before = self.bench.budget(campaign).await;
        let left = before.funded.0 - before.spent.0 - before.leased.0;
        let Some(grant) = self.bench.store.grant(campaign, Micros(amount), self.now).await.unwrap() else {
            return;
        };
        assert_eq!(grant.granted.0, amount.min(left));
        if !self.leases.contains(&grant.lease) {
            self.leases.push(grant.lease);
        }
        let zero = LeaseRow { campaign, granted: Micros::ZERO, settled: Micros::ZERO, accepts: true };
        self.known.leases.entry(grant.lease).or_insert(zero).granted.0 += grant.granted.0;
    }

    async fn give_back(&mut self, lease: usize, amount: i64) {
        let Some(lease) = self.leases.get(lease).copied() else { return };
        let row = self.known.leases.get_mut(&lease).unwrap();
        let result = self.bench.store.give_back(lease, Micros(amount)).await;
        if amount == 0 || (row.accepts && row.granted.0 - row.settled.0 >= amount) {
            result.unwrap();
            row.granted.0 -= amount;
        } else {
            assert!(matches!(result, Err(StoreError::Constraint(_))), "{result:?}");
        }
    }

    async fn settle(&mut self, batch: &[(u32, usize, i64, bool, bool)]) {
        let mut claims = Vec::new();
        for (event, lease, price, click, good) in batch {
            let lease = self.leases.get(*lease).copied().unwrap_or(LeaseId(999));
            let campaign = self.known.leases.get(&lease).map_or(self.campaigns[0], |row| row.campaign);
            let mut debit = debit(*event, lease, campaign, *price);
            if *click {
                debit.kind = EventKind::Click;
            }
            let fresh = Claim { debit, verdict: if *good { Ok(()) } else { Err(Reason::TooShort) } };
            claims.push(*self.terms.entry(*event).or_insert(fresh));
        }
        let posting = plan(&claims, &self.known);
        let outcomes = self.bench.store.settle(&claims, self.now).await.unwrap();
        assert_eq!(outcomes, posting.outcomes);
        for debit in &posting.events {
            self.known.settled.insert(debit.event);
            self.known.leases.get_mut(&debit.lease).unwrap().settled.0 += debit.split.price.0;
            self.spent += debit.split.price.0;
            let earned = self.earned.entry(debit.streamer).or_default();
            earned.0 += debit.split.earn.0;
            earned.1 += u64::from(debit.kind == EventKind::Play);
        }
        self.known.rejected.extend(posting.rejects.iter().map(|(debit, reason)| (debit.event, *reason)));
    }

    async fn forget_closed(&mut self) {
        let sql = format!(
            "SELECT lease_id FROM budget_lease WHERE state = 'closed' AND closes_at <= {}",
            self.now.0
        );
        let closed = self.bench.database.numbers(&sql).await;
        for lease in closed {
            self.known.leases.get_mut(&LeaseId(lease)).unwrap().accepts = false;
        }
    }

    async fn holds(&self) {
        self.bench.reconciles().await;
        let mut total = self.bench.store.available(self.brand, Currency::INR).await.unwrap().0;
        let mut spent = 0;
        for campaign in &self.campaigns {
            let budget = self.bench.budget(*campaign).await;
            total += budget.funded.0;
            spent += budget.spent.0;
        }
        assert_eq!(total, self.deposited, "money appeared or vanished");
        assert_eq!(spent, self.spent);
        for (streamer, (earned, plays)) in &self.earned {
            let found = self.bench.store.earned(*streamer).await.unwrap();
            assert_eq!((found.settled.0, found.plays), (*earned, *plays));
        }
    }
}

fn every_life_of_a_ledger_adds_up(on: On) {
    let config = ProptestConfig { cases: 64, source_file: Some(file!()), ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..24))| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new(on).await;
            for step in &steps {
                model.step(step).await;
                model.holds().await;
            }
        });
    });
}

mod sqlite {
    use crate::store::tests::On;

    #[test]
    fn every_life_of_a_ledger_adds_up() {
        super::every_life_of_a_ledger_adds_up(On::Sqlite);
    }
}
