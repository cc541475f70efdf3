//! Supply is counted within bounds, and plans follow it.

use super::*;
use crate::domain::campaign::{Campaign, Flight, PacingMode, Pricing};
use crate::domain::daypart::Dayparts;
use crate::domain::decision::tests::{campaign, profile};
use crate::domain::money::Micros;
use crate::domain::pacing::{ONE, Plan};
use crate::domain::targeting::Mature;
use proptest::prelude::*;

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const QUARTER: i64 = 900_000;

fn cell(category: &str, band: u32) -> Cell {
    Cell { content_category: category.into(), band, ..Cell::of(&profile(), 0) }
}

fn supplied(slots: u64, viewers: u64) -> Supplied {
    Supplied { slots, viewers }
}

/// A campaign of some days, from the beginning of one on, that pays per viewer.
fn of_days(first: i64, days: i64) -> Campaign {
    let mut campaign = campaign(1);
    campaign.pricing = Pricing::Cpm(Micros(1_000_000));
    campaign.flight = Flight { starts: UnixMillis(first * DAY), ends: UnixMillis((first + days) * DAY) };
    campaign
}

fn plan(history: &SupplyHistory, campaign: &Campaign) -> Plan {
    Planner::new(history).plan(campaign)
}

/// How much of the flight, in thousandths, a plan gives from one moment to another.
fn given(plan: &Plan, from: i64, to: i64) -> i64 {
    let share = |at| plan.share(PacingMode::Even, UnixMillis(at));
    (share(to) - share(from)) * 1000 / ONE
}

/// A day with `busy` viewers in each quarter hour of some hours, and `quiet` in the others.
fn day(
    history: &mut SupplyHistory,
    day: i64,
    kind: &Cell,
    hours: std::ops::Range<i64>,
    (busy, quiet): (u64, u64),
) {
    for quarter in 0..96 {
        let viewers = if hours.contains(&(quarter / 4)) { busy } else { quiet };
        history.add(UnixMillis(day * DAY + quarter * QUARTER), kind.clone(), supplied(1, viewers));
    }
}

#[test]
fn an_audience_falls_into_the_band_of_its_digits() {
    let band = |viewers| Cell::of(&profile(), viewers).band;
    assert_eq!([0, 1, 2, 3, 4, 1023, 1024, u32::MAX].map(band), [0, 1, 2, 2, 3, 10, 11, BAND_MAX]);
}

#[test]
fn a_cell_suits_whom_its_streams_may_suit() {
    let of = |change: &dyn Fn(&mut Targeting)| {
        let mut targeting = Targeting::default();
        change(&mut targeting);
        cell("gaming", 7).suits(&targeting)
    };
    assert!(of(&|_| ()));
    assert!(of(&|t| t.viewers_min = 127) && !of(&|t| t.viewers_min = 128), "64 to 127");
    assert!(of(&|t| t.viewers_max = 64) && !of(&|t| t.viewers_max = 63));
    assert!(of(&|t| t.categories = vec!["music".into(), "gaming".into()]));
    assert!(!of(&|t| t.categories = vec!["music".into()]));
    assert!(!of(&|t| t.languages = vec!["hi".into()]) && !of(&|t| t.countries = vec!["NP".into()]));
    assert!(!of(&|t| t.platforms = vec![Platform::Kick]) && !of(&|t| t.mature = Mature::Only));
    assert!(of(&|t| t.followers_min = 1_000_000), "nobody counted followers");
    let top = Targeting { viewers_min: u32::MAX, ..Targeting::default() };
    assert!(cell("gaming", BAND_MAX).suits(&top) && !cell("gaming", BAND_MAX - 1).suits(&top));
}

#[test]
fn slots_of_a_quarter_hour_and_a_kind_are_one_row() {
    let mut supply = Supply::default();
    for (viewers, at) in [(100, 0), (120, QUARTER - 1), (100, QUARTER), (9, QUARTER)] {
        supply.slot(Cell::of(&profile(), viewers), viewers, UnixMillis(at));
    }
    let rows = supply.take(100);
    let counted: Vec<_> = rows.iter().map(|(at, cell, counts)| (at.0, cell.band, *counts)).collect();
    let expected = [(0, 7, supplied(2, 220)), (QUARTER, 4, supplied(1, 9)), (QUARTER, 7, supplied(1, 100))];
    assert_eq!(counted, expected);
    assert_eq!(supply.take(100), []);
    supply.put_back(rows.clone());
    supply.slot(Cell::of(&profile(), 100), 100, UnixMillis(0));
    let again = supply.take(1);
    assert_eq!((again.len(), again[0].2), (1, supplied(3, 320)), "nothing is lost on the way back");
    assert_eq!(supply.take(100), rows[1..]);
}

