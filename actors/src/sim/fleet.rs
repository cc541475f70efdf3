//! A day on several nodes: each campaign's money in a lease per node, and one ledger that grants them.
//!
//! Streamers are spread over the nodes. A node has an `Account` for each campaign and decides by what it
//! knows: numbers that it read when it was last granted money, or five seconds ago if it had work since. A
//! play that finds its lease empty waits for a grant, which here takes no time. A node that crashes loses
//! its accounts and starts again at once; what was in its leases stays away until no token of the old
//! process can be claimed.

use super::replay::{GAP, claim, number};
use super::score::{Score, score};
use super::trace::{Trace, TraceSlot};
use crate::domain::campaign::account::{Account, Want};
use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::{Campaign, Quote};
use crate::domain::conflict::RuleIndex;
use crate::domain::decision::{Bid, Candidate, Choice, Guide, Slot, decide};
use crate::domain::id::{LeaseId, PlayId, StreamerId};
use crate::domain::money::{Currency, Micros};
use crate::domain::pacing::{Attainments, Pacing, Plan};
use crate::domain::policy::Policy;
use crate::domain::settlement::Outcome;
use crate::domain::streamer::history::History;
use crate::domain::streamer::{Profile, Sample, Settings};
use crate::domain::time::{Millis, UnixMillis};
use std::sync::Arc;

/// From one look at what is idle to the next.
const SWEEP: Millis = Millis::seconds(10);
/// Numbers that were read live so long, when there was work.
const READ: Millis = Millis::seconds(5);
/// The life of a token with what may pass before and after it: as long as a dead node's lease is kept.
const STRANDED: Millis = Millis(600_000 + 6_500 + 60_000);

/// What is done with a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plot {
    /// Nodes.
    pub nodes: u32,
    /// A lease that nobody used for so long goes back; none keeps it.
    pub idle: Option<Millis>,
    /// Whether a node reads the numbers of campaigns again that it had no work with.
    pub fresh: bool,
    /// When the first node crashes.
    pub crash: Option<UnixMillis>,
}

impl Plot {
    /// The published fleet: few prices at a time, idle leases back after a minute, a crash at 20:30.
    #[must_use]
    pub const fn published(nodes: u32) -> Self {
        let crash = UnixMillis((20 * 60 + 30) * 60_000);
        Self { nodes, idle: Some(Millis::seconds(60)), fresh: true, crash: Some(crash) }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// How good it was.
    pub score: Score,
    /// Times that the ledger granted money.
    pub grants: u64,
    /// What the crash kept away, until it came back.
    pub stranded: Micros,
    /// The most that was ever spent or leased beyond a budget; must be 0.
    pub beyond: Micros,
}

struct Holding {
    account: Account,
    read: UnixMillis,
    used: UnixMillis,
    touched: bool,
}

struct Node {
    holdings: Vec<Holding>,
    all: Attainments,
}

struct Stream {
    profile: Profile,
    history: History,
    earned: Attainments,
    campaigns: Vec<usize>,
}

struct Day<'a> {
    trace: &'a Trace,
    pacing: &'a dyn Pacing,
    plot: Plot,
    rules: RuleIndex,
    settings: Settings,
    policy: Policy,
    listed: Vec<(Arc<Campaign>, Arc<Plan>)>,
    ledger: Vec<Budget>,
    nodes: Vec<Node>,
    streams: Vec<Stream>,
    leases: i64,
    plays: u64,
    grants: u64,
    /// When what a dead node had comes back, by campaign.
    away: Vec<(UnixMillis, usize, Micros)>,
    stranded: i64,
    beyond: i64,
}

/// Plays a day on a fleet.
#[must_use]
pub fn fleet(trace: &Trace, pacing: &dyn Pacing, plot: Plot) -> Fleet {
    let mut day = Day::new(trace, pacing, plot);
    let (mut decisions, mut swept, mut crash) = (Vec::new(), UnixMillis(0), plot.crash);
    for slot in &trace.slots {
        if crash.take_if(|at| *at <= slot.at).is_some() {
            day.crash(slot.at);
        }
        if slot.at - swept >= SWEEP {
            swept = slot.at;
            day.sweep(slot.at);
        }
        decisions.push(day.slot(*slot));
    }
    let (stranded, beyond) = (Micros(day.stranded), Micros(day.beyond));
    Fleet { score: score(trace, &decisions), grants: day.grants, stranded, beyond }
}

