//! The ledger as anybody would explain it: a few maps, and what each operation has to answer.

use crate::store::tests::{NOW, TOKEN_LIFE};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

pub(super) const CAMPAIGNS: usize = 2;
pub(super) const STREAMERS: usize = 3;
pub(super) const FEE_BPS: i64 = 2_000;
/// How long earnings stay pending.
pub(super) const HOLD: Millis = Millis::minutes(3 * 24 * 60);
const DAY: i64 = 24 * 60 * 60_000;

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Deposit(i64),
    /// The last request that moved money by a key, once more.
    Repeat,
    FundTo(usize, i64),
    Release(usize, i64),
    Refund(i64),
    AdjustBrand(i64),
    AdjustStreamer(usize, i64),
    CreditLimit(i64),
    Grant(usize, i64),
    GiveBack(usize, i64),
    /// A play of a campaign on a streamer, for a price.
    Decide(usize, usize, i64),
    /// Plays by number, in one batch; a number may come twice.
    Claim(Vec<prop::sample::Index>),
    Tick(i64),
    RollUp,
    Mature,
    Crash,
    End(usize),
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    Refused,
    /// There is only so much.
    TooMuch(i64),
    /// What a wallet has available afterwards.
    Available(i64),
    Granted(Option<i64>),
    Claims(Vec<Settled>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Paid,
    Again,
    No(Reason),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Campaign {
    pub(super) funded: i64,
    pub(super) spent: i64,
    pub(super) ended: bool,
    /// Of this process, by number.
    pub(super) lease: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) campaign: usize,
    pub(super) granted: i64,
    pub(super) settled: i64,
    /// Held in memory for plays that are decided; the database knows nothing of it.
    pub(super) held: i64,
    /// None while it is open.
    pub(super) closes_at: Option<UnixMillis>,
    pub(super) closed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Play {
    pub(super) lease: usize,
    pub(super) streamer: usize,
    pub(super) price: i64,
    pub(super) expires: UnixMillis,
    pub(super) result: Option<Settled>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Streamer {
    pub(super) available: i64,
    pub(super) unrolled: i64,
    /// By the day of the roll-up.
    pub(super) pending: BTreeMap<i64, i64>,
    pub(super) plays: u64,
    /// Earned, all time: corrections are not earnings.
    pub(super) earned: i64,
}

impl Streamer {
    pub(super) fn pending(&self) -> i64 {
        self.unrolled + self.pending.values().sum::<i64>()
    }
}

/// The whole ledger.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) now: UnixMillis,
    pub(super) outside: i64,
    pub(super) available: i64,
    pub(super) limit: i64,
    pub(super) campaigns: [Campaign; CAMPAIGNS],
    pub(super) streamers: [Streamer; STREAMERS],
    pub(super) leases: Vec<Lease>,
    pub(super) plays: Vec<Play>,
    /// What the last operation answered.
    pub(super) answer: Answer,
    /// What the last request with a key answered.
    pub(super) keyed: Option<Answer>,
}

impl State {
    pub(super) fn leased(&self, campaign: usize) -> i64 {
        let of = |lease: &&Lease| lease.campaign == campaign && !lease.closed;
        self.leases.iter().filter(of).map(|lease| lease.granted - lease.settled).sum()
    }

    fn free(&self, campaign: usize) -> i64 {
        let Campaign { funded, spent, .. } = self.campaigns[campaign];
        funded - spent - self.leased(campaign)
    }

    fn take(&mut self, wanted: i64, most: i64) -> Answer {
        if wanted > most {
            return Answer::TooMuch(most);
        }
        self.available -= wanted;
        Answer::Available(self.available)
    }

    fn step(&mut self, step: &Step) -> Answer {
        match step {
            Step::Repeat => self.keyed.clone().unwrap_or(Answer::Nothing),
            Step::FundTo(campaign, total) => self.fund_to(*campaign, *total),
            Step::Grant(campaign, wanted) => self.grant(*campaign, *wanted),
            Step::Decide(campaign, streamer, price) => self.decide(*campaign, *streamer, *price),
            Step::Claim(picks) => {
                let claim = |index: &prop::sample::Index| {
                    (!self.plays.is_empty()).then(|| index.index(self.plays.len()))
                };
                let plays: Vec<usize> = picks.iter().filter_map(claim).collect();
                Answer::Claims(plays.into_iter().map(|play| self.claim(play)).collect())
            }
            step if is_keyed(step) => self.by_hand(step),
            step => {
                self.chore(step);
                Answer::Nothing
            }
        }
    }

    /// What moves money between a wallet and somewhere else.
    fn by_hand(&mut self, step: &Step) -> Answer {
        match step {
            Step::Deposit(amount) => {
                self.outside += amount;
                self.available += amount;
                Answer::Available(self.available)
            }
            Step::Release(campaign, amount) => {
                let free = self.free(*campaign);
                if *amount > free {
                    return Answer::TooMuch(free);
                }
                self.campaigns[*campaign].funded -= amount;
                self.take(-amount, 0)
            }
            Step::Refund(amount) => {
                let answer = self.take(*amount, self.available);
                self.outside -= if matches!(answer, Answer::Available(_)) { *amount } else { 0 };
                answer
            }
            Step::AdjustBrand(amount) => {
                // What may be lent can be spent on campaigns; it can not be taken out.
                let most = if *amount < 0 { self.available } else { i64::MAX };
                let answer = self.take(-amount, most);
                self.outside += if matches!(answer, Answer::Available(_)) { *amount } else { 0 };
                answer
            }
            Step::AdjustStreamer(streamer, amount) => {
                let wallet = &mut self.streamers[*streamer];
                if wallet.available + amount < 0 {
                    return Answer::TooMuch(wallet.available);
                }
                wallet.available += amount;
                self.outside += amount;
                Answer::Available(wallet.available)
            }
            Step::CreditLimit(limit) if self.available >= -limit => {
                self.limit = *limit;
                Answer::Available(self.available)
            }
            _ => Answer::Refused,
        }
    }

    /// What answers nothing.
    fn chore(&mut self, step: &Step) {
        match step {
            Step::GiveBack(campaign, amount) => {
                let Some(lease) = self.campaigns[*campaign].lease else { return };
                let lease = &mut self.leases[lease];
                lease.granted -= (lease.granted - lease.settled - lease.held).min(*amount);
            }
            Step::Tick(millis) => {
                self.now = self.now + Millis(*millis);
                self.close_due();
            }
            Step::RollUp => {
                let day = self.now.0.div_euclid(DAY);
                for wallet in &mut self.streamers {
                    *wallet.pending.entry(day).or_default() += std::mem::take(&mut wallet.unrolled);
                }
            }
            Step::Mature => {
                let due = |day: i64| UnixMillis((day + 1) * DAY) + HOLD <= self.now;
                for wallet in &mut self.streamers {
                    let ripe: i64 = wallet.pending.iter().filter(|(day, _)| due(**day)).map(|(_, a)| a).sum();
                    wallet.pending.retain(|day, _| !due(*day));
                    wallet.available += ripe;
                }
            }
            Step::Crash => {
                for lease in self.leases.iter_mut().filter(|lease| lease.closes_at.is_none()) {
                    lease.closes_at = Some(self.now + TOKEN_LIFE);
                }
                self.campaigns.iter_mut().for_each(|campaign| campaign.lease = None);
            }
            Step::End(campaign) => self.campaigns[*campaign].ended = true,
            other => panic!("{other:?} is no chore"),
        }
    }

    fn fund_to(&mut self, campaign: usize, total: i64) -> Answer {
        let Campaign { funded, ended, .. } = self.campaigns[campaign];
        if ended || total < funded {
            return Answer::Refused;
        }
        let answer = self.take(total - funded, self.available + self.limit);
        if matches!(answer, Answer::Available(_)) {
            self.campaigns[campaign].funded = total;
        }
        answer
    }

    fn grant(&mut self, campaign: usize, wanted: i64) -> Answer {
        let amount = wanted.min(self.free(campaign));
        if self.campaigns[campaign].ended || amount <= 0 {
            return Answer::Granted(None);
        }
        let fresh = self.leases.len();
        let lease = *self.campaigns[campaign].lease.get_or_insert(fresh);
        if lease == fresh {
            let (granted, settled, held) = (0, 0, 0);
            self.leases.push(Lease { campaign, granted, settled, held, closes_at: None, closed: false });
        }
        self.leases[lease].granted += amount;
        Answer::Granted(Some(amount))
    }

    fn decide(&mut self, campaign: usize, streamer: usize, price: i64) -> Answer {
        let Some(number) = self.campaigns[campaign].lease else { return Answer::Nothing };
        let lease = &mut self.leases[number];
        if lease.granted - lease.settled - lease.held >= price {
            lease.held += price;
            let expires = self.now + TOKEN_LIFE;
            self.plays.push(Play { lease: number, streamer, price, expires, result: None });
        }
        Answer::Nothing
    }

    fn claim(&mut self, number: usize) -> Settled {
        let play = &mut self.plays[number];
        match play.result {
            Some(Settled::Paid) => return Settled::Again,
            Some(refused) => return refused,
            None => {}
        }
        let lease = &mut self.leases[play.lease];
        let result = if self.now > play.expires {
            Settled::No(Reason::TokenExpired)
        } else if lease.closed {
            Settled::No(Reason::LeaseClosed)
        } else {
            Settled::Paid
        };
        play.result = Some(result);
        if lease.closes_at.is_none() {
            lease.held -= play.price;
        }
        if result == Settled::Paid {
            lease.settled += play.price;
            self.campaigns[lease.campaign].spent += play.price;
            let wallet = &mut self.streamers[play.streamer];
            let earn = play.price - play.price * FEE_BPS / 10_000;
            wallet.unrolled += earn;
            wallet.earned += earn;
            wallet.plays += 1;
        }
        result
    }

    fn close_due(&mut self) {
        for lease in &mut self.leases {
            lease.closed |= lease.closes_at.is_some_and(|at| at <= self.now);
        }
        for number in 0..CAMPAIGNS {
            if self.campaigns[number].ended && self.leased(number) == 0 {
                let campaign = &mut self.campaigns[number];
                self.available += campaign.funded - campaign.spent;
                campaign.funded = campaign.spent;
            }
        }
    }
}

/// Whether a step carries a key.
pub(super) const fn is_keyed(step: &Step) -> bool {
    matches!(
        step,
        Step::Deposit(_)
            | Step::FundTo(..)
            | Step::Release(..)
            | Step::Refund(_)
            | Step::AdjustBrand(_)
            | Step::AdjustStreamer(..)
            | Step::CreditLimit(_)
    )
}

/// The machine that makes the steps.
pub(super) struct Ledger;

impl ReferenceStateMachine for Ledger {
    type State = State;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<State> {
        Just(State {
            now: NOW,
            outside: 0,
            available: 0,
            limit: 0,
            campaigns: Default::default(),
            streamers: Default::default(),
            leases: Vec::new(),
            plays: Vec::new(),
            answer: Answer::Nothing,
            keyed: None,
        })
        .boxed()
    }

    fn transitions(_: &State) -> BoxedStrategy<Step> {
        let claims = prop::collection::vec(any::<prop::sample::Index>(), 1..8);
        let campaign = 0..CAMPAIGNS;
        let amount = 1_i64..3_000;
        let signed = prop_oneof![-2_000_i64..-1, 1_i64..500];
        prop_oneof![
            4 => (1_i64..10_000).prop_map(Step::Deposit),
            2 => Just(Step::Repeat),
            5 => (campaign.clone(), amount.clone()).prop_map(|(c, a)| Step::FundTo(c, a)),
            2 => (campaign.clone(), 1_i64..800).prop_map(|(c, a)| Step::Release(c, a)),
            1 => (1_i64..3_000).prop_map(Step::Refund),
            1 => signed.clone().prop_map(Step::AdjustBrand),
            1 => (0..STREAMERS, signed).prop_map(|(s, a)| Step::AdjustStreamer(s, a)),
            1 => (0_i64..2_000).prop_map(Step::CreditLimit),
            6 => (campaign.clone(), amount).prop_map(|(c, a)| Step::Grant(c, a)),
            1 => (campaign.clone(), 1_i64..500).prop_map(|(c, a)| Step::GiveBack(c, a)),
            12 => (campaign.clone(), 0..STREAMERS, 1_i64..300).prop_map(|(c, s, p)| Step::Decide(c, s, p)),
            10 => claims.prop_map(Step::Claim),
            3 => (1_i64..400_000).prop_map(Step::Tick),
            1 => (DAY / 2..3 * DAY).prop_map(Step::Tick),
            2 => Just(Step::RollUp),
            1 => Just(Step::Mature),
            1 => Just(Step::Crash),
            1 => campaign.prop_map(Step::End),
        ]
        .boxed()
    }

    fn apply(mut state: State, step: &Step) -> State {
        state.answer = state.step(step);
        if is_keyed(step) && matches!(state.answer, Answer::Available(_)) {
            state.keyed = Some(state.answer.clone());
        }
        state
    }

    // An ended campaign gives its rest back by itself.
    fn preconditions(state: &State, step: &Step) -> bool {
        !matches!(step, Step::Release(campaign, _) if state.campaigns[*campaign].ended)
    }
}