#[test]
fn a_kind_too_many_is_dropped_and_counted_until_the_quarter_hour_is_over() {
    let mut supply = Supply::default();
    let kind = |n: usize| cell(&format!("category {n}"), 1);
    for n in 0..CELLS_MAX + 7 {
        supply.slot(kind(n), 1, UnixMillis(0));
    }
    assert_eq!(supply.take(usize::MAX).len(), CELLS_MAX);
    // Written or not: the table is to stay small.
    supply.slot(kind(CELLS_MAX), 1, UnixMillis(1));
    supply.slot(kind(0), 1, UnixMillis(2));
    assert_eq!((supply.take_dropped(), supply.take_dropped()), (8, 0));
    supply.slot(kind(CELLS_MAX), 1, UnixMillis(QUARTER));
    assert_eq!((supply.take_dropped(), supply.take(9).len()), (0, 2));
}

#[test]
fn while_the_database_is_away_only_so_much_waits() {
    let mut supply = Supply::default();
    let quarters = i64::try_from(WAITING_MAX).unwrap() + 3;
    (0..quarters).for_each(|n| supply.slot(cell("gaming", 1), 1, UnixMillis(n * QUARTER)));
    assert_eq!(supply.take_dropped(), 3);
    let rows = supply.take(usize::MAX);
    supply.slot(cell("gaming", 1), 1, UnixMillis(quarters * QUARTER));
    supply.put_back(rows);
    assert_eq!(supply.take_dropped(), 1, "what comes back finds no more room than what is new");
}

#[test]
fn without_history_a_plan_is_uniform() {
    let campaign = of_days(100, 4);
    assert_eq!(plan(&SupplyHistory::default(), &campaign), Plan::uniform(campaign.flight));
    let mut elsewhere = SupplyHistory::default();
    day(&mut elsewhere, 99, &cell("music", 7), 18..22, (1000, 0));
    let mut gaming = campaign.clone();
    gaming.targeting.categories = vec!["gaming".into()];
    assert_eq!(plan(&elsewhere, &gaming), Plan::uniform(gaming.flight));
    assert_ne!(plan(&elsewhere, &campaign), Plan::uniform(campaign.flight));
}

#[test]
fn supply_in_the_evening_leads_to_spending_in_the_evening() {
    let mut history = SupplyHistory::default();
    day(&mut history, 99, &cell("gaming", 7), 18..22, (1000, 10));
    let plan = plan(&history, &of_days(100, 2));
    let evening = given(&plan, 100 * DAY + 18 * HOUR, 100 * DAY + 22 * HOUR);
    // 16 steps of 1000 among 80 of 10, less what smoothing takes to both sides.
    assert!((455..=475).contains(&evening), "{evening}");
    assert!(given(&plan, 100 * DAY, 100 * DAY + 12 * HOUR) <= 15);
    let (today, tomorrow) = (given(&plan, 100 * DAY, 101 * DAY), given(&plan, 101 * DAY, 102 * DAY));
    assert!(today.abs_diff(tomorrow) <= 1, "yesterday stands for both: {today} {tomorrow}");
}

#[test]
fn what_was_not_there_yesterday_may_come_and_finds_a_little_of_the_plan() {
    let mut history = SupplyHistory::default();
    day(&mut history, 99, &cell("gaming", 7), 18..22, (1000, 0));
    let plan = plan(&history, &of_days(100, 1));
    let share = |hour: i64| plan.share(PacingMode::Even, UnixMillis(100 * DAY + hour * HOUR));
    assert!(share(23) < ONE && share(6) > 0, "{} {}", share(23), share(6));
    assert!(share(23) > ONE * 99 / 100 && share(6) < ONE / 100);
}