impl<'a> Day<'a> {
    fn new(trace: &'a Trace, pacing: &'a dyn Pacing, plot: Plot) -> Self {
        let listed: Vec<(Arc<Campaign>, Arc<Plan>)> = (0_u32..)
            .zip(&trace.campaigns)
            .enumerate()
            .map(|(place, (id, terms))| {
                (Arc::new(trace.campaign(id, terms)), Arc::new(trace.plan(place, terms)))
            })
            .collect();
        let streams = (0_u32..).zip(&trace.streamers).map(|(id, streamer)| {
            let wanted = trace.campaigns.iter().enumerate().filter(|(_, c)| c.wants(id, streamer));
            Stream {
                profile: trace.profile(streamer),
                history: History::default(),
                earned: Attainments::default(),
                campaigns: wanted.map(|(place, _)| place).collect(),
            }
        });
        let budget =
            |terms: &super::trace::TraceCampaign| Budget { funded: terms.budget, ..Budget::default() };
        let mut day = Self {
            trace,
            pacing,
            plot,
            rules: trace.rules(),
            settings: Settings::default(),
            policy: Policy::open(),
            listed,
            ledger: trace.campaigns.iter().map(budget).collect(),
            nodes: Vec::new(),
            streams: streams.collect(),
            leases: 0,
            plays: 0,
            grants: 0,
            away: Vec::new(),
            stranded: 0,
            beyond: 0,
        };
        day.nodes = (0..plot.nodes.max(1)).map(|_| day.node(UnixMillis(0))).collect();
        day
    }

    /// A node that has just started.
    fn node(&self, now: UnixMillis) -> Node {
        let holding = |((campaign, plan), budget): (&(Arc<Campaign>, Arc<Plan>), &Budget)| {
            let mut account = Account::default();
            account.change((Arc::clone(campaign), Arc::clone(plan)), self.pacing, now);
            account.read(*budget, self.pacing, now);
            Holding { account, read: now, used: now, touched: false }
        };
        Node {
            holdings: self.listed.iter().zip(&self.ledger).map(holding).collect(),
            all: Attainments::default(),
        }
    }

    /// The first node loses all it knew.
    fn crash(&mut self, now: UnixMillis) {
        let Some(node) = self.nodes.first() else { return };
        let free: Vec<Micros> = node.holdings.iter().map(|holding| holding.account.free()).collect();
        for (place, free) in free.into_iter().enumerate().filter(|(_, free)| free.is_positive()) {
            self.away.push((now + STRANDED, place, free));
            self.stranded += free.0;
        }
        let fresh = self.node(now);
        if let Some(node) = self.nodes.first_mut() {
            *node = fresh;
        }
    }

    /// Takes back what is idle, and what no token can claim any more.
    fn sweep(&mut self, now: UnixMillis) {
        let ledger = &mut self.ledger;
        self.away.retain(|(until, place, free)| {
            let over = *until <= now;
            if let Some(budget) = ledger.get_mut(*place).filter(|_| over) {
                budget.leased.0 -= free.0;
            }
            !over
        });
        for node in &mut self.nodes {
            for (holding, budget) in node.holdings.iter_mut().zip(ledger.iter_mut()) {
                let idle = self.plot.idle.is_some_and(|span| now - holding.used >= span);
                if idle && let Some((_, free)) = holding.account.take_free().filter(|(_, f)| f.is_positive())
                {
                    budget.leased.0 -= free.0;
                    holding.account.handed_back(free);
                }
                if (holding.touched || self.plot.fresh) && now - holding.read >= READ {
                    (holding.touched, holding.read) = (false, now);
                    holding.account.read(*budget, self.pacing, now);
                }
            }
        }
    }

    fn slot(&mut self, slot: TraceSlot) -> Option<u32> {
        let node = usize::try_from(slot.streamer % self.plot.nodes.max(1)).ok()?;
        let ranked = self.decide(node, slot)?;
        for choice in ranked {
            let place = usize::try_from(choice.campaign.id.0).ok()?;
            if self.play(node, place, slot, &choice).is_some() {
                let stream = self.streams.get_mut(usize::try_from(slot.streamer).ok()?)?;
                stream.history.record(&choice.campaign, slot.at);
                stream.earned.granted(Currency::INR, choice.value, slot.at);
                self.nodes.get_mut(node)?.all.granted(Currency::INR, choice.value, slot.at);
                return u32::try_from(place).ok();
            }
        }
        None
    }

