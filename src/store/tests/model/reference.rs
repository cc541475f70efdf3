//! The ledger as anybody would explain it: a few maps, and what each operation has to answer.

use crate::store::tests::{NOW, TOKEN_LIFE};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

pub(super) const CAMPAIGNS: usize = 3;
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
    /// A budget by what it is to be in all.
    FundTo(usize, i64),
    /// A budget by what is added to it.
    Reserve(usize, i64),
    Release(usize, i64),
    Refund(i64),
    AdjustBrand(i64),
    AdjustStreamer(usize, i64),
    CreditLimit(i64),
    Grant(usize, i64),
    GiveBack(usize, i64),
    /// A play of a campaign on a streamer, for a price.
    Decide(usize, usize, i64),
    /// Plays and their clicks by number, in one batch; one may come twice.
    Claim(Vec<Pick>),
    Tick(i64),
    RollUp,
    Mature,
    Crash,
    End(usize),
}

/// What is claimed: a play, or one of its clicks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub(super) play: usize,
    pub(super) click: Option<u32>,
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
    /// What a budget has afterwards: funded, spent, leased.
    Budget(i64, i64, i64),
    Granted(Option<i64>),
    Claims(Vec<Settled>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Paid,
    Again,
    No(Reason),
}

impl Answer {
    /// Whether a request did something.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Available(_) | Self::Budget(..))
    }

    /// Whether an operation went beyond what refuses it at once.
    pub(super) fn tells(&self) -> bool {
        match self {
            Self::Nothing | Self::Refused | Self::TooMuch(_) | Self::Granted(None) => false,
            Self::Available(_) | Self::Budget(..) | Self::Granted(Some(_)) => true,
            Self::Claims(settled) => !settled.is_empty(),
        }
    }
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
    /// What came of its clicks.
    pub(super) clicks: BTreeMap<u32, Settled>,
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
            Step::Reserve(campaign, amount) => self.reserve(*campaign, *amount),
            Step::Grant(campaign, wanted) => self.grant(*campaign, *wanted),
            Step::Decide(campaign, streamer, price) => self.decide(*campaign, *streamer, *price),
            Step::Claim(picks) => {
                let there = picks.iter().filter(|pick| pick.play < self.plays.len()).copied();
                Answer::Claims(there.collect::<Vec<_>>().into_iter().map(|pick| self.claim(pick)).collect())
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
                // A click may have taken what a play holds.
                lease.granted -= (lease.granted - lease.settled - lease.held).clamp(0, *amount);
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

    fn reserve(&mut self, campaign: usize, amount: i64) -> Answer {
        if self.campaigns[campaign].ended {
            return Answer::Refused;
        }
        let answer = self.take(amount, self.available + self.limit);
        if !answer.is_done() {
            return answer;
        }
        self.campaigns[campaign].funded += amount;
        let Campaign { funded, spent, .. } = self.campaigns[campaign];
        Answer::Budget(funded, spent, self.leased(campaign))
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
            let clicks = BTreeMap::new();
            self.plays.push(Play { lease: number, streamer, price, expires, result: None, clicks });
        }
        Answer::Nothing
    }

    fn claim(&mut self, pick: Pick) -> Settled {
        let play = &mut self.plays[pick.play];
        let known = match pick.click {
            Some(click) => play.clicks.get(&click).copied(),
            None => play.result,
        };
        match known {
            Some(Settled::Paid) => return Settled::Again,
            Some(refused) => return refused,
            None => {}
        }
        let price = if pick.click.is_some() { click_price(play.price) } else { play.price };
        let lease = &mut self.leases[play.lease];
        let result = if self.now > play.expires {
            Settled::No(Reason::TokenExpired)
        } else if lease.closed {
            Settled::No(Reason::LeaseClosed)
        } else if lease.settled + price > lease.granted {
            Settled::No(Reason::LeaseExhausted)
        } else {
            Settled::Paid
        };
        match pick.click {
            Some(click) => drop(play.clicks.insert(click, result)),
            None => play.result = Some(result),
        }
        if pick.click.is_none() && lease.closes_at.is_none() {
            lease.held -= price;
        }
        if result == Settled::Paid {
            lease.settled += price;
            self.campaigns[lease.campaign].spent += price;
            let wallet = &mut self.streamers[play.streamer];
            let earn = price - price * FEE_BPS / 10_000;
            wallet.unrolled += earn;
            wallet.earned += earn;
            wallet.plays += u64::from(pick.click.is_none());
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

/// What a click on a play costs.
pub(super) const fn click_price(price: i64) -> i64 {
    price / 2 + 1
}

/// Whether a step carries a key.
pub(super) const fn is_keyed(step: &Step) -> bool {
    matches!(
        step,
        Step::Deposit(_)
            | Step::FundTo(..)
            | Step::Reserve(..)
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

    /// Mostly what can be done as things stand, so that a life is long on plays that are paid, refused and
    /// claimed again; and some of what can not.
    fn transitions(state: &State) -> BoxedStrategy<Step> {
        let funded: Vec<i64> = state.campaigns.iter().map(|campaign| campaign.funded).collect();
        let (campaign, amount) = (0..CAMPAIGNS, 1_i64..3_000);
        let signed = prop_oneof![-2_000_i64..-1, 1_i64..500];
        let open = |campaign: usize| !state.campaigns[campaign].ended;
        let likely = |is, weight| if is { weight } else { 1 };
        let is_poor = state.available + state.limit < 3_000;
        let grants = (0..CAMPAIGNS).any(|campaign| open(campaign) && state.free(campaign) > 0);
        let decides = state.campaigns.iter().any(|campaign| campaign.lease.is_some());
        prop_oneof![
            likely(is_poor, 8) => (1_i64..10_000).prop_map(Step::Deposit),
            3 => Just(Step::Repeat),
            likely(!is_poor, 4) => (campaign.clone(), -200_i64..3_000)
                .prop_map(move |(c, more)| Step::FundTo(c, (funded[c] + more).max(1))),
            likely(!is_poor, 4) => (campaign.clone(), amount.clone()).prop_map(|(c, a)| Step::Reserve(c, a)),
            1 => (campaign.clone(), 1_i64..800).prop_map(|(c, a)| Step::Release(c, a)),
            1 => (1_i64..3_000).prop_map(Step::Refund),
            1 => signed.clone().prop_map(Step::AdjustBrand),
            1 => (0..STREAMERS, signed).prop_map(|(s, a)| Step::AdjustStreamer(s, a)),
            2 => (0_i64..4_000).prop_map(Step::CreditLimit),
            likely(grants, 7) => (campaign.clone(), amount).prop_map(|(c, a)| Step::Grant(c, a)),
            1 => (campaign.clone(), 1_i64..500).prop_map(|(c, a)| Step::GiveBack(c, a)),
            likely(decides, 14) =>
                (campaign.clone(), 0..STREAMERS, 1_i64..300).prop_map(|(c, s, p)| Step::Decide(c, s, p)),
            likely(!state.plays.is_empty(), 12) => claims(state.plays.len()).prop_map(Step::Claim),
            3 => (1_i64..400_000).prop_map(Step::Tick),
            1 => (DAY / 2..3 * DAY).prop_map(Step::Tick),
            2 => Just(Step::RollUp),
            1 => Just(Step::Mature),
            2 => Just(Step::Crash),
            1 => campaign.prop_map(Step::End),
        ]
        .boxed()
    }

    fn apply(mut state: State, step: &Step) -> State {
        state.answer = state.step(step);
        if is_keyed(step) && state.answer.is_done() {
            state.keyed = Some(state.answer.clone());
        }
        state
    }

    // An ended campaign gives its rest back by itself. The last one is not ended: nothing would come after.
    fn preconditions(state: &State, step: &Step) -> bool {
        match step {
            Step::Release(campaign, _) => !state.campaigns[*campaign].ended,
            Step::End(campaign) => {
                let others = state.campaigns.iter().enumerate().filter(|(number, _)| number != campaign);
                others.into_iter().any(|(_, other)| !other.ended)
            }
            _ => true,
        }
    }
}

/// A batch: plays of any time and of late, and clicks on them, some of which the budget did not count on.
fn claims(plays: usize) -> impl Strategy<Value = Vec<Pick>> {
    let last = plays.max(1);
    let play = prop_oneof![1 => 0..last, 3 => last.saturating_sub(5)..last];
    let click = prop_oneof![3 => Just(None), 1 => (0_u32..3).prop_map(Some)];
    prop::collection::vec((play, click).prop_map(|(play, click)| Pick { play, click }), 1..8)
}
