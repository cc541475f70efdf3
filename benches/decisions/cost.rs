//! What one decision costs: the CPU time and the allocations of `decide`, as a streamer's actor calls it.
//!
//! No clock, no actor and no database take part. Each slot is of another streamer, so that nothing is warm
//! that would be cold in a server.

use crate::market::{self, PLACES_MAX};
use crate::{Outcome, number, say};
use gametriggers_actors::catalogue::Catalogue;
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::campaign::budget::Budget;
use gametriggers_actors::domain::decision::{Decision, Slot, decide};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::pacing::{Attainments, BudgetView};
use gametriggers_actors::domain::policy::Policies;
use gametriggers_actors::domain::streamer::history::History;
use gametriggers_actors::domain::streamer::live::Market;
use gametriggers_actors::domain::streamer::{Sample, Streamer};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::CatalogueRows;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
/// Streamers that take turns.
const STREAMERS: i64 = 2_000;
/// Slots of one trial, at most.
const SLOTS: usize = 50_000;
/// Campaigns that a stream has shown lately.
const SHOWN: i64 = 20;

/// One trial: so many campaigns, of which so many want each stream.
struct Trial {
    active: i64,
    matching: i64,
    catalogue: Catalogue,
    policies: Policies,
    all: Attainments,
    streams: Vec<Stream>,
}

struct Stream {
    streamer: Streamer,
    history: History,
    earned: Attainments,
}

/// What a trial showed, per decision.
struct Figures {
    p50_us: f64,
    p99_us: f64,
    allocations: f64,
    rejected: f64,
    filled: f64,
}

impl Trial {
    fn new(active: i64, matching: i64) -> Self {
        let places = active / matching;
        assert!(places * matching == active && places <= PLACES_MAX, "there are not so many places");
        let campaigns: Vec<Campaign> = (0..active).map(|id| market::campaign(id, id % places, NOW)).collect();
        let rows = CatalogueRows {
            campaigns,
            rules: market::rules(),
            overrides: Vec::new(),
            participations: Vec::new(),
        };
        let catalogue = Catalogue::new(rows, &Catalogue::default());
        for entry in catalogue.entries() {
            // A tenth of the flight has passed; one campaign in eight is ahead of its plan.
            let share = if market::mixed(entry.campaign.id.0) % 8 == 0 { 12 } else { 7 };
            let committed = Micros(10_000_000_000 * share);
            let view = BudgetView { funded: Micros(1_000_000_000_000), committed, ..BudgetView::default() };
            entry.budget.publish(&view, &Budget::default());
        }
        let streams = (0..STREAMERS).map(|id| Stream::new(id, places, &catalogue)).collect();
        let policies = gametriggers::policy::load(std::path::Path::new("")).expect("the profiles load");
        Self { active, matching, catalogue, policies, all: attained(1_000_000_000), streams }
    }

    /// As `LiveStreamer::slot` does it.
    fn decide(&self, stream: &Stream, lost: &Cell<u64>) -> Decision {
        let sample = Sample { live: true, viewers: 240, sampled: NOW };
        let Stream { streamer, history, earned } = stream;
        let slot = Slot {
            now: NOW,
            streamer: streamer.id,
            profile: &streamer.profile,
            policy: self.policies.of(streamer.profile.platform),
            settings: &streamer.settings,
            sample,
            history,
            earned,
            all: &self.all,
            gap: Millis::minutes(5),
        };
        let market: &dyn Market = &self.catalogue;
        let candidates = market.candidates(streamer, sample.viewers);
        decide(slot, market.guide(), &candidates, |_, _| lost.set(lost.get() + 1))
    }