    fn decide(&mut self, node: usize, slot: TraceSlot) -> Option<Vec<Choice>> {
        let (trace, now) = (self.trace, slot.at);
        let stream = self.streams.get_mut(usize::try_from(slot.streamer).ok()?)?;
        let node = self.nodes.get_mut(node)?;
        let candidates: Vec<Candidate<'_>> = stream
            .campaigns
            .iter()
            .filter_map(|place| {
                let (campaign, plan) = self.listed.get(*place)?;
                let value = trace.campaigns.get(*place)?.price(slot.streamer, slot.viewers);
                let quote = Some(Quote { per_play: value, per_click: Micros::ZERO, clicks_max: 0 });
                let account = &node.holdings.get(*place)?.account;
                let candidate = Candidate::new(campaign, account, plan, Bid { quote, value });
                Some(Candidate { reached: true, ..candidate })
            })
            .collect();
        let at = Slot {
            now,
            streamer: StreamerId(i64::from(slot.streamer)),
            profile: &stream.profile,
            policy: &self.policy,
            settings: &self.settings,
            sample: Sample { live: true, viewers: slot.viewers, sampled: now },
            history: &stream.history,
            earned: &stream.earned,
            all: &node.all,
            gap: GAP,
        };
        let charge_max_bps = trace.limits.charge_max_bps;
        let guide = Guide { rules: &self.rules, pacing: self.pacing, charge_max_bps, offers: false };
        let decision = decide(at, guide, &candidates, |_, _| ());
        for (currency, best, _) in &decision.attainable {
            stream.earned.due(*currency, *best, now);
            node.all.due(*currency, *best, now);
        }
        Some(decision.ranked)
    }

    /// Sets the money aside, asking the ledger when the lease is empty; then the play is shown and settled.
    fn play(&mut self, node: usize, place: usize, slot: TraceSlot, choice: &Choice) -> Option<()> {
        self.plays += 1;
        let (now, amount) = (slot.at, choice.value);
        let play = PlayId::mint(now, number(self.plays));
        let want = Want { play, amount, value: amount, returns: now + GAP, standing: choice.standing };
        let account = &mut self.nodes.get_mut(node)?.holdings.get_mut(place)?.account;
        let mut answer = account.reserve(&want, self.pacing, now);
        if answer.is_none() {
            self.ask(node, place, amount, now);
            let account = &mut self.nodes.get_mut(node)?.holdings.get_mut(place)?.account;
            answer = account.reserve(&want, self.pacing, now);
        }
        let Some(Ok(lease)) = answer else { return None };
        let mut claim = claim(play, choice.campaign.id, slot, amount);
        claim.debit.lease = lease;
        let budget = self.ledger.get_mut(place)?;
        budget.settle(amount, now);
        self.beyond = self.beyond.max(budget.spent.0 + budget.leased.0 - budget.funded.0);
        let holding = self.nodes.get_mut(node)?.holdings.get_mut(place)?;
        holding.account.settled(&claim, &Outcome::Settled, now);
        (holding.used, holding.touched) = (now, true);
        self.ask(node, place, amount, now);
        Some(())
    }

    /// Asks the ledger for more, when the lease runs low.
    fn ask(&mut self, node: usize, place: usize, price: Micros, now: UnixMillis) {
        let Some(budget) = self.ledger.get_mut(place) else { return };
        let holding = self.nodes.get_mut(node).and_then(|node| node.holdings.get_mut(place));
        let Some(holding) = holding else { return };
        let left = budget.unleased();
        let wanted = holding.account.wanted(price);
        let granted = wanted.map_or(0, |wanted| wanted.0.min(left.0));
        if granted > 0 {
            budget.leased.0 += granted;
            self.grants += 1;
            self.leases += 1;
            let lease = holding
                .account
                .lease()
                .map_or(LeaseId(self.leases), crate::domain::campaign::lease::Lease::id);
            holding.account.granted(lease, Micros(granted), now);
            holding.account.read(*budget, self.pacing, now);
            holding.read = now;
        }
        self.beyond = self.beyond.max(budget.spent.0 + budget.leased.0 - budget.funded.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pacing::TUNED;
    use crate::sim::generate::day::{Size, day};

    #[test]
    fn a_fleet_spends_no_more_than_one_node_and_hardly_less() {
        let size = Size { streamers: 120, campaigns: 40, ..Size::published(50) };
        let trace = day("fleet".to_owned(), 3, size);
        let one = fleet(&trace, &TUNED, Plot { crash: None, ..Plot::published(1) });
        let eight = fleet(&trace, &TUNED, Plot::published(8));
        assert_eq!((one.beyond, eight.beyond, eight.score.overspend.0), (Micros(0), Micros(0), 0));
        assert!(eight.score.value.0 * 100 >= one.score.value.0 * 97, "{one:?} {eight:?}");
        // What nobody gives back is missing elsewhere.
        let kept = Plot { idle: None, ..Plot::published(8) };
        let kept = fleet(&trace, &TUNED, kept);
        assert!(kept.stranded.is_positive(), "the crash has to hurt");
        assert!(kept.score.value < eight.score.value);
        assert_eq!(kept.beyond, Micros(0));
    }
}
