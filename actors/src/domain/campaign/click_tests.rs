//! Campaigns that pay per click: what it costs to find out that nobody clicks, and what clicks are worth.

use super::*;
use crate::domain::conflict::RuleIndex;
use crate::domain::decision::tests::{campaign, profile};
use crate::domain::decision::{Bid, Candidate, Guide, Slot, decide};
use crate::domain::id::StreamerId;
use crate::domain::pacing::{Attainments, BudgetView, Plan, TUNED};
use crate::domain::policy::Policy;
use crate::domain::streamer::history::History;
use crate::domain::streamer::{Sample, Settings};
use proptest::prelude::*;

const CLICK: i64 = 2_000_000;

/// Slot after slot before the same audience, for a campaign that pays per click and one that pays `flat`: who
/// gets it, by the rules that run, and how many clicks come of a million viewers.
struct Market {
    campaigns: [Arc<Campaign>; 2],
    viewers: u32,
    truth_ppm: u64,
    /// Viewers and clicks of the first campaign.
    seen: (u64, u64),
}

impl Market {
    fn new(flat: i64, viewers: u32, truth_ppm: u64) -> Self {
        let priced = |id, pricing| Arc::new(Campaign { pricing, ..campaign(id) });
        let campaigns = [priced(1, Pricing::Cpc(Micros(CLICK))), priced(2, Pricing::Flat(Micros(flat)))];
        Self { campaigns, viewers, truth_ppm, seen: (0, 0) }
    }

    fn value(&self, campaign: &Campaign) -> Micros {
        let rate = click_rate_ppm(self.seen.0, self.seen.1);
        campaign.pricing.quote(self.viewers).unwrap().expected(self.viewers, rate)
    }

    /// Whether the slot goes to the campaign that pays per click.
    fn slot(&mut self) -> bool {
        let plan = Plan::uniform(self.campaigns[0].flight);
        let now = UnixMillis(1_000_000_000);
        let budget = BudgetView { funded: Micros(1 << 46), ..BudgetView::default() };
        let candidates = self.campaigns.each_ref().map(|campaign| {
            let (quote, value) = (campaign.pricing.quote(self.viewers), self.value(campaign));
            Candidate::new(campaign, &budget, &plan, Bid { quote, value })
        });
        let slot = Slot {
            now,
            streamer: StreamerId(1),
            profile: &profile(),
            policy: &Policy::open(),
            settings: &Settings::default(),
            sample: Sample { live: true, viewers: self.viewers, sampled: now },
            history: &History::default(),
            earned: &Attainments::default(),
            all: &Attainments::default(),
            gap: Millis::minutes(5),
        };
        let guide =
            Guide { rules: &RuleIndex::default(), pacing: &TUNED, charge_max_bps: 10_000, offers: false };
        let won = decide(slot, guide, &candidates, |_, _| ()).ranked[0].campaign.id.0 == 1;
        if won {
            let before = self.seen.0 * self.truth_ppm / 1_000_000;
            self.seen.0 += u64::from(self.viewers);
            self.seen.1 += self.seen.0 * self.truth_ppm / 1_000_000 - before;
        }
        won
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What the streamer loses to a campaign that nobody clicks: the flat price of each slot it got.
    #[test]
    fn a_campaign_that_nobody_clicks_costs_at_most_89_clicks_and_one_play(
        viewers in 100_u32..20_000, part in 1_i64..100,
    ) {
        let first = Market::new(1, viewers, 0);
        let first = first.value(&first.campaigns[0]).0;
        // From a hundredth of what the first play was worth up to nearly all of it.
        let flat = (first * part / 100).max(1);
        let mut market = Market::new(flat, viewers, 0);
        let mut lost = 0;
        while market.slot() {
            lost += flat;
            prop_assert!(market.seen.0 < VIEWERS_EXPLORED + u64::from(viewers), "it ends");
        }
        prop_assert!(lost <= 8913 * CLICK / 100 + first, "{} clicks", lost / CLICK);
        for _ in 0..10 {
            prop_assert!(!market.slot(), "it stays so");
        }
    }
}

#[test]
fn the_bound_on_exploring_is_reached_by_nearly_nothing_less() {
    // A flat competitor that pays next to nothing leaves all of the exploring to happen.
    let mut market = Market::new(1, 500, 0);
    let mut worth = 0;
    while market.slot() {
        worth += market.value(&market.campaigns[0]).0;
    }
    assert!(market.seen.0 >= VIEWERS_EXPLORED, "{}", market.seen.0);
    assert!((87 * CLICK..=90 * CLICK).contains(&worth), "{}", worth / CLICK);
}

#[test]
fn with_clicks_the_value_comes_to_the_truth_from_either_side() {
    for truth in [50_u64, 500, 1_200, 4_000] {
        let mut market = Market::new(1, 1000, truth);
        let value = |market: &Market| market.value(&market.campaigns[0]).0;
        let expected = CLICK * 1000 * i64::try_from(truth).unwrap() / 1_000_000;
        for viewers in [0_i64, 100_000, 1_000_000, 4_000_000] {
            while market.seen.0 < viewers.unsigned_abs() {
                assert!(market.slot());
            }
            let off = (value(&market) - expected).abs() * 1000 / expected;
            // The guess that it began with has the word of 20 000 viewers; later they stand for no click at
            // all, and the last click may not have come yet.
            let truth = i64::try_from(truth).unwrap();
            let guess = 1000.max((1_200 - truth).abs() * 1000 / truth) * 20_000 / (viewers + 20_000);
            let most = guess + 1_000_000_000 / (viewers * truth).max(1) + 2;
            assert!(off <= most, "at {viewers} of {truth}: {off} above {most}");
        }
    }
}

#[test]
fn a_campaign_that_is_clicked_beats_a_flat_price_below_its_worth_and_yields_to_one_above() {
    // 2000 clicks of a million viewers are 4 a play of 1000 viewers at this price.
    for (flat, wins) in [(CLICK * 19 / 10, true), (CLICK * 21 / 10, false)] {
        let mut market = Market::new(flat, 1000, 2_000);
        market.seen = (1_000_000, 2_040);
        let won = (0..50).filter(|_| market.slot()).count();
        assert_eq!(won > 45, wins, "{won} of 50 at {flat}");
    }
}
