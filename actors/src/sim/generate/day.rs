//! The ordinary day, the day with a surge, and the day at scale.

use super::draw::{ONE, exp, log_normal, normal, normal_of, pareto, ratio};
use super::{DAY, STEPS, trace};
use crate::domain::campaign::Flight;
use crate::domain::money::Micros;
use crate::domain::time::UnixMillis;
use crate::sim::random::Random;
use crate::sim::trace::{Charge, Trace, TraceCampaign, TraceSlot, TraceStreamer};
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;

/// How large a day is, and what is odd about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Streamers.
    pub streamers: u32,
    /// Campaigns before those without supply are left out.
    pub campaigns: u32,
    /// Budgets against supply, in hundredths.
    pub ratio_percent: i64,
    /// From 20:00 to 21:00 streams of categories 0 and 1 draw eight times the viewers.
    pub surge: bool,
    /// Only slots of this many first hours of the evening, from 18:00; none for the whole day.
    pub hours: Option<i64>,
}

impl Size {
    /// The published size.
    #[must_use]
    pub const fn published(ratio_percent: i64) -> Self {
        Self { streamers: 400, campaigns: 80, ratio_percent, surge: false, hours: None }
    }

    /// 100 000 streamers and 1000 campaigns, for an hour of the evening: throughput only.
    #[must_use]
    pub const fn scale() -> Self {
        Self { streamers: 100_000, campaigns: 1000, ratio_percent: 50, surge: false, hours: Some(1) }
    }
}

/// Makes the day of a seed. Its plan is the day's own supply with an error; there is no bound.
#[must_use]
pub fn day(name: String, seed: u64, size: Size) -> Trace {
    let mut random = Random::new(seed);
    let mut day = trace(name, false);
    day.streamers = (0..size.streamers).map(|_| streamer(&mut random)).collect();
    let streamers = std::mem::take(&mut day.streamers);
    for (id, streamer) in (0..).zip(&streamers) {
        slots(id, streamer, size, &mut random, &mut day.slots);
    }
    day.slots.sort_by_key(|slot| (slot.at, slot.streamer));
    // Two sessions may meet: a streamer's slots are four minutes apart at least.
    let mut last: BTreeMap<u32, UnixMillis> = BTreeMap::new();
    day.slots.retain(|slot| {
        let apart = last.get(&slot.streamer).is_none_or(|last| (slot.at - *last).0 >= 240_000);
        if apart {
            last.insert(slot.streamer, slot.at);
        }
        apart
    });
    day.streamers = streamers;
    let campaigns: Vec<TraceCampaign> =
        (0..size.campaigns).map(|_| campaign(&day.streamers, &mut random)).collect();
    fund(&mut day, campaigns, size.ratio_percent, &mut random);
    // The surge is what nobody expected: budgets and plans are those of the day without it.
    if size.surge {
        let hot: Vec<bool> = day.streamers.iter().map(|streamer| streamer.category < 2).collect();
        let is_hot = |id: u32| usize::try_from(id).ok().and_then(|id| hot.get(id)) == Some(&true);
        for slot in &mut day.slots {
            if (20 * HOUR..21 * HOUR).contains(&slot.at.0) && is_hot(slot.streamer) {
                slot.viewers *= 8;
            }
        }
    }
    day
}

fn number(drawn: i64) -> u32 {
    u32::try_from(drawn).unwrap_or(0)
}

fn streamer(random: &mut Random) -> TraceStreamer {
    let crowd = (8 * (ONE + pareto(random))) >> 32;
    let language = match random.below(20) {
        0..10 => 0,
        10..14 => 1,
        14..17 => 2,
        17..19 => 3,
        _ => 4,
    };
    TraceStreamer {
        category: number(random.between(0, 9)),
        language,
        base_viewers: u32::try_from(crowd.clamp(8, 5000)).unwrap_or(5000),
    }
}