#[test]
fn the_same_weekday_counts_and_of_two_the_last() {
    let mut history = SupplyHistory::default();
    // Day 100 is a Saturday; a week ago the evening was busy, and two weeks ago the morning.
    day(&mut history, 86, &cell("gaming", 7), 6..10, (1000, 10));
    day(&mut history, 93, &cell("gaming", 7), 18..22, (1000, 10));
    day(&mut history, 99, &cell("gaming", 7), 11..15, (1000, 10));
    let saturday = plan(&history, &of_days(100, 1));
    assert!(given(&saturday, 100 * DAY + 18 * HOUR, 100 * DAY + 22 * HOUR) > 900);
    let friday = plan(&history, &of_days(99, 1));
    assert!(given(&friday, 99 * DAY + 11 * HOUR, 99 * DAY + 15 * HOUR) > 900);
    // A Sunday was never seen: both days stand for it.
    let sunday = plan(&history, &of_days(101, 1));
    let both = [11, 18].map(|hour| given(&sunday, 101 * DAY + hour * HOUR, 101 * DAY + (hour + 4) * HOUR));
    assert!(both.iter().all(|share| (440..=500).contains(share)), "{both:?}");
    // In which order the rows come does not matter.
    let mut backwards = SupplyHistory::default();
    day(&mut backwards, 99, &cell("gaming", 7), 11..15, (1000, 10));
    day(&mut backwards, 93, &cell("gaming", 7), 18..22, (1000, 10));
    day(&mut backwards, 86, &cell("gaming", 7), 6..10, (1000, 10));
    assert_eq!(backwards, history);
}

#[test]
fn an_outage_leaves_no_hole() {
    let mut history = SupplyHistory::default();
    let kind = cell("gaming", 7);
    day(&mut history, 86, &kind, 0..24, (500, 0));
    for quarter in (0..96).filter(|quarter| !(40..64).contains(quarter)) {
        history.add(UnixMillis(93 * DAY + quarter * QUARTER), kind.clone(), supplied(1, 500));
    }
    let plan = plan(&history, &of_days(100, 1));
    let hours: Vec<i64> =
        (0..24).map(|h| given(&plan, 100 * DAY + h * HOUR, 100 * DAY + (h + 1) * HOUR)).collect();
    assert!(hours.iter().all(|share| (40..=43).contains(share)), "{hours:?}");
}

#[test]
fn a_campaign_that_pays_for_plays_goes_by_slots_and_others_by_viewers() {
    let mut history = SupplyHistory::default();
    for quarter in 0..96 {
        let at = UnixMillis(99 * DAY + quarter * QUARTER);
        let counts = if quarter < 48 { supplied(30, 30) } else { supplied(10, 9000) };
        history.add(at, cell("gaming", 7), counts);
    }
    let mut campaign = of_days(100, 1);
    let morning = |campaign: &Campaign| given(&plan(&history, campaign), 100 * DAY, 100 * DAY + 12 * HOUR);
    assert!(morning(&campaign) < 20);
    campaign.pricing = Pricing::Cpc(Micros(1000));
    assert!(morning(&campaign) < 20);
    campaign.pricing = Pricing::Flat(Micros(1000));
    assert!((735..=760).contains(&morning(&campaign)), "{}", morning(&campaign));
}

#[test]
fn closed_hours_weigh_nothing_with_and_without_history() {
    let mut campaign = of_days(100, 2);
    let windows = vec!["sat,sun 12:00-13:10".parse().unwrap()];
    campaign.targeting.dayparts = Dayparts { windows, utc_offset: 60 };
    let open = (100 * DAY + 11 * HOUR, 100 * DAY + 12 * HOUR + 10 * 60_000);
    let mut history = SupplyHistory::default();
    for history in [&SupplyHistory::default(), {
        day(&mut history, 99, &cell("gaming", 7), 18..22, (1000, 10));
        &history
    }] {
        let plan = plan(history, &campaign);
        assert_eq!(given(&plan, 100 * DAY, open.0), 0);
        // The last step is open for ten minutes of its fifteen.
        assert!((495..=501).contains(&given(&plan, open.0, open.1 + 5 * 60_000)));
        assert_eq!(given(&plan, open.1 + 5 * 60_000, 101 * DAY), 0);
    }
}

#[test]
fn a_flight_that_is_cut_anywhere_and_a_long_one_have_the_shape_of_their_days() {
    let mut history = SupplyHistory::default();
    day(&mut history, 99, &cell("gaming", 7), 0..12, (100, 300));
    let mut campaign = of_days(100, 90);
    let long = plan(&history, &campaign);
    assert!(given(&long, 100 * DAY, 145 * DAY).abs_diff(500) <= 1);
    assert!(
        given(&long, 120 * DAY, 120 * DAY + 12 * HOUR).abs_diff(given(&long, 120 * DAY, 121 * DAY) / 4) <= 1
    );
    campaign.flight = Flight { starts: UnixMillis(100 * DAY + 7), ends: UnixMillis(100 * DAY + 7 + 100) };
    let short = plan(&history, &campaign);
    assert_eq!(given(&short, 100 * DAY + 7, 100 * DAY + 57), 500);
    campaign.flight.ends = UnixMillis(i64::MAX);
    assert_eq!(plan(&history, &campaign), Plan::uniform(campaign.flight), "centuries are not planned");
}

