//! A trace, slot by slot, through the code that decides for real.

use super::trace::{Trace, TraceSlot};
use crate::domain::campaign::account::{Account, Want};
use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::{Campaign, Quote};
use crate::domain::conflict::RuleIndex;
use crate::domain::decision::{Bid, Candidate, Guide, Slot, decide};
use crate::domain::id::{CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use crate::domain::money::{Currency, FeeBps, Micros, Split};
use crate::domain::pacing::{Attainments, Pacing, Plan};
use crate::domain::policy::Policy;
use crate::domain::settlement::{Claim, Debit, EventKind, Outcome};
use crate::domain::streamer::history::History;
use crate::domain::streamer::{Profile, Sample, Settings};
use crate::domain::time::{Millis, UnixMillis};
use std::sync::Arc;

/// From one slot of a streamer to the next, before any was seen.
pub(super) const GAP: Millis = Millis::minutes(5);

/// A streamer as the replay has them.
struct Stream {
    profile: Profile,
    history: History,
    earned: Attainments,
    last: Option<UnixMillis>,
    /// Places of the campaigns that run on them.
    campaigns: Vec<usize>,
}

/// A campaign as the replay has it.
struct Funded {
    campaign: Arc<Campaign>,
    plan: Arc<Plan>,
    account: Account,
}

/// A day under way.
pub struct Replay<'a> {
    trace: &'a Trace,
    pacing: &'a dyn Pacing,
    rules: RuleIndex,
    settings: Settings,
    policy: Policy,
    streams: Vec<Stream>,
    funded: Vec<Funded>,
    all: Attainments,
    /// Sum and number of the times between slots so far: what a schedule would say.
    gaps: (i64, i64),
    plays: u64,
}

impl<'a> Replay<'a> {
    /// The morning of the day.
    #[must_use]
    pub fn new(trace: &'a Trace, pacing: &'a dyn Pacing) -> Self {
        let funded = (0_u32..).zip(&trace.campaigns).enumerate().map(|(place, (id, terms))| {
            let campaign = Arc::new(trace.campaign(id, terms));
            let plan = Arc::new(trace.plan(place, terms));
            let mut account = Account::default();
            account.change((Arc::clone(&campaign), Arc::clone(&plan)), pacing, UnixMillis(0));
            let budget = Budget { funded: terms.budget, ..Budget::default() };
            account.read(budget, pacing, UnixMillis(0));
            account.granted(LeaseId(1), terms.budget, UnixMillis(0));
            Funded { campaign, plan, account }
        });
        let streams = (0_u32..).zip(&trace.streamers).map(|(id, streamer)| {
            let wanted = trace.campaigns.iter().enumerate().filter(|(_, c)| c.wants(id, streamer));
            Stream {
                profile: trace.profile(streamer),
                history: History::default(),
                earned: Attainments::default(),
                last: None,
                campaigns: wanted.map(|(place, _)| place).collect(),
            }
        });
        Self {
            trace,
            pacing,
            rules: trace.rules(),
            settings: Settings::default(),
            policy: Policy::open(),
            streams: streams.collect(),
            funded: funded.collect(),
            all: Attainments::default(),
            gaps: (0, 0),
            plays: 0,
        }
    }

    /// The whole day: for each slot the campaign that got it.
    #[must_use]
    pub fn run(mut self) -> Vec<Option<u32>> {
        self.trace.slots.iter().map(|slot| self.slot(*slot)).collect()
    }

    /// One slot: decides, takes the money, shows and settles.
    fn slot(&mut self, slot: TraceSlot) -> Option<u32> {
        let (trace, now) = (self.trace, slot.at);
        let stream = self.streams.get_mut(usize::try_from(slot.streamer).ok()?)?;
        if let Some(last) = stream.last.replace(now) {
            self.gaps = (self.gaps.0 + (now - last).0, self.gaps.1 + 1);
        }
        let candidates: Vec<Candidate<'_>> = stream
            .campaigns
            .iter()
            .filter_map(|place| {
                let Funded { campaign, plan, account } = self.funded.get(*place)?;
                let value = trace.campaigns.get(*place)?.price(slot.streamer, slot.viewers);
                let quote = Some(Quote { per_play: value, per_click: Micros::ZERO, clicks_max: 0 });
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
            all: &self.all,
            gap: Millis(self.gaps.0.checked_div(self.gaps.1).unwrap_or(GAP.0)),
        };
        let guide = Guide {
            rules: &self.rules,
            pacing: self.pacing,
            charge_max_bps: trace.limits.charge_max_bps,
            offers: false,
        };
        let decision = decide(at, guide, &candidates, |_, _| ());
        for (currency, best, _) in &decision.attainable {
            stream.earned.due(*currency, *best, now);
            self.all.due(*currency, *best, now);
        }
        for choice in decision.ranked {
            self.plays += 1;
            let place = usize::try_from(choice.campaign.id.0).ok()?;
            let account = &mut self.funded.get_mut(place)?.account;
            let play = PlayId::mint(now, number(self.plays));
            let amount = choice.value;
            let want = Want { play, amount, value: amount, returns: now + GAP, standing: choice.standing };
            if !matches!(account.reserve(&want, self.pacing, now), Some(Ok(_))) {
                continue;
            }
            account.settled(&claim(play, choice.campaign.id, slot, amount), &Outcome::Settled, now);
            stream.history.record(&choice.campaign, now);
            stream.earned.granted(Currency::INR, amount, now);
            self.all.granted(Currency::INR, amount, now);
            return u32::try_from(place).ok();
        }
        None
    }
}

/// A number as the random part of an id.
pub(super) fn number(number: u64) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    bytes
}

pub(super) fn claim(play: PlayId, campaign: CampaignId, slot: TraceSlot, price: Micros) -> Claim {
    let nothing = Split { price, fee: Micros::ZERO, earn: price };
    let split = FeeBps::new(2000).and_then(|fee| Split::of(price, fee)).unwrap_or(nothing);
    Claim {
        debit: Debit {
            event: play,
            kind: EventKind::Play,
            play,
            lease: LeaseId(1),
            campaign,
            streamer: StreamerId(i64::from(slot.streamer)),
            creative: CreativeId(campaign.0),
            currency: Currency::INR,
            split,
            viewers: slot.viewers,
            occurred: slot.at,
        },
        verdict: Ok(()),
    }
}