fn slots(id: u32, streamer: &TraceStreamer, size: Size, random: &mut Random, out: &mut Vec<TraceSlot>) {
    let sessions = if random.percent(25) { 2 } else { 1 };
    let open = size.hours.map_or(0..DAY.0, |hours| 18 * HOUR..(18 + hours) * HOUR);
    for session in 0..sessions {
        let usual = if session == 0 { (19 * HOUR, 4 * HOUR) } else { (11 * HOUR, 3 * HOUR) };
        let begin = normal_of(random, usual).rem_euclid(DAY.0);
        let length = log_normal(random, 3 * HOUR + HOUR / 5, ONE / 2).clamp(HOUR / 2, 12 * HOUR);
        let end = (begin + length).min(DAY.0);
        let mut at = begin + random.between(0, 300_000);
        let mut wander = 0;
        while at < end {
            wander = wander * 9 / 10 + normal(random) * 12 / 100;
            let passed = ratio(i128::from(at - begin), i128::from(length));
            let ramp = if passed * 5 < ONE {
                ONE / 2 + passed * 5 / 2
            } else if passed * 10 > 9 * ONE {
                ratio(85, 100)
            } else {
                ONE
            };
            let crowd = (((i128::from(streamer.base_viewers) * ramp) >> 32) * exp(wander)) >> 32;
            if open.contains(&at) {
                let viewers = u32::try_from(crowd.clamp(1, 100_000)).unwrap_or(1);
                out.push(TraceSlot { at: UnixMillis(at), streamer: id, viewers });
            }
            at += random.between(240_000, 360_000);
        }
    }
}

fn some(random: &mut Random, (least, most): (i64, i64), of: i64) -> BTreeSet<u32> {
    let count = random.between(least, most);
    let mut chosen = BTreeSet::new();
    while i64::try_from(chosen.len()).unwrap_or(count) < count {
        chosen.insert(number(random.between(0, of - 1)));
    }
    chosen
}

fn campaign(streamers: &[TraceStreamer], random: &mut Random) -> TraceCampaign {
    let kind = random.below(10);
    let charge = match kind {
        0..6 => {
            let rate = log_normal(random, 4_000_000, ratio(6, 10)).clamp(1_000_000, 20_000_000);
            Charge::Cpm(Micros(rate / 1000 * 1000))
        }
        6..9 => Charge::Cpc(Micros(random.between(100_000, 1_500_000)), BTreeMap::new()),
        _ => Charge::Flat(Micros(random.between(500_000, 5_000_000))),
    };
    let mut campaign = TraceCampaign {
        brand: number(random.between(0, 59)),
        category: number(random.between(0, 11)),
        charge,
        budget: Micros(1),
        flight: flight(random),
        content_categories: some(random, (2, 5), 10),
        languages: some(random, (1, 3), 5),
        viewers_min: match random.below(5) {
            0 | 1 => 0,
            2 => 20,
            3 => 50,
            _ => 100,
        },
        participants: BTreeSet::new(),
    };
    for (id, streamer) in (0..).zip(streamers) {
        let suits = campaign.content_categories.contains(&streamer.category)
            && campaign.languages.contains(&streamer.language)
            && streamer.base_viewers >= campaign.viewers_min;
        if !suits || !random.percent(60) {
            continue;
        }
        campaign.participants.insert(id);
        if let Charge::Cpc(_, clicks) = &mut campaign.charge {
            clicks.insert(id, number(log_normal(random, 1200, ONE / 2).clamp(200, 6000)));
        }
    }
    campaign
}

fn flight(random: &mut Random) -> Flight {
    if !random.percent(30) {
        return Flight { starts: UnixMillis(0), ends: UnixMillis(DAY.0) };
    }
    let length = random.between(4 * HOUR, 12 * HOUR);
    let middle =
        if random.percent(70) { normal_of(random, (18 * HOUR, 3 * HOUR)) } else { random.between(0, DAY.0) };
    let starts = (middle - length / 2).clamp(0, DAY.0 - length);
    Flight { starts: UnixMillis(starts), ends: UnixMillis(starts + length) }
}