    /// Slots for so long.
    fn run(&self, span: Duration) -> Outcome<Figures> {
        let mut nanos = hdrhistogram::Histogram::<u64>::new(3)?;
        let (rejected, mut filled) = (Cell::new(0), 0_u64);
        let began = Instant::now();
        for stream in self.streams.iter().cycle().take(SLOTS) {
            let at = Instant::now();
            let decision = black_box(self.decide(black_box(stream), &rejected));
            nanos.record(u64::try_from(at.elapsed().as_nanos())?)?;
            filled += u64::from(!decision.ranked.is_empty());
            if began.elapsed() > span && nanos.len() >= 200 {
                break;
            }
        }
        let slots = number(nanos.len());
        let micros = |quantile| number(nanos.value_at_quantile(quantile)) / 1000.0;
        Ok(Figures {
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            allocations: self.allocations(),
            rejected: number(rejected.get()) / slots,
            filled: number(filled) / slots,
        })
    }

    /// Allocations of a decision, counted apart from its time.
    fn allocations(&self) -> f64 {
        let slots = self.streams.iter().take(200);
        let each = slots.map(|stream| {
            // What it gives back is freed outside of the count.
            let mut decision = None;
            let counted = allocation_counter::measure(|| decision = Some(self.decide(stream, &Cell::new(0))));
            drop(black_box(decision));
            counted.count_total
        });
        let (mut count, mut sum) = (0, 0);
        for allocations in each {
            (count, sum) = (count + 1, sum + allocations);
        }
        number(sum) / number(count)
    }
}

impl Stream {
    fn new(id: i64, places: i64, catalogue: &Catalogue) -> Self {
        let place = id % places;
        let wants = |id: i64| catalogue.entry(CampaignId(id)).map(|entry| Arc::clone(&entry.campaign));
        // Not the same ones on each stream.
        let matching = i64::try_from(catalogue.entries().len()).unwrap_or(0) / places;
        let first = id / places * 7;
        let shown: Vec<_> = (0..SHOWN.min(matching))
            .filter_map(|at| wants(place + (first + at) % matching * places))
            .collect();
        let (profile, settings) = (Arc::new(market::profile(id, place)), Arc::new(market::settings(id)));
        let streamer = Streamer { id: StreamerId(id), profile, settings };
        Self { streamer, history: market::history(&shown, NOW), earned: attained(1_000_000 + id) }
    }
}

/// What was earned so far, of ten times as much.
fn attained(earned: i64) -> Attainments {
    let mut attained = Attainments::default();
    attained.due(Currency::INR, Micros(earned * 10), NOW);
    attained.granted(Currency::INR, Micros(earned), NOW);
    attained
}

/// Prints the table; the line of figures.
pub(crate) fn run(quick: bool) -> Outcome<String> {
    let span = if quick { Duration::from_millis(300) } else { Duration::from_secs(2) };
    say("a decision: campaigns active, those of them that want the stream, CPU time, allocations");
    say(" active  matching   p50 us    p99 us  allocations  rejected  filled");
    let measure = |active, matching| -> Outcome<Figures> {
        let trial = Trial::new(active, matching);
        let figures = trial.run(span)?;
        say(&format!(
            "{:>7} {:>9} {:>8.2} {:>9.2} {:>12.2} {:>9.1} {:>6.0}%",
            trial.active,
            trial.matching,
            figures.p50_us,
            figures.p99_us,
            figures.allocations,
            figures.rejected,
            figures.filled * 100.0,
        ));
        if figures.filled < 0.5 {
            return Err("most slots stay empty: a decision that chooses nobody measures nothing".into());
        }
        Ok(figures)
    };
    let alone = measure(50, 50)?;
    let [thousand, more, most] = [measure(1_000, 50)?, measure(10_000, 50)?, measure(100_000, 50)?];
    measure(10_000, 10)?;
    let many = measure(10_000, 200)?;
    // Two crowds with as many winners: the rest of the allocations is for the losers.
    let each = (many.allocations - alone.allocations) / (many.rejected - alone.rejected);
    Ok(format!(
        "decision_us_p50_50={:.2} decision_us_p50_1k={:.2} decision_us_p50_10k={:.2} \
         decision_us_p50_100k={:.2} allocations_per_rejected={:.3}",
        alone.p50_us, thousand.p50_us, more.p50_us, most.p50_us, each
    ))
}
