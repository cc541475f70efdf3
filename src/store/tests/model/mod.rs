//! Long random lives of a ledger beside a model of a few maps: every answer and every balance is the
//! model's, on every database.
//!
//! `GAMETRIGGERS_MODEL_CASES=10000 scripts/databases cargo test -p gametriggers model -- --nocapture` for a
//! long run; each test prints how many sequences and operations it went through.

mod reference;

use self::reference::{
    Answer, CAMPAIGNS, FEE_BPS, HOLD, Ledger, Pick, STREAMERS, Settled, State, Step, click_price, is_keyed,
};
use super::{Bench, On, TOKEN_LIFE, inr, key, new_campaign};
use gametriggers_actors::domain::campaign::Status;
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, LeaseId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    Budget, ByHand, CampaignChange, Idempotency, Owner, StoreError, StoreResult, Wallet,
};
use proptest::test_runner::{Config, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;

/// A store that lives through the steps, and what it needs to name things.
struct System {
    bench: Bench,
    brand: BrandId,
    campaigns: Vec<CampaignId>,
    streamers: Vec<StreamerId>,
    leases: Vec<LeaseId>,
    debits: Vec<(Debit, UnixMillis)>,
    now: UnixMillis,
    requests: u32,
    /// The last request that a key made safe to repeat, and did something.
    last: Option<(Step, Idempotency)>,
}

impl System {
    async fn new(on: On, state: &State) -> Self {
        let bench = Bench::new(on).await;
        bench.store.open_epoch(state.now, TOKEN_LIFE).await.unwrap();
        let brand = bench.store.add_brand("Volt", state.now).await.unwrap().id;
        let count = i64::try_from(CAMPAIGNS).unwrap();
        bench.store.deposit(brand, inr(count), &key("first"), state.now).await.unwrap();
        let mut campaigns = Vec::new();
        for number in 0..CAMPAIGNS {
            let new = new_campaign(brand, 1);
            let (made, _) =
                bench.store.create(&new, &key(&format!("campaign {number}")), state.now).await.unwrap();
            campaigns.push(made.id);
        }
        let new = |n: usize| super::catalogue::new_streamer(u8::try_from(n).unwrap());
        let new: Vec<_> = (0..STREAMERS).map(new).collect();
        let streamers = bench.store.add_streamers(&new, state.now).await.unwrap();
        let system = Self {
            bench,
            brand,
            campaigns,
            streamers,
            leases: Vec::new(),
            debits: Vec::new(),
            now: state.now,
            requests: 0,
            last: None,
        };
        // A campaign can not be made without money: what it took to make them goes back.
        for campaign in &system.campaigns {
            let back = key(&format!("back {campaign}"));
            system.bench.store.release(*campaign, Micros(1), &back, state.now).await.unwrap();
        }
        system.refund(count, &key("back")).await.unwrap();
        system
    }

    fn hand() -> ByHand {
        ByHand { actor: "01234567".to_owned(), reason: "the model".to_owned() }
    }

    async fn refund(&self, amount: i64, key: &Idempotency) -> StoreResult<Wallet> {
        self.bench.store.refund(self.brand, inr(amount), &Self::hand(), key, self.now).await
    }

    async fn step(&mut self, step: &Step, state: &State) -> Answer {
        if is_keyed(step) {
            self.requests += 1;
            let key = key(&format!("request {}", self.requests));
            let answer = self.request(step, &key).await;
            if answer.is_done() {
                self.last = Some((step.clone(), key));
            }
            return answer;
        }
        match step {
            Step::Repeat => match self.last.clone() {
                Some((step, key)) => self.request(&step, &key).await,
                None => Answer::Nothing,
            },
            Step::Grant(campaign, wanted) => self.grant(*campaign, *wanted, state).await,
            Step::Decide(..) => {
                self.decide(state);
                Answer::Nothing
            }
            Step::Claim(picks) => self.claim(picks).await,
            other => {
                self.chore(other, state).await;
                Answer::Nothing
            }
        }
    }

    /// Requests with a key.
    async fn request(&self, step: &Step, key: &Idempotency) -> Answer {
        let (store, hand, now) = (&self.bench.store, Self::hand(), self.now);
        let campaign = |number: &usize| self.campaigns[*number];
        let wallet = |done: StoreResult<(Wallet, Budget)>| done.map(|(wallet, _)| wallet);
        let done = match step {
            Step::Deposit(amount) => store.confirm_deposit(self.brand, inr(*amount), &hand, key, now).await,
            Step::FundTo(number, total) => {
                wallet(store.fund_to(campaign(number), Micros(*total), key, now).await)
            }
            Step::Release(number, amount) => {
                wallet(store.release(campaign(number), Micros(*amount), key, now).await)
            }
            Step::Refund(amount) => self.refund(*amount, key).await,
            Step::AdjustBrand(amount) => {
                store.adjust(Owner::Brand(self.brand), inr(*amount), &hand, key, now).await
            }
            Step::AdjustStreamer(number, amount) => {
                let owner = Owner::Streamer(self.streamers[*number]);
                store.adjust(owner, inr(*amount), &hand, key, now).await
            }
            Step::CreditLimit(limit) => {
                store.set_credit_limit(self.brand, inr(*limit), &hand, key, now).await
            }
            Step::Reserve(number, amount) => {
                let funded = store.fund(campaign(number), Micros(*amount), key, now).await;
                let figures =
                    |(_, budget): (Wallet, Budget)| (budget.funded.0, budget.spent.0, budget.leased.0);
                return answer(step, funded.map(figures).map(|(f, s, l)| Answer::Budget(f, s, l)));
            }
            other => panic!("{other:?} has no key"),
        };
        answer(step, done.map(|wallet| Answer::Available(wallet.available.0)))
    }

    async fn grant(&mut self, number: usize, wanted: i64, state: &State) -> Answer {
        let campaign = self.campaigns[number];
        let granted = self.bench.store.grant(campaign, Micros(wanted), self.now).await.unwrap();
        if let (Some(grant), Some(lease)) = (granted, state.campaigns[number].lease) {
            if lease == self.leases.len() {
                self.leases.push(grant.lease);
            }
            assert_eq!(self.leases[lease], grant.lease);
        }
        Answer::Granted(granted.map(|grant| grant.granted.0))
    }

    /// The play that the model has just decided, if any.
    fn decide(&mut self, state: &State) {
        let Some(decided) = state.plays.get(self.debits.len()) else { return };
        let number = u32::try_from(self.debits.len()).unwrap();
        let mut random = [0; 10];
        random.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        let id = gametriggers_actors::domain::id::PlayId::mint(self.now, random);
        let debit = Debit {
            event: id,
            kind: EventKind::Play,
            play: id,
            lease: self.leases[decided.lease],
            campaign: self.campaigns[state.leases[decided.lease].campaign],
            streamer: self.streamers[decided.streamer],
            creative: CreativeId(1),
            currency: Currency::INR,
            split: split(decided.price),
            viewers: 10,
            occurred: self.now,
        };
        self.debits.push((debit, decided.expires));
    }

    async fn claim(&self, picks: &[Pick]) -> Answer {
        let picked = picks.iter().filter(|pick| pick.play < self.debits.len());
        let claim = |pick: &Pick| {
            let (play, expires) = self.debits[pick.play];
            let debit = pick.click.map_or(play, |click| Debit {
                event: play.event.click(&click.to_be_bytes()),
                kind: EventKind::Click,
                split: split(click_price(play.split.price.0)),
                viewers: 0,
                ..play
            });
            // The engine looks at the token's life before the ledger sees the claim.
            let verdict = if self.now > expires { Err(Reason::TokenExpired) } else { Ok(()) };
            Claim { debit, verdict }
        };
        let claims: Vec<Claim> = picked.map(claim).collect();
        let outcomes = self.bench.store.settle(&claims, self.now).await.unwrap();
        let settled = |outcome| match outcome {
            Outcome::Settled => Settled::Paid,
            Outcome::Duplicate => Settled::Again,
            Outcome::Rejected(reason) => Settled::No(reason),
        };
        Answer::Claims(outcomes.into_iter().map(settled).collect())
    }

    async fn chore(&mut self, step: &Step, state: &State) {
        match step {
            Step::GiveBack(number, amount) => {
                // What the model gave back, after it looked at what is held in memory.
                let Some(lease) = state.campaigns[*number].lease else { return };
                let campaign = self.campaigns[*number];
                let before = self.bench.budget(campaign).await.leased.0;
                let back = before - state.leased(*number);
                assert!(back <= *amount);
                self.bench.store.give_back(self.leases[lease], Micros(back)).await.unwrap();
            }
            Step::Tick(_) => {
                self.now = state.now;
                self.bench.store.close_due(self.now).await.unwrap();
            }
            Step::RollUp => {
                self.bench.store.roll_up(self.now).await.unwrap();
            }
            Step::Mature => {
                self.bench.store.mature(self.now, HOLD).await.unwrap();
            }
            Step::Crash => {
                self.bench.reopen().await;
                self.bench.store.open_epoch(self.now, TOKEN_LIFE).await.unwrap();
            }
            Step::End(number) => {
                let change = CampaignChange { status: Some(Status::Ended), ..CampaignChange::default() };
                self.bench.store.change(self.campaigns[*number], &change, self.now).await.unwrap();
            }
            other => panic!("{other:?} is no chore"),
        }
    }

    async fn holds(&self, state: &State) {
        self.bench.reconciles().await;
        let store = &self.bench.store;
        let wallet = store.wallet(Owner::Brand(self.brand), Currency::INR).await.unwrap();
        let reserved: i64 = state.campaigns.iter().map(|campaign| campaign.funded - campaign.spent).sum();
        assert_eq!(
            (wallet.available.0, wallet.credit_limit.0, wallet.reserved.0),
            (state.available, state.limit, reserved)
        );
        for (number, campaign) in state.campaigns.iter().enumerate() {
            let budget = self.bench.budget(self.campaigns[number]).await;
            assert_eq!(
                (budget.funded.0, budget.spent.0, budget.leased.0),
                (campaign.funded, campaign.spent, state.leased(number))
            );
        }
        for (id, streamer) in self.streamers.iter().zip(&state.streamers) {
            let wallet = store.wallet(Owner::Streamer(*id), Currency::INR).await.unwrap();
            assert_eq!((wallet.available.0, wallet.pending.0), (streamer.available, streamer.pending()));
            let earned = store.earned(*id).await.unwrap();
            assert_eq!((earned.settled.0, earned.plays), (streamer.earned, streamer.plays));
        }
    }
}

fn split(price: i64) -> Split {
    Split::of(Micros(price), FeeBps::new(u16::try_from(FEE_BPS).unwrap()).unwrap()).unwrap()
}

/// What a request with a key came to.
fn answer(step: &Step, done: StoreResult<Answer>) -> Answer {
    match done {
        Ok(answer) => answer,
        Err(StoreError::InsufficientFunds { available }) => Answer::TooMuch(available.0),
        Err(StoreError::Constraint(_)) => Answer::Refused,
        Err(error) => panic!("{step:?}: {error}"),
    }
}

/// The machine on one database.
struct Machine<const POSTGRES: bool>;

/// How many there were, and how many of those with an answer were more than refused, by database.
static OPERATIONS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static TELLING: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

impl<const POSTGRES: bool> StateMachineTest for Machine<POSTGRES> {
    type SystemUnderTest = (Runtime, System);
    type Reference = Ledger;

    fn init_test(state: &State) -> Self::SystemUnderTest {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let on = if POSTGRES { On::Postgres } else { On::Sqlite };
        let system = runtime.block_on(System::new(on, state));
        (runtime, system)
    }

    fn apply(
        (runtime, mut system): Self::SystemUnderTest,
        state: &State,
        step: Step,
    ) -> Self::SystemUnderTest {
        OPERATIONS[usize::from(POSTGRES)].fetch_add(1, Ordering::Relaxed);
        let answer = runtime.block_on(system.step(&step, state));
        TELLING[usize::from(POSTGRES)].fetch_add(u64::from(answer.tells()), Ordering::Relaxed);
        assert_eq!(answer, state.answer, "{step:?}");
        (runtime, system)
    }

    fn check_invariants((runtime, system): &Self::SystemUnderTest, state: &State) {
        runtime.block_on(system.holds(state));
    }

    fn teardown((runtime, system): Self::SystemUnderTest, _: State) {
        runtime.block_on(system.bench.store.close());
    }
}

fn run<const POSTGRES: bool>(name: &str, fallback: u32) {
    let cases = std::env::var("GAMETRIGGERS_MODEL_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(fallback),
        max_shrink_iters: 300,
        source_file: Some(file!()),
        ..Config::default()
    };
    let cases = config.cases;
    let mut runner = TestRunner::new(config.clone());
    let lives = Ledger::sequential_strategy(20..80_usize);
    let result = runner.run(&lives, |(state, steps, seen)| {
        Machine::<POSTGRES>::test_sequential(config.clone(), state, steps, seen);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let operations = OPERATIONS[usize::from(POSTGRES)].load(Ordering::Relaxed);
    let telling = TELLING[usize::from(POSTGRES)].load(Ordering::Relaxed);
    let line = format!(
        "model on {name}: sequences={cases} operations={operations} with_effect={telling} min_failing=none"
    );
    // Shown with --nocapture.
    std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn sqlite_lives_as_the_model_does() {
    run::<false>("sqlite", 12);
}

#[test]
fn postgres_lives_as_the_model_does() {
    run::<true>("postgres", 6);
}