/// Some rows of some weeks.
fn rows() -> impl Strategy<Value = Vec<(i64, usize, u32, u64, u64)>> {
    let row = (0_i64..28 * 96, 0_usize..3, 0_u32..=BAND_MAX, 0_u64..50, 0_u64..u64::MAX >> 8);
    proptest::collection::vec(row, 0..200)
}

proptest! {
    #[test]
    fn a_learned_plan_never_falls_ends_whole_and_is_the_same_from_the_same_rows(
        rows in rows(), starts in 0_i64..60 * DAY, length in 1_i64..200 * DAY, flat in any::<bool>(),
        wanted in 0_usize..4, from in 0_i64..1440, to in 0_i64..1440, always in any::<bool>(),
        mut moments in proptest::collection::vec(0_i64..260 * DAY, 2..20),
    ) {
        const WORDS: [&str; 3] = ["gaming", "music", "talk"];
        let learn = |rows: &mut dyn Iterator<Item = &(i64, usize, u32, u64, u64)>| {
            let mut history = SupplyHistory::default();
            for (quarter, word, band, slots, viewers) in rows {
                let (at, cell) = (UnixMillis(quarter * QUARTER), cell(WORDS[*word], *band));
                history.add(at, cell, supplied(*slots, *viewers));
            }
            history
        };
        let mut campaign = of_days(0, 1);
        campaign.flight = Flight { starts: UnixMillis(starts), ends: UnixMillis(starts + length) };
        campaign.targeting.categories = WORDS.iter().take(wanted).map(|word| Arc::from(*word)).collect();
        if flat {
            campaign.pricing = Pricing::Flat(Micros(1));
        }
        if !always {
            let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            let window = format!("mon,thu {}-{}", clock(from), clock(to)).parse().unwrap();
            campaign.targeting.dayparts = Dayparts { windows: vec![window], utc_offset: 330 };
        }
        let plan = plan(&learn(&mut rows.iter()), &campaign);
        prop_assert_eq!(&plan, &self::plan(&learn(&mut rows.iter().rev()), &campaign));
        moments.sort_unstable();
        for mode in [PacingMode::Even, PacingMode::FrontLoaded] {
            let shares: Vec<_> = moments.iter().map(|at| plan.share(mode, UnixMillis(*at))).collect();
            prop_assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(shares.iter().all(|share| (0..=ONE).contains(share)));
            prop_assert_eq!(plan.share(mode, campaign.flight.starts), 0);
            prop_assert_eq!(plan.share(mode, campaign.flight.ends), ONE);
        }
        for at in moments {
            prop_assert!((0..=ONE).contains(&plan.day_share(UnixMillis(at))));
        }
    }

    /// The week that repeats and the plan that is drawn step by step say the same.
    #[test]
    fn a_weekly_plan_is_the_plan_of_its_steps(
        weights in proptest::collection::vec(0_u64..1000, 672), starts in 0_i64..20 * DAY,
        length in 1_i64..40 * DAY, at in 0_i64..60 * DAY,
    ) {
        let flight = Flight { starts: UnixMillis(starts), ends: UnixMillis(starts + length) };
        let of = |at: UnixMillis| weights[usize::try_from(at.0 / QUARTER % 672).unwrap()];
        let (drawn, week) = (Plan::of(flight, of), crate::domain::pacing::Week::new(&weights));
        let weekly = week.map_or(Plan::uniform(flight), |week| Plan::weekly(flight, Arc::new(week)));
        let share = |plan: &Plan| plan.share(PacingMode::Even, UnixMillis(at));
        // A step's weight is rounded to a 2^28th of the week: of a flight of minutes that is a little more.
        let open = u64::try_from(length / QUARTER).unwrap_or(0) > 2;
        let (drawn, weekly) = (share(&drawn), share(&weekly));
        prop_assert!(!open || drawn.abs_diff(weekly) <= 8, "{} {}", drawn, weekly);
    }
}
