//! The cap of a day is hard, an outage is made good without a burst, and a new plan takes nothing away.

use super::*;
use crate::domain::campaign::{Flight, PacingMode};
use crate::domain::decision::tests::campaign;
use crate::domain::id::{CampaignId, CreativeId, StreamerId};
use crate::domain::money::{Currency, Split};
use crate::domain::pacing::{ONE, TUNED, Week};
use crate::domain::settlement::Debit;
use crate::domain::time::Millis;
use proptest::prelude::*;
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const LEASE: LeaseId = LeaseId(1);

fn account(budget: i64, change: impl FnOnce(&mut Campaign)) -> Account {
    let mut campaign = campaign(1);
    campaign.flight = Flight { starts: UnixMillis(0), ends: UnixMillis(DAY) };
    campaign.pacing = PacingMode::Even;
    change(&mut campaign);
    let plan = Plan::uniform(campaign.flight);
    let mut account = Account::default();
    account.change((Arc::new(campaign), Arc::new(plan)), &TUNED, UnixMillis(0));
    account.read(Budget { funded: Micros(budget), ..Budget::default() }, &TUNED, UnixMillis(0));
    account.granted(LEASE, Micros(budget), UnixMillis(0));
    account
}

fn play(n: u32) -> PlayId {
    let mut random = [0; 10];
    random.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    PlayId::mint(UnixMillis(0), random)
}

fn want(n: u32, amount: i64, now: UnixMillis) -> Want {
    let returns = now + Millis::minutes(5);
    Want { play: play(n), amount: Micros(amount), value: Micros(amount), returns, standing: 0 }
}

fn claim(n: u32, price: i64, now: UnixMillis) -> Claim {
    let debit = Debit {
        event: play(n),
        kind: EventKind::Play,
        play: play(n),
        lease: LEASE,
        campaign: CampaignId(1),
        streamer: StreamerId(1),
        creative: CreativeId(1),
        currency: Currency::INR,
        split: Split { price: Micros(price), fee: Micros::ZERO, earn: Micros(price) },
        viewers: 10,
        occurred: now,
    };
    Claim { debit, verdict: Ok(()) }
}

/// Plays at a moment as often as the campaign lets, `tries` at most, each settled at once; what was spent.
fn spend(account: &mut Account, n: &mut u32, (price, tries): (i64, u32), now: UnixMillis) -> i64 {
    let mut spent = 0;
    for _ in 0..tries {
        *n += 1;
        if matches!(account.reserve(&want(*n, price, now), &TUNED, now), Some(Ok(_))) {
            account.settled(&claim(*n, price, now), &Outcome::Settled, now);
            spent += price;
        }
    }
    spent
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(i64),
    Settle(usize),
    Refuse(usize),
    Release(usize),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_i64..400).prop_map(Step::Reserve),
        4 => (0_usize..8).prop_map(Step::Settle),
        1 => (0_usize..8).prop_map(Step::Refuse),
        1 => (0_usize..8).prop_map(Step::Release),
        3 => (1_i64..DAY / 3).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever was set aside before midnight and settled after it, no day pays more than the cap.
    #[test]
    fn a_day_never_exceeds_its_cap(
        steps in proptest::collection::vec(step(), 0..300), cap in 100_i64..2_000, mode in 0_usize..3,
    ) {
        let mode = [PacingMode::Even, PacingMode::Asap, PacingMode::FrontLoaded][mode];
        let mut account = account(1_000_000, |campaign| {
            campaign.daily_cap = Some(Micros(cap));
            campaign.pacing = mode;
            campaign.flight.ends = UnixMillis(10 * DAY);
        });
        let (mut now, mut open): (UnixMillis, Vec<(u32, i64)>) = (UnixMillis(0), Vec::new());
        let mut days: BTreeMap<i64, i64> = BTreeMap::new();
        let mut refused = 0;
        for (n, step) in (0_u32..).zip(steps) {
            match step {
                Step::Reserve(price) => match account.reserve(&want(n, price, now), &TUNED, now) {
                    Some(Ok(_)) => {
                        open.push((n, price));
                        let held: i64 = open.iter().map(|(_, price)| price).sum();
                        let today = days.get(&utc_day(now)).copied().unwrap_or(0);
                        prop_assert!(today + held <= cap, "{} and {} of {}", today, held, cap);
                    }
                    Some(Err(Reason::DailyCap)) => refused += 1,
                    _ => {}
                },
                Step::Settle(at) if at < open.len() => {
                    let (n, price) = open.remove(at);
                    account.settled(&claim(n, price, now), &Outcome::Settled, now);
                    *days.entry(utc_day(now)).or_default() += price;
                }
                Step::Refuse(at) if at < open.len() => {
                    let (n, price) = open.remove(at);
                    let outcome = Outcome::Rejected(Reason::TooShort);
                    account.settled(&claim(n, price, now), &outcome, now);
                }
                Step::Release(at) if at < open.len() => account.release(play(open.remove(at).0)),
                Step::Pass(span) => now = now + Millis(span),
                Step::Settle(_) | Step::Refuse(_) | Step::Release(_) => {}
            }
            let within = days.values().all(|spent| *spent <= cap);
            prop_assert!(within, "{:?} of {}, {} refused", days, cap, refused);
            let today = days.get(&utc_day(now)).copied().unwrap_or(0);
            prop_assert_eq!(account.budget().spent_today(now), Micros(today));
        }
    }
}