/// What the slots are worth to a campaign, before its budget is known.
#[derive(Clone, Default)]
struct Supply {
    whole: i64,
    /// Each slot's worth, divided by the number of campaigns that want it.
    part: i64,
    steps: Vec<i64>,
}

fn supply(day: &Trace, campaigns: &[TraceCampaign]) -> Vec<Supply> {
    let mut wants: Vec<Vec<usize>> = vec![Vec::new(); day.streamers.len()];
    for (place, campaign) in campaigns.iter().enumerate() {
        for id in &campaign.participants {
            if let Some(list) = usize::try_from(*id).ok().and_then(|id| wants.get_mut(id)) {
                list.push(place);
            }
        }
    }
    let mut all = vec![Supply { steps: vec![0; STEPS], ..Supply::default() }; campaigns.len()];
    for slot in &day.slots {
        let list = usize::try_from(slot.streamer).ok().and_then(|id| wants.get(id));
        let open = |place: &&usize| campaigns.get(**place).is_some_and(|c| c.flight.contains(slot.at));
        let open: Vec<usize> = list.into_iter().flatten().filter(open).copied().collect();
        let count = i64::try_from(open.len()).unwrap_or(1).max(1);
        let step = usize::try_from(slot.at.0 / day.limits.plan_step.0).unwrap_or(0);
        for place in open {
            let Some((campaign, supply)) = campaigns.get(place).zip(all.get_mut(place)) else { continue };
            let worth = campaign.price(slot.streamer, slot.viewers).0;
            supply.whole += worth;
            supply.part += worth / count;
            if let Some(step) = supply.steps.get_mut(step) {
                *step += worth;
            }
        }
    }
    all
}

/// Gives budgets by supply, leaves out campaigns that have too little of it, and makes the plans.
fn fund(day: &mut Trace, campaigns: Vec<TraceCampaign>, ratio_percent: i64, random: &mut Random) {
    let supplies = supply(day, &campaigns);
    for (mut campaign, supply) in campaigns.into_iter().zip(supplies) {
        let part = supply.part / 100 * ratio_percent;
        let budget = log_normal(random, part, ratio(6, 10)).max(1_000_000).min(supply.whole / 10 * 9);
        campaign.budget = Micros(budget);
        let (steps, errors) = (supply.steps, plan_errors(random));
        if budget < 1_000_000 || supply.whole * 2 < budget {
            continue;
        }
        day.plans.push(plan(&steps, &errors, campaign.flight, day.limits.plan_step.0));
        day.campaigns.push(campaign);
    }
}

/// A log-normal error of a quarter for each step, smoothed over three.
fn plan_errors(random: &mut Random) -> Vec<i128> {
    let raw: Vec<i128> = (0..STEPS).map(|_| exp(normal(random) / 4)).collect();
    let at = |step: usize| raw.get(step.min(STEPS - 1)).copied().unwrap_or(ONE);
    (0..STEPS).map(|step| at(step.saturating_sub(1)) / 4 + at(step) / 2 + at(step + 1) / 4).collect()
}

fn plan(steps: &[i64], errors: &[i128], flight: Flight, length: i64) -> Vec<u32> {
    let inside = |step: usize| {
        let begin = i64::try_from(step).unwrap_or(0) * length;
        begin < flight.ends.0 && begin + length > flight.starts.0
    };
    let expected = steps
        .iter()
        .zip(errors)
        .enumerate()
        .map(|(step, (worth, error))| if inside(step) { (i128::from(*worth) * error) >> 32 } else { 0 });
    let sums: Vec<i128> = expected
        .scan(0, |sum, worth| {
            *sum += worth;
            Some(*sum)
        })
        .collect();
    let all = sums.last().copied().unwrap_or(0).max(1);
    let mut shares: Vec<u32> =
        sums.iter().map(|sum| u32::try_from(sum * 1_000_000 / all).unwrap_or(1_000_000)).collect();
    if let Some(last) = shares.last_mut() {
        *last = 1_000_000;
    }
    shares
}
