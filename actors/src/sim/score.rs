//! How good a day was. The definitions are those of `benches/traces/README.md`;
//! `benches/traces/check_result.py` computes them again from the decisions alone.

#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a score is for people; what it is computed from stays far below 2^53"
)]

use super::trace::Trace;
use crate::domain::money::Micros;

/// The score of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Sum of the charges.
    pub value: Micros,
    /// That as a share of the bound, in percent; not a number on a day without a bound.
    pub lp_percent: f64,
    /// Spend as a share of all budgets, in percent.
    pub utilisation_percent: f64,
    /// Campaigns that had spent 99 % of their budget with more than a tenth of their supply still to come.
    pub early: usize,
    /// How far spending was from the campaign's own supply, over the day: root mean square of the
    /// differences of the shares, weighted by budget.
    pub shape_rmse: f64,
    /// Jain's index of what streamers earned of what they could have: 1 when all earned the same part.
    pub jain: f64,
    /// Spent beyond budgets; must be 0.
    pub overspend: Micros,
    /// Slots that were filled.
    pub plays: usize,
    /// Slots in all.
    pub slots: usize,
}

/// What happened to one campaign.
#[derive(Default)]
struct Course {
    /// Time and charge of each slot that was open to it.
    supply: Vec<(i64, i64)>,
    /// Time and charge of each play, and the supply up to it.
    plays: Vec<(i64, i64, i64)>,
    supplied: i64,
    spent: i64,
}

impl Course {
    fn ran_out_early(&self, budget: i64) -> bool {
        let mut spent = 0;
        for (_, price, seen) in &self.plays {
            spent += price;
            if spent * 100 >= budget * 99 {
                return (self.supplied - seen) * 10 > self.supplied;
            }
        }
        false
    }

    fn shape_error(&self, trace: &Trace, (starts, ends): (i64, i64)) -> f64 {
        let step = trace.limits.plan_step.0.max(1);
        let (mut plays, mut supply) = (self.plays.iter().peekable(), self.supply.iter().peekable());
        let (mut spent, mut seen, mut squares, mut count) = (0_i64, 0_i64, 0.0, 0_u32);
        let share = |part: i64, whole: i64| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
        let mut end = 0;
        while end <= trace.day.0 {
            while let Some((_, price, _)) = plays.next_if(|(at, ..)| *at < end) {
                spent += price;
            }
            while let Some((_, price)) = supply.next_if(|(at, _)| *at < end) {
                seen += price;
            }
            if (starts..=ends).contains(&end) {
                squares += (share(spent, self.spent) - share(seen, self.supplied)).powi(2);
                count += 1;
            }
            end += step;
        }
        if count > 0 { (squares / f64::from(count)).sqrt() } else { 0.0 }
    }
}

/// The score of these decisions: for each slot the campaign that got it.
#[must_use]
pub fn score(trace: &Trace, decisions: &[Option<u32>]) -> Score {
    let mut courses: Vec<Course> = trace.campaigns.iter().map(|_| Course::default()).collect();
    let mut streams = vec![(0_i64, 0_i64); trace.streamers.len()];
    let suits: Vec<Vec<usize>> = (0_u32..)
        .zip(&trace.streamers)
        .map(|(id, streamer)| {
            let wanted = trace.campaigns.iter().enumerate().filter(|(_, c)| c.wants(id, streamer));
            wanted.map(|(place, _)| place).collect()
        })
        .collect();
    for (slot, chosen) in trace.slots.iter().zip(decisions) {
        let stream = usize::try_from(slot.streamer).unwrap_or(usize::MAX);
        let (mut best, mut paid) = (0, 0);
        for place in suits.get(stream).into_iter().flatten() {
            let Some((campaign, course)) = trace.campaigns.get(*place).zip(courses.get_mut(*place)) else {
                continue;
            };
            let price = campaign.price(slot.streamer, slot.viewers);
            if !campaign.flight.contains(slot.at) || !campaign.affords(price, &trace.limits) {
                continue;
            }
            best = best.max(price.0);
            course.supplied += price.0;
            course.supply.push((slot.at.0, price.0));
            if chosen.and_then(|id| usize::try_from(id).ok()) == Some(*place) {
                paid = price.0;
                course.spent += price.0;
                course.plays.push((slot.at.0, price.0, course.supplied));
            }
        }
        if let Some((earned, attainable)) = streams.get_mut(stream) {
            *earned += paid;
            *attainable += best;
        }
    }
    total(trace, &courses, &streams)
}

fn total(trace: &Trace, courses: &[Course], streams: &[(i64, i64)]) -> Score {
    let value: i64 = courses.iter().map(|course| course.spent).sum();
    let budgets: i64 = trace.campaigns.iter().map(|c| c.budget.0).sum();
    let pairs = || trace.campaigns.iter().zip(courses);
    let shape = pairs().map(|(campaign, course)| {
        let flight = (campaign.flight.starts.0, campaign.flight.ends.0);
        campaign.budget.0 as f64 * course.shape_error(trace, flight)
    });
    let rates = streams.iter().filter(|(_, attainable)| *attainable > 0);
    let rates: Vec<f64> = rates.map(|(earned, attainable)| *earned as f64 / *attainable as f64).collect();
    let (sum, squares) = (rates.iter().sum::<f64>(), rates.iter().map(|rate| rate * rate).sum::<f64>());
    Score {
        value: Micros(value),
        lp_percent: trace.optimum.map_or(f64::NAN, |most| 100.0 * value as f64 / most.0 as f64),
        utilisation_percent: 100.0 * value as f64 / budgets as f64,
        early: pairs().filter(|(campaign, course)| course.ran_out_early(campaign.budget.0)).count(),
        shape_rmse: shape.sum::<f64>() / budgets as f64,
        jain: if squares > 0.0 { sum * sum / (rates.len() as f64 * squares) } else { 0.0 },
        overspend: Micros(pairs().map(|(c, course)| (course.spent - c.budget.0).max(0)).sum()),
        plays: courses.iter().map(|course| course.plays.len()).sum(),
        slots: trace.slots.len(),
    }
}