#[test]
fn clicks_on_a_refused_play_find_their_money() {
    let now = UnixMillis(HOUR);
    let refuse = |pricing| {
        let mut account = account(10_000, |campaign| {
            campaign.pricing = pricing;
            campaign.pacing = PacingMode::Asap;
        });
        assert!(matches!(account.reserve(&want(1, 900, now), &TUNED, now), Some(Ok(LEASE))));
        account.settled(&claim(1, 0, now), &Outcome::Rejected(Reason::SkippedByStreamer), now);
        account
    };
    // Nothing can follow the refusal of a play that is paid by itself.
    assert_eq!(refuse(Pricing::Flat(Micros(900))).free(), Micros(10_000));
    let mut account = refuse(Pricing::Cpc(Micros(300)));
    assert_eq!((account.free(), account.budget().rejected), (Micros(9_100), 1));
    let click = |n| {
        let play = claim(1, 300, now).debit;
        Claim { debit: Debit { event: self::play(n), kind: EventKind::Click, ..play }, verdict: Ok(()) }
    };
    account.settled(&click(2), &Outcome::Settled, now);
    assert_eq!((account.free(), account.budget().clicks), (Micros(9_100), 1));
    // A click that is refused frees nothing of what others may cost.
    account.settled(&click(3), &Outcome::Rejected(Reason::LeaseExhausted), now);
    assert_eq!(account.free(), Micros(9_100));
    assert_eq!(account.expire(now + Millis::minutes(5)), 1);
    assert_eq!(account.free(), Micros(9_700));
}

#[test]
fn a_campaign_at_its_cap_goes_on_the_next_day() {
    let mut account = account(1_000_000, |campaign| {
        campaign.daily_cap = Some(Micros(1_000));
        campaign.pacing = PacingMode::Asap;
        campaign.flight.ends = UnixMillis(10 * DAY);
    });
    let (mut n, noon) = (0, UnixMillis(DAY / 2));
    assert_eq!(spend(&mut account, &mut n, (100, 50), noon), 1_000);
    let refused = account.reserve(&want(1_000, 100, noon), &TUNED, noon);
    assert_eq!(refused, Some(Err(Reason::DailyCap)));
    let last = UnixMillis(DAY - 1);
    assert_eq!(account.reserve(&want(1_001, 1, last), &TUNED, last), Some(Err(Reason::DailyCap)));
    assert_eq!(spend(&mut account, &mut n, (100, 50), UnixMillis(DAY)), 1_000);
}

const BUDGET: i64 = 1_000_000_000;
const PRICE: i64 = 200_000;
/// Slots of a step of ten seconds: together several times what the budget needs.
const STEP: i64 = 10_000;
const SLOTS: u32 = 3;

/// Spends from one moment to another wherever it may; what was spent.
fn run(account: &mut Account, n: &mut u32, from: i64, to: i64) -> i64 {
    let steps = (from / STEP..to / STEP).map(|step| UnixMillis(step * STEP));
    steps.map(|now| spend(account, n, (PRICE, SLOTS), now)).sum()
}

#[test]
fn an_outage_of_hours_is_made_good_without_a_burst_and_by_the_end_all_is_spent() {
    for (down, up) in [(9, 15), (0, 6), (1, 7), (2, 8), (15, 21), (12, 18)] {
        let mut account = account(BUDGET, |_| ());
        let mut n = 0;
        let before = run(&mut account, &mut n, 0, down * HOUR);
        let rate = (BUDGET - before) / (24 - up);
        let mut spent = before;
        for hour in up..24 {
            let now = run(&mut account, &mut n, hour * HOUR, (hour + 1) * HOUR);
            spent += now;
            assert!(now * 2 <= rate * 3, "hour {hour} after {down} to {up}: {now} of {rate}");
        }
        assert!((BUDGET / 1000 * 995..=BUDGET).contains(&spent), "{spent}");
    }
}

#[test]
fn a_new_plan_keeps_what_was_earned_and_is_no_burst() {
    let mut account = account(BUDGET, |_| ());
    let (mut n, noon) = (0, UnixMillis(DAY / 2));
    // Half of what was earned is in hand.
    let spent = run(&mut account, &mut n, 0, 11 * HOUR);
    let tokens = |account: &Account| account.view(noon).tokens(account.share(&TUNED, noon));
    let (before, campaign) = (tokens(&account), Arc::clone(account.campaign().unwrap()));
    assert!(before > Micros(BUDGET / 30), "{before:?}");
    // Most of the day's supply was in the morning: by this plan three quarters should be spent by now.
    let mut weights = vec![1_u64; 96];
    weights.iter_mut().take(48).for_each(|weight| *weight = 3);
    let week = Arc::new(Week::new(&weights.repeat(7)).unwrap());
    let plan = Arc::new(Plan::weekly(campaign.flight, week));
    assert!(plan.share(PacingMode::Even, noon).abs_diff(ONE / 4 * 3) <= 1);
    account.change((campaign, Arc::clone(&plan)), &TUNED, noon);
    let after = tokens(&account);
    assert!(after.0.abs_diff(before.0) <= 1, "{before:?} {after:?}");
    let mut rest = spent;
    let rate = (BUDGET - spent) / 12;
    for hour in 12..24 {
        let now = run(&mut account, &mut n, hour * HOUR, (hour + 1) * HOUR);
        rest += now;
        // The hour in which nothing was played is made good, and no more.
        assert!(now * 10 <= rate * 17, "hour {hour}: {now} of {rate}");
    }
    assert!((BUDGET / 1000 * 995..=BUDGET).contains(&rest), "{rest}");
}
